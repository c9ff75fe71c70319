/*
 * data/share.h - who stores what of an array that several ranks hold the same part of
 *
 * A replicated array is stored once, by ranks together: each has a slice of its rows,
 * so that it is a global array for whoever reads it. A small one is rank 0's.
 * Boxes with a halo overlap; there the rank that declares to answer for a part is
 * the one that is believed.
 */
#ifndef RP_DATA_SHARE_H
#define RP_DATA_SHARE_H

#include "base/err.h"
#include "data/region.h"

/* Bytes: no slice is smaller. Whoever reads the array opens each slice's shard, and
 * reads a block to its end before it is believed. */
#define RP_SLICE_LEAST ((uint64_t)4 << 20)

/* Fills a region from the arguments of rally_add_replicated(), which it checks: its
 * box is the slice that `rank` of `ranks` stores. The name is borrowed. */
int rp_region_replicated(struct rp_region *region, const char *name, void *data,
			 enum rally_type type, int ndim, const int64_t *shape,
			 int rank, int ranks, struct rp_err *err);

/* The array itself, as one rank holds it: what a restore fills. Any other region
 * comes back as it is. */
struct rp_region rp_region_whole(const struct rp_region *region);

/* rally_own(): the part of an array's box that this rank answers for. */
int rp_region_own(struct rp_region *region, const int64_t *start,
		  const int64_t *local, struct rp_err *err);

#endif
