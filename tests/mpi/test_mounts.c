/*
 * test_mounts.c - a full disk and a read-only one: real ones, of 6 MiB
 *
 * The error is the same on all ranks, the checkpoints stay, the run goes on, and
 * saves again when there is room.
 *
 * ranks: 1 4
 * mounts: yes
 */
#include "mpi_state.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

static char small[4096], readonly[4096];

/* A folder on the small disk with checkpoints of the steps 1 and 2, and the
 * handle that has resumed. */
static rally_t *begin(const char *name)
{
	rally_t *rp;

	snprintf(small, sizeof(small), "%s/%s-%d", getenv("MT_SMALL"), name,
		 mt_size);
	snprintf(readonly, sizeof(readonly), "%s/%s-%d", getenv("MT_READONLY"),
		 name, mt_size);
	rp = mt_open(small);
	ms_add(rp);
	for (int step = 1; step <= 2; step++) {
		ms_fill(step);
		mt_code(rp, rally_save(rp, step), 0);
	}
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	ms_resume(small, 2, 2, &rp);
	return rp;
}

static int filler = -1;

/* Leaves so many bytes, in whole pages. Rank 0's. */
static void leave(size_t bytes)
{
	struct statvfs vfs;
	char path[5000];

	snprintf(path, sizeof(path), "%s/filler", getenv("MT_SMALL"));
	filler = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(filler >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fstatvfs(filler, &vfs), 0);
	assert_int_equal(posix_fallocate(filler, 0,
					 (off_t)(vfs.f_bavail * vfs.f_frsize -
						 bytes)), 0);
}

static void make_room(void)
{
	mt_barrier();
	if (filler >= 0)
		close(filler);
	filler = -1;
	mt_barrier();
}

static void test_no_room(void **state)
{
	rally_t *rp = begin("no-room");

	(void)state;
	if (mt_rank == 0)
		leave(100000);
	mt_barrier();
	ms_fill(3);
	mt_code(rp, rally_save(rp, 3), RALLY_ENOSPC);
	assert_non_null(strstr(rally_error(rp), "are free"));
	assert_int_equal(rally_point(rp, 3), RALLY_GO);
	mt_barrier();
	assert_int_equal(mt_hidden(small, ".partial-"), 0);
	assert_int_equal(mt_checkpoints(small), 2);
	make_room();
	mt_code(rp, rally_save(rp, 3), 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_true(mt_contains(small, "events.jsonl", "is in memory (tmpfs)"));
	ms_resume(small, 3, 3, NULL);
}

/* It fits when it is looked at; then the program's own file takes the room. */
static int take_room(const char *path, enum rally_file_op op, int64_t step,
		     void *arg)
{
	FILE *file;

	(void)step;
	(void)arg;
	if (op == RALLY_FILE_READ)
		return 0;
	file = fopen(path, "w");
	mt_barrier();
	if (mt_rank == 0)
		leave(8192);
	mt_barrier();
	return !file || fclose(file) != 0;
}

static void test_filling_up(void **state)
{
	rally_t *rp = begin("filling-up");

	(void)state;
	mt_code(rp, rally_file(rp, "zz", RALLY_FILE_PRIVATE, take_room, NULL),
		0);
	ms_fill(3);
	mt_code(rp, rally_save(rp, 3), RALLY_ENOSPC);
	assert_non_null(strstr(rally_error(rp), "No space left on device"));
	mt_barrier();
	assert_int_equal(mt_hidden(small, ".partial-"), 0);
	assert_int_equal(mt_checkpoints(small), 2);
	/* A stop tries twice, and stops all the same. */
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	make_room();
	for (int i = 0; i < 9 && mt_status(rp).verdict == RALLY_GO; i++) {
		(void)rally_point(rp, 3);
		make_room();
	}
	assert_int_equal(mt_status(rp).verdict, RALLY_STOP);
	assert_int_equal(mt_status(rp).saved_step, 2);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	mt_barrier();
	ms_resume(small, 2, 2, NULL);
}

static void test_warning(void **state)
{
	rally_t *rp = begin("warning");

	(void)state;
	if (mt_rank == 0)
		leave((size_t)1700000);
	mt_barrier();
	ms_fill(3);
	mt_code(rp, rally_set(rp, "keep", "3"), 0);
	for (int step = 3; step < 30 &&
	     !mt_contains(small, "events.jsonl", "will not fit"); step++) {
		mt_barrier();
		ms_fill(step);
		mt_code(rp, rally_set(rp, "keep", "30"), 0);
		mt_code(rp, rally_save(rp, step), 0);
		mt_barrier();
	}
	/* It is said before a save fails, not by it. */
	assert_true(mt_contains(small, "events.jsonl", "will not fit"));
	make_room();
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	if (mt_rank == 0)
		mt_remove(small);
}

/* The program's file, as large as it is told to be. */
static int fill_file(const char *path, enum rally_file_op op, int64_t step,
		     void *arg)
{
	const size_t *size = arg;
	FILE *file;
	int bad = 0;

	(void)step;
	if (op == RALLY_FILE_READ || mt_rank != 0)
		return 0;
	file = fopen(path, "w");
	if (!file)
		return 1;
	for (size_t i = 0; i < *size / 4096; i++) {
		char page[4096] = "x";

		bad |= fwrite(page, sizeof(page), 1, file) != 1;
	}
	return (fclose(file) != 0) | bad;
}

/* The pool's space counts as free, but the program's file can't have it: the save
 * begins anew without a pool. */
static void test_pool_in_the_way(void **state)
{
	size_t file = 0, n = 0, available = 0;
	struct statvfs vfs;
	int64_t *data;
	rally_t *rp;

	(void)state;
	snprintf(small, sizeof(small), "%s/pool-%d", getenv("MT_SMALL"), mt_size);
	mt_barrier();
	assert_int_equal(statvfs(getenv("MT_SMALL"), &vfs), 0);
	available = (size_t)vfs.f_bavail * vfs.f_frsize;
	mt_barrier();
	n = available / 4 / 8 / (size_t)mt_size;
	data = calloc(n, 8);
	rp = mt_open(small);
	mt_set(rp, "keep", 1);
	mt_code(rp, rally_add(rp, "data", data, RALLY_I64, n), 0);
	mt_code(rp, rally_file(rp, "big", RALLY_FILE_SHARED, fill_file, &file),
		0);
	mt_code(rp, rally_save(rp, 1), 0);
	data[0] = 1;
	mt_code(rp, rally_save(rp, 2), 0);
	mt_barrier();
	assert_int_equal(mt_hidden(small, ".pool-"), 1);
	/* two quarters are free, and one that the pool has */
	mt_code(rp, rally_add(rp, "data", data, RALLY_I64, 1), 0);
	file = available / 8 * 5;
	mt_code(rp, rally_save(rp, 3), 0);
	mt_barrier();
	assert_int_equal(mt_checkpoints(small), 1);
	assert_int_equal(mt_hidden(small, ".partial-"), 0);
	assert_true(mt_contains(small, "events.jsonl", "begins anew"));
	/* what really does not fit is an error, and the last one stays */
	file = available;
	mt_code(rp, rally_save(rp, 4), RALLY_EAPP);
	mt_barrier();
	assert_int_equal(mt_checkpoints(small), 1);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_int_equal(mt_hidden(small, ".pool-"), 0);
	free(data);
	if (mt_rank == 0)
		mt_remove(small);
}

static void test_read_only(void **state)
{
	rally_t *rp = begin("read-only");

	(void)state;
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	mt_code(rp, rally_open(MPI_COMM_WORLD, readonly, &rp), RALLY_EIO);
	assert_non_null(strstr(rally_error(rp), "Read-only file system"));
	assert_non_null(strstr(rally_error(rp), readonly));
	mt_code(rp, rally_close(rp), RALLY_EIO);
	mt_barrier();
	assert_int_equal(mt_checkpoints(small), 2);
	ms_resume(small, 2, 2, NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_warning),
	cmocka_unit_test(test_pool_in_the_way),
	cmocka_unit_test(test_no_room),
	cmocka_unit_test(test_filling_up),
	cmocka_unit_test(test_read_only),
};

MT_MAIN(tests)
