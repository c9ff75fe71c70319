/*
 * flow/restore.h - back from the newest checkpoint that verifies
 */
#ifndef RP_FLOW_RESTORE_H
#define RP_FLOW_RESTORE_H

#include "flow/handle.h"

/* rally_restore() and rally_find(), without their checks. Collective. */
int rp_restore(struct rally *rp, int64_t *step, int *how);
int rp_find(struct rally *rp, const char *name, struct rally_info *info);

/* rally_finish(): dir/.finished holds this job's id and the step. Collective.
 */
int rp_finish(struct rally *rp, int64_t step);

#endif
