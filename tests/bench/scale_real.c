/*
 * scale_real.c - what the model of scale.h says of two ranks, beside what two
 *                ranks do; by run_scale
 *
 * The library itself and the model of the same loop, fed with the costs that
 * scale_costs.c finds: scale_check, where `ratio` is the model's value over the
 * measured one.
 */
#include "bench.h"
#include "scale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#define ROUNDS 3001
#define INSIDE_NS 5e9		/* of the loop that is watched, at least */
#define STEPS_MAX 65536
#define LATENCIES 81
#define JITTER 0.02

static int rank, n_steps;
static float steps[STEPS_MAX];	/* ns that each took */
static double verdict_at;	/* ns, of the first vote since it was set to 0 */

static double now_ns(void)
{
	return bench_now() * 1e9;
}

/* The library's first vote of a save, right behind the verdict. */
int MPI_Allreduce(const void *send, void *recv, int count, MPI_Datatype type,
		  MPI_Op op, MPI_Comm comm)
{
	if (verdict_at < 1)
		verdict_at = now_ns();
	return PMPI_Allreduce(send, recv, count, type, op, comm);
}

static void check(const char *name, double model, double measured,
		  const char *unit)
{
	if (rank == 0)
		printf("{\"bench\":\"scale_check\",\"ranks\":2,\"bytes\":%d,"
		       "\"value\":%.4g,\"unit\":\"%s\",\"ratio\":%.3g,"
		       "\"against\":\"measured\",\"what\":\"%s\","
		       "\"measured\":%.4g}\n",
		       SCALE_BYTES, model, unit, model / measured, name,
		       measured);
	fflush(stdout);
}

/*
 * The library, and the model of the same loop.
 */

/* In [0, 1), the same sequence on all ranks that have the same state. */
static double chance(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (double)(*state >> 11) / 9007199254740992.0;
}

static double step_length(const struct scale_case *c, uint64_t *state)
{
	double r = sqrt(-2 * log(1 - chance(state)));

	return c->step_ns *
	       (1 + c->jitter * r * cos(6.283185307179586 * chance(state)));
}

static double mean_of_both(double mine)
{
	double sum;

	bench_mpi(PMPI_Allreduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM,
				 MPI_COMM_WORLD));
	return sum / 2;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Ends a step, and remembers how long it was. */
static void end_step(double began, double when)
{
	scale_sleep_until(when);
	if (n_steps < STEPS_MAX)
		steps[n_steps++] = (float)(now_ns() - began);
}

/* The model of the loop that just ran: both ranks' steps, one by one as they
 * were, so that what this machine added to them is in it. */
static void model(struct scale_case c, struct scale_result *result)
{
	float *all = malloc(2 * STEPS_MAX * sizeof(*all));
	int least;

	bench_mpi(PMPI_Allreduce(&n_steps, &least, 1, MPI_INT, MPI_MIN,
				 MPI_COMM_WORLD));
	if (!all || least == 0)
		bench_fail("steps");
	bench_mpi(MPI_Allgather(steps, least, MPI_FLOAT, all, least, MPI_FLOAT,
				MPI_COMM_WORLD));
	c.steps = all;
	c.played = least;
	if (scale_run(&c, result) != 0)
		bench_fail("scale_run");
	free(all);
	n_steps = 0;
}

/* Part of the time that a loop of n steps spends in rally_point(), behind some
 * in which the stride grows. */
static double inside(rally_t *rp, const struct scale_case *c, int n)
{
	uint64_t state = 77 + (uint64_t)rank;
	double began = 0, in = 0;

	for (int i = -200; i < n; i++) {
		double from = now_ns(), to;

		if (i == 0) {
			began = from;
			in = 0;
			n_steps = 0;
		}
		if (rally_point(rp, i) != RALLY_GO)
			bench_fail("rally_point");
		to = now_ns();
		in += to - from;
		end_step(to, to + step_length(c, &state));
	}
	return mean_of_both(in / (now_ns() - began));
}

static rally_t *open_at(const char *top, const char *name)
{
	char dir[4200];
	rally_t *rp = NULL;
	int rc;

	snprintf(dir, sizeof(dir), "%s/%s", top, name);
	rc = rally_open(MPI_COMM_WORLD, dir, &rp);
	bench_rally(rp, rc);
	return rp;
}

/* A round that is waited for where it starts, at every safe point, one after
 * the other: the median, since both ranks do not always have a core. */
static void check_round(struct scale_case c, const char *top)
{
	static double took[ROUNDS];
	rally_t *rp = open_at(top, "round");
	struct scale_result result;

	bench_rally(rp, rally_set(rp, "stride", "1"));
	bench_rally(rp, rally_set(rp, "lag", "0"));
	c.step_ns = 100;
	c.jitter = 0;
	c.noise_ns = 1;
	c.stride = 1;
	c.lag = 1;
	if (scale_run(&c, &result) != 0)
		bench_fail("scale_run");
	for (int i = 0; i < ROUNDS; i++) {
		double from = now_ns();

		rally_point(rp, i);
		took[i] = now_ns() - from;
	}
	bench_rally(NULL, rally_close(rp));
	qsort(took, ROUNDS, sizeof(*took), by_value);
	check("a round", result.inside / (1 - result.inside) * c.step_ns / 1e3,
	      mean_of_both(took[ROUNDS / 2]) / 1e3, "us");
}

static void check_inside(struct scale_case c, const char *top, double step_ms,
			 const char *name)
{
	rally_t *rp = open_at(top, "inside");
	struct scale_result result;
	double part;

	c.step_ns = step_ms * 1e6;
	part = inside(rp, &c, (int)(INSIDE_NS / c.step_ns));
	model(c, &result);
	bench_rally(NULL, rally_close(rp));
	check(name, result.inside * 100, part * 100, "%");
}

/* ns from a request to the verdict on both ranks. `quiet` steps come first, in
 * which the stride grows again after the last save; the request is any time in
 * the `span` ns behind them. */
static double one_latency(rally_t *rp, const struct scale_case *c, int quiet,
			  double span, int64_t *step, uint64_t *dice)
{
	int who = chance(dice) < 0.5;
	double after = chance(dice) * span, at = 0, last;
	uint64_t state = *dice + (uint64_t)rank;
	int verdict, asked = who != rank;

	verdict_at = 0;
	for (int i = 0; (verdict = rally_point(rp, (*step)++)) == RALLY_GO; i++) {
		double began = now_ns(), end = began + step_length(c, &state);

		verdict_at = 0;
		if (i == quiet)
			at = now_ns() + after;
		if (!asked && at > 0 && at < end) {
			scale_sleep_until(at);
			bench_rally(rp, rally_request(rp, RALLY_WANT_SAVE));
			asked = 1;
		}
		end_step(began, end);
	}
	if (verdict != RALLY_SAVED)
		bench_fail("rally_point");
	bench_mpi(PMPI_Allreduce(&verdict_at, &last, 1, MPI_DOUBLE, MPI_MAX,
				 MPI_COMM_WORLD));
	bench_mpi(MPI_Bcast(&at, 1, MPI_DOUBLE, who, MPI_COMM_WORLD));
	return last - at;
}

static void check_latency(struct scale_case c, const char *top, double step_ms,
			  const char *name)
{
	rally_t *rp = open_at(top, "latency");
	struct scale_result result;
	double values[LATENCIES];
	uint64_t dice = 4711;
	int64_t step = 0;

	c.step_ns = step_ms * 1e6;
	for (int i = 0; i < LATENCIES; i++)
		values[i] = one_latency(rp, &c, (int)(130 / step_ms), 200e6,
					&step, &dice);
	model(c, &result);
	bench_rally(NULL, rally_close(rp));
	check(name, result.latency_p50 / 1e6,
	      bench_median(values, LATENCIES) / 1e6, "ms");
}

int main(int argc, char **argv)
{
	struct scale_case c = { .ranks = 2, .coupling = LOOSE, .jitter = JITTER,
				.rounds = 300, .requests = 300, .seed = 1 };
	const char *top = argc > 1 ? argv[1] : ".";
	int size;

	/* Else each sleep is 50 us longer. */
	prctl(PR_SET_TIMERSLACK, 1UL);
	bench_mpi(MPI_Init(&argc, &argv));
	bench_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
	bench_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size));
	if (size != 2)
		bench_fail("scale_real: wants two ranks");
	scale_costs(&c, top);
	check_round(c, top);
	check_inside(c, top, 0.1, "time in the library, steps of 0.1 ms");
	check_inside(c, top, 1, "time in the library, steps of 1 ms");
	check_latency(c, top, 1, "latency, steps of 1 ms");
	check_latency(c, top, 10, "latency, steps of 10 ms");
	bench_mpi(MPI_Finalize());
	return 0;
}
