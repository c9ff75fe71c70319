/* data/box: what two boxes have in common, and where it lies in each. */
#include "data/box.h"

#include "unit.h"

#include "random.h"

#define WIDE ((int64_t)1 << 40)

static struct rp_box box1(int64_t start, int64_t size)
{
	return rp_box_of(1, &start, &size);
}

static struct rp_box box2(int64_t y, int64_t x, int64_t rows, int64_t columns)
{
	int64_t start[] = { y, x }, size[] = { rows, columns };

	return rp_box_of(2, start, size);
}

static void test_meet(void **state)
{
	struct rp_box a = box2(2, 3, 4, 5), b = box2(5, 0, 9, 4), both;
	char text[60];

	(void)state;
	assert_true(rp_box_meet(&a, &b, &both));
	assert_string_equal(rp_box_text(&both, text, sizeof(text)), "[5:6,3:4]");
	b = box2(6, 0, 9, 9);
	assert_false(rp_box_meet(&a, &b, &both));
	b = box2(0, 0, 9, 0);
	assert_false(rp_box_meet(&a, &b, &both));
	b = box1(0, 9);
	assert_false(rp_box_meet(&a, &b, &both));
}

static void test_inside(void **state)
{
	struct rp_box outer = box2(2, 3, 4, 5), inner = box2(2, 3, 4, 5);

	(void)state;
	assert_true(rp_box_inside(&inner, &outer));
	assert_true(rp_box_same(&inner, &outer));
	inner = box2(6, 8, 0, 0);
	assert_true(rp_box_inside(&inner, &outer));
	assert_true(rp_box_is_empty(&inner));
	inner = box2(2, 2, 1, 1);
	assert_false(rp_box_inside(&inner, &outer));
	inner = box2(5, 3, 2, 1);
	assert_false(rp_box_inside(&inner, &outer));
	inner = box1(2, 1);
	assert_false(rp_box_inside(&inner, &outer));
	assert_false(rp_box_same(&inner, &outer));
}

static void test_sound(void **state)
{
	struct rp_box box = box2(0, INT64_MAX, 1, 0);

	(void)state;
	assert_true(rp_box_is_sound(&box));
	box = box2(0, INT64_MAX, 1, 1);
	assert_false(rp_box_is_sound(&box));
	box = box2(-1, 0, 1, 1);
	assert_false(rp_box_is_sound(&box));
	box = box2(0, 0, 1, -1);
	assert_false(rp_box_is_sound(&box));
}

static void test_count(void **state)
{
	struct rp_box box = box2(0, 0, WIDE, WIDE);

	(void)state;
	assert_int_equal(rp_box_count(&box), UINT64_MAX);
	box = box2(0, 0, WIDE, 1 << 20);
	assert_int_equal(rp_box_count(&box), (uint64_t)1 << 60);
	box = box2(0, 0, WIDE, 0);
	assert_int_equal(rp_box_count(&box), 0);
}

/* As few runs as there can be. */
static void expect_runs(struct rp_box part, struct rp_box from, struct rp_box to,
			uint64_t size, uint64_t n)
{
	struct rp_runs runs;

	assert_int_equal(rp_runs_begin(&runs, 8, &part, &from, &to), 0);
	assert_int_equal(runs.size, 8 * size);
	assert_int_equal(runs.left, n);
}

static void test_runs(void **state)
{
	struct rp_box all = box2(0, 0, 6, 10);

	(void)state;
	expect_runs(all, all, all, 60, 1);
	expect_runs(box2(2, 0, 3, 10), all, all, 30, 1);
	expect_runs(box2(2, 0, 3, 10), all, box2(2, 0, 3, 10), 30, 1);
	expect_runs(box2(2, 1, 3, 9), all, all, 9, 3);
	expect_runs(box2(2, 1, 3, 9), box2(2, 1, 3, 9), box2(0, 1, 6, 9), 27, 1);
	expect_runs(box2(2, 1, 3, 9), box2(2, 1, 3, 9), all, 9, 3);
	expect_runs(box2(0, 4, 6, 1), all, box2(0, 4, 6, 1), 1, 6);
	expect_runs(box2(3, 4, 1, 1), all, all, 1, 1);
}

static void test_not_inside(void **state)
{
	struct rp_box all = box2(0, 0, 6, 10), part = box2(5, 0, 2, 1);
	struct rp_box big = box2(0, 0, WIDE, WIDE), none = box2(0, 0, WIDE, 0);
	struct rp_runs runs;

	(void)state;
	assert_int_equal(rp_runs_begin(&runs, 1, &part, &all, &all), -1);
	assert_int_equal(rp_runs_begin(&runs, 1, &part, &big, &big), -1);
	assert_int_equal(rp_runs_begin(&runs, 1, &none, &big, &big), 0);
	assert_int_equal(runs.left, 0);
	big = box2(0, 0, WIDE, (int64_t)1 << 23);
	assert_int_equal(rp_runs_begin(&runs, 1, &part, &big, &big), -1);
}

/* Beyond 32 bits. */
static void test_far(void **state)
{
	struct rp_box all = box2(0, 0, WIDE, 1000);
	struct rp_box part = box2(WIDE - 2, 999, 2, 1);
	struct rp_runs runs;

	(void)state;
	assert_int_equal(rp_runs_begin(&runs, 8, &part, &all, &part), 0);
	assert_int_equal(runs.from, ((uint64_t)(WIDE - 2) * 1000 + 999) * 8);
	assert_int_equal(runs.left, 2);
	rp_runs_next(&runs);
	assert_int_equal(runs.from, ((uint64_t)(WIDE - 1) * 1000 + 999) * 8);
	assert_int_equal(runs.to, 8);
}

/*
 * Against what is counted element by element
 */

static uint64_t offset_in(const struct rp_box *box, const int64_t *at)
{
	uint64_t offset = 0;

	for (int d = 0; d < box->ndim; d++)
		offset = offset * (uint64_t)box->size[d] +
			 (uint64_t)(at[d] - box->start[d]);
	return offset;
}

static int step_in(const struct rp_box *box, int64_t *at)
{
	for (int d = box->ndim - 1; d >= 0; d--) {
		if (++at[d] < box->start[d] + box->size[d])
			return 1;
		at[d] = box->start[d];
	}
	return 0;
}

/* A box around `part`. */
static struct rp_box grown(const struct rp_box *part)
{
	struct rp_box box = *part;

	for (int d = 0; d < box.ndim; d++) {
		int64_t before = random_below(3);

		before = before > box.start[d] ? box.start[d] : before;
		box.start[d] -= before;
		box.size[d] += before + random_below(3);
	}
	return box;
}

static void check_runs(const struct rp_box *part, const struct rp_box *from,
		       const struct rp_box *to, uint64_t width)
{
	struct rp_runs runs;
	int64_t at[RALLY_MAX_DIMS];
	uint64_t done = 0, begin = 0, left = rp_box_count(part);

	memcpy(at, part->start, sizeof(at));
	assert_int_equal(rp_runs_begin(&runs, width, part, from, to), 0);
	while (left-- > 0) {
		assert_true(runs.left > 0);
		assert_int_equal(runs.from + done, offset_in(from, at) * width);
		assert_int_equal(runs.to + done, offset_in(to, at) * width);
		assert_true(done > 0 || begin == 0 || runs.from >= begin);
		done += width;
		if (done == runs.size) {
			begin = runs.from + done;
			rp_runs_next(&runs);
			done = 0;
		}
		step_in(part, at);
	}
	assert_int_equal(runs.left, 0);
	assert_int_equal(done, 0);
}

/* Every byte of a run is in a joined one; between those is no short gap. */
static void check_joined(const struct rp_box *part, const struct rp_box *from,
			 uint64_t width, uint64_t gap)
{
	struct rp_runs runs, joined;
	uint64_t end = 0;

	assert_int_equal(rp_runs_begin(&runs, width, part, from, part), 0);
	joined = rp_runs_joined(&runs, gap);
	for (; joined.left > 0; rp_runs_next(&joined)) {
		assert_true(end == 0 || joined.from >= end + gap);
		assert_int_equal(joined.from, runs.from);
		end = joined.from + joined.size;
		while (runs.left > 0 && runs.from < end) {
			assert_true(runs.from + runs.size <= end);
			rp_runs_next(&runs);
		}
	}
	assert_int_equal(runs.left, 0);
}

static void test_random(void **state)
{
	(void)state;
	random_begin();
	for (int i = 0; i < 3000; i++) {
		int ndim = 1 + (int)random_below(RALLY_MAX_DIMS);
		int64_t shape[RALLY_MAX_DIMS];
		struct rp_box part, from, to;

		for (int d = 0; d < ndim; d++)
			shape[d] = 1 + random_below(ndim > 4 ? 3 : 9);
		part = random_box(ndim, shape);
		from = grown(&part);
		to = grown(&part);
		check_runs(&part, &from, &to, 1 + (uint64_t)random_below(8));
		check_joined(&part, &from, 1 + (uint64_t)random_below(8),
			     1 + (uint64_t)random_below(40));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meet),
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_not_inside),
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
