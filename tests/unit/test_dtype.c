/* data/dtype: names and sizes of safetensors' types. */
#include "data/dtype.h"

#include "unit.h"

static void test_types(void **state)
{
	static const struct {
		enum rally_type type;
		const char *name;
		size_t size;
	} rows[] = {
		{ RALLY_BOOL, "BOOL", 1 },	 { RALLY_U8, "U8", 1 },
		{ RALLY_I8, "I8", 1 },		 { RALLY_U16, "U16", 2 },
		{ RALLY_I16, "I16", 2 },	 { RALLY_U32, "U32", 4 },
		{ RALLY_I32, "I32", 4 },	 { RALLY_U64, "U64", 8 },
		{ RALLY_I64, "I64", 8 },	 { RALLY_F8_E4M3, "F8_E4M3", 1 },
		{ RALLY_F8_E5M2, "F8_E5M2", 1 }, { RALLY_F16, "F16", 2 },
		{ RALLY_BF16, "BF16", 2 },	 { RALLY_F32, "F32", 4 },
		{ RALLY_F64, "F64", 8 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(rp_dtype_name(rows[i].type), rows[i].name);
		assert_int_equal(rp_dtype_size(rows[i].type), rows[i].size);
		assert_int_equal(rp_dtype_parse(rows[i].name), rows[i].type);
	}
}

static void test_no_types(void **state)
{
	static const int none[] = { 0, -1, RALLY_F64 + 1, INT32_MAX,
				    INT32_MIN };
	static const char *const names[] = { "", "f64", "F64 ", "F", "C64",
					     "F128" };
	const int64_t one = 1;

	(void)state;
	for (size_t i = 0; i < COUNT(none); i++) {
		assert_int_equal(rp_dtype_size((enum rally_type)none[i]), 0);
		assert_null(rp_dtype_name((enum rally_type)none[i]));
		assert_int_equal(rp_dtype_bytes((enum rally_type)none[i], 1,
						&one), -1);
	}
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(rp_dtype_parse(names[i]), 0);
}

static void test_bytes(void **state)
{
	const int64_t shape[] = { 3, 5, 7 }, empty[] = { INT64_MAX, 0, 9 };
	const int64_t negative[] = { 0, -1 }, big[] = { INT64_MAX / 8, 1 };
	const int64_t over[] = { INT64_MAX / 8 + 1 }, square[] = { 1ll << 31,
								   1ll << 31,
								   2 };

	(void)state;
	assert_int_equal(rp_dtype_bytes(RALLY_F64, 3, shape), 840);
	assert_int_equal(rp_dtype_bytes(RALLY_F64, 0, NULL), 8);
	assert_int_equal(rp_dtype_bytes(RALLY_F64, 3, empty), 0);
	assert_int_equal(rp_dtype_bytes(RALLY_F64, 2, negative), -1);
	assert_true(rp_dtype_bytes(RALLY_F64, 2, big) == INT64_MAX / 8 * 8);
	assert_int_equal(rp_dtype_bytes(RALLY_F64, 1, over), -1);
	assert_int_equal(rp_dtype_bytes(RALLY_U8, 3, square), -1);
	assert_true(rp_dtype_bytes(RALLY_U8, 2, square) == 1ll << 62);
}

static void test_text(void **state)
{
	const int64_t shape[] = { 512, 1, INT64_MAX };
	char buf[64], small[9];

	(void)state;
	assert_string_equal(rp_dtype_shape_text(RALLY_F64, 3, shape, buf,
						sizeof(buf)),
			    "F64 [512,1,9223372036854775807]");
	assert_string_equal(rp_dtype_shape_text(RALLY_U8, 0, NULL, buf,
						sizeof(buf)), "U8 []");
	for (size_t size = 1; size <= sizeof(small); size++) {
		memset(small, '#', sizeof(small));
		rp_dtype_shape_text(RALLY_F64, 3, shape, small, size);
		assert_int_equal(strlen(small), size - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_no_types),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
