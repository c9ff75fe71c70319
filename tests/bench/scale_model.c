#include "scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "group/agree.h"

#define WARM_UP 4		/* rounds that are not counted: the first ones
				   know no step time */
#define TABLE_BITS 20
#define TABLE (1 << TABLE_BITS)

struct sim {
	const struct scale_case *c;
	int n;
	double *with, *without;	/* the clocks: with the library, and the same
				   steps without it */
	double *asked;		/* entry of the start before the last */
	double *entered;	/* ... of the last start */
	double *started;	/* its end */
	double *up, *down;	/* when a rank has the result of the ranks below
				   it, and of all */
	double *left, *computed;	/* as in struct rp_agree */
	float *table;		/* lengths of a step by chance, mean about 1 */
	uint64_t random;
	struct rp_agree agree;
	struct rp_options options;
	uint64_t start_before;	/* index of the start before the last */
	double step_ns;		/* what the last start's ballots came to */
	double *latency, *points;	/* of the requests so far */
	int found;
	double inside, rounds_ns;	/* sums since the warm-up */
	double from, from_without;	/* the clocks when that was over */
};

static uint64_t draw(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* In (0, 1]. */
static double uniform(uint64_t *state)
{
	return ((double)(draw(state) >> 11) + 1) / 9007199254740992.0;
}

static double normal(uint64_t *state)
{
	double r = sqrt(-2 * log(uniform(state)));

	return r * cos(6.283185307179586 * uniform(state));
}

/* One step's length by chance: the spread of the work, and interruptions. */
static double one_length(const struct scale_case *c, uint64_t *state)
{
	double length = 1 + c->jitter * normal(state);
	double at = 0, end = c->step_ns * c->noise_hz / 1e9;

	while ((at -= log(uniform(state))) < end)
		length -= log(uniform(state)) * c->noise_ns / c->step_ns;
	return length > 0.1 ? length : 0.1;
}

static double largest(const double *values, int n)
{
	double most = values[0];

	for (int i = 1; i < n; i++)
		most = values[i] > most ? values[i] : most;
	return most;
}

static double mean(const double *values, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += values[i];
	return sum / n;
}

/* A message from its sender's hand to its receiver's. */
static double flight(const struct sim *sim)
{
	return sim->c->net.L + SCALE_BYTES * sim->c->net.G;
}

/*
 * The application's step.
 */

static void play(struct sim *sim)
{
	const struct scale_case *c = sim->c;
	int at = (int)(sim->agree.index % (uint64_t)c->played);

	for (int v = 0; v < sim->n; v++) {
		double took = c->steps[v * c->played + at];

		sim->with[v] += took;
		sim->without[v] += took;
	}
}

static void compute(struct sim *sim)
{
	const struct scale_case *c = sim->c;
	uint64_t bits = 0;

	for (int v = 0; v < sim->n; v++) {
		double took;

		if (v % 3 == 0)
			bits = draw(&sim->random);
		took = c->step_ns * (double)sim->table[bits & (TABLE - 1)];
		bits >>= TABLE_BITS;
		if (v == sim->n / 2 && c->slow > 0)
			took *= c->slow;
		sim->with[v] += took;
		sim->without[v] += took;
	}
}

static double later(double a, double b)
{
	return a > b ? a : b;
}

/* Ranks are a ring; a rank goes on when it has what both neighbours sent. */
static void exchange(const struct sim *sim, double *clock)
{
	double o = sim->c->net.o, way = flight(sim);
	double first = clock[0], before = clock[sim->n - 1];

	for (int v = 0; v < sim->n; v++) {
		double mine = clock[v];
		double after = v + 1 < sim->n ? clock[v + 1] : first;

		clock[v] = later(mine, later(before, after) + way) + 4 * o;
		before = mine;
	}
}

/* All ranks wait for it, so only its depth counts. */
static void reduce_all(const struct sim *sim, double *clock)
{
	double end = largest(clock, sim->n);

	for (int reach = 1; reach < sim->n; reach *= 2)
		end += 2 * (flight(sim) + 2 * sim->c->net.o);
	for (int v = 0; v < sim->n; v++)
		clock[v] = end;
}

static void couple(const struct sim *sim, double *clock)
{
	if (sim->c->coupling == HALO)
		exchange(sim, clock);
	else if (sim->c->coupling == ALLREDUCE)
		reduce_all(sim, clock);
}

/*
 * A round.
 */

/* When rank v looks at what came at `when`: in the call that starts the round,
 * or in the one that completes it, which it enters at with[v]. */
static double looks(const struct sim *sim, int v, double when)
{
	if (when <= sim->started[v])
		return sim->started[v];
	return sim->c->offload ? when : later(when, sim->with[v]);
}

static void enter(struct sim *sim)
{
	for (int v = 0; v < sim->n; v++)
		sim->computed[v] += sim->with[v] - sim->left[v];
}

static void leave(struct sim *sim)
{
	memcpy(sim->left, sim->with, (size_t)sim->n * sizeof(*sim->left));
	sim->agree.due = sim->agree.in_flight ? sim->agree.complete_at
					      : sim->agree.start_at;
}

static void start(struct sim *sim)
{
	uint64_t points = sim->agree.index - sim->agree.started_at;
	double *old = sim->asked;

	sim->step_ns = largest(sim->computed, sim->n) / (double)points;
	sim->asked = sim->entered;
	sim->entered = old;
	for (int v = 0; v < sim->n; v++) {
		sim->entered[v] = sim->with[v];
		sim->with[v] += sim->c->net.start;
		sim->started[v] = sim->with[v];
		sim->computed[v] = 0;
	}
	sim->start_before = sim->agree.started_at;
	sim->agree.in_flight = 1;
	sim->agree.started_at = sim->agree.index;
	sim->agree.complete_at = sim->agree.index + sim->agree.lag;
	rp_sites_start(&sim->agree.sites, sim->agree.index);
}

/* A rank takes its children's messages one after the other, then sends. */
static void tree_up(struct sim *sim)
{
	double o = sim->c->net.o, way = flight(sim);

	memcpy(sim->up, sim->started, (size_t)sim->n * sizeof(*sim->up));
	for (int half = 1; half < sim->n; half *= 2)
		for (int v = 0; v + half < sim->n; v += 2 * half) {
			double came = sim->up[v + half] + o + way;

			sim->up[v] = looks(sim, v, later(sim->up[v], came)) + o;
		}
}

/* Rank w hears from w without its highest bit. `up` becomes the time when a
 * rank has sent what it had to. */
static void tree_down(struct sim *sim)
{
	double o = sim->c->net.o, way = flight(sim);
	int reach = 1;

	sim->down[0] = sim->up[0];
	for (int v = 0; v < sim->n; v++) {
		double sent = sim->down[v];

		while (reach <= v)
			reach *= 2;
		for (int far = reach; far < sim->n - v; far *= 2) {
			sent += o;
			sim->down[v + far] = looks(sim, v + far, sent + way) + o;
		}
		sim->up[v] = sent;
	}
}

/* Requests at any moment between two starts, each on any rank. */
static void ask(struct sim *sim, double verdict)
{
	const struct scale_case *c = sim->c;
	double gap = (double)(sim->agree.started_at - sim->start_before);
	double lag = (double)(sim->agree.complete_at - sim->agree.started_at);
	int want = (c->requests - 1) / c->rounds + 1;

	for (; want > 0 && sim->found < c->requests; want--, sim->found++) {
		int v = (int)(draw(&sim->random) % (uint64_t)sim->n);
		double part = uniform(&sim->random);
		double passed = ceil(part * gap) - 1;

		sim->latency[sim->found] =
			verdict - sim->asked[v] -
			part * (sim->entered[v] - sim->asked[v]);
		sim->points[sim->found] = gap - passed + lag;
	}
}

static void finish(struct sim *sim)
{
	struct rp_tally tally = { .step_min = (int64_t)sim->agree.started_at,
				  .step_ns = (int64_t)sim->step_ns };
	double last = largest(sim->with, sim->n), end;

	tree_up(sim);
	tree_down(sim);
	for (int v = 0; v < sim->n; v++)
		sim->with[v] = later(sim->with[v], sim->up[v]) +
			       sim->c->net.finish;
	end = largest(sim->with, sim->n);
	if (sim->agree.rounds >= WARM_UP) {
		ask(sim, end);
		sim->rounds_ns += end - last + sim->c->net.start;
	}
	/* A run doubles its way there in its first second. */
	if (sim->agree.rounds < WARM_UP)
		sim->agree.stride = (uint32_t)sim->options.stride_max;
	sim->agree.in_flight = 0;
	sim->agree.rounds++;
	rp_agree_plan(&sim->agree, &tally, &sim->options, 0);
}

/* As run_point() of flow/point.c. */
static void point(struct sim *sim)
{
	struct rp_agree *agree = &sim->agree;
	double entered = mean(sim->with, sim->n);

	enter(sim);
	if (agree->in_flight && agree->index >= agree->complete_at)
		finish(sim);
	if (!agree->in_flight && agree->index >= agree->start_at) {
		start(sim);
		if (agree->lag == 0)
			finish(sim);
	}
	leave(sim);
	if (agree->rounds > WARM_UP)
		sim->inside += mean(sim->with, sim->n) - entered;
}

/* How far the run would be without the library. Ranks that never meet do not
 * wait for the one that happened to be slow: there the mean is what counts. */
static double alone(const struct sim *sim)
{
	return sim->c->coupling == LOOSE ? mean(sim->without, sim->n)
					 : largest(sim->without, sim->n);
}

static double together(const struct sim *sim)
{
	return largest(sim->with, sim->n);
}

static void pass(struct sim *sim)
{
	if (++sim->agree.index < sim->agree.due) {
		for (int v = 0; v < sim->n; v++)
			sim->with[v] += sim->c->idle_ns;
		sim->inside += sim->c->idle_ns;
	} else {
		point(sim);
	}
}

static void loop(struct sim *sim)
{
	uint64_t end = (uint64_t)sim->c->rounds + WARM_UP;
	int warm = 0;

	for (pass(sim); sim->agree.rounds < end; pass(sim)) {
		if (!warm && sim->agree.rounds == WARM_UP) {
			warm = 1;
			sim->from = together(sim);
			sim->from_without = alone(sim);
			sim->inside = 0;
		}
		sim->c->steps ? play(sim) : compute(sim);
		couple(sim, sim->with);
		couple(sim, sim->without);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void conclude(struct sim *sim, struct scale_result *result)
{
	double took = together(sim) - sim->from;
	double without = alone(sim) - sim->from_without;
	size_t found = (size_t)sim->found;

	qsort(sim->latency, found, sizeof(*sim->latency), by_value);
	qsort(sim->points, found, sizeof(*sim->points), by_value);
	result->latency_p50 = sim->latency[found / 2];
	result->latency_max = sim->latency[found - 1];
	result->points_p50 = (int)sim->points[found / 2];
	result->points_max = (int)sim->points[found - 1];
	result->overhead = (took - without) / without;
	result->inside = sim->inside / took;
	result->round_ns = sim->rounds_ns / sim->c->rounds;
	result->stride = sim->agree.stride;
	result->lag = sim->agree.lag;
}

static int prepare(struct sim *sim)
{
	double **arrays[] = { &sim->with, &sim->without, &sim->asked,
			      &sim->entered, &sim->started, &sim->up,
			      &sim->down, &sim->left, &sim->computed };
	size_t requests = (size_t)sim->c->requests;
	struct rp_err err = { 0 };

	for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
		if (!(*arrays[i] = calloc((size_t)sim->n, sizeof(double))))
			return -1;
	sim->latency = calloc(requests, sizeof(double));
	sim->points = calloc(requests, sizeof(double));
	sim->table = calloc(TABLE, sizeof(float));
	if (!sim->latency || !sim->points || !sim->table ||
	    rp_agree_init(&sim->agree, &err) != 0)
		return -1;
	/* One loop, from the first safe point on. */
	rp_sites_enter(&sim->agree.sites, "loop", 1, 0);
	for (int i = 0; i < TABLE; i++)
		sim->table[i] = (float)one_length(sim->c, &sim->random);
	rp_options_init(&sim->options);
	sim->options.lag = sim->c->lag;
	sim->options.stride = sim->c->stride;
	return 0;
}

int scale_run(const struct scale_case *c, struct scale_result *result)
{
	struct sim sim = { .c = c, .n = c->ranks, .random = c->seed };
	struct rp_comm comm = { 0 };
	int rc = prepare(&sim);

	memset(result, 0, sizeof(*result));
	if (rc == 0) {
		loop(&sim);
		conclude(&sim, result);
	}
	rp_agree_free(&sim.agree, &comm);
	free(sim.with);
	free(sim.without);
	free(sim.asked);
	free(sim.entered);
	free(sim.started);
	free(sim.up);
	free(sim.down);
	free(sim.left);
	free(sim.computed);
	free(sim.latency);
	free(sim.points);
	free(sim.table);
	return rc;
}
