/*
 * The backend over scontrol, as text; see scontrol_text.h.
 */
#include "sys/sched.h"

#include "sys/conf.h"
#include "sys/scontrol_text.h"
#include "sys/spawn.h"

#include <stdio.h>
#include <string.h>

/* A failure is told by its text. Where the exit status is lost, an empty stderr
 * is a success. */
static enum rp_answer judge(struct rp_sched *s, const struct rp_spawned *got)
{
	if (got->reaped ? got->status == 0 && got->signal == 0
			: got->err_len == 0)
		return RP_DONE;
	/* Seen where Slurm ends the processes of a job: not a refusal. */
	if (got->signal || !got->err_len) {
		rp_sched_say(s, got->signal ? "scontrol was ended by a signal"
					    : "scontrol failed without a word");
		return RP_INTERRUPTED;
	}
	rp_sched_say(s, got->err);
	return rp_answer_of(got->err);
}

/* RP_DONE: it has succeeded, and `*got` is the caller's. */
static enum rp_answer run(struct rp_sched *s, const char *const argv[],
			  struct rp_spawned *got)
{
	enum rp_answer answer = rp_sched_run(s, argv, got);

	if (answer != RP_DONE)
		return answer;
	answer = judge(s, got);
	if (answer != RP_DONE)
		rp_spawned_free(got);
	return answer;
}

static void scontrol_command(const struct rp_sched *s, const char *id,
			     const char *argv[RP_SCHED_ARGS])
{
	(void)s;
	argv[0] = "scontrol";
	argv[1] = "show";
	argv[2] = "job";
	argv[3] = id;
	argv[4] = NULL;
}

static enum rp_answer scontrol_hear(struct rp_sched *s, const char *id,
				    const struct rp_spawned *got,
				    struct rp_record *rec)
{
	enum rp_answer answer = judge(s, got);
	const char *why;

	/* A record of which no sure word can be taken is read, but UNKNOWN. */
	if (answer == RP_DONE && rp_scontrol_record(got->out, id, rec, &why))
		rp_sched_say(s, why);
	return answer;
}

static enum rp_answer read_job(struct rp_sched *s, const char *id,
			       struct rp_record *rec)
{
	const char *argv[RP_SCHED_ARGS];
	struct rp_spawned got;
	enum rp_answer answer;

	scontrol_command(s, id, argv);
	answer = rp_sched_run(s, argv, &got);
	if (answer != RP_DONE)
		return answer;
	answer = scontrol_hear(s, id, &got, rec);
	rp_spawned_free(&got);
	return answer;
}

/* The steps first: a job that is cancelled while they are told must not look as
 * if it ran. */
static enum rp_answer scontrol_record(struct rp_sched *s, const char *id,
				      int with_steps, struct rp_record *rec)
{
	const char *const argv[] = { "scontrol", "-o", "show", "steps", id,
				     NULL };
	enum rp_answer answer, steps = RP_DONE;
	struct rp_spawned got;
	int64_t n = -1;

	if (with_steps)
		steps = run(s, argv, &got);
	if (with_steps && steps == RP_DONE) {
		n = rp_scontrol_steps(got.out);
		rp_spawned_free(&got);
	}
	answer = read_job(s, id, rec);
	if (answer != RP_DONE || rec->state == RP_JOB_UNKNOWN)
		return answer;
	rec->steps = n;
	return steps;
}

/* A command that says nothing where it works. */
static enum rp_answer order(struct rp_sched *s, const char *const argv[])
{
	struct rp_spawned got;
	enum rp_answer answer = run(s, argv, &got);

	if (answer == RP_DONE)
		rp_spawned_free(&got);
	return answer;
}

static enum rp_answer scontrol_requeue(struct rp_sched *s, const char *id)
{
	const char *const argv[] = { "scontrol", "requeue", id, NULL };
	enum rp_answer answer = order(s, argv);

	return answer == RP_DONE ? RP_REQUEUED : answer;
}

/* The comment first: the requeue may end this process. Without it the hold is
 * still right. */
static enum rp_answer scontrol_hold(struct rp_sched *s, const char *id,
				    const char *why)
{
	char job[RP_JOB_ID + 8], comment[300];
	const char *const update[] = { "scontrol", "update", job, comment,
				       NULL };
	const char *const hold[] = { "scontrol", "requeuehold", id, NULL };
	enum rp_answer answer;

	snprintf(job, sizeof(job), "JobId=%s", id);
	snprintf(comment, sizeof(comment), "Comment=%s", why);
	answer = order(s, update);
	if (answer == RP_UNREACHABLE || answer == RP_INTERRUPTED)
		return answer;
	answer = order(s, hold);
	return answer == RP_DONE ? RP_REQUEUED : answer;
}

static void scontrol_site_command(const struct rp_sched *s,
				  const char *partition,
				  const char *argv[RP_SCHED_ARGS])
{
	(void)s;
	argv[0] = "scontrol";
	argv[1] = "show";
	argv[2] = partition ? "partition" : "config";
	argv[3] = partition && *partition ? partition : NULL;
	argv[4] = NULL;
}

static enum rp_answer scontrol_hear_conf(struct rp_sched *s,
					 const struct rp_spawned *got,
					 struct rp_conf *conf)
{
	enum rp_answer answer = judge(s, got);

	if (answer == RP_DONE && rp_conf_read_text(got->out, conf) != 0) {
		rp_sched_say(s, "scontrol show config printed something else");
		return RP_FAILED;
	}
	return answer;
}

static enum rp_answer scontrol_hear_partition(struct rp_sched *s,
					      const struct rp_spawned *got,
					      const char *name,
					      struct rp_partition *part)
{
	enum rp_answer answer;

	/* "Partition x not found" goes to stdout */
	if (got->err_len == 0 && strstr(got->out, " not found")) {
		rp_sched_say(s, got->out);
		return RP_FAILED;
	}
	answer = judge(s, got);

	if (answer == RP_DONE &&
	    rp_partition_read_text(got->out, name, part) != 0) {
		rp_sched_say(s, name ? "scontrol show partition did not print "
				       "it"
				     : "no partition is the default");
		return RP_FAILED;
	}
	return answer;
}

const struct rp_sched_ops rp_sched_scontrol = {
	.name = "scontrol",
	.command = scontrol_command,
	.hear = scontrol_hear,
	.record = scontrol_record,
	.requeue = scontrol_requeue,
	.hold = scontrol_hold,
	.site_command = scontrol_site_command,
	.hear_conf = scontrol_hear_conf,
	.hear_partition = scontrol_hear_partition,
};
