#include "flow/requeue.h"

#include <stdio.h>
#include <string.h>

#include "flow/words.h"
#include "sys/mark.h"

#define BUDGET_FILE ".requeues"

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

static enum rp_answer requeue_own(struct rally *rp, char *detail)
{
	int64_t limit = rp->options.requeue_limit;
	int64_t stalled = limit > 0 ? stalled_starts(rp) : 0;

	if (stalled > limit)
		return hold(rp, stalled, detail);
	return rp_sched_requeue_own(&rp->sched, rp->comm.size, detail,
				    RP_SCHED_DETAIL);
}

/* Rank 0 asks; all learn the answer. Slurm may begin to end the ranks while
 * they wait for it: nothing is lost by then. */
static enum rp_answer ask(struct rally *rp, int only_step, char *detail,
			  struct rp_err *err)
{
	int answer = RP_NO_BACKEND;

	detail[0] = '\0';
	if (rp->comm.rank == 0)
		answer = (int)(only_step ? requeue_own(rp, detail)
					 : rp_sched_requeue(&rp->sched, detail,
							    RP_SCHED_DETAIL));
	if (rp_comm_bcast(&rp->comm, &answer, sizeof(answer), err) != 0)
		return RP_FAILED;
	rp->requeued = rp_answer_good((enum rp_answer)answer);
	rp->held |= answer == RP_HELD;
	rp_words_requeue(rp, (enum rp_answer)answer, detail);
	return (enum rp_answer)answer;
}

void rp_requeue_after_stop(struct rally *rp)
{
	char detail[RP_SCHED_DETAIL];

	(void)ask(rp, 1, detail, &rp->err);
}

int rp_requeue(struct rally *rp)
{
	char detail[RP_SCHED_DETAIL];
	enum rp_answer answer;

	if (rp->requeued)
		return 0;
	if (rp_place_meet_in(rp, "rally_requeue()", 0) != 0)
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
