#include "flow/background.h"

#include <stdio.h>

#include "base/clock.h"
#include "flow/save.h"
#include "flow/words.h"

static int through(const struct rally *rp)
{
	return atomic_load(&rp->saving.ended);
}

/*
 * What a rank says
 */

/* Nanoseconds until this rank's part is written, and what the whole of it takes,
 * by what was done so far. Where nothing was, nothing is lost by giving it up; where
 * all is with the kernel the disk may not have begun, and nobody tells how far it is:
 * then as long again. */
static void estimate(const struct rally *rp, int64_t *left, int64_t *whole)
{
	const struct rp_saving *s = &rp->saving;
	uint64_t done = atomic_load(&rp->progress.done);
	uint64_t total = atomic_load(&rp->progress.total);
	int64_t spent = rp_now() - s->began;

	*whole = 0;
	*left = RP_LEFT_UNKNOWN;
	if (s->phase == RP_WRITING && done > 0 && done <= total) {
		*whole = (int64_t)((double)spent * (double)total / (double)done);
		*left = done < total ? *whole - spent : spent;
	}
	if (s->phase != RP_WRITING || through(rp))
		*left = 0;
}

void rp_background_ballot(const struct rally *rp, struct rp_ballot *ballot)
{
	const struct rp_saving *s = &rp->saving;
	int64_t before = s->number > 0 ? s->number - 1 : 0;
	int ended = s->phase != RP_IDLE && through(rp);
	int64_t whole;

	ballot->durable = ballot->known = s->number;
	if (s->phase == RP_WRITING && !(ended && s->err.code == 0))
		ballot->durable = before;
	if (s->phase == RP_WRITING || s->phase == RP_COMMITTING)
		ballot->known = before;
	ballot->lost = s->phase == RP_WRITING && ended && s->err.code != 0;
	if (s->phase == RP_COMMITTING && rp->comm.rank == 0 && ended)
		ballot->outcome = 1 + s->err.code;
	if (s->phase == RP_IDLE)
		return;
	estimate(rp, &ballot->finish_ns, &whole);
	if (rp->comm.rank == 0 && ballot->save_ns < 0 && whole > 0)
		ballot->save_ns = whole;
}

/*
 * The begin
 */

static void refuse(struct rally *rp, const struct rp_err *why)
{
	char text[RP_ERR_TEXT + 100];

	if (rp->told_refusal++)
		return;
	snprintf(text, sizeof(text), "not saved in the background: %s; the "
		 "program waits for its saves", why->text);
	rp_words_warn(rp, text);
}

/* This rank's thread and room. */
static int get_ready(struct rally *rp, struct rp_err *err)
{
	const struct rp_beside *beside =
		rp->node.has_beside ? &rp->node.beside : NULL;

	if (!rp->may_thread)
		return rp_fail(err, RALLY_EORDER,
			       "MPI does not know of threads: use "
			       "MPI_Init_thread() with MPI_THREAD_FUNNELED");
	if (!rp->worker && rp_worker_open(&rp->worker, beside, err) != 0)
		return err->code;
	rp_worker_wait(rp->worker);
	return rp_stage_reserve(&rp->stage, &rp->regions,
				(uint64_t)rp->options.async_memory,
				rp->node.ranks, err);
}

void rp_background_prepare(struct rally *rp)
{
	struct rp_err quiet = { 0 };

	if (rp->options.async == 0 || rp->saving.phase != RP_IDLE || rp->stage.memory)
		return;
	if (!rp->prepared++ && get_ready(rp, &quiet) == 0)
		rp_worker_give(rp->worker, rp_stage_touch, &rp->stage);
}

int rp_background_possible(struct rally *rp)
{
	struct rp_err why = { 0 };

	if (rp->options.async == 0 || rp->foreground)
		return 0;
	get_ready(rp, &why);
	if (rp_comm_settle(&rp->comm, &why) == 0) {
		rp->told_refusal = 0;
		return 1;
	}
	if (rp->comm.dead)
		rp->err = why;
	else
		refuse(rp, &why);
	return 0;
}

/*
 * The end
 */

/* Keeps what a save has come to, for rally_error(); this call has an error of its
 * own only where no other is possible any more. */
static int conclude(struct rally *rp, int rc)
{
	if (rp->comm.dead) {
		rp_fail(&rp->err, RALLY_EMPI, "an MPI call failed before");
		rp_handle_break(rp);
		return rp->err.code;
	}
	if (rc != 0)
		rp->kept = rp->err;
	rp_err_clear(&rp->err);
	return 0;
}

/* Has the writer come to its end soon, whatever of. One that has already keeps
 * its error. */
static void stop_writing(struct rally *rp)
{
	if (through(rp))
		return;
	rp_io_cancel(&rp->writer_io, 1);
	rp_worker_wait(rp->worker);
	rp_io_cancel(&rp->writer_io, 0);
	rp_err_clear(&rp->saving.err);
}

int rp_background_hear(struct rally *rp, const struct rp_place *place,
		       const struct rp_tally *tally)
{
	struct rp_saving *s = &rp->saving;

	rp_save_tell_pruned(rp);
	/* A round may be of before the save. */
	if (s->phase == RP_IDLE || rp->round_number != s->number)
		return 0;
	if (s->phase == RP_COMMITTED) {
		if (tally->known >= s->number)
			rp_save_known(rp);
		return 0;
	}
	if (s->phase == RP_COMMITTING ? tally->outcome == 0
				      : tally->durable < s->number &&
						tally->lost_rank < 0)
		return 0;
	/* What all know needs no word more. */
	if (s->phase == RP_COMMITTING && tally->outcome == 1)
		return conclude(rp, rp_save_on(rp, place, 0));
	if (rp_place_meet(rp, place, NULL) != 0)
		return rp->err.code;
	if (tally->lost_rank >= 0)
		stop_writing(rp);
	return conclude(rp, rp_save_on(rp, place, -1));
}

/* Whichever commits sooner: the stop's own save is made in any case, so what runs is
 * finished where that takes less, and where time is left for both or not enough for
 * the stop's. */
static int overtakes(const struct rally *rp, const struct rp_place *place,
		     const struct rp_tally *stop)
{
	const struct rp_saving *s = &rp->saving;
	int64_t rest;

	if (s->phase != RP_WRITING || s->step == place->step)
		return 0;
	if (stop->finish_ns == 0)
		return 0;
	if (stop->finish_ns >= stop->save_ns)
		return 1;
	if (stop->left_ns == RP_LEFT_UNKNOWN || stop->left_ns < stop->save_ns)
		return 0;
	rest = stop->left_ns - stop->save_ns;
	return stop->finish_ns > rest;
}

/* Rank 0 removes what the others have open until then: where NFS has a file that is
 * open, its folder can't go. */
static void give_up(struct rally *rp)
{
	stop_writing(rp);
	rp_comm_settle(&rp->comm, &rp->err);
	rp_words_overtaken(rp, rp->saving.step);
	rp_save_clear_away(rp);
}

int rp_background_make_way(struct rally *rp, const struct rp_place *place,
			   const struct rp_tally *stop)
{
	if (stop && overtakes(rp, place, stop))
		give_up(rp);
	return conclude(rp, rp_save_through(rp, place));
}

int rp_background_finish(struct rally *rp, int *code)
{
	int rc = rp_save_through(rp, NULL);

	if (code)
		*code = rc;
	else if (rc != 0)
		rp->untold = rc;
	return conclude(rp, rc);
}

void rp_background_close(struct rally *rp)
{
	if (rp->saving.phase == RP_WRITING && rp->worker)
		stop_writing(rp);
	rp_worker_close(rp->worker);
	rp->worker = NULL;
	rp_stage_free(&rp->stage);
	rp_saving_clear(&rp->saving);
	rp_io_end(&rp->writer_io);
}
