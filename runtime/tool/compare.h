/*
 * tool/compare.h - how two arrays of one type differ
 *
 * Elements are the same where all their bits are: so what two hashes say and what
 * the values say is never at odds. Of two NaNs with other bits, of 0 and -0, it is
 * told that they differ. How far, is only told of pairs of finite numbers.
 */
#ifndef RP_TOOL_COMPARE_H
#define RP_TOOL_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "rallypoint.h"

struct rp_difference {
	uint64_t elements;	/* looked at */
	uint64_t differing;
	uint64_t not_finite;	/* of these: with an infinity or a NaN */
	uint64_t first;		/* the first one's index, where any differs */
	double max_abs;		/* |a - b| */
	double max_rel;		/* |a - b| / max(|a|, |b|) */
};

/* Adds `n` elements, the first of which is number `at` of what is compared. */
void rp_compare(struct rp_difference *diff, enum rally_type type, const void *a,
		const void *b, size_t n, uint64_t at);

#endif
