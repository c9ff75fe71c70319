/*
 * test_walk.c - slices, and their walk in pieces: each of a thousand random ones gives
 * the elements that counting gives, in that order, within the bytes allowed
 */
#include "unit.h"

#include "tool/slice.h"
#include "tool/walk.h"

#define CASES 1000
#define MOST 4096	/* elements of an array */

static uint64_t random_state = 88172645463325252u;

static int64_t below(int64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (int64_t)(random_state % (uint64_t)n);
}

static int64_t count_of(int ndim, const int64_t *v)
{
	int64_t n = 1;

	for (int i = 0; i < ndim; i++)
		n *= v[i];
	return n;
}

/* The number of each element that the slice takes, in its order: as many. */
static int64_t enumerate(const struct rp_slice *s, const int64_t *shape, int64_t *out)
{
	int64_t n = count_of(s->ndim, s->count);

	for (int64_t i = 0; i < n; i++) {
		int64_t rest = i, scale = 1, number = 0;

		for (int d = s->ndim - 1; d >= 0; d--) {
			int64_t at = s->start[d] +
				     rest % s->count[d] * s->step[d];

			assert_true(at >= 0 && at < shape[d]);
			number += at * scale;
			scale *= shape[d];
			rest /= s->count[d];
		}
		out[i] = number;
	}
	return n;
}

/* The same by the pieces of a walk. */
static int64_t walk_through(const struct rp_slice *s, const int64_t *shape,
			    size_t size, size_t limit, int64_t *out)
{
	struct rp_slice piece = *s;
	struct rp_walk walk;
	int64_t n = 0;

	rp_walk_begin(&walk, s, size, limit);
	while (rp_walk_next(&walk)) {
		size_t bytes = (size_t)count_of(s->ndim, walk.local) * size;

		assert_true(walk.elements > 0);
		assert_true(bytes <= rp_walk_room(&walk, size));
		assert_true(bytes <= limit || walk.elements == 1);
		assert_int_equal(walk.elements, count_of(s->ndim, walk.count));
		for (int d = 0; d < s->ndim; d++) {
			assert_true(walk.start[d] + walk.local[d] <= shape[d]);
			assert_int_equal(walk.local[d],
					 (walk.count[d] - 1) * s->step[d] + 1);
			piece.start[d] = walk.start[d];
			piece.count[d] = walk.count[d];
		}
		n += enumerate(&piece, shape, out + n);
	}
	return n;
}

static void random_slice(char *text, size_t size, int ndim, const int64_t *shape)
{
	size_t used = 0;

	text[0] = '\0';
	for (int d = 0; d < ndim; d++) {
		int64_t a = below(shape[d] + 3) - 1, b = below(shape[d] + 3) - 1;
		const char *comma = d ? "," : "";

		if (below(3) == 0 && shape[d] > 0)
			used += (size_t)snprintf(text + used, size - used, "%s%lld",
						 comma, (long long)below(shape[d]));
		else if (below(3) == 0)
			used += (size_t)snprintf(text + used, size - used, "%s:",
						 comma);
		else
			used += (size_t)snprintf(text + used, size - used,
						 "%s%lld:%lld:%lld", comma,
						 (long long)a, (long long)b,
						 (long long)below(4) + 1);
	}
}

static void random_walks(void **state)
{
	static int64_t want[MOST], got[MOST];

	(void)state;
	for (int i = 0; i < CASES; i++) {
		int ndim = (int)below(8) + 1;
		int64_t shape[8];
		char text[400];
		struct rp_slice slice;
		struct rp_err err = { 0 };
		size_t size = (size_t)1 << below(4);
		int64_t n;

		do {
			for (int d = 0; d < ndim; d++)
				shape[d] = below(ndim < 3 ? 60 : 6);
		} while (count_of(ndim, shape) > MOST);
		random_slice(text, sizeof(text), ndim, shape);
		assert_int_equal(rp_slice_parse(&slice, text, ndim, shape, &err), 0);
		n = enumerate(&slice, shape, want);
		assert_int_equal(walk_through(&slice, shape, size,
					      8 + (size_t)below(3000), got), n);
		assert_memory_equal(got, want, (size_t)n * sizeof(*got));
	}
}

/* Rows, where they fit; then parts of a row. No step over what need not be read. */
static void where_it_is_cut(void **state)
{
	const int64_t shape[] = { 10, 1000 }, long_one[] = { 1 << 30 };
	struct rp_slice slice;
	struct rp_walk walk;

	(void)state;
	assert_int_equal(rp_slice_parse(&slice, NULL, 2, shape, NULL), 0);
	rp_walk_begin(&walk, &slice, 8, 24000);
	assert_int_equal(rp_walk_room(&walk, 8), 24000);
	assert_true(rp_walk_next(&walk));
	assert_int_equal(walk.local[0], 3);
	assert_int_equal(walk.local[1], 1000);
	rp_walk_begin(&walk, &slice, 8, 4800);
	assert_true(rp_walk_next(&walk));
	assert_int_equal(walk.local[0], 1);
	assert_int_equal(walk.local[1], 600);
	assert_true(rp_walk_next(&walk));
	assert_int_equal(walk.start[1], 600);
	assert_int_equal(walk.local[1], 400);
	assert_int_equal(rp_slice_parse(&slice, "::1000000", 1, long_one, NULL), 0);
	rp_walk_begin(&walk, &slice, 8, (size_t)64 << 20);
	assert_true(rp_walk_next(&walk));
	assert_int_equal(walk.elements, 1);
}

static void words(void **state)
{
	static const struct {
		const char *word, *name, *text;
	} cases[] = { { "T", "T", NULL }, { "T[1]", "T", "1" }, { "T[", "T[", NULL },
		      { "a[b][2:]", "a[b]", "2:" }, { "[1]", "[1]", NULL },
		      { "T[]", "T", "" }, { "]", "]", NULL }, { "", "", NULL } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *name, *text;

		assert_int_equal(rp_slice_split(cases[i].word, &name, &text), 0);
		assert_string_equal(name, cases[i].name);
		assert_int_equal(!text, !cases[i].text);
		if (text)
			assert_string_equal(text, cases[i].text);
		free(name);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_walks),
		cmocka_unit_test(where_it_is_cut),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
