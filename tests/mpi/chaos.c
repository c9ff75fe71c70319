/*
 * chaos.c - ranks that drift apart, and signals at any moment
 *
 *     mpirun -n N chaos SEED FOLDER [outside]
 *
 * Some episodes, one for each stop signal that there is (a signal counts for
 * the life of a process). In each the ranks run a loop whose steps are tied by
 * a pattern of messages and delayed by chance, up to 20 step times on one rank.
 * Then one, two or all ranks are signalled: by themselves between two calls, by
 * a timer wherever they are then, by a kill() of another rank, or ("outside")
 * by whoever started the program, who reads the pids on stdout.
 *
 * All ranks must stop at the same safe point and step, no later than S+1 safe
 * points after a signalled rank knows of its signal; the checkpoint must hold
 * that step's state on every rank, which every second episode resumes from.
 * chaos_loop.c is the program under test, this file its judge.
 */
#include "chaos.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keep_loaded.h"

static const struct {
	const char *name;
	int number;
} stops[] = {
	{ "TERM", SIGTERM }, { "USR1", SIGUSR1 },
	{ "USR2", SIGUSR2 }, { "INT", SIGINT },
};

#define STOPS (int)(sizeof(stops) / sizeof(stops[0]))

static const char *const patterns[] = { "chain", "ring", "halo", "allreduce" };
static const char *const ways[] = { "raise", "timer", "kill", "outside" };

static int rank, size;
static int64_t signals;		/* sent, on this rank's account */
static struct plan plan;

/* xorshift64*: the same on all ranks for a plan, one's own for delays. */
uint64_t chaos_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull >> 16;
}

void chaos_fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "chaos: rank %d of %d: %s, %s of rank %d at step %d, "
		"stride %d, lag %d: ", rank, size, patterns[plan.pattern],
		ways[plan.way], plan.target, (int)plan.at, plan.stride,
		plan.lag);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	MPI_Abort(MPI_COMM_WORLD, 1);
	abort();
}

void chaos_mpi(int result, const char *what)
{
	if (result != MPI_SUCCESS)
		chaos_fail("%s failed", what);
}

static int below(uint64_t *state, int n)
{
	return (int)(chaos_random(state) % (uint64_t)n);
}

static void draw_plan(uint64_t *state, int episode, int outside)
{
	static const int strides[] = { 0, 0, 1, 2, 3, 7, 16 };

	memset(&plan, 0, sizeof(plan));
	plan.pattern = (enum pattern)below(state, PATTERNS);
	plan.way = outside ? OUTSIDE : (enum way)below(state, OUTSIDE);
	plan.signal = stops[episode].number;
	plan.target = below(state, size);
	plan.second = below(state, 5) == 0 ? below(state, size) : -1;
	plan.all = below(state, 10) == 0;
	plan.at = 3 + below(state, 60);
	plan.save_at = below(state, 3) == 0 ? 1 + below(state, 60) : -1;
	plan.saver = below(state, size);
	plan.step_ns = 50000 + 1000 * below(state, 250);
	plan.slow = below(state, size);
	plan.stride = strides[below(state, 7)];
	plan.lag = below(state, 3) - 1;
	plan.resume = below(state, 2);
}

static int signalled(int r)
{
	if (plan.way == OUTSIDE)
		return r == plan.target;
	return plan.all || r == plan.target || r == plan.second;
}

static void expect_same(int64_t value, const char *what)
{
	int64_t mine[2] = { value, -value }, all[2];

	chaos_mpi(MPI_Allreduce(mine, all, 2, MPI_INT64_T, MPI_MAX,
				MPI_COMM_WORLD),
		  "MPI_Allreduce");
	if (all[0] != -all[1])
		chaos_fail("%s is %lld here, %lld to %lld on all", what,
			   (long long)value, (long long)-all[1],
			   (long long)all[0]);
}

static void must(rally_t *rp, int rc, const char *what)
{
	if (rc != 0)
		chaos_fail("%s: %s: %s", what, rally_strerror(rc),
			   rally_error(rp));
}

static rally_t *open_run(struct run *run, const char *dir, const char *stop)
{
	char text[12];
	rally_t *rp;

	must(NULL, rally_open(MPI_COMM_WORLD, dir, &rp), "rally_open");
	must(rp, rally_set(rp, "stop_signals", stop), "rally_set");
	must(rp, rally_set(rp, "save_signals", "XCPU"), "rally_set");
	snprintf(text, sizeof(text), "%d", plan.stride);
	must(rp, rally_set(rp, "stride", text), "rally_set");
	if (plan.lag >= 0)
		must(rp, rally_set(rp, "lag", plan.lag ? "1" : "0"),
		     "rally_set");
	must(rp, rally_add(rp, "sum", &run->sum, RALLY_I64, 1), "rally_add");
	return rp;
}

/* The sum is a function of the step alone: resumed or not. */
static void check_sum(const struct run *run, const char *when)
{
	int64_t expected = chaos_sum(plan.pattern, rank, size, run->step);

	if (run->sum != expected)
		chaos_fail("%s step %lld the sum is %lld, not %lld", when,
			   (long long)run->step, (long long)run->sum,
			   (long long)expected);
}

static void check_stop(rally_t *rp, const struct run *run)
{
	struct rally_status status;

	if (run->verdict != RALLY_STOP)
		chaos_fail("the verdict at step %lld is %d: %s",
			   (long long)run->step, run->verdict,
			   rally_error(rp));
	expect_same(run->points, "the safe point");
	expect_same(run->step, "the step");
	if (run->known >= 0 && run->points - run->known > run->stride + 1)
		chaos_fail("known after %lld safe points, stopped after %lld, "
			   "stride %lld", (long long)run->known,
			   (long long)run->points, (long long)run->stride);
	rally_status(rp, &status);
	if (status.saved_step != run->step)
		chaos_fail("stopped at step %lld, saved %lld",
			   (long long)run->step, (long long)status.saved_step);
	check_sum(run, "at");
}

/* What was saved is what each rank had. */
static void check_resume(const char *dir, const struct run *stopped)
{
	struct run run = { .plan = &plan };
	rally_t *rp = open_run(&run, dir, "");
	int how;

	must(rp, rally_restore(rp, &run.step, &how), "rally_restore");
	if (how != RALLY_RESUMED || run.step != stopped->step)
		chaos_fail("resumed %d at step %lld, not %lld", how,
			   (long long)run.step, (long long)stopped->step);
	check_sum(&run, "resumed at");
	must(rp, rally_close(rp), "rally_close");
}

static void episode(int number, const char *dir, const pid_t *pids)
{
	struct run run = { .plan = &plan, .rank = rank, .size = size,
			   .pids = pids, .known = -1, .signalled =
			   signalled(rank) };
	rally_t *rp = open_run(&run, dir, stops[number].name);
	int how, rc;

	must(rp, rally_restore(rp, &run.step, &how), "rally_restore");
	run.first = run.step;
	check_sum(&run, "began at");
	if (plan.way == OUTSIDE && rank == 0) {
		printf("signal %s %d\n", stops[number].name,
		       (int)pids[plan.target]);
		fflush(stdout);
	}
	chaos_loop(rp, &run);
	check_stop(rp, &run);
	rc = rally_close(rp);
	if (rc != RALLY_EUNFINISHED)
		chaos_fail("rally_close: %s", rally_strerror(rc));
	chaos_mpi(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier");
	if (plan.resume)
		check_resume(dir, &run);
	signals += run.signalled;
}

static void run_episodes(uint64_t seed, const char *folder, int outside)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
	pid_t me = getpid(), *pids = calloc((size_t)size, sizeof(*pids));
	char dir[4096];
	int part = 0, pattern = -1;

	if (!pids)
		chaos_fail("no memory");
	chaos_mpi(MPI_Allgather(&me, (int)sizeof(me), MPI_BYTE, pids,
				(int)sizeof(me), MPI_BYTE, MPI_COMM_WORLD),
		  "MPI_Allgather");
	for (int i = 0; i < STOPS; i++) {
		draw_plan(&state, i, outside);
		plan.seed = seed * 100 + (uint64_t)i;
		/* The sum depends on the pattern: another one starts anew. */
		if ((int)plan.pattern != pattern || below(&state, 2) == 0)
			part++;
		pattern = (int)plan.pattern;
		snprintf(dir, sizeof(dir), "%s/%d", folder, part);
		episode(i, dir, pids);
	}
	free(pids);
}

int main(int argc, char **argv)
{
	int64_t all = 0;

	rally_early();
	chaos_mpi(MPI_Init(&argc, &argv), "MPI_Init");
	chaos_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank");
	chaos_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
	if (argc < 3) {
		fprintf(stderr, "usage: chaos SEED FOLDER [outside]\n");
		MPI_Abort(MPI_COMM_WORLD, 64);
	}
	run_episodes(strtoull(argv[1], NULL, 10), argv[2], argc > 3);
	chaos_mpi(MPI_Reduce(&signals, &all, 1, MPI_INT64_T, MPI_SUM, 0,
			     MPI_COMM_WORLD),
		  "MPI_Reduce");
	if (rank == 0)
		printf("stops %d signals %lld\n", STOPS, (long long)all);
	chaos_mpi(MPI_Finalize(), "MPI_Finalize");
	return 0;
}
