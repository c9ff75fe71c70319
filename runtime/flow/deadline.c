#include "flow/deadline.h"

#include <stdio.h>

#include "base/clock.h"
#include "flow/handle.h"
#include "flow/words.h"

/* From here to the end of a stop: two strides of steps until it is agreed, and
 * a save as long as the last one, each taken twice. */
static int64_t time_of_stop(const struct rally *rp)
{
	const struct rp_agree *agree = &rp->agree;
	int64_t points = (int64_t)agree->stride + agree->lag + 1;

	return 2 * (points * agree->sites.planned_ns + rp->save_ns);
}

static int limit_is_near(const struct rally *rp)
{
	if (rp->options.margin == 0 || rp->poll.ends_at == INT64_MAX)
		return 0;
	return rp->poll.ends_at - rp_now() <=
	       rp->options.margin + time_of_stop(rp);
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
	if (rp_poll_look(&rp->poll, &rp->sched) && first)
		warn_of_no_requeue(rp);
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
