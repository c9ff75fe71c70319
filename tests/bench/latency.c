/*
 * latency.c - how long a signal on one rank takes to be a verdict on all
 */
#include "latency.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS INT64_C(1000000)	/* ns */

static const struct plan plans[] = {
	{ "steps", MS, 0, 5, 200, 100, "USR1", SIGUSR1 },
	{ "steps", 10 * MS, 0, 5, 200, 100, "USR2", SIGUSR2 },
	{ "steps", 100 * MS, 0, 10, 200, 100, "INT", SIGINT },
	{ "steps", 1000 * MS, 0, 10, 200, 40, "XCPU", SIGXCPU },
	{ "change", 1000 * MS, MS / 10, 20, 200, 20, "USR1", SIGUSR1 },
};

#define PLANS (sizeof(plans) / sizeof(plans[0]))

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

static int count_beyond(const struct sample *samples, int n)
{
	int beyond = 0;

	for (int i = 0; i < n; i++)
		beyond += samples[i].points > samples[i].stride + 1;
	return beyond;
}

static void report(const struct run *run, const char *name,
		   const struct sample *samples, int n)
{
	struct bench_figure figure = { .name = name, .ranks = run->ranks };
	int64_t ns, ns_max, points, points_max, stride, stride_max;
	int beyond = count_beyond(samples, n);
	int crowded = run->ranks > sysconf(_SC_NPROCESSORS_ONLN);
	char from[40] = "";

	ns = spread(samples, n, offsetof(struct sample, ns), &ns_max);
	points = spread(samples, n, offsetof(struct sample, points),
			&points_max);
	stride = spread(samples, n, offsetof(struct sample, stride),
			&stride_max);
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
	if (beyond > 0)
		fprintf(stderr, "bench: %d of %d verdicts on %d ranks took more "
			"than a stride and one safe point\n", beyond, n,
			run->ranks);
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
	run->rp = bench_open(run->comm, dir);
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
	run->of = n;
	for (run->nth = 0; run->nth < n; run->nth++)
		latency_take(run, &samples[run->nth], SIGTERM, RALLY_SAVED);
	run->nth = 0;
	run->of = 1;
	if (stops)
		latency_take(run, &samples[n], run->plan->stop_signal,
			     RALLY_STOP);
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
	if (stops)
		gather(run, mine + n, 1, active, all);
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

	if (ranks < 1 || bench->ranks % ranks != 0)
		bench_fail("the ranks of a group");
	latency_init();
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
