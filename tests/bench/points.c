/*
 * points.c - what a safe point costs a step
 */
#include "bench.h"

#define IDLE_POINTS 5000000
#define AUTO_POINTS 200000
#define FLAGS 5000

static rally_t *open_points(const char *dir, const char *stride)
{
	rally_t *rp = bench_open(MPI_COMM_WORLD, dir);

	bench_rally(rp, rally_set(rp, "stride", stride));
	return rp;
}

/* ns for each of n safe points; the first ones, with their rounds, untimed. The
 * loop is that of a program whose step does nothing. */
static double time_points(rally_t *rp, int64_t *from_step, int64_t n)
{
	int64_t step = *from_step, last = step + 300;
	double from;

	while (rally_point(rp, step) < RALLY_STOP && step < last)
		step++;
	step++;
	last = step + n - 1;
	bench_barrier();
	from = bench_now();
	while (rally_point(rp, step) < RALLY_STOP && step < last)
		step++;
	from = bench_now() - from;
	if (step < last)
		bench_fail("rally_point");
	*from_step = step + 1;
	return bench_slowest(from * 1e9 / (double)n);
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

void bench_points(struct bench *bench)
{
	double idle[RUNS_MAX], automatic[RUNS_MAX], flag[RUNS_MAX];
	char dir[4096];
	int64_t step = 0, other = 0;
	rally_t *pinned, *free_running;

	bench_folder(bench, "bench-points", dir, sizeof(dir));
	pinned = open_points(dir, "2000000000");
	bench_folder(bench, "bench-auto", dir, sizeof(dir));
	free_running = open_points(dir, "0");
	for (int i = 0; i < bench->runs; i++) {
		idle[i] = time_points(pinned, &step, IDLE_POINTS);
		flag[i] = time_flags();
		automatic[i] = time_points(free_running, &other, AUTO_POINTS);
	}
	bench_rally(NULL, rally_close(free_running));
	bench_rally(NULL, rally_close(pinned));
	bench->point_ns = bench_median(idle, bench->runs);
	bench->flag_ns = bench_median(flag, bench->runs);
	bench_line(bench, "allreduce_flag", 0, flag, 1e-3, "us", NULL, NULL,
		   NULL);
	bench_line(bench, "point_idle", 0, idle, 1, "ns", flag,
		   "allreduce_flag", "\"goal\":3");
	bench_line(bench, "point_auto", 0, automatic, 1, "ns", flag,
		   "allreduce_flag", NULL);
}
