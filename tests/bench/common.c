/*
 * common.c - what bench.h promises
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

rally_t *bench_open(MPI_Comm comm, const char *dir)
{
	rally_t *rp;
	int rc = rally_open(comm, dir, &rp);

	bench_rally(rp, rc);
	return rp;
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

uint64_t bench_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

void bench_folder(const struct bench *bench, const char *name, char *path,
		  size_t size)
{
	const char *top = bench->tmpfs && *bench->tmpfs ? bench->tmpfs
							: bench->disk;

	snprintf(path, size, "%s/%s", top && *top ? top : ".", name);
}

int bench_settled(const rally_t *rp, struct bench_stride *seen)
{
	struct rally_status status;
	int settled;

	bench_rally(NULL, rally_status(rp, &status));
	if (status.rounds == seen->rounds)
		return 0;
	settled = seen->rounds > 0 &&
		  status.stride <= seen->stride + seen->stride / 4;
	seen->rounds = status.rounds;
	seen->stride = status.stride;
	return settled;
}

void bench_print(const struct bench_figure *figure)
{
	printf("{\"bench\":\"%s\",\"ranks\":%d,\"bytes\":%lld,"
	       "\"value\":%.4g,\"unit\":\"%s\",", figure->name, figure->ranks,
	       (long long)figure->bytes, figure->value, figure->unit);
	if (figure->against)
		printf("\"ratio\":%.4g,\"against\":\"%s\"", figure->ratio,
		       figure->against);
	else
		printf("\"ratio\":null,\"against\":null");
	printf("%s%s}\n", *figure->extra ? "," : "", figure->extra);
	fflush(stdout);
}

void bench_line(const struct bench *bench, const char *name, int64_t bytes,
		const double *values, double scale, const char *unit,
		const double *base, const char *against, const char *extra)
{
	struct bench_figure figure = {
		.name = name, .ranks = bench->ranks, .bytes = bytes,
		.value = bench_median(values, bench->runs) * scale,
		.unit = unit, .against = base ? against : NULL
	};
	double copy[RUNS_MAX];

	if (bench->rank != 0)
		return;
	for (int i = 0; base && i < bench->runs; i++)
		copy[i] = values[i] / base[i];
	figure.ratio = base ? bench_median(copy, bench->runs) : 0;
	sorted(copy, values, bench->runs);
	snprintf(figure.extra, sizeof(figure.extra),
		 "\"low\":%.4g,\"high\":%.4g%s%s", copy[0] * scale,
		 copy[bench->runs - 1] * scale, extra ? "," : "",
		 extra ? extra : "");
	bench_print(&figure);
}
