#include "chaos.h"

#include <time.h>

#define FAR_TOO_MANY 20000
#define TAG 5

/* What rank r tells in a step. */
static int64_t word(int r, int64_t step)
{
	return step * 7 + r + 1;
}

static void send_to(int to, int64_t *value, MPI_Request *request)
{
	chaos_mpi(MPI_Isend(value, 1, MPI_INT64_T, to, TAG, MPI_COMM_WORLD,
			    request),
		  "MPI_Isend");
}

static int64_t receive_from(int from)
{
	int64_t value;

	chaos_mpi(MPI_Recv(&value, 1, MPI_INT64_T, from, TAG, MPI_COMM_WORLD,
			   MPI_STATUS_IGNORE),
		  "MPI_Recv");
	return value;
}

/* One way: a rank may be any number of steps ahead of the next one. */
static int64_t chain(const struct crew *crew, int64_t *mine)
{
	if (crew->rank + 1 < crew->size)
		chaos_mpi(MPI_Send(mine, 1, MPI_INT64_T, crew->rank + 1, TAG,
				   MPI_COMM_WORLD),
			  "MPI_Send");
	return crew->rank > 0 ? receive_from(crew->rank - 1) : 0;
}

static int64_t ring(const struct crew *crew, int64_t *mine)
{
	MPI_Request request;
	int64_t value;

	send_to((crew->rank + 1) % crew->size, mine, &request);
	value = receive_from((crew->rank + crew->size - 1) % crew->size);
	chaos_mpi(MPI_Wait(&request, MPI_STATUS_IGNORE), "MPI_Wait");
	return value;
}

static int64_t halo(const struct crew *crew, int64_t *mine)
{
	MPI_Request requests[2] = { MPI_REQUEST_NULL, MPI_REQUEST_NULL };
	int64_t sum = 0;

	if (crew->rank > 0)
		send_to(crew->rank - 1, mine, &requests[0]);
	if (crew->rank + 1 < crew->size)
		send_to(crew->rank + 1, mine, &requests[1]);
	if (crew->rank > 0)
		sum += receive_from(crew->rank - 1);
	if (crew->rank + 1 < crew->size)
		sum += receive_from(crew->rank + 1);
	chaos_mpi(MPI_Waitall(2, requests, MPI_STATUSES_IGNORE), "MPI_Waitall");
	return sum;
}

static int64_t allreduce(int64_t *mine)
{
	int64_t sum;

	chaos_mpi(MPI_Allreduce(mine, &sum, 1, MPI_INT64_T, MPI_SUM,
				MPI_COMM_WORLD),
		  "MPI_Allreduce");
	return sum;
}

/* What a rank hears in one step. */
static int64_t heard(enum pattern pattern, int rank, int size, int64_t step)
{
	int64_t sum = 0;

	switch (pattern) {
	case CHAIN:
		return rank > 0 ? word(rank - 1, step) : 0;
	case RING:
		return word((rank + size - 1) % size, step);
	case HALO:
		sum += rank > 0 ? word(rank - 1, step) : 0;
		return sum + (rank + 1 < size ? word(rank + 1, step) : 0);
	default:
		for (int r = 0; r < size; r++)
			sum += word(r, step);
		return sum;
	}
}

int64_t chaos_sum(enum pattern pattern, int rank, int size, int64_t step)
{
	int64_t sum = 0;

	for (int64_t s = 0; s < step; s++)
		sum += heard(pattern, rank, size, s);
	return sum;
}

void chaos_rest(int64_t ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	while (nanosleep(&t, &t) != 0)
		;
}

/* Most steps take about their time; some take up to 20 times as long, on one
 * rank more often than on the others. */
static void work(const struct run *run, uint64_t *chance)
{
	const struct plan *plan = run->plan;
	uint64_t dice = chaos_random(chance) % 100;
	uint64_t limit = run->crew->rank == plan->slow ? 15 : 3;
	long ns = (long)(chaos_random(chance) % (uint64_t)plan->step_ns);

	if (dice < limit)
		ns = (long)(chaos_random(chance) % 20) * plan->step_ns;
	chaos_rest(ns);
}

static void advance(struct run *run, uint64_t *chance)
{
	int64_t mine = word(run->crew->rank, run->step), in;

	work(run, chance);
	switch (run->plan->pattern) {
	case CHAIN:
		in = chain(run->crew, &mine);
		break;
	case RING:
		in = ring(run->crew, &mine);
		break;
	case HALO:
		in = halo(run->crew, &mine);
		break;
	default:
		in = allreduce(&mine);
	}
	run->sum += in;
	run->step++;
}

static void look_at_stride(const rally_t *rp, struct run *run)
{
	struct rally_status status;

	rally_status(rp, &status);
	run->stride = status.stride;
}

void chaos_loop(rally_t *rp, struct run *run)
{
	uint64_t chance = run->plan->seed * 1000 +
			  (uint64_t)run->crew->rank + 1;

	chaos_judge_begin(rp, run);
	chaos_storm_first(run);
	for (int64_t i = 0; i < FAR_TOO_MANY; i++) {
		look_at_stride(rp, run);
		chaos_storm(run);
		chaos_look(run);
		run->points++;
		run->verdict = rally_point(rp, run->step);
		chaos_judge(rp, run);
		if (run->verdict == RALLY_STOP)
			return;
		advance(run, &chance);
	}
	chaos_fail("nothing stops it");
}
