#include "tool/drill.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/scontrol_text.h"
#include "sys/spawn.h"

#define ANSWER_MS 30000
#define STEP_NAME "rallypoint-drill"	/* sys/scontrol_text.c knows it */

/* Runs a command of Slurm's. On success its stdout is the caller's to free. */
static char *run(const char *const argv[], struct rp_err *err)
{
	static const char *const set[] = { "LC_ALL=C", "SLURM_TIME_FORMAT=%s",
					   NULL };
	struct rp_spawned got;
	char words[200], *out = NULL;

	if (rp_spawn(argv, set, ANSWER_MS, &got, err) != 0)
		return NULL;
	if (got.timed_out || got.signal || got.status) {
		got.err[strcspn(got.err, "\n")] = '\0';
		rp_fail(err, RALLY_EIO, "%s: %s", argv[0],
			got.timed_out ? "no answer" :
			!*got.err ? "it failed without a word" :
			rp_text_ascii(got.err, words, sizeof(words)));
	} else {
		out = got.out;
		got.out = NULL;
	}
	rp_spawned_free(&got);
	return out;
}

static char *show_job(const char *id, struct rp_err *err)
{
	const char *const argv[] = { "scontrol", "show", "job", id, NULL };

	return run(argv, err);
}

/* The rest of the line, or the word, behind `key` at a line's begin. The
 * caller's; NULL where it is not there. */
static char *value_of(const char *text, const char *key, const char *end)
{
	const char *at = strstr(text, key);

	return at ? strndup(at + strlen(key), strcspn(at + strlen(key), end))
		  : NULL;
}

/* "UserId=name(1000)" */
static int is_mine(const char *text)
{
	char *user = value_of(text, "\n   UserId=", " \n");
	const char *id = user ? strrchr(user, '(') : NULL;
	int mine = id && strtoull(id + 1, NULL, 10) == getuid();

	free(user);
	return mine;
}

static int refuse(const struct rp_drill *drill, const struct rp_record *rec,
		  const char *text, struct rp_err *err)
{
	const char *id = drill->id;

	if (rec->state != RP_JOB_RUNNING)
		return rp_fail(err, RALLY_EORDER, "job %s is not running: only "
			       "a job that runs can be preempted", id);
	if (!is_mine(text))
		return rp_fail(err, RALLY_EORDER, "job %s is somebody else's",
			       id);
	if (drill->force)
		return 0;
	if (!rec->batch)
		return rp_fail(err, RALLY_EORDER, "job %s is no batch job: Slurm "
			       "can't start it again (--force drills it all "
			       "the same)", id);
	if (!rec->may_requeue)
		return rp_fail(err, RALLY_EORDER, "job %s may not be requeued: "
			       "submit it with --requeue (--force drills it all "
			       "the same)", id);
	return 0;
}

/* The library knows a task of an array as 12_3, whatever id it was asked by. */
static void name_task(struct rp_drill *drill, const char *text)
{
	char *array = value_of(text, " ArrayJobId=", " \n");
	char *task = value_of(text, " ArrayTaskId=", " \n");
	char id[RP_JOB_ID];

	if (array && task &&
	    snprintf(id, sizeof(id), "%s_%s", array, task) < RP_JOB_ID &&
	    rp_job_id_valid(id))
		memcpy(drill->id, id, sizeof(id));
	free(array);
	free(task);
}

int rp_drill_look(struct rp_drill *drill, struct rp_err *err)
{
	char *text = show_job(drill->id, err), *nodes;
	struct rp_record rec = { .steps = -1 };
	const char *why;
	int rc;

	if (!text)
		return err->code;
	if (rp_scontrol_record(text, drill->id, &rec, &why) != 0) {
		rc = rp_fail(err, RALLY_EIO, "%s", why);
	} else {
		rc = refuse(drill, &rec, text, err);
		name_task(drill, text);
		drill->restarts = rec.restarts;
		drill->work_dir = value_of(text, "\n   WorkDir=", "\n");
		nodes = value_of(text, "\n   NumNodes=", " -\n");
		snprintf(drill->nodes, sizeof(drill->nodes), "%s",
			 nodes ? nodes : "1");
		free(nodes);
	}
	free(text);
	return rc;
}

#define WORDS 24

/* What is to be run; the words are `drill`'s or in `room`. */
static void command_of(const struct rp_drill *drill, const char *argv[WORDS],
		       char room[4][PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", room[0], PATH_MAX - 1);
	const char *const all[] = { "scancel", room[1], drill->id, NULL };
	const char *const requeue[] = { "scontrol", "requeue", drill->id, NULL };
	const char *const rank[] = { "srun", room[2], "--overlap", "--mpi=none",
				     "--job-name=" STEP_NAME, "-N",
				     drill->nodes, "--ntasks-per-node=1",
				     room[0], "drill", "--here", "--rank",
				     room[3], "--signal", drill->signal,
				     drill->id, NULL };

	room[0][n > 0 ? n : 0] = '\0';
	snprintf(room[1], PATH_MAX, "--signal=%s", drill->signal);
	snprintf(room[2], PATH_MAX, "--jobid=%s", drill->id);
	snprintf(room[3], PATH_MAX, "%lld", (long long)drill->rank);
	if (drill->how == RP_DRILL_RANK)
		memcpy(argv, rank, sizeof(rank));
	else if (drill->how == RP_DRILL_ALL)
		memcpy(argv, all, sizeof(all));
	else
		memcpy(argv, requeue, sizeof(requeue));
}

char *rp_drill_command(const struct rp_drill *drill)
{
	const char *argv[WORDS];
	char room[4][PATH_MAX], *line = strdup("");

	command_of(drill, argv, room);
	for (size_t i = 0; line && argv[i]; i++) {
		char *longer = rp_format("%s%s%s", line, i > 0 ? " " : "",
					 argv[i]);

		free(line);
		line = longer;
	}
	return line;
}

int rp_drill_act(struct rp_drill *drill, struct rp_err *err)
{
	const char *argv[WORDS];
	char room[4][PATH_MAX], *out;

	command_of(drill, argv, room);
	out = run(argv, err);
	/* Of its nodes only the rank's says a word. */
	if (out && drill->how == RP_DRILL_RANK && !strstr(out, "signalled"))
		rp_fail(err, RALLY_EABSENT, "no process of job %s is rank %lld "
			"and catches SIG%s", drill->id, (long long)drill->rank,
			drill->signal);
	free(out);
	return err->code;
}

int rp_drill_job_is_over(const struct rp_drill *drill)
{
	struct rp_err err = { 0 };
	char *text = show_job(drill->id, &err);
	struct rp_record rec = { .steps = -1 };
	const char *why;
	int over = text ? rp_scontrol_record(text, drill->id, &rec, &why) == 0 &&
			  (rec.state == RP_JOB_ENDED ||
			   rec.state == RP_JOB_CANCELLED)
			/* forgotten, MinJobAge after its end */
			: strstr(err.text, "Invalid job id") != NULL;

	free(text);
	return over;
}
