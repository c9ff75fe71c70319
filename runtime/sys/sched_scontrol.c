/*
 * The backend over scontrol, as text; see scontrol_text.h.
 */
#include "sys/sched.h"

#include "sys/scontrol_text.h"
#include "sys/spawn.h"

#include <stdlib.h>

/* Runs a command whose failure is told by its text. RP_DONE: `*got` is the
 * caller's. Where the exit status is lost, an empty stderr is a success. */
static enum rp_answer run(struct rp_sched *s, const char *const argv[],
			  struct rp_spawned *got)
{
	enum rp_answer answer = rp_sched_run(s, argv, got);

	if (answer != RP_DONE)
		return answer;
	if (got->reaped ? got->status == 0 && got->signal == 0
			: got->err_len == 0)
		return RP_DONE;
	if (got->signal) {
		rp_sched_say(s, "scontrol was ended by a signal");
		answer = RP_INTERRUPTED;
	} else {
		rp_sched_say(s, got->err_len ? got->err
					     : "scontrol failed without a word");
		answer = rp_answer_of(got->err);
	}
	rp_spawned_free(got);
	return answer;
}

static enum rp_answer scontrol_record(struct rp_sched *s, const char *id,
				      int with_steps, struct rp_record *rec)
{
	const char *const job[] = { "scontrol", "show", "job", id, NULL };
	const char *const steps[] = { "scontrol", "-o", "show", "steps", id,
				      NULL };
	struct rp_spawned got;
	enum rp_answer answer = run(s, job, &got);
	const char *why;

	if (answer != RP_DONE)
		return answer;
	/* A record of which no sure word can be taken is read, but UNKNOWN. */
	if (rp_scontrol_record(got.out, id, rec, &why) != 0)
		rp_sched_say(s, why);
	rp_spawned_free(&got);
	if (!with_steps || rec->state == RP_JOB_UNKNOWN)
		return RP_DONE;
	answer = run(s, steps, &got);
	if (answer != RP_DONE)
		return answer;
	rec->steps = rp_scontrol_steps(got.out);
	rp_spawned_free(&got);
	return RP_DONE;
}

static enum rp_answer scontrol_requeue(struct rp_sched *s, const char *id)
{
	const char *const argv[] = { "scontrol", "requeue", id, NULL };
	struct rp_spawned got;
	enum rp_answer answer = run(s, argv, &got);

	if (answer != RP_DONE)
		return answer;
	rp_spawned_free(&got);
	return RP_REQUEUED;
}

const struct rp_sched_ops rp_sched_scontrol = {
	.name = "scontrol",
	.record = scontrol_record,
	.requeue = scontrol_requeue,
};
