/*
 * chaos.h - what chaos.c's judge and its loop share
 */
#ifndef TESTS_MPI_CHAOS_H
#define TESTS_MPI_CHAOS_H

#include <stdint.h>
#include <sys/types.h>

#include <mpi.h>

#include "rallypoint.h"

enum pattern { CHAIN, RING, HALO, ALLREDUCE, PATTERNS };
enum way { RAISE, TIMER, KILL, OUTSIDE };

/* One episode, the same on all ranks. */
struct plan {
	uint64_t seed;
	enum pattern pattern;
	enum way way;
	int signal;
	int target, second, all;	/* who is signalled */
	int64_t at;		/* steps from the begin, or half of that by
				   timer */
	int64_t save_at;	/* a save signal then, or -1 */
	int saver;
	int step_ns;
	int slow;		/* the rank that is late most of the time */
	int stride, lag;	/* options; lag -1: auto */
	int resume;
};

/* One rank's way through it. */
struct run {
	const struct plan *plan;
	int rank, size, signalled;
	const pid_t *pids;
	int64_t first, step;
	int64_t sum;		/* what is saved */
	int64_t points;		/* safe points passed */
	int64_t known;		/* points when the signal was known here */
	int64_t stride;		/* the longest one since then */
	int verdict;
};

uint64_t chaos_random(uint64_t *state);
void chaos_fail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void chaos_mpi(int result, const char *what);

/* Runs until the verdict is STOP or worse, or far too many steps. */
void chaos_loop(rally_t *rp, struct run *run);

/* The sum of a rank before a step, if nothing was lost or done twice. */
int64_t chaos_sum(enum pattern pattern, int rank, int size, int64_t step);

#endif
