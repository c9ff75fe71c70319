/*
 * bench.h - what the benchmarks share
 *
 * Each measures the library and something to compare it with on the same ranks,
 * in turn, so that a loaded machine loads both; what counts is the median of
 * the runs, and of one run the slowest rank.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdint.h>

#include <mpi.h>

#include "rallypoint.h"

#define RUNS_MAX 101

struct bench {
	int rank, ranks;
	int runs;		/* of which the median is taken, at least 5 */
	int64_t bytes;		/* of all ranks */
	const char *disk, *tmpfs;	/* folders; NULL: left out */
};

/* Ends the program where this rank can't go on. */
void bench_fail(const char *what) __attribute__((noreturn));
void bench_mpi(int result);
void bench_rally(rally_t *rp, int rc);

double bench_now(void);		/* seconds */
void bench_barrier(void);
double bench_slowest(double mine);	/* the largest one of all ranks */
double bench_median(double *values, int n);

/* One line of JSON from rank 0. `ratio` is value over the value of `against`,
 * both in one unit; against NULL: it is what others are compared with. */
void bench_line(const struct bench *bench, const char *name, int64_t bytes,
		double value, const char *unit, double ratio,
		const char *against);

void bench_points(const struct bench *bench);
void bench_save(const struct bench *bench, const char *where, const char *dir,
		int with_restore);

#endif
