/*
 * chaos.c - ranks that drift apart, and storms of signals at any moment
 *
 *     mpirun -n N chaos SEED FOLDER [outside]
 *
 * Some episodes, one for each stop signal that there is (a signal counts for
 * the life of a process). In each the ranks run a loop whose steps are tied by
 * a pattern of messages and delayed by chance, up to 20 step times on one rank.
 * Storms of 1 to 20 signals come over it: some that ask for saves, then one
 * that stops it. A signal is raised by the rank itself between two calls, or
 * while a save that it takes part in is under way, sent by a timer wherever the
 * rank is then, by a kill() of another rank, or ("outside") by whoever started
 * the program, who reads the pids on stdout. What a storm has left when the run
 * stops comes during its rally_close().
 *
 * Each rank counts its signals in a handler of its own. For one that is known
 * at a safe point a verdict must come no later than S+1 safe points on: STOP,
 * or SAVED for a save signal; none without cause; at the same safe point and
 * step on all ranks, with that step saved. A save signal that comes after a
 * save has taken down what it answers wants another one; a stop that comes
 * before the save's last vote takes that save for its own. Every second episode
 * is resumed from its stop, and each rank must find what it had there.
 */
#include "chaos.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "keep_loaded.h"

static const int stops[] = { SIGTERM, SIGUSR1, SIGUSR2, SIGINT };

#define STOPS (int)(sizeof(stops) / sizeof(stops[0]))

static const char *const patterns[] = { "chain", "ring", "halo", "allreduce" };
static const struct run *now;	/* for the words of a failure */

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
	char storm[2000] = "before all storms";
	va_list ap;

	fprintf(stderr, "chaos: ");
	if (now) {
		const struct plan *plan = now->plan;

		chaos_storm_describe(now, storm, sizeof(storm));
		fprintf(stderr, "rank %d of %d at step %lld, %s, stride %d, "
			"lag %d, %s: ", now->crew->rank, now->crew->size,
			(long long)now->step, patterns[plan->pattern],
			plan->stride, plan->lag, storm);
	}
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

int chaos_below(uint64_t *state, int n)
{
	return (int)(chaos_random(state) % (uint64_t)n);
}

static struct plan draw_plan(uint64_t *state, int episode, int size)
{
	static const int strides[] = { 0, 0, 1, 2, 3, 7, 16 };
	struct plan plan = { .signal = stops[episode] };

	plan.pattern = (enum pattern)chaos_below(state, PATTERNS);
	plan.saves = chaos_below(state, 9);
	plan.step_ns = 50000 + 1000 * chaos_below(state, 250);
	plan.slow = chaos_below(state, size);
	plan.stride = strides[chaos_below(state, 7)];
	plan.lag = chaos_below(state, 3) - 1;
	plan.file = chaos_below(state, 2);
	plan.resume = chaos_below(state, 2);
	return plan;
}

static void must(rally_t *rp, int rc, const char *what)
{
	if (rc != 0)
		chaos_fail("%s: %s: %s", what, rally_strerror(rc),
			   rally_error(rp));
}

void chaos_check_sum(const struct run *run, int64_t sum, int64_t step,
		     const char *when)
{
	int64_t expected = chaos_sum(run->plan->pattern, run->crew->rank,
				     run->crew->size, step);

	if (sum != expected)
		chaos_fail("%s step %lld the sum is %lld, not %lld", when,
			   (long long)step, (long long)sum,
			   (long long)expected);
}

/* The program's own file: it holds the sum too. */
static int on_file(const char *path, enum rally_file_op op, int64_t step,
		   void *arg)
{
	struct run *run = arg;
	int64_t sum = run->sum;
	FILE *file = fopen(path, op == RALLY_FILE_WRITE ? "w" : "r");
	size_t n;

	if (!file)
		return 1;
	if (op == RALLY_FILE_WRITE) {
		run->in_file = 1;
		run->file_saves = chaos_heard(SAVE_SIGNAL);
		chaos_storm_in_save(run);
		run->file_stops = chaos_heard(run->plan->signal);
		n = fwrite(&sum, sizeof(sum), 1, file);
	} else {
		n = fread(&sum, sizeof(sum), 1, file);
		chaos_check_sum(run, sum, step, "in the file of");
	}
	return fclose(file) != 0 || n != 1;
}

static rally_t *open_run(struct run *run, const char *dir, const char *stop)
{
	const struct plan *plan = run->plan;
	char text[12];
	rally_t *rp;

	must(NULL, rally_open(MPI_COMM_WORLD, dir, &rp), "rally_open");
	must(rp, rally_set(rp, "stop_signals", stop), "rally_set");
	must(rp, rally_set(rp, "save_signals", "XCPU"), "rally_set");
	snprintf(text, sizeof(text), "%d", plan->stride);
	must(rp, rally_set(rp, "stride", text), "rally_set");
	if (plan->lag >= 0)
		must(rp, rally_set(rp, "lag", plan->lag ? "1" : "0"),
		     "rally_set");
	must(rp, rally_add(rp, "sum", &run->sum, RALLY_I64, 1), "rally_add");
	if (plan->file)
		must(rp, rally_file(rp, "file", RALLY_FILE_PRIVATE, on_file,
				    run),
		     "rally_file");
	return rp;
}

/* What was saved is what each rank had. */
static void check_resume(const char *dir, const struct run *stopped)
{
	struct run run = { .plan = stopped->plan, .crew = stopped->crew };
	rally_t *rp = open_run(&run, dir, "");
	int how;

	must(rp, rally_restore(rp, &run.step, &how), "rally_restore");
	if (how != RALLY_RESUMED || run.step != stopped->step)
		chaos_fail("resumed %d at step %lld, not %lld", how,
			   (long long)run.step, (long long)stopped->step);
	chaos_check_sum(&run, run.sum, run.step, "resumed at");
	must(rp, rally_close(rp), "rally_close");
}

static void episode(const struct plan *plan, struct crew *crew, const char *dir)
{
	struct run run = { .plan = plan, .crew = crew, .luck = plan->seed };
	rally_t *rp = open_run(&run, dir, chaos_signal_name(plan->signal));
	int how, rc;

	must(rp, rally_restore(rp, &run.step, &how), "rally_restore");
	chaos_check_sum(&run, run.sum, run.step, "began at");
	now = &run;
	chaos_loop(rp, &run);
	chaos_storm_rest(&run);
	rc = rally_close(rp);
	if (rc != RALLY_EUNFINISHED)
		chaos_fail("rally_close: %s", rally_strerror(rc));
	chaos_await(&run);
	chaos_mpi(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier");
	if (plan->resume)
		check_resume(dir, &run);
	now = NULL;
}

static void run_episodes(uint64_t seed, struct crew *crew)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
	struct plan plan, before = { .pattern = PATTERNS };
	char dir[4096];
	int part = 0;

	for (int i = 0; i < STOPS; i++) {
		plan = draw_plan(&state, i, crew->size);
		plan.seed = seed * 100 + (uint64_t)i + 1;
		/* What is saved depends on these: others start anew. */
		if (plan.pattern != before.pattern ||
		    plan.file != before.file || chaos_below(&state, 2) == 0)
			part++;
		before = plan;
		snprintf(dir, sizeof(dir), "%s/%d", crew->folder, part);
		episode(&plan, crew, dir);
	}
}

static void meet(struct crew *crew)
{
	pid_t me = getpid();

	chaos_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &crew->rank), "MPI_Comm_rank");
	chaos_mpi(MPI_Comm_size(MPI_COMM_WORLD, &crew->size), "MPI_Comm_size");
	crew->pids = calloc((size_t)crew->size, sizeof(*crew->pids));
	if (!crew->pids)
		chaos_fail("no memory");
	chaos_mpi(MPI_Allgather(&me, (int)sizeof(me), MPI_BYTE, crew->pids,
				(int)sizeof(me), MPI_BYTE, MPI_COMM_WORLD),
		  "MPI_Allgather");
	chaos_make_board(crew);
}

static void report(const struct crew *crew)
{
	int64_t longest = 0;

	chaos_mpi(MPI_Reduce(&crew->longest, &longest, 1, MPI_INT64_T, MPI_MAX,
			     0, MPI_COMM_WORLD),
		  "MPI_Reduce");
	if (crew->rank == 0)
		printf("storms %lld %lld signals %lld outside %lld commits "
		       "%lld longest %lld\n", (long long)crew->stops,
		       (long long)crew->saves, (long long)crew->signals,
		       (long long)crew->from_outside, (long long)crew->commits,
		       (long long)longest);
}

int main(int argc, char **argv)
{
	struct crew crew = { .outside = argc > 3 };

	chaos_listen();
	rally_early();
	chaos_mask(SIG_BLOCK);
	chaos_mpi(MPI_Init(&argc, &argv), "MPI_Init");
	chaos_mask(SIG_UNBLOCK);
	if (argc < 3) {
		fprintf(stderr, "usage: chaos SEED FOLDER [outside]\n");
		MPI_Abort(MPI_COMM_WORLD, 64);
	}
	crew.folder = argv[2];
	meet(&crew);
	run_episodes(strtoull(argv[1], NULL, 10), &crew);
	report(&crew);
	free(crew.pids);
	chaos_mpi(MPI_Finalize(), "MPI_Finalize");
	return 0;
}
