#include "flow/deadline.h"

#include <stdio.h>

#include "base/clock.h"
#include "flow/handle.h"
#include "flow/words.h"
#include "sys/signals.h"

#define ANSWER_NS 3000000000	/* that a question to Slurm may take here */

/* From a round that does not stop to the end of a stop that the next one brings:
 * one stride to it, one more for Slurm's answer, the lag, and a save twice as
 * long as expected. But never so much that a short job has no time to compute. */
static int64_t time_of_stop(const struct rally *rp)
{
	const struct rp_agree *agree = &rp->agree;
	int64_t points = 2 * (int64_t)agree->stride + agree->lag;
	int64_t save = rp_plan_next(rp);
	int64_t time = points * agree->sites.planned_ns;

	/* Before the first save it is the margin alone that leaves time for it. */
	if (save > 0)
		time += 2 * save;
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

/* When the stop signal came that this rank has not answered yet; 0: none. */
static int64_t own_signal(const struct rally *rp)
{
	int64_t when = 0, stops = rp->options.stop_signals;

	if (rp_signals_count(stops) != rp->stops_seen)
		rp_signals_last(stops, &when);
	return when;
}

void rp_deadline_look(struct rally *rp)
{
	int first = !rp->poll.known;

	if (rp->comm.rank != 0 || rp->told)
		return;
	/* The record as of now, once for each signal. */
	if (rp->poll.asked < own_signal(rp))
		rp_poll_soon(&rp->poll);
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
		rp_words_told(rp, rp_deadline_left(rp, 0));
}

void rp_deadline_ask(struct rally *rp)
{
	if (rp->comm.rank != 0)
		return;
	if (rp->poll.asked < rp->stopped_at)
		rp_poll_soon(&rp->poll);
	rp_poll_look(&rp->poll, &rp->sched);
}

/* A job that runs is lost at the end that its record names, one that is being
 * ended KillWait after its first signal. */
static int64_t left_by_record(const struct rally *rp, int64_t since)
{
	const struct rp_poll *poll = &rp->poll;

	if (!poll->known || (!rp->told && (!since || poll->as_of < since)))
		return RP_LEFT_UNKNOWN;
	if (poll->record.state == RP_JOB_RUNNING)
		return poll->ends_at == INT64_MAX ? RP_LEFT_UNKNOWN
						  : poll->ends_at - rp_now();
	if (!since || poll->kill_wait < 0)
		return RP_LEFT_UNKNOWN;
	return since + poll->kill_wait - rp_now();
}

int64_t rp_deadline_left(const struct rally *rp, int64_t since)
{
	int64_t left = left_by_record(rp, since);

	if (since && left == RP_LEFT_UNKNOWN)
		left = since + rp->options.grace - rp_now();
	return rp_deadline_cap(rp, left);
}

int64_t rp_deadline_grace(const struct rally *rp, int now)
{
	const struct rp_poll *poll = &rp->poll;
	const struct rp_sched *s = &rp->sched;
	int64_t told = poll->grace_time > 0 ? poll->grace_time
					    : poll->kill_wait;
	struct rp_options usual;

	if (!now && !poll->settled && poll->every_ns > 0 && s->job.in_slurm &&
	    s->ops->command)
		return RP_LEFT_UNKNOWN;
	if (told < 0)
		return rp->options.grace;
	rp_options_init(&usual);
	if (rp->options.grace != usual.grace && rp->options.grace > told)
		return rp->options.grace;
	return told;
}

int64_t rp_deadline_cap(const struct rally *rp, int64_t left_ns)
{
	int64_t signal = own_signal(rp), kill = rp->job.kill_ns;

	if (!signal || kill == 0)
		return left_ns;
	kill += signal - rp_now();
	return left_ns == RP_LEFT_UNKNOWN || kill < left_ns ? kill : left_ns;
}

int64_t rp_deadline_begin(const struct rally *rp)
{
	int64_t signal = own_signal(rp);

	return signal ? signal : rp_now();
}

int64_t rp_deadline_after_requeue(const struct rally *rp, int64_t left_ns)
{
	int64_t kill_wait = rp->poll.kill_wait;

	if (kill_wait < 0)
		kill_wait = rp->options.grace;
	if (left_ns != RP_LEFT_UNKNOWN && left_ns < kill_wait)
		return left_ns;
	return kill_wait;
}

enum rp_cause rp_deadline_cause(const struct rally *rp)
{
	enum rp_cause cause = RP_CAUSE_UNKNOWN;

	if (rp->poll.known && rp->poll.as_of >= rp->stopped_at)
		cause = rp_cause_of(&rp->poll.record,
				    (int64_t)rp->job.restarts);
	/* What began the stop, but for what has come since: a cancel, say. */
	if (cause != RP_CAUSE_UNKNOWN && cause != RP_CAUSE_SIGNAL)
		return cause;
	if (rp->told == RP_TOLD_LIMIT)
		return RP_CAUSE_TIME_LIMIT;
	return rp->told == RP_TOLD_PREEMPTED ? RP_CAUSE_PREEMPTION : cause;
}
