/*
 * flow/requeue.h - back into the queue, by rank 0, after the commit
 */
#ifndef RP_FLOW_REQUEUE_H
#define RP_FLOW_REQUEUE_H

#include "flow/handle.h"

/* After a stop: where this handle spans the job's only running step. Sets
 * rp->requeued on all ranks. Collective. */
void rp_requeue_after_stop(struct rally *rp);

/* rally_requeue(): whatever else runs in the job. Collective. */
int rp_requeue(struct rally *rp);

#endif
