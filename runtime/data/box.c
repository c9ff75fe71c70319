#include "data/box.h"

#include <stdio.h>
#include <string.h>

struct rp_box rp_box_of(int ndim, const int64_t *start, const int64_t *size)
{
	struct rp_box box = { .ndim = ndim };

	memcpy(box.start, start, (size_t)ndim * sizeof(*start));
	memcpy(box.size, size, (size_t)ndim * sizeof(*size));
	return box;
}

struct rp_box rp_box_whole(int ndim, const int64_t *shape)
{
	static const int64_t zero[RALLY_MAX_DIMS];

	return rp_box_of(ndim, zero, shape);
}

int rp_box_is_sound(const struct rp_box *box)
{
	for (int d = 0; d < box->ndim; d++)
		if (box->start[d] < 0 || box->size[d] < 0 ||
		    box->size[d] > INT64_MAX - box->start[d])
			return 0;
	return 1;
}

int rp_box_is_empty(const struct rp_box *box)
{
	for (int d = 0; d < box->ndim; d++)
		if (box->size[d] == 0)
			return 1;
	return 0;
}

int rp_box_same(const struct rp_box *a, const struct rp_box *b)
{
	size_t bytes = (size_t)a->ndim * sizeof(*a->start);

	return a->ndim == b->ndim && memcmp(a->start, b->start, bytes) == 0 &&
	       memcmp(a->size, b->size, bytes) == 0;
}

static int64_t end_of(const struct rp_box *box, int d)
{
	return box->start[d] + box->size[d];
}

int rp_box_inside(const struct rp_box *inner, const struct rp_box *outer)
{
	if (inner->ndim != outer->ndim)
		return 0;
	for (int d = 0; d < inner->ndim; d++)
		if (inner->start[d] < outer->start[d] ||
		    end_of(inner, d) > end_of(outer, d))
			return 0;
	return 1;
}

int rp_box_meet(const struct rp_box *a, const struct rp_box *b,
		struct rp_box *both)
{
	if (a->ndim != b->ndim)
		return 0;
	both->ndim = a->ndim;
	for (int d = 0; d < a->ndim; d++) {
		int64_t start = a->start[d], end = end_of(a, d);

		if (b->start[d] > start)
			start = b->start[d];
		if (end_of(b, d) < end)
			end = end_of(b, d);
		if (start >= end)
			return 0;
		both->start[d] = start;
		both->size[d] = end - start;
	}
	return 1;
}

uint64_t rp_box_count(const struct rp_box *box)
{
	uint64_t n = 1;

	if (rp_box_is_empty(box))
		return 0;
	for (int d = 0; d < box->ndim; d++)
		if (__builtin_mul_overflow(n, (uint64_t)box->size[d], &n))
			return UINT64_MAX;
	return n;
}

char *rp_box_text(const struct rp_box *box, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "[");

	for (int d = 0; d < box->ndim && used < size; d++)
		used += (size_t)snprintf(buf + used, size - used, "%s%lld:%lld",
					 d ? "," : "", (long long)box->start[d],
					 (long long)end_of(box, d));
	if (used < size)
		snprintf(buf + used, size - used, "]");
	return buf;
}

/*
 * Runs
 */

/* Bytes from one element to the next, in each dimension. */
static int strides_of(const struct rp_box *box, uint64_t width, uint64_t *stride)
{
	uint64_t bytes = width;

	for (int d = box->ndim - 1; d >= 0; d--) {
		stride[d] = bytes;
		if (__builtin_mul_overflow(bytes, (uint64_t)box->size[d],
					   &bytes) ||
		    bytes > INT64_MAX)
			return -1;
	}
	return 0;
}

/* One more dimension around what there is: part of the run, or of the outermost loop,
 * where it follows without a gap in both. */
static void add_loop(struct rp_runs *runs, uint64_t count, uint64_t from,
		     uint64_t to)
{
	int last = runs->n - 1;

	runs->left *= count;
	if (last < 0 && from == runs->size && to == runs->size) {
		runs->size *= count;
		runs->left = 1;
	} else if (last >= 0 &&
		   from == runs->loops[last].from * runs->loops[last].count &&
		   to == runs->loops[last].to * runs->loops[last].count) {
		runs->loops[last].count *= count;
	} else {
		runs->loops[runs->n].count = count;
		runs->loops[runs->n].i = 0;
		runs->loops[runs->n].from = from;
		runs->loops[runs->n].to = to;
		runs->n++;
	}
}

int rp_runs_begin(struct rp_runs *runs, uint64_t width, const struct rp_box *part,
		  const struct rp_box *from, const struct rp_box *to)
{
	uint64_t in_from[RALLY_MAX_DIMS], in_to[RALLY_MAX_DIMS];

	memset(runs, 0, sizeof(*runs));
	if (!rp_box_inside(part, from) || !rp_box_inside(part, to))
		return -1;
	if (rp_box_is_empty(part))
		return 0;
	if (strides_of(from, width, in_from) != 0 ||
	    strides_of(to, width, in_to) != 0)
		return -1;
	runs->size = width;
	runs->left = 1;
	for (int d = part->ndim - 1; d >= 0; d--) {
		runs->from += in_from[d] *
			      (uint64_t)(part->start[d] - from->start[d]);
		runs->to += in_to[d] *
			    (uint64_t)(part->start[d] - to->start[d]);
		if (part->size[d] > 1)
			add_loop(runs, (uint64_t)part->size[d], in_from[d],
				 in_to[d]);
	}
	return 0;
}

void rp_runs_next(struct rp_runs *runs)
{
	if (--runs->left == 0)
		return;
	for (int k = 0; k < runs->n; k++) {
		if (++runs->loops[k].i < runs->loops[k].count) {
			runs->from += runs->loops[k].from;
			runs->to += runs->loops[k].to;
			return;
		}
		runs->loops[k].i = 0;
		runs->from -= runs->loops[k].from * (runs->loops[k].count - 1);
		runs->to -= runs->loops[k].to * (runs->loops[k].count - 1);
	}
}

struct rp_runs rp_runs_joined(const struct rp_runs *runs, uint64_t gap)
{
	struct rp_runs joined = *runs;
	int k = 0;

	while (k < runs->n && runs->loops[k].i == 0 &&
	       runs->loops[k].from - joined.size < gap) {
		joined.size += runs->loops[k].from * (runs->loops[k].count - 1);
		joined.left /= runs->loops[k].count;
		k++;
	}
	joined.n = runs->n - k;
	memmove(joined.loops, joined.loops + k,
		(size_t)joined.n * sizeof(joined.loops[0]));
	return joined;
}
