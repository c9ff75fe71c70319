/*
 * group/agree.h - rounds: how ranks agree without waiting for those ahead
 *
 * A round is one small MPI_Iallreduce. It starts at a safe point and its
 * verdict is applied at a safe point, both fixed by their index, which counts
 * the same on every rank: so all ranks act at the same one, whoever was told
 * first, and no rank waits for one that is ahead of it. The verdict comes one
 * safe point after the start (lag 1), or at the start itself (lag 0) where
 * steps last over a second, for the first round (a stop that came during the
 * start is told before a step is done), and where the program enters a loop
 * whose steps may be much slower than those that the stride was made for.
 *
 * Between two rounds lie `stride` safe points. Stride and lag of the next round
 * follow from reduced values and options alone, so they too are the same on
 * every rank.
 *
 * A *ballot* is what one rank says, a *tally* what comes of all. Votes during
 * a save (rp_vote) use the same ones, on the other communicator.
 */
#ifndef RP_GROUP_AGREE_H
#define RP_GROUP_AGREE_H

#include <mpi.h>
#include <stdint.h>

#include "base/err.h"
#include "base/options.h"
#include "group/comm.h"
#include "group/site.h"

#define RP_BALLOT_FIELDS 19
#define RP_LEFT_UNKNOWN INT64_MAX

struct rp_ballot {
	int want_save, want_stop;
	int signal;		/* that made this rank want it, or 0 */
	int64_t left_ns;	/* until the nodes are lost */
	int64_t step_ns;	/* mean time of a step since the last round */
	int64_t save_ns;	/* what a save is expected to take, as rank 0
				   knows; -1 */
	int64_t shard;		/* bytes that this rank would write in it */
	uint64_t site;		/* hash of where the rank is */
	int64_t step;
	int leaving;		/* the rank is in rally_close() */
	int failed;		/* votes: this rank has an error */
	/* of background saves, by their number in this handle (0: none) */
	int64_t durable;	/* the last whose part of this rank is durable */
	int64_t known;		/* the last whose end this rank knows of */
	int lost;		/* this rank could not write its part */
	int outcome;		/* rank 0: 1 and the code of a commit, 0: it is not
				   through */
	int64_t finish_ns;	/* until this rank's part is written */
};

struct rp_tally {
	int want_save, want_stop;
	int signal, signal_rank;	/* one of those that were signalled;
					   rank -1: none was */
	int64_t left_ns, step_ns;
	int64_t save_ns;		/* rank 0's, -1: not known */
	int64_t shard;			/* the largest */
	int same_site;
	int64_t step_min, step_max;
	int leaving_rank, staying_rank;	/* one of each, -1: there is none */
	int failed_rank;		/* lowest that failed, -1: none did */
	int64_t durable, known;		/* the least of all ranks' */
	int lost_rank;			/* lowest, -1: none has lost its part */
	int outcome;			/* rank 0's */
	int64_t finish_ns;
};

/* What MPI reads and writes. After a wait that was given up it may do so for as
 * long as the process lives. */
struct rp_agree_buffers {
	int64_t send[RP_BALLOT_FIELDS], recv[RP_BALLOT_FIELDS];
	int64_t meet_send[RP_BALLOT_FIELDS], meet_recv[RP_BALLOT_FIELDS];
};

struct rp_agree {
	/* the hot path */
	uint64_t index;		/* safe points passed */
	uint64_t due;		/* the index that has something to do */
	const char *file;	/* the site of the last safe point */
	int line;
	/* the round */
	int in_flight;
	uint64_t start_at, complete_at;
	uint64_t started_at;	/* index of the last start */
	uint32_t stride, lag;
	MPI_Request request;
	struct rp_agree_buffers *buffers;
	/* the window that the mean step time is taken over */
	int64_t left_library;	/* rp_now() when the last call returned */
	int64_t computed;	/* ns outside of the library since the start */
	uint64_t window_from;	/* index of the last start */
	/* steps between safe points, from reduced values */
	int64_t last_step;
	int64_t step_delta;	/* that one safe point moves it by, at most */
	int even;		/* each moves it by just that */
	uint64_t last_step_at;	/* index */
	uint64_t rounds;	/* completed */
	/* the loops */
	struct rp_sites sites;
	int moved;		/* to one that this stride is not made for */
};

/* Without memory: RALLY_ENOMEM. Freeing leaves the buffers where an operation on
 * the communicator was given up. */
int rp_agree_init(struct rp_agree *agree, struct rp_err *err);
void rp_agree_free(struct rp_agree *agree, const struct rp_comm *comm);

/* A safe point elsewhere than the last one. 1 where it is due for that: not
 * where the stride is pinned. */
int rp_agree_move(struct rp_agree *agree, const char *file, int line,
		  int pinned);

/* Where rp_agree_move() said so, and no round is in flight any more: one starts
 * here, with the shortest stride and no lag. */
void rp_agree_arrive(struct rp_agree *agree);

/* Entering and leaving the library at a safe point that is due: clock. */
void rp_agree_enter(struct rp_agree *agree);
void rp_agree_leave(struct rp_agree *agree);

/* Starts a round; step_ns of the ballot is filled in here. */
int rp_round_start(struct rp_agree *agree, struct rp_comm *comm,
		   struct rp_ballot *ballot, struct rp_err *err);

/* Waits for the round in flight and tells what came of it, but leaves it in
 * flight: its verdict is applied where it is finished. */
int rp_round_wait(struct rp_agree *agree, struct rp_comm *comm,
		  struct rp_tally *tally, struct rp_err *err);

/* Finishes the round in flight. */
int rp_round_finish(struct rp_agree *agree, struct rp_comm *comm,
		    struct rp_tally *tally, struct rp_err *err);

/* Plans the next round from a tally: stride, lag, start_at. `boundary`: a
 * multiple of this many steps must find a round that completes there; 0: none.
 */
void rp_agree_plan(struct rp_agree *agree, const struct rp_tally *tally,
		   const struct rp_options *options, int64_t boundary);

/* Back to a round at every safe point, the next one first: after a save or a
 * restore, where all ranks have just been together. A round that is in flight
 * then (a save between two safe points) is planned from when it is finished. */
void rp_agree_restart(struct rp_agree *agree);

/* The step at the safe point where a round's verdict is applied, as predicted
 * from its tally. The same on every rank. */
int64_t rp_agree_step_ahead(const struct rp_agree *agree,
			    const struct rp_tally *tally);

/* How a save, and any other call that waits for all ranks, begins: a blocking
 * round that leaves the one in flight alone, on the communicator for rounds.
 * There it also meets the next round of ranks that are elsewhere: they would
 * wait for each other on two communicators. */
int rp_meet(struct rp_agree *agree, struct rp_comm *comm,
	    const struct rp_ballot *ballot, struct rp_tally *tally,
	    struct rp_err *err);

/* A vote: a blocking round on the communicator for saves. */
int rp_vote(struct rp_comm *comm, const struct rp_ballot *ballot,
	    struct rp_tally *tally, struct rp_err *err);

#endif
