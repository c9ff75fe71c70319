#include "flow/place.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "flow/handle.h"
#include "sys/signals.h"

/* Where ranks are: file, line, safe points passed, and the options that decide
 * when rounds are. */
static uint64_t site_of(const struct rally *rp, const struct rp_place *place)
{
	const struct rp_options *o = &rp->options;
	char text[512];
	struct rp_hash hash;
	uint64_t site;
	int n = snprintf(text, sizeof(text), "%.300s:%d %llu %lld %lld %lld %lld",
			 place->file, place->line,
			 (unsigned long long)place->point, (long long)o->stride,
			 (long long)o->stride_max, (long long)o->lag,
			 (long long)o->every_steps);

	hash = rp_hash_of(text, (size_t)n);
	memcpy(&site, hash.b, sizeof(site));
	return site;
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
	ballot->want_stop = stopped || asked & RALLY_WANT_STOP;
	ballot->want_save = saved || asked & RALLY_WANT_SAVE ||
			    time_for_save(rp);
	ballot->left_ns = RP_LEFT_UNKNOWN;
	if (stopped || saved)
		ballot->signal = rp_signals_last(stopped ? stops : saves,
						 &when);
	if (stopped)
		ballot->left_ns = rp->options.grace - (rp_now() - when);
	ballot->save_ns = rp->save_ns;
	ballot->site = site_of(rp, place);
	ballot->step = place->step;
	ballot->leaving = place->leaving;
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
	if (tally->leaving_rank >= 0 ||
	    (tally->same_site && tally->step_min == tally->step_max))
		return 0;
	snprintf(text, sizeof(text), "is at %.300s:%d step %lld (safe point "
		 "%llu)", place->file, place->line, (long long)place->step,
		 (unsigned long long)place->point);
	rc = rp_comm_same(&rp->comm, text, RALLY_ESITE,
			  "the ranks are at different safe points", &rp->err);
	if (rc != 0)
		return rc;
	return rp_fail(&rp->err, RALLY_EOPTION,
		       "the ranks have set different options: rally_set() "
		       "wants the same on all");
}
