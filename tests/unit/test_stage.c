/* sys/stage: a copy of what is registered, within a bound. */
#include "sys/stage.h"

#include "data/shard.h"

#include "unit.h"

static unsigned char a[5000], b[RP_SHARD_ALIGN];

static void add(struct rp_regions *regions, const char *name, void *data,
		size_t count)
{
	struct rp_region region;

	assert_int_equal(rp_region_private(&region, name, data, RALLY_U8, count,
					   NULL), 0);
	assert_int_equal(rp_regions_put(regions, &region, NULL), 0);
}

static void fill(int seed)
{
	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = (unsigned char)(i * 7 + (size_t)seed);
	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (unsigned char)(i * 3 + (size_t)seed);
}

static void copy(struct rp_stage *stage, const struct rp_regions *regions)
{
	struct rp_err err = { 0 };

	if (rp_stage_reserve(stage, regions, 0, 1, &err) != 0 ||
	    rp_stage_fill(stage, regions, &err) != 0)
		print_error("%s\n", err.text);
	assert_int_equal(err.code, 0);
}

/* The data of that moment, with zeros behind each, whatever comes after. */
static void test_copy(void **state)
{
	struct rp_regions regions = { 0 };
	struct rp_stage stage = { 0 };
	unsigned char was[sizeof(a)];
	const struct rp_region *v;

	(void)state;
	add(&regions, "a", a, sizeof(a));
	add(&regions, "b", b, sizeof(b));
	add(&regions, "c", NULL, 0);
	for (int round = 0; round < 3; round++) {
		fill(round);
		memcpy(was, a, sizeof(a));
		copy(&stage, &regions);
		fill(99);
		v = stage.regions.v;
		assert_int_equal(stage.regions.n, 3);
		assert_int_equal(stage.regions.layout, regions.layout);
		assert_string_equal(v[0].name, "a");
		assert_ptr_not_equal(v[0].data, a);
		assert_memory_equal(v[0].data, was, sizeof(a));
		assert_int_equal((uintptr_t)v[0].data % RP_SHARD_ALIGN, 0);
		assert_ptr_equal(v[1].data, (char *)v[0].data +
						    2 * RP_SHARD_ALIGN);
		assert_int_equal(((unsigned char *)v[1].data)[1], 3 + round);
		for (size_t i = sizeof(a); i < 2 * RP_SHARD_ALIGN; i++)
			assert_int_equal(((unsigned char *)v[0].data)[i], 0);
		/* Smaller, and what was there before is not behind it. */
		add(&regions, "a", a, sizeof(a) - 1);
		memset(stage.memory, 0xee, stage.size);
		copy(&stage, &regions);
		assert_int_equal(((unsigned char *)stage.regions.v[0].data)
					 [sizeof(a) - 1], 0);
		add(&regions, "a", a, sizeof(a));
	}
	rp_stage_free(&stage);
	rp_stage_free(&stage);
	rp_regions_free(&regions);
}

/* What has the same layout is not taken for the same. */
static void test_other_file(void **state)
{
	struct rp_regions regions = { 0 };
	struct rp_stage stage = { 0 };
	struct rp_region file;

	(void)state;
	for (int scope = 0; scope < 2; scope++) {
		assert_int_equal(rp_region_file(&file, "f",
						(enum rally_file_scope)scope,
						(rally_file_fn *)(uintptr_t)1,
						NULL, NULL), 0);
		assert_int_equal(rp_regions_put(&regions, &file, NULL), 0);
		copy(&stage, &regions);
		assert_int_equal(stage.regions.v[0].scope, scope);
	}
	rp_stage_free(&stage);
	rp_regions_free(&regions);
}

/* The memory is kept where it is enough, and given back where it may not be had. */
static void test_bound(void **state)
{
	struct rp_regions regions = { 0 };
	struct rp_stage stage = { 0 };
	struct rp_err err = { 0 };
	void *memory;

	(void)state;
	add(&regions, "a", a, sizeof(a));
	copy(&stage, &regions);
	memory = stage.memory;
	rp_stage_touch(&stage);
	copy(&stage, &regions);
	assert_ptr_equal(stage.memory, memory);
	assert_int_equal(rp_stage_reserve(&stage, &regions, 2 * RP_SHARD_ALIGN,
					  1, &err), 0);
	assert_int_equal(rp_stage_reserve(&stage, &regions, sizeof(a), 1, &err),
			 RALLY_ENOMEM);
	assert_non_null(strstr(err.text, "async_memory"));
	assert_null(stage.memory);
	rp_err_clear(&err);
	/* More than any node has. */
	regions.v[0].bytes = (uint64_t)1 << 55;
	assert_int_equal(rp_stage_reserve(&stage, &regions, 0, 1, &err),
			 RALLY_ENOMEM);
	assert_non_null(strstr(err.text, "to be had"));
	rp_stage_free(&stage);
	rp_regions_free(&regions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_other_file),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
