#include "flow/requeue.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "flow/background.h"
#include "flow/deadline.h"
#include "flow/hook.h"
#include "flow/words.h"
#include "sys/mark.h"

#define BUDGET_FILE ".requeues"
#define SOON_NS 3000000000
#define LAST_NS 10000000000

/* How many starts of this job in a row came to no further step than the one
 * before. The mark tells of the last stop; it is rewritten for the next one,
 * before the requeue, which may end this process. */
static int64_t stalled_starts(struct rally *rp)
{
	struct rp_mark last, now = { .step = rp->standing.step };

	if (!*rp->job.id)
		return 0;
	snprintf(now.job, sizeof(now.job), "%s", rp->job.id);
	if (rp_mark_read(&rp->io, rp->dir, BUDGET_FILE, &last, NULL) == 1 &&
	    strcmp(last.job, now.job) == 0 && last.step == now.step)
		now.count = last.count + 1;
	/* On a full disk, say, that no save fits on either, all starts count. */
	if (rp_mark_write(&rp->io, rp->dir, BUDGET_FILE, &now, NULL) != 0 &&
	    now.step == rp->begun_step && (int64_t)rp->job.restarts > now.count)
		return (int64_t)rp->job.restarts;
	return now.count;
}

/* Whoever releases the job gives it all of its starts again. */
static enum rp_answer hold(struct rally *rp, int64_t stalled, char *detail)
{
	struct rp_mark none = { .step = rp->standing.step };
	enum rp_answer answer;
	char why[200];

	snprintf(why, sizeof(why), "rallypoint: held, no step beyond %lld in "
		 "%lld starts", (long long)rp->standing.step,
		 (long long)stalled);
	answer = rp_sched_hold_own(&rp->sched, rp->comm.size, why, detail,
				   RP_SCHED_DETAIL);
	if (answer == RP_HELD)
		(void)rp_mark_write(&rp->io, rp->dir, BUDGET_FILE, &none, NULL);
	return answer;
}

static enum rp_answer requeue_alone(struct rally *rp, char *detail)
{
	return rp_sched_requeue_own(&rp->sched, rp->comm.size, detail,
				    RP_SCHED_DETAIL);
}

/* Slurm ends the whole job, and this handle has the whole step: once the others
 * had their time, nothing is lost by a requeue that ends them. */
static int others_end_too(const struct rally *rp)
{
	enum rp_cause cause = rp_deadline_cause(rp);

	return (cause == RP_CAUSE_PREEMPTION || cause == RP_CAUSE_TIME_LIMIT) &&
	       rp->job.tasks == rp->comm.size && rp->job.het_size <= 1;
}

/* Until they have ended, or a quarter of what is left, ten seconds at most,
 * remains for the requeue. */
static enum rp_answer wait_for_others(struct rally *rp, char *detail)
{
	int64_t left = rp_deadline_left(rp, rp->stopped_at);
	int64_t last = left / 4 < LAST_NS ? left / 4 : LAST_NS;
	int64_t now = rp_now(), end = now + left;
	int64_t took = now - rp->sched.found_at;
	enum rp_answer answer = RP_OTHER_STEPS;
	char text[200];

	snprintf(text, sizeof(text), "other steps of this job are running: "
		 "the requeue, which ends them, waits %.0f s for them at most",
		 (double)(left - last) / 1e9);
	rp_words_warn(rp, text);
	/* A slow controller takes as long for the requeue as for a look. */
	while (answer == RP_OTHER_STEPS && (now = rp_now()) < end - last &&
	       now + 2 * took < end) {
		rp_sleep_ms(1000);
		answer = requeue_alone(rp, detail);
		took = rp_now() - now;
	}
	if (answer == RP_OTHER_STEPS)
		answer = rp_sched_requeue(&rp->sched, detail, RP_SCHED_DETAIL);
	return answer;
}

static enum rp_answer requeue_own(struct rally *rp, char *detail)
{
	int64_t limit = rp->options.requeue_limit;
	int64_t stalled = limit > 0 ? stalled_starts(rp) : 0;
	enum rp_answer answer;

	rp->may_exit = stalled <= limit;
	if (stalled > limit)
		return hold(rp, stalled, detail);
	answer = requeue_alone(rp, detail);
	rp_poll_take(&rp->poll, &rp->sched.found, rp->sched.found_at);
	if (answer == RP_OTHER_STEPS && others_end_too(rp))
		answer = wait_for_others(rp, detail);
	return answer;
}

/* After these an exit status that the site requeues is right: nobody has said
 * that the job is not to come back. */
static int could_not_be_asked(enum rp_answer answer)
{
	return answer == RP_NO_BACKEND || answer == RP_DENIED ||
	       answer == RP_UNREACHABLE || answer == RP_TIMEOUT ||
	       answer == RP_INTERRUPTED || answer == RP_FAILED;
}

/* What rank 0 learned, for all. */
struct news {
	int answer, may_exit;
	int64_t left_ns;
};

/* The record as of now, for those who don't wait long for it. */
static enum rp_answer read_soon(struct rally *rp, struct rp_record *rec)
{
	enum rp_answer answer;

	rp->sched.until = rp_now() + SOON_NS;
	answer = rp_sched_record(&rp->sched, rec);
	rp->sched.until = 0;
	rp_poll_take(&rp->poll, rec, rp->sched.found_at);
	return answer;
}

/* Of a job that is cancelled, or in the queue already, the program must know. */
static enum rp_answer run_hook(struct rally *rp)
{
	struct rp_record rec;

	if (*rp->options.leave)
		(void)read_soon(rp, &rec);
	return rp_hook_run(rp);
}

static void learn(struct rally *rp, int only_step, struct news *news,
		  char *detail)
{
	enum rp_answer answer = only_step ? run_hook(rp) : RP_DONE;

	rp->may_exit = 1;
	if (answer == RP_DONE)
		answer = only_step ? requeue_own(rp, detail)
				   : rp_sched_requeue(&rp->sched, detail,
						      RP_SCHED_DETAIL);
	news->answer = (int)answer;
	news->may_exit = rp->may_exit && could_not_be_asked(answer) &&
			 rp->options.requeue_exit > 0;
	rp_poll_take(&rp->poll, &rp->sched.found, rp->sched.found_at);
	news->left_ns = rp_deadline_left(rp, rp->stopped_at);
	/* A requeue ends the job within KillWait from now. */
	if (answer == RP_REQUEUED || answer == RP_HELD)
		news->left_ns = rp_deadline_after_requeue(rp, news->left_ns);
}

static void take_left(struct rally *rp, int64_t left_ns)
{
	left_ns = rp_deadline_cap(rp, left_ns);
	if (left_ns != RP_LEFT_UNKNOWN)
		atomic_store(&rp->seen.left_at, rp_now() + left_ns);
}

/* Rank 0 asks; all learn the answer. Slurm may begin to end the ranks while
 * they wait for it: nothing is lost by then. */
static enum rp_answer ask(struct rally *rp, int only_step, char *detail,
			  struct rp_err *err)
{
	struct news news = { RP_NO_BACKEND, 0, RP_LEFT_UNKNOWN };
	enum rp_answer answer;

	detail[0] = '\0';
	if (rp->comm.rank == 0)
		learn(rp, only_step, &news, detail);
	if (rp_comm_bcast(&rp->comm, &news, sizeof(news), err) != 0)
		return RP_FAILED;
	answer = (enum rp_answer)news.answer;
	rp->requeued = rp_answer_good(answer);
	rp->held |= answer == RP_HELD;
	rp->may_exit = news.may_exit;
	take_left(rp, news.left_ns);
	rp_words_requeue(rp, answer, detail);
	return answer;
}

void rp_requeue_after_stop(struct rally *rp)
{
	char detail[RP_SCHED_DETAIL];

	/* By rally_requeue(), before the stop: not once more. */
	if (rp->requeued)
		rp_requeue_later(rp);
	else
		(void)ask(rp, 1, detail, &rp->err);
}

void rp_requeue_later(struct rally *rp)
{
	int64_t left = RP_LEFT_UNKNOWN;
	struct rp_record rec;

	if (rp->comm.rank == 0) {
		(void)read_soon(rp, &rec);
		left = rp_deadline_left(rp, rp->stopped_at);
	}
	if (rp_comm_bcast(&rp->comm, &left, sizeof(left), &rp->err) == 0)
		take_left(rp, left);
}

static int is_cancelled(struct rally *rp)
{
	struct rp_record rec;

	return read_soon(rp, &rec) == RP_DONE && rec.state == RP_JOB_CANCELLED;
}

int rp_requeue_cancelled(struct rally *rp)
{
	int sure = 0;

	if (rp->options.cancelled == RP_SAVE_CANCELLED)
		return 0;
	if (rp->comm.rank == 0)
		sure = is_cancelled(rp);
	if (rp_comm_bcast(&rp->comm, &sure, sizeof(sure), &rp->err) != 0)
		return 0;
	if (sure)
		rp_words_warn(rp, "the job is being cancelled: nothing is "
				  "saved (option cancelled)");
	return sure;
}

int rp_requeue(struct rally *rp)
{
	char detail[RP_SCHED_DETAIL];
	enum rp_answer answer;

	if (rp->requeued)
		return 0;
	if (rp_place_meet_in(rp, "rally_requeue()", 0) != 0 ||
	    rp_background_finish(rp, NULL) != 0)
		return rp->err.code;
	if (rp->held)
		return rp_fail(&rp->err, RALLY_EREQUEUE, "%s",
			       rp_answer_text(RP_HELD));
	answer = ask(rp, 0, detail, &rp->err);
	if (rp->err.code)
		return rp->err.code;
	if (rp->requeued)
		return 0;
	return rp_fail(&rp->err, RALLY_EREQUEUE, "%s", rp_answer_text(answer));
}
