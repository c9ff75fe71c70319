/*
 * test_current.c - a save that is called for while the last one is still current
 *                  writes nothing and says so, whoever calls for it
 *
 * ranks: 1 3
 */
#include "mpi_state.h"

#include <signal.h>
#include <time.h>

/* Lines of events.jsonl that tell of an event. */
static int events(const char *dir, const char *name)
{
	char path[5000], text[64], *line = NULL;
	size_t size = 0;
	int n = 0;
	FILE *file;

	mt_barrier();
	snprintf(path, sizeof(path), "%s/events.jsonl", dir);
	snprintf(text, sizeof(text), "\"event\":\"%s\"", name);
	file = fopen(path, "r");
	while (file && getline(&line, &size, file) > 0)
		n += strstr(line, text) != NULL;
	free(line);
	if (file)
		fclose(file);
	mt_barrier();
	return n;
}

/* Safe points at one step until one of them tells of a save. */
static int until_saved(rally_t *rp, int64_t step)
{
	int verdict = RALLY_GO;

	for (int i = 0; i < 20 && verdict == RALLY_GO; i++)
		verdict = rally_point(rp, step);
	return verdict;
}

static void by_program(rally_t *rp, int64_t step)
{
	mt_code(rp, rally_save(rp, step), 0);
}

static void by_request(rally_t *rp, int64_t step)
{
	if (mt_rank == mt_size - 1)
		rally_request(rp, RALLY_WANT_SAVE);
	assert_int_equal(until_saved(rp, step), RALLY_SAVED);
}

static void by_signal(rally_t *rp, int64_t step)
{
	mt_code(rp, rally_set(rp, "save_signals", "USR1"), 0);
	if (mt_rank == mt_size - 1)
		raise(SIGUSR1);
	assert_int_equal(until_saved(rp, step), RALLY_SAVED);
}

static void by_time(rally_t *rp, int64_t step)
{
	struct timespec t = { 0, 2000000 };

	mt_code(rp, rally_set(rp, "every", "0.001"), 0);
	nanosleep(&t, NULL);
	assert_int_equal(until_saved(rp, step), RALLY_SAVED);
	mt_code(rp, rally_set(rp, "every", "0"), 0);
}

static void (*const ways[])(rally_t *, int64_t) = { by_program, by_request,
						    by_signal, by_time };

#define WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

/* Each way saves a step once. */
static void ask_in_each_way(const char *dir, rally_t *rp, int64_t step,
			    int commits)
{
	int current = events(dir, "current");
	int64_t sequence = mt_status(rp).sequence;

	for (int i = 0; i < WAYS; i++) {
		/* What is in the buffers now is the program's mistake. */
		ms_fill(step + 1000);
		ways[i](rp, step);
		assert_int_equal(mt_status(rp).sequence, sequence);
		assert_int_equal(events(dir, "current"), current + i + 1);
	}
	assert_int_equal(events(dir, "committed"), commits);
	assert_int_equal(mt_status(rp).saved_step, step);
	for (int i = 0; i < WAYS; i++) {
		ms_fill(++step);
		ways[i](rp, step);
		assert_int_equal(mt_status(rp).sequence, ++sequence);
		assert_int_equal(events(dir, "committed"), ++commits);
	}
	assert_int_equal(events(dir, "current"), current + WAYS);
	assert_int_equal(events(dir, "expected"), 0);
}

static void test_after_a_save(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	(void)state;
	ms_add(rp);
	ms_fill(4);
	mt_code(rp, rally_save(rp, 4), 0);
	ask_in_each_way(dir, rp, 4, 1);
	/* Back at an earlier step it is another one. */
	mt_code(rp, rally_save(rp, 4), 0);
	assert_int_equal(mt_status(rp).sequence, WAYS + 1);
	mt_code(rp, rally_close(rp), 0);
}

static void test_after_a_restore(void **state)
{
	char dir[4096];
	rally_t *rp;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", ms_make(2));
	ms_resume(dir, 2, 2, &rp);
	ask_in_each_way(dir, rp, 2, 2);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	ms_resume(dir, 2 + WAYS, 2 + WAYS, NULL);
}

/* The multiple that a run resumes at is no reason for a save. */
static void test_on_a_boundary(void **state)
{
	char dir[4096];
	rally_t *rp;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", ms_make(2));
	ms_resume(dir, 2, 2, &rp);
	mt_set(rp, "every_steps", 2);
	for (int i = 0; i < 5; i++)
		assert_int_equal(rally_point(rp, 2), RALLY_GO);
	assert_int_equal(rally_point(rp, 3), RALLY_GO);
	ms_fill(4);
	assert_int_equal(until_saved(rp, 4), RALLY_SAVED);
	assert_int_equal(events(dir, "current"), 0);
	assert_int_equal(mt_status(rp).sequence, 2);
	mt_code(rp, rally_close(rp), 0);
}

/* After a newer one was passed over, the step that the run resumed from is the
 * current one. */
static void test_after_a_damaged_one(void **state)
{
	char dir[4096], manifest[5000];
	rally_t *rp;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", ms_make(3));
	snprintf(manifest, sizeof(manifest), "%s/manifest.json",
		 mt_checkpoint(dir, 0));
	mt_barrier();
	if (mt_rank == 0)
		assert_int_equal(remove(manifest), 0);
	ms_resume(dir, 2, 2, &rp);
	by_program(rp, 2);
	assert_int_equal(events(dir, "current"), 1);
	ms_fill(3);
	by_program(rp, 3);
	assert_int_equal(events(dir, "current"), 1);
	assert_int_equal(mt_status(rp).sequence, 3);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	ms_resume(dir, 3, 3, NULL);
}

/* The stop that comes first thing has nothing to save, and leaves. */
static void stop(rally_t *rp, const char *dir, int64_t step)
{
	int64_t sequence = mt_status(rp).sequence;

	if (mt_rank == mt_size - 1)
		rally_request(rp, RALLY_WANT_STOP);
	assert_int_equal(until_saved(rp, step), RALLY_STOP);
	assert_int_equal(mt_status(rp).sequence, sequence);
	assert_int_equal(events(dir, "current"), 1);
	assert_int_equal(events(dir, "stopped"), 1);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	mt_barrier();
}

static void test_stop(void **state)
{
	char dir[4096];
	rally_t *rp;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", ms_make(2));
	ms_resume(dir, 2, 2, &rp);
	stop(rp, dir, 2);
	snprintf(dir, sizeof(dir), "%s", mt_dir());
	rp = mt_open(dir);
	ms_add(rp);
	ms_fill(7);
	by_program(rp, 7);
	stop(rp, dir, 7);
	ms_resume(dir, 7, 7, NULL);
}

/* What an earlier run left and this one has not restored is not this one's. */
static void test_not_restored(void **state)
{
	char dir[4096];
	rally_t *rp;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", ms_make(2));
	rp = mt_open(dir);
	ms_add(rp);
	ms_fill(2);
	by_program(rp, 2);
	assert_int_equal(events(dir, "current"), 0);
	assert_int_equal(mt_status(rp).sequence, 2);
	mt_code(rp, rally_close(rp), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_after_a_save),
	cmocka_unit_test(test_after_a_restore),
	cmocka_unit_test(test_on_a_boundary),
	cmocka_unit_test(test_after_a_damaged_one),
	cmocka_unit_test(test_stop),
	cmocka_unit_test(test_not_restored),
};

MT_MAIN(tests)
