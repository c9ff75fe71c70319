/*
 * test_leave.c - what happens between the commit of a stop and the exit
 *
 * ranks: 2
 * limit: 240
 */
#include "mpi_slurm.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[512];

static rally_t *open_new(void)
{
	snprintf(folder, sizeof(folder), "%s", mt_dir());
	return fs_open(folder, "30s", "0");
}

static void rest_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Comes to the stop at step 0, asked for by the last rank. */
static void stop(rally_t *rp)
{
	if (mt_rank == mt_size - 1)
		rally_request(rp, RALLY_WANT_STOP);
	mt_barrier();
	assert_int_equal(rally_point(rp, 0), RALLY_STOP);
}

/* A program for option leave, which tells what it found, and ends with rc. */
static void put_hook(const char *path, int rc)
{
	FILE *file;

	if (mt_rank == 0) {
		file = fopen(path, "w");
		assert_non_null(file);
		fprintf(file, "#!/bin/sh\nenv | grep ^RALLYPOINT_ >'%s.saw'\n"
			      "[ %d -ge 0 ] || exec sleep 60\n"
			      "exit %d\n", path, rc, rc);
		assert_int_equal(fclose(file), 0);
		assert_int_equal(chmod(path, 0755), 0);
	}
	mt_barrier();
}

static void test_site_program(void **state)
{
	static const struct {
		int rc, requeues, close;
		const char *says;
	} rows[] = {
		{ 0, 1, 0, "the job was requeued" },
		{ 10, 0, 0, "sees to the next start" },
		{ 11, 0, RALLY_EUNFINISHED, "wants the job left" },
		{ 3, 1, 0, "ended with status 3" },
		{ -1, 1, 0, "took too long" },
		{ 127, 1, 0, "could not be run" },
	};
	char dir[512], hook[600];

	(void)state;
	snprintf(dir, sizeof(dir), "%s", mt_dir());
	if (mt_rank == 0)
		assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(hook, sizeof(hook), "%s/hook", dir);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rally_t *rp;

		put_hook(hook, rows[i].rc);
		fs_begin(-100, 0, 3600);
		mt_option("RALLY_LEAVE", rows[i].rc == 127 ? "/no/such/hook"
							   : hook);
		mt_option("RALLY_REQUEUE_TIMEOUT", rows[i].rc < 0 ? "1s" : NULL);
		rp = open_new();
		mt_option("RALLY_LEAVE", NULL);
		mt_option("RALLY_REQUEUE_TIMEOUT", NULL);
		stop(rp);
		mt_code(rp, rally_close(rp), rows[i].close);
		if (mt_rank == 0) {
			assert_int_equal(fs_asked("requeue 12"),
					 rows[i].requeues);
			assert_true(mt_contains(folder, "events.jsonl",
						rows[i].says));
		}
		fs_end(NULL);
	}
	if (mt_rank == 0) {
		assert_true(mt_contains(dir, "hook.saw", "RALLYPOINT_STEP=0\n"));
		assert_true(mt_contains(dir, "hook.saw", "RALLYPOINT_SAVED=1\n"));
		assert_true(mt_contains(dir, "hook.saw", "RALLYPOINT_CAUSE="));
		assert_true(mt_contains(dir, "hook.saw", "RALLYPOINT_LEFT="));
		assert_true(mt_contains(dir, "hook.saw", "RALLYPOINT_FOLDER=/"));
	}
}

/* A status that the site requeues, but only where nobody said that the job is
 * not to come back. */
static void test_exit_status(void **state)
{
	rally_t *rp;

	(void)state;
	mt_option("RALLY_REQUEUE_EXIT", "99");
	for (int i = 0; i < 3; i++) {
		fs_begin(-100, 0, 3600);
		if (mt_rank == 0 && i == 0)
			fs_put("refuses", "");
		if (mt_rank == 0 && i == 1)
			fs_put("job", "JobId=12 JobName=x\n"
			       "   JobState=CANCELLED Reason=None x=y\n"
			       "   Requeue=1 Restarts=0 BatchFlag=1\n"
			       "   StartTime=10 EndTime=100 Deadline=N/A\n"
			       "   Command=x\n");
		rp = open_new();
		stop(rp);
		mt_code(rp, rally_close(rp),
			i == 0 ? 99 : i == 1 ? RALLY_EUNFINISHED : 0);
		fs_end(NULL);
	}
	mt_option("RALLY_REQUEUE_EXIT", NULL);
}

/* The program has more to do before Slurm ends it. */
static void test_at_close(void **state)
{
	rally_t *rp;

	(void)state;
	for (int i = 0; i < 3; i++) {
		fs_begin(-100, 0, 3600);
		rp = open_new();
		mt_code(rp, rally_set(rp, "requeue_at", "close"), 0);
		stop(rp);
		if (mt_rank == 0)
			assert_int_equal(fs_asked("requeue 12"), 0);
		/* that comes too late for this stop */
		mt_code(rp, rally_set(rp, "requeue_at", "stop"), 0);
		if (i == 1)	/* it turned out that all was done */
			mt_code(rp, rally_finish(rp, 0), 0);
		if (i == 2)
			mt_code(rp, rally_requeue(rp), 0);
		mt_code(rp, rally_close(rp), 0);
		if (mt_rank == 0)
			assert_int_equal(fs_asked("requeue 12"), i != 1);
		fs_end(NULL);
	}
}

/* Nothing is saved of a job that its owner cancels, where that is wanted and
 * Slurm is sure of it. */
static void test_cancelled(void **state)
{
	static const struct {
		const char *option, *job_state;
		int saved;
	} rows[] = {
		{ "leave", "CANCELLED", 0 },
		{ "leave", "COMPLETING", 1 },
		{ "leave", "RUNNING", 1 },
		{ "save", "CANCELLED", 1 },
	};
	char text[300];
	rally_t *rp;

	(void)state;
	mt_option("RALLY_HELPER", "/no/such/helper");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fs_begin(-100, 0, 3600);
		mt_option("RALLY_CANCELLED", rows[i].option);
		rp = open_new();
		mt_option("RALLY_CANCELLED", NULL);
		snprintf(text, sizeof(text), "JobId=12 JobName=x\n"
			 "   JobState=%s Reason=None x=y\n"
			 "   Requeue=1 Restarts=0 BatchFlag=1\n"
			 "   StartTime=10 EndTime=100 Deadline=N/A\n"
			 "   Command=x\n", rows[i].job_state);
		if (mt_rank == 0)
			fs_put("job", text);
		stop(rp);
		mt_code(rp, rally_close(rp),
			strcmp(rows[i].job_state, "RUNNING") == 0
				? 0 : RALLY_EUNFINISHED);
		if (mt_rank == 0)
			assert_int_equal(mt_checkpoints(folder), rows[i].saved);
		fs_end(NULL);
	}
	mt_option("RALLY_HELPER", NULL);
}

/* Until the stop the record is read once; the signal has it read again. What is
 * left: until the end that it tells, and where it tells that the job is being
 * ended, KillWait. */
static void test_seconds_left(void **state)
{
	static const char being_ended[] = "JobId=12 JobName=x\n"
		"   JobState=COMPLETING Reason=None x=y\n"
		"   Requeue=1 Restarts=1 BatchFlag=1\n"
		"   StartTime=10 EndTime=Unknown Deadline=N/A\n"
		"   Command=x\n";
	rally_t *rp;
	double left;

	(void)state;
	setenv("RALLYPOINT_RUN", "1", 1);	/* mpirun kills nobody */
	for (int i = 0; i < 2; i++) {
		int verdict = RALLY_GO;

		fs_begin(-100, 0, 500);
		if (mt_rank == 0)
			fs_put("config", "Configuration data as of x\n"
			       "KillWait                = 77 sec\n");
		mt_option("RALLY_STRIDE", "1");
		/* A handle answers what came before it, too. */
		mt_option("RALLY_STOP_SIGNALS", i ? "USR1" : "TERM");
		rp = open_new();
		mt_option("RALLY_STRIDE", NULL);
		mt_option("RALLY_STOP_SIGNALS", NULL);
		for (int n = 0; n < 60; n++) {
			rest_ms(10);
			assert_int_equal(rally_point(rp, 0), RALLY_GO);
		}
		if (mt_rank == 0) {
			assert_int_equal(fs_asked("show job 12"), 1);
			assert_int_equal(fs_asked("show config"), 1);
			fs_put("refuses", "");
			if (i)
				fs_put("job", being_ended);
			raise(i ? SIGUSR1 : SIGTERM);
		}
		while (verdict == RALLY_GO) {
			/* Slow steps: the answer is there at the stop. */
			rest_ms(300);
			verdict = rally_point(rp, 0);
		}
		assert_int_equal(verdict, RALLY_STOP);
		left = mt_status(rp).seconds_left;
		if (mt_rank == 0) {
			if (left <= (i ? 60 : 480) || left > (i ? 77 : 500))
				fail_msg("%d: %f s left", i, left);
		}
		fs_end(rp);
	}
	unsetenv("RALLYPOINT_RUN");
}

/* Without the shield mpirun's own second is all, for the rank that it signals. */
static void test_launcher_kills(void **state)
{
	rally_t *rp;

	(void)state;
	fs_begin(-100, 0, 500);
	mt_option("RALLY_STOP_SIGNALS", "USR2");
	rp = open_new();
	mt_option("RALLY_STOP_SIGNALS", NULL);
	if (mt_rank == 0)
		raise(SIGUSR2);
	assert_int_equal(rally_point(rp, 0), RALLY_STOP);
	assert_true(mt_status(rp).seconds_left < (mt_rank == 0 ? 1 : 600));
	fs_end(rp);
}

/* Another step of the job: the requeue that would end it is left to the program,
 * but where Slurm ends the whole job, it waits for that step, or until the end is
 * near. */
static void test_other_steps(void **state)
{
	static const struct {
		int preempt, ends, other_ends, close;
		double least, most;
	} rows[] = {
		{ 0, 3600, 0, RALLY_EUNFINISHED, 0, 1.5 },
		{ -1, 60, 2, 0, 1, 6 },
		{ -1, 9, 0, 0, 4, 9 },
	};
	rally_t *rp;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct timespec from, to;
		double took;

		fs_begin(-100, rows[i].preempt, rows[i].ends);
		if (mt_rank == 0)
			fs_put("steps", "StepId=12.5 UserId=0 State=RUNNING "
					"Name=other\n");
		rp = open_new();
		if (mt_rank == 0 && rows[i].other_ends)
			fs_after(rows[i].other_ends, "steps");
		clock_gettime(CLOCK_MONOTONIC, &from);
		stop(rp);
		clock_gettime(CLOCK_MONOTONIC, &to);
		took = (double)(to.tv_sec - from.tv_sec) +
		       (double)(to.tv_nsec - from.tv_nsec) / 1e9;
		if (took < rows[i].least || took > rows[i].most)
			fail_msg("row %zu took %f s", i, took);
		mt_code(rp, rally_close(rp), rows[i].close);
		fs_end(NULL);
	}
}

static const char cancelled[] = "JobId=12 JobName=x\n"
	"   JobState=CANCELLED Reason=None x=y\n"
	"   Requeue=1 Restarts=0 BatchFlag=1\n"
	"   StartTime=10 EndTime=100 Deadline=N/A\n"
	"   Command=x\n";

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The program is told what the job's record says when it is run, and not what was
 * seen last: the owner has cancelled the job, without or after a preemption. */
static void test_site_program_knows(void **state)
{
	char dir[512], hook[600];
	rally_t *rp;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", mt_dir());
	if (mt_rank == 0)
		assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(hook, sizeof(hook), "%s/hook", dir);
	for (int preempted = 0; preempted < 2; preempted++) {
		int verdict = RALLY_GO;

		put_hook(hook, 0);
		fs_begin(-100, preempted ? -1 : 0, 500);
		mt_option("RALLY_LEAVE", hook);
		mt_option("RALLY_STRIDE", "1");
		mt_option("RALLY_LAG", "1");
		snprintf(folder, sizeof(folder), "%s", mt_dir());
		rp = fs_open(folder, preempted ? "30s" : "0", "0");
		mt_option("RALLY_LEAVE", NULL);
		mt_option("RALLY_STRIDE", NULL);
		mt_option("RALLY_LAG", NULL);
		while (verdict == RALLY_GO && preempted) {
			rest_ms(10);
			verdict = rally_point(rp, 0);
			if (mt_rank == 0 && mt_contains(folder, "events.jsonl",
							"\"preemption\""))
				fs_put("job", cancelled);
		}
		if (!preempted) {
			if (mt_rank == 0)
				fs_put("job", cancelled);
			stop(rp);
		}
		mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
		if (mt_rank == 0)
			assert_true(mt_contains(dir, "hook.saw",
						"RALLYPOINT_CAUSE=cancel\n"));
		fs_end(NULL);
	}
}

/* The program has had the job requeued before Slurm's signal came: nobody is to
 * see to another start. */
static void test_requeued_before_the_stop(void **state)
{
	char dir[512], hook[600];
	rally_t *rp;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", mt_dir());
	if (mt_rank == 0)
		assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(hook, sizeof(hook), "%s/hook", dir);
	put_hook(hook, 10);
	fs_begin(-100, 0, 500);
	mt_option("RALLY_LEAVE", hook);
	rp = open_new();
	mt_option("RALLY_LEAVE", NULL);
	mt_code(rp, rally_requeue(rp), 0);
	stop(rp);
	mt_code(rp, rally_close(rp), 0);
	if (mt_rank == 0) {
		assert_int_equal(fs_asked("requeue 12"), 1);
		snprintf(hook, sizeof(hook), "%s/hook.saw", dir);
		assert_int_not_equal(access(hook, F_OK), 0);
	}
	fs_end(NULL);
}

/* A requeue ends the job soon, also where KillWait is not known; and when the time
 * is over, that is known. */
static void test_time_is_over(void **state)
{
	rally_t *rp;

	(void)state;
	fs_begin(-100, 0, 500);
	mt_option("RALLY_GRACE", "2s");
	rp = open_new();
	mt_option("RALLY_GRACE", NULL);
	stop(rp);
	if (mt_status(rp).seconds_left > 2)
		fail_msg("%f s left", mt_status(rp).seconds_left);
	rest_ms(2100);
	assert_true(mt_status(rp).seconds_left == 0);
	fs_end(rp);
}

/* A controller that has answered is waited for, whatever was set since. */
static void test_set_keeps_patience(void **state)
{
	rally_t *rp;

	(void)state;
	fs_begin(-100, 0, 500);
	mt_option("RALLY_STRIDE", "1");
	rp = open_new();
	mt_option("RALLY_STRIDE", NULL);
	for (int n = 0; n < 40; n++) {
		rest_ms(10);
		assert_int_equal(rally_point(rp, 0), RALLY_GO);
	}
	mt_code(rp, rally_set(rp, "grace", "0"), 0);
	if (mt_rank == 0) {
		fs_put("fails", "");
		fs_after(1, "fails");
	}
	stop(rp);
	mt_code(rp, rally_close(rp), 0);
	fs_end(NULL);
}

/* What is set holds from now on, and not from the end of the time before. */
static void test_set_poll(void **state)
{
	rally_t *rp;

	(void)state;
	snprintf(folder, sizeof(folder), "%s", mt_dir());
	fs_begin(-100, 0, 500);
	mt_option("RALLY_STRIDE", "1");
	rp = fs_open(folder, NULL, "0");
	mt_option("RALLY_STRIDE", NULL);
	for (int n = 0; n < 200; n++) {
		if (n == 50)
			mt_code(rp, rally_set(rp, "poll", "1s"), 0);
		rest_ms(10);
		assert_int_equal(rally_point(rp, 0), RALLY_GO);
	}
	if (mt_rank == 0 && fs_asked("show job 12") < 3)
		fail_msg("asked %d times", fs_asked("show job 12"));
	fs_end(rp);
}

/* A controller that takes a second for each answer: the requeue must be through
 * before the end. */
static void test_other_steps_slowly(void **state)
{
	double from;
	rally_t *rp;

	(void)state;
	fs_begin(-100, -1, 9);
	if (mt_rank == 0)
		fs_put("steps", "StepId=12.5 UserId=0 State=RUNNING "
				"Name=other\n");
	rp = open_new();
	from = now();
	if (mt_rank == 0)
		fs_put("tardy", "");
	stop(rp);
	if (now() - from > 8.9)
		fail_msg("took %f s", now() - from);
	mt_code(rp, rally_close(rp), 0);
	fs_end(NULL);
}

/* Three seconds for the answer, however many commands it takes. */
static void test_cancelled_slowly(void **state)
{
	char dir[512], helper[600];
	double from;
	rally_t *rp;
	FILE *file;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", mt_dir());
	snprintf(helper, sizeof(helper), "%s/helper", dir);
	if (mt_rank == 0) {
		assert_int_equal(mkdir(dir, 0700), 0);
		file = fopen(helper, "w");
		assert_non_null(file);
		fputs("#!/bin/sh\nexec sleep 30\n", file);
		assert_int_equal(fclose(file), 0);
		assert_int_equal(chmod(helper, 0755), 0);
	}
	fs_begin(-100, 0, 500);
	mt_option("RALLY_HELPER", helper);
	mt_option("RALLY_CANCELLED", "leave");
	mt_option("RALLY_REQUEUE_AT", "close");
	mt_option("RALLY_REQUEUE_TIMEOUT", "4s");
	rp = open_new();
	mt_option("RALLY_HELPER", NULL);
	mt_option("RALLY_CANCELLED", NULL);
	mt_option("RALLY_REQUEUE_AT", NULL);
	mt_option("RALLY_REQUEUE_TIMEOUT", NULL);
	if (mt_rank == 0) {
		fs_put("job", "JobId=12 JobName=x\n"
		       "   JobState=COMPLETING Reason=None x=y\n"
		       "   Requeue=1 Restarts=0 BatchFlag=1\n"
		       "   StartTime=10 EndTime=100 Deadline=N/A\n"
		       "   Command=x\n");
		fs_put("tardy", "");
	}
	from = now();
	stop(rp);	/* asks before the save, and after it */
	if (now() - from > 7)
		fail_msg("took %f s", now() - from);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	fs_end(NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_site_program),
	cmocka_unit_test(test_site_program_knows),
	cmocka_unit_test(test_requeued_before_the_stop),
	cmocka_unit_test(test_time_is_over),
	cmocka_unit_test(test_set_keeps_patience),
	cmocka_unit_test(test_set_poll),
	cmocka_unit_test(test_other_steps_slowly),
	cmocka_unit_test(test_cancelled_slowly),
	cmocka_unit_test(test_exit_status),
	cmocka_unit_test(test_at_close),
	cmocka_unit_test(test_cancelled),
	cmocka_unit_test(test_other_steps),
	cmocka_unit_test(test_seconds_left),
	cmocka_unit_test(test_launcher_kills),
};

MT_MAIN(tests)
