#include "flow/deadline.h"

#include <stdio.h>

#include "base/clock.h"
#include "flow/handle.h"
#include "flow/words.h"

#define ANSWER_NS 3000000000	/* that a question to Slurm may take here */

/* From a round that does not stop to the end of a stop that the next one brings:
 * one stride to it, one more for Slurm's answer, the lag, and a save twice as
 * long as the last. But never so much that a short job has no time to compute. */
static int64_t time_of_stop(const struct rally *rp)
{
	const struct rp_agree *agree = &rp->agree;
	int64_t points = 2 * (int64_t)agree->stride + agree->lag;
	int64_t time = points * agree->sites.planned_ns + 2 * rp->save_ns;

	return time < rp->left_at_first / 2 ? time : rp->left_at_first / 2;
}

/* Before it is believed, Slurm is asked again: a job that was suspended has a
 * later limit now, and time went on meanwhile. */
static int limit_is_near(struct rally *rp)
{
	int64_t now = rp_now();

	if (rp->options.margin == 0 || rp->poll.ends_at == INT64_MAX ||
	    rp->poll.ends_at - now > rp->options.margin + time_of_stop(rp)) {
		rp->doubted = 0;
		return 0;
	}
	if (rp->doubted == 0) {
		rp->doubted = now;
		rp_poll_soon(&rp->poll);
		rp_poll_look(&rp->poll, &rp->sched);
		return 0;
	}
	return rp->poll.as_of >= rp->doubted || now - rp->doubted > ANSWER_NS;
}

/* At the start, where it can still be mended, and not at the end. */
static void warn_of_no_requeue(struct rally *rp)
{
	const struct rp_record *rec = &rp->poll.record;
	char text[400];

	if (rec->batch && rec->may_requeue)
		return;
	snprintf(text, sizeof(text), "a stop will be saved, but nothing will "
		 "start this job again: %s",
		 rp_answer_text(rec->batch ? RP_DISABLED : RP_NOT_BATCH));
	rp_words_warn(rp, text);
}

void rp_deadline_look(struct rally *rp)
{
	int first = !rp->poll.known;

	if (rp->comm.rank != 0 || rp->told)
		return;
	if (rp_poll_look(&rp->poll, &rp->sched) && first) {
		rp->left_at_first = rp->poll.ends_at - rp_now();
		warn_of_no_requeue(rp);
	}
	if (!rp->poll.known || rp->poll.record.state != RP_JOB_RUNNING)
		return;
	if (rp_record_preempted(&rp->poll.record))
		rp->told = RP_TOLD_PREEMPTED;
	else if (limit_is_near(rp))
		rp->told = RP_TOLD_LIMIT;
	if (rp->told)
		rp_words_told(rp, rp_deadline_left(rp));
}

int64_t rp_deadline_left(const struct rally *rp)
{
	if (!rp->told || rp->poll.ends_at == INT64_MAX)
		return RP_LEFT_UNKNOWN;
	return rp->poll.ends_at - rp_now();
}
