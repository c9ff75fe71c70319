#include "sys/sched.h"

#include "base/clock.h"
#include "sys/spawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ll  /* nanoseconds */
#define RETRY_MS 500  /* between two tries of a controller that is down */
#define SEEN_MS 200   /* between two looks whether the requeue took */
#define SEEN_TRIES 5

/*
 * Choice of the backend
 */

static void take(struct rp_sched *s, const struct rp_sched_ops *ops,
		 const char *why)
{
	s->ops = ops;
	snprintf(s->why, sizeof(s->why), "%s", why);
}

static void take_auto(struct rp_sched *s)
{
	if (!s->job.in_slurm)
		take(s, &rp_sched_none, "not in a Slurm job");
	else if (rp_spawn_finds("scontrol"))
		take(s, &rp_sched_scontrol, "scontrol is on PATH");
	else if (rp_spawn_finds(s->helper))
		take(s, &rp_sched_libslurm,
		     "scontrol is not on PATH, but the helper is installed");
	else
		take(s, &rp_sched_none, "neither scontrol on PATH nor the "
					"helper over libslurm was found");
}

static int take_named(struct rp_sched *s, const char *choice,
		      struct rp_err *err)
{
	if (strcmp(choice, "none") == 0) {
		take(s, &rp_sched_none, "asked for");
	} else if (strcmp(choice, "scontrol") == 0) {
		if (!rp_spawn_finds("scontrol"))
			return rp_fail(err, RALLY_EOPTION,
				       "scontrol is not on PATH");
		take(s, &rp_sched_scontrol, "asked for");
	} else if (strcmp(choice, "libslurm") == 0) {
		if (!rp_spawn_finds(s->helper))
			return rp_fail(err, RALLY_EOPTION,
				       "there is no helper program %s",
				       s->helper);
		take(s, &rp_sched_libslurm, "asked for");
	} else {
		return rp_fail(err, RALLY_EOPTION,
			       "no scheduler \"%s\": auto, none, scontrol or "
			       "libslurm", choice);
	}
	return 0;
}

int rp_sched_open(struct rp_sched *s, const char *choice, const char *helper,
		  int64_t timeout_ms, struct rp_err *err)
{
	int rc = 0;

	memset(s, 0, sizeof(*s));
	s->timeout_ms = timeout_ms;
	s->patience_ms = s->patience_new_ms = timeout_ms;
	rp_job_from_env(&s->job);
	s->helper = strdup(helper ? helper : PKGLIBEXECDIR "/rallypoint-slurm");
	if (!s->helper)
		return rp_fail(err, RALLY_ENOMEM, "no memory for a path");
	if (strcmp(choice, "auto") == 0)
		take_auto(s);
	else
		rc = take_named(s, choice, err);
	if (rc)
		rp_sched_close(s);
	return rc;
}

void rp_sched_close(struct rp_sched *s)
{
	free(s->helper);
	s->helper = NULL;
	s->ops = &rp_sched_none;
}

/*
 * Records
 */

static void begin(struct rp_sched *s)
{
	s->cause = RP_CAUSE_UNKNOWN;
	memset(&s->found, 0, sizeof(s->found));
	s->detail[0] = '\0';
}

/* Text does not tell a job that is being cancelled from another that ends; the
 * helper does, where it is there. */
static void make_sure(struct rp_sched *s, const char *id, struct rp_record *rec)
{
	struct rp_record told = { .steps = -1 };

	if (rec->state != RP_JOB_COMPLETING ||
	    rec->ended_by != RP_ENDED_NOT_KNOWN ||
	    s->ops == &rp_sched_libslurm || !rp_spawn_finds(s->helper) ||
	    rp_sched_libslurm.record(s, id, 0, &told) != RP_DONE)
		return;
	told.steps = rec->steps;
	*rec = told;
}

static enum rp_answer read_once(struct rp_sched *s, const char *id,
				int with_steps, struct rp_record *rec)
{
	enum rp_answer answer;

	memset(rec, 0, sizeof(*rec));
	rec->steps = -1;
	answer = s->ops->record(s, id, with_steps, rec);
	if (answer != RP_DONE)
		return answer;
	s->reached = 1;
	make_sure(s, id, rec);
	return RP_DONE;
}

enum rp_answer rp_sched_record(struct rp_sched *s, struct rp_record *rec)
{
	enum rp_answer answer = RP_NO_BACKEND;

	begin(s);
	s->found_at = rp_now();
	if (s->job.in_slurm)
		answer = read_once(s, s->job.id, 0, &s->found);
	*rec = s->found;
	return answer;
}

int rp_sched_job_active(struct rp_sched *s, const char *id)
{
	struct rp_record rec;
	enum rp_answer answer;

	begin(s);
	if (!rp_job_id_valid(id))
		return -1;
	answer = read_once(s, id, 0, &rec);
	if (answer == RP_NO_JOB)
		return 0;
	if (answer != RP_DONE)
		return -1;
	switch (rec.state) {
	case RP_JOB_UNKNOWN:
		return -1;
	case RP_JOB_CANCELLED:
	case RP_JOB_ENDED:
		return rec.completing; /* its processes may still run */
	default:
		return 1;
	}
}

/*
 * The requeue
 */

int rp_record_preempted(const struct rp_record *rec)
{
	return rec->preempt_time > 0 && rec->preempt_time >= rec->start_time;
}

/* RP_DONE where the record says that asking is right, else the answer. */
static enum rp_answer judge(struct rp_sched *s, const struct rp_record *rec)
{
	s->cause = rp_cause_of(rec, s->job.restarts);
	switch (rp_cause_row(s->cause)->course) {
	case RP_ASK:
		return RP_DONE;
	case RP_IS_QUEUED:
		return RP_ALREADY;
	default:
		break;
	}
	if (s->cause != RP_CAUSE_UNKNOWN)
		return RP_CANCELLED;
	if (!s->detail[0])
		rp_sched_say(s, "the job's state could not be read");
	return RP_FAILED;
}

/* A command that says yes and does nothing (a site's wrapper) is found out; a
 * record that can't be read any more is not held against the controller. */
static enum rp_answer see_it_took(struct rp_sched *s)
{
	struct rp_record rec;

	for (int i = 0; i < SEEN_TRIES; i++) {
		if (i)
			rp_sleep_ms(SEEN_MS);
		if (read_once(s, s->job.id, 0, &rec) != RP_DONE ||
		    rec.state == RP_JOB_UNKNOWN)
			return RP_REQUEUED;
		if (rec.state == RP_JOB_PENDING ||
		    rec.restarts > s->job.restarts)
			return RP_REQUEUED;
	}
	rp_sched_say(s, "the requeue was accepted, but the job's record does "
			"not show it");
	return RP_FAILED;
}

/* hold: why the job is to be held, or NULL. */
static enum rp_answer ask(struct rp_sched *s, const char *hold)
{
	enum rp_answer answer = hold ? s->ops->hold(s, s->job.id, hold)
				     : s->ops->requeue(s, s->job.id);

	if (answer == RP_REQUEUED)
		answer = see_it_took(s);
	return answer == RP_REQUEUED && hold ? RP_HELD : answer;
}

static int spans_job(struct rp_sched *s, int ranks, const struct rp_record *rec)
{
	char text[RP_SCHED_DETAIL];

	if (s->job.het_size > 1) {
		rp_sched_say(s, "the job is heterogeneous");
		return 0;
	}
	/* Under mpirun the ranks are in the batch script's step. */
	if (rec->steps == (s->job.by_mpirun ? 0 : 1) && s->job.tasks == ranks)
		return 1;
	snprintf(text, sizeof(text), "%lld steps are running, this one has "
		 "%lld tasks and the handle %d ranks", (long long)rec->steps,
		 (long long)s->job.tasks, ranks);
	rp_sched_say(s, text);
	return 0;
}

/* ranks 0: whatever else runs in the job. */
static enum rp_answer try_once(struct rp_sched *s, int ranks, const char *hold)
{
	enum rp_answer answer;

	s->found_at = rp_now();
	answer = read_once(s, s->job.id, ranks > 0, &s->found);
	if (answer == RP_DONE)
		answer = judge(s, &s->found);
	if (answer != RP_DONE)
		return answer;
	if (ranks > 0 && !spans_job(s, ranks, &s->found))
		return RP_OTHER_STEPS;
	return ask(s, hold);
}

/* The answers of a controller that is away, or was gone before it had answered:
 * each try begins with the record, which shows what the one before has done. */
static int is_away(enum rp_answer answer)
{
	return answer == RP_UNREACHABLE || answer == RP_INTERRUPTED ||
	       answer == RP_TIMEOUT;
}

/* rp_now() at which it is given up. A command that hangs speaks to somebody; a
 * controller that has never answered may be out of reach from here. */
static int64_t give_up_at(const struct rp_sched *s, int64_t began,
			  enum rp_answer answer)
{
	int64_t patience = s->patience_ms;

	if (!s->reached && answer != RP_TIMEOUT &&
	    s->patience_new_ms < patience)
		patience = s->patience_new_ms;
	return began + patience * MS;
}

static enum rp_answer requeue(struct rp_sched *s, int ranks, const char *hold)
{
	int64_t began = rp_now(), left;
	enum rp_answer answer;
	int told = 0;

	begin(s);
	if (s->ops == &rp_sched_none || !s->job.in_slurm) {
		rp_sched_say(s, s->why);
		return RP_NO_BACKEND;
	}
	for (;;) {
		answer = try_once(s, ranks, hold);
		left = give_up_at(s, began, answer) - rp_now();
		if (!is_away(answer) || left <= RETRY_MS * MS)
			return answer;
		if (s->tell && !told)
			s->tell(s->arg, answer, left / MS);
		told = 1;
		rp_sleep_ms(RETRY_MS);
	}
}

static enum rp_answer tell(const struct rp_sched *s, enum rp_answer answer,
			   char *detail, size_t size)
{
	snprintf(detail, size, "%s", rp_answer_good(answer) ? "" : s->detail);
	return answer;
}

enum rp_answer rp_sched_requeue(struct rp_sched *s, char *detail, size_t size)
{
	return tell(s, requeue(s, 0, NULL), detail, size);
}

enum rp_answer rp_sched_requeue_own(struct rp_sched *s, int ranks, char *detail,
				    size_t size)
{
	return tell(s, requeue(s, ranks, NULL), detail, size);
}

enum rp_answer rp_sched_hold_own(struct rp_sched *s, int ranks, const char *why,
				 char *detail, size_t size)
{
	return tell(s, requeue(s, ranks, why), detail, size);
}

int rp_answer_good(enum rp_answer answer)
{
	return answer == RP_DONE || answer == RP_REQUEUED ||
	       answer == RP_ALREADY || answer == RP_BY_SITE;
}

const char *rp_answer_text(enum rp_answer answer)
{
	switch (answer) {
	case RP_DONE:
		return "the job's record was read";
	case RP_REQUEUED:
		return "the job was requeued";
	case RP_HELD:
		return "the job is held in the queue: it came to no further "
		       "step in several starts; run scontrol release once it "
		       "is mended";
	case RP_ALREADY:
		return "the job is back in the queue already";
	case RP_DISABLED:
		return "Slurm may not requeue this job: submit it with "
		       "--requeue (and without --no-requeue)";
	case RP_NOT_BATCH:
		return "only a batch job can be requeued: submit it with "
		       "sbatch instead of salloc or a bare srun";
	case RP_DENIED:
		return "Slurm denied the requeue to this user: only the job's "
		       "owner and operators may, so run as the owner";
	case RP_NOT_LEADER:
		return "only the first component of a heterogeneous job can "
		       "be requeued: run scontrol requeue with its id";
	case RP_NO_JOB:
		return "Slurm does not know this job any more: submit it "
		       "again";
	case RP_CANCELLED:
		return "the job is being cancelled or has ended and is not "
		       "brought back: submit it again if that is not meant";
	case RP_OTHER_STEPS:
		return "other steps of the job would be ended by a requeue: "
		       "call rally_requeue(), or requeue from the batch "
		       "script, once they may end";
	case RP_UNREACHABLE:
		return "Slurm's controller could not be reached: run scontrol "
		       "requeue with the job's id once it is back";
	case RP_INTERRUPTED:
		return "Slurm's command ended before it answered: look at the "
		       "job with "
		       "scontrol show job, and requeue it if it is neither "
		       "pending nor completing";
	case RP_TIMEOUT:
		return "Slurm's command gave no answer in time: look at the "
		       "job with scontrol show job, and requeue it if it is "
		       "not pending";
	case RP_NO_BACKEND:
		return "there is nothing here to requeue with: start the "
		       "program again by hand";
	case RP_BY_SITE:
		return "the site's program (option leave) sees to the next "
		       "start";
	case RP_LEFT_BY_SITE:
		return "the site's program (option leave) wants the job left "
		       "as it is: ask the site, or start it again by hand";
	default:
		return "the requeue failed: look at the job with scontrol "
		       "show job, and requeue it if it is not pending";
	}
}
