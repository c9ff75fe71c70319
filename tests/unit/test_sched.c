/*
 * sys/sched with a scontrol and a helper that are scripts. They say what the
 * files of a folder hold (texts of Slurm 22.05), with the exit status of a
 * file beside it, and change their mind once a requeue was asked for:
 *
 *     job, job.err, job.rc         scontrol show job; job.after once requeued
 *     steps, steps.err, steps.rc   scontrol -o show steps
 *     requeue, requeue.err, ...    scontrol requeue
 *     job.then                     becomes job once the steps were told
 *     record, requeue              of the helper, likewise
 *     log                          what was asked
 */
#include "sys/sched.h"

#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_MS 5000

static const char scontrol[] =
	"#!/bin/sh\n"
	"cd \"$FAKE\" || exit 99\n"
	"echo \"$*\" >> log\n"
	"env > env\n"
	"case \"$*\" in\n"
	"'show job '*) f=job;;\n"
	"'-o show steps '*) f=steps;;\n"
	"'requeue '*) f=requeue;;\n"
	"'requeuehold '*) f=requeue;;\n"
	"'update '*) f=update;;\n"
	"*) exit 98;;\n"
	"esac\n"
	"[ -e $f.once ] && [ ! -e $f.twice ] && : > $f.twice && f=$f.once\n"
	"[ $f = requeue ] && : > asked\n"
	"[ -e $f.slow ] && sleep 30\n"
	"[ -e asked ] && [ -e $f.after ] && f=$f.after\n"
	"[ -e $f.killed ] && kill -9 $$\n"
	"[ -e $f ] && cat $f\n"
	"[ -e $f.err ] && cat $f.err >&2\n"
	"[ $f = steps ] && [ -e job.then ] && mv job.then job\n"
	"exit $(cat $f.rc 2>/dev/null || echo 0)\n";

static const char helper[] =
	"#!/bin/sh\n"
	"cd \"$FAKE\" || exit 99\n"
	"echo \"$*\" >> log\n"
	"f=$1\n"
	"[ -e $f.slow ] && sleep 30\n"
	"[ -e asked ] && [ -e $f.after ] && f=$f.after\n"
	"[ $1 = hold ] && f=requeue\n"
	"[ $f = requeue ] && : > asked\n"
	"[ -e $f ] && cat $f\n"
	"[ -e $f.err ] && cat $f.err >&2\n"
	"exit $(cat $f.rc 2>/dev/null || echo 0)\n";

struct fake {
	char dir[64];
	char bin[80];  /* scontrol */
	char lib[100]; /* the helper program */
	struct rp_sched s;
	char detail[RP_SCHED_DETAIL];
};

static void put(const struct fake *f, const char *name, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static char *get(const struct fake *f, const char *name, char *text,
		 size_t size)
{
	char path[160];
	FILE *file;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	file = fopen(path, "r");
	if (file) {
		n = fread(text, 1, size - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return text;
}

static void clear_env(void)
{
	static const char *const names[] = {
		"SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID",
		"SLURM_RESTART_COUNT", "SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS",
		"SLURM_CLUSTER_NAME", "SLURM_HET_SIZE",
		"SLURM_JOB_ID_HET_GROUP_0", "OMPI_COMM_WORLD_SIZE",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

static int setup(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/rp-test-sched-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->bin, sizeof(f->bin), "%s/bin", f->dir);
	snprintf(f->lib, sizeof(f->lib), "%s/rallypoint-slurm", f->dir);
	assert_int_equal(mkdir(f->bin, 0700), 0);
	put(f, "bin/scontrol", scontrol);
	put(f, "rallypoint-slurm", helper);
	chmod(f->lib, 0700);
	*state = f;
	setenv("FAKE", f->dir, 1);
	clear_env();
	return 0;
}

static void set_path(const struct fake *f, int with_scontrol)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/bin/scontrol", f->dir);
	chmod(path, with_scontrol ? 0700 : 0600);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", f->bin);
	setenv("PATH", path, 1);
}

static int teardown(void **state)
{
	struct fake *f = *state;
	char command[128];

	rp_sched_close(&f->s);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static struct fake *begin(void **state, const char *choice, int64_t limit_ms)
{
	struct fake *f = *state;
	struct rp_err err = { 0 };

	set_path(f, 1);
	setenv("SLURM_JOB_ID", "12", 1);
	assert_int_equal(rp_sched_open(&f->s, choice, f->lib, limit_ms, &err),
			 0);
	return f;
}

/* A record as scontrol prints it. */
static char *job_text(const char *name, const char *job_state,
		      const char *reason, int restarts, const char *comment)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 "JobId=12 JobName=%s\n"
		 "   UserId=root(0) GroupId=root(0) MCS_label=N/A\n"
		 "   Priority=4294901759 Nice=0 Account=(null) QOS=(null)\n"
		 "   JobState=%s Reason=%s Dependency=(null)\n"
		 "   Requeue=1 Restarts=%d BatchFlag=1 Reboot=0 ExitCode=0:0\n"
		 "   RunTime=00:01:50 TimeLimit=1-00:00:00 TimeMin=N/A\n"
		 "   SubmitTime=1795390867 EligibleTime=1795390867\n"
		 "   AccrueTime=1795390867\n"
		 "   StartTime=1795390868 EndTime=1826926868 Deadline=N/A\n"
		 "   PreemptEligibleTime=1795390868 PreemptTime=None\n"
		 "   SuspendTime=None SecsPreSuspend=0 LastSchedEval=1795390868"
		 " Scheduler=Backfill\n"
		 "   Partition=low AllocNode:Sid=localhost:3388\n"
		 "   NodeList=n1\n"
		 "   Command=/jobs/job.sh\n"
		 "   WorkDir=/jobs\n"
		 "   Comment=%s\n"
		 "   StdErr=/jobs/slurm-12.out\n"
		 "   Power=\n   \n\n",
		 name, job_state, reason, restarts, comment);
	return text;
}

static const char one_step[] =
	"StepId=12.batch UserId=0 StartTime=1795390868 TimeLimit=UNLIMITED "
	"State=RUNNING Partition=low NodeList=n1 Nodes=1 CPUs=0 Tasks=1 "
	"Name=batch Network=(null)\n"
	"StepId=12.extern UserId=0 State=RUNNING Name=extern\n"
	"StepId=12.0 UserId=0 StartTime=1795390868 TimeLimit=UNLIMITED "
	"State=RUNNING Partition=low NodeList=n1 Nodes=1 CPUs=2 Tasks=2 "
	"Name=solver Network=(null)\n";

static enum rp_answer requeue(struct fake *f)
{
	return rp_sched_requeue(&f->s, f->detail, sizeof(f->detail));
}

static int asked(const struct fake *f)
{
	char text[8192];

	return strstr(get(f, "log", text, sizeof(text)), "requeue 12") != NULL;
}

/*
 * The environment
 */

static void test_job_outside(void **state)
{
	struct rp_job job;

	(void)state;
	setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
	rp_job_from_env(&job);
	assert_int_equal(job.in_slurm, 0);
	assert_int_equal(job.by_mpirun, 0);
	assert_int_equal(job.step, -1);
	assert_string_equal(job.id, "");
	setenv("SLURM_JOB_ID", "--help", 1);
	rp_job_from_env(&job);
	assert_int_equal(job.in_slurm, 0);
}

static void test_job_of_srun(void **state)
{
	struct rp_job job;

	(void)state;
	setenv("SLURM_JOB_ID", "12", 1);
	setenv("SLURM_STEP_ID", "3", 1);
	setenv("SLURM_STEP_NUM_TASKS", "64", 1);
	setenv("SLURM_CLUSTER_NAME", "blue", 1);
	rp_job_from_env(&job);
	assert_int_equal(job.in_slurm, 1);
	assert_int_equal(job.by_mpirun, 0);
	assert_string_equal(job.id, "12");
	assert_string_equal(job.cluster, "blue");
	assert_int_equal(job.restarts, 0);
	assert_int_equal(job.step, 3);
	assert_int_equal(job.tasks, 64);
	setenv("SLURM_RESTART_COUNT", "2", 1);
	rp_job_from_env(&job);
	assert_int_equal(job.restarts, 2);
}

static void test_job_of_mpirun(void **state)
{
	struct rp_job job;

	(void)state;
	/* a rank on another node: in the step of mpirun's daemon */
	setenv("SLURM_JOB_ID", "12", 1);
	setenv("SLURM_STEP_ID", "1", 1);
	setenv("SLURM_STEP_NUM_TASKS", "1", 1);
	setenv("OMPI_COMM_WORLD_SIZE", "8", 1);
	rp_job_from_env(&job);
	assert_int_equal(job.by_mpirun, 1);
	assert_int_equal(job.step, -1);
	assert_int_equal(job.tasks, 8);
}

static void test_job_of_array_and_het(void **state)
{
	struct rp_job job;

	(void)state;
	setenv("SLURM_JOB_ID", "6", 1);
	setenv("SLURM_ARRAY_JOB_ID", "5", 1);
	setenv("SLURM_ARRAY_TASK_ID", "0", 1);
	rp_job_from_env(&job);
	assert_string_equal(job.id, "5_0");
	unsetenv("SLURM_ARRAY_TASK_ID");
	setenv("SLURM_HET_SIZE", "2", 1);
	setenv("SLURM_JOB_ID_HET_GROUP_0", "4", 1);
	rp_job_from_env(&job);
	assert_string_equal(job.id, "4");
	assert_int_equal(job.het_size, 2);
}

static void test_job_ids(void **state)
{
	(void)state;
	assert_int_equal(rp_job_id_valid("12"), 1);
	assert_int_equal(rp_job_id_valid("12_3"), 1);
	assert_int_equal(rp_job_id_valid("4294967294_4294967294"), 1);
	assert_int_equal(rp_job_id_valid(""), 0);
	assert_int_equal(rp_job_id_valid("-1"), 0);
	assert_int_equal(rp_job_id_valid("12_"), 0);
	assert_int_equal(rp_job_id_valid("_3"), 0);
	assert_int_equal(rp_job_id_valid("12_3_4"), 0);
	assert_int_equal(rp_job_id_valid("12 13"), 0);
	assert_int_equal(rp_job_id_valid("12_[1-3]"), 0);
	assert_int_equal(rp_job_id_valid("1111111111111111111111111111111111"),
			 0);
}

/*
 * The choice
 */

static void expect_choice(struct fake *f, const char *name)
{
	struct rp_err err = { 0 };

	assert_int_equal(rp_sched_open(&f->s, "auto", f->lib, LIMIT_MS, &err),
			 0);
	assert_string_equal(f->s.ops->name, name);
	assert_true(strlen(f->s.why) > 0);
	rp_sched_close(&f->s);
}

static void test_choice(void **state)
{
	struct fake *f = *state;
	struct rp_err err = { 0 };
	char empty[100];

	set_path(f, 1);
	expect_choice(f, "none");
	setenv("SLURM_JOB_ID", "12", 1);
	expect_choice(f, "scontrol");
	snprintf(empty, sizeof(empty), "%s/nowhere", f->dir);
	setenv("PATH", empty, 1);
	expect_choice(f, "libslurm");
	assert_int_equal(rp_sched_open(&f->s, "scontrol", f->lib, 1, &err),
			 RALLY_EOPTION);
	chmod(f->lib, 0600);
	/* root may read it, but nobody may run it */
	expect_choice(f, "none");
	rp_err_clear(&err);
	assert_int_equal(rp_sched_open(&f->s, "libslurm", f->lib, 1, &err),
			 RALLY_EOPTION);
	assert_non_null(strstr(err.text, f->lib));
	rp_err_clear(&err);
	assert_int_equal(rp_sched_open(&f->s, "pbs", f->lib, 1, &err),
			 RALLY_EOPTION);
	set_path(f, 1);
}

static void test_none(void **state)
{
	struct fake *f = begin(state, "none", LIMIT_MS);
	struct rp_record rec;

	assert_int_equal(requeue(f), RP_NO_BACKEND);
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_NO_BACKEND);
	assert_int_equal(rp_sched_job_active(&f->s, "13"), -1);
}

static void test_scontrol_outside_of_a_job(void **state)
{
	struct fake *f = *state;
	struct rp_err err = { 0 };

	set_path(f, 1);
	assert_int_equal(rp_sched_open(&f->s, "scontrol", NULL, LIMIT_MS, &err),
			 0);
	assert_int_equal(requeue(f), RP_NO_BACKEND);
	assert_false(asked(f));
}

/*
 * Records of scontrol
 */

static void test_record(void **state)
{
	struct fake *f = begin(state, "auto", LIMIT_MS);
	struct rp_record rec;
	char text[8192];

	setenv("OMPI_MCA_x", "1", 1);
	put(f, "job", job_text("solver", "RUNNING", "None", 3, "-"));
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	unsetenv("OMPI_MCA_x");
	assert_int_equal(rec.state, RP_JOB_RUNNING);
	assert_int_equal(rec.completing, 0);
	assert_string_equal(rec.reason, "None");
	assert_int_equal(rec.restarts, 3);
	assert_int_equal(rec.may_requeue, 1);
	assert_int_equal(rec.batch, 1);
	assert_int_equal(rec.end_time, 1826926868);
	assert_int_equal(rec.preempt_time, 0);
	assert_int_equal(rec.steps, -1);
	get(f, "log", text, sizeof(text));
	assert_string_equal(text, "show job 12\n");
	get(f, "env", text, sizeof(text));
	assert_non_null(strstr(text, "SLURM_TIME_FORMAT=%s\n"));
	assert_null(strstr(text, "OMPI_MCA_x"));
}

static void test_times_in_calendar_form(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);
	struct rp_record rec;

	setenv("TZ", "UTC", 1);
	put(f, "job",
	    "JobId=12 JobName=x\n   JobState=RUNNING Reason=None Dependency=\n"
	    "   Requeue=0 Restarts=0 BatchFlag=0 Reboot=0 ExitCode=0:0\n"
	    "   StartTime=2026-11-22T23:44:56 EndTime=2026-11-22T23:45:19 "
	    "Deadline=N/A\n   PreemptTime=2026-11-22T23:44:59\n"
	    "   Command=(null)\n");
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	unsetenv("TZ");
	assert_int_equal(rec.state, RP_JOB_RUNNING);
	assert_int_equal(rec.end_time, 1795391119);
	assert_int_equal(rec.preempt_time, 1795391099);
	assert_int_equal(rec.may_requeue, 0);
	assert_int_equal(rec.batch, 0);
}

static void test_a_name_that_lies(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);
	struct rp_record rec;

	put(f, "job",
	    job_text("x JobState=PENDING Reason=TimeLimit  Restarts=9",
		     "COMPLETING", "None", 0,
		     "JobState=RUNNING Reason=TimeLimit Restarts=7"));
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	assert_int_equal(rec.state, RP_JOB_COMPLETING);
	assert_int_equal(rec.ended_by, RP_ENDED_NOT_KNOWN);
	assert_int_equal(rec.restarts, 0);

	/* with line breaks it can't be told, and so is left alone */
	put(f, "job",
	    job_text("x\n   JobState=RUNNING Reason=None Dependency=(null)",
		     "COMPLETING", "None", 0, "-"));
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	assert_int_equal(rec.state, RP_JOB_UNKNOWN);
	assert_int_equal(requeue(f), RP_FAILED);
	assert_true(strlen(f->detail) > 0);
	put(f, "job", job_text("x\n   Command=y", "RUNNING", "None", 0, "-"));
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	assert_int_equal(rec.state, RP_JOB_UNKNOWN);
	put(f, "job", job_text("x\nJobId=12 y", "RUNNING", "None", 0, "-"));
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	assert_int_equal(rec.state, RP_JOB_UNKNOWN);
	assert_false(asked(f));

	/* a comment's line breaks lie behind all that is read */
	put(f, "job", job_text("x", "RUNNING", "None", 1,
			       "x\n   JobState=PENDING Restarts=9"));
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	assert_int_equal(rec.state, RP_JOB_RUNNING);
	assert_int_equal(rec.restarts, 1);
}

static void test_record_among_components(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);
	struct rp_record rec;
	char text[8192];

	snprintf(text, sizeof(text), "JobId=11 HetJobId=11 JobName=a\n"
		 "   JobState=PENDING Reason=None Dependency=(null)\n"
		 "   Command=x\n\n%s", job_text("b", "RUNNING", "None", 4, ""));
	put(f, "job", text);
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	assert_int_equal(rec.state, RP_JOB_RUNNING);
	assert_int_equal(rec.restarts, 4);
}

static void test_record_of_an_array_task(void **state)
{
	struct fake *f = *state;
	struct rp_record rec;
	char text[8192];

	setenv("SLURM_ARRAY_JOB_ID", "10", 1);
	setenv("SLURM_ARRAY_TASK_ID", "2", 1);
	begin(state, "scontrol", LIMIT_MS);
	snprintf(text, sizeof(text),
		 "JobId=12 ArrayJobId=10 ArrayTaskId=2 %s",
		 job_text("b", "RUNNING", "None", 1, "") + strlen("JobId=12 "));
	put(f, "job", text);
	put(f, "job.after", job_text("b", "COMPLETING", "None", 2, ""));
	put(f, "requeue", "");
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	assert_int_equal(rec.restarts, 1);
	setenv("SLURM_RESTART_COUNT", "1", 1);
	rp_job_from_env(&f->s.job);
	assert_int_equal(requeue(f), RP_REQUEUED);
	get(f, "log", text, sizeof(text));
	assert_non_null(strstr(text, "\nrequeue 10_2\n"));
	assert_null(strstr(text, "requeue 10\n"));
	assert_null(strstr(text, "requeue 12\n"));
}

static void test_garbage(void **state)
{
	static const char *const garbage[] = {
		"", "\n\n", "hello", "JobId=12", "JobId=12 JobName=x\n",
		"JobId=12 JobName=x\n   JobState=\n",
		"JobId=12 JobName=x\n   JobState=RUNNING Reason=None\n"
		"   Requeue=1 Restarts=-4 BatchFlag=1\n   EndTime=0\n",
		"JobId=12 JobName=x\n   JobState=RUNNING Reason=None\n"
		"   Requeue=1 Restarts=99999999999 BatchFlag=1\n   EndTime=0\n",
		"JobId=12 JobName=x\n   JobState=DANCING Reason=None\n"
		"   Requeue=1 Restarts=0 BatchFlag=1\n   EndTime=0\n",
	};
	struct fake *f = begin(state, "scontrol", LIMIT_MS);
	struct rp_record rec;

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		put(f, "job", garbage[i]);
		assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
		assert_int_equal(rec.state, RP_JOB_UNKNOWN);
		assert_int_equal(requeue(f), RP_FAILED);
		assert_true(strlen(f->detail) > 0);
		assert_int_equal(rp_sched_job_active(&f->s, "12"), -1);
	}
	assert_false(asked(f));
}

/*
 * The requeue
 */

static void test_requeue(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.after", job_text("x", "COMPLETING", "None", 1, ""));
	assert_int_equal(requeue(f), RP_REQUEUED);
	assert_true(asked(f));
	assert_string_equal(f->detail, "");
}

/* The comment, then the hold; where the comment is refused, the hold alone. */
static void test_hold(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);
	char text[2000];

	f->s.job.tasks = 4;
	put(f, "steps", one_step);
	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.after", job_text("x", "PENDING", "None", 1, ""));
	put(f, "requeue", "");
	put(f, "update.rc", "1");
	put(f, "update.err", "slurm_update error: Access/permission denied\n");
	assert_int_equal(rp_sched_hold_own(&f->s, 4, "no step in 3", f->detail,
					   sizeof(f->detail)), RP_HELD);
	assert_int_equal(rp_answer_good(RP_HELD), 0);
	get(f, "log", text, sizeof(text));
	assert_non_null(strstr(text, "\nupdate JobId=12 Comment=no step in 3\n"
				     "requeuehold 12\n"));
	assert_null(strstr(text, "\nrequeue 12\n"));
}

static void test_requeue_at_the_time_limit(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	put(f, "job", job_text("x", "COMPLETING", "TimeLimit", 0, ""));
	put(f, "job.after", job_text("x", "COMPLETING", "TimeLimit", 1, ""));
	assert_int_equal(requeue(f), RP_REQUEUED);
}

static void test_left_alone(void **state)
{
	static const char *const states[] = { "COMPLETING", "CANCELLED",
					      "COMPLETED", "TIMEOUT" };
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	for (int i = 0; i < 4; i++) {
		put(f, "job", job_text("x", states[i], "None", 0, ""));
		assert_int_equal(requeue(f), RP_CANCELLED);
	}
	assert_false(asked(f));
}

static void test_back_already(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	put(f, "job", job_text("x", "PENDING", "BeginTime", 0, ""));
	assert_int_equal(requeue(f), RP_ALREADY);
	put(f, "job", job_text("x", "COMPLETING", "None", 1, ""));
	assert_int_equal(requeue(f), RP_ALREADY);
	/* a rank of a lost node must not end the job's next start */
	put(f, "job", job_text("x", "RUNNING", "None", 1, ""));
	assert_int_equal(requeue(f), RP_ALREADY);
	assert_false(asked(f));
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		enum rp_answer answer;
	} refusals[] = {
		{ "Job is pending execution for job 12", RP_ALREADY },
		{ "12_3: Job is pending execution", RP_ALREADY },
		{ "Requested operation is presently disabled for job 12",
		  RP_DISABLED },
		{ "Only batch jobs are accepted or processed for job 12",
		  RP_NOT_BATCH },
		{ "Access/permission denied for job 12", RP_DENIED },
		{ "Job not heterogeneous job leader for job 12",
		  RP_NOT_LEADER },
		{ "Invalid job id specified for job 12", RP_NO_JOB },
		{ "Something new for job 12", RP_FAILED },
	};
	struct fake *f = begin(state, "scontrol", LIMIT_MS);
	char text[200];

	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "requeue.rc", "1");
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		snprintf(text, sizeof(text), "scontrol: error: noise\n%s\n\n",
			 refusals[i].text);
		put(f, "requeue.err", text);
		assert_int_equal(requeue(f), refusals[i].answer);
		assert_string_equal(f->detail,
				    rp_answer_good(refusals[i].answer)
					    ? "" : refusals[i].text);
		assert_true(strlen(rp_answer_text(refusals[i].answer)) > 10);
	}
	/* No word is no refusal: it is tried again. */
	put(f, "requeue.err", "");
	f->s.patience_ms = 700;
	assert_int_equal(requeue(f), RP_INTERRUPTED);
	assert_true(strlen(f->detail) > 0);
}

static void test_accepted_but_nothing_happens(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	assert_int_equal(requeue(f), RP_FAILED);
	assert_true(asked(f));
	assert_non_null(strstr(f->detail, "does not show it"));
}

static void test_controller_away_for_a_while(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.after", job_text("x", "PENDING", "None", 1, ""));
	put(f, "job.once.err", "slurm_load_jobs error: Unable to contact slurm "
			       "controller (connect failure)\n");
	put(f, "job.once.rc", "1");
	put(f, "job.once", "");
	put(f, "requeue.once.err", "Unexpected message received for job 12\n");
	put(f, "requeue.once.rc", "1");
	put(f, "requeue.once", "");
	assert_int_equal(requeue(f), RP_REQUEUED);
}

/* Slurm's signals to the job may end the command that has just worked. */
static void test_ended_by_its_own_success(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.after", job_text("x", "COMPLETING", "None", 1, ""));
	put(f, "requeue.once", "");
	put(f, "requeue.once.killed", "");
	put(f, "requeue.err", "Job is pending execution for job 12\n");
	put(f, "requeue.rc", "1");
	assert_int_equal(requeue(f), RP_ALREADY);
	assert_string_equal(f->detail, "");
	f->s.patience_ms = 700;
	put(f, "job.killed", "");
	put(f, "job.after.killed", "");
	assert_int_equal(requeue(f), RP_INTERRUPTED);
	assert_true(strlen(f->detail) > 0);
}

static void test_controller_away(void **state)
{
	struct fake *f = begin(state, "scontrol", 1200);
	int64_t start = rp_now();

	put(f, "job.err", "slurm_load_jobs error: Unable to contact slurm "
			  "controller (connect failure)\n");
	put(f, "job.rc", "1");
	assert_int_equal(requeue(f), RP_UNREACHABLE);
	assert_true(rp_now() - start < 3000000000);
	assert_true(rp_now() - start > 500000000);
	assert_false(asked(f));
	assert_int_equal(rp_sched_job_active(&f->s, "13"), -1);
}

/* One that answered before is waited for, told once; one that never did may be
 * out of reach for good. */
static void count_tells(void *arg, enum rp_answer answer, int64_t left_ms)
{
	assert_int_equal(answer, RP_UNREACHABLE);
	assert_true(left_ms > 0);
	++*(int *)arg;
}

static void test_patience(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);
	struct rp_record rec;
	int64_t start;
	int tells = 0;

	put(f, "job.err", "slurm_load_jobs error: Unable to contact slurm "
			  "controller (connect failure)\n");
	put(f, "job.rc", "1");
	f->s.tell = count_tells;
	f->s.arg = &tells;
	f->s.patience_ms = 1800;
	f->s.patience_new_ms = 0;
	start = rp_now();
	assert_int_equal(requeue(f), RP_UNREACHABLE);
	assert_true(rp_now() - start < 1500000000);
	assert_int_equal(tells, 0);
	put(f, "job.rc", "0");
	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	put(f, "job.rc", "1");
	start = rp_now();
	assert_int_equal(requeue(f), RP_UNREACHABLE);
	assert_true(rp_now() - start > 1000000000);
	assert_int_equal(tells, 1);
}

/* It goes away just when it is asked for the first time: it can be reached. */
static void test_patience_from_the_first_answer(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.after", job_text("x", "PENDING", "None", 1, ""));
	put(f, "requeue.once.err", "Unexpected message received for job 12\n");
	put(f, "requeue.once.rc", "1");
	put(f, "requeue.once", "");
	f->s.patience_ms = LIMIT_MS;
	f->s.patience_new_ms = 0;
	assert_int_equal(requeue(f), RP_REQUEUED);
}

/* The requeue hangs and has worked: the next try sees it in the record. */
static void test_requeue_that_hangs(void **state)
{
	struct fake *f = begin(state, "scontrol", 400);

	f->s.patience_ms = f->s.patience_new_ms = 3000;
	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.after", job_text("x", "PENDING", "None", 1, ""));
	put(f, "requeue.slow", "");
	assert_int_equal(requeue(f), RP_ALREADY);
}

/* One that never answered in time is slow, and not out of reach. */
static void test_slow_from_the_start(void **state)
{
	struct fake *f = begin(state, "scontrol", 400);

	f->s.patience_ms = 3000;
	f->s.patience_new_ms = 0;
	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.after", job_text("x", "PENDING", "None", 1, ""));
	put(f, "job.once", "");
	put(f, "job.once.slow", "");
	assert_int_equal(requeue(f), RP_REQUEUED);
}

static void test_hanging_command(void **state)
{
	struct fake *f = begin(state, "scontrol", 400);
	int64_t start = rp_now();

	put(f, "job.slow", "");
	assert_int_equal(requeue(f), RP_TIMEOUT);
	assert_true(rp_now() - start < 3000000000);
	assert_int_equal(rp_sched_job_active(&f->s, "13"), -1);
}

static void test_host_that_ignores_sigchld(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);
	void (*old)(int) = signal(SIGCHLD, SIG_IGN);
	char path[100];

	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "requeue.rc", "1");
	put(f, "requeue.err", "Access/permission denied for job 12\n");
	assert_int_equal(requeue(f), RP_DENIED);
	put(f, "requeue.rc", "0");
	put(f, "requeue.err", "");
	put(f, "job.after", job_text("x", "COMPLETING", "None", 1, ""));
	snprintf(path, sizeof(path), "%s/asked", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(requeue(f), RP_REQUEUED);
	signal(SIGCHLD, old);
}

/*
 * Steps
 */

static enum rp_answer own(struct fake *f, int ranks)
{
	return rp_sched_requeue_own(&f->s, ranks, f->detail,
				    sizeof(f->detail));
}

static void test_own_step(void **state)
{
	struct fake *f = *state;
	char steps[2048];

	setenv("SLURM_STEP_ID", "0", 1);
	setenv("SLURM_STEP_NUM_TASKS", "2", 1);
	begin(state, "scontrol", LIMIT_MS);
	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.after", job_text("x", "COMPLETING", "None", 1, ""));

	snprintf(steps, sizeof(steps), "%sStepId=12.1 UserId=0 State=RUNNING "
		 "Name=other\n", one_step);
	put(f, "steps", steps);
	assert_int_equal(own(f, 2), RP_OTHER_STEPS);
	assert_non_null(strstr(f->detail, "2 steps"));
	put(f, "steps", one_step);
	/* one step, but the handle has not all of its ranks */
	assert_int_equal(own(f, 1), RP_OTHER_STEPS);
	put(f, "steps.err", "slurm_get_job_steps error: Unable to contact "
			    "slurm controller (connect failure)\n");
	put(f, "steps.rc", "1");
	f->s.patience_ms = 800;
	assert_int_equal(own(f, 2), RP_UNREACHABLE);
	f->s.patience_ms = LIMIT_MS;
	assert_false(asked(f));
	put(f, "steps.rc", "0");
	put(f, "steps.err", "");
	assert_int_equal(own(f, 2), RP_REQUEUED);
}

/* The job's record is what was read last: the owner has cancelled the job while a
 * slow controller told its steps. */
static void test_cancelled_meanwhile(void **state)
{
	struct fake *f = *state;

	setenv("SLURM_STEP_NUM_TASKS", "2", 1);
	begin(state, "scontrol", LIMIT_MS);
	chmod(f->lib, 0600);
	put(f, "steps", one_step);
	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.then", job_text("x", "COMPLETING", "None", 0, ""));
	assert_int_equal(own(f, 2), RP_CANCELLED);
	assert_false(asked(f));
}

static void test_steps_of_mpirun(void **state)
{
	struct fake *f = *state;

	setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
	begin(state, "scontrol", LIMIT_MS);
	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.after", job_text("x", "COMPLETING", "None", 1, ""));
	put(f, "steps", one_step);
	assert_int_equal(own(f, 2), RP_OTHER_STEPS);
	put(f, "steps", "StepId=12.batch UserId=0 State=RUNNING Name=batch\n"
			"StepId=12.2 UserId=0 State=RUNNING Name=orted\n"
			"StepId=12.3 UserId=0 State=RUNNING "
			"Name=rallypoint-drill\n");
	assert_int_equal(own(f, 2), RP_REQUEUED);
}

static void test_explicit_requeue_ignores_steps(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "job.after", job_text("x", "COMPLETING", "None", 1, ""));
	put(f, "steps.rc", "1");
	assert_int_equal(requeue(f), RP_REQUEUED);
}

static void test_heterogeneous_job(void **state)
{
	struct fake *f = *state;

	setenv("SLURM_HET_SIZE", "2", 1);
	setenv("SLURM_STEP_NUM_TASKS", "2", 1);
	begin(state, "scontrol", LIMIT_MS);
	put(f, "job", job_text("x", "RUNNING", "None", 0, ""));
	put(f, "steps", one_step);
	assert_int_equal(own(f, 2), RP_OTHER_STEPS);
	assert_false(asked(f));
}

/*
 * Another job
 */

static void test_job_active(void **state)
{
	static const struct {
		const char *state;
		int active;
	} states[] = {
		{ "RUNNING", 1 },   { "PENDING", 1 },	{ "COMPLETING", 1 },
		{ "SUSPENDED", 1 }, { "COMPLETED", 0 }, { "CANCELLED", 0 },
		{ "FAILED", 0 },    { "TIMEOUT", 0 },	{ "NODE_FAIL", 0 },
		{ "PREEMPTED", 0 }, { "UNHEARD_OF", -1 },
	};
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		put(f, "job", job_text("x", states[i].state, "None", 0, ""));
		assert_int_equal(rp_sched_job_active(&f->s, "12"),
				 states[i].active);
	}
	put(f, "job.rc", "1");
	put(f, "job.err", "slurm_load_jobs error: Invalid job id specified\n");
	assert_int_equal(rp_sched_job_active(&f->s, "12"), 0);
	put(f, "job.err", "slurm_load_jobs error: Protocol authentication "
			  "error\n");
	assert_int_equal(rp_sched_job_active(&f->s, "12"), -1);
	put(f, "log", "");
	assert_int_equal(rp_sched_job_active(&f->s, "12; rm"), -1);
	assert_int_equal(rp_sched_job_active(&f->s, "--help"), -1);
	assert_false(asked(f));
}

/*
 * The helper program
 */

static char *helper_text(const char *base, const char *flags, int restarts,
			 int steps)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "{\"ok\":true,\"record\":{\"base\":\"%s\",\"flags\":[%s],"
		 "\"reason\":\"\",\"restarts\":%d,\"end_time\":1826926868,"
		 "\"preempt_time\":1795391099,\"may_requeue\":true,"
		 "\"batch\":true,\"steps\":%d}}\n",
		 base, flags, restarts, steps);
	return text;
}

static void test_helper_record(void **state)
{
	struct fake *f = begin(state, "libslurm", LIMIT_MS);
	struct rp_record rec;
	char text[200];

	put(f, "record", helper_text("RUNNING", "", 2, -1));
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	assert_int_equal(rec.state, RP_JOB_RUNNING);
	assert_int_equal(rec.restarts, 2);
	assert_int_equal(rec.end_time, 1826926868);
	assert_int_equal(rec.preempt_time, 1795391099);
	assert_int_equal(rec.may_requeue, 1);
	assert_int_equal(rec.steps, -1);
	get(f, "log", text, sizeof(text));
	assert_string_equal(text, "record 12\n");
}

static void test_helper_hold(void **state)
{
	struct fake *f = begin(state, "libslurm", LIMIT_MS);
	char text[400];

	f->s.job.tasks = 4;
	put(f, "record", helper_text("RUNNING", "", 0, 1));
	put(f, "record.after", helper_text("PENDING", "", 1, 0));
	put(f, "requeue", "{\"ok\":true}\n");
	assert_int_equal(rp_sched_hold_own(&f->s, 4, "no step in 3", f->detail,
					   sizeof(f->detail)), RP_HELD);
	get(f, "log", text, sizeof(text));
	assert_non_null(strstr(text, "\nhold 12 no step in 3\n"));
}

static void test_helper_tells_cancelled(void **state)
{
	struct fake *f = begin(state, "libslurm", LIMIT_MS);
	struct rp_record rec;

	put(f, "requeue", "{\"ok\":true}\n");
	put(f, "record", helper_text("CANCELLED", "\"COMPLETING\"", 0, -1));
	assert_int_equal(rp_sched_record(&f->s, &rec), RP_DONE);
	assert_int_equal(rec.state, RP_JOB_CANCELLED);
	assert_int_equal(requeue(f), RP_CANCELLED);
	assert_int_equal(rp_sched_job_active(&f->s, "12"), 1);
	put(f, "record", helper_text("CANCELLED", "", 0, -1));
	assert_int_equal(rp_sched_job_active(&f->s, "12"), 0);
	put(f, "record", helper_text("COMPLETED", "\"COMPLETING\"", 0, -1));
	assert_int_equal(requeue(f), RP_CANCELLED);
	put(f, "record", helper_text("RUNNING", "\"REQUEUE\"", 0, -1));
	assert_int_equal(requeue(f), RP_ALREADY);
	assert_false(asked(f));

	/* ended by Slurm itself, and so brought back */
	put(f, "record", helper_text("TIMEOUT", "\"COMPLETING\"", 0, -1));
	put(f, "record.after", helper_text("PENDING", "\"COMPLETING\"", 1, -1));
	assert_int_equal(requeue(f), RP_REQUEUED);
	assert_true(asked(f));
}

static void test_helper_refusals(void **state)
{
	static const struct {
		const char *name;
		enum rp_answer answer;
	} refusals[] = {
		{ "ESLURM_JOB_PENDING", RP_ALREADY },
		{ "ESLURM_DISABLED", RP_DISABLED },
		{ "ESLURM_BATCH_ONLY", RP_NOT_BATCH },
		{ "ESLURM_ACCESS_DENIED", RP_DENIED },
		{ "ESLURM_NOT_HET_JOB_LEADER", RP_NOT_LEADER },
		{ "ESLURM_INVALID_JOB_ID", RP_NO_JOB },
		{ "OTHER", RP_FAILED },
	};
	struct fake *f = begin(state, "libslurm", LIMIT_MS);
	char text[200];

	put(f, "record", helper_text("RUNNING", "", 0, -1));
	put(f, "requeue.rc", "1");
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		snprintf(text, sizeof(text),
			 "{\"ok\":false,\"error\":\"%s\",\"code\":1,"
			 "\"text\":\"its words\"}\n", refusals[i].name);
		put(f, "requeue", text);
		assert_int_equal(requeue(f), refusals[i].answer);
		assert_string_equal(f->detail,
				    rp_answer_good(refusals[i].answer)
					    ? "" : "its words");
	}
	f->s.patience_ms = 700;
	put(f, "record", "{\"ok\":false,\"error\":\"UNREACHABLE\","
			 "\"text\":\"down\"}\n");
	assert_int_equal(requeue(f), RP_UNREACHABLE);
}

/* Where text can't tell a cancelled job from one that Slurm ends, the helper is
 * asked as well, if it is there. */
static void test_text_made_sure(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	put(f, "job", job_text("x", "COMPLETING", "None", 0, ""));
	put(f, "job.after", job_text("x", "COMPLETING", "None", 1, ""));
	put(f, "record", helper_text("CANCELLED", "\"COMPLETING\"", 0, -1));
	assert_int_equal(requeue(f), RP_CANCELLED);
	put(f, "record", helper_text("PREEMPTED", "\"COMPLETING\"", 0, -1));
	put(f, "record.after", helper_text("PENDING", "\"COMPLETING\"", 1, -1));
	assert_int_equal(requeue(f), RP_REQUEUED);
	assert_int_equal(f->s.cause, RP_CAUSE_PREEMPTION);
}

static void test_text_alone(void **state)
{
	struct fake *f = begin(state, "scontrol", LIMIT_MS);

	chmod(f->lib, 0600);
	put(f, "job", job_text("x", "COMPLETING", "None", 0, ""));
	put(f, "record", helper_text("PREEMPTED", "\"COMPLETING\"", 0, -1));
	assert_int_equal(requeue(f), RP_CANCELLED);
	assert_false(asked(f));
}

static void test_launchers(void **state)
{
	struct rp_job job;

	(void)state;
	rp_job_from_env(&job);
	assert_int_equal(job.kill_ns, 0);
	assert_int_equal(job.shielded, 0);
	setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
	rp_job_from_env(&job);
	assert_int_equal(job.kill_ns, 1000000000);
	setenv("OMPI_MCA_odls_base_sigkill_timeout", "60", 1);
	rp_job_from_env(&job);
	assert_int_equal(job.kill_ns, 60000000000);
	setenv("TORCHELASTIC_RUN_ID", "none", 1);
	rp_job_from_env(&job);
	assert_int_equal(job.kill_ns, 30000000000);
	setenv("RALLYPOINT_RUN", "1", 1);
	rp_job_from_env(&job);
	assert_int_equal(job.kill_ns, 0);
	assert_int_equal(job.shielded, 1);
	unsetenv("OMPI_MCA_odls_base_sigkill_timeout");
	unsetenv("TORCHELASTIC_RUN_ID");
	unsetenv("RALLYPOINT_RUN");
}

static void test_helper_garbage(void **state)
{
	static const char *const garbage[] = {
		"", "x", "[]", "{}", "{\"ok\":true}", "{\"ok\":1}",
		"{\"ok\":true,\"record\":{}}",
		"{\"ok\":true,\"record\":{\"base\":3}}",
		"{\"ok\":false,\"error\":7,\"text\":null}",
		"{\"ok\":true} {\"ok\":true}", "[[[[[[[[[[[[[[[[[[[[",
	};
	struct fake *f = begin(state, "libslurm", LIMIT_MS);
	struct rp_record rec;

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		put(f, "record", garbage[i]);
		assert_int_equal(rp_sched_record(&f->s, &rec), RP_FAILED);
		assert_int_equal(requeue(f), RP_FAILED);
		assert_true(strlen(f->detail) > 0);
		assert_int_equal(rp_sched_job_active(&f->s, "12"), -1);
	}
	put(f, "record", helper_text("NEW_STATE", "", 0, -1));
	assert_int_equal(requeue(f), RP_FAILED);
	/* what the dynamic linker says after an upgrade of Slurm */
	put(f, "record", "");
	put(f, "record.rc", "127");
	put(f, "record.err", "rallypoint-slurm: error while loading shared "
			     "libraries: libslurm.so.38\n");
	assert_int_equal(requeue(f), RP_FAILED);
	assert_non_null(strstr(f->detail, "libslurm.so.38"));
	assert_false(asked(f));
}

static void test_helper_hangs(void **state)
{
	struct fake *f = begin(state, "libslurm", 400);
	int64_t start = rp_now();

	put(f, "record.slow", "");
	assert_int_equal(requeue(f), RP_TIMEOUT);
	assert_true(rp_now() - start < 3000000000);
}

static void test_helper_steps(void **state)
{
	struct fake *f = *state;
	char text[400];

	setenv("SLURM_STEP_NUM_TASKS", "2", 1);
	begin(state, "libslurm", LIMIT_MS);
	put(f, "requeue", "{\"ok\":true}\n");
	put(f, "record", helper_text("RUNNING", "", 0, 2));
	put(f, "record.after", helper_text("PENDING", "", 1, 0));
	assert_int_equal(own(f, 2), RP_OTHER_STEPS);
	put(f, "record", helper_text("RUNNING", "", 0, 1));
	assert_int_equal(own(f, 2), RP_REQUEUED);
	get(f, "log", text, sizeof(text));
	assert_non_null(strstr(text, "record 12 steps\nrequeue 12\n"));
}

static void test_every_answer_has_its_sentence(void **state)
{
	(void)state;
	for (int i = RP_DONE; i <= RP_FAILED; i++)
		for (int j = i + 1; j <= RP_FAILED; j++)
			assert_string_not_equal(
				rp_answer_text((enum rp_answer)i),
				rp_answer_text((enum rp_answer)j));
	assert_true(rp_answer_good(RP_ALREADY));
	assert_false(rp_answer_good(RP_CANCELLED));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_job_outside),
		TEST(test_job_of_srun),
		TEST(test_job_of_mpirun),
		TEST(test_job_of_array_and_het),
		TEST(test_job_ids),
		TEST(test_choice),
		TEST(test_none),
		TEST(test_scontrol_outside_of_a_job),
		TEST(test_record),
		TEST(test_times_in_calendar_form),
		TEST(test_a_name_that_lies),
		TEST(test_record_among_components),
		TEST(test_record_of_an_array_task),
		TEST(test_garbage),
		TEST(test_requeue),
		TEST(test_hold),
		TEST(test_requeue_at_the_time_limit),
		TEST(test_left_alone),
		TEST(test_back_already),
		TEST(test_refusals),
		TEST(test_accepted_but_nothing_happens),
		TEST(test_controller_away_for_a_while),
		TEST(test_ended_by_its_own_success),
		TEST(test_controller_away),
		TEST(test_patience),
		TEST(test_patience_from_the_first_answer),
		TEST(test_requeue_that_hangs),
		TEST(test_slow_from_the_start),
		TEST(test_hanging_command),
		TEST(test_host_that_ignores_sigchld),
		TEST(test_own_step),
		TEST(test_cancelled_meanwhile),
		TEST(test_steps_of_mpirun),
		TEST(test_explicit_requeue_ignores_steps),
		TEST(test_heterogeneous_job),
		TEST(test_job_active),
		TEST(test_helper_record),
		TEST(test_helper_hold),
		TEST(test_helper_tells_cancelled),
		TEST(test_helper_refusals),
		TEST(test_text_made_sure),
		TEST(test_text_alone),
		TEST(test_launchers),
		TEST(test_helper_garbage),
		TEST(test_helper_hangs),
		TEST(test_helper_steps),
		TEST(test_every_answer_has_its_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
