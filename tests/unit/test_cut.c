/* data/cut: the parts make up the box, and each meets few of the boxes. */
#include "data/cut.h"

#include "unit.h"

#include "random.h"

#define SIDE 40
#define WIDTH 5

struct told {
	const struct rp_box *all, *boxes;
	size_t n;
	struct rp_box parts[4000];
	size_t n_parts, most, sum;
	size_t end_at;	/* this part */
};

static int tell(void *arg, const struct rp_box *part, const size_t *which, size_t n)
{
	struct told *told = arg;
	struct rp_box both;
	size_t met = 0;

	assert_true(rp_box_inside(part, told->all));
	assert_false(rp_box_is_empty(part));
	for (size_t i = 0; i < told->n_parts; i++)
		assert_false(rp_box_meet(part, &told->parts[i], &both));
	for (size_t i = 0; i < told->n; i++) {
		if (!rp_box_meet(part, &told->boxes[i], &both))
			continue;
		assert_true(met < n);
		assert_int_equal(which[met++], i);
	}
	assert_int_equal(met, n);
	assert_in_range(told->n_parts, 0, COUNT(told->parts) - 1);
	told->parts[told->n_parts++] = *part;
	told->most = n > told->most ? n : told->most;
	told->sum += n;
	return told->n_parts == told->end_at ? 7 : 0;
}

static void expect_parts(struct told *told, const struct rp_box *all,
			 const struct rp_box *boxes, size_t n, int rc)
{
	uint64_t count = 0;

	told->all = all;
	told->boxes = boxes;
	told->n = n;
	told->n_parts = told->most = told->sum = 0;
	assert_int_equal(rp_cut(all, boxes, n, tell, told), rc);
	for (size_t i = 0; i < told->n_parts; i++)
		count += rp_box_count(&told->parts[i]);
	if (rc == 0)
		assert_int_equal(count, rp_box_count(all));
}

/* Boxes of a grid that overlap by 2 * halo, in an order at random. */
static struct rp_box *grid(int ndim, int64_t halo, size_t *n)
{
	int64_t side = ndim == 2 ? SIDE : ndim == 3 ? 12 : 1600;
	struct rp_box *boxes;

	*n = 1;
	for (int d = 0; d < ndim; d++)
		*n *= (size_t)side;
	boxes = calloc(*n, sizeof(*boxes));
	for (size_t i = 0; i < *n; i++) {
		size_t j = (size_t)random_below((int64_t)i + 1), k = i;
		struct rp_box box = { .ndim = ndim };

		for (int d = ndim - 1; d >= 0; d--) {
			int64_t at = (int64_t)(k % (size_t)side) * WIDTH;

			k /= (size_t)side;
			box.start[d] = at > halo ? at - halo : 0;
			box.size[d] = at + WIDTH + halo - box.start[d];
		}
		boxes[i] = boxes[j];
		boxes[j] = box;
	}
	return boxes;
}

static struct rp_box all_of(int ndim)
{
	struct rp_box all = { .ndim = ndim };

	for (int d = 0; d < ndim; d++)
		all.size[d] = WIDTH * (ndim == 2 ? SIDE : ndim == 3 ? 12 : 1600);
	return all;
}

static void test_grids(void **state)
{
	static struct told told;

	(void)state;
	random_begin();
	for (int ndim = 1; ndim <= 3; ndim++)
		for (int64_t halo = 0; halo < 2; halo++) {
			struct rp_box all = all_of(ndim);
			size_t n;
			struct rp_box *boxes = grid(ndim, halo, &n);

			expect_parts(&told, &all, boxes, n, 0);
			assert_in_range(told.most, 1, ndim < 3 ? 80 : 400);
			/* Without halos none is in two. */
			assert_in_range(told.sum, n, halo ? 3 * n : n);
			free(boxes);
		}
}

/* All of them everywhere: nothing is won by it. */
static void test_all_the_same(void **state)
{
	static struct told told;
	struct rp_box all = all_of(2), boxes[300];

	(void)state;
	for (size_t i = 0; i < COUNT(boxes); i++)
		boxes[i] = all;
	expect_parts(&told, &all, boxes, COUNT(boxes), 0);
	assert_int_equal(told.n_parts, 1);
	for (size_t i = 0; i < COUNT(boxes); i++)
		boxes[i].start[0] = (int64_t)(i / 2);
	expect_parts(&told, &all, boxes, COUNT(boxes), 0);
	expect_parts(&told, &all, boxes, 0, 0);
	assert_int_equal(told.n_parts, 1);
}

static void test_random(void **state)
{
	static struct told told;
	struct rp_box boxes[200];

	(void)state;
	random_begin();
	for (int i = 0; i < 200; i++) {
		int64_t shape[RALLY_MAX_DIMS];
		int ndim = 1 + (int)random_below(4);
		struct rp_box all;

		for (int d = 0; d < ndim; d++)
			shape[d] = 1 + random_below(50);
		all = random_box(ndim, shape);
		if (rp_box_is_empty(&all))
			continue;
		for (size_t k = 0; k < COUNT(boxes); k++)
			boxes[k] = random_box(ndim, shape);
		expect_parts(&told, &all, boxes, COUNT(boxes), 0);
	}
}

static void test_far(void **state)
{
	static struct told told;
	struct rp_box all = { 1, { 0 }, { INT64_MAX } }, boxes[100];

	(void)state;
	for (size_t i = 0; i < COUNT(boxes); i++) {
		boxes[i] = all;
		boxes[i].start[0] = (int64_t)i * (INT64_MAX / 100);
		boxes[i].size[0] = INT64_MAX / 100;
	}
	expect_parts(&told, &all, boxes, COUNT(boxes), 0);
	assert_true(told.n_parts > 1);
}

static void test_end(void **state)
{
	static struct told told = { .end_at = 3 };
	struct rp_box all = all_of(2);
	size_t n;
	struct rp_box *boxes = grid(2, 1, &n);

	(void)state;
	expect_parts(&told, &all, boxes, n, 7);
	assert_int_equal(told.n_parts, 3);
	free(boxes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grids),
		cmocka_unit_test(test_all_the_same),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
