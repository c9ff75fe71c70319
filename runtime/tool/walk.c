#include "tool/walk.h"

#include <string.h>

#include "base/hash.h"

/* What `count` elements of a dimension span, with the ones between them. */
static int64_t span(const struct rp_walk *walk, int dim, int64_t count)
{
	return (count - 1) * walk->slice.step[dim] + 1;
}

/* How many of a dimension fit, each `below` bytes large. Wide steps are taken one
 * by one: what lies between them need not be read. */
static int64_t fitting(const struct rp_walk *walk, int dim, int64_t below,
		       int64_t limit)
{
	int64_t step = walk->slice.step[dim];
	int64_t n = limit / below;

	if (step > 1 && step > (int64_t)RP_HASH_BLOCK / below)
		return 1;
	return n > 0 ? (n - 1) / step + 1 : 1;
}

void rp_walk_begin(struct rp_walk *walk, const struct rp_slice *slice,
		   size_t size, size_t limit)
{
	int64_t below = (int64_t)size;
	int whole = 1;

	memset(walk, 0, sizeof(*walk));
	walk->slice = *slice;
	for (int i = slice->ndim - 1; i >= 0; i--) {
		int64_t n = whole ? fitting(walk, i, below, (int64_t)limit) : 1;

		walk->done |= slice->count[i] == 0;
		if (n < slice->count[i])
			whole = 0;
		else
			n = slice->count[i];
		walk->part[i] = n;
		if (whole && n > 0)
			below *= span(walk, i, n);
	}
}

/* To the next box: as in counting, the last dimension first. */
static void advance(struct rp_walk *walk)
{
	for (int i = walk->slice.ndim - 1; i >= 0; i--) {
		walk->at[i] += walk->count[i];
		if (walk->at[i] < walk->slice.count[i])
			return;
		walk->at[i] = 0;
	}
	walk->done = 1;
}

int rp_walk_next(struct rp_walk *walk)
{
	const struct rp_slice *slice = &walk->slice;

	if (walk->done)
		return 0;
	walk->elements = 1;
	for (int i = 0; i < slice->ndim; i++) {
		int64_t left = slice->count[i] - walk->at[i];
		int64_t n = left < walk->part[i] ? left : walk->part[i];

		walk->count[i] = n;
		walk->start[i] = slice->start[i] + walk->at[i] * slice->step[i];
		walk->local[i] = span(walk, i, n);
		walk->elements *= n;
	}
	advance(walk);
	return 1;
}

size_t rp_walk_room(const struct rp_walk *walk, size_t size)
{
	for (int i = 0; i < walk->slice.ndim; i++)
		size *= walk->part[i] > 0 ? (size_t)span(walk, i, walk->part[i])
					  : 0;
	return size;
}
