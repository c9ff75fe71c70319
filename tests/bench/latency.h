/*
 * latency.h - signals and their verdicts, in one group of ranks
 *
 * Each rank sleeps its steps, so that many handles fit on one machine: a launch
 * is split into groups of ranks that each open one.
 */
#ifndef TESTS_BENCH_LATENCY_H
#define TESTS_BENCH_LATENCY_H

#include "bench.h"

/* A kind of loop. */
struct plan {
	const char *part;
	int64_t step_ns;
	int64_t from_ns;	/* the steps before; 0: the same */
	int groups;		/* at once, at most */
	int samples, fewer;	/* of all groups: full, plain */
	const char *stop;	/* one that each process has had none of yet */
	int stop_signal;
};

struct sample {
	int64_t ns;	/* from the signal to the last rank's verdict */
	int64_t points;	/* safe points entered meanwhile */
	int64_t stride;	/* largest in force meanwhile */
};

struct run {
	const struct bench *bench;
	const struct plan *plan;
	MPI_Comm comm;		/* the group */
	int rank, ranks, group, groups;
	rally_t *rp;
	int64_t step, step_ns;
	int64_t beat;		/* where this step ends, but for its straying */
	int nth, of;		/* samples of this group */
	int64_t began;		/* when the last safe point was entered */
	uint64_t common, own;	/* random: the same in the group, and not */
	struct bench_stride seen;
};

/* Once in a process, before anything is taken. */
void latency_init(void);

/* Sends `signal` to a random rank of the group at a random moment, and steps on
 * until the verdict, which must be this one, at the same safe point on all.
 * Collective over the group; the sample is the same on all its ranks. */
void latency_take(struct run *run, struct sample *sample, int signal,
		  int verdict);

#endif
