/*
 * test_incremental.c - option incremental, on a file system that shares extents
 *                      and, for comparison, on this folder's
 *
 * ranks: 1 2
 * mounts: reflink
 */
#include "mpi_test.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define BYTES (12 * MIB + 12345)

static unsigned char big[BYTES];
static int64_t counter[9];

static void fill(unsigned seed)
{
	uint32_t x = seed + (unsigned)mt_rank * 7919;

	for (size_t i = 0; i < BYTES; i++) {
		x = x * 1664525 + 1013904223;
		big[i] = (unsigned char)(x >> 24);
	}
}

/* What belongs to a step: one block and the counter differ from the last one. */
static void change(int step)
{
	big[(size_t)step % 12 * MIB + 77] = (unsigned char)step;
	for (int i = 0; i < 9; i++)
		counter[i] = step * 100 + i;
}

static rally_t *begin(const char *dir)
{
	rally_t *rp = mt_open(dir);

	mt_code(rp, rally_add(rp, "big", big, RALLY_U8, BYTES), 0);
	mt_code(rp, rally_add(rp, "counter", counter, RALLY_I64, 9), 0);
	mt_code(rp, rally_set(rp, "incremental", "yes"), 0);
	mt_code(rp, rally_set(rp, "keep", "100"), 0);
	return rp;
}

static const char *shared_dir(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s-%d", getenv("MT_REFLINK"), name,
		 mt_size);
	return path;
}

/* Of the file system of dir. */
static uint64_t used(const char *dir)
{
	struct statvfs vfs;

	mt_barrier();
	assert_int_equal(statvfs(dir, &vfs), 0);
	mt_barrier();
	return (uint64_t)(vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize;
}

static void forget(void)
{
	memset(big, 0xee, sizeof(big));
	memset(counter, 0xee, sizeof(counter));
}

/* Restores what stands newest, and compares all of it. */
static void check(const char *dir, int step)
{
	static unsigned char want[BYTES];
	int64_t counted[9], found = -1;
	rally_t *rp;
	int how;

	memcpy(want, big, BYTES);
	memcpy(counted, counter, sizeof(counted));
	forget();
	rp = begin(dir);
	mt_code(rp, rally_restore(rp, &found, &how), 0);
	assert_int_equal(found, step);
	assert_memory_equal(big, want, BYTES);
	assert_memory_equal(counter, counted, sizeof(counted));
	mt_code(rp, rally_close(rp), 0);
}

static void discard(const char *dir)
{
	mt_barrier();
	if (mt_rank == 0)
		mt_remove(dir);
	mt_barrier();
}

/* One block of twelve and the small ones are written in each save, whatever
 * becomes of the checkpoints before. */
static void test_shares(void **state)
{
	const char *dir = shared_dir("shares");
	rally_t *rp = begin(dir);
	uint64_t before, first, grown;

	(void)state;
	fill(1);
	change(1);
	before = used(getenv("MT_REFLINK"));
	mt_code(rp, rally_save(rp, 1), 0);
	first = used(getenv("MT_REFLINK")) - before;
	assert_true(first >= (uint64_t)mt_size * BYTES);
	for (int step = 2; step <= 5; step++) {
		before = used(getenv("MT_REFLINK"));
		change(step);
		mt_code(rp, rally_save(rp, step), 0);
		grown = used(getenv("MT_REFLINK")) - before;
		assert_true(grown < first / 3);
		assert_true(grown >= (uint64_t)mt_size * MIB);
	}
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	if (mt_rank == 0)
		mt_remove(mt_checkpoint(dir, 2));
	check(dir, 5);
	assert_false(mt_contains(dir, "events.jsonl", "does nothing here"));
	/* the others are as whole as the newest */
	mt_barrier();
	if (mt_rank == 0)
		mt_remove(mt_checkpoint(dir, 0));
	mt_barrier();
	fill(1);
	for (int step = 1; step <= 4; step++)
		change(step);
	check(dir, 4);
	discard(dir);
}

/* A change of the layout, of all bytes, a base that is gone: all is written. */
static void test_nothing_to_share(void **state)
{
	const char *dir = shared_dir("nothing");
	rally_t *rp = begin(dir);
	int64_t extra = 5;

	(void)state;
	fill(2);
	change(1);
	mt_code(rp, rally_save(rp, 1), 0);
	fill(3);
	change(2);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_code(rp, rally_add(rp, "added", &extra, RALLY_I64, 1), 0);
	change(3);
	mt_code(rp, rally_save(rp, 3), 0);
	mt_code(rp, rally_drop(rp, "added"), 0);
	change(4);
	mt_code(rp, rally_save(rp, 4), 0);
	mt_barrier();
	if (mt_rank == 0)
		mt_remove(mt_checkpoint(dir, 0));
	mt_barrier();
	change(5);
	mt_code(rp, rally_save(rp, 5), 0);
	mt_code(rp, rally_close(rp), 0);
	check(dir, 5);
	discard(dir);
}

/* A checkpoint that a restore found damaged is no base either, though the state
 * has blocks in common with what it was to hold. */
static void test_damaged_base(void **state)
{
	const char *dir = shared_dir("damaged");
	rally_t *rp = begin(dir);
	char path[6000];
	int64_t found;
	int how, fd;

	(void)state;
	fill(6);
	change(1);
	mt_code(rp, rally_save(rp, 1), 0);
	change(2);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_barrier();
	snprintf(path, sizeof(path), "%s/rank-%05d-of-%05d.safetensors",
		 mt_checkpoint(dir, 0), mt_rank, mt_size);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "damage", 6, 7 * MIB), 6);
	close(fd);
	mt_barrier();
	mt_code(rp, rally_restore(rp, &found, &how), 0);
	assert_int_equal(found, 1);
	change(3);
	mt_code(rp, rally_save(rp, 3), 0);
	mt_code(rp, rally_close(rp), 0);
	check(dir, 3);
	discard(dir);
}

/* A save that fails, at any of its calls, is no base. */
static void test_faults(void **state)
{
	const char *dir = shared_dir("faults");
	rally_t *rp = begin(dir);
	char spec[60];
	int step = 1, failed = 0;

	(void)state;
	mt_code(rp, rally_set(rp, "keep", "3"), 0);
	fill(4);
	change(step);
	mt_code(rp, rally_save(rp, step), 0);
	for (int at = 1; at <= 60; at += 2) {
		int rc;

		change(++step);
		snprintf(spec, sizeof(spec), "rank=%d,at=%d,do=%s", mt_size - 1,
			 at, at % 4 == 1 ? "EIO" : "short");
		mt_code(rp, rally_set(rp, "fault", spec), 0);
		rc = rally_save(rp, step);
		mt_same(rc);
		failed += rc != 0;
		mt_code(rp, rally_set(rp, "fault", ""), 0);
		if (rc == 0 || rc == RALLY_EUNCONFIRMED)
			continue;
		assert_int_equal(mt_status(rp).saved_step, step - 1);
		change(++step);
		mt_code(rp, rally_save(rp, step), 0);
	}
	assert_true(failed > 2);
	mt_code(rp, rally_close(rp), 0);
	check(dir, step);
	discard(dir);
}

/* A save that went to another file system has nothing in common with the next one,
 * which the one after that has. */
static void test_two_file_systems(void **state)
{
	const char *dir = shared_dir("two");
	char second[5000];
	rally_t *rp = begin(dir);
	uint64_t before;

	(void)state;
	snprintf(second, sizeof(second), "%s", mt_dir());
	mt_code(rp, rally_set(rp, "fallback", second), 0);
	fill(7);
	change(1);
	mt_code(rp, rally_save(rp, 1), 0);
	change(2);
	mt_code(rp, rally_set(rp, "fault", "rank=0,at=8,do=ENOSPC"), 0);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_code(rp, rally_set(rp, "fault", ""), 0);
	mt_barrier();
	assert_int_equal(mt_checkpoints(second), 1);
	change(3);
	mt_code(rp, rally_save(rp, 3), 0);
	before = used(getenv("MT_REFLINK"));
	change(4);
	mt_code(rp, rally_save(rp, 4), 0);
	assert_true(used(getenv("MT_REFLINK")) - before <
		    (uint64_t)mt_size * 4 * MIB);
	assert_int_equal(mt_checkpoints(dir), 3);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_false(mt_contains(dir, "events.jsonl", "does nothing here"));
	check(dir, 4);
	discard(dir);
}

/* Without reflinks it is said once, and all is written. */
static void test_elsewhere(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = begin(dir);

	(void)state;
	fill(5);
	for (int step = 1; step <= 3; step++) {
		change(step);
		mt_code(rp, rally_save(rp, step), 0);
	}
	mt_code(rp, rally_close(rp), 0);
	check(dir, 3);
	assert_true(mt_contains(dir, "events.jsonl", "does nothing here"));
}

static const struct CMUnitTest incremental[] = {
	cmocka_unit_test(test_shares),
	cmocka_unit_test(test_nothing_to_share),
	cmocka_unit_test(test_damaged_base),
	cmocka_unit_test(test_faults),
	cmocka_unit_test(test_two_file_systems),
	cmocka_unit_test(test_elsewhere),
};

MT_MAIN(incremental)
