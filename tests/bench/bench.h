/*
 * bench.h - what the benchmarks share
 *
 * Each measures the library and something to compare it with on the same ranks,
 * in turn, first one and then the other before; of one run the slowest rank
 * counts. On a machine that others use the figures mean nothing: a ratio of 2.6
 * and one of 0.5 were seen for the same code.
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
/* The median; sorts a copy. */
double bench_median(const double *values, int n);

/* One line of JSON from rank 0: the median of a run's values, times `scale`
 * from the unit they were taken in, with the lowest and the highest. `ratio` is
 * the median of each value over that of `base` from the same run, taken just
 * before or after it; base NULL: this is what others are compared with. Where
 * low and high are far apart, the machine was not quiet and nothing follows. */
void bench_line(const struct bench *bench, const char *name, int64_t bytes,
		const double *values, double scale, const char *unit,
		const double *base, const char *against);

void bench_points(const struct bench *bench);
void bench_save(const struct bench *bench, const char *where, const char *dir,
		int with_restore);

#endif
