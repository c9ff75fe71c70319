/*
 * flow/restore.h - back from the newest checkpoint that verifies
 */
#ifndef RP_FLOW_RESTORE_H
#define RP_FLOW_RESTORE_H

#include "flow/handle.h"

/* rally_restore(), without its checks. Collective. */
int rp_restore(struct rally *rp, int64_t *step, int *how);

/* rally_restore_from(), likewise. */
int rp_restore_from(struct rally *rp, const char *path, int64_t *step);

/* rally_finish(): dir/.finished holds this job's id and the step. Collective.
 */
int rp_finish(struct rally *rp, int64_t step);

#endif
