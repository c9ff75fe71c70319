/*
 * data/cover.h - what of a box is still to be had
 *
 *     if (rp_cover_begin(&cover, &wanted) == 0)
 *             rc = rp_cover_take(&cover, &one);       for each that there is
 *     if (rc == 0 && rp_cover_hole(&cover, &hole))
 *             ... nobody has this ...
 *     rp_cover_free(&cover);
 */
#ifndef RP_DATA_COVER_H
#define RP_DATA_COVER_H

#include <stddef.h>

#include "data/box.h"

#define RP_COVER_MAX ((size_t)1 << 20)	/* boxes: far more than any real split */

/* Boxes that have no element in common. */
struct rp_cover {
	struct rp_box *v;
	size_t n, room;
};

/* All of `box`. -1 without memory. */
int rp_cover_begin(struct rp_cover *cover, const struct rp_box *box);

/* Takes out what `box` has of it. -1 without memory, and where too many boxes would
 * be left (cover->n is RP_COVER_MAX then). */
int rp_cover_take(struct rp_cover *cover, const struct rp_box *box);

/* 1 where something is left: all of it, where that is one box, else a part. */
int rp_cover_hole(const struct rp_cover *cover, struct rp_box *hole);

void rp_cover_free(struct rp_cover *cover);

#endif
