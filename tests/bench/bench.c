/*
 * bench.c - figures, one JSON object a line
 *
 *     make bench [RANKS=4] [BENCH_MIB=256] [BENCH_RUNS=5] [BENCH_DIR=.]
 *
 * point_idle      ns for a safe point with nothing to do: the stride is pinned
 *                 so high that no round falls into the run
 * point_auto      ns for a safe point with the default stride, its share of the
 *                 rounds included, in a loop that computes nothing: the worst
 * allreduce_flag  us for what it stands in for: MPI_Allreduce of an int
 * save_disk, save_tmpfs      GB/s of rally_save(): hash, fsync, commit, pruning
 * raw_write_disk, _tmpfs     one file a rank, pwrite, fsync, barrier
 * restore_disk, restore_tmpfs  GB/s of rally_restore(), hash checked
 * raw_read_disk, _tmpfs      pread of the same files, the page cache as warm
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_fail(const char *what)
{
	perror(what);
	MPI_Abort(MPI_COMM_WORLD, 1);
	abort();
}

void bench_mpi(int result)
{
	if (result != MPI_SUCCESS)
		bench_fail("MPI");
}

void bench_rally(rally_t *rp, int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench: %s: %s\n", rally_strerror(rc),
		rally_error(rp));
	bench_fail("rally");
}

double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bench_barrier(void)
{
	bench_mpi(MPI_Barrier(MPI_COMM_WORLD));
}

double bench_slowest(double mine)
{
	double all;

	bench_mpi(MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_MAX,
				MPI_COMM_WORLD));
	return all;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void sorted(double *copy, const double *values, int n)
{
	memcpy(copy, values, (size_t)n * sizeof(*copy));
	qsort(copy, (size_t)n, sizeof(*copy), by_value);
}

double bench_median(const double *values, int n)
{
	double copy[RUNS_MAX];

	sorted(copy, values, n);
	return n % 2 ? copy[n / 2] : (copy[n / 2 - 1] + copy[n / 2]) / 2;
}

void bench_line(const struct bench *bench, const char *name, int64_t bytes,
		const double *values, double scale, const char *unit,
		const double *base, const char *against)
{
	double copy[RUNS_MAX], ratios[RUNS_MAX];
	int n = bench->runs;

	if (bench->rank != 0)
		return;
	sorted(copy, values, n);
	for (int i = 0; base && i < n; i++)
		ratios[i] = values[i] / base[i];
	printf("{\"bench\":\"%s\",\"ranks\":%d,\"bytes\":%lld,\"value\":%.4g,"
	       "\"low\":%.4g,\"high\":%.4g,\"unit\":\"%s\",", name,
	       bench->ranks, (long long)bytes, bench_median(values, n) * scale,
	       copy[0] * scale, copy[n - 1] * scale, unit);
	if (base)
		printf("\"ratio\":%.4g,\"against\":\"%s\"}\n",
		       bench_median(ratios, n), against);
	else
		printf("\"ratio\":null,\"against\":null}\n");
	fflush(stdout);
}

static int64_t number(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	struct bench bench = { .disk = getenv("BENCH_DIR"),
			       .tmpfs = getenv("BENCH_TMPFS") };
	int level;

	bench_mpi(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level));
	bench_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &bench.rank));
	bench_mpi(MPI_Comm_size(MPI_COMM_WORLD, &bench.ranks));
	bench.bytes = number("BENCH_MIB", 256) << 20;
	bench.runs = (int)number("BENCH_RUNS", 5);
	if (bench.runs < 5 || bench.runs > RUNS_MAX || bench.bytes <= 0) {
		if (bench.rank == 0)
			fprintf(stderr, "bench: BENCH_RUNS is 5 to %d\n",
				RUNS_MAX);
		MPI_Abort(MPI_COMM_WORLD, 64);
	}
	bench_points(&bench);
	if (bench.disk && *bench.disk)
		bench_save(&bench, "disk", bench.disk, 1);
	if (bench.tmpfs && *bench.tmpfs)
		bench_save(&bench, "tmpfs", bench.tmpfs, 1);
	bench_mpi(MPI_Finalize());
	return 0;
}
