/*
 * scale.h - a model of the agreement on machines larger than this one
 *
 * All ranks of a loop are simulated, with a clock each: every step takes its
 * time by chance, the application's own messages couple the clocks, and at the
 * safe points that are due the round is played message by message. When the
 * next round is due is asked of the library itself, rp_agree_plan().
 *
 * Messages cost what LogGP says: o ns of the sender's time, L ns on the way and
 * G ns for each byte, o ns of the receiver's time. The round is what Open MPI
 * makes of a small MPI_Iallreduce: a binomial tree up to rank 0 and another one
 * down. Without a thread or a network card that goes on by itself, a rank
 * passes a message on only while it is in an MPI call of the round's.
 */
#ifndef TESTS_BENCH_SCALE_H
#define TESTS_BENCH_SCALE_H

#include <stdint.h>

#include "group/agree.h"

#define SCALE_BYTES (RP_BALLOT_FIELDS * 8)

enum scale_coupling {
	LOOSE,			/* ranks meet in rounds only */
	HALO,			/* each step ends with a message to and from
				   both neighbours */
	ALLREDUCE,		/* each step ends with an allreduce */
};

struct scale_net {
	const char *name;
	double L, o, G;		/* ns, ns, ns for a byte */
	double start, finish;	/* ns of MPI_Iallreduce and of MPI_Wait where
				   nothing is to be waited for, with what the
				   library does around them */
};

struct scale_case {
	struct scale_net net;
	int ranks;
	double step_ns;
	double jitter;		/* deviation of a step, as a part of it */
	double noise_hz, noise_ns;	/* how often the system takes the core
					   away, and for how long */
	double slow;		/* one rank's steps take so many times as long */
	/* Steps that were, in place of all that: ns, `played` of each rank, one
	 * rank after the other; NULL: none. */
	const float *steps;
	int played;
	enum scale_coupling coupling;
	int offload;		/* messages are passed on by themselves */
	int lag;		/* as the option: 0 automatic, else lag + 1 */
	int stride;		/* as the option: 0 automatic */
	double idle_ns;		/* a safe point with nothing to do */
	int rounds, requests;	/* how many to watch */
	uint64_t seed;
};

struct scale_result {
	double latency_p50, latency_max;	/* ns from a request to the
						   verdict on the last rank */
	int points_p50, points_max;	/* safe points of the rank that asked */
	double overhead;	/* of the run's time, rounds and idle points */
	double inside;		/* part of the time spent in the library, the
				   mean of all ranks, waiting included */
	double round_ns;	/* one round, from the last rank's start to the
				   last rank's end where it is waited for */
	uint32_t stride, lag;
};

/* 0, or -1 without memory. */
int scale_run(const struct scale_case *c, struct scale_result *result);

/* Of two real ranks: fills in c->net and c->idle_ns, and prints what they are.
 * Collective on MPI_COMM_WORLD. */
void scale_costs(struct scale_case *c, const char *dir);

/* Steps sleep: on a machine that others use too, a rank that does not compute
 * gets its core when its time has come. `when` in ns of bench_now(). */
void scale_sleep_until(double when);

#endif
