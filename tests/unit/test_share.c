/* data/share: the slices of replicated arrays, and who owns what of a box. */
#include "data/share.h"

#include "data/dtype.h"
#include "unit.h"

static char *const memory = (char *)4096;	/* never touched */

/* The slices of all ranks are the array: in order, none twice, none left out. */
static void expect_all(int ndim, const int64_t *shape, int ranks)
{
	int64_t bytes = rp_dtype_bytes(RALLY_F64, ndim, shape);
	int64_t next = 0;
	uint64_t sum = 0;

	for (int rank = 0; rank < ranks; rank++) {
		struct rp_region r, all;

		assert_int_equal(rp_region_replicated(&r, "r", memory, RALLY_F64,
						      ndim, shape, rank, ranks,
						      NULL), 0);
		assert_int_equal(r.kind, RP_ARRAY);
		assert_int_equal(r.replicated, 1);
		assert_memory_equal(r.shape, shape,
				    (size_t)ndim * sizeof(*shape));
		assert_int_equal(r.bytes,
				 rp_dtype_bytes(RALLY_F64, ndim, r.local));
		assert_true(r.start[0] >= 0 && r.local[0] >= 0 &&
			    r.start[0] <= shape[0] - r.local[0]);
		for (int i = 1; i < ndim; i++) {
			assert_int_equal(r.start[i], 0);
			assert_int_equal(r.local[i], shape[i]);
		}
		if (r.local[0] > 0) {
			assert_int_equal(r.start[0], next);
			next += r.local[0];
		}
		if (r.bytes > 0)
			assert_ptr_equal(r.data, memory + sum);
		sum += r.bytes;
		all = rp_region_whole(&r);
		assert_int_equal(all.replicated, 0);
		assert_ptr_equal(all.data, memory);
		assert_int_equal(all.bytes, bytes);
		assert_int_equal(all.start[0], 0);
		assert_memory_equal(all.local, shape,
				    (size_t)ndim * sizeof(*shape));
	}
	assert_int_equal(sum, bytes);
	assert_int_equal(next, shape[0]);
}

static void test_slices(void **state)
{
	static const int64_t shapes[][4] = {
		{ 1, 1, 1, 1 },	     { 8191, 1, 1, 1 },
		{ 8192, 1, 1, 1 },   { 100003, 1, 3, 1 },
		{ 5, 100000, 1, 1 }, { 1, 100000, 1, 1 },
		{ 0, 5, 5, 5 },	     { 7, 0, 5, 5 },
		{ INT64_MAX / 8, 1, 1, 1 }, { 3000001, 1, 1, 1 },
		{ 3, 3000000, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++)
		for (int ranks = 1; ranks < 20; ranks++)
			for (int ndim = 1; ndim <= 4; ndim++)
				expect_all(ndim, shapes[i], ranks);
	expect_all(1, shapes[8], 99991);
}

/* Less than two slices are rank 0's, and three are far apart. */
static void test_small(void **state)
{
	const int64_t just[1] = { 1 << 20 }, less[1] = { (1 << 20) - 1 };
	const int64_t three[1] = { 3 << 19 };
	struct rp_region r;

	(void)state;
	assert_int_equal(rp_region_replicated(&r, "r", memory, RALLY_F64, 1, just,
					      1, 2, NULL), 0);
	assert_int_equal(r.local[0], 1 << 19);
	assert_int_equal(rp_region_replicated(&r, "r", memory, RALLY_F64, 1, less,
					      1, 2, NULL), 0);
	assert_int_equal(r.local[0], 0);
	assert_int_equal(r.bytes, 0);
	assert_int_equal(rp_region_replicated(&r, "r", memory, RALLY_F64, 1, less,
					      0, 2, NULL), 0);
	assert_int_equal(r.local[0], (1 << 20) - 1);
	for (int rank = 0; rank < 9; rank++) {
		assert_int_equal(rp_region_replicated(&r, "r", memory, RALLY_F64,
						      1, three, rank, 9, NULL), 0);
		assert_int_equal(r.local[0], rank % 3 == 0 ? 1 << 19 : 0);
	}
}

static void test_whole_of_others(void **state)
{
	const int64_t shape[2] = { 9, 4 }, start[2] = { 3, 0 };
	const int64_t local[2] = { 2, 4 };
	struct rp_region r, all;

	(void)state;
	assert_int_equal(rp_region_array(&r, "a", memory, RALLY_U8, 2, shape,
					 start, local, NULL), 0);
	all = rp_region_whole(&r);
	assert_memory_equal(&all, &r, sizeof(r));
}

static void test_own(void **state)
{
	const int64_t shape[2] = { 90, 40 }, start[2] = { 30, 5 };
	const int64_t local[2] = { 20, 10 };
	const int64_t from[2] = { 31, 5 }, part[2] = { 18, 10 };
	const int64_t below[2] = { 29, 5 }, huge[2] = { 18, INT64_MAX };
	const int64_t end[2] = { 50, 15 }, none[2] = { 0, 0 };
	struct rp_err err = { 0 };
	struct rp_region r;

	(void)state;
	assert_int_equal(rp_region_array(&r, "a", memory, RALLY_U8, 2, shape,
					 start, local, NULL), 0);
	assert_int_equal(rp_region_own(&r, below, part, &err), RALLY_EARG);
	assert_fails(&err, RALLY_EARG, "dimension 0: the part starts at 29");
	assert_int_equal(rp_region_own(&r, from, huge, NULL), RALLY_EARG);
	assert_int_equal(r.owns, 0);
	assert_int_equal(rp_region_own(&r, end, none, NULL), 0);
	assert_int_equal(rp_region_own(&r, from, part, NULL), 0);
	assert_int_equal(r.owns, 1);
	assert_memory_equal(r.own_start, from, sizeof(from));
	assert_memory_equal(r.own_local, part, sizeof(part));
	assert_int_equal(rp_region_private(&r, "p", memory, RALLY_U8, 90, NULL),
			 0);
	rp_err_clear(&err);
	rp_region_own(&r, from, part, &err);
	assert_fails(&err, RALLY_EARG, "'p' is private memory");
}

/* What was declared of a name lives through adding it again. */
static void test_put(void **state)
{
	const int64_t shape[1] = { 90 }, start[1] = { 30 }, local[1] = { 20 };
	const int64_t from[1] = { 31 }, part[1] = { 18 }, other[1] = { 19 };
	struct rp_regions regions = { 0 };
	struct rp_region r;
	uint64_t layout;

	(void)state;
	rp_region_array(&r, "a", memory, RALLY_U8, 1, shape, start, local, NULL);
	assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
	regions.v[0].optional = 1;
	assert_int_equal(rp_region_own(&regions.v[0], from, part, NULL), 0);
	layout = regions.layout;
	r.data = memory + 1;
	assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
	assert_int_equal(regions.v[0].owns, 1);
	assert_int_equal(regions.v[0].own_start[0], 31);
	assert_int_equal(regions.v[0].optional, 1);
	assert_ptr_equal(regions.v[0].data, memory + 1);
	assert_int_equal(regions.layout, layout);
	rp_region_array(&r, "a", memory, RALLY_U8, 1, shape, start, other, NULL);
	assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
	assert_int_equal(regions.v[0].owns, 0);
	assert_int_equal(regions.v[0].optional, 1);
	assert_true(regions.layout != layout);
	/* The same box, but of something else. */
	layout = regions.layout;
	rp_region_replicated(&r, "a", memory, RALLY_U8, 1, shape, 0, 1, NULL);
	assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
	assert_true(regions.layout != layout);
	rp_regions_drop(&regions, "a", NULL);
	assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
	assert_int_equal(regions.v[0].optional, 0);
	rp_regions_free(&regions);
}

/* What ranks compare tells how an array is shared. */
static void test_common(void **state)
{
	const int64_t shape[1] = { 90 }, zero[1] = { 0 };
	struct rp_regions regions = { 0 };
	struct rp_region r;
	char *text;

	(void)state;
	rp_region_array(&r, "a", memory, RALLY_U8, 1, shape, zero, shape, NULL);
	rp_region_own(&r, zero, shape, NULL);
	assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
	rp_region_replicated(&r, "b", memory, RALLY_U8, 1, shape, 0, 1, NULL);
	assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
	text = rp_regions_common(&regions);
	assert_string_equal(text, "a U8 [90] owned, b U8 [90] replicated");
	free(text);
	rp_regions_free(&regions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_whole_of_others),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
