#include "flow/plan.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "flow/deadline.h"
#include "flow/handle.h"
#include "flow/words.h"

#define MOST ((uint64_t)1 << 60)	/* bytes; more is no rank's memory */
#define PATIENCE_NS 10000000000	/* for what Slurm may tell of its grace time */

/* Where the save that runs goes to, or the last one went. */
static const struct rp_pace *pace_of(const struct rally *rp)
{
	return &rp->plan.pace[rp->aside != 0];
}

static int64_t own_shard(const struct rally *rp)
{
	uint64_t memory = rp_regions_bytes(&rp->regions);

	return (int64_t)(memory < MOST ? memory : MOST) + rp->plan.files;
}

/* What all ranks would save now, as the largest shard has grown since the last
 * time; where nothing was saved yet, at most. */
static uint64_t bytes_now(const struct rally *rp)
{
	const struct rp_pace *pace = pace_of(rp);
	double largest = (double)rp->plan.largest;

	if (pace->bytes < RP_PACE_LITTLE || pace->largest <= 0)
		return (uint64_t)(largest * rp->comm.size);
	return (uint64_t)((double)pace->bytes * largest /
			  (double)pace->largest);
}

int64_t rp_plan_next(const struct rally *rp)
{
	return rp_pace_predict(pace_of(rp), bytes_now(rp));
}

void rp_plan_ballot(const struct rally *rp, struct rp_ballot *ballot)
{
	ballot->shard = own_shard(rp);
	ballot->save_ns = rp->comm.rank == 0 ? rp_plan_next(rp)
					     : RP_PACE_UNKNOWN;
}

void rp_plan_hear(struct rally *rp, const struct rp_tally *tally)
{
	rp->plan.largest = tally->shard;
	atomic_store(&rp->seen.save_ns, tally->save_ns);
}

/*
 * Before a stop
 */

static void warn(struct rally *rp, int64_t needed, int64_t left)
{
	uint64_t bytes = bytes_now(rp);
	char amount[24], rate[24], text[RP_ERR_TEXT];

	rp_text_bytes(bytes, amount, sizeof(amount));
	rp_text_bytes((uint64_t)((double)bytes * 1e9 / (double)needed), rate,
		      sizeof(rate));
	snprintf(text, sizeof(text), "a stop could not be saved in time: %s take "
		 "about %.0f s at the measured %s/s, and a stop leaves %.0f s "
		 "(GraceTime, else KillWait, or option grace). Have more time "
		 "given, save less, or to a faster folder; %s", amount,
		 (double)needed / 1e9, rate, (double)left / 1e9,
		 rp->options.every || rp->options.every_steps
			 ? "only the periodic saves bound what is lost"
			 : "periodic saves (option every) bound what is lost");
	rp_words_warn(rp, text);
}

void rp_plan_look(struct rally *rp)
{
	struct rp_plan *plan = &rp->plan;
	int64_t needed, left;

	if (rp->comm.rank != 0)
		return;
	needed = rp_plan_next(rp);
	if (needed <= 0)
		return;
	if (plan->since == 0)
		plan->since = rp_now();
	left = rp_deadline_grace(rp, rp_now() - plan->since > PATIENCE_NS);
	if (left == RP_LEFT_UNKNOWN ||
	    (needed == plan->looked_ns && left == plan->looked_left))
		return;
	plan->looked_ns = needed;
	plan->looked_left = left;
	if (needed <= left)
		plan->warned = 0;
	else if (!plan->warned++)
		warn(rp, needed, left);
}

/*
 * A save
 */

/* Where it is known: a stop has begun. */
static int64_t left_now(const struct rally *rp)
{
	int64_t left_at = atomic_load(&rp->seen.left_at);
	int64_t left = left_at - rp_now();

	if (left_at == 0)
		return RP_LEFT_UNKNOWN;
	return left > 0 ? left : 0;
}

static void warn_at_stop(struct rally *rp, int64_t needed, int64_t left)
{
	char text[RP_ERR_TEXT], stands[80] = "there is no checkpoint before it";

	if (rp->standing.sequence >= 0)
		snprintf(stands, sizeof(stands), "the next start resumes from "
			 "step %lld", (long long)rp->standing.step);
	snprintf(text, sizeof(text), "this save takes about %.0f s, and %.0f s are "
		 "left: it is tried all the same; if it does not come to its "
		 "end, %s", (double)needed / 1e9, (double)left / 1e9, stands);
	rp_words_warn(rp, text);
}

void rp_plan_begin(struct rally *rp, uint64_t memory)
{
	struct rp_plan *plan = &rp->plan;
	uint64_t bytes = memory + plan->more;
	int64_t left = left_now(rp);

	plan->memory = memory;
	plan->expected_ns = rp_pace_predict(pace_of(rp), bytes);
	if (rp->comm.rank != 0)
		return;
	/* What is over at once is told by its outcome. */
	if (left != RP_LEFT_UNKNOWN || plan->expected_ns >= 1000000000 ||
	    (plan->expected_ns < 0 && bytes >= RP_PACE_LITTLE))
		rp_words_expected(rp, bytes, plan->expected_ns, left);
	if (plan->expected_ns > 0 && plan->expected_ns > left)
		warn_at_stop(rp, plan->expected_ns, left);
}

void rp_plan_end(struct rally *rp, const struct rp_piece *piece,
		 const struct rp_pace *measured)
{
	struct rp_plan *plan = &rp->plan;
	struct rp_pace *pace = &plan->pace[rp->aside != 0];

	plan->files = rp_pace_files(piece);
	if (rp->comm.rank != 0)
		return;
	plan->more = measured->bytes > plan->memory
			     ? measured->bytes - plan->memory : 0;
	rp_pace_learn(pace, measured->bytes, measured->ns);
	pace->largest = measured->largest;
}

int64_t rp_plan_bandwidth(const struct rally *rp, uint64_t bytes, int64_t ns)
{
	struct rp_pace pace = *pace_of(rp);

	rp_pace_learn(&pace, bytes, ns);
	return rp_pace_bandwidth(&pace);
}

void rp_plan_restore(struct rally *rp, const struct rp_manifest *m)
{
	struct rp_plan *plan = &rp->plan;
	struct rp_pace *pace = &plan->pace[rp->aside != 0];
	int rank = rp->comm.rank;

	rp_pace_read(pace, m);
	/* Of as much on other ranks each has another share. */
	if (m->ranks != rp->comm.size)
		pace->largest = (int64_t)((double)pace->largest * m->ranks /
					  rp->comm.size);
	plan->files = rank < m->ranks ? rp_pace_files(&m->pieces[rank]) : 0;
	plan->more = 0;
	for (int i = 0; i < m->ranks; i++)
		plan->more += (uint64_t)rp_pace_files(&m->pieces[i]);
}
