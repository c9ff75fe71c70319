/*
 * flow/recycle.h - a save that writes over pruned shards (sys/pool.h)
 *
 * Rank 0 has the pool, all ranks take their own shard from it:
 *
 *     rp_recycle_begin(rp, &pool);      before the shards, all ranks
 *     rp_recycle_reuse(rp, pool, name); what a rank's shard is written over
 *     rp_recycle_end(rp);               after commit or failure, before pruning
 *
 * What pruning makes the pool next is rp_recycle_pool()'s.
 */
#ifndef RP_FLOW_RECYCLE_H
#define RP_FLOW_RECYCLE_H

#include "flow/handle.h"

/* Rank 0: where what is pruned, or a start finds, may go; NULL where nothing is to
 * be written over. */
struct rp_pool *rp_recycle_pool(struct rally *rp);

/* Tells all ranks the path of the pool that this save takes; *pool is the caller's,
 * NULL where there is none. Collective. */
int rp_recycle_begin(struct rally *rp, char **pool);

/* How the shard `name` is had from it; reuse->old is the caller's. Not
 * collective. */
struct rp_reuse rp_recycle_reuse(const struct rally *rp, const char *pool,
				 const char *name);

/* Rank 0: removes what no rank took. */
void rp_recycle_end(struct rally *rp);

/* The same at the end of the handle: where the job starts again, its next start
 * finds the pool. */
void rp_recycle_close(struct rally *rp);

#endif
