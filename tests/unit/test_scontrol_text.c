/* sys/scontrol_text: what scontrol prints, without running it. */
#include "sys/scontrol_text.h"

#include "unit.h"

static int read_times(const char *end, const char *preempt,
		      struct rp_record *rec)
{
	char *text = rp_format("JobId=6 JobName=x\n"
			       "   JobState=RUNNING Reason=None\n"
			       "   Requeue=1 Restarts=2 BatchFlag=1\n"
			       "   EndTime=%s PreemptTime=%s\n"
			       "   Command=/x\n", end, preempt);
	const char *why = NULL;
	int rc;

	memset(rec, 0, sizeof(*rec));
	rc = rp_scontrol_record(text, "6", rec, &why);
	free(text);
	return rc;
}

/* Before 1970 is a word for "never": a caller must not count from there. */
static void test_times(void **state)
{
	static const char *const none[] = {
		"Unknown", "None", "N/A", "-1", "1900-01-01T00:00:00",
		"1969-12-31T00:00:00", "9223372036854775808", "1e9", "",
		"2023-11-14T22:13:20x",
	};
	struct rp_record rec;

	(void)state;
	for (size_t i = 0; i < COUNT(none); i++) {
		assert_int_equal(read_times(none[i], none[i], &rec), 0);
		assert_int_equal(rec.end_time, 0);
		assert_int_equal(rec.preempt_time, 0);
		assert_int_equal(rec.restarts, 2);
	}
	assert_int_equal(read_times("1700000000", "2023-11-14T22:13:20", &rec),
			 0);
	assert_int_equal(rec.end_time, 1700000000);
	assert_true(labs(rec.preempt_time - 1700000000) <= 86400);
}

static void test_no_record(void **state)
{
	static const char *const texts[] = {
		"", "\n", "JobId=6", "JobId=6 \n", "No jobs\n",
		"JobId=6 JobName=x\n   JobState=RUNNING\n",
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct rp_record rec = { .steps = -1 };

		why = NULL;
		assert_int_equal(rp_scontrol_record(texts[i], "6", &rec, &why),
				 -1);
		assert_non_null(why);
		assert_int_equal(rec.state, RP_JOB_UNKNOWN);
		assert_int_equal(rec.steps, -1);
	}
}

static void test_steps(void **state)
{
	(void)state;
	assert_int_equal(rp_scontrol_steps(""), 0);
	assert_int_equal(rp_scontrol_steps("StepId=5.0 State=RUNNING Name=a\n"
					   "StepId=5.batch State=RUNNING\n"
					   "StepId=5.1 State=RUNNING Name=x"),
			 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_no_record),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
