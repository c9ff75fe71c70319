/*
 * scale.c - the agreement from 2 to 1,000,000 ranks, one JSON object a line
 *
 *     make scale
 *
 * A model, see scale.h; scale_real.c measures on two ranks how far it can be
 * trusted. What it assumes of a machine is in nets[] and base below.
 *
 * scale_latency   ms from a request on any one rank to the verdict on the last
 *                 one; `points` are the safe points that the rank passes
 * scale_overhead  percent of a run's time that goes to the library
 */
#include "scale.h"

#include <stdio.h>
#include <stdlib.h>

#define RANK_STEPS 2e8	/* a case ends with as many, but not before */
#define ROUNDS_MIN 6
#define ROUNDS_MAX 300
#define REQUESTS 200

/* Small messages between two nodes: InfiniBand or Slingshot, and TCP. */
static const struct scale_net nets[] = {
	{ "fast", 1000, 400, 0.08, 800, 300 },
	{ "tcp", 15000, 5000, 0.8, 800, 300 },
};

static const struct scale_case base = {
	.jitter = 0.02, .noise_hz = 10, .noise_ns = 25000, .idle_ns = 3,
	.requests = REQUESTS, .seed = 20240229,
};

static const int sizes[] = { 2, 8, 64, 512, 4096, 32768, 262144, 1000000 };
static const double steps_ms[] = { 0.1, 1, 10, 100, 1000 };

/* A kind of application and machine. */
static const struct variant {
	const char *name;
	int net;
	enum scale_coupling coupling;
	int offload;
	double slow;
} variants[] = {
	{ "halo", 0, HALO, 0, 0 },
	{ "allreduce", 0, ALLREDUCE, 0, 0 },
	{ "loose", 0, LOOSE, 0, 0 },
	{ "offload", 0, HALO, 1, 0 },
	{ "slow rank", 0, HALO, 0, 1.2 },
	{ "tcp", 1, HALO, 0, 0 },
};

static void print(const struct scale_case *c, const struct scale_result *r,
		  const char *variant)
{
	printf("{\"bench\":\"scale_latency\",\"ranks\":%d,\"bytes\":%d,"
	       "\"value\":%.4g,\"unit\":\"ms\",\"ratio\":null,\"against\":null,"
	       "\"variant\":\"%s\",\"step_us\":%.4g,\"p50\":%.4g,\"max\":%.4g,"
	       "\"points_p50\":%d,\"points_max\":%d,\"stride\":%u,\"lag\":%u,"
	       "\"rounds\":%d}\n",
	       c->ranks, SCALE_BYTES, r->latency_p50 / 1e6, variant,
	       c->step_ns / 1e3, r->latency_p50 / 1e6, r->latency_max / 1e6,
	       r->points_p50, r->points_max, r->stride, r->lag, c->rounds);
	printf("{\"bench\":\"scale_overhead\",\"ranks\":%d,\"bytes\":%d,"
	       "\"value\":%.4g,\"unit\":\"%%\",\"ratio\":null,\"against\":null,"
	       "\"variant\":\"%s\",\"step_us\":%.4g,\"inside\":%.4g,"
	       "\"round_us\":%.4g}\n",
	       c->ranks, SCALE_BYTES, r->overhead * 100, variant,
	       c->step_ns / 1e3, r->inside * 100, r->round_ns / 1e3);
	fflush(stdout);
}

static int run(const struct variant *variant, int ranks, double step_ms)
{
	struct scale_case c = base;
	struct scale_result result;
	double stride = 50 / step_ms;
	double rounds;

	stride = stride < 1 ? 1 : stride > 64 ? 64 : stride;
	rounds = RANK_STEPS / ranks / stride;
	c.net = nets[variant->net];
	c.ranks = ranks;
	c.step_ns = step_ms * 1e6;
	c.coupling = variant->coupling;
	c.offload = variant->offload;
	c.slow = variant->slow;
	c.rounds = rounds < ROUNDS_MIN ? ROUNDS_MIN
		   : rounds > ROUNDS_MAX ? ROUNDS_MAX : (int)rounds;
	if (scale_run(&c, &result) != 0)
		return -1;
	print(&c, &result, variant->name);
	return 0;
}

int main(void)
{
	for (size_t v = 0; v < sizeof(variants) / sizeof(*variants); v++)
		for (size_t n = 0; n < sizeof(sizes) / sizeof(*sizes); n++)
			for (size_t s = 0; s < sizeof(steps_ms) / sizeof(*steps_ms); s++)
				if (run(&variants[v], sizes[n], steps_ms[s])) {
					perror("scale");
					return 1;
				}
	return 0;
}
