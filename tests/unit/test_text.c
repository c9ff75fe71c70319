/* base/text: amounts for people, durations and integers from people. */
#include "base/text.h"

#include "unit.h"

static void test_bytes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },		{ 999, "999 B" },
		{ 1000, "1.0 kB" },	{ 1049, "1.0 kB" },
		{ 999949, "999.9 kB" }, { 999950, "1.0 MB" },
		{ 1500000000, "1.5 GB" }, { UINT64_MAX, "18.4 EB" },
	};
	char buf[24], small[4];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(rp_text_bytes(rows[i].bytes, buf,
						  sizeof(buf)), rows[i].text);
	assert_string_equal(rp_text_bytes(123456, small, sizeof(small)), "123");
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		double seconds;
	} good[] = {
		{ "0", 0 },	   { "2.5", 2.5 },     { "90s", 90 },
		{ "10m", 600 },	   { "1h30m", 5400 },  { "1d", 86400 },
		{ "1h30", 3630 },  { "0.5h", 1800 },   { "1m1m", 120 },
		{ "0.25", 0.25 },  { "1.m", 60 },      { "009", 9 },
	};
	static const char *const bad[] = {
		"", "x", "-1", "+1", " 1", "1 ", "10 m", "m", "1w", "1hh",
		"1h-5m", ".5", "nan", "inf", "1e3", "0x10", "300000000000",
		"10m;", "1,5", "1.5.5",
	};
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(rp_parse_duration(good[i].text, &ns), 0);
		assert_int_equal(ns, (int64_t)(good[i].seconds * 1e9));
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		ns = 77;
		if (rp_parse_duration(bad[i], &ns) == 0)
			print_error("'%s' is a duration\n", bad[i]);
		assert_int_equal(rp_parse_duration(bad[i], &ns), -1);
		assert_int_equal(ns, 77);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} good[] = {
		{ "0", 0 },	 { "4096", 4096 },     { "4k", 4096 },
		{ "64m", 64 << 20 }, { "1.5G", 3ll << 29 }, { "2t", 1ll << 41 },
	};
	static const char *const bad[] = {
		"", "m", "-1", "+1", " 1", "1 m", "1mb", "1kk", "1x", ".5m",
		"1e3", "0x10", "9000000t", "1m1k",
	};
	int64_t bytes;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(rp_parse_size(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		bytes = 77;
		if (rp_parse_size(bad[i], &bytes) == 0)
			print_error("'%s' is a size\n", bad[i]);
		assert_int_equal(rp_parse_size(bad[i], &bytes), -1);
		assert_int_equal(bytes, 77);
	}
}

static void test_ints(void **state)
{
	static const char *const bad[] = {
		"", "-", "+5", " 5", "5 ", "5x", "0x5", "5.0", "--5",
		"9223372036854775808", "-9223372036854775809", "11", "-11",
	};
	int64_t value = 77;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(rp_parse_int(bad[i], -10, 10, &value), -1);
	assert_int_equal(value, 77);
	assert_int_equal(rp_parse_int("-10", -10, 10, &value), 0);
	assert_int_equal(value, -10);
	assert_int_equal(rp_parse_int("0010", -10, 10, &value), 0);
	assert_int_equal(value, 10);
	assert_int_equal(rp_parse_int("9223372036854775807", 0, INT64_MAX,
				      &value), 0);
	assert_true(value == INT64_MAX);
}

static void test_ascii(void **state)
{
	char buf[16], small[4];

	(void)state;
	assert_string_equal(rp_text_ascii("a ~\x1b\t\x7f\xc3\xa4z", buf,
					  sizeof(buf)), "a ~?????z");
	assert_string_equal(rp_text_ascii("abcd", small, sizeof(small)), "abc");
	assert_string_equal(rp_text_ascii("", small, 1), "");
}

static void test_format(void **state)
{
	char *text = rp_format("%d-%s", 7, "x");

	(void)state;
	assert_string_equal(text, "7-x");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_ints),
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
