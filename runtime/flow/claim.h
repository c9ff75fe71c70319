/*
 * flow/claim.h - the folder becomes this run's
 */
#ifndef RP_FLOW_CLAIM_H
#define RP_FLOW_CLAIM_H

#include "flow/handle.h"

/* Rank 0 makes and claims a folder and clears what crashes left; then a rank of
 * each other node looks whether it sees the claim, as it would not in a folder of
 * its own. Release the owner in any case. rp->err is the same on all ranks.
 * Collective. */
int rp_claim_folder(struct rally *rp, const char *dir, struct rp_owner *owner);

/* Claims rp->dir, and the second folder, and finds the next sequence. One of the
 * two may be such that nothing can be written to it now. Collective. */
int rp_claim(struct rally *rp);

/* Claims what option 'fallback' names, in place of the second folder that there
 * was; "": for none. After an error that one stays. Collective. */
int rp_claim_second(struct rally *rp);

/* Says where checkpoints would be lost with a node. Rank 0 speaks. */
void rp_claim_warn(struct rally *rp);

/* Says, once, that a save of `bytes` will not fit any more. Rank 0 speaks. */
void rp_claim_warn_space(struct rally *rp, uint64_t bytes);

#endif
