/*
 * flow/requeue.h - back into the queue, by rank 0, after the commit
 */
#ifndef RP_FLOW_REQUEUE_H
#define RP_FLOW_REQUEUE_H

#include "flow/handle.h"

/* After a stop, or at the close by option 'requeue_at': the site's program
 * (flow/hook.h), then Slurm, where this handle spans the job's only running step.
 * Sets rp->requeued on all ranks, and the time that they have left. Collective. */
void rp_requeue_after_stop(struct rally *rp);

/* A stop whose requeue comes in rally_close(): all ranks learn how long they have.
 * Waits three seconds for Slurm at most. Collective. */
void rp_requeue_later(struct rally *rp);

/* By option 'cancelled', before a stop is saved: 1 where Slurm says for sure that
 * the job is being cancelled, so that nothing is to be saved. The only question
 * to Slurm that a save waits for, three seconds at most. Collective. */
int rp_requeue_cancelled(struct rally *rp);

/* rally_requeue(): whatever else runs in the job. Collective. */
int rp_requeue(struct rally *rp);

#endif
