/*
 * points.c - what a safe point costs a step
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define IDLE_POINTS 5000000
#define AUTO_POINTS 200000
#define FLAGS 5000

static rally_t *open_points(const char *dir, const char *stride)
{
	rally_t *rp;

	bench_rally(rp, rally_open(MPI_COMM_WORLD, dir, &rp));
	bench_rally(rp, rally_set(rp, "stride", stride));
	return rp;
}

/* ns for each of n safe points; the first ones, with their rounds, untimed. */
static double time_points(rally_t *rp, int64_t *step, int64_t n)
{
	double from;

	for (int i = 0; i < 300; i++)
		rally_point(rp, (*step)++);
	bench_barrier();
	from = bench_now();
	for (int64_t i = 0; i < n; i++)
		if (rally_point(rp, (*step)++) != RALLY_GO)
			bench_fail("rally_point");
	return bench_slowest((bench_now() - from) * 1e9 / (double)n);
}

static double time_flags(void)
{
	int mine = 0, all;
	double from;

	for (int i = 0; i < 100; i++)
		bench_mpi(MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX,
					MPI_COMM_WORLD));
	bench_barrier();
	from = bench_now();
	for (int i = 0; i < FLAGS; i++)
		bench_mpi(MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX,
					MPI_COMM_WORLD));
	return bench_slowest((bench_now() - from) * 1e9 / FLAGS);
}

void bench_points(const struct bench *bench)
{
	double idle[RUNS_MAX], automatic[RUNS_MAX], flag[RUNS_MAX];
	char dir[4096];
	int64_t step = 0, other = 0;
	rally_t *pinned, *free_running;
	const char *top = bench->tmpfs ? bench->tmpfs : bench->disk;

	snprintf(dir, sizeof(dir), "%s/bench-points", top ? top : ".");
	pinned = open_points(dir, "2000000000");
	snprintf(dir, sizeof(dir), "%s/bench-auto", top ? top : ".");
	free_running = open_points(dir, "0");
	for (int i = 0; i < bench->runs; i++) {
		idle[i] = time_points(pinned, &step, IDLE_POINTS);
		flag[i] = time_flags();
		automatic[i] = time_points(free_running, &other, AUTO_POINTS);
	}
	bench_rally(NULL, rally_close(free_running));
	bench_rally(NULL, rally_close(pinned));
	bench_line(bench, "allreduce_flag", 0, flag, 1e-3, "us", NULL, NULL);
	bench_line(bench, "point_idle", 0, idle, 1, "ns", flag,
		   "allreduce_flag");
	bench_line(bench, "point_auto", 0, automatic, 1, "ns", flag,
		   "allreduce_flag");
}
