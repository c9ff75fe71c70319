/*
 * data/cut.h - a box in parts, each of which meets few of many boxes
 *
 * Where many boxes are held against each other, the time for it grows with the square of
 * their number; held against those of their part alone, hardly faster than the number.
 */
#ifndef RP_DATA_CUT_H
#define RP_DATA_CUT_H

#include <stddef.h>

#include "data/box.h"

/* which[0] to which[n-1]: the boxes that meet this part, in their order. Not 0: it ends
 * there. */
typedef int rp_cut_part(void *arg, const struct rp_box *part, const size_t *which,
			size_t n);

/* Calls fn for parts that make up all of `box` together, which is not empty. Where the n
 * boxes overlap too much for it, and without memory, a part may meet any number of them.
 * Returns what fn did, or -1: there is no memory at all. */
int rp_cut(const struct rp_box *box, const struct rp_box *boxes, size_t n,
	   rp_cut_part *fn, void *arg);

#endif
