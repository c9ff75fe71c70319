#include "group/agree.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define COMPUTE_NS 50000000	/* of computing between two rounds */
#define LONG_STEP_NS 1000000000	/* from here on a round completes at once */

/* All fields are reduced by MPI_MAX; where the least is wanted, the complement
 * travels (~x falls as x rises, and has no overflow). */
enum field {
	WANT_SAVE,
	WANT_STOP,
	SIGNAL,		/* signal << 32 | rank + 1 */
	LEFT,		/* ~ */
	STEP_NS,
	SAVE_NS,
	SHARD,
	SITE_MAX,
	SITE_MIN,	/* ~ */
	STEP_MAX,
	STEP_MIN,	/* ~ */
	LEAVING,	/* rank + 1 */
	STAYING,	/* rank + 1 */
	FAILED,		/* ~rank, or INT64_MIN */
	DURABLE,	/* ~ */
	KNOWN,		/* ~ */
	LOST,		/* ~rank, or INT64_MIN */
	OUTCOME,
	FINISH_NS,
};

_Static_assert(FINISH_NS + 1 == RP_BALLOT_FIELDS, "the fields of a ballot");

static void pack(const struct rp_ballot *b, int rank, int64_t *f)
{
	int64_t site = (int64_t)(b->site >> 1);

	memset(f, 0, RP_BALLOT_FIELDS * sizeof(*f));
	f[WANT_SAVE] = b->want_save;
	f[WANT_STOP] = b->want_stop;
	f[SIGNAL] = b->signal ? (int64_t)b->signal << 32 | (rank + 1) : 0;
	f[LEFT] = ~b->left_ns;
	f[STEP_NS] = b->step_ns;
	f[SAVE_NS] = b->save_ns;
	f[SHARD] = b->shard;
	f[SITE_MAX] = site;
	f[SITE_MIN] = ~site;
	f[STEP_MAX] = b->step;
	f[STEP_MIN] = ~b->step;
	f[LEAVING] = b->leaving ? rank + 1 : 0;
	f[STAYING] = b->leaving ? 0 : rank + 1;
	f[FAILED] = b->failed ? ~(int64_t)rank : INT64_MIN;
	f[DURABLE] = ~b->durable;
	f[KNOWN] = ~b->known;
	f[LOST] = b->lost ? ~(int64_t)rank : INT64_MIN;
	f[OUTCOME] = b->outcome;
	f[FINISH_NS] = b->finish_ns;
}

static int rank_of(int64_t field)
{
	return field == INT64_MIN ? -1 : (int)~field;
}

static void unpack(const int64_t *f, struct rp_tally *t)
{
	t->want_save = f[WANT_SAVE] != 0;
	t->want_stop = f[WANT_STOP] != 0;
	t->signal = (int)(f[SIGNAL] >> 32);
	t->signal_rank = (int)(f[SIGNAL] & 0xffffffff) - 1;
	t->left_ns = ~f[LEFT];
	t->step_ns = f[STEP_NS];
	t->save_ns = f[SAVE_NS];
	t->shard = f[SHARD];
	t->same_site = f[SITE_MAX] == ~f[SITE_MIN];
	t->step_min = ~f[STEP_MIN];
	t->step_max = f[STEP_MAX];
	t->leaving_rank = (int)f[LEAVING] - 1;
	t->staying_rank = (int)f[STAYING] - 1;
	t->failed_rank = rank_of(f[FAILED]);
	t->durable = ~f[DURABLE];
	t->known = ~f[KNOWN];
	t->lost_rank = rank_of(f[LOST]);
	t->outcome = (int)f[OUTCOME];
	t->finish_ns = f[FINISH_NS];
}

int rp_agree_init(struct rp_agree *agree, struct rp_err *err)
{
	memset(agree, 0, sizeof(*agree));
	agree->buffers = calloc(1, sizeof(*agree->buffers));
	agree->stride = 1;
	agree->step_delta = 1;
	agree->even = 1;
	agree->start_at = 1;
	agree->due = 1;
	agree->request = MPI_REQUEST_NULL;
	return agree->buffers ? 0 : rp_fail(err, RALLY_ENOMEM, "no memory");
}

void rp_agree_free(struct rp_agree *agree, const struct rp_comm *comm)
{
	if (!comm->abandoned)
		free(agree->buffers);
	agree->buffers = NULL;
}

int rp_agree_move(struct rp_agree *agree, const char *file, int line,
		  int pinned)
{
	int unfit = rp_sites_enter(&agree->sites, file, line, agree->index);

	agree->file = file;
	agree->line = line;
	agree->moved |= unfit && !pinned;
	return agree->moved;
}

static void begin_anew(struct rp_agree *agree, uint64_t at)
{
	agree->stride = 1;
	agree->lag = 0;
	agree->start_at = at;
	agree->last_step_at = 0;
	agree->moved = 0;
}

void rp_agree_arrive(struct rp_agree *agree)
{
	if (agree->moved)
		begin_anew(agree, agree->index);
}

void rp_agree_enter(struct rp_agree *agree)
{
	if (agree->left_library)
		agree->computed += rp_now() - agree->left_library;
}

void rp_agree_leave(struct rp_agree *agree)
{
	agree->left_library = rp_now();
	agree->due = agree->in_flight ? agree->complete_at : agree->start_at;
}

static int64_t mean_step(const struct rp_agree *agree)
{
	int64_t points = (int64_t)(agree->index - agree->window_from);

	/* What lies before the first safe point is not a step. */
	if (agree->started_at == 0)
		return 0;
	return points > 0 ? agree->computed / points : 0;
}

int rp_round_start(struct rp_agree *agree, struct rp_comm *comm,
		   struct rp_ballot *ballot, struct rp_err *err)
{
	int rc;

	ballot->step_ns = mean_step(agree);
	pack(ballot, comm->rank, agree->buffers->send);
	rc = rp_comm_check(comm,
			   MPI_Iallreduce(agree->buffers->send, agree->buffers->recv,
					  RP_BALLOT_FIELDS, MPI_INT64_T,
					  MPI_MAX, comm->rounds,
					  &agree->request),
			   "MPI_Iallreduce", err);
	if (rc != 0)
		return rc;
	agree->in_flight = 1;
	agree->started_at = agree->index;
	agree->complete_at = agree->index + agree->lag;
	agree->computed = 0;
	agree->window_from = agree->index;
	rp_sites_start(&agree->sites, agree->index);
	return 0;
}

int rp_round_wait(struct rp_agree *agree, struct rp_comm *comm,
		  struct rp_tally *tally, struct rp_err *err)
{
	int rc = rp_comm_wait(comm, &agree->request, err);

	if (rc == 0)
		unpack(agree->buffers->recv, tally);
	return rc;
}

int rp_round_finish(struct rp_agree *agree, struct rp_comm *comm,
		    struct rp_tally *tally, struct rp_err *err)
{
	/* Where it was waited for already there is no request any more. */
	int rc = rp_round_wait(agree, comm, tally, err);

	agree->in_flight = 0;
	agree->rounds += rc == 0;
	return rc;
}

/* How far a safe point moves the step: from two tallies that each had one step on
 * all ranks. Where it is not the same at each (several points in a step, say),
 * the most that it may be. */
static void learn_delta(struct rp_agree *agree, const struct rp_tally *tally)
{
	int64_t points = (int64_t)(agree->started_at - agree->last_step_at);
	int64_t steps;

	if (agree->last_step_at > 0 && points > 0 &&
	    !__builtin_sub_overflow(tally->step_min, agree->last_step,
				    &steps)) {
		agree->even = steps > 0 && steps % points == 0;
		agree->step_delta = steps > 0 ? (steps - 1) / points + 1 : 1;
	}
	agree->last_step = tally->step_min;
	agree->last_step_at = agree->started_at;
}

int64_t rp_agree_step_ahead(const struct rp_agree *agree,
			    const struct rp_tally *tally)
{
	int64_t points = (int64_t)(agree->complete_at - agree->started_at);

	return tally->step_min + (agree->even ? points * agree->step_delta : 0);
}

/* What was measured is of another loop, where one has just been entered. */
static uint32_t next_stride(const struct rp_agree *agree,
			    const struct rp_tally *tally,
			    const struct rp_options *options)
{
	int64_t stride = options->stride_max;

	if (options->stride > 0)
		return (uint32_t)options->stride;
	if (tally->step_ns > 0 && COMPUTE_NS / tally->step_ns < stride)
		stride = COMPUTE_NS / tally->step_ns;
	if (stride > 2 * (int64_t)agree->stride)
		stride = 2 * (int64_t)agree->stride;
	if (stride < 1 || tally->step_ns == 0 || !rp_sites_known(&agree->sites))
		return 1;
	return (uint32_t)stride;
}

static uint32_t next_lag(const struct rp_agree *agree,
			 const struct rp_tally *tally,
			 const struct rp_options *options)
{
	if (options->lag > 0)
		return (uint32_t)options->lag - 1;
	return tally->step_ns > LONG_STEP_NS || !rp_sites_known(&agree->sites)
		       ? 0 : 1;
}

/* Safe points from here to the next multiple of `boundary` steps, or less. */
static int64_t points_to(const struct rp_agree *agree, int64_t step,
			 int64_t boundary)
{
	int64_t rest = step % boundary;
	int64_t steps = boundary - (rest < 0 ? rest + boundary : rest);

	return (steps - 1) / agree->step_delta + 1;
}

/* Has a round complete where the step reaches the next multiple. */
static void meet_boundary(struct rp_agree *agree, const struct rp_tally *tally,
			  int64_t boundary, int known, uint64_t least)
{
	uint64_t now = agree->complete_at;
	int64_t step = rp_agree_step_ahead(agree, tally);
	int64_t points = known ? points_to(agree, step, boundary) : 1;
	uint64_t at;

	/* A step that can't be told ahead wants a round that completes where it
	 * starts; so does the next safe point, if this one has had its round.
	 */
	if (!agree->even || (points == 1 && agree->started_at == now))
		agree->lag = 0;
	at = now + (uint64_t)points - agree->lag;
	if (at < agree->start_at)
		agree->start_at = at < least ? least : at;
}

void rp_agree_plan(struct rp_agree *agree, const struct rp_tally *tally,
		   const struct rp_options *options, int64_t boundary)
{
	uint64_t now = agree->complete_at;
	int known = agree->last_step_at > 0;
	uint64_t least;

	learn_delta(agree, tally);
	rp_sites_learn(&agree->sites, tally->step_ns);
	agree->stride = next_stride(agree, tally, options);
	agree->lag = next_lag(agree, tally, options);
	/* With lag 0 this safe point has had its round. */
	least = agree->started_at == now ? now + 1 : now;
	agree->start_at = agree->started_at + agree->stride;
	if (agree->start_at < least)
		agree->start_at = least;
	if (boundary > 0)
		meet_boundary(agree, tally, boundary, known, least);
}

void rp_agree_restart(struct rp_agree *agree)
{
	begin_anew(agree, agree->index + 1);
	agree->computed = 0;
	agree->window_from = agree->index;
}

int rp_meet(struct rp_agree *agree, struct rp_comm *comm,
	    const struct rp_ballot *ballot, struct rp_tally *tally,
	    struct rp_err *err)
{
	MPI_Request request = MPI_REQUEST_NULL;
	int rc;

	pack(ballot, comm->rank, agree->buffers->meet_send);
	/* Not MPI_Allreduce, which would not match a round of the others'. */
	rc = rp_comm_check(comm,
			   MPI_Iallreduce(agree->buffers->meet_send, agree->buffers->meet_recv,
					  RP_BALLOT_FIELDS, MPI_INT64_T,
					  MPI_MAX, comm->rounds, &request),
			   "MPI_Iallreduce", err);
	if (rc == 0)
		rc = rp_comm_wait(comm, &request, err);
	if (rc == 0)
		unpack(agree->buffers->meet_recv, tally);
	return rc;
}

int rp_vote(struct rp_comm *comm, const struct rp_ballot *ballot,
	    struct rp_tally *tally, struct rp_err *err)
{
	int64_t send[RP_BALLOT_FIELDS], recv[RP_BALLOT_FIELDS];
	int rc;

	pack(ballot, comm->rank, send);
	rc = rp_comm_check(comm,
			   MPI_Allreduce(send, recv, RP_BALLOT_FIELDS,
					 MPI_INT64_T, MPI_MAX, comm->saves),
			   "MPI_Allreduce", err);
	if (rc == 0)
		unpack(recv, tally);
	return rc;
}
