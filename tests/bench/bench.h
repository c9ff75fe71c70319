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
	int crowded;		/* more ranks than cores */
	int runs;		/* of which the median is taken, at least 5 */
	size_t size;		/* bytes of one rank */
	const char *disk, *tmpfs;	/* folders; NULL: left out */
	/* what bench_points() and bench_rounds() found, for bench_loop() */
	double point_ns, flag_ns;
	double round_ns[2];	/* with lag 0 and 1 */
};

/* One line of JSON. */
struct bench_figure {
	const char *name;
	int ranks;
	int64_t bytes;
	double value;
	const char *unit;
	double ratio;		/* to what `against` names; NULL: to nothing */
	const char *against;
	char extra[512];	/* further members, without a comma at the end */
};

/* Ends the program where this rank can't go on. */
void bench_fail(const char *what) __attribute__((noreturn));
void bench_mpi(int result);
void bench_rally(rally_t *rp, int rc);
rally_t *bench_open(MPI_Comm comm, const char *dir);

double bench_now(void);		/* seconds */
void bench_barrier(void);
double bench_slowest(double mine);	/* the largest one of all ranks */
/* The median; sorts a copy. */
double bench_median(const double *values, int n);

/* The next number of a sequence that the seed `*state` (not 0) begins. */
uint64_t bench_random(uint64_t *state);

/* A folder of the benchmark's own, on tmpfs where there is one. */
void bench_folder(const struct bench *bench, const char *name, char *path,
		  size_t size);

/* Whether the stride has come to rest: asked after each safe point, tells that
 * this one completed a round which left the stride as it was, or nearly. `*seen`
 * is zero before the first one. The same on all ranks. */
struct bench_stride {
	uint64_t rounds;
	uint32_t stride;
};
int bench_settled(const rally_t *rp, struct bench_stride *seen);

void bench_print(const struct bench_figure *figure);

/* One line of JSON from rank 0: the median of a run's values, times `scale`
 * from the unit they were taken in, with the lowest and the highest. `ratio` is
 * the median of each value over that of `base` from the same run, taken just
 * before or after it; base NULL: this is what others are compared with. Where
 * low and high are far apart, the machine was not quiet and nothing follows.
 * `extra`: further members, or NULL. */
void bench_line(const struct bench *bench, const char *name, int64_t bytes,
		const double *values, double scale, const char *unit,
		const double *base, const char *against, const char *extra);

void bench_points(struct bench *bench);
void bench_rounds(struct bench *bench);
void bench_loop(const struct bench *bench);
/* Of handles that span `ranks` each, several in this launch; `what` is "steps"
 * or "change". */
void bench_latency(const struct bench *bench, int ranks, const char *what);
/* In a folder on a disk or on tmpfs, which `where` names: store.h. */
void bench_save(const struct bench *bench, const char *where, const char *top);
void bench_restore(const struct bench *bench, const char *where,
		   const char *top);
void bench_small(const struct bench *bench, const char *where, const char *top);
/* One of two launches, see reshard.c; `size` of bench is that of the whole array. */
struct bench_reshard {
	int restores;		/* 0: saves */
	const char *split;	/* "rows", "columns" or "blocks" */
	int from;		/* ranks that save, or have saved */
};
void bench_reshard(const struct bench *bench, const char *where,
		   const char *top, const struct bench_reshard *what);
/* On a disk only. */
void bench_async(const struct bench *bench, const char *where, const char *top);
void bench_memory(const struct bench *bench, const char *where,
		  const char *top);

#endif
