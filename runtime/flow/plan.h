/*
 * flow/plan.h - how long a save will take, told before it starts
 *
 * From what the saves before it took (data/pace.h). The measurement outlives a
 * start: it stands in the manifest, so the first save after a restore is predicted
 * from there.
 *
 * Between saves the ranks tell their shards' sizes in each round, from the largest
 * of which rank 0 follows how the data grows. Its prediction travels back with the
 * next round, so that it is the same on every rank.
 */
#ifndef RP_FLOW_PLAN_H
#define RP_FLOW_PLAN_H

#include <stdint.h>

#include "data/pace.h"
#include "group/agree.h"

struct rally;

struct rp_plan {
	struct rp_pace pace[2];	/* of the folder, of the second one; rank 0 */
	int64_t largest;	/* shard of the ranks now, by the last round */
	int64_t files;		/* bytes of this rank's files, the last time */
	uint64_t more;		/* of all ranks beyond their memory, likewise */
	uint64_t memory;	/* of all ranks in the save that runs */
	int64_t expected_ns;	/* of that save; rank 0 */
	/* what the warning was last looked at for */
	int64_t looked_ns, looked_left, since;
	int warned;
};

/* What this rank says in a ballot, and what it hears from a tally. */
void rp_plan_ballot(const struct rally *rp, struct rp_ballot *ballot);
void rp_plan_hear(struct rally *rp, const struct rp_tally *tally);

/* Nanoseconds that a save at the next safe point is expected to take, or
 * RP_PACE_UNKNOWN. Rank 0. */
int64_t rp_plan_next(const struct rally *rp);

/* Rank 0, at each round: says, once, that a stop could not be saved in the time
 * that it would have. Not collective. */
void rp_plan_look(struct rally *rp);

/* A save of `memory` bytes of all ranks begins: predicts it, says so, and warns
 * where less time is left. Rank 0 speaks. Not collective. */
void rp_plan_begin(struct rally *rp, uint64_t memory);

/* It is committed. Every rank, with its piece; rank 0 with what it measured, files
 * counted in. Not collective. */
void rp_plan_end(struct rally *rp, const struct rp_piece *piece,
		 const struct rp_pace *measured);

/* Bytes a second for the manifest of a save that took `ns` until now. Rank 0. */
int64_t rp_plan_bandwidth(const struct rally *rp, uint64_t bytes, int64_t ns);

/* Expects what the restored checkpoint's save took. */
void rp_plan_restore(struct rally *rp, const struct rp_manifest *m);

#endif
