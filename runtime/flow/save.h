/*
 * flow/save.h - one checkpoint, from the first vote to the commit
 */
#ifndef RP_FLOW_SAVE_H
#define RP_FLOW_SAVE_H

#include "flow/handle.h"

/* Saves at this place. Nothing is written where the newest checkpoint is of
 * this step. Stops that the votes bring set rp->stop_pending. On an error the
 * earlier checkpoint stands, rp->err is the same on all ranks and was told;
 * ranks at different places break the handle. Collective. */
int rp_save(struct rally *rp, const struct rp_place *place, const char *cause);

#endif
