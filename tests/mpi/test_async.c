/*
 * test_async.c - saves in the background: what is committed is the data of the cut,
 *                whatever the program does to its buffers behind it, and all ranks
 *                learn at one safe point what came of it
 *
 * levels: single funneled
 * ranks: 2 4 8
 */
#include "mpi_data.h"

#include <dirent.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MANY 100000	/* safe points that nothing takes longer than */

static int single;	/* MPI knows of no threads: then they are not in the
			   background */

/* Opens with background saves of mt_data. */
static rally_t *open_async(const char *dir)
{
	rally_t *rp = mt_open(dir);
	int level;

	MPI_Query_thread(&level);
	single = level < MPI_THREAD_FUNNELED;
	mt_data_add(rp);
	mt_code(rp, rally_set(rp, "async", "yes"), 0);
	return rp;
}

/* What the program does behind a safe point: nothing of it may be saved. */
static void scribble(void)
{
	for (int i = 0; i < MT_DATA; i++)
		mt_data[i] = -1 - i;
}

/* One safe point, in steps that take some time: else all of them may be over before
 * a writer has begun. */
static int pass(rally_t *rp, int64_t step)
{
	struct timespec moment = { 0, 200000 };

	nanosleep(&moment, NULL);
	return rally_point(rp, step);
}

/* Passes safe points until one of them says something else than GO, which is the
 * same on all ranks; the steps go on. */
static int pass_until(rally_t *rp, int64_t *step)
{
	int verdict = RALLY_GO;

	for (int i = 0; i < MANY && verdict == RALLY_GO; i++)
		verdict = pass(rp, ++*step);
	mt_same(*step);
	mt_same(verdict);
	return verdict;
}

/* Asks for a save, and passes safe points until it has begun. */
static int64_t begin_save(rally_t *rp, int64_t *step)
{
	int verdict = RALLY_GO;

	if (mt_rank == mt_size - 1)
		rally_request(rp, RALLY_WANT_SAVE);
	for (int i = 0; i < MANY && !mt_status(rp).saving; i++) {
		mt_data_fill(++*step);
		verdict = rally_point(rp, *step);
		if (verdict != RALLY_GO)
			break;
	}
	assert_int_equal(verdict, single ? RALLY_SAVED : RALLY_GO);
	scribble();
	mt_same(*step);
	return *step;
}

static void check_after(const char *dir, int64_t step)
{
	mt_data_close(mt_data_restore(dir, 0, RALLY_RESUMED, step));
}

/* It commits while the program goes on; the bytes are those of the cut. */
static void test_goes_on(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = open_async(dir);
	int64_t step = 0, cut;

	(void)state;
	cut = begin_save(rp, &step);
	if (!single) {
		assert_int_equal(mt_status(rp).sequence, -1);
		assert_int_equal(pass_until(rp, &step), RALLY_SAVED);
		assert_true(step > cut);
	}
	assert_int_equal(mt_status(rp).saving, 0);
	assert_int_equal(mt_status(rp).saved_step, cut);
	assert_int_equal(mt_status(rp).sequence, 0);
	assert_string_equal(rally_error(rp), "");
	mt_data_close(rp);
	check_after(dir, cut);
}

/* One after the other; what is older goes, and what is dropped meanwhile is in it
 * all the same. */
static void test_several(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = open_async(dir);
	int64_t step = 0, cut = 0;

	(void)state;
	for (int i = 0; i < 5; i++) {
		cut = begin_save(rp, &step);
		mt_code(rp, rally_drop(rp, "data"), 0);
		if (!single)
			assert_int_equal(pass_until(rp, &step), RALLY_SAVED);
		assert_int_equal(mt_status(rp).saved_step, cut);
		mt_data_add(rp);
	}
	mt_data_close(rp);
	assert_int_equal(mt_checkpoints(dir), 2);
	check_after(dir, cut);
}

/* Another one is due: the older one is finished first. Each step is saved, so all
 * but the last are known to be when the next has begun. */
static void test_pressure(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = open_async(dir);

	(void)state;
	mt_code(rp, rally_set(rp, "every_steps", "1"), 0);
	assert_int_equal(rally_point(rp, 0), RALLY_GO);
	for (int64_t step = 1; step < 12; step++) {
		int verdict;

		mt_data_fill(step);
		verdict = rally_point(rp, step);
		mt_same(verdict);
		assert_int_equal(mt_status(rp).saved_step,
				 single ? step : step == 1 ? -1 : step - 1);
		assert_int_equal(verdict, !single && step == 1 ? RALLY_GO
							       : RALLY_SAVED);
		scribble();
	}
	mt_data_close(rp);
	check_after(dir, 11);
}

/* rally_save() returns when the copy is taken. A second one at the same step waits
 * for it, and has nothing to save. */
static void test_program(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = open_async(dir);

	(void)state;
	mt_data_fill(3);
	mt_code(rp, rally_save(rp, 3), 0);
	assert_int_equal(mt_status(rp).saving, !single);
	mt_code(rp, rally_save(rp, 3), 0);
	assert_int_equal(mt_status(rp).saving, 0);
	assert_int_equal(mt_status(rp).saved_step, 3);
	assert_int_equal(mt_status(rp).sequence, 0);
	mt_data_close(rp);
	check_after(dir, 3);
}

/* The close finishes it; so do the calls that need the folder or the options. */
static void test_calls(void **state)
{
	struct rally_info info;
	int64_t step;
	int how;

	(void)state;
	for (int call = 0; call < 5; call++) {
		const char *dir = mt_dir();
		rally_t *rp = open_async(dir);

		mt_data_fill(3);
		mt_code(rp, rally_save(rp, 3), 0);
		scribble();
		if (call == 1)
			mt_code(rp, rally_set(rp, "keep", "3"), 0);
		if (call == 2)
			mt_code(rp, rally_find(rp, "data", &info), 0);
		if (call == 3)
			mt_code(rp, rally_restore(rp, &step, &how), 0);
		if (call == 4)
			mt_code(rp, rally_finish(rp, 3), 0);
		if (call > 0)
			assert_int_equal(mt_status(rp).saved_step, 3);
		mt_data_close(rp);
		check_after(dir, 3);
	}
}

/* The manifest of the newest checkpoint, to a program that can't open it now. */
static void become_socket(const char *dir)
{
	char path[5000];

	mt_barrier();
	snprintf(path, sizeof(path), "%s/manifest.json", mt_checkpoint(dir, 0));
	if (mt_rank == 0)
		assert_int_equal(unlink(path) |
				 mknod(path, S_IFSOCK | 0600, 0), 0);
	mt_barrier();
}

/* One that could not be read does not count as one that is kept, though a restore that
 * finishes the save looks at it anew. */
static void test_unread(void **state)
{
	const char *dir = mt_data_make(2);
	int64_t step;
	rally_t *rp;
	int how;

	(void)state;
	become_socket(dir);
	rp = open_async(dir);
	mt_code(rp, rally_set(rp, "keep", "2"), 0);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(step, 1);
	mt_data_fill(3);
	mt_code(rp, rally_save(rp, 3), 0);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(step, 3);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 3);
	mt_data_close(rp);
}

/* A stop while one is being written: the stop's own is the newest. The other was
 * finished or, where it would take longer, given up: one rank's writer hangs. */
static void stop(int hang)
{
	const char *dir = mt_data_make(1);
	rally_t *rp = open_async(dir);
	int64_t step = 5;
	int verdict = RALLY_GO;
	char fault[60];

	mt_code(rp, rally_set(rp, "async", "no"), 0);
	mt_data_fill(step);
	mt_code(rp, rally_save(rp, step), 0);
	mt_code(rp, rally_set(rp, "async", "yes"), 0);
	snprintf(fault, sizeof(fault), "rank=%d,on=writer,at=1,do=hang",
		 mt_size - 1);
	if (hang)
		mt_code(rp, rally_set(rp, "fault", fault), 0);
	begin_save(rp, &step);
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	while (verdict < RALLY_STOP && step < MANY) {
		mt_data_fill(++step);
		verdict = rally_point(rp, step);
	}
	assert_int_equal(verdict, RALLY_STOP);
	assert_int_equal(mt_status(rp).saving, 0);
	assert_int_equal(mt_status(rp).saved_step, step);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	mt_barrier();
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
	if (hang)
		assert_int_equal(mt_contains(dir, "events.jsonl",
					     "\"overtaken\""), !single);
	check_after(dir, step);
}

static void test_stop(void **state)
{
	(void)state;
	stop(0);
	stop(1);
}

/* Rank 0: what becomes of the last rank's shard, which is being written. */
static int watch_shard(const char *dir, char *shard, size_t size)
{
	char partial[5000] = "", path[6000];
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), there = 0;
	DIR *stream = opendir(dir);
	struct dirent *entry;

	assert_true(fd >= 0);
	assert_non_null(stream);
	while ((entry = readdir(stream)) != NULL)
		if (strncmp(entry->d_name, ".partial-", 9) == 0)
			snprintf(partial, sizeof(partial), "%s/%.300s", dir,
				 entry->d_name);
	closedir(stream);
	assert_true(inotify_add_watch(fd, partial,
				      IN_CLOSE_WRITE | IN_DELETE) >= 0);
	snprintf(shard, size, "rank-%05d-of-%05d.safetensors", mt_size - 1,
		 mt_size);
	snprintf(path, sizeof(path), "%s/%s", partial, shard);
	for (int i = 0; i < MANY && !there; i++) {
		struct timespec moment = { 0, 200000 };

		nanosleep(&moment, NULL);
		there = access(path, F_OK) == 0;
	}
	assert_true(there);
	return fd;
}

/* What came first. */
static uint32_t first_of(int fd, const char *shard)
{
	union {
		struct inotify_event event;
		char bytes[20000];
	} all;
	ssize_t n = read(fd, &all, sizeof(all));

	for (ssize_t at = 0; at < n;) {
		struct inotify_event event;

		memcpy(&event, all.bytes + at, sizeof(event));
		if (strcmp(all.bytes + at + sizeof(event), shard) == 0)
			return event.mask;
		at += (ssize_t)(sizeof(event) + event.len);
	}
	return 0;
}

/* Until a save would have been made twice. */
static void outlast(const rally_t *rp)
{
	struct timespec moment = { 0, 0 };
	double seconds = 2 * mt_status(rp).save_seconds;

	assert_true(seconds > 0);
	moment.tv_sec = (time_t)seconds;
	moment.tv_nsec = (long)((seconds - (double)moment.tv_sec) * 1e9);
	nanosleep(&moment, NULL);
}

/* One that hangs where all is written but not durable yet is given up as well, and
 * removed when no rank has a file of it open any more. */
static void test_stop_closes(void **state)
{
	const char *dir = mt_data_make(1);
	rally_t *rp = open_async(dir);
	int64_t step = 5;
	int verdict = RALLY_GO, fd = -1;
	char fault[60], shard[60];

	(void)state;
	if (single) {
		mt_data_close(rp);
		return;
	}
	mt_code(rp, rally_set(rp, "async", "no"), 0);
	mt_data_fill(step);
	mt_code(rp, rally_save(rp, step), 0);
	mt_code(rp, rally_set(rp, "async", "yes"), 0);
	snprintf(fault, sizeof(fault), "rank=%d,on=writer,at=2,do=hang",
		 mt_size - 1);
	mt_code(rp, rally_set(rp, "fault", fault), 0);
	begin_save(rp, &step);
	if (mt_rank == 0)
		fd = watch_shard(dir, shard, sizeof(shard));
	outlast(rp);
	mt_barrier();
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	while (verdict < RALLY_STOP && step < MANY) {
		mt_data_fill(++step);
		verdict = rally_point(rp, step);
	}
	assert_int_equal(verdict, RALLY_STOP);
	if (mt_rank == 0) {
		assert_int_equal(first_of(fd, shard), IN_CLOSE_WRITE);
		close(fd);
	}
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	mt_barrier();
	assert_true(mt_contains(dir, "events.jsonl", "\"overtaken\""));
	check_after(dir, step);
}

/* A stop at the step that is being written already: that one is it. */
static void test_stop_same_step(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = open_async(dir);

	(void)state;
	mt_data_fill(1);
	mt_code(rp, rally_save(rp, 1), 0);
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	assert_int_equal(rally_point(rp, 1), RALLY_STOP);
	assert_int_equal(mt_status(rp).sequence, 0);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	mt_barrier();
	check_after(dir, 1);
}

/* The writer of one rank fails: all learn it at one safe point, the earlier
 * checkpoint stands, nothing is left, and the next save works. */
static void test_one_fails(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = open_async(dir);
	int64_t step = 0, cut;
	char fault[60], name[24];
	int where = -1;

	(void)state;
	if (single) {
		mt_data_close(rp);
		return;
	}
	cut = begin_save(rp, &step);
	assert_int_equal(pass_until(rp, &step), RALLY_SAVED);
	snprintf(name, sizeof(name), "rank %d", mt_size - 1);
	snprintf(fault, sizeof(fault), "rank=%d,on=writer,at=2,do=EIO",
		 mt_size - 1);
	mt_code(rp, rally_set(rp, "fault", fault), 0);
	begin_save(rp, &step);
	for (int i = 0; i < MANY && where < 0; i++) {
		assert_int_equal(pass(rp, ++step), RALLY_GO);
		if (*rally_error(rp))
			where = i;
	}
	mt_same(where);
	assert_true(where >= 0);
	assert_non_null(strstr(rally_error(rp), name));
	assert_int_equal(mt_status(rp).saving, 0);
	assert_int_equal(mt_status(rp).saved_step, cut);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 1);
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
	mt_code(rp, rally_set(rp, "fault", ""), 0);
	cut = begin_save(rp, &step);
	assert_int_equal(pass_until(rp, &step), RALLY_SAVED);
	assert_string_equal(rally_error(rp), "");
	mt_data_close(rp);
	check_after(dir, cut);
}

/* Where there is a second folder, which may take what the first can't, the next save
 * has the program wait, so that it can be tried there; those behind it do not. */
static void test_second_folder(void **state)
{
	const char *dir = mt_data_make(1);
	rally_t *rp = open_async(dir);
	int64_t step = 1;
	char second[5000], fault[60];

	(void)state;
	snprintf(second, sizeof(second), "%s-second", dir);
	mt_code(rp, rally_set(rp, "fallback", second), 0);
	snprintf(fault, sizeof(fault), "rank=%d,on=writer,at=2,do=ENOSPC",
		 mt_size - 1);
	mt_code(rp, rally_set(rp, "fault", fault), 0);
	begin_save(rp, &step);
	for (int i = 0; i < MANY && mt_status(rp).saving; i++)
		assert_int_equal(pass(rp, ++step), RALLY_GO);
	assert_int_equal(*rally_error(rp) == '\0', single);
	mt_data_fill(++step);
	mt_code(rp, rally_save(rp, step), 0);
	assert_int_equal(mt_status(rp).saving, 0);
	assert_int_equal(mt_status(rp).saved_step, step);
	mt_data_fill(++step);
	mt_code(rp, rally_save(rp, step), 0);
	assert_int_equal(mt_status(rp).saving, !single);
	mt_data_close(rp);
	check_after(dir, step);
}

/* What fails in the close is what the close returns, on all ranks. */
static void test_close_fails(void **state)
{
	const char *dir = mt_data_make(1);
	rally_t *rp = open_async(dir);
	char fault[60];

	(void)state;
	snprintf(fault, sizeof(fault), "rank=%d,on=writer,at=2,do=ENOSPC",
		 mt_size - 1);
	mt_code(rp, rally_set(rp, "fault", fault), 0);
	mt_data_fill(2);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_code(rp, rally_close(rp), single ? 0 : RALLY_ENOSPC);
	mt_barrier();
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
	check_after(dir, single ? 2 : 1);
}

/* So is what fails in a call before it that has another answer, unless a safe point or
 * another save comes in between. */
static void test_finish_fails(void **state)
{
	(void)state;
	for (int after = 0; after < 3; after++) {
		const char *dir = mt_data_make(1);
		rally_t *rp = open_async(dir);
		char fault[60];

		snprintf(fault, sizeof(fault),
			 "rank=%d,on=writer,at=2,do=ENOSPC", mt_size - 1);
		mt_code(rp, rally_set(rp, "fault", fault), 0);
		mt_data_fill(2);
		mt_code(rp, rally_save(rp, 2), 0);
		mt_code(rp, rally_finish(rp, 2), 0);
		assert_int_equal(*rally_error(rp) == '\0', single);
		if (after == 1)
			assert_int_equal(rally_point(rp, 2), RALLY_GO);
		mt_data_fill(3);
		if (after == 2)
			mt_code(rp, rally_save(rp, 3), 0);
		mt_code(rp, rally_close(rp), single || after ? 0 : RALLY_ENOSPC);
		mt_barrier();
		check_after(dir, after == 2 ? 3 : single ? 2 : 1);
	}
}

/* The commit is rank 0's, and may fail as well. */
static void test_commit_fails(void **state)
{
	const char *dir = mt_data_make(1);
	rally_t *rp = open_async(dir);
	int64_t step = 1;
	char owner[5000];
	int i;

	(void)state;
	begin_save(rp, &step);
	if (single) {
		mt_data_close(rp);
		return;
	}
	snprintf(owner, sizeof(owner), "%s/.owner", dir);
	if (mt_rank == 0) {
		FILE *file = fopen(owner, "w");

		assert_non_null(file);
		fputs("{}\n", file);
		fclose(file);
	}
	mt_barrier();
	for (i = 0; i < MANY && mt_status(rp).saving; i++)
		assert_int_equal(pass(rp, ++step), RALLY_GO);
	mt_same(i);
	assert_non_null(strstr(rally_error(rp), "taken by another run"));
	assert_int_equal(mt_status(rp).saved_step, -1);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 1);
	if (mt_rank == 0)
		assert_int_equal(unlink(owner), 0);
	check_after(dir, 1);
}

/* No room for the copy on one rank: all wait for the save, and are told why. */
static void test_refused(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = open_async(dir);
	int64_t more = 5;

	(void)state;
	/* A page each; the last rank wants one more. */
	mt_code(rp, rally_set(rp, "async_memory", "24k"), 0);
	mt_data_fill(1);
	mt_code(rp, rally_save(rp, 1), 0);
	assert_int_equal(mt_status(rp).saving, !single);
	if (mt_rank == mt_size - 1)
		mt_code(rp, rally_add(rp, "more", &more, RALLY_I64, 1), 0);
	mt_data_fill(2);
	mt_code(rp, rally_save(rp, 2), 0);
	assert_int_equal(mt_status(rp).saving, 0);
	assert_int_equal(mt_status(rp).saved_step, 2);
	mt_data_close(rp);
	assert_int_equal(mt_contains(dir, "events.jsonl", "async_memory"),
			 !single);
	assert_int_equal(mt_contains(dir, "events.jsonl", "MPI_Init_thread"),
			 single);
	check_after(dir, 2);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_goes_on),
	cmocka_unit_test(test_several),
	cmocka_unit_test(test_pressure),
	cmocka_unit_test(test_program),
	cmocka_unit_test(test_calls),
	cmocka_unit_test(test_unread),
	cmocka_unit_test(test_stop),
	cmocka_unit_test(test_stop_closes),
	cmocka_unit_test(test_stop_same_step),
	cmocka_unit_test(test_one_fails),
	cmocka_unit_test(test_second_folder),
	cmocka_unit_test(test_close_fails),
	cmocka_unit_test(test_finish_fails),
	cmocka_unit_test(test_commit_fails),
	cmocka_unit_test(test_refused),
};

MT_MAIN(tests)
