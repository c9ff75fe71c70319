/*
 * loop.c - what the library adds to a loop, reckoned and measured
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HALO 128		/* doubles to each neighbour */
#define BLOCK_S 0.06
#define COMPARE_S 25.0		/* at most, for the pairs of one kind of loop */
#define REACH_S 0.5		/* that the stride is watched for */
#define REACH_STEPS 20000
#define PAIRS_MIN 10
#define PAIRS_MAX 10000
#define BOOTSTRAPS 2000
#define RANKS_MAX 1024

enum kind { NOTHING, RALLYPOINT, ALLREDUCE, ALLGATHER, KINDS };

static const char *const kind_names[] = { "nothing", "rallypoint", "allreduce",
					  "allgather" };

struct loop {
	const struct bench *bench;
	rally_t *rp;
	int64_t step;
	double step_s;
	double per_s;		/* turns of arithmetic a second */
	int64_t turns;		/* ... a step, on this rank */
	double x;
	double out[HALO], in[HALO];
	int flags[RANKS_MAX];
	uint64_t random;	/* the same on all ranks */
};

static void compute(struct loop *loop, int64_t turns)
{
	double x = loop->x;

	for (int64_t i = 0; i < turns; i++)
		x = x * 0.999999 + 1e-6;
	loop->x = x;
}

/* From the fastest of some tries, on the slowest rank. */
static void calibrate(struct loop *loop)
{
	const int64_t turns = 2000000;
	double best = 1e9;

	for (int i = 0; i < 20; i++) {
		double from = bench_now(), took;

		compute(loop, turns);
		took = bench_now() - from;
		best = took < best ? took : best;
	}
	loop->per_s = (double)turns / bench_slowest(best);
}

static void set_step(struct loop *loop, double step_s, int uneven)
{
	double mine = uneven && loop->bench->rank == 0 ? 1.2 : 1;

	loop->step_s = step_s;
	loop->turns = (int64_t)(loop->per_s * step_s * mine);
}

static void exchange(struct loop *loop, int to, int from)
{
	bench_mpi(MPI_Sendrecv(loop->out, HALO, MPI_DOUBLE, to, 0, loop->in,
			       HALO, MPI_DOUBLE, from, 0, MPI_COMM_WORLD,
			       MPI_STATUS_IGNORE));
}

static void advance(struct loop *loop)
{
	int rank = loop->bench->rank, ranks = loop->bench->ranks;
	int next = (rank + 1) % ranks, before = (rank + ranks - 1) % ranks;

	compute(loop, loop->turns);
	loop->out[0] = loop->x;
	exchange(loop, next, before);
	exchange(loop, before, next);
}

static void agree(struct loop *loop, enum kind kind)
{
	int flag = 0, all = 0;

	if (kind == RALLYPOINT && rally_point(loop->rp, loop->step++) != 0)
		bench_fail("rally_point");
	if (kind == ALLREDUCE)
		bench_mpi(MPI_Allreduce(&flag, &all, 1, MPI_INT, MPI_MAX,
					MPI_COMM_WORLD));
	if (kind == ALLGATHER)
		bench_mpi(MPI_Allgather(&flag, 1, MPI_INT, loop->flags, 1,
					MPI_INT, MPI_COMM_WORLD));
	if (all)
		bench_fail("MPI_Allreduce");
}

/* Seconds for a block of steps. */
static double block(struct loop *loop, enum kind kind)
{
	int steps = (int)(BLOCK_S / loop->step_s + 0.5);
	double from;

	bench_barrier();
	from = bench_now();
	for (int i = 0; i < steps; i++) {
		agree(loop, kind);
		advance(loop);
	}
	return bench_slowest(bench_now() - from);
}

/* Safe points from round to round in such steps, and the lag. */
static double reach(struct loop *loop, uint32_t *lag)
{
	struct bench_stride seen = { 0 };
	struct rally_status first = { .rounds = 0 }, now;
	double from = 0;

	bench_rally(loop->rp, rally_set(loop->rp, "stride", "0"));
	for (int i = 0; i < REACH_STEPS; i++) {
		int settled;

		agree(loop, RALLYPOINT);
		settled = bench_settled(loop->rp, &seen);
		bench_rally(loop->rp, rally_status(loop->rp, &now));
		if (settled && first.rounds == 0) {
			first = now;
			from = bench_now();
		}
		if (first.rounds > 0 && now.rounds >= first.rounds + 3 &&
		    bench_slowest(bench_now() - from) > REACH_S)
			break;
		advance(loop);
	}
	*lag = now.lag;
	if (now.rounds == first.rounds)
		bench_fail("the stride");
	return (double)(now.points - first.points) /
	       (double)(now.rounds - first.rounds);
}

static void print(const struct loop *loop, double value, double ratio,
		  const char *against, const char *extra)
{
	struct bench_figure figure = {
		.name = "loop_overhead", .ranks = loop->bench->ranks,
		.value = value, .unit = "percent", .ratio = ratio,
		.against = against
	};

	if (loop->bench->rank != 0)
		return;
	snprintf(figure.extra, sizeof(figure.extra), "\"step_us\":%.0f,%s",
		 loop->step_s * 1e6, extra);
	bench_print(&figure);
}

static void reckon(struct loop *loop)
{
	const struct bench *bench = loop->bench;
	uint32_t lag;
	double stride = reach(loop, &lag);
	double ns = bench->round_ns[lag > 0] / stride + bench->point_ns;
	char extra[200];

	snprintf(extra, sizeof(extra),
		 "\"how\":\"costs\",\"kind\":\"rallypoint\",\"stride\":%.4g,"
		 "\"lag\":%u,\"goal\":%g", stride, lag,
		 loop->step_s < 0.9e-3 ? 1.0 : 0.1);
	print(loop, ns / (loop->step_s * 1e9) * 100, ns / bench->flag_ns,
	      "allreduce_flag", extra);
}

static void shuffle(struct loop *loop, int *order)
{
	for (int i = 0; i < KINDS; i++)
		order[i] = i;
	for (int i = KINDS - 1; i > 0; i--) {
		int j = (int)(bench_random(&loop->random) % (unsigned)(i + 1));
		int keep = order[i];

		order[i] = order[j];
		order[j] = keep;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double mean(const double *values, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += values[i];
	return sum / n;
}

/* The mean of the middle half; sorts. A machine that others use steals time in
 * lumps, from one as from the other. */
static double middle(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), by_value);
	return mean(values + n / 4, n - 2 * (n / 4));
}

static void bootstrap(struct loop *loop, const double *values, int n,
		      double *low, double *high)
{
	static double draw[PAIRS_MAX], found[BOOTSTRAPS];

	for (int i = 0; i < BOOTSTRAPS; i++) {
		for (int j = 0; j < n; j++)
			draw[j] = values[bench_random(&loop->random) %
					 (unsigned)n];
		found[i] = middle(draw, n);
	}
	qsort(found, BOOTSTRAPS, sizeof(*found), by_value);
	*low = found[BOOTSTRAPS / 40];
	*high = found[BOOTSTRAPS - 1 - BOOTSTRAPS / 40];
}

/* times[pair][kind] */
static void report(struct loop *loop, double (*times)[KINDS], int pairs,
		   enum kind kind, int uneven, uint32_t stride)
{
	static double over[PAIRS_MAX];
	double low, high, all, value;
	char extra[400];

	for (int i = 0; i < pairs; i++)
		over[i] = (times[i][kind] / times[i][NOTHING] - 1) * 100;
	all = mean(over, pairs);
	bootstrap(loop, over, pairs, &low, &high);
	value = middle(over, pairs);
	snprintf(extra, sizeof(extra),
		 "\"how\":\"paired\",\"kind\":\"%s\",\"balance\":\"%s\","
		 "\"ci_low\":%.4g,\"ci_high\":%.4g,\"mean\":%.4g,"
		 "\"pairs\":%d,\"stride\":%u", kind_names[kind],
		 uneven ? "one rank 20% slower" : "even", low, high, all, pairs,
		 kind == RALLYPOINT ? stride : 1);
	print(loop, value, 1 + value / 100, "the loop with nothing", extra);
}

/* Between its blocks the handle would take the others' for one long step: the
 * stride is pinned to what the steps bring about. */
static void compare(struct loop *loop, int uneven, int pairs)
{
	double (*times)[KINDS] = calloc((size_t)pairs, sizeof(*times));
	double from = bench_now();
	uint32_t lag, stride = (uint32_t)(reach(loop, &lag) + 0.5);
	char text[16];
	int order[KINDS], done = 0;

	if (!times)
		bench_fail("calloc");
	snprintf(text, sizeof(text), "%u", stride);
	bench_rally(loop->rp, rally_set(loop->rp, "stride", text));
	for (int i = -1; i < pairs; i++) {
		if (i > PAIRS_MIN && bench_slowest(bench_now() - from) > COMPARE_S)
			break;
		shuffle(loop, order);
		for (int j = 0; j < KINDS; j++) {
			double took = block(loop, (enum kind)order[j]);

			times[i < 0 ? 0 : i][order[j]] = took;
		}
		done = i + 1;
	}
	for (int kind = RALLYPOINT; kind < KINDS; kind++)
		report(loop, times, done, (enum kind)kind, uneven, stride);
	free(times);
}

void bench_loop(const struct bench *bench)
{
	static const double steps_s[] = { 100e-6, 1e-3, 10e-3, 1 };
	static struct loop loop;
	const char *text = getenv("BENCH_PAIRS");
	int pairs = text && *text ? (int)strtol(text, NULL, 10) : 60;
	char dir[4096];

	pairs = pairs < PAIRS_MAX ? pairs : PAIRS_MAX;
	loop.bench = bench;
	loop.random = UINT64_C(88172645463325252);
	calibrate(&loop);
	bench_folder(bench, "bench-loop", dir, sizeof(dir));
	loop.rp = bench_open(MPI_COMM_WORLD, dir);
	for (int i = 0; i < 4; i++) {
		set_step(&loop, steps_s[i], 0);
		reckon(&loop);
	}
	/* Ranks that take turns on a core measure the scheduler. */
	for (int i = 0; i < 6 && pairs >= PAIRS_MIN && !bench->crowded &&
			bench->ranks <= RANKS_MAX; i++) {
		set_step(&loop, steps_s[i / 2], i % 2);
		compare(&loop, i % 2, pairs);
	}
	bench_rally(loop.rp, rally_close(loop.rp));
}
