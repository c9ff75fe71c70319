/* tool/facts, tool/outcome, tool/diagnose: what follows from what is known. */
#include "tool/diagnose.h"

#include "unit.h"

#include <signal.h>

/* A batch job on one node, started by srun, in a partition that is preempted by
 * REQUEUE with 20 s of grace: nothing is wrong with it. */
static struct rp_facts sound(void)
{
	struct rp_facts f;

	rp_facts_init(&f);
	strcpy(f.conf.preempt_type, "preempt/partition_prio");
	strcpy(f.conf.proctrack, "proctrack/cgroup");
	f.conf.kill_wait = 30;
	f.conf.job_requeue = 1;
	f.conf.file_append = 0;
	strcpy(f.part.name, "low");
	strcpy(f.part.preempt_mode, "REQUEUE");
	f.part.grace_time = 20;
	f.part.max_time = RP_TIME_UNLIMITED;
	f.can_ask = f.has_helper = 1;
	f.known = 1;
	f.launcher = RP_START_SRUN;
	f.command = "srun ./solver";
	f.line = 7;
	f.requeue = 1;
	f.append = 1;
	f.limit_s = 3600;
	f.every = 1;
	return f;
}

static int has(const struct rp_diagnosis *d, const char *id)
{
	for (size_t i = 0; i < d->n_findings; i++)
		if (strcmp(d->findings[i].id, id) == 0)
			return 1;
	return 0;
}

static void test_sound(void **state)
{
	struct rp_facts f = sound();
	struct rp_diagnosis d;

	(void)state;
	assert_int_equal(rp_diagnose(&d, &f, NULL), 0);
	for (size_t i = 0; i < d.n_findings; i++)
		print_error("%s\n", d.findings[i].text);
	assert_int_equal(d.n_findings, 0);
	assert_int_equal(d.problems, 0);
	rp_diagnosis_free(&d);
}

/*
 * What happens
 */

static void set_site(struct rp_facts *f, const char *mode, int64_t grace)
{
	snprintf(f->part.preempt_mode, sizeof(f->part.preempt_mode), "%s",
		 mode);
	f->part.grace_time = grace;
}

#define YES RP_SAVED_YES
#define PERIODIC RP_SAVED_PERIODIC
#define NO RP_SAVED_NO

/* Each row was seen on a cluster, but for those with an unknown site. */
static void test_preemption(void **state)
{
	static const struct {
		const char *mode;
		int64_t grace;
		enum rp_start launcher;
		int64_t nodes;
		const char *proctrack;
		enum rp_saved saved;
		int again;
	} rows[] = {
		{ "REQUEUE", 20, RP_START_SRUN, 1, "proctrack/cgroup", YES, 1 },
		{ "REQUEUE", 0, RP_START_SRUN, 2, "proctrack/cgroup", YES, 1 },
		{ "CANCEL", 20, RP_START_SRUN, 2, "proctrack/cgroup", YES, 1 },
		{ "CANCEL", 0, RP_START_SRUN, 1, "proctrack/cgroup", YES, 1 },
		{ "OFF", 20, RP_START_SRUN, 1, "proctrack/cgroup", NO, 0 },
		{ "SUSPEND", 0, RP_START_SRUN, 1, "proctrack/cgroup", NO, 0 },
		{ "GANG,SUSPEND", 0, RP_START_SRUN, 1, "x", NO, 0 },
		{ "", 0, RP_START_SRUN, 1, "x", NO, 0 },
		{ "REQUEUE", 20, RP_START_SRUN_EXEC, 1, "x", YES, 1 },
		{ "REQUEUE", 20, RP_START_SRUN_SHELL, 1, "proctrack/cgroup",
		  PERIODIC, 0 },
		{ "REQUEUE", 0, RP_START_SRUN_SHELL, 1, "proctrack/cgroup",
		  PERIODIC, 1 },
		{ "CANCEL", 0, RP_START_SRUN_SHELL, 1, "proctrack/cgroup",
		  PERIODIC, 0 },
		{ "REQUEUE", 20, RP_START_SRUN_SHELL, 1, "proctrack/linuxproc",
		  YES, 1 },
		{ "REQUEUE", 20, RP_START_SRUN_SHELL, 1, "", PERIODIC, 0 },
		{ "REQUEUE", 20, RP_START_MPIRUN, 1, "x", YES, 1 },
		{ "REQUEUE", 3, RP_START_MPIRUN, 1, "x", PERIODIC, 1 },
		{ "REQUEUE", 0, RP_START_MPIRUN, 1, "x", PERIODIC, 1 },
		{ "CANCEL", 0, RP_START_MPIRUN, 1, "x", PERIODIC, 0 },
		{ "REQUEUE", 20, RP_START_MPIRUN, 2, "x", PERIODIC, 0 },
		{ "CANCEL", 20, RP_START_MPIRUN, 2, "x", PERIODIC, 0 },
		{ "REQUEUE", 0, RP_START_MPIRUN, 2, "x", PERIODIC, 1 },
		{ "REQUEUE", 20, RP_START_RUN_MPIRUN, 2, "x", YES, 1 },
		{ "REQUEUE", 20, RP_START_RUN_MPIRUN, 1, "x", YES, 1 },
		{ "REQUEUE", 3, RP_START_RUN_MPIRUN, 1, "x", PERIODIC, 1 },
		{ "REQUEUE", 0, RP_START_RUN_MPIRUN, 1, "proctrack/cgroup",
		  PERIODIC, 1 },
		{ "REQUEUE", 0, RP_START_RUN_MPIRUN, 1, "proctrack/linuxproc",
		  YES, 1 },
		{ "CANCEL", 0, RP_START_RUN_MPIRUN, 2, "proctrack/cgroup",
		  PERIODIC, 0 },
		{ "REQUEUE", 0, RP_START_TORCHRUN, 1, "x", YES, 1 },
		{ "REQUEUE", 0, RP_START_NONE, 1, "proctrack/cgroup", PERIODIC,
		  1 },
		{ "CANCEL", 0, RP_START_RUN_SRUN, 2, "x", YES, 1 },
		{ "REQUEUE", 20, RP_START_TORCHRUN, 2, "x", YES, 1 },
		{ "REQUEUE", 20, RP_START_NONE, 1, "x", YES, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rp_facts f = sound();
		struct rp_outcome out;

		set_site(&f, rows[i].mode, rows[i].grace);
		strcpy(f.conf.proctrack, rows[i].proctrack);
		f.launcher = rows[i].launcher;
		f.nodes = rows[i].nodes;
		f.poll_s = 2;
		f.in_step = 1;
		out = rp_outcome_of(&f, RP_EVENT_PREEMPTION);
		if (out.saved != rows[i].saved || out.again != rows[i].again)
			print_error("row %zu: %s\n", i, out.sentence);
		assert_int_equal(out.saved, rows[i].saved);
		assert_int_equal(out.again, rows[i].again);
	}
}

/* What a launcher under which the ranks hear keeps from coming back. */
static void test_not_again(void **state)
{
	struct rp_facts f = sound();

	(void)state;
	f.requeue = 0;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 0);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_NODE_FAILURE).again, 0);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_REQUEUE).again, 0);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_TIME_LIMIT).again, 0);
	f = sound();
	f.requeue = -1;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 1);
	f.conf.job_requeue = 0;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 0);
	f = sound();
	f.batch = 0;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 0);
	f = sound();
	f.het = 1;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 0);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).saved, YES);
	f = sound();
	f.together = 1;	/* at a signal that ends nothing else */
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 1);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_TIME_LIMIT).again, 1);
	f.signal = "TERM@60";
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_TIME_LIMIT).again, 0);
	f = sound();	/* exec, so that it is not the shell that hears */
	f.launcher = RP_START_RUN_MPIRUN;
	f.nodes = 2;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_REQUEUE).saved, PERIODIC);
	f.direct = 1;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_REQUEUE).saved, YES);
	f = sound();	/* scontrol alone takes it for a cancel */
	f.has_helper = 0;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 1);
	set_site(&f, "CANCEL", 0);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 0);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).saved, YES);
	f = sound();
	f.het = 1;
	set_site(&f, "REQUEUE", 0);	/* Slurm does it itself */
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 1);
	f = sound();
	f.can_ask = 0;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 0);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_TIME_LIMIT).again, 0);
}

static void test_save_time(void **state)
{
	struct rp_facts f = sound();

	(void)state;
	f.save_s = 17;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).saved, YES);
	f.save_s = 19;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).saved,
			 PERIODIC);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 1);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_CANCEL).saved, YES);
	set_site(&f, "CANCEL", 20);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_PREEMPTION).again, 0);
	f.save_s = 40;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_CANCEL).saved, PERIODIC);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_REQUEUE).saved, PERIODIC);
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_TIME_LIMIT).saved, YES);
}

static void test_time_limit(void **state)
{
	static const struct {
		const char *signal;
		enum rp_start launcher;
		int64_t nodes;
		double poll_s;
		enum rp_saved saved;
		int again;
	} rows[] = {
		{ NULL, RP_START_SRUN, 1, 30, YES, 1 },
		{ NULL, RP_START_MPIRUN, 2, 2, YES, 1 },
		{ NULL, RP_START_SRUN_SHELL, 1, 30, YES, 1 },
		{ NULL, RP_START_SRUN, 1, 0, YES, 1 },	/* by KillWait */
		{ NULL, RP_START_MPIRUN, 1, 0, PERIODIC, 0 },
		{ "TERM@120", RP_START_SRUN, 1, 30, YES, 1 },
		{ "TERM@120", RP_START_SRUN_SHELL, 1, 30, PERIODIC, 0 },
		{ "TERM@120", RP_START_MPIRUN, 2, 2, PERIODIC, 0 },
		{ "TERM@120", RP_START_MPIRUN, 1, 2, YES, 1 },
		{ "B:TERM@120", RP_START_SRUN_SHELL, 1, 30, YES, 1 },
		{ "USR1@120", RP_START_SRUN, 1, 30, PERIODIC, 0 },
		{ "10", RP_START_SRUN, 1, 30, PERIODIC, 0 },
		{ "USR2@120", RP_START_SRUN, 1, 30, YES, 1 },
		{ "nonsense", RP_START_SRUN, 1, 30, YES, 1 },
	};
	struct rp_facts f;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rp_outcome out;

		f = sound();
		f.signal = rows[i].signal;
		f.launcher = rows[i].launcher;
		f.nodes = rows[i].nodes;
		f.poll_s = rows[i].poll_s;
		f.save_signals = (int64_t)1 << (SIGUSR2 - 1);
		out = rp_outcome_of(&f, RP_EVENT_TIME_LIMIT);
		if (out.saved != rows[i].saved || out.again != rows[i].again)
			print_error("row %zu: %s\n", i, out.sentence);
		assert_int_equal(out.saved, rows[i].saved);
		assert_int_equal(out.again, rows[i].again);
	}
	f = sound();
	f.limit_s = RP_TIME_UNLIMITED;
	assert_int_equal(rp_outcome_of(&f, RP_EVENT_TIME_LIMIT).saved, NO);
}

/* Never brought back, whatever else. */
static void test_cancel(void **state)
{
	(void)state;
	for (int kind = RP_START_NONE; kind <= RP_START_TORCHRUN; kind++) {
		struct rp_facts f = sound();

		f.launcher = (enum rp_start)kind;
		assert_int_equal(rp_outcome_of(&f, RP_EVENT_CANCEL).again, 0);
		assert_int_equal(rp_outcome_of(&f, RP_EVENT_DRAIN).saved, NO);
		assert_int_equal(rp_outcome_of(&f, RP_EVENT_NODE_FAILURE).saved,
				 PERIODIC);
	}
}

/*
 * What is wrong: one change to a sound job brings one finding
 */

static void no_requeue(struct rp_facts *f) { f->requeue = 0; }
static void no_default(struct rp_facts *f)
{
	f->requeue = -1;
	f->conf.job_requeue = 0;
}
static void not_batch(struct rp_facts *f) { f->batch = 0; }
static void late(struct rp_facts *f) { f->late = 9; }
static void option(struct rp_facts *f) { f->option = "RALLY_X"; }
static void mpirun2(struct rp_facts *f)
{
	f->launcher = RP_START_MPIRUN;
	f->nodes = 2;
	f->mended = "rallypoint run mpirun";
}
static void mpirun1(struct rp_facts *f)
{
	f->launcher = RP_START_MPIRUN;
	f->poll_s = 2;
}
static void mpirun_blind(struct rp_facts *f) { f->launcher = RP_START_MPIRUN; }
static void shell(struct rp_facts *f)
{
	f->launcher = RP_START_SRUN_SHELL;
	f->shell = "bash";
	f->quoted = 1;
	f->mended = "srun ./solver";
}
static void wrapper(struct rp_facts *f)
{
	f->launcher = RP_START_SRUN_SHELL;
	f->shell = "wrap.sh";
}
static void shell_told(struct rp_facts *f)
{
	shell(f);
	f->conf.signal_children = 1;
}
static void none(struct rp_facts *f)
{
	f->launcher = RP_START_NONE;
	f->poll_s = 2;
}
static void torchrun(struct rp_facts *f)
{
	f->launcher = RP_START_TORCHRUN;
	f->in_step = 1;
}
static void mpirun0(struct rp_facts *f)
{
	f->launcher = RP_START_MPIRUN;
	f->mended = "exec rallypoint run mpirun";
	f->part.grace_time = 0;
	strcpy(f->part.preempt_mode, "CANCEL");
}
static void run_in_shell(struct rp_facts *f)
{
	f->launcher = RP_START_RUN_MPIRUN;
	f->nodes = 2;
}
static void no_helper(struct rp_facts *f)
{
	f->has_helper = 0;
	set_site(f, "CANCEL", 0);
}
static void run_at_once(struct rp_facts *f)
{
	run_in_shell(f);
	f->part.grace_time = 0;
}
static void container(struct rp_facts *f) { f->container = 1; }
static void nothing(struct rp_facts *f)
{
	f->can_ask = 0;
	f->part.name[0] = '\0';
}
static void told_not_to(struct rp_facts *f) { f->can_ask = 0; }
static void and_then(struct rp_facts *f)
{
	f->after = RP_SHELL_AND;
	f->goes_on = 1;
}
static void suspend(struct rp_facts *f) { set_site(f, "GANG,SUSPEND", 0); }
static void cancel(struct rp_facts *f) { set_site(f, "CANCEL", 20); }
static void qos(struct rp_facts *f) { strcpy(f->conf.preempt_type, "preempt/qos"); }
static void grace0(struct rp_facts *f) { f->part.grace_time = 0; }
static void slow(struct rp_facts *f) { f->save_s = 25; }
static void slower(struct rp_facts *f)
{
	f->save_s = 31;
	f->part.grace_time = 300;
}
static void truncates(struct rp_facts *f) { f->append = 0; }
static void truncates_too(struct rp_facts *f) { f->append = -1; }
static void local(struct rp_facts *f)
{
	f->folder = "/tmp/x";
	f->doubt = "is in memory";
}
static void relative(struct rp_facts *f)
{
	f->folder = "x";
	f->relative = 1;
}
static void shared(struct rp_facts *f)
{
	f->array = 1;
	f->folder = "/w/x";
}
static void array(struct rp_facts *f) { f->array = 1; }
static void het(struct rp_facts *f) { f->het = 1; }
static void together(struct rp_facts *f)
{
	f->together = 1;
	f->after = RP_SHELL_BACKGROUND;
}
static void goes_on(struct rp_facts *f) { f->goes_on = 1; }
static void or_true(struct rp_facts *f) { f->after = RP_SHELL_OR; }
static void piped(struct rp_facts *f) { f->after = RP_SHELL_PIPE; }
static void to_shell(struct rp_facts *f) { f->signal = "B:TERM@60"; }
static void kills(struct rp_facts *f) { f->signal = "SIGUSR1@60"; }
static void brief(struct rp_facts *f) { f->limit_s = 20; }
static void over(struct rp_facts *f) { f->part.max_time = 1800; }
static void blind(struct rp_facts *f) { f->margin_s = 0; }
static void rare(struct rp_facts *f) { f->every = 0; }
static void waits(struct rp_facts *f) { f->conf.cred_expire = 120; }

static const struct {
	void (*change)(struct rp_facts *f);
	const char *id;
	enum rp_severity severity;
	const char *part;	/* of text or fix */
} findings[] = {
	{ no_requeue, "no-requeue", RP_PROBLEM, "#SBATCH --requeue" },
	{ no_default, "no-requeue", RP_PROBLEM, "#SBATCH --requeue" },
	{ not_batch, "not-batch", RP_PROBLEM, "salloc" },
	{ late, "sbatch-late", RP_PROBLEM, "line 9" },
	{ option, "option", RP_PROBLEM, "RALLY_X" },
	{ mpirun2, "mpirun-nodes", RP_PROBLEM, "rallypoint run mpirun" },
	{ mpirun1, "mpirun", RP_WARNING, "every 2 s" },
	{ mpirun_blind, "told-late", RP_PROBLEM, "every 30 s" },
	{ run_in_shell, "batch-shell", RP_WARNING, "exec srun ./solver" },
	{ shell, "shell-between", RP_PROBLEM, "srun ./solver" },
	{ wrapper, "wrapper-stays", RP_PROBLEM, "wrap.sh" },
	{ shell_told, "shell-stays", RP_WARNING, "143" },
	{ none, "no-launch", RP_WARNING, "srun PROGRAM" },
	{ torchrun, "torchrun", RP_NOTE, "30 s" },
	{ container, "container", RP_NOTE, "munge" },
	{ nothing, "no-slurm-commands", RP_PROBLEM, "PATH" },
	{ told_not_to, "requeue-none", RP_PROBLEM, "RALLY_REQUEUE" },
	{ and_then, "and-then", RP_NOTE, "line 7" },
	{ suspend, "suspend", RP_WARNING, "GANG,SUSPEND" },
	{ cancel, "preempt-cancel", RP_NOTE, "never requeues" },
	{ qos, "preempt-qos", RP_NOTE, "sacctmgr" },
	{ grace0, "grace-zero", RP_WARNING, "KillWait, 30 s" },
	{ slow, "grace-short", RP_PROBLEM, "took 25 s, and 20 s" },
	{ slower, "kill-wait-short", RP_WARNING, "KillWait is 30 s" },
	{ truncates, "open-mode", RP_WARNING, "--open-mode=append" },
	{ truncates_too, "open-mode", RP_WARNING, "--open-mode=append" },
	{ local, "folder-local", RP_PROBLEM, "/tmp/x is in memory" },
	{ relative, "folder-relative", RP_NOTE, "relative" },
	{ shared, "array-one-folder", RP_PROBLEM, "/w/x-$SLURM_ARRAY_TASK_ID" },
	{ array, "array-folder", RP_WARNING, "$SLURM_ARRAY_TASK_ID" },
	{ het, "het", RP_WARNING, "rally_requeue()" },
	{ together, "several-steps", RP_WARNING, "scontrol requeue" },
	{ goes_on, "exit-status", RP_WARNING, "srun ./solver &&" },
	{ or_true, "exit-status", RP_WARNING, "81" },
	{ piped, "pipe", RP_WARNING, "pipefail" },
	{ to_shell, "signal-shell", RP_WARNING, "B:TERM@60" },
	{ kills, "signal-kills", RP_PROBLEM, "TERM@120" },
	{ brief, "time-short", RP_WARNING, "20 s" },
	{ over, "time-over", RP_PROBLEM, "--time=30" },
	{ blind, "no-poll", RP_WARNING, "RALLY_MARGIN" },
	{ rare, "not-periodic", RP_NOTE, "RALLY_EVERY" },
	{ waits, "requeue-wait", RP_NOTE, "120 s" },
};

static void test_findings(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(findings); i++) {
		struct rp_facts f = sound();
		struct rp_diagnosis d;
		const struct rp_finding *one;

		findings[i].change(&f);
		assert_int_equal(rp_diagnose(&d, &f, NULL), 0);
		if (d.n_findings != 1 || !has(&d, findings[i].id))
			print_error("%s: %zu findings, the first %s\n",
				    findings[i].id, d.n_findings,
				    d.n_findings ? d.findings[0].id : "none");
		assert_int_equal(d.n_findings, 1);
		one = &d.findings[0];
		assert_string_equal(one->id, findings[i].id);
		assert_int_equal(one->severity, findings[i].severity);
		assert_int_equal(d.problems,
				 findings[i].severity == RP_PROBLEM);
		if (!strstr(one->text, findings[i].part) &&
		    (!one->fix || !strstr(one->fix, findings[i].part))) {
			print_error("%s\n%s\n", one->text,
				    one->fix ? one->fix : "");
			fail();
		}
		assert_null(strchr(one->text, '{'));
		rp_diagnosis_free(&d);
	}
}

/* Beside the one that the site brings. */
static void test_at_once(void **state)
{
	static const struct {
		void (*change)(struct rp_facts *f);
		const char *id;
	} rows[] = {
		{ mpirun0, "mpirun-at-once" }, { run_at_once, "batch-shell" },
		{ no_helper, "no-helper" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rp_facts f = sound();
		struct rp_diagnosis d;

		rows[i].change(&f);
		assert_int_equal(rp_diagnose(&d, &f, NULL), 0);
		assert_int_equal(d.problems, 1);
		assert_string_equal(d.findings[0].id, rows[i].id);
		assert_true(has(&d, "grace-zero"));
		assert_false(has(&d, "mpirun"));
		rp_diagnosis_free(&d);
	}
}

/* Without a job nothing is said of one. */
static void test_site_alone(void **state)
{
	struct rp_facts f = sound();
	struct rp_diagnosis d;

	(void)state;
	f.known = 0;
	f.launcher = RP_START_NONE;
	f.requeue = f.append = -1;
	f.conf.job_requeue = 0;
	f.every = 0;
	assert_int_equal(rp_diagnose(&d, &f, NULL), 0);
	assert_int_equal(d.n_findings, 0);
	rp_diagnosis_free(&d);
}

/* Problems first. */
static void test_order(void **state)
{
	struct rp_facts f = sound();
	struct rp_diagnosis d;

	(void)state;
	rare(&f);
	truncates(&f);
	no_requeue(&f);
	local(&f);
	assert_int_equal(rp_diagnose(&d, &f, NULL), 0);
	assert_int_equal(d.n_findings, 4);
	assert_int_equal(d.problems, 2);
	for (size_t i = 1; i < d.n_findings; i++)
		assert_true(d.findings[i - 1].severity <=
			    d.findings[i].severity);
	rp_diagnosis_free(&d);
}

static void test_say(void **state)
{
	static const char *const rows[][2] = {
		{ "{grace} {kill_wait} {limit} {save}",
		  "20 s 30 s 60 min an unknown time" },
		{ "{partition}/{mode}/{folder}", "low/REQUEUE/?" },
		{ "{nothing} { {", "{nothing} { {" },
		{ "", "" },
	};
	struct rp_facts f = sound();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *said = rp_facts_say(&f, rows[i][0]);

		assert_string_equal(said, rows[i][1]);
		free(said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_preemption),
		cmocka_unit_test(test_not_again),
		cmocka_unit_test(test_save_time),
		cmocka_unit_test(test_time_limit),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_site_alone),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
