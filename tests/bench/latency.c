/*
 * latency.c - how long a signal on one rank takes to be a verdict on all
 *
 * Each rank sleeps its steps, so that many handles fit on one machine: a launch
 * is split into groups of ranks that each open one.
 */
#include "bench.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MS INT64_C(1000000)	/* ns */
#define SHARE 50		/* a step's end strays by a 50th of it */
#define POINTS_MAX 4096		/* from one signal to its verdict */
#define GROW_MAX 100000

struct plan {
	const char *part;
	int64_t step_ns;
	int64_t from_ns;	/* the steps before; 0: the same */
	int groups;		/* at once, at most */
	int samples, fewer;	/* of all groups: full, plain */
	const char *stop;	/* one that each process has had none of yet */
	int stop_signal;
};

static const struct plan plans[] = {
	{ "steps", MS, 0, 5, 200, 100, "USR1", SIGUSR1 },
	{ "steps", 10 * MS, 0, 5, 200, 100, "USR2", SIGUSR2 },
	{ "steps", 100 * MS, 0, 10, 200, 100, "INT", SIGINT },
	{ "steps", 1000 * MS, 0, 10, 200, 40, "XCPU", SIGXCPU },
	{ "change", 1000 * MS, MS / 10, 20, 200, 20, "USR1", SIGUSR1 },
};

#define PLANS (sizeof(plans) / sizeof(plans[0]))

struct sample {
	int64_t ns, points, stride;
};

struct run {
	const struct bench *bench;
	const struct plan *plan;
	MPI_Comm comm;		/* the group */
	int rank, ranks, group, groups;
	rally_t *rp;
	int64_t step, step_ns;
	int64_t beat;		/* where this step ends, but for its straying */
	int64_t began;		/* when the last safe point was entered */
	uint64_t common, own;	/* random: the same in the group, and not */
	struct bench_stride seen;
};

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
			  (!plan->from_ns || run->seen.stride >= 64);
	}
	if (!settled)
		bench_fail("the stride");
}

/* Draws how long after this safe point the signal comes. */
static int64_t draw(struct run *run)
{
	uint64_t stride = stride_of(run);
	uint64_t window = (uint64_t)run->plan->step_ns;

	if (!run->plan->from_ns)
		return (int64_t)(bench_random(&run->common) %
				 (stride * window));
	/* The long steps begin somewhere within the stride. */
	for (uint64_t left = bench_random(&run->common) % (stride - 1);
	     left > 0; left--) {
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

static void take(struct run *run, struct sample *sample, int signal,
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

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The median of a field, and its largest. */
static int64_t spread(const struct sample *samples, int n, size_t field,
		      int64_t *max)
{
	int64_t *values = calloc((size_t)n, sizeof(*values)), median;

	if (!values)
		bench_fail("calloc");
	for (int i = 0; i < n; i++)
		memcpy(&values[i], (const char *)&samples[i] + field,
		       sizeof(*values));
	qsort(values, (size_t)n, sizeof(*values), by_size);
	median = values[n / 2];
	*max = values[n - 1];
	free(values);
	return median;
}

static void report(const struct run *run, const char *name,
		   const struct sample *samples, int n)
{
	struct bench_figure figure = { .name = name, .ranks = run->ranks };
	int64_t ns, ns_max, points, points_max, stride, stride_max;
	int beyond = 0;
	int crowded = run->ranks > sysconf(_SC_NPROCESSORS_ONLN);
	char from[40] = "";

	ns = spread(samples, n, offsetof(struct sample, ns), &ns_max);
	points = spread(samples, n, offsetof(struct sample, points),
			&points_max);
	stride = spread(samples, n, offsetof(struct sample, stride),
			&stride_max);
	for (int i = 0; i < n; i++)
		beyond += samples[i].points > samples[i].stride + 1;
	if (run->plan->from_ns)
		snprintf(from, sizeof(from), "\"from_us\":%lld,",
			 (long long)run->plan->from_ns / 1000);
	figure.value = crowded ? (double)points : (double)ns / 1e6;
	figure.unit = crowded ? "safe points" : "ms";
	snprintf(figure.extra, sizeof(figure.extra),
		 "%s\"step_us\":%lld,\"max\":%.4g,\"points\":%lld,"
		 "\"points_max\":%lld,\"stride\":%lld,"
		 "\"stride_max\":%lld,\"beyond\":%d,\"samples\":%d", from,
		 (long long)run->plan->step_ns / 1000,
		 crowded ? (double)points_max : (double)ns_max / 1e6,
		 (long long)points, (long long)points_max, (long long)stride,
		 (long long)stride_max, beyond, n);
	bench_print(&figure);
}

/* Those who have nothing to do leave the cores to the others. */
static void meet_idle(void)
{
	struct timespec t = { 0, 20000000 };
	MPI_Request request;
	int done = 0;

	bench_mpi(MPI_Ibarrier(MPI_COMM_WORLD, &request));
	for (;;) {
		bench_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
		if (done)
			return;
		nanosleep(&t, NULL);
	}
}

static void open_run(struct run *run)
{
	int64_t *data = &run->step;
	char name[64], dir[4096];

	snprintf(name, sizeof(name), "latency-%d-%d-%d", run->ranks,
		 (int)(run->plan - plans), run->group);
	bench_folder(run->bench, name, dir, sizeof(dir));
	bench_rally(run->rp, rally_open(run->comm, dir, &run->rp));
	bench_rally(run->rp, rally_set(run->rp, "stop_signals",
				       run->plan->stop));
	bench_rally(run->rp, rally_set(run->rp, "save_signals", "TERM"));
	bench_rally(run->rp, rally_add(run->rp, "step", data, RALLY_I64, 1));
	run->step = 0;
	memset(&run->seen, 0, sizeof(run->seen));
}

/* Per group, `n` saves and one stop or none. */
static void take_all(struct run *run, struct sample *samples, int n, int stops)
{
	int rc;

	open_run(run);
	for (int i = 0; i < n; i++)
		take(run, &samples[i], SIGTERM, RALLY_SAVED);
	if (stops)
		take(run, &samples[n], run->plan->stop_signal, RALLY_STOP);
	rc = rally_close(run->rp);
	if (rc != (stops ? RALLY_EUNFINISHED : 0))
		bench_fail("rally_close");
}

/* The samples of all groups come to rank 0 of the first one. */
static void gather(const struct run *run, const struct sample *samples, int n,
		   int active, struct sample *all)
{
	int words = n * (int)(sizeof(*samples) / sizeof(int64_t));
	MPI_Comm leaders;

	bench_mpi(MPI_Comm_split(MPI_COMM_WORLD,
				 active && run->rank == 0 ? 0 : MPI_UNDEFINED,
				 run->group, &leaders));
	if (leaders == MPI_COMM_NULL)
		return;
	bench_mpi(MPI_Gather(samples, words, MPI_INT64_T, all, words,
			     MPI_INT64_T, 0, leaders));
	bench_mpi(MPI_Comm_free(&leaders));
}

static void carry_out(struct run *run, int full)
{
	const struct plan *plan = run->plan;
	int groups = plan->groups < run->groups ? plan->groups : run->groups;
	int n = ((full ? plan->samples : plan->fewer) + groups - 1) / groups;
	struct sample *mine = calloc((size_t)n + 1, sizeof(*mine));
	struct sample *all = calloc((size_t)((n + 1) * groups), sizeof(*all));
	int active = run->group < groups;
	/* It would take a minute more. */
	int stops = full || !plan->from_ns;

	if (!mine || !all)
		bench_fail("calloc");
	if (active)
		take_all(run, mine, n, stops);
	meet_idle();
	gather(run, mine, n, active, all);
	if (run->bench->rank == 0)
		report(run, "agree_latency", all, n * groups);
	gather(run, mine + n, stops, active, all);
	if (run->bench->rank == 0 && stops)
		report(run, "agree_stop", all, groups);
	free(mine);
	free(all);
}

void bench_latency(const struct bench *bench, int ranks, const char *what)
{
	const char *text = getenv("BENCH_LATENCY");
	int full = text && strcmp(text, "full") == 0;
	struct run run = { .bench = bench, .ranks = ranks };
	struct sigaction action;

	if (ranks < 1 || bench->ranks % ranks != 0)
		bench_fail("the ranks of a group");
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_alarm;
	sigaction(SIGALRM, &action, NULL);
	run.group = bench->rank / ranks;
	run.groups = bench->ranks / ranks;
	bench_mpi(MPI_Comm_split(MPI_COMM_WORLD, run.group, bench->rank,
				 &run.comm));
	bench_mpi(MPI_Comm_rank(run.comm, &run.rank));
	run.common = UINT64_C(88172645463325252) ^
		     (uint64_t)(run.group * 1000 + ranks);
	run.own = UINT64_C(1181783497276652981) ^ (uint64_t)(bench->rank + 1);
	for (int i = 0; i < 30; i++) {
		bench_random(&run.common);
		bench_random(&run.own);
	}
	for (size_t i = 0; i < PLANS; i++)
		if (strcmp(plans[i].part, what) == 0) {
			run.plan = &plans[i];
			carry_out(&run, full);
		}
	bench_mpi(MPI_Comm_free(&run.comm));
}
