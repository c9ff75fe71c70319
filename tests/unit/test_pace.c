/*
 * test_pace.c - what a save is expected to take
 */
#include "unit.h"

#include "data/pace.h"

#define MIB ((uint64_t)1 << 20)
#define SECOND 1000000000

static void test_nothing_known(void **state)
{
	struct rp_pace pace = { 0 };

	(void)state;
	assert_int_equal(rp_pace_predict(&pace, 0), RP_PACE_UNKNOWN);
	assert_int_equal(rp_pace_predict(&pace, MIB), RP_PACE_UNKNOWN);
	assert_int_equal(rp_pace_bandwidth(&pace), 0);
}

/* Twice the bytes take twice the time; below what is little, the same. */
static void test_by_size(void **state)
{
	struct rp_pace pace = { 0 };

	(void)state;
	rp_pace_learn(&pace, 1000 * MIB, 10 * (int64_t)SECOND);
	assert_int_equal(rp_pace_predict(&pace, 1000 * MIB),
			 10 * (int64_t)SECOND);
	assert_int_equal(rp_pace_predict(&pace, 2000 * MIB),
			 20 * (int64_t)SECOND);
	assert_int_equal(rp_pace_predict(&pace, 100 * MIB), SECOND);
	assert_int_equal(rp_pace_predict(&pace, 0),
			 rp_pace_predict(&pace, RP_PACE_LITTLE));
	assert_int_equal(rp_pace_bandwidth(&pace), 100 * MIB);
}

/* A kilobyte in five milliseconds is no 200 kB/s. */
static void test_little_tells_little(void **state)
{
	struct rp_pace pace = { 0 };

	(void)state;
	rp_pace_learn(&pace, 1000, 5000000);
	assert_int_equal(rp_pace_predict(&pace, 1000), 5000000);
	assert_int_equal(rp_pace_predict(&pace, RP_PACE_LITTLE), 5000000);
	assert_int_equal(rp_pace_predict(&pace, RP_PACE_LITTLE + 1),
			 RP_PACE_UNKNOWN);
	/* The first large one is no mean of both. */
	rp_pace_learn(&pace, 64 * MIB, SECOND);
	assert_int_equal(rp_pace_predict(&pace, 64 * MIB), SECOND);
}

/* Half of the last one, a quarter of the one before. */
static void test_mean(void **state)
{
	struct rp_pace pace = { 0 };

	(void)state;
	rp_pace_learn(&pace, 100 * MIB, 8 * (int64_t)SECOND);
	rp_pace_learn(&pace, 100 * MIB, 4 * (int64_t)SECOND);
	assert_in_range(pace.ns, 6 * (int64_t)SECOND, 6 * (int64_t)SECOND + 9);
	rp_pace_learn(&pace, 200 * MIB, 12 * (int64_t)SECOND);
	assert_in_range(pace.ns, 12 * (int64_t)SECOND, 12 * (int64_t)SECOND + 9);
	rp_pace_learn(&pace, 200 * MIB, 0);
	assert_in_range(pace.ns, 6 * (int64_t)SECOND, 6 * (int64_t)SECOND + 9);
}

static void test_from_a_manifest(void **state)
{
	struct rp_stored_file file = { .bytes = 500 };
	struct rp_piece pieces[2] = { { .bytes = 1000 },
				      { .bytes = 800, .files = &file,
					.n_files = 1 } };
	struct rp_manifest m = { .ranks = 2, .bytes = 2300, .elapsed_ns = 230,
				 .pieces = pieces };
	struct rp_pace pace = { 0 };

	(void)state;
	rp_pace_read(&pace, &m);	/* of a version without bandwidth */
	assert_int_equal(pace.bytes, 2300);
	assert_int_equal(pace.ns, 230);
	assert_int_equal(pace.largest, 1300);
	m.bandwidth = 1000;
	rp_pace_read(&pace, &m);
	assert_int_equal(pace.ns, 2300000000);
	assert_int_equal(rp_pace_bandwidth(&pace), 1000);
	/* Whatever it says, times can be added up. */
	m.bandwidth = 1;
	m.bytes = INT64_MAX;
	rp_pace_read(&pace, &m);
	assert_int_equal(pace.ns, 1000000000000000000);
	assert_true(rp_pace_predict(&pace, UINT64_MAX) <= 1000000000000000000);
	m.bandwidth = 0;
	m.elapsed_ns = 0;
	rp_pace_read(&pace, &m);
	assert_int_equal(rp_pace_predict(&pace, 1), RP_PACE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_by_size),
		cmocka_unit_test(test_little_tells_little),
		cmocka_unit_test(test_mean),
		cmocka_unit_test(test_from_a_manifest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
