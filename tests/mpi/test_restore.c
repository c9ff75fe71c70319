/*
 * test_restore.c - which checkpoint a start resumes from, and when it refuses
 *
 * ranks: 1 2 4
 */
#include "mpi_data.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[6000];

/* The path of a file of the newest checkpoint but `back`; the shard is that of
 * the last rank. */
static const char *file_of(const char *dir, int back, const char *name)
{
	const char *ckpt = mt_checkpoint(dir, back);

	assert_non_null(ckpt);
	if (name)
		snprintf(path, sizeof(path), "%s/%s", ckpt, name);
	else
		snprintf(path, sizeof(path),
			 "%s/rank-%05d-of-%05d.safetensors", ckpt, mt_size - 1,
			 mt_size);
	return path;
}

/* Rank 0 does damage while the others wait. */
#define DAMAGE(what)                                                         \
	do {                                                                 \
		mt_barrier();                                                \
		if (mt_rank == 0)                                            \
			what;                                                \
		mt_barrier();                                                \
	} while (0)

static void flip(const char *file, off_t at)
{
	int fd = open(file, O_RDWR);
	unsigned char byte;

	assert_true(fd >= 0);
	if (at < 0)
		at += lseek(fd, 0, SEEK_END);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void cut(const char *file, off_t length)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(truncate(file, length < 0 ? st.st_size + length
						   : length), 0);
}

static void test_fresh(void **state)
{
	const char *dir = mt_dir();

	(void)state;
	mt_data_close(mt_data_restore(dir, 0, RALLY_FRESH, 0));
	mt_data_close(mt_data_restore(dir, 0, RALLY_FRESH, 0));
}

static void test_newest(void **state)
{
	const char *dir = mt_data_make(3);

	(void)state;
	mt_data_close(mt_data_restore(dir, 0, RALLY_RESUMED, 3));
}

/* Twice in a row, with the second start's data in the same buffers. */
static void test_again(void **state)
{
	const char *dir = mt_data_make(2);
	rally_t *rp = mt_data_restore(dir, 0, RALLY_RESUMED, 2);
	int64_t step;
	int how;

	(void)state;
	mt_data_fill(9);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(step, 2);
	assert_int_equal(mt_data[0], 2000 + mt_rank * 10);
	mt_data_close(rp);
}

/* One flipped byte anywhere in a shard: the older one, and the bad one goes
 * after the next commit. */
static void expect_fallback(const char *dir)
{
	rally_t *rp = mt_data_restore(dir, 0, RALLY_RESUMED, 1);

	assert_true(mt_contains(dir, "events.jsonl", "passed_over"));
	assert_int_equal(mt_checkpoints(dir), 2);
	mt_barrier();
	mt_data_fill(2);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_barrier();
	/* Sequence 1 was bad; 0 and 2 are there. */
	assert_int_equal(mt_checkpoints(dir), 2);
	assert_non_null(strstr(mt_checkpoint(dir, 0), "/0002-step-2"));
	assert_non_null(strstr(mt_checkpoint(dir, 1), "/0000-step-1"));
	mt_data_close(rp);
	mt_data_close(mt_data_restore(dir, 0, RALLY_RESUMED, 2));
}

static void test_flipped_byte(void **state)
{
	static const off_t at[] = { 3, 9, 500, 4096, 4096 + 12345, -1, -4096 };
	const char *dir;

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		dir = mt_data_make(2);
		DAMAGE(flip(file_of(dir, 0, NULL), at[i]));
		expect_fallback(dir);
	}
}

static void test_truncated(void **state)
{
	static const off_t length[] = { 0, 7, 4096, 5000, -1 };
	const char *dir;

	(void)state;
	for (size_t i = 0; i < sizeof(length) / sizeof(length[0]); i++) {
		dir = mt_data_make(2);
		DAMAGE(cut(file_of(dir, 0, NULL), length[i]));
		expect_fallback(dir);
	}
}

static void test_missing_shard(void **state)
{
	const char *dir = mt_data_make(2);

	(void)state;
	DAMAGE(assert_int_equal(unlink(file_of(dir, 0, NULL)), 0));
	expect_fallback(dir);
}

static void test_bad_manifest(void **state)
{
	const char *dir = mt_data_make(2);

	(void)state;
	DAMAGE(cut(file_of(dir, 0, "manifest.json"), 0));
	expect_fallback(dir);
	assert_true(mt_contains(dir, "events.jsonl", "manifest.json: it is"));
	dir = mt_data_make(2);
	DAMAGE(cut(file_of(dir, 0, "manifest.json"), -20));
	expect_fallback(dir);
	dir = mt_data_make(2);
	DAMAGE(flip(file_of(dir, 0, "manifest.json"), 40));
	expect_fallback(dir);
	dir = mt_data_make(2);
	DAMAGE(assert_int_equal(unlink(file_of(dir, 0, "manifest.json")), 0));
	expect_fallback(dir);
}

static void swap_manifests(const char *dir)
{
	char one[6000], two[6000], aside[6016];

	snprintf(one, sizeof(one), "%s", file_of(dir, 0, "manifest.json"));
	snprintf(two, sizeof(two), "%s", file_of(dir, 1, "manifest.json"));
	snprintf(aside, sizeof(aside), "%s.x", one);
	assert_int_equal(rename(one, aside) | rename(two, one) |
			 rename(aside, two), 0);
}

/* Nothing of it verifies: an error that stays one, and no fresh start. */
static void test_none_verifies(void **state)
{
	const char *dir = mt_data_make(2);

	(void)state;
	DAMAGE(swap_manifests(dir));
	mt_data_close(mt_data_restore(dir, RALLY_ECORRUPT, 0, 0));
	mt_data_close(mt_data_restore(dir, RALLY_ECORRUPT, 0, 0));
	assert_int_equal(mt_checkpoints(dir), 2);
	dir = mt_data_make(1);
	DAMAGE(flip(file_of(dir, 0, NULL), 4096));
	mt_data_close(mt_data_restore(dir, RALLY_ECORRUPT, 0, 0));
}

static void test_vanished(void **state)
{
	const char *dir = mt_data_make(1);

	(void)state;
	DAMAGE(mt_remove(mt_checkpoint(dir, 0)));
	mt_data_close(mt_data_restore(dir, RALLY_EVANISHED, 0, 0));
	snprintf(path, sizeof(path), "%s/events.jsonl", dir);
	DAMAGE(unlink(path));
	mt_data_close(mt_data_restore(dir, 0, RALLY_FRESH, 0));
}

static void become_link(const char *dir)
{
	char moved[6000];

	snprintf(path, sizeof(path), "%s", mt_checkpoint(dir, 0));
	snprintf(moved, sizeof(moved), "%s/moved", dir);
	assert_int_equal(rename(path, moved) | symlink(moved, path), 0);
	snprintf(path, sizeof(path), "%s/events.jsonl", dir);
	assert_int_equal(unlink(path), 0);
}

/* A link in the place of the only checkpoint is not followed, and no reason for
 * a fresh start either. */
static void test_link(void **state)
{
	const char *dir = mt_data_make(1);

	(void)state;
	DAMAGE(become_link(dir));
	mt_data_close(mt_data_restore(dir, RALLY_ECORRUPT, 0, 0));
}

/* The others do not read on when one rank has given up. */
static void test_give_up(void **state)
{
	const size_t bytes = mt_rank == 0 ? (size_t)100 << 20 : 5000;
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);
	unsigned char *data = calloc(1, bytes);
	int64_t step;
	int how;

	(void)state;
	mt_code(rp, rally_add(rp, "big", data, RALLY_U8, bytes), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	assert_int_equal(mt_status(rp).bytes_total >= bytes, 1);
	DAMAGE(flip(file_of(dir, 0, NULL), 4096 + 1000));
	mt_code(rp, rally_restore(rp, &step, &how), RALLY_ECORRUPT);
	if (mt_size > 1 && mt_rank == 0)
		assert_in_range(mt_status(rp).bytes_done, 0, bytes / 2);
	mt_data_close(rp);
	free(data);
}

/* A partial directory is never read, and is swept. */
static void test_partial(void **state)
{
	const char *dir = mt_data_make(1);

	(void)state;
	snprintf(path, sizeof(path), "%s/.partial-0001-0", dir);
	DAMAGE(mkdir(path, 0777));
	mt_data_close(mt_data_restore(dir, 0, RALLY_RESUMED, 1));
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
}

/* finish() is this job's: a requeue finds it, another job goes on. */
static void test_finished(void **state)
{
	const char *dir = mt_data_make(2);
	rally_t *rp;

	(void)state;
	setenv("SLURM_JOB_ID", "4711", 1);
	rp = mt_data_restore(dir, 0, RALLY_RESUMED, 2);
	mt_data_fill(5);
	mt_code(rp, rally_save(rp, 5), 0);
	mt_code(rp, rally_finish(rp, 5), 0);
	mt_data_close(rp);
	mt_data_close(mt_data_restore(dir, 0, RALLY_FINISHED, 5));
	setenv("SLURM_JOB_ID", "4712", 1);
	mt_data_close(mt_data_restore(dir, 0, RALLY_RESUMED, 5));
	unsetenv("SLURM_JOB_ID");
	mt_data_close(mt_data_restore(dir, 0, RALLY_RESUMED, 5));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_fresh),
	cmocka_unit_test(test_newest),
	cmocka_unit_test(test_again),
	cmocka_unit_test(test_flipped_byte),
	cmocka_unit_test(test_truncated),
	cmocka_unit_test(test_missing_shard),
	cmocka_unit_test(test_bad_manifest),
	cmocka_unit_test(test_none_verifies),
	cmocka_unit_test(test_vanished),
	cmocka_unit_test(test_link),
	cmocka_unit_test(test_give_up),
	cmocka_unit_test(test_partial),
	cmocka_unit_test(test_finished),
};

MT_MAIN(tests)
