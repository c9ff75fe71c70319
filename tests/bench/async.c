/*
 * async.c - what the program feels of saves that go on in the background
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define STEP_S 0.01
#define EVERY 50		/* steps */
#define STEPS 100		/* of a block: two saves, and time to end the second */
#define EVERY_TEXT "50"

/* One handle, the safe points of which it has passed, and where the next one is. */
struct loop {
	rally_t *rp;
	int64_t step;
};

static void open_loop(struct store *store, struct loop *loop, const char *name,
		      const char *async)
{
	loop->rp = ours_open(store, name, "1");
	loop->step = 0;
	bench_rally(loop->rp, rally_set(loop->rp, "stride", "1"));
	bench_rally(loop->rp, rally_set(loop->rp, "lag", "0"));
	ours_set(loop->rp, "recycle", "yes");
	ours_set(loop->rp, "async", async);
}

static void point(struct loop *loop)
{
	if (rally_point(loop->rp, loop->step) >= RALLY_STOP)
		bench_fail(rally_error(loop->rp));
}

/* Until the checkpoint of `step` stands; the steps do nothing meanwhile. */
static void await_save(struct loop *loop, int64_t step)
{
	struct rally_status status = { 0 };
	double from = bench_now();
	int all = 0;

	while (!all) {
		int stands;

		loop->step++;
		point(loop);
		bench_rally(NULL, rally_status(loop->rp, &status));
		stands = status.saved_step == step;
		bench_mpi(MPI_Allreduce(&stands, &all, 1, MPI_INT, MPI_MIN,
					MPI_COMM_WORLD));
		if (bench_slowest(bench_now() - from) > 60)
			bench_fail("a save that does not come to its end");
		usleep(1000);
	}
}

/*
 * The stall
 */

static double copy(struct store *store, char *to)
{
	double from;

	bench_barrier();
	from = bench_now();
	memcpy(to, store->data, store->size);
	return store_span(from, bench_now());
}

static double stall(struct store *store, struct loop *loop)
{
	double from, took;

	store_stamp(store, ++loop->step);
	if (store->bench->rank == 0)
		bench_rally(loop->rp, rally_request(loop->rp,
						    RALLY_WANT_SAVE));
	bench_barrier();
	from = bench_now();
	point(loop);
	took = store_span(from, bench_now());
	await_save(loop, loop->step);
	return took;
}

static void bench_stall(struct store *store, struct loop *async,
			struct loop *blocking)
{
	double copied[RUNS_MAX], stalled[RUNS_MAX], blocked[RUNS_MAX];
	const struct bench *bench = store->bench;
	int64_t bytes = (int64_t)store->size * bench->ranks;
	char *to = mmap(NULL, store->room, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (to == MAP_FAILED)
		bench_fail("mmap");
	memset(to, 1, store->room);
	for (int run = -1; run < bench->runs; run++) {
		int at = run < 0 ? 0 : run;

		if (run & 1)
			copied[at] = copy(store, to);
		stalled[at] = stall(store, async);
		if (!(run & 1))
			copied[at] = copy(store, to);
		blocked[at] = stall(store, blocking);
	}
	munmap(to, store->room);
	bench_line(bench, "memcpy", bytes, copied, 1e3, "ms", NULL, NULL, NULL);
	bench_line(bench, "blocking_stall", bytes, blocked, 1e3, "ms", copied,
		   "memcpy", NULL);
	bench_line(bench, "async_stall", bytes, stalled, 1e3, "ms", copied,
		   "memcpy", "\"goal\":1.15");
}

/*
 * The loop
 */

static volatile double sink;

static void compute(int64_t turns)
{
	double x = sink;

	for (int64_t i = 0; i < turns; i++)
		x = x * 0.999999 + 1e-6;
	sink = x;
}

static int64_t turns_of(double seconds)
{
	const int64_t turns = 2000000;
	double best = 1e9;

	for (int i = 0; i < 20; i++) {
		double from = bench_now(), took;

		compute(turns);
		took = bench_now() - from;
		best = took < best ? took : best;
	}
	return (int64_t)(seconds / bench_slowest(best) * (double)turns);
}

static double cpu(int who)
{
	struct rusage use;

	if (getrusage(who, &use) != 0)
		bench_fail("getrusage");
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* Seconds of a block, and of what other threads than this one used meanwhile, all
 * ranks together. */
static double block(struct store *store, struct loop *loop, int64_t turns,
		    double *others)
{
	double mine, all, from, took;

	/* The saves are due a quarter and three quarters through. */
	loop->step += EVERY - loop->step % EVERY + EVERY / 2;
	store_stamp(store, loop->step);
	mine = cpu(RUSAGE_SELF) - cpu(RUSAGE_THREAD);
	bench_barrier();
	from = bench_now();
	for (int i = 0; i < STEPS; i++) {
		compute(turns);
		loop->step++;
		point(loop);
	}
	took = store_span(from, bench_now());
	mine = cpu(RUSAGE_SELF) - cpu(RUSAGE_THREAD) - mine;
	bench_mpi(MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM,
				MPI_COMM_WORLD));
	*others = all;
	return took;
}

static void report_loop(const struct store *store, const double *none,
			const double *async, const double *blocking,
			const double *others, const double *copied)
{
	const struct bench *bench = store->bench;
	double lost = 0, beside = 0, writer = 0, copies = 0;
	double v[4][RUNS_MAX];
	struct bench_figure figure = {
		.name = "async_loop", .ranks = bench->ranks,
		.bytes = (int64_t)store->size * bench->ranks, .unit = "%",
		.against = "loop_without_saves"
	};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (cores > bench->ranks)
		cores = bench->ranks;
	for (int i = 0; i < bench->runs; i++) {
		v[0][i] = (async[i] / none[i] - 1) * 100;
		v[1][i] = (blocking[i] / none[i] - 1) * 100;
		v[2][i] = others[i] / (double)cores / none[i] * 100;
		v[3][i] = STEPS / EVERY * copied[i] / none[i] * 100;
	}
	lost = bench_median(v[0], bench->runs);
	beside = bench_median(v[1], bench->runs);
	writer = bench_median(v[2], bench->runs);
	copies = bench_median(v[3], bench->runs);
	figure.value = lost;
	figure.ratio = 1 + lost / 100;
	snprintf(figure.extra, sizeof(figure.extra),
		 "\"blocking\":%.3g,\"memcpy\":%.3g,\"writer_cpu\":%.3g,"
		 "\"beyond\":%.3g,\"goal\":5,\"step_ms\":10,\"every\":" EVERY_TEXT,
		 beside, copies, writer, lost - copies - writer);
	if (bench->rank == 0)
		bench_print(&figure);
}

static void bench_async_loop(struct store *store, struct loop *async,
			     struct loop *blocking)
{
	double with[3][RUNS_MAX], others[3][RUNS_MAX], copied[RUNS_MAX];
	struct loop none = { NULL, 0 }, *loops[3] = { &none, async, blocking };
	int64_t turns = turns_of(STEP_S);
	char *to = malloc(store->room);

	if (!to)
		bench_fail("malloc");
	memset(to, 1, store->room);
	open_loop(store, &none, "none", "no");
	for (int i = 1; i < 3; i++)
		bench_rally(loops[i]->rp, rally_set(loops[i]->rp, "every_steps",
						    EVERY_TEXT));
	for (int run = -1; run < store->bench->runs; run++) {
		int at = run < 0 ? 0 : run;

		for (int k = 0; k < 3; k++) {
			int i = run & 1 ? 2 - k : k;

			with[i][at] = block(store, loops[i], turns,
					    &others[i][at]);
		}
		copied[at] = copy(store, to);
	}
	free(to);
	report_loop(store, with[0], with[1], with[2], others[1], copied);
	bench_rally(NULL, rally_close(none.rp));
}

/* Where this version has no such saves there is nothing to tell. */
void bench_async(const struct bench *bench, const char *where, const char *top)
{
	struct loop async, blocking;
	struct store store;

	if (strcmp(where, "disk") != 0)
		return;
	store_open(&store, bench, where, top);
	open_loop(&store, &async, "async", "yes");
	open_loop(&store, &blocking, "blocking", "no");
	if (ours_set(async.rp, "async", "yes")) {
		bench_stall(&store, &async, &blocking);
		bench_async_loop(&store, &async, &blocking);
	} else if (bench->rank == 0) {
		fprintf(stderr, "bench: async_stall, async_loop: left out, there "
			"is no option 'async'\n");
	}
	bench_rally(NULL, rally_close(async.rp));
	bench_rally(NULL, rally_close(blocking.rp));
	store_close(&store);
}
