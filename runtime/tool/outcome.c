/*
 * What becomes of a job; see diagnose.h. What is said here was seen on Slurm
 * 22.05, in jobs that were ended in each of these ways. It promises no more than
 * what is sure: a save of a tenth of a second may win where nothing is promised.
 */
#include "tool/diagnose.h"

#define ANSWER_S 1	/* that the controller takes for a record */

static struct rp_outcome outcome(enum rp_saved saved, int again,
				 const char *sentence)
{
	struct rp_outcome out = { saved, again, sentence, NULL };

	return out;
}

/* Whether the library asks by itself: not for what it does not know of. */
static int library_asks(const struct rp_facts *f)
{
	return rp_facts_may_requeue(f) && f->can_ask && !f->het;
}

/* What keeps a job that was saved from coming back. */
static const char *why_not_again(const struct rp_facts *f, const char *again)
{
	if (!f->batch)
		return "The ranks save, and stop with exit code 81. Nothing "
		       "starts again: only a batch job can be requeued.";
	if (!rp_facts_may_requeue(f))
		return "The ranks save, and stop with exit code 81. The job "
		       "does not come back: it may not be requeued.";
	if (!f->can_ask)
		return "The ranks save, and stop with exit code 81. The job "
		       "does not come back: there is nothing here to ask "
		       "Slurm with.";
	if (f->het)
		return "The ranks save, and stop with exit code 81. The job "
		       "does not come back by itself: it is heterogeneous, and "
		       "only rally_requeue() asks for all of it.";
	return again;
}

static struct rp_outcome saved(const struct rp_facts *f, const char *again)
{
	return outcome(RP_SAVED_YES, library_asks(f), why_not_again(f, again));
}

/* No GraceTime: the end of the job, which Slurm requeues itself in that mode. */
static struct rp_outcome preempted_at_once(const struct rp_facts *f,
					   enum rp_mode mode)
{
	int by_slurm = mode == RP_MODE_REQUEUE && rp_facts_may_requeue(f);

	if (rp_facts_ended(f) == RP_DIES)
		return outcome(RP_SAVED_PERIODIC, by_slurm, by_slurm ?
			"All of the job gets SIGTERM at once, and what started "
			"the ranks takes them along before they have saved. "
			"Slurm starts the job again, from the last periodic "
			"checkpoint." :
			"All of the job gets SIGTERM at once, and what started "
			"the ranks takes them along before they have saved. The "
			"job does not come back.");
	if (!rp_facts_fits(f, f->conf.kill_wait))
		return outcome(RP_SAVED_PERIODIC, by_slurm,
			"SIGKILL comes {kill_wait} after SIGTERM, and the last "
			"save took {save}: only the last periodic checkpoint "
			"survives.");
	if (by_slurm)
		return outcome(RP_SAVED_YES, 1,
			"The ranks hear SIGTERM and have {kill_wait} (KillWait) "
			"to save. Slurm has requeued the job by then.");
	if (!f->has_helper && library_asks(f))
		return outcome(RP_SAVED_YES, 0,
			"The ranks hear SIGTERM and have {kill_wait} (KillWait) "
			"to save. The job does not come back: scontrol alone "
			"can't tell this from a job that its owner cancels.");
	return saved(f, "The ranks hear SIGTERM and have {kill_wait} (KillWait) "
			"to save; then the library asks for the requeue, which "
			"Slurm itself does not make.");
}

static struct rp_outcome preempted_with_grace(const struct rp_facts *f,
					      enum rp_mode mode)
{
	int64_t left = f->part.grace_time;
	int by_slurm = mode == RP_MODE_REQUEUE && rp_facts_may_requeue(f);

	switch (rp_facts_warned(f)) {
	case RP_DIES:
		return outcome(RP_SAVED_PERIODIC, 0,
			"What started the ranks dies of SIGTERM at the begin of "
			"GraceTime, and the ranks with it. The script ends by "
			"itself then, so that Slurm takes the job for one that "
			"is over: it does not come back, in spite of --requeue.");
	case RP_HEARS_LATER:
		if (f->poll_s > 0 && f->can_ask &&
		    rp_facts_fits(f, left - (int64_t)f->poll_s - ANSWER_S) &&
		    f->poll_s + ANSWER_S < (double)left)
			return saved(f, "No signal reaches the ranks. Rank 0 "
				"reads the job's record every {poll}, learns of "
				"the preemption there, and they save within the "
				"{grace} of GraceTime; the library then has the "
				"job requeued.");
		return outcome(RP_SAVED_PERIODIC, by_slurm,
			"No signal reaches the ranks, and the job's record, "
			"which rank 0 reads every {poll}, may tell of it too "
			"late: at the end of the {grace} of GraceTime all are "
			"killed.");
	default:
		break;
	}
	if (!rp_facts_fits(f, left))
		return outcome(RP_SAVED_PERIODIC, by_slurm,
			"The ranks hear SIGTERM {grace} (GraceTime) before "
			"SIGKILL, and the last save took {save}: only the last "
			"periodic checkpoint survives.");
	return saved(f, "The ranks hear SIGTERM and have {grace} (GraceTime) to "
			"save; then the library has the job requeued.");
}

static struct rp_outcome preemption(const struct rp_facts *f)
{
	enum rp_mode mode = rp_facts_mode(f);

	switch (mode) {
	case RP_MODE_OFF:
		return outcome(RP_SAVED_NO, 0, "Nothing preempts a job in "
			       "partition {partition}.");
	case RP_MODE_SUSPEND:
		return outcome(RP_SAVED_NO, 0,
			"The job is stopped where it is, in memory, and goes on "
			"later. It hears nothing, and nothing is saved.");
	case RP_MODE_UNKNOWN:
		return outcome(RP_SAVED_NO, 0, "Slurm does not tell what "
			       "happens at a preemption here.");
	default:
		return f->part.grace_time > 0 ? preempted_with_grace(f, mode)
					      : preempted_at_once(f, mode);
	}
}

/* The signal that --signal has sent some time before the limit, if that decides
 * it. */
static int ended_by_signal(const struct rp_facts *f, struct rp_outcome *out)
{
	int number, shell_only;
	int64_t seconds, bit;

	if (rp_facts_signal(f, &number, &seconds, &shell_only) != 0 ||
	    shell_only)
		return 0;
	bit = (int64_t)1 << (number - 1);
	if (rp_facts_warned(f) == RP_HEARS_LATER)
		return 0;	/* it does not come to the ranks */
	if (f->save_signals & bit)
		return 0;
	if (rp_facts_warned(f) == RP_DIES || !(f->stop_signals & bit)) {
		*out = outcome(RP_SAVED_PERIODIC, 0, rp_facts_warned(f) ==
			RP_DIES ?
			"The signal that --signal={signal} sends ends what "
			"started the ranks, and them with it; the job does not "
			"come back." :
			"The signal that --signal={signal} sends is none that "
			"the library takes, and ends the ranks at once.");
		return 1;
	}
	*out = saved(f, "--signal={signal} tells the ranks in time; they save, "
			"and the library has the job requeued.");
	if (f->together)
		*out = outcome(RP_SAVED_YES, 0,
			"--signal={signal} tells the ranks in time, and they "
			"save. The job does not come back by itself: a requeue "
			"would end its other steps, which Slurm does not end "
			"yet, so only rally_requeue() asks for one.");
	if (!rp_facts_fits(f, seconds))
		*out = outcome(RP_SAVED_PERIODIC, 0, "--signal={signal} leaves "
			       "less time than the last save took, {save}.");
	return 1;
}

static struct rp_outcome time_limit(const struct rp_facts *f)
{
	struct rp_outcome out;

	if (f->limit_s == RP_TIME_UNLIMITED)
		return outcome(RP_SAVED_NO, 0, "The job has no time limit.");
	if (ended_by_signal(f, &out))
		return out;
	if (f->margin_s > 0 && f->poll_s > 0 && f->can_ask)
		return saved(f, "The library sees the limit in the job's "
			"record and stops by itself, {margin} and the time for "
			"a save before it; it has the job requeued, which then "
			"begins with a fresh limit. No --signal is needed.");
	if (rp_facts_ended(f) == RP_DIES ||
	    !rp_facts_fits(f, f->conf.kill_wait))
		return outcome(RP_SAVED_PERIODIC, 0,
			"All is ended at the limit, before the ranks have "
			"saved. The job does not come back.");
	return saved(f, "The ranks hear SIGTERM at the limit and have {kill_wait} "
			"(KillWait) to save; then the library has the job "
			"requeued.");
}

/* The end of the job, at somebody's wish: whether the ranks save. */
static int saves_at_end(const struct rp_facts *f)
{
	return rp_facts_ended(f) != RP_DIES &&
	       rp_facts_fits(f, f->conf.kill_wait);
}

static struct rp_outcome cancelled(const struct rp_facts *f)
{
	if (saves_at_end(f))
		return outcome(RP_SAVED_YES, 0,
			"The ranks hear SIGTERM and have {kill_wait} (KillWait) "
			"to save. The job is never brought back; a new one goes "
			"on from the folder. A step that is cancelled alone "
			"gets SIGKILL at once.");
	return outcome(RP_SAVED_PERIODIC, 0,
		"The ranks are ended before they have saved. The job is never "
		"brought back.");
}

static struct rp_outcome node_failure(const struct rp_facts *f)
{
	int again = rp_facts_may_requeue(f);

	return outcome(RP_SAVED_PERIODIC, again, again ?
		"Nobody can save any more. Slurm starts the job again once it "
		"knows of the node (SlurmdTimeout), and it goes on from its "
		"last checkpoint. A job that ends by itself before that, as "
		"under mpirun, counts as failed and does not." :
		"Nobody can save any more, and the job does not come back. A "
		"new one goes on from the last checkpoint.");
}

static struct rp_outcome requeued(const struct rp_facts *f)
{
	if (!rp_facts_may_requeue(f))
		return outcome(RP_SAVED_NO, 0, "Slurm refuses: this job may "
			       "not be requeued.");
	if (saves_at_end(f))
		return outcome(RP_SAVED_YES, 1,
			"The ranks hear SIGTERM and have {kill_wait} (KillWait) "
			"to save; the job starts again.");
	return outcome(RP_SAVED_PERIODIC, 1,
		"The ranks are ended before they have saved. The job starts "
		"again, from its last checkpoint.");
}

static struct rp_outcome controller_away(const struct rp_facts *f)
{
	int by_slurm = rp_facts_mode(f) == RP_MODE_REQUEUE &&
		       rp_facts_may_requeue(f);

	if (rp_facts_warned(f) == RP_HEARS_LATER)
		return outcome(RP_SAVED_PERIODIC, by_slurm,
			"The ranks learn nothing while the controller is away: "
			"they read the job's record from it.");
	if (rp_facts_warned(f) == RP_DIES ||
	    !rp_facts_fits(f, rp_facts_left(f)))
		return outcome(RP_SAVED_PERIODIC, 0,
			"Saving does not need the controller, but the ranks end "
			"before they have saved.");
	return saved(f, "Saving does not need the controller, the requeue does: "
			"it is asked for again and again until it is back, "
			"RALLY_REQUEUE_PATIENCE long.");
}

struct rp_outcome rp_outcome_of(const struct rp_facts *facts,
				enum rp_doctor_event event)
{
	switch (event) {
	case RP_EVENT_PREEMPTION:
		return preemption(facts);
	case RP_EVENT_TIME_LIMIT:
		return time_limit(facts);
	case RP_EVENT_CANCEL:
		return cancelled(facts);
	case RP_EVENT_NODE_FAILURE:
		return node_failure(facts);
	case RP_EVENT_DRAIN:
		return outcome(RP_SAVED_NO, 0, "The job goes on to its end; "
			       "only new jobs keep away from the node.");
	case RP_EVENT_REQUEUE:
		return requeued(facts);
	default:
		return controller_away(facts);
	}
}
