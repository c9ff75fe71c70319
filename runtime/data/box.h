/*
 * data/box.h - boxes of an array, and where a part of one lies in two of them
 *
 * A box is stored row-major: the last dimension is the one that is close together.
 * A part that two boxes hold is, in each, a number of runs of one length, which come in
 * the same order in both:
 *
 *     if (rp_runs_begin(&runs, 8, &part, &stored, &wanted) == 0)
 *             for (; runs.left > 0; rp_runs_next(&runs))
 *                     ... runs.size bytes from runs.from to runs.to ...
 *
 * Dimensions that lie without gaps in both boxes make one run together.
 */
#ifndef RP_DATA_BOX_H
#define RP_DATA_BOX_H

#include <stddef.h>
#include <stdint.h>

#include "rallypoint.h"

/* From start[d] on size[d] elements of dimension d. Sizes are never negative, and
 * start + size is never over INT64_MAX. */
struct rp_box {
	int ndim;
	int64_t start[RALLY_MAX_DIMS], size[RALLY_MAX_DIMS];
};

struct rp_box rp_box_of(int ndim, const int64_t *start, const int64_t *size);

/* All of an array of this shape. */
struct rp_box rp_box_whole(int ndim, const int64_t *shape);

/* Whether sizes and ends are such. */
int rp_box_is_sound(const struct rp_box *box);

int rp_box_is_empty(const struct rp_box *box);
int rp_box_same(const struct rp_box *a, const struct rp_box *b);
int rp_box_inside(const struct rp_box *inner, const struct rp_box *outer);

/* 1 where the two have elements in common, and which. */
int rp_box_meet(const struct rp_box *a, const struct rp_box *b,
		struct rp_box *both);

/* How many elements; UINT64_MAX where they are more. */
uint64_t rp_box_count(const struct rp_box *box);

/* "[0:4,10:12]", first and end of each dimension, into buf, which is returned. */
char *rp_box_text(const struct rp_box *box, char *buf, size_t size);

struct rp_runs {
	uint64_t size;		/* bytes of each */
	uint64_t left;		/* with the current one, 0: there are no more */
	uint64_t from, to;	/* bytes from the begins of the two boxes */
	int n;			/* loops around a run, the innermost first */
	struct {
		uint64_t count, i;
		uint64_t from, to;	/* bytes to the next */
	} loops[RALLY_MAX_DIMS];
};

/* The runs of `part`, of elements of `width` bytes, in the boxes `from` and `to`. -1
 * where it is not inside of both, or one of them has more bytes than INT64_MAX. */
int rp_runs_begin(struct rp_runs *runs, uint64_t width, const struct rp_box *part,
		  const struct rp_box *from, const struct rp_box *to);
void rp_runs_next(struct rp_runs *runs);

/* The current run and those behind it, with gaps in `from` that are shorter than `gap`
 * bytes left out: fewer and longer runs, of which `to` is only the begin. */
struct rp_runs rp_runs_joined(const struct rp_runs *runs, uint64_t gap);

#endif
