#include "flow/place.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "flow/background.h"
#include "flow/deadline.h"
#include "flow/handle.h"
#include "sys/signals.h"

static uint64_t low64(const void *data, size_t size)
{
	struct rp_hash hash = rp_hash_of(data, size);
	uint64_t low;

	memcpy(&low, hash.b, sizeof(low));
	return low;
}

/* Where ranks are: file, line, safe points passed, and the options that decide
 * when rounds are. Part of every round, so no text is made of it. */
static uint64_t site_of(const struct rally *rp, const struct rp_place *place)
{
	const struct rp_options *o = &rp->options;
	const uint64_t site[] = {
		low64(place->file, strlen(place->file)),
		(uint64_t)place->line,	   place->point,
		(uint64_t)o->stride,	   (uint64_t)o->stride_max,
		(uint64_t)o->lag,	   (uint64_t)o->every_steps,
	};

	return low64(site, sizeof(site));
}

static int time_for_save(const struct rally *rp)
{
	return rp->comm.rank == 0 && rp->options.every > 0 &&
	       rp_now() - rp->last_save >= rp->options.every;
}

void rp_place_ballot(struct rally *rp, const struct rp_place *place,
		     struct rp_ballot *ballot)
{
	int64_t stops = rp->options.stop_signals;
	int64_t saves = rp->options.save_signals;
	int asked = atomic_load(&rp->asked);
	int stopped, saved;
	int64_t when = 0;

	rp_signals_renew();
	stopped = rp_signals_count(stops) != rp->stops_seen;
	saved = rp_signals_count(saves) != rp->saves_seen;
	memset(ballot, 0, sizeof(*ballot));
	ballot->want_stop = stopped || asked & RALLY_WANT_STOP || rp->told;
	ballot->want_save = saved || asked & RALLY_WANT_SAVE ||
			    time_for_save(rp);
	if (stopped || saved)
		ballot->signal = rp_signals_last(stopped ? stops : saves,
						 &when);
	ballot->left_ns = rp_deadline_left(rp, stopped ? when : 0);
	rp_plan_ballot(rp, ballot);
	ballot->site = site_of(rp, place);
	ballot->step = place->step;
	ballot->leaving = place->leaving;
	rp_background_ballot(rp, ballot);
}

void rp_place_describe(const struct rp_place *place, char *text, size_t size)
{
	char line[16] = "";

	if (place->line > 0)
		snprintf(line, sizeof(line), ":%d", place->line);
	snprintf(text, size, "is at %.300s%s step %lld (safe point %llu)",
		 place->file, line, (long long)place->step,
		 (unsigned long long)place->point);
}

int rp_place_same(struct rally *rp, const struct rp_place *place,
		  const struct rp_tally *tally)
{
	char text[512];
	int rc;

	if (tally->leaving_rank >= 0 && tally->staying_rank >= 0)
		return rp_fail(&rp->err, RALLY_EUNEVEN,
			       "rank %d has closed the handle, rank %d goes "
			       "on: the ranks pass unequal numbers of safe "
			       "points", tally->leaving_rank,
			       tally->staying_rank);
	if (tally->left_ns != RP_LEFT_UNKNOWN)
		atomic_store(&rp->seen.left_at, rp_now() + tally->left_ns);
	rp_plan_hear(rp, tally);
	if (tally->same_site && tally->step_min == tally->step_max)
		return 0;
	rc = rp_comm_confirm(&rp->comm, &rp->err);
	if (rc != 0)
		return rc;
	rp_place_describe(place, text, sizeof(text));
	if (tally->leaving_rank >= 0)
		rc = rp_comm_same(&rp->comm, text, RALLY_EUNEVEN,
				  "the ranks have passed unequal numbers of "
				  "safe points", &rp->err);
	else
		rc = rp_comm_same(&rp->comm, text, RALLY_ESITE,
				  "the ranks are at different safe points",
				  &rp->err);
	if (rc != 0)
		return rc;
	return rp_fail(&rp->err, RALLY_EOPTION,
		       "the ranks have set different options: rally_set() "
		       "wants the same on all");
}

/* What a tally of ballots from here tells. */
static int heed(struct rally *rp, const struct rp_place *place,
		const struct rp_tally *tally)
{
	rp->stop_pending |= tally->want_stop;
	if (tally->failed_rank >= 0)
		return rp_comm_spread(&rp->comm, tally->failed_rank, &rp->err);
	return rp_place_same(rp, place, tally);
}

static void fill_ballot(struct rally *rp, const struct rp_place *place,
			struct rp_ballot *ballot)
{
	rp_place_ballot(rp, place, ballot);
	ballot->failed = rp->err.code != 0;
}

int rp_place_vote(struct rally *rp, const struct rp_place *place)
{
	struct rp_ballot ballot;
	struct rp_tally tally;
	struct rp_err mpi = { 0 };

	fill_ballot(rp, place, &ballot);
	if (rp_vote(&rp->comm, &ballot, &tally, &mpi) != 0) {
		rp->err = mpi;
		return rp->err.code;
	}
	return heed(rp, place, &tally);
}

/* It may have met a rank that is elsewhere, which then waits for the others to
 * say so. */
static int look_in_flight(struct rally *rp)
{
	struct rp_tally tally;

	if (!rp->agree.in_flight)
		return 0;
	if (rp_round_wait(&rp->agree, &rp->comm, &tally, &rp->err) != 0)
		return rp->err.code;
	return rp_place_same(rp, &rp->round_place, &tally);
}

static int meet(struct rally *rp, const struct rp_place *place,
		const struct rp_ballot *ballot, struct rp_tally *tally)
{
	int rc;

	rp->here = *place;
	rc = look_in_flight(rp);
	if (rc == 0)
		rc = rp_meet(&rp->agree, &rp->comm, ballot, tally, &rp->err);
	if (rc == 0)
		rc = heed(rp, place, tally);
	if (rc == 0)
		rc = rp_comm_confirm(&rp->comm, &rp->err);
	if (rc != 0)
		rp_handle_break(rp);
	return rc;
}

int rp_place_meet(struct rally *rp, const struct rp_place *place,
		  struct rp_tally *tally)
{
	struct rp_ballot ballot;
	struct rp_tally own;

	fill_ballot(rp, place, &ballot);
	return meet(rp, place, &ballot, tally ? tally : &own);
}

/* What this rank wants waits for a safe point or a save: only there it is done.
 */
int rp_place_meet_in(struct rally *rp, const char *call, int64_t step)
{
	struct rp_place place = { call, 0, step, 0, rp->agree.index };
	struct rp_ballot ballot;
	struct rp_tally tally;

	fill_ballot(rp, &place, &ballot);
	ballot.want_save = ballot.want_stop = 0;
	ballot.signal = 0;
	ballot.left_ns = RP_LEFT_UNKNOWN;
	return meet(rp, &place, &ballot, &tally);
}
