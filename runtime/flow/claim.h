/*
 * flow/claim.h - the folder becomes this run's
 */
#ifndef RP_FLOW_CLAIM_H
#define RP_FLOW_CLAIM_H

#include "flow/handle.h"

/* Rank 0 makes and claims the folder, clears what crashes left and finds the
 * next sequence; then a rank of each other node looks whether it sees the claim,
 * as it would not in a folder of its own. rp->err is the same on all ranks.
 * Collective. */
int rp_claim(struct rally *rp);

/* Says where checkpoints would be lost with a node. Rank 0 speaks. */
void rp_claim_warn(struct rally *rp);

/* Says, once, that a save of `bytes` will not fit any more. Rank 0 speaks. */
void rp_claim_warn_space(struct rally *rp, uint64_t bytes);

#endif
