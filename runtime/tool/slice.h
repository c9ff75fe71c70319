/*
 * tool/slice.h - "T[10:20,3]": a part of an array, in numpy's words
 *
 *     rp_slice_split("T[10:20,3]", &name, &text);	"T" and "10:20,3"
 *     rp_slice_parse(&slice, text, ndim, shape, &err);
 *
 * Each dimension has an index, which takes it away, or begin:end:step, each part
 * of which may be left out; what is negative counts from the end, and what is
 * beyond an end is cut, but an index that is. "..." stands for all that is not
 * told, and so does what is missing at the end. The step is 1 or more.
 */
#ifndef RP_TOOL_SLICE_H
#define RP_TOOL_SLICE_H

#include <stdint.h>

#include "base/err.h"

struct rp_slice {
	int ndim;			/* of the array */
	int64_t start[RALLY_MAX_DIMS];
	int64_t count[RALLY_MAX_DIMS];	/* 0: empty */
	int64_t step[RALLY_MAX_DIMS];
	int dropped[RALLY_MAX_DIMS];	/* an index stood there */
};

/* Where the word ends in "[...]", a copy of what stands before it and of what is
 * inside; else of the whole word, and *text is NULL. Both are the caller's. 0,
 * or -1 without memory. */
int rp_slice_split(const char *word, char **name, char **text);

/* `text` may be NULL: all of it. RALLY_EARG where it is no slice of such an array. */
int rp_slice_parse(struct rp_slice *slice, const char *text, int ndim,
		   const int64_t *shape, struct rp_err *err);

/* The extents that are left, and how many: 0 for one element. */
int rp_slice_shape(const struct rp_slice *slice, int64_t *shape);

#endif
