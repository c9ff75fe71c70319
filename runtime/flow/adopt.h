/*
 * flow/adopt.h - private memory that another number of ranks stored
 *
 * Nobody but the program knows what becomes of it. Each of its ranks is told of each
 * old rank's regions, in the same order, and gives memory for those that it takes. The
 * headers of the old shards are read once, by the ranks in turn, which then tell each
 * other. Where the checkpoint turns out to be damaged the program is told of the older
 * one's, too, whichever number of ranks wrote that: else it would go on with memory that
 * nobody has filled.
 */
#ifndef RP_FLOW_ADOPT_H
#define RP_FLOW_ADOPT_H

#include "flow/want.h"

/* Adds what this rank takes to `want`. Without a function of the program's registered
 * private memory that is stored is ELAYOUT, and so is one that is not, unless it is
 * optional. Begins with a vote on rp->err. Collective. */
int rp_adopt_gather(struct rp_trial *trial, struct rp_source *source,
		    struct rp_want *want);

#endif
