#include "data/cover.h"

#include <stdlib.h>
#include <string.h>

static int append(struct rp_cover *cover, const struct rp_box *box)
{
	if (cover->n == RP_COVER_MAX)
		return -1;
	if (cover->n == cover->room) {
		size_t room = cover->room ? 2 * cover->room : 8;
		struct rp_box *v = realloc(cover->v, room * sizeof(*v));

		if (!v)
			return -1;
		cover->v = v;
		cover->room = room;
	}
	cover->v[cover->n++] = *box;
	return 0;
}

int rp_cover_begin(struct rp_cover *cover, const struct rp_box *box)
{
	memset(cover, 0, sizeof(*cover));
	return rp_box_is_empty(box) ? 0 : append(cover, box);
}

/* What is around `hole` in `box`, slab by slab. */
static int append_around(struct rp_cover *cover, struct rp_box box,
			 const struct rp_box *hole)
{
	int rc = 0;

	for (int d = 0; rc == 0 && d < box.ndim; d++) {
		int64_t end = box.start[d] + box.size[d];
		int64_t hole_end = hole->start[d] + hole->size[d];
		struct rp_box slab = box;

		slab.size[d] = hole->start[d] - box.start[d];
		if (slab.size[d] > 0)
			rc = append(cover, &slab);
		slab.start[d] = hole_end;
		slab.size[d] = end - hole_end;
		if (rc == 0 && slab.size[d] > 0)
			rc = append(cover, &slab);
		box.start[d] = hole->start[d];
		box.size[d] = hole->size[d];
	}
	return rc;
}

int rp_cover_take(struct rp_cover *cover, const struct rp_box *box)
{
	size_t before = cover->n, kept = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < before; i++) {
		struct rp_box hole, around = cover->v[i];

		if (!rp_box_meet(&around, box, &hole))
			continue;
		rc = append_around(cover, around, &hole);
		cover->v[i].size[0] = 0;
	}
	for (size_t i = 0; rc == 0 && i < cover->n; i++)
		if (cover->v[i].size[0] != 0)
			cover->v[kept++] = cover->v[i];
	if (rc == 0)
		cover->n = kept;
	return rc;
}

/* The smallest box around all. */
static struct rp_box around(const struct rp_cover *cover)
{
	struct rp_box box = cover->v[0];

	for (size_t i = 1; i < cover->n; i++)
		for (int d = 0; d < box.ndim; d++) {
			const struct rp_box *b = &cover->v[i];
			int64_t end = box.start[d] + box.size[d];
			int64_t b_end = b->start[d] + b->size[d];

			if (b->start[d] < box.start[d])
				box.start[d] = b->start[d];
			box.size[d] = (b_end > end ? b_end : end) -
				      box.start[d];
		}
	return box;
}

int rp_cover_hole(const struct rp_cover *cover, struct rp_box *hole)
{
	uint64_t count = 0;

	if (cover->n == 0)
		return 0;
	for (size_t i = 0; i < cover->n; i++)
		count += rp_box_count(&cover->v[i]);
	*hole = around(cover);
	if (rp_box_count(hole) != count)
		*hole = cover->v[0];
	return 1;
}

void rp_cover_free(struct rp_cover *cover)
{
	free(cover->v);
	memset(cover, 0, sizeof(*cover));
}
