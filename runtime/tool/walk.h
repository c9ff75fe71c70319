/*
 * tool/walk.h - a part of an array, some bytes at a time
 *
 *     rp_walk_begin(&walk, &slice, rp_dtype_size(type), limit);
 *     while (rp_walk_next(&walk))
 *             ... read the box walk.start, walk.local ...
 *
 * The boxes come in row-major order and each is a contiguous piece of what was
 * asked for, so that what is written one after the other is the whole. An array
 * is cut in whichever dimension that takes: also where one row is above the limit.
 */
#ifndef RP_TOOL_WALK_H
#define RP_TOOL_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "tool/slice.h"

struct rp_walk {
	struct rp_slice slice;
	int64_t part[RALLY_MAX_DIMS];	/* of the slice's counts, in a box */
	int64_t at[RALLY_MAX_DIMS];	/* where the next one begins */
	int done;
	/* the box at hand, in the array */
	int64_t start[RALLY_MAX_DIMS];
	int64_t local[RALLY_MAX_DIMS];
	int64_t count[RALLY_MAX_DIMS];	/* what the slice takes of it: each
					   step'th in each dimension */
	int64_t elements;		/* as many in all */
};

/* `limit` in bytes of memory for a box, one element at the least. */
void rp_walk_begin(struct rp_walk *walk, const struct rp_slice *slice,
		   size_t size, size_t limit);

/* 1, or 0 where all was had. */
int rp_walk_next(struct rp_walk *walk);

/* Bytes of the largest box to come. */
size_t rp_walk_room(const struct rp_walk *walk, size_t size);

#endif
