/*
 * flow/recycle.h - a save that writes over pruned shards (sys/pool.h)
 *
 * Rank 0 has the pool, all ranks take their own shard from it:
 *
 *     rp_recycle_offer(rp);             before the shards, rank 0: it tells the others
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

/* Rank 0: whether the save that begins takes the pool. One that it may not take
 * goes. */
int rp_recycle_offer(struct rally *rp);

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
