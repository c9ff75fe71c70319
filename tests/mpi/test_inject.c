/*
 * test_inject.c - each call on the folder fails once, on rank 0 and on another
 *
 * Whatever fails: all ranks get the same code from each call, nobody waits for
 * ever (run_mpi's limit would tell), the run goes on, and what a clean start
 * finds afterwards is the last step whose save went well, whole.
 *
 * So do the calls of saves in the background, and what the program calls meanwhile.
 *
 * On two ranks each call fails in each way; where saves are in the background one in
 * three, with RUN_LONG=1 all. On four, RUN_LONG=1 does the same, else one call in
 * three fails in a way that SEED chooses. With MT_SHARE=n one in 3n on both.
 *
 * ranks: 2 4
 * limit: 900
 * folder: memory
 */
#include <unistd.h>

#include "mpi_state.h"

static const char *const kinds[] = { "EIO",   "ENOSPC", "EDQUOT", "EINTR",
				     "short", "lost",	"EACCES" };

#define SOME_CALLS 40	/* where how many are made before the stop is chance */

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What must go well all the same. */
static int is_harmless(const char *kind)
{
	return !strcmp(kind, "EINTR") || !strcmp(kind, "short") ||
	       !strcmp(kind, "lost");
}

/* One run: `fault` and `log` may be NULL. Tells in `stands` which step a clean
 * start has to find. */
typedef void run_fn(const char *dir, const char *fault, const char *log,
		    int64_t *stands);

static int may_have(int code, int harmless)
{
	mt_same(code);
	if (harmless && code != 0)
		fprintf(stderr, "rank %d: %s\n", mt_rank, rally_strerror(code));
	assert_true(!harmless || code == 0);
	return code;
}

static void save(rally_t *rp, int64_t step, int harmless, int64_t *stands)
{
	int code;

	ms_fill(step);
	code = may_have(rally_save(rp, step), harmless);
	assert_true(code == 0 || *rally_error(rp) != '\0');
	if (code == 0 || code == RALLY_EUNCONFIRMED)
		*stands = step;
}

/* In the background: the program goes on, and all learn of its end at one safe
 * point. */
static void save_behind(rally_t *rp, int64_t step, int harmless, int64_t *stands)
{
	int passed = 0, code;

	ms_fill(step);
	code = may_have(rally_save(rp, step), harmless);
	ms_forget();
	/* A writer's turn may be long in coming on a machine that has much to do. */
	while (mt_status(rp).saving && ++passed < 100000) {
		assert_true(rally_point(rp, step) < RALLY_STOP);
		usleep(100);
	}
	mt_same(passed);
	*stands = mt_status(rp).saved_step;
	mt_same(*stands);
	if (*stands == step)
		return;
	assert_false(harmless);
	assert_true(code != 0 || *rally_error(rp) != '\0');
}

typedef void save_fn(rally_t *rp, int64_t step, int harmless, int64_t *stands);

/* The whole life of a handle: open, restore, two saves that each prune, a
 * finish and the close. A program whose restore fails does not go on. */
static void live_with(save_fn *save_it, const char *dir, const char *fault,
		      const char *log, int64_t *stands)
{
	int harmless = !fault || is_harmless(strstr(fault, "do=") + 3);
	int64_t step = -1;
	int how = -1, code;
	rally_t *rp;

	mt_option("RALLY_FAULT", fault);
	mt_option("RALLY_FAULT_LOG", log);
	mt_option("RALLY_KEEP", "1");
	code = rally_open(MPI_COMM_WORLD, dir, &rp);
	if (may_have(code, harmless) == 0) {
		ms_add(rp);
		ms_forget();
		code = may_have(rally_restore(rp, &step, &how), harmless);
		if (code == 0) {
			assert_int_equal(how, RALLY_RESUMED);
			assert_int_equal(step, 1);
			ms_check(1);
			assert_int_equal(rally_point(rp, 1), RALLY_GO);
			save_it(rp, 2, harmless, stands);
			assert_int_equal(rally_point(rp, 2), RALLY_GO);
			save_it(rp, 3, harmless, stands);
			may_have(rally_finish(rp, 3), harmless);
		}
	}
	may_have(rally_close(rp), harmless);
	mt_option("RALLY_FAULT", NULL);
	mt_option("RALLY_FAULT_LOG", NULL);
	mt_option("RALLY_KEEP", NULL);
	mt_barrier();
}

static void live(const char *dir, const char *fault, const char *log,
		 int64_t *stands)
{
	live_with(save, dir, fault, log, stands);
}

static void live_behind(const char *dir, const char *fault, const char *log,
			int64_t *stands)
{
	mt_option("RALLY_ASYNC", "yes");
	live_with(save_behind, dir, fault, log, stands);
	mt_option("RALLY_ASYNC", NULL);
}

/* A stop survives whatever happens to a save that is being written. */
static void stop_behind(const char *dir, const char *fault, const char *log,
			int64_t *stands)
{
	int verdict = RALLY_GO;
	rally_t *rp;

	ms_resume(dir, 1, 1, &rp);
	mt_code(rp, rally_set(rp, "keep", "1"), 0);
	mt_code(rp, rally_set(rp, "async", "yes"), 0);
	mt_code(rp, rally_set(rp, "fault_log", log ? log : ""), 0);
	mt_code(rp, rally_set(rp, "fault", fault ? fault : ""), 0);
	ms_fill(2);
	mt_code(rp, rally_save(rp, 2), 0);
	ms_fill(3);
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	for (int i = 0; i < 9 && verdict < RALLY_STOP; i++)
		verdict = rally_point(rp, 3);
	assert_int_equal(verdict, RALLY_STOP);
	assert_int_equal(mt_status(rp).saved_step, 3);
	*stands = 3;
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	mt_barrier();
}

/* A stop survives any one failure: its save is tried again. */
static void stop(const char *dir, const char *fault, const char *log,
		 int64_t *stands)
{
	int verdict = RALLY_GO;
	rally_t *rp;

	ms_resume(dir, 1, 1, &rp);
	mt_code(rp, rally_set(rp, "keep", "1"), 0);
	mt_code(rp, rally_set(rp, "fault_log", log ? log : ""), 0);
	mt_code(rp, rally_set(rp, "fault", fault ? fault : ""), 0);
	ms_fill(2);
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	for (int i = 0; i < 9 && verdict == RALLY_GO; i++)
		verdict = rally_point(rp, 2);
	assert_int_equal(verdict, RALLY_STOP);
	mt_same(mt_status(rp).saved_step);
	if (!fault || !strstr(fault, "EACCES"))
		assert_int_equal(mt_status(rp).saved_step, 2);
	*stands = mt_status(rp).saved_step;
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	mt_barrier();
}

/* Lines of a rank in a journal, of its program or its background saves. */
static int count_calls(const char *log, int rank, int writer)
{
	char *line = NULL;
	size_t size = 0;
	int n = 0;
	FILE *file = fopen(log, "r");

	assert_non_null(file);
	while (getline(&line, &size, file) > 0)
		n += atoi(line) == rank &&
		     (strstr(line, "\tw") == strchr(line, '\t')) == writer;
	free(line);
	fclose(file);
	return n;
}

static const char *log_of(const char *dir)
{
	static char path[5000];

	snprintf(path, sizeof(path), "%s.log", dir);
	return path;
}

static int calls_of(run_fn *run, int rank, int writer)
{
	const char *dir = ms_make(1);
	uint64_t first = ms_shard(dir, 0);
	int64_t stands = 1;
	int n;

	run(dir, NULL, log_of(dir), &stands);
	/* Of two saves the second is written over what the first has pruned. */
	assert_true((run != live && run != live_behind) ||
		    ms_shard(dir, 0) == first);
	n = count_calls(log_of(dir), rank, writer);
	mt_barrier();
	return n;
}

static void inject(run_fn *run, int rank, int writer, int call,
		   const char *kind)
{
	const char *dir = ms_make(1);
	int64_t stands = 1;
	char fault[80];

	snprintf(fault, sizeof(fault), "rank=%d,on=%s,at=%d,do=%s", rank,
		 writer ? "writer" : "program", call, kind);
	if (getenv("INJECT_WORDS") && mt_rank == 0)
		fprintf(stderr, "-- %s\n", fault);
	run(dir, fault, NULL, &stands);
	ms_resume(dir, stands, stands, NULL);
	if (mt_rank == 0)
		mt_remove(dir);
}

static void inject_everywhere(run_fn *run, const char *what, int writer)
{
	struct mt_campaign c = mt_campaign();
	int whole = c.whole || (mt_size == 2 && c.share == 1);
	size_t ways = whole ? KINDS : 1;
	int behind = run == live_behind || run == stop_behind;
	int share = whole && (c.whole || !behind) ? 1 : 3 * c.share;

	for (int i = 0; i < 2; i++) {
		int rank = i == 0 ? 0 : mt_size - 1;
		int calls = run == stop_behind ? SOME_CALLS
					       : calls_of(run, rank, writer);

		assert_true(calls > 5);
		for (int call = 1 + (int)(c.seed % (uint64_t)share);
		     call <= calls; call += share) {
			uint64_t first = c.seed + (uint64_t)call * 3;

			for (size_t k = 0; k < ways; k++)
				inject(run, rank, writer, call,
				       kinds[(first + k) % KINDS]);
		}
		if (mt_rank == 0)
			printf("%s: one in %d of the %d calls of rank %d%s "
			       "failed in %zu of %zu ways, seed %llu\n", what,
			       share, calls, rank, writer ? "'s writer" : "",
			       ways, KINDS, (unsigned long long)c.seed);
	}
}

static void test_life(void **state)
{
	(void)state;
	inject_everywhere(live, "life", 0);
}

static void test_stop(void **state)
{
	(void)state;
	inject_everywhere(stop, "stop", 0);
}

static void test_behind(void **state)
{
	(void)state;
	inject_everywhere(live_behind, "life in the background", 1);
	inject_everywhere(live_behind, "life beside it", 0);
}

static void test_stop_behind(void **state)
{
	(void)state;
	inject_everywhere(stop_behind, "stop of it", 1);
}

/* Faults by chance on all ranks, several in one save among them, while a run
 * saves and prunes; then it closes in peace. */
static void storm(uint64_t seed, int number)
{
	const char *dir = ms_make(1);
	int64_t stands = 1;
	char fault[80];
	rally_t *rp;

	snprintf(fault, sizeof(fault), "seed=%llu,every=%d",
		 (unsigned long long)((seed & 0xffffff) + (uint64_t)number),
		 10 + number % 90);
	ms_resume(dir, 1, 1, &rp);
	mt_set(rp, "keep", 1 + number % 3);
	mt_code(rp, rally_set(rp, "async", number % 2 ? "yes" : "no"), 0);
	mt_code(rp, rally_set(rp, "fault", fault), 0);
	for (int64_t step = 2; step < 12; step++) {
		if (number % 2)
			save_behind(rp, step, 0, &stands);
		else
			save(rp, step, 0, &stands);
		assert_int_equal(rally_point(rp, step), RALLY_GO);
	}
	mt_code(rp, rally_set(rp, "fault", ""), 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	ms_resume(dir, stands, stands, NULL);
	if (mt_rank == 0)
		mt_remove(dir);
}

static void test_storms(void **state)
{
	struct mt_campaign c = mt_campaign();
	int storms = c.whole ? 1000 : 40 / c.share;

	(void)state;
	for (int i = 0; i < storms; i++)
		storm(c.seed, i);
	if (mt_rank == 0)
		printf("%d storms, seed %llu\n", storms,
		       (unsigned long long)c.seed);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_life),
	cmocka_unit_test(test_stop),
	cmocka_unit_test(test_behind),
	cmocka_unit_test(test_stop_behind),
	cmocka_unit_test(test_storms),
};

MT_MAIN(tests)
