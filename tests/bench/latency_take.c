/*
 * latency_take.c - one signal on one rank, and the wait for its verdict on all
 */
#include "latency.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define SHARE 50		/* a step's end strays by a 50th of it */
#define POINTS_MAX 4096		/* from one signal to its verdict */
#define GROW_MAX 100000
#define STRIDE_MAX 64		/* the option's default */

/* What the alarm leaves. */
static struct {
	_Atomic int64_t when;
	_Atomic int64_t entered;	/* safe points, from the arming on */
	_Atomic int64_t points;		/* ... until the alarm */
	atomic_int signal;
} shot;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void on_alarm(int number)
{
	(void)number;
	atomic_store(&shot.points, atomic_load(&shot.entered));
	atomic_store(&shot.when, now_ns());
	raise(atomic_load(&shot.signal));
}

void latency_init(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_alarm;
	if (sigaction(SIGALRM, &action, NULL) != 0)
		bench_fail("sigaction");
}

static void arm(int64_t ns)
{
	struct itimerval timer = { { 0, 0 }, { 0, 0 } };

	timer.it_value.tv_sec = ns / 1000000000;
	timer.it_value.tv_usec = ns % 1000000000 / 1000 + 1;
	if (timer.it_value.tv_usec == 1000000)
		timer.it_value.tv_usec = 999999;
	if (setitimer(ITIMER_REAL, &timer, NULL) != 0)
		bench_fail("setitimer");
}

/* A step. */
static void rest(struct run *run)
{
	int64_t most = run->step_ns / SHARE, until;
	struct timespec t;

	run->beat += run->step_ns;
	until = run->beat - most +
		(int64_t)(bench_random(&run->own) % (uint64_t)(2 * most));
	t.tv_sec = until / 1000000000;
	t.tv_nsec = until % 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		;
}

static int point(struct run *run)
{
	run->began = now_ns();
	atomic_fetch_add(&shot.entered, 1);
	return rally_point(run->rp, run->step++);
}

static uint32_t stride_of(const struct run *run)
{
	struct rally_status status;

	bench_rally(run->rp, rally_status(run->rp, &status));
	return status.stride;
}

static void begin(struct run *run, int64_t step_ns)
{
	run->beat = now_ns();
	run->step_ns = step_ns;
}

/* Steps until the stride is at rest. */
static void grow(struct run *run)
{
	const struct plan *plan = run->plan;
	int settled = 0;

	begin(run, plan->from_ns ? plan->from_ns : plan->step_ns);
	for (int i = 0; !settled && i < GROW_MAX; i++) {
		rest(run);
		if (point(run) != RALLY_GO)
			bench_fail("rally_point");
		settled = bench_settled(run->rp, &run->seen) &&
			  (!plan->from_ns || run->seen.stride >= STRIDE_MAX);
	}
	if (!settled)
		bench_fail("the stride");
}

/* Draws how long after this safe point the signal comes. */
static int64_t draw(struct run *run)
{
	uint64_t stride = stride_of(run);
	uint64_t window = (uint64_t)run->plan->step_ns, left;

	if (!run->plan->from_ns)
		return (int64_t)(bench_random(&run->common) %
				 (stride * window));
	/* The long steps begin somewhere within the stride, in another part of
	 * it for each sample: all groups take about as long. */
	left = ((uint64_t)run->nth * (stride - 1) +
		bench_random(&run->common) % (stride - 1)) / (uint64_t)run->of;
	for (; left > 0; left--) {
		rest(run);
		if (point(run) != RALLY_GO)
			bench_fail("rally_point");
	}
	begin(run, run->plan->step_ns);
	return (int64_t)(bench_random(&run->common) % window);
}

/* Steps until the verdict; how many, and the stride behind each. */
static int64_t wait_verdict(struct run *run, uint32_t *strides, int verdict)
{
	int64_t n = 0;
	int got = RALLY_GO;

	strides[0] = stride_of(run);
	while (got == RALLY_GO && n + 1 < POINTS_MAX) {
		rest(run);
		got = point(run);
		strides[++n] = stride_of(run);
	}
	if (got != verdict)
		bench_fail("no verdict, or another");
	return n;
}

/* All got it at the same safe point; tells when the last one entered it. */
static int64_t last_entry(struct run *run, int64_t n)
{
	int64_t mine[3] = { run->began, n, -n }, all[3];

	bench_mpi(MPI_Allreduce(mine, all, 3, MPI_INT64_T, MPI_MAX, run->comm));
	if (all[1] != -all[2])
		bench_fail("ranks have a verdict at different safe points");
	return all[0];
}

void latency_take(struct run *run, struct sample *sample, int signal,
		  int verdict)
{
	int shooter = (int)(bench_random(&run->common) % (unsigned)run->ranks);
	static uint32_t strides[POINTS_MAX];
	int64_t delay, n, end, told[3] = { 0 };

	grow(run);
	delay = draw(run);
	atomic_store(&shot.entered, 0);
	atomic_store(&shot.when, 0);
	atomic_store(&shot.signal, signal);
	if (run->rank == shooter)
		arm(delay);
	n = wait_verdict(run, strides, verdict);
	run->seen.stride = 1;
	end = last_entry(run, n);
	if (run->rank == shooter) {
		told[0] = atomic_load(&shot.when);
		told[1] = atomic_load(&shot.points);
		for (int64_t i = told[1]; i < n; i++)
			told[2] = strides[i] > told[2] ? strides[i] : told[2];
	}
	bench_mpi(MPI_Bcast(told, 3, MPI_INT64_T, shooter, run->comm));
	sample->ns = end > told[0] ? end - told[0] : 0;
	sample->points = n - told[1];
	sample->stride = told[2];
}
