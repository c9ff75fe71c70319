/*
 * struck.c - heat, with a SIGTERM that comes at a phase of the test's choice
 *
 * A signal from outside hits a short phase by luck only. This is the example
 * itself, with its calls of the library and of MPI_Init led through here, where
 * one rank sends the signal to itself:
 *
 *     STRIKE=init      inside of MPI_Init, STRIKE_AT milliseconds after its start
 *     STRIKE=step      in the work of step STRIKE_AT
 *     STRIKE=save      while the shards of the save of step STRIKE_AT are written
 *     STRIKE=restore   as step, and once more while the next start restores
 *     STRIKE=close     inside of rally_close(), while it waits for other ranks
 *     STRIKE=slow      none; but the save of step STRIKE_AT takes STRIKE_MS more, so
 *                      that others can strike it. -1: each, but those of multiples
 *                      of STRIKE_BUT, where periodic ones are
 *     STRIKE_RANK      which rank; 0
 *
 * Only in the job's first start, but for the second one of `restore`; in each
 * start where STRIKE_ALWAYS is set. Each time
 * the rank says so on stderr, or that the phase was over before the signal.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mpi.h>
#include <rallypoint.h>

#define CLOSE_MS 200		/* from rally_close()'s start to the signal */
#define LATE_MS (2 * CLOSE_MS)	/* how late other ranks come to it */

static timer_t timer;

static long number(const char *name)
{
	const char *text = getenv(name);

	return text ? atol(text) : 0;
}

/* From Slurm, so that it is known before MPI_Init. */
static int here(void)
{
	return number("SLURM_PROCID") == number("STRIKE_RANK");
}

static int phase_is(const char *phase)
{
	const char *chosen = getenv("STRIKE");

	return chosen && strcmp(chosen, phase) == 0;
}

static int start_is(long start)
{
	return getenv("STRIKE_ALWAYS") ||
	       number("SLURM_RESTART_COUNT") == start;
}

static void announce(const char *what)
{
	fprintf(stderr, "struck: rank %ld: %s\n", number("STRIKE_RANK"), what);
}

static void strike(const char *phase)
{
	raise(SIGTERM);
	announce(phase);
}

static void wait_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		continue;
}

/* For calls that can't be entered: the kernel sends it while they run. */
static void strike_after(long ms)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGTERM };
	struct itimerspec when = { .it_value = { ms / 1000,
						 ms % 1000 * 1000000 } };

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
	    timer_settime(timer, 0, &when, NULL) != 0)
		announce("no timer");
}

static void stop_timer(const char *phase)
{
	struct itimerspec left = { 0 };

	timer_gettime(timer, &left);
	timer_delete(timer);
	announce(left.it_value.tv_sec || left.it_value.tv_nsec ? "too late" : phase);
}

static int struck_init(int *argc, char ***argv)
{
	int now = phase_is("init") && start_is(0) && here();
	int rc;

	if (now)
		strike_after(number("STRIKE_AT"));
	rc = MPI_Init(argc, argv);
	if (now)
		stop_timer("init");
	return rc;
}

static int save_is_slow(int64_t step)
{
	long at = number("STRIKE_AT"), but = number("STRIKE_BUT");

	if (!phase_is("slow") || !start_is(0))
		return 0;
	return at == -1 ? but == 0 || step % but != 0 : step == at;
}

/* A file of the program's own brings this code into saves and restores. */
static int in_save(const char *path, enum rally_file_op op, int64_t step,
		   void *arg)
{
	FILE *f;

	(void)arg;
	if (op == RALLY_FILE_READ) {
		if (phase_is("restore") && start_is(1) && here())
			strike("restore");
		return 0;
	}
	if (phase_is("save") && start_is(0) && here() &&
	    step == number("STRIKE_AT"))
		strike("save");
	if (save_is_slow(step)) {
		if (here())
			announce("a slow save");
		wait_ms(number("STRIKE_MS"));
	}
	f = fopen(path, "w");
	return f && fclose(f) == 0 ? 0 : -1;
}

static int struck_restore(rally_t *rp, int64_t *step, int *how)
{
	int rc = rally_file(rp, "struck", RALLY_FILE_PRIVATE, in_save, NULL);

	return rc ? rc : rally_restore(rp, step, how);
}

/* What heat does after its safe point is the work of that step. */
static int struck_point(rally_t *rp, int64_t step, const char *file, int line)
{
	int verdict = rally_point_at(rp, step, file, line);

	if ((phase_is("step") || phase_is("restore")) && start_is(0) &&
	    step == number("STRIKE_AT") && here())
		strike("step");
	return verdict;
}

static int struck_close(rally_t *rp)
{
	int chosen = phase_is("close") && start_is(0), rc;

	if (chosen && here())
		strike_after(CLOSE_MS);
	else if (chosen)
		wait_ms(LATE_MS);
	rc = rally_close(rp);
	if (chosen && here())
		stop_timer("close");
	return rc;
}

#define MPI_Init struck_init
#define rally_restore struck_restore
#define rally_point_at struck_point
#define rally_close struck_close
#include "../../examples/heat.c"
