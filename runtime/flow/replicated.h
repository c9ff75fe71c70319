/*
 * flow/replicated.h - whether replicated values are the same on all ranks
 *
 * Only a slice of each is stored by a rank, so a rank that has gone its own way would
 * not show in the checkpoint: each save asks first. What is hashed is all of it, in
 * the program's memory, before a save in the background takes its copy.
 */
#ifndef RP_FLOW_REPLICATED_H
#define RP_FLOW_REPLICATED_H

#include "flow/handle.h"

/* This rank's hash of each replicated region, in the order of the names, and rank 0's,
 * once it has told them. All zeros: there is none. */
struct rp_replicated {
	struct rp_hash *mine, *first;
	size_t n;
};

/* Takes the hashes. Not collective. */
int rp_replicated_hash(struct rally *rp, struct rp_replicated *r);

/* EMISMATCH, with the region and the two ranks, where one has other bytes than rank 0.
 * All ranks have the same regions. Collective. */
int rp_replicated_same(struct rally *rp, struct rp_replicated *r);

void rp_replicated_free(struct rp_replicated *r);

#endif
