#include "chaos.h"

#include <signal.h>
#include <string.h>
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
static int64_t chain(const struct run *run, int64_t *mine)
{
	if (run->rank + 1 < run->size)
		chaos_mpi(MPI_Send(mine, 1, MPI_INT64_T, run->rank + 1, TAG,
				   MPI_COMM_WORLD),
			  "MPI_Send");
	return run->rank > 0 ? receive_from(run->rank - 1) : 0;
}

static int64_t ring(const struct run *run, int64_t *mine)
{
	MPI_Request request;
	int64_t value;

	send_to((run->rank + 1) % run->size, mine, &request);
	value = receive_from((run->rank + run->size - 1) % run->size);
	chaos_mpi(MPI_Wait(&request, MPI_STATUS_IGNORE), "MPI_Wait");
	return value;
}

static int64_t halo(const struct run *run, int64_t *mine)
{
	MPI_Request requests[2] = { MPI_REQUEST_NULL, MPI_REQUEST_NULL };
	int64_t sum = 0;

	if (run->rank > 0)
		send_to(run->rank - 1, mine, &requests[0]);
	if (run->rank + 1 < run->size)
		send_to(run->rank + 1, mine, &requests[1]);
	if (run->rank > 0)
		sum += receive_from(run->rank - 1);
	if (run->rank + 1 < run->size)
		sum += receive_from(run->rank + 1);
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

static void rest(long ns)
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
	uint64_t limit = run->rank == plan->slow ? 15 : 3;
	long ns = (long)(chaos_random(chance) % (uint64_t)plan->step_ns);

	if (dice < limit)
		ns = (long)(chaos_random(chance) % 20) * plan->step_ns;
	rest(ns);
}

static void advance(struct run *run, uint64_t *chance)
{
	int64_t mine = word(run->rank, run->step), in;

	work(run, chance);
	switch (run->plan->pattern) {
	case CHAIN:
		in = chain(run, &mine);
		break;
	case RING:
		in = ring(run, &mine);
		break;
	case HALO:
		in = halo(run, &mine);
		break;
	default:
		in = allreduce(&mine);
	}
	run->sum += in;
	run->step++;
}

static void start_timer(const struct run *run, timer_t *timer, uint64_t *chance)
{
	struct sigevent event;
	struct itimerspec when = { 0 };
	int64_t ns = 1 + (run->plan->at * run->plan->step_ns) / 2 +
		     (int64_t)(chaos_random(chance) %
			       (uint64_t)(3 * run->plan->step_ns));

	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = run->plan->signal;
	when.it_value.tv_sec = ns / 1000000000;
	when.it_value.tv_nsec = ns % 1000000000;
	if (timer_create(CLOCK_MONOTONIC, &event, timer) != 0 ||
	    timer_settime(*timer, 0, &when, NULL) != 0)
		chaos_fail("no timer");
}

static int has_fired(timer_t timer)
{
	struct itimerspec left;

	return timer_gettime(timer, &left) == 0 && left.it_value.tv_sec == 0 &&
	       left.it_value.tv_nsec == 0;
}

/* The signals of this step: sent, or found to have come. */
static void signals(struct run *run, timer_t timer)
{
	const struct plan *plan = run->plan;
	int64_t done = run->step - run->first;
	int victim = (run->rank + 1) % run->size;
	int hit = plan->all || victim == plan->target ||
		  victim == plan->second;

	if (done == plan->save_at && run->rank == plan->saver)
		raise(SIGXCPU);
	if (plan->way == KILL && done == plan->at && hit)
		kill(run->pids[victim], plan->signal);
	if (!run->signalled || run->known >= 0)
		return;
	if (plan->way == RAISE && done == plan->at)
		raise(plan->signal);
	if ((plan->way == RAISE && done == plan->at) ||
	    (plan->way == TIMER && has_fired(timer)))
		run->known = run->points;
}

static void watch_stride(const rally_t *rp, struct run *run)
{
	struct rally_status status;

	rally_status(rp, &status);
	if (run->known < 0 || status.stride > run->stride)
		run->stride = status.stride;
}

void chaos_loop(rally_t *rp, struct run *run)
{
	uint64_t chance = run->plan->seed * 1000 + (uint64_t)run->rank + 1;
	int timed = run->signalled && run->plan->way == TIMER;
	timer_t timer = 0;

	if (timed)
		start_timer(run, &timer, &chance);
	for (int64_t i = 0; i < FAR_TOO_MANY; i++) {
		watch_stride(rp, run);
		signals(run, timer);
		run->points++;
		run->verdict = rally_point(rp, run->step);
		if (run->verdict >= RALLY_STOP)
			break;
		advance(run, &chance);
	}
	if (timed)
		timer_delete(timer);
}
