/* data/region: what may be registered, and what the ranks compare. */
#include "data/region.h"

#include "unit.h"

static double memory[64];

static int fn(const char *path, enum rally_file_op op, int64_t step, void *arg)
{
	(void)path, (void)op, (void)step, (void)arg;
	return 0;
}

static void test_names(void **state)
{
	static const char *const good[] = { "T", "a b", "x.y", "~!#$%^&*()",
					    "{}[]<>|;:',?", "__metadata" };
	static const char *const bad[] = { "", ".x", "a/b", "a@b", "a\"b",
					   "a\\b", "a\nb", "a\x7f", "\xc3\xa4",
					   "..", "__metadata__", NULL };
	char name[RALLY_MAX_NAME + 2];
	struct rp_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(rp_region_check_name(good[i], NULL), 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(rp_region_check_name(bad[i], NULL),
				 RALLY_EARG);
	memset(name, 'x', sizeof(name));
	name[RALLY_MAX_NAME] = '\0';
	assert_int_equal(rp_region_check_name(name, &err), 0);
	name[RALLY_MAX_NAME] = 'x';
	name[RALLY_MAX_NAME + 1] = '\0';
	rp_region_check_name(name, &err);
	assert_fails(&err, RALLY_EARG, "201 bytes");
}

static void test_private(void **state)
{
	struct rp_region r;

	(void)state;
	assert_int_equal(rp_region_private(&r, "p", memory, RALLY_F64, 64,
					   NULL), 0);
	assert_int_equal(r.bytes, 512);
	assert_int_equal(r.ndim, 1);
	assert_int_equal(r.local[0], 64);
	assert_int_equal(rp_region_private(&r, "p", NULL, RALLY_F64, 0, NULL),
			 0);
	assert_int_equal(r.bytes, 0);
	assert_int_equal(rp_region_private(&r, "p", NULL, RALLY_F64, 1, NULL),
			 RALLY_EARG);
	assert_int_equal(rp_region_private(&r, "p", memory, (enum rally_type)0,
					   1, NULL), RALLY_EARG);
	assert_int_equal(rp_region_private(&r, "p", memory, RALLY_F64,
					   SIZE_MAX, NULL), RALLY_EARG);
	assert_int_equal(rp_region_private(&r, "p", memory, RALLY_F64,
					   (size_t)INT64_MAX / 8 + 1, NULL),
			 RALLY_EARG);
	assert_int_equal(rp_region_private(&r, "a/b", memory, RALLY_F64, 1,
					   NULL), RALLY_EARG);
}

static int array(int64_t global, int64_t start, int64_t local)
{
	const int64_t g[] = { 4, global }, s[] = { 0, start };
	const int64_t l[] = { 4, local };
	struct rp_region r;

	return rp_region_array(&r, "T", memory, RALLY_F64, 2, g, s, l, NULL);
}

static void test_boxes(void **state)
{
	static const int64_t huge[] = { INT64_MAX, 2 }, zero[8] = { 0 };
	static const int64_t one[RALLY_MAX_DIMS + 1] = { 1, 1, 1, 1, 1,
							 1, 1, 1, 1 };
	struct rp_region r;

	(void)state;
	assert_int_equal(array(8, 0, 8), 0);
	assert_int_equal(array(8, 7, 1), 0);
	assert_int_equal(array(8, 8, 0), 0);
	assert_int_equal(array(0, 0, 0), 0);
	assert_int_equal(array(8, 8, 1), RALLY_EARG);
	assert_int_equal(array(8, 9, 0), RALLY_EARG);
	assert_int_equal(array(8, 1, 8), RALLY_EARG);
	assert_int_equal(array(8, -1, 1), RALLY_EARG);
	assert_int_equal(array(8, 0, -1), RALLY_EARG);
	assert_int_equal(array(-8, 0, 0), RALLY_EARG);
	assert_int_equal(array(8, INT64_MAX, INT64_MAX), RALLY_EARG);
	/* an empty box of an array that no file could hold */
	assert_int_equal(rp_region_array(&r, "T", NULL, RALLY_U8, 2, huge,
					 zero, zero, NULL), RALLY_EARG);
	assert_int_equal(rp_region_array(&r, "T", memory, RALLY_U8, 8, one,
					 zero, one, NULL), 0);
	assert_int_equal(rp_region_array(&r, "T", memory, RALLY_U8, 9, one,
					 one, one, NULL), RALLY_EARG);
	assert_int_equal(rp_region_array(&r, "T", memory, RALLY_U8, 0, one,
					 one, one, NULL), RALLY_EARG);
	assert_int_equal(rp_region_array(&r, "T", memory, RALLY_U8, 1, NULL,
					 one, one, NULL), RALLY_EARG);
}

static void test_files(void **state)
{
	struct rp_region r;

	(void)state;
	assert_int_equal(rp_region_file(&r, "f", RALLY_FILE_SHARED, fn, NULL,
					NULL), 0);
	assert_int_equal(rp_region_file(&r, "f", RALLY_FILE_SHARED, NULL, NULL,
					NULL), RALLY_EARG);
	assert_int_equal(rp_region_file(&r, "f", (enum rally_file_scope)2, fn,
					NULL, NULL), RALLY_EARG);
	assert_int_equal(rp_region_file(&r, "../f", RALLY_FILE_SHARED, fn,
					NULL, NULL), RALLY_EARG);
}

static void put(struct rp_regions *regions, const char *name, size_t count)
{
	struct rp_region r;

	assert_int_equal(rp_region_private(&r, name, memory, RALLY_F64, count,
					   NULL), 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
}

static void test_sorted_by_name(void **state)
{
	static const char *const names[] = { "m", "c", "z", "a", "b", "y" };
	struct rp_regions regions = { 0 };
	struct rp_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		put(&regions, names[i], i + 1);
	put(&regions, "z", 9);	/* again: in its place */
	assert_int_equal(regions.n, 6);
	for (size_t i = 1; i < regions.n; i++)
		assert_true(strcmp(regions.v[i - 1].name,
				   regions.v[i].name) < 0);
	assert_int_equal(rp_regions_find(&regions, "z")->local[0], 9);
	assert_null(rp_regions_find(&regions, "zz"));
	assert_null(rp_regions_find(&regions, ""));
	assert_int_equal(rp_regions_bytes(&regions), 8 * (1 + 2 + 9 + 4 + 5 + 6));
	assert_int_equal(rp_regions_drop(&regions, "m", &err), 0);
	assert_int_equal(rp_regions_drop(&regions, "m", &err), RALLY_EABSENT);
	assert_int_equal(regions.n, 5);
	assert_string_equal(regions.v[2].name, "c");
	assert_string_equal(regions.v[3].name, "y");
	rp_regions_free(&regions);
	rp_regions_free(&regions);
}

static void put_shared(struct rp_regions *regions, const char *name,
		       int64_t rows, int64_t mine, enum rally_file_scope scope)
{
	const int64_t global[] = { rows, 2 }, start[] = { 0, 0 };
	const int64_t local[] = { mine, 2 };
	struct rp_region r;

	assert_int_equal(rp_region_array(&r, name, memory, RALLY_F64, 2,
					 global, start, local, NULL), 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
	assert_int_equal(rp_region_file(&r, "f", scope, fn, NULL, NULL), 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
}

static void assert_common(struct rp_regions *a, struct rp_regions *b, int same)
{
	char *one = rp_regions_common(a), *two = rp_regions_common(b);

	assert_int_equal(strcmp(one, two) == 0, same);
	free(one);
	free(two);
}

static void test_what_must_be_the_same(void **state)
{
	struct rp_regions a = { 0 }, b = { 0 };

	(void)state;
	assert_common(&a, &b, 1);
	put_shared(&a, "T", 8, 3, RALLY_FILE_SHARED);
	put(&a, "mine", 5);
	put_shared(&b, "T", 8, 5, RALLY_FILE_SHARED);
	assert_common(&a, &b, 1);	/* boxes and private ones may differ */
	put_shared(&b, "T", 9, 5, RALLY_FILE_SHARED);
	assert_common(&a, &b, 0);
	put_shared(&b, "T", 8, 5, RALLY_FILE_PRIVATE);
	assert_common(&a, &b, 0);
	put_shared(&b, "T", 8, 5, RALLY_FILE_SHARED);
	assert_common(&a, &b, 1);
	put_shared(&b, "U", 8, 5, RALLY_FILE_SHARED);
	assert_common(&a, &b, 0);
	rp_regions_free(&a);
	rp_regions_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_boxes),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_sorted_by_name),
		cmocka_unit_test(test_what_must_be_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
