/* data/cover: what boxes leave of a box. */
#include "data/cover.h"

#include "unit.h"

#include "random.h"

static struct rp_box box2(int64_t y, int64_t x, int64_t rows, int64_t columns)
{
	int64_t start[] = { y, x }, size[] = { rows, columns };

	return rp_box_of(2, start, size);
}

static void expect_hole(const struct rp_cover *cover, const char *text)
{
	struct rp_box hole;
	char got[60];

	assert_true(rp_cover_hole(cover, &hole));
	assert_string_equal(rp_box_text(&hole, got, sizeof(got)), text);
}

static void test_hole(void **state)
{
	struct rp_box all = box2(0, 0, 8, 6), one = box2(2, 2, 3, 2), hole;
	struct rp_cover cover;

	(void)state;
	assert_int_equal(rp_cover_begin(&cover, &all), 0);
	expect_hole(&cover, "[0:8,0:6]");
	assert_int_equal(rp_cover_take(&cover, &one), 0);
	assert_true(rp_cover_hole(&cover, &hole));
	assert_false(rp_box_meet(&hole, &one, &hole));
	one = box2(0, 0, 5, 6);
	assert_int_equal(rp_cover_take(&cover, &one), 0);
	expect_hole(&cover, "[5:8,0:6]");
	one = box2(5, 0, 9, 9);
	assert_int_equal(rp_cover_take(&cover, &one), 0);
	assert_false(rp_cover_hole(&cover, &hole));
	rp_cover_free(&cover);
	all = box2(3, 3, 0, 2);
	assert_int_equal(rp_cover_begin(&cover, &all), 0);
	assert_false(rp_cover_hole(&cover, &hole));
	rp_cover_free(&cover);
}

/* What one rank of several left out is named, however the others' boxes cut it. */
static void test_one_is_missing(void **state)
{
	(void)state;
	random_begin();
	for (int i = 0; i < 500; i++) {
		int ndim = 1 + (int)random_below(RALLY_MAX_DIMS), n;
		int64_t shape[RALLY_MAX_DIMS];
		struct rp_box boxes[8], all, hole;
		struct rp_cover cover;

		for (int d = 0; d < ndim; d++)
			shape[d] = 1 + random_below(6);
		n = 1 + (int)random_below(8);
		random_split(ndim, shape, n, boxes);
		all = rp_box_whole(ndim, shape);
		assert_int_equal(rp_cover_begin(&cover, &all), 0);
		for (int k = 1; k < n; k++)
			assert_int_equal(rp_cover_take(&cover, &boxes[k]), 0);
		assert_int_equal(rp_cover_hole(&cover, &hole),
				 !rp_box_is_empty(&boxes[0]));
		if (!rp_box_is_empty(&boxes[0]))
			assert_true(rp_box_same(&hole, &boxes[0]));
		rp_cover_free(&cover);
	}
}

static int holds(const struct rp_box *box, int64_t y, int64_t x)
{
	return y >= box->start[0] && y < box->start[0] + box->size[0] &&
	       x >= box->start[1] && x < box->start[1] + box->size[1];
}

/* Boxes that overlap: each element that is left is in one box, the others in none. */
static void test_overlap(void **state)
{
	const int64_t shape[] = { 20, 20 };
	struct rp_box all = rp_box_whole(2, shape);

	(void)state;
	random_begin();
	for (int i = 0; i < 200; i++) {
		int left[20][20], n = 1 + (int)random_below(9);
		struct rp_cover cover;

		for (int y = 0; y < 20; y++)
			for (int x = 0; x < 20; x++)
				left[y][x] = 1;
		assert_int_equal(rp_cover_begin(&cover, &all), 0);
		while (n-- > 0) {
			struct rp_box one = random_box(2, shape);

			assert_int_equal(rp_cover_take(&cover, &one), 0);
			for (int y = 0; y < 20; y++)
				for (int x = 0; x < 20; x++)
					left[y][x] &= !holds(&one, y, x);
		}
		for (int y = 0; y < 20; y++)
			for (int x = 0; x < 20; x++) {
				int in = 0;

				for (size_t k = 0; k < cover.n; k++)
					in += holds(&cover.v[k], y, x);
				assert_int_equal(in, left[y][x]);
			}
		rp_cover_free(&cover);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_one_is_missing),
		cmocka_unit_test(test_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
