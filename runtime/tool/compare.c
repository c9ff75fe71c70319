#include "tool/compare.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "data/dtype.h"
#include "tool/value.h"

#define STEP 4096	/* bytes that are looked at together, a multiple of each type */

/* |a - b| of integers up to 64 bits, exactly, and the larger magnitude. */
static uint64_t apart(uint64_t a, uint64_t b, int is_signed, uint64_t *larger)
{
	uint64_t x = a, y = b;
	int below = a < b;

	if (is_signed) {
		x = a >> 63 ? 0 - a : a;
		y = b >> 63 ? 0 - b : b;
		below = (int64_t)a < (int64_t)b;
	}
	*larger = x > y ? x : y;
	return below ? b - a : a - b;
}

static void note(struct rp_difference *diff, double difference, double relative)
{
	if (difference > diff->max_abs)
		diff->max_abs = difference;
	if (relative > diff->max_rel)
		diff->max_rel = relative;
}

/* Large ones in halves, since the difference of two doubles may be above the largest,
 * as which it is told then. Of the least ones half would be none. */
static void compare_floats(struct rp_difference *diff, enum rally_type type,
			   const unsigned char *a, const unsigned char *b)
{
	double x = rp_value_float(type, a), y = rp_value_float(type, b);
	double larger = fmax(fabs(x), fabs(y)), part = larger > 1 ? 2 : 1;
	double difference = fabs(x / part - y / part);

	larger /= part;
	if (!isfinite(x) || !isfinite(y))
		diff->not_finite++;
	else
		note(diff, fmin(part * difference, DBL_MAX),
		     larger > 0 ? difference / larger : 0);
}

static void compare_one(struct rp_difference *diff, enum rally_type type,
			size_t size, const unsigned char *a,
			const unsigned char *b, uint64_t at)
{
	uint64_t difference, larger;

	if (memcmp(a, b, size) == 0)
		return;
	if (diff->differing++ == 0)
		diff->first = at;
	if (rp_value_is_float(type)) {
		compare_floats(diff, type, a, b);
		return;
	}
	difference = apart(rp_value_integer(type, a), rp_value_integer(type, b),
			   rp_value_is_signed(type), &larger);
	note(diff, (double)difference, (double)difference / (double)larger);
}

void rp_compare(struct rp_difference *diff, enum rally_type type, const void *a,
		const void *b, size_t n, uint64_t at)
{
	size_t size = rp_dtype_size(type), step = STEP / size;
	const unsigned char *x = a, *y = b;

	diff->elements += n;
	for (size_t i = 0; i < n; i += step) {
		size_t most = n - i < step ? n - i : step;

		if (memcmp(x + i * size, y + i * size, most * size) == 0)
			continue;
		for (size_t k = i; k < i + most; k++)
			compare_one(diff, type, size, x + k * size,
				    y + k * size, at + k);
	}
}
