/*
 * test_recycle.c - saves that write over pruned shards: which files they take,
 *                  whose they leave alone, and that what stands is whole
 *
 * ranks: 1 2 4
 * folder: memory
 */
#include "mpi_slurm.h"
#include "mpi_state.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG 200000	/* elements of the region that grows and shrinks */

static int64_t data[BIG];

static rally_t *open_keeping(const char *dir, int64_t keep)
{
	rally_t *rp = mt_open(dir);

	ms_add(rp);
	mt_set(rp, "keep", keep);
	return rp;
}

/* Saves a step; the inode of this rank's shard. */
static uint64_t save(rally_t *rp, const char *dir, int64_t step)
{
	ms_fill(step);
	mt_code(rp, rally_save(rp, step), 0);
	mt_barrier();
	return ms_shard(dir, 0);
}

/* This rank's shard of the newest checkpoint but `back`. */
static const char *shard(const char *dir, int back)
{
	static char path[6000];

	snprintf(path, sizeof(path), "%s/rank-%05d-of-%05d.safetensors",
		 mt_checkpoint(dir, back), mt_rank, mt_size);
	return path;
}

static void damage(const char *path)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "damage", 6, 5000), 6);
	close(fd);
}

/* A save takes the files that the one before it has pruned, no others. */
static void test_taken(void **state)
{
	for (int keep = 1; keep <= 3; keep++) {
		const char *dir = mt_dir();
		rally_t *rp = open_keeping(dir, keep);
		uint64_t inodes[12];

		(void)state;
		for (int i = 0; i < 12; i++) {
			inodes[i] = save(rp, dir, i);
			assert_int_equal(mt_hidden(dir, ".pool-"), i >= keep);
			assert_int_equal(mt_hidden(dir, ".trash-"), 0);
			assert_int_equal(mt_hidden(dir, ".partial-"), 0);
			if (i > keep)
				assert_true(inodes[i] == inodes[i - keep - 1]);
			for (int k = 1; k <= keep && k <= i; k++)
				assert_true(inodes[i] != inodes[i - k]);
		}
		assert_int_equal(mt_checkpoints(dir), keep);
		mt_code(rp, rally_close(rp), 0);
		mt_barrier();
		/* none of it is left to lie there */
		assert_int_equal(mt_hidden(dir, ".pool-"), 0);
		ms_resume(dir, 11, 11, NULL);
		for (int k = 0; k < keep - 1; k++) {
			if (mt_rank == mt_size - 1)
				damage(shard(dir, k));
			mt_barrier();
			ms_resume(dir, 10 - k, 10 - k, NULL);
		}
	}
}

/* A shard that is mapped, open or has a second name, each on one rank: its bytes
 * stay, and the other ranks' files are taken all the same. */
static void test_seen(void **state)
{
	enum { MAPPED, OPENED, LINKED, WAYS };

	for (int way = 0; way < WAYS; way++) {
		const char *dir = mt_dir();
		rally_t *rp = open_keeping(dir, 1);
		uint64_t first = save(rp, dir, 1);
		int mine = mt_rank == way % mt_size, fd = -1;
		char kept[6000], *map = NULL, before[4096], after[4096];

		(void)state;
		if (mine) {
			snprintf(kept, sizeof(kept), "%s.kept-%d", dir, mt_rank);
			fd = open(shard(dir, 0), O_RDONLY);
			assert_int_equal(pread(fd, before, 4096, 4096), 4096);
			if (way == MAPPED)
				map = mmap(NULL, 8192, PROT_READ, MAP_SHARED,
					   fd, 0);
			assert_ptr_not_equal(map, MAP_FAILED);
			if (way == LINKED)
				assert_int_equal(link(shard(dir, 0), kept), 0);
			if (way != OPENED)
				close(fd);
		}
		save(rp, dir, 2);
		assert_true((save(rp, dir, 3) == first) != mine);
		if (mine) {
			if (way == LINKED)
				fd = open(kept, O_RDONLY);
			if (way == MAPPED)
				memcpy(after, map + 4096, 4096);
			else
				assert_int_equal(pread(fd, after, 4096, 4096),
						 4096);
			assert_memory_equal(before, after, 4096);
			if (way == MAPPED)
				munmap(map, 8192);
			else
				close(fd);
			if (way == LINKED)
				assert_int_equal(unlink(kept), 0);
		}
		mt_code(rp, rally_close(rp), 0);
		ms_resume(dir, 3, 3, NULL);
	}
}

static void fill(size_t n, int64_t step)
{
	for (size_t i = 0; i < n; i++)
		data[i] = step * 7919 + mt_rank * 1000003 + (int64_t)i;
}

/* Shards that grow and shrink: each is as long as it is to be, and whole. */
static void test_sizes(void **state)
{
	static const size_t sizes[] = { 10, 50000, BIG, 3, 0, 100000, 99999, 1 };
	const char *dir = mt_dir();
	rally_t *rp = open_keeping(dir, 1);
	uint64_t inodes[8];
	int64_t step;
	int how;

	(void)state;
	for (int i = 0; i < 8; i++) {
		/* not the same on all ranks */
		size_t n = sizes[(i + mt_rank) % 8];

		fill(n, i);
		mt_code(rp, rally_add(rp, "data", data, RALLY_I64, n), 0);
		inodes[i] = save(rp, dir, i);
		assert_true(i < 2 || inodes[i] == inodes[i - 2]);
		memset(data, 0, sizeof(data));
		ms_forget();
		mt_code(rp, rally_restore(rp, &step, &how), 0);
		assert_int_equal(step, i);
		ms_check(step);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(data[k], i * 7919 + mt_rank * 1000003 +
							  (int64_t)k);
	}
	mt_code(rp, rally_close(rp), 0);
}

static void test_off(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = open_keeping(dir, 1);
	uint64_t first, fd;

	(void)state;
	mt_code(rp, rally_set(rp, "recycle", "no"), 0);
	first = save(rp, dir, 1);
	/* its inode is not free to be taken again */
	fd = (uint64_t)open(shard(dir, 0), O_RDONLY);
	save(rp, dir, 2);
	assert_int_equal(mt_hidden(dir, ".pool-"), 0);
	assert_true(save(rp, dir, 3) != first);
	mt_code(rp, rally_set(rp, "recycle", "yes"), 0);
	first = save(rp, dir, 4);
	save(rp, dir, 5);
	assert_int_equal(mt_hidden(dir, ".pool-"), 1);
	assert_true(save(rp, dir, 6) == first);
	/* what is there already goes */
	mt_code(rp, rally_set(rp, "recycle", "no"), 0);
	save(rp, dir, 7);
	assert_int_equal(mt_hidden(dir, ".pool-"), 0);
	mt_code(rp, rally_close(rp), 0);
	close((int)fd);
	ms_resume(dir, 7, 7, NULL);
}

/* A folder as a run leaves it that dies, or is requeued, when there is a pool.
 * The inode of this rank's shard in it. */
static uint64_t leave_pool(const char *dir)
{
	rally_t *rp = open_keeping(dir, 1);
	char pool[5000], aside[5000];
	uint64_t first = save(rp, dir, 1);

	save(rp, dir, 2);
	snprintf(pool, sizeof(pool), "%s/.pool-0000", dir);
	snprintf(aside, sizeof(aside), "%s/aside", dir);
	if (mt_rank == 0)
		assert_int_equal(rename(pool, aside), 0);
	mt_code(rp, rally_close(rp), 0);
	if (mt_rank == 0)
		assert_int_equal(rename(aside, pool), 0);
	mt_barrier();
	return first;
}

/* The next start takes it over. */
static void test_next_start(void **state)
{
	const char *dir = mt_dir();
	uint64_t first = leave_pool(dir);
	rally_t *rp;

	(void)state;
	ms_resume(dir, 2, 2, &rp);
	mt_set(rp, "keep", 1);
	assert_int_equal(mt_hidden(dir, ".pool-"), 1);
	assert_true(save(rp, dir, 3) == first);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_int_equal(mt_hidden(dir, ".pool-"), 0);
	ms_resume(dir, 3, 3, NULL);
}

/* A stop leaves it to the next start, where there will be one. */
static void test_stopped(void **state)
{
	(void)state;
	for (int refused = 0; refused < 2; refused++) {
		char dir[5000];
		uint64_t first;
		rally_t *rp;

		snprintf(dir, sizeof(dir), "%s", mt_dir());
		fs_begin(-100, 0, 3600);
		if (mt_rank == 0 && refused)
			fs_put("refuses", "");
		rp = fs_open(dir, "30s", "0");
		ms_add(rp);
		mt_set(rp, "keep", 1);
		first = save(rp, dir, 1);
		save(rp, dir, 2);
		rally_request(rp, RALLY_WANT_STOP);
		assert_int_equal(rally_point(rp, 2), RALLY_STOP);
		mt_code(rp, rally_close(rp), refused ? RALLY_EUNFINISHED : 0);
		fs_end(NULL);
		mt_barrier();
		assert_int_equal(mt_hidden(dir, ".pool-"), !refused);
		ms_resume(dir, 2, 2, &rp);
		assert_true(refused || save(rp, dir, 3) == first);
		mt_code(rp, rally_close(rp), 0);
		mt_barrier();
		assert_int_equal(mt_hidden(dir, ".pool-"), 0);
	}
}

/* What another number of ranks has left is of no use. */
static void test_other_ranks(void **state)
{
	const char *dir = mt_dir();
	char from[6000], to[6000];
	rally_t *rp;

	(void)state;
	leave_pool(dir);
	snprintf(from, sizeof(from), "%s/.pool-0000/rank-%05d-of-%05d"
		 ".safetensors", dir, mt_rank, mt_size);
	snprintf(to, sizeof(to), "%s/.pool-0000/rank-%05d-of-00009.safetensors",
		 dir, mt_rank);
	assert_int_equal(rename(from, to), 0);
	ms_resume(dir, 2, 2, &rp);
	assert_int_equal(mt_hidden(dir, ".pool-"), 0);
	save(rp, dir, 3);
	mt_code(rp, rally_close(rp), 0);
	ms_resume(dir, 3, 3, NULL);
}

/* Where some of it is gone, those ranks write new files. */
static void test_torn(void **state)
{
	const char *dir = mt_dir();
	uint64_t first = leave_pool(dir);
	char path[6000];
	rally_t *rp;
	int fd = -1;

	(void)state;
	ms_resume(dir, 2, 2, &rp);
	snprintf(path, sizeof(path), "%s/.pool-0000/rank-%05d-of-%05d"
		 ".safetensors", dir, mt_rank, mt_size);
	if (mt_rank == mt_size - 1) {
		fd = open(path, O_RDONLY);
		assert_int_equal(unlink(path), 0);
	}
	mt_barrier();
	assert_true((save(rp, dir, 3) == first) == (mt_rank < mt_size - 1));
	if (fd >= 0)
		close(fd);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_int_equal(mt_hidden(dir, ".pool-"), 0);
	ms_resume(dir, 3, 3, NULL);
}

/* Pinned ones stay, the first of each ten steps too, and none of them is written
 * over; what else goes is. */
static void test_pinned(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = open_keeping(dir, 1);
	char path[6000];
	uint64_t second, third;
	FILE *file;

	(void)state;
	mt_code(rp, rally_set(rp, "keep_every", "10"), 0);
	save(rp, dir, 1);
	snprintf(path, sizeof(path), "%s/0000-step-1/pin", dir);
	if (mt_rank == 0) {
		file = fopen(path, "w");
		assert_non_null(file);
		fclose(file);
	}
	mt_barrier();
	second = save(rp, dir, 9);
	third = save(rp, dir, 12);
	assert_true(save(rp, dir, 13) == second);
	assert_true(save(rp, dir, 14) != third);
	assert_true(save(rp, dir, 15) == second);
	assert_true(save(rp, dir, 21) != third);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 3);
	assert_int_equal(mt_exists(dir, "0002-step-12/pin"), 1);
	ms_resume(dir, 21, 21, NULL);
	if (mt_rank == 0)
		damage(shard(dir, 0));
	ms_resume(dir, 12, 12, NULL);
	if (mt_rank == 0)
		damage(shard(dir, 1));
	ms_resume(dir, 1, 1, NULL);
}

/* A save that fails takes the pool with it, and the next one is as the first. */
static int refuse(const char *path, enum rally_file_op op, int64_t step,
		  void *arg)
{
	FILE *file = op == RALLY_FILE_WRITE ? fopen(path, "w") : NULL;
	int *calls = arg;

	if (file)
		fclose(file);
	(*calls)++;
	return step == 3;
}

static void test_failed(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = open_keeping(dir, 1);
	int calls = 0;

	(void)state;
	mt_code(rp, rally_file(rp, "zz", RALLY_FILE_PRIVATE, refuse, &calls), 0);
	save(rp, dir, 1);
	save(rp, dir, 2);
	assert_int_equal(mt_hidden(dir, ".pool-"), 1);
	assert_int_equal(calls, 2);
	ms_fill(3);
	mt_code(rp, rally_save(rp, 3), RALLY_EAPP);
	/* once more without the pool: it may have been the space */
	assert_int_equal(calls, 4);
	mt_barrier();
	assert_int_equal(mt_hidden(dir, ".pool-"), 0);
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
	assert_int_equal(mt_checkpoints(dir), 1);
	save(rp, dir, 4);
	mt_code(rp, rally_close(rp), 0);
	ms_resume(dir, 4, 4, NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_taken),
	cmocka_unit_test(test_seen),
	cmocka_unit_test(test_sizes),
	cmocka_unit_test(test_off),
	cmocka_unit_test(test_next_start),
	cmocka_unit_test(test_stopped),
	cmocka_unit_test(test_other_ranks),
	cmocka_unit_test(test_torn),
	cmocka_unit_test(test_pinned),
	cmocka_unit_test(test_failed),
};

MT_MAIN(tests)
