/* sys/cause: each record that Slurm shows a task, and what is done about it. */
#include "sys/cause.h"
#include "sys/sched.h"

#include "unit.h"

struct row {
	struct rp_record rec;
	enum rp_cause cause;
	enum rp_course course;
};

#define START 1000000
#define IN_TIME START + 50
#define BEFORE START - 200

/* This start is the second one of its job. */
static const struct row rows[] = {
	{ { .state = RP_JOB_RUNNING, .restarts = 1, .start_time = START },
	  RP_CAUSE_SIGNAL, RP_ASK },
	{ { .state = RP_JOB_RUNNING, .restarts = 1, .start_time = START,
	    .preempt_time = IN_TIME },
	  RP_CAUSE_PREEMPTION, RP_ASK },
	{ { .state = RP_JOB_RUNNING, .restarts = 1, .start_time = START,
	    .preempt_time = START },
	  RP_CAUSE_PREEMPTION, RP_ASK },
	/* the preemption that ended the first start */
	{ { .state = RP_JOB_RUNNING, .restarts = 1, .start_time = START,
	    .preempt_time = BEFORE },
	  RP_CAUSE_SIGNAL, RP_ASK },
	{ { .state = RP_JOB_SUSPENDED, .restarts = 1 },
	  RP_CAUSE_SIGNAL, RP_ASK },
	{ { .state = RP_JOB_COMPLETING, .completing = 1, .restarts = 1,
	    .ended_by = RP_ENDED_BY_LIMIT },
	  RP_CAUSE_TIME_LIMIT, RP_ASK },
	/* the end of a grace time */
	{ { .state = RP_JOB_COMPLETING, .completing = 1, .restarts = 1,
	    .start_time = START, .preempt_time = IN_TIME,
	    .ended_by = RP_ENDED_BY_LIMIT },
	  RP_CAUSE_PREEMPTION, RP_ASK },
	{ { .state = RP_JOB_COMPLETING, .completing = 1, .restarts = 1,
	    .ended_by = RP_ENDED_BY_PREEMPTION },
	  RP_CAUSE_PREEMPTION, RP_ASK },
	{ { .state = RP_JOB_COMPLETING, .completing = 1, .restarts = 1,
	    .ended_by = RP_ENDED_BY_NODE },
	  RP_CAUSE_NODE, RP_ASK },
	/* nobody says why: a cancelled job must not come back, also one that was
	 * being preempted when its owner lost patience */
	{ { .state = RP_JOB_COMPLETING, .completing = 1, .restarts = 1 },
	  RP_CAUSE_CANCEL, RP_LEAVE },
	{ { .state = RP_JOB_COMPLETING, .completing = 1, .restarts = 1,
	    .start_time = START, .preempt_time = IN_TIME },
	  RP_CAUSE_CANCEL, RP_LEAVE },
	{ { .state = RP_JOB_CANCELLED, .completing = 1, .restarts = 1 },
	  RP_CAUSE_CANCEL, RP_LEAVE },
	{ { .state = RP_JOB_CANCELLED, .restarts = 1, .start_time = START,
	    .preempt_time = IN_TIME },
	  RP_CAUSE_CANCEL, RP_LEAVE },
	{ { .state = RP_JOB_ENDED, .restarts = 1 },
	  RP_CAUSE_OVER, RP_LEAVE },
	{ { .state = RP_JOB_PENDING, .restarts = 1 },
	  RP_CAUSE_REQUEUE, RP_IS_QUEUED },
	{ { .state = RP_JOB_PENDING, .restarts = 2 },
	  RP_CAUSE_REQUEUE, RP_IS_QUEUED },
	/* the next start runs already, or is being ended in its turn */
	{ { .state = RP_JOB_RUNNING, .restarts = 2 },
	  RP_CAUSE_REQUEUE, RP_IS_QUEUED },
	{ { .state = RP_JOB_COMPLETING, .completing = 1, .restarts = 2 },
	  RP_CAUSE_REQUEUE, RP_IS_QUEUED },
	{ { .state = RP_JOB_UNKNOWN, .restarts = 1 },
	  RP_CAUSE_UNKNOWN, RP_LEAVE },
};

static void test_rows(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum rp_cause cause = rp_cause_of(&rows[i].rec, 1);

		if (cause != rows[i].cause)
			print_error("row %zu is %s, not %s\n", i,
				    rp_cause_row(cause)->name,
				    rp_cause_row(rows[i].cause)->name);
		assert_int_equal(cause, rows[i].cause);
		assert_int_equal(rp_cause_row(cause)->course, rows[i].course);
		seen |= 1u << cause;
	}
	/* Each has its row. */
	assert_int_equal(seen, (1u << RP_CAUSES) - 1);
	assert_int_equal(rp_cause_of(NULL, 0), RP_CAUSE_UNKNOWN);
}

static void test_names(void **state)
{
	(void)state;
	for (int a = 0; a < RP_CAUSES; a++) {
		const struct rp_cause_row *row = rp_cause_row((enum rp_cause)a);

		assert_true(strlen(row->name) > 0 && strlen(row->text) > 0);
		for (int b = 0; b < a; b++)
			assert_string_not_equal(row->name,
						rp_cause_row((enum rp_cause)b)
							->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
