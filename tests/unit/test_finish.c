/* sys/finish: the mark that a run is over is believed by its own job only. */
#include "sys/finish.h"

#include "sys/job.h"
#include "unit.h"

static void test_own_mark(void **state)
{
	struct rp_err err = { 0 };
	int64_t step = 0;

	assert_int_equal(rp_finish_read(NULL, *state, "12", &step, NULL), 0);
	assert_int_equal(rp_finish_write(NULL, *state, "12", -100, &err), 0);
	assert_int_equal(rp_finish_read(NULL, *state, "12", &step, NULL), 1);
	assert_int_equal(step, -100);
	assert_int_equal(rp_finish_write(NULL, *state, "12_3", INT64_MAX, &err), 0);
	assert_int_equal(rp_finish_read(NULL, *state, "12_3", &step, NULL), 1);
	assert_true(step == INT64_MAX);
	assert_int_equal(rp_finish_write(NULL, at(state, "absent"), "12", 1, NULL),
			 RALLY_EIO);
}

static void test_others(void **state)
{
	int64_t step = 77;

	assert_int_equal(rp_finish_write(NULL, *state, "12", 100, NULL), 0);
	assert_int_equal(rp_finish_read(NULL, *state, "123", &step, NULL), 0);
	assert_int_equal(rp_finish_read(NULL, *state, "1", &step, NULL), 0);
	assert_int_equal(rp_finish_read(NULL, *state, "", &step, NULL), 0);
	assert_int_equal(rp_finish_write(NULL, *state, "", 100, NULL), 0);
	assert_int_equal(rp_finish_read(NULL, *state, "", &step, NULL), 0);
	assert_int_equal(step, 77);
}

static void test_look(void **state)
{
	char job[RP_JOB_ID] = "?";
	int64_t step = 0;

	assert_int_equal(rp_finish_look(NULL, *state, job, sizeof(job), &step, NULL), 0);
	assert_int_equal(rp_finish_write(NULL, *state, "", 5, NULL), 0);
	assert_int_equal(rp_finish_look(NULL, *state, job, sizeof(job), &step, NULL), 1);
	assert_string_equal(job, "");
	assert_int_equal(step, 5);
}

static void test_damage(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "{}", "\"12\"", "{\"job\":\"12\"}",
		"{\"job\":12,\"step\":5}", "{\"job\":\"12\",\"step\":\"5\"}",
		"{\"job\":\"12\",\"step\":5} x",
		"{\"job\":\"1200000000000000000000000000000000000000000000\","
		"\"step\":5}",
		"{\"job\":\"12\",\"job\":\"12\",\"step\":5}",
	};
	char job[RP_JOB_ID];
	int64_t step = 77;

	for (size_t i = 0; i < COUNT(texts); i++) {
		put_text(at(state, RP_FINISH_FILE), texts[i]);
		assert_int_equal(rp_finish_read(NULL, *state, "12", &step, NULL), 0);
	}
	put_text(at(state, RP_FINISH_FILE), "{\"job\":\"\\u001b[31m\","
					    "\"step\":5}");
	assert_int_equal(rp_finish_look(NULL, *state, job, sizeof(job), &step, NULL), 0);
	assert_int_equal(rp_write_file(NULL, at(state, RP_FINISH_FILE ".nul"),
				       "{\"job\":\"12\",\"step\":5}\0x", 24,
				       NULL), 0);
	assert_int_equal(rename(at(state, RP_FINISH_FILE ".nul"),
				at(state, RP_FINISH_FILE)), 0);
	assert_int_equal(rp_finish_read(NULL, *state, "12", &step, NULL), 0);
	assert_int_equal(step, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_own_mark),
		scratch_test(test_others),
		scratch_test(test_look),
		scratch_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
