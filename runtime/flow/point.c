#include "flow/point.h"

#include "flow/background.h"
#include "flow/deadline.h"
#include "flow/requeue.h"
#include "flow/save.h"
#include "flow/words.h"

/* What a tally asks for. */
enum act { NOTHING, SAVE, STOP };

static int64_t multiple_of(int64_t step, int64_t every)
{
	return step / every - (step % every < 0);
}

/* From reduced values only: all ranks come to the same answer. */
static enum act what_to_do(struct rally *rp, const struct rp_tally *tally)
{
	int64_t every = rp->options.every_steps;

	if (tally->want_stop || rp->stop_pending)
		return STOP;
	/* What was asked for before a save is answered by it. */
	if (tally->want_save && rp->agree.started_at > rp->saved_at)
		return SAVE;
	if (!rp->has_base) {
		rp->base_step = tally->step_min;
		rp->has_base = 1;
	}
	if (every > 0 &&
	    multiple_of(rp_agree_step_ahead(&rp->agree, tally), every) >
		    multiple_of(rp->base_step, every))
		return SAVE;
	return NOTHING;
}

static const char *cause_of(enum act act, const struct rp_tally *tally)
{
	if (act == STOP)
		return "stop";
	return tally->want_save ? "request" : "steps";
}

/* The checkpoint, once more if its first try failed: a write after a failed one
 * goes to new files. */
static int save_stop(struct rally *rp, const struct rp_place *place)
{
	int rc = rp_save(rp, place, "stop", RP_SAVE_AND_STOP);

	if (rc == RALLY_EIO || rc == RALLY_ENOSPC || rc == RALLY_EDEVICE)
		rc = rp_save(rp, place, "stop", RP_SAVE_AND_STOP);
	if (rp->verdict == RALLY_BROKEN)
		return RALLY_BROKEN;
	rp->stop_saved = rc == 0 || rc == RALLY_EUNCONFIRMED;
	if (!rp->stop_saved && rp->standing.sequence >= 0)
		rp_words_warn(rp, "the stop could not be saved; the next start "
				  "resumes from the checkpoint before it");
	else if (!rp->stop_saved)
		rp_words_warn(rp, *rp->options.from
				  ? "the stop could not be saved; the next start "
				    "begins from option 'from' again"
				  : "the stop could not be saved, and there is "
				    "no checkpoint before it");
	return 0;
}

/* Nothing is saved of a job that is being cancelled; what runs comes to its end. */
static int save_nothing(struct rally *rp, const struct rp_place *place)
{
	if (rp_place_meet(rp, place, NULL) != 0)
		return rp->err.code;
	return rp_background_finish(rp, NULL);
}

/* All ranks stop here: the checkpoint, then the requeue. */
static int stop_here(struct rally *rp, const struct rp_place *place)
{
	rp_alarm_calm(&rp->alarm);
	rp->stopped_at = rp_deadline_begin(rp);
	rp_deadline_ask(rp);
	if ((rp_requeue_cancelled(rp) ? save_nothing(rp, place)
				      : save_stop(rp, place)) != 0)
		return RALLY_BROKEN;
	if (rp->verdict == RALLY_BROKEN)
		return RALLY_BROKEN;
	rp_words_stop(rp, place->step);
	rp->verdict = RALLY_STOP;
	rp_deadline_ask(rp);
	rp->deferred = rp->options.requeue_at == RP_AT_CLOSE;
	if (!rp->deferred)
		rp_requeue_after_stop(rp);
	else
		rp_requeue_later(rp);
	return RALLY_STOP;
}

static int act_on(struct rally *rp, const struct rp_place *place,
		  const struct rp_tally *tally)
{
	enum act act = what_to_do(rp, tally);
	int rc;

	if (act == NOTHING)
		return RALLY_GO;
	rp_words_signal(rp, tally, place->step);
	rp_words_verdict(rp, place->step, cause_of(act, tally));
	if (act == STOP)
		return stop_here(rp, place);
	rp_err_clear(&rp->kept);
	rc = rp_save(rp, place, cause_of(act, tally), RP_SAVE_AS_OPTED);
	if (rc != 0)
		rp->kept = rp->err;
	if (rp->verdict)
		return rp->verdict;
	/* A stop that the votes brought adopts this save. */
	if (rp->stop_pending)
		return stop_here(rp, place);
	return RALLY_GO;
}

static int start_round(struct rally *rp, const struct rp_place *place)
{
	struct rp_ballot ballot;

	rp_place_ballot(rp, place, &ballot);
	rp->round_place = *place;
	rp->round_number = rp->saving.number;
	return rp_round_start(&rp->agree, &rp->comm, &ballot, &rp->err);
}

/* Completes the round in flight and acts on it. */
static int finish_round(struct rally *rp, const struct rp_place *place)
{
	struct rp_tally tally;

	if (rp_round_finish(&rp->agree, &rp->comm, &tally, &rp->err) != 0 ||
	    rp_place_same(rp, &rp->round_place, &tally) != 0)
		return rp_handle_break(rp);
	rp_agree_plan(&rp->agree, &tally, &rp->options,
		      rp->options.every_steps);
	if (rp_background_hear(rp, place, &tally) != 0)
		return RALLY_BROKEN;
	return act_on(rp, place, &tally);
}

static int pass(struct rally *rp, const struct rp_place *place)
{
	struct rp_agree *agree = &rp->agree;
	int verdict = RALLY_GO;

	if (rp->stop_pending)
		return stop_here(rp, place);
	if (agree->in_flight && agree->index >= agree->complete_at)
		verdict = finish_round(rp, place);
	rp_agree_arrive(agree);
	if (verdict >= RALLY_STOP || agree->in_flight ||
	    agree->index < agree->start_at)
		return verdict;
	/* Not for the round of a close, which has nothing to stop any more. */
	rp_deadline_look(rp);
	rp_plan_look(rp);
	if (start_round(rp, place) != 0)
		return rp_handle_break(rp);
	return agree->lag == 0 ? finish_round(rp, place) : RALLY_GO;
}

/* A save that was asked for earlier may be the one that is committed here. */
static int run_point(struct rally *rp, const struct rp_place *place)
{
	int verdict;

	rp_err_clear(&rp->err);
	rp->saved_here = 0;
	rp->untold = 0;
	rp_background_prepare(rp);
	verdict = pass(rp, place);
	return verdict == RALLY_GO && rp->saved_here ? RALLY_SAVED : verdict;
}

/* In a function that the library calls: it fails the save or the restore that
 * waits for it, and does not count. */
static int misplaced(struct rally *rp)
{
	rp->agree.index--;
	rp_fail(&rp->err, RALLY_EORDER,
		"rally_point: called by the program's function for %s, while "
		"the library waits for it", rp->in_program);
	return RALLY_GO;
}

int rp_point(struct rally *rp, int64_t step, const char *file, int line)
{
	struct rp_agree *agree = &rp->agree;
	struct rp_place place = { file, line, step, 0, agree->index };
	int moved = file != agree->file || line != agree->line;
	int verdict;

	if (rp->in_program)
		return misplaced(rp);
	if (moved && !rp_agree_move(agree, file, line,
				    rp->options.stride > 0) &&
	    agree->index < agree->due)
		return RALLY_GO;
	rp_handle_notice_death(rp);
	if (rp->verdict) {
		/* A rank may ask for it again, by itself: not one more. */
		agree->index--;
		return rp->verdict;
	}
	rp->here = place;
	rp_agree_enter(agree);
	verdict = run_point(rp, &place);
	rp_handle_leave(rp, step);
	return verdict;
}

/* What the round in flight asks for is not done here: ranks that are still in
 * their loop do it, and its first vote meets the last round of this one. */
static int finish_in_close(struct rally *rp)
{
	struct rp_tally tally;
	int rc = rp_round_finish(&rp->agree, &rp->comm, &tally, &rp->err);

	if (rc != 0 || rp->verdict)
		return rc;
	rp->stop_pending |= tally.want_stop;
	return rp_place_same(rp, &rp->round_place, &tally);
}

/* The code of a save that fails here goes to *lost. */
static int leave_together(struct rally *rp, int *lost)
{
	struct rp_place place = { "rally_close()", 0, 0, 1, rp->agree.index };
	struct rp_tally tally;
	int rc = 0;

	rp->here = place;
	if (rp->agree.in_flight)
		rc = finish_in_close(rp);
	if (rc == 0)
		rc = start_round(rp, &place);
	if (rc == 0)
		rc = rp_round_finish(&rp->agree, &rp->comm, &tally, &rp->err);
	if (rc == 0) {
		rp->stop_pending |= tally.want_stop;
		rc = rp_place_same(rp, &place, &tally);
	}
	if (rc == 0)
		rc = rp_background_finish(rp, lost);
	return rc;
}

/* Not asked for yet, or the answer that came at the stop. */
static int end_of_stop(struct rally *rp)
{
	if (rp->deferred && !rp->requeued && !rp->held)
		rp_requeue_after_stop(rp);
	if (rp->requeued)
		return 0;
	return rp->may_exit ? (int)rp->options.requeue_exit
			    : RALLY_EUNFINISHED;
}

int rp_close(struct rally *rp)
{
	int lost = 0, rc;

	rp_handle_notice_death(rp);
	if (rp->verdict == RALLY_BROKEN)
		return rp->err.code ? rp->err.code : RALLY_EMPI;
	rp_err_clear(&rp->err);
	rc = leave_together(rp, &lost);
	if (rc != 0) {
		rp_handle_break(rp);
		return rc;
	}
	if (rp->verdict == RALLY_STOP && !rp->finished)
		return end_of_stop(rp);
	if (rp->stop_pending && !rp->finished)
		return RALLY_EPENDING;
	/* Nothing else tells the program of it. */
	return lost ? lost : rp->untold;
}
