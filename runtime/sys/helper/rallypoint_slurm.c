/*
 * rallypoint-slurm - one question to Slurm's controller, answered in JSON
 *
 *     rallypoint-slurm record 12 [steps]     what the controller knows
 *     rallypoint-slurm requeue 12_3          back into the queue
 *     rallypoint-slurm hold 12 "why"         the same, held, with a comment
 *     rallypoint-slurm config                the site's settings (site.c)
 *     rallypoint-slurm partitions [NAME]
 *
 * A program of its own, so that a call that hangs, libslurm's soname, which
 * moves with each release, and its licence (GPL-2-or-later) stay out of the
 * user's process. It shares no code with the library. Prints
 *
 *     {"ok": true, "record": {"base": "RUNNING", "flags": ["COMPLETING"],
 *      "reason": "TimeLimit", "restarts": 0, "start_time": 0,
 *      "end_time": 0, "preempt_time": 0,
 *      "may_requeue": true, "batch": true, "steps": 1}}
 *     {"ok": true}
 *     {"ok": true, "config": {"KillWait": "30 sec", ...}}
 *     {"ok": true, "partitions": [{"PartitionName": "low", ...}]}
 *     {"ok": false, "error": "ESLURM_DISABLED", "text": "..."}
 *
 * Times are seconds since the epoch, 0 where not known; steps is the number of
 * running steps besides batch, extern and interactive, and without the daemons
 * of mpirun; -1 where not asked for. Exit status: 0 for ok, 1 for not, 2 for
 * wrong arguments.
 *
 * Between releases three functions have changed their arguments (job ids
 * became slurm_step_id_t, by value or by pointer). They are called through the
 * type that the site's header declares, whichever that is.
 */
#include "site.h"

#include <errno.h>
#include <jansson.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct target {
	const char *text; /* "12" or "12_3" */
	uint32_t id;
	uint32_t task; /* NO_VAL where none */
};

typedef void any_fn(void);
typedef int load_by_id(job_info_msg_t **, uint32_t, uint16_t);
typedef int load_by_step(job_info_msg_t **, slurm_step_id_t, uint16_t);
typedef int steps_by_id(time_t, uint32_t, uint32_t,
			job_step_info_response_msg_t **, uint16_t);
typedef int steps_by_step(slurm_step_id_t *, job_step_info_response_msg_t **,
			  uint16_t);
typedef int requeue_by_id(uint32_t, uint32_t);
typedef int requeue_by_step(slurm_step_id_t, uint32_t);

static slurm_step_id_t whole_job(uint32_t id)
{
	slurm_step_id_t step;

	memset(&step, 0, sizeof(step));
	step.job_id = id;
	step.step_id = NO_VAL;
	step.step_het_comp = NO_VAL;
	return step;
}

static int load_old(any_fn *fn, job_info_msg_t **resp, uint32_t id)
{
	return ((load_by_id *)fn)(resp, id, SHOW_ALL);
}

static int load_new(any_fn *fn, job_info_msg_t **resp, uint32_t id)
{
	return ((load_by_step *)fn)(resp, whole_job(id), SHOW_ALL);
}

static int steps_old(any_fn *fn, job_step_info_response_msg_t **resp,
		     uint32_t id)
{
	return ((steps_by_id *)fn)(0, id, NO_VAL, resp, SHOW_ALL);
}

static int steps_new(any_fn *fn, job_step_info_response_msg_t **resp,
		     uint32_t id)
{
	slurm_step_id_t step = whole_job(id);

	return ((steps_by_step *)fn)(&step, resp, SHOW_ALL);
}

static int requeue_old(any_fn *fn, uint32_t id, uint32_t flags)
{
	return ((requeue_by_id *)fn)(id, flags);
}

static int requeue_new(any_fn *fn, uint32_t id, uint32_t flags)
{
	return ((requeue_by_step *)fn)(whole_job(id), flags);
}

/* No default: a signature that is neither is an error of the compiler's. */
#define LOAD_JOB(resp, id)                                                     \
	_Generic(&slurm_load_job, load_by_id *: load_old,                      \
		 load_by_step *: load_new)((any_fn *)slurm_load_job, resp, id)
#define GET_STEPS(resp, id)                                                    \
	_Generic(&slurm_get_job_steps, steps_by_id *: steps_old,               \
		 steps_by_step *: steps_new)((any_fn *)slurm_get_job_steps,    \
					     resp, id)
#define REQUEUE(id, flags)                                                     \
	_Generic(&slurm_requeue, requeue_by_id *: requeue_old,                 \
		 requeue_by_step *: requeue_new)((any_fn *)slurm_requeue, id,  \
						 flags)

/*
 * Answers
 */

int helper_print(json_t *root, int status)
{
	if (!root || json_dumpf(root, stdout, JSON_COMPACT) < 0)
		status = 1;
	putchar('\n');
	json_decref(root);
	return fflush(stdout) == 0 ? status : 1;
}

static const char *error_name(int code)
{
	switch (code) {
	case ESLURM_JOB_PENDING:
		return "ESLURM_JOB_PENDING";
	case ESLURM_DISABLED:
		return "ESLURM_DISABLED";
	case ESLURM_BATCH_ONLY:
		return "ESLURM_BATCH_ONLY";
	case ESLURM_ACCESS_DENIED:
		return "ESLURM_ACCESS_DENIED";
	case ESLURM_USER_ID_MISSING:
		return "ESLURM_USER_ID_MISSING";
	case ESLURM_NOT_HET_JOB_LEADER:
		return "ESLURM_NOT_HET_JOB_LEADER";
	case ESLURM_INVALID_JOB_ID:
		return "ESLURM_INVALID_JOB_ID";
	case ESLURM_ALREADY_DONE:
		return "ESLURM_ALREADY_DONE";
	case ESLURM_TRANSITION_STATE_NO_UPDATE:
		return "ESLURM_TRANSITION_STATE_NO_UPDATE";
	case SLURM_UNEXPECTED_MSG_ERROR: /* 22.05 loses the cause */
	case SLURM_COMMUNICATIONS_CONNECTION_ERROR:
	case SLURM_COMMUNICATIONS_SEND_ERROR:
	case SLURM_COMMUNICATIONS_RECEIVE_ERROR:
	case SLURM_COMMUNICATIONS_SHUTDOWN_ERROR:
	case SLURM_PROTOCOL_AUTHENTICATION_ERROR:
	case SLURMCTLD_COMMUNICATIONS_CONNECTION_ERROR:
	case SLURMCTLD_COMMUNICATIONS_SEND_ERROR:
	case SLURMCTLD_COMMUNICATIONS_RECEIVE_ERROR:
	case SLURMCTLD_COMMUNICATIONS_SHUTDOWN_ERROR:
	case SLURM_PROTOCOL_SOCKET_IMPL_TIMEOUT:
	case SLURM_PROTOCOL_SOCKET_ZERO_BYTES_SENT:
	case ESLURM_IN_STANDBY_MODE:
	case ECONNREFUSED:
	case ETIMEDOUT:
	case EHOSTUNREACH:
		return "UNREACHABLE";
	default:
		return "OTHER";
	}
}

int helper_refuse(int code)
{
	return helper_print(json_pack("{s:b,s:s,s:i,s:s}", "ok", 0, "error",
				      error_name(code), "code", code, "text",
				      slurm_strerror(code)), 1);
}

/*
 * The record
 */

static const char *base_name(uint32_t state)
{
	static const char *const names[] = {
		[JOB_PENDING] = "PENDING",     [JOB_RUNNING] = "RUNNING",
		[JOB_SUSPENDED] = "SUSPENDED", [JOB_COMPLETE] = "COMPLETED",
		[JOB_CANCELLED] = "CANCELLED", [JOB_FAILED] = "FAILED",
		[JOB_TIMEOUT] = "TIMEOUT",     [JOB_NODE_FAIL] = "NODE_FAIL",
		[JOB_PREEMPTED] = "PREEMPTED", [JOB_BOOT_FAIL] = "BOOT_FAIL",
		[JOB_DEADLINE] = "DEADLINE",   [JOB_OOM] = "OUT_OF_MEMORY",
	};

	state &= JOB_STATE_BASE;
	if (state >= sizeof(names) / sizeof(names[0]) || !names[state])
		return "UNKNOWN";
	return names[state];
}

static json_t *flag_names(uint32_t state)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} flags[] = {
		{ (uint32_t)JOB_COMPLETING, "COMPLETING" },
		{ (uint32_t)JOB_CONFIGURING, "CONFIGURING" },
		{ (uint32_t)JOB_REQUEUE, "REQUEUE" },
		{ (uint32_t)JOB_REQUEUE_HOLD, "REQUEUE_HOLD" },
		{ (uint32_t)JOB_SPECIAL_EXIT, "SPECIAL_EXIT" },
		{ (uint32_t)JOB_STOPPED, "STOPPED" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (state & flags[i].flag)
			json_array_append_new(list, json_string(flags[i].name));
	return list;
}

/* The record that is meant: an array's id brings all of its tasks, that of a
 * heterogeneous job all components. */
static const slurm_job_info_t *pick(const job_info_msg_t *all,
				    const struct target *t)
{
	for (uint32_t i = 0; i < all->record_count; i++) {
		const slurm_job_info_t *job = &all->job_array[i];

		if (t->task == NO_VAL) {
			if (job->het_job_id == t->id &&
			    job->het_job_offset != 0 &&
			    job->het_job_offset != NO_VAL)
				continue;
			return job;
		}
		if (job->array_job_id == t->id && job->array_task_id == t->task)
			return job;
	}
	return NULL;
}

static int is_daemon(const job_step_info_t *step)
{
	return step->name && (strcmp(step->name, "orted") == 0 ||
			      strcmp(step->name, "prted") == 0 ||
			      strcmp(step->name, "rallypoint-drill") == 0);
}

static int is_passive(uint32_t step)
{
	return step == SLURM_BATCH_SCRIPT || step == SLURM_EXTERN_CONT ||
	       step == SLURM_INTERACTIVE_STEP || step == SLURM_PENDING_STEP;
}

/* Running steps, or -1 with errno. */
static json_int_t count_steps(const struct target *t)
{
	job_step_info_response_msg_t *all = NULL;
	json_int_t n = 0;

	if (GET_STEPS(&all, t->id))
		return -1;
	for (uint32_t i = 0; i < all->job_step_count; i++) {
		const job_step_info_t *step = &all->job_steps[i];

		if (t->task != NO_VAL && step->array_task_id != t->task)
			continue;
		if (is_passive(step->step_id.step_id) || is_daemon(step))
			continue;
		if ((step->state & JOB_STATE_BASE) < JOB_COMPLETE)
			n++;
	}
	slurm_free_job_step_info_response_msg(all);
	return n;
}

/* Some fields say "none" with NO_VAL, 0 or a time far away. */
static json_int_t when(time_t t)
{
	return t <= 0 || (uint64_t)t >= INFINITE ? 0 : (json_int_t)t;
}

static int record(const struct target *t, int with_steps)
{
	job_info_msg_t *all = NULL;
	const slurm_job_info_t *job;
	json_int_t steps = -1;
	json_t *root;
	int no_steps = 0;

	/* Before the job: one that is cancelled meanwhile must not look as if it
	 * ran. */
	if (with_steps && (steps = count_steps(t)) < 0)
		no_steps = errno;
	if (LOAD_JOB(&all, t->id))
		return helper_refuse(errno);
	job = pick(all, t);
	if (!job) {
		slurm_free_job_info_msg(all);
		return helper_refuse(ESLURM_INVALID_JOB_ID);
	}
	if (with_steps && steps < 0) {
		slurm_free_job_info_msg(all);
		return helper_refuse(no_steps);
	}
	root = json_pack(
		"{s:b,s:{s:s,s:o,s:s,s:I,s:I,s:I,s:I,s:b,s:b,s:I}}", "ok", 1,
		"record", "base", base_name(job->job_state), "flags",
		flag_names(job->job_state), "reason",
		job->state_reason == FAIL_TIMEOUT ? "TimeLimit" : "",
		"restarts", (json_int_t)job->restart_cnt, "start_time",
		when(job->start_time), "end_time",
		when(job->end_time), "preempt_time", when(job->preempt_time),
		"may_requeue", job->requeue != 0, "batch",
		job->batch_flag != 0, "steps", steps);
	slurm_free_job_info_msg(all);
	return helper_print(root, 0);
}

/*
 * The requeue
 */

/* One task of an array: the answer holds an error for each task. */
static int requeue_task(const struct target *t, uint32_t flags)
{
	job_array_resp_msg_t *resp = NULL;
	char id[32];
	int code = 0;

	snprintf(id, sizeof(id), "%s", t->text);
	if (slurm_requeue2(id, flags, &resp))
		return errno ? errno : SLURM_ERROR;
	for (uint32_t i = 0; resp && i < resp->job_array_count; i++)
		if (resp->error_code[i])
			code = (int)resp->error_code[i];
	if (resp)
		slurm_free_job_array_resp(resp);
	return code;
}

static int requeue(const struct target *t, uint32_t flags)
{
	int code = 0;

	errno = 0;
	if (t->task != NO_VAL)
		code = requeue_task(t, flags);
	else if (REQUEUE(t->id, flags))
		code = errno ? errno : SLURM_ERROR;
	if (code)
		return helper_refuse(code);
	return helper_print(json_pack("{s:b}", "ok", 1), 0);
}

/* The comment first: the requeue ends the job. Without it the hold is still
 * right. */
static int hold(const struct target *t, char *why)
{
	job_desc_msg_t change;
	char id[32];

	snprintf(id, sizeof(id), "%s", t->text);
	slurm_init_job_desc_msg(&change);
	change.job_id = t->id;
	change.job_id_str = id;
	change.comment = why;
	(void)slurm_update_job(&change);
	return requeue(t, JOB_REQUEUE_HOLD);
}

static int parse_number(const char **p, uint32_t *value)
{
	unsigned long n;
	char *end;

	if (**p < '0' || **p > '9')
		return -1;
	errno = 0;
	n = strtoul(*p, &end, 10);
	if (errno || n >= NO_VAL)
		return -1;
	*value = (uint32_t)n;
	*p = end;
	return 0;
}

static int parse_target(const char *text, struct target *t)
{
	const char *p = text;

	t->text = text;
	t->task = NO_VAL;
	if (strlen(text) > 31 || parse_number(&p, &t->id) < 0)
		return -1;
	if (*p == '_') {
		p++;
		if (parse_number(&p, &t->task) < 0)
			return -1;
	}
	return *p ? -1 : 0;
}

static int usage(void)
{
	fputs("usage: rallypoint-slurm record JOBID[_TASK] [steps]\n"
	      "       rallypoint-slurm requeue JOBID[_TASK]\n"
	      "       rallypoint-slurm hold JOBID[_TASK] COMMENT\n"
	      "       rallypoint-slurm config\n"
	      "       rallypoint-slurm partitions [NAME]\n", stderr);
	return 2;
}

static int ask_site(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	int config = strcmp(verb, "config") == 0 && argc == 2;

	if (!config && (strcmp(verb, "partitions") != 0 || argc > 3))
		return -1;
	slurm_init(NULL);
	return config ? helper_config() : helper_partitions(argv[2]);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct target t;
	int steps = argc == 4 && strcmp(argv[3], "steps") == 0;
	int status = ask_site(argc, argv);

	if (status >= 0)
		return status;
	if (argc < 3 || argc > 4 || parse_target(argv[2], &t) < 0)
		return usage();
	slurm_init(NULL);
	if (strcmp(verb, "record") == 0 && (argc == 3 || steps))
		return record(&t, steps);
	if (strcmp(verb, "requeue") == 0 && argc == 3)
		return requeue(&t, 0);
	if (strcmp(verb, "hold") == 0 && argc == 4)
		return hold(&t, argv[3]);
	return usage();
}
