/*
 * test_fallback.c - a second folder: what the first can't take goes there, on all
 *                   ranks, and what is newest of both is found again
 *
 * The first folder is on a small disk, which is full or read-only where a test
 * wants it; the second is on another one.
 *
 * ranks: 1 4
 * mounts: yes
 * limit: 400
 */
#include "mpi_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static char first[4096], second[4096];
static int filler = -1;

/* Leaves the small disk so many bytes. */
static void leave(size_t bytes)
{
	struct statvfs vfs;
	char path[5000];

	mt_barrier();
	if (mt_rank == 0) {
		snprintf(path, sizeof(path), "%s/filler", getenv("MT_SMALL"));
		filler = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_true(filler >= 0);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(fstatvfs(filler, &vfs), 0);
		assert_int_equal(posix_fallocate(filler, 0,
				(off_t)(vfs.f_bavail * vfs.f_frsize - bytes)), 0);
	}
	mt_barrier();
}

static void make_room(void)
{
	mt_barrier();
	if (filler >= 0)
		close(filler);
	filler = -1;
	mt_barrier();
}

/* Both folders anew; the first in `top`. */
static void folders(const char *top)
{
	static int number;

	snprintf(second, sizeof(second), "%s", mt_dir());
	snprintf(first, sizeof(first), "%s/%d-%d", top, mt_size, number++);
	mt_option("RALLY_FALLBACK", second);
}

static void end(rally_t *rp, int code)
{
	mt_code(rp, rally_close(rp), code);
	mt_option("RALLY_FALLBACK", NULL);
	mt_barrier();
	if (mt_rank == 0)
		mt_remove(first);
	mt_barrier();
}

static void save(rally_t *rp, int64_t step, int code)
{
	ms_fill(step);
	mt_code(rp, rally_save(rp, step), code);
	mt_barrier();
}

/* How often a save was tried again. */
static int again(void)
{
	char path[5000], *line = NULL;
	size_t size = 0;
	int n = 0;
	FILE *file;

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/events.jsonl",
			 i ? second : first);
		file = fopen(path, "r");
		while (file && getline(&line, &size, file) > 0)
			n += strstr(line, "\"fallback\"") != NULL;
		if (file)
			fclose(file);
	}
	free(line);
	return n;
}

static rally_t *begin(const char *top)
{
	rally_t *rp;

	folders(top);
	rp = mt_open(first);
	ms_add(rp);
	return rp;
}

/* Full: to the second, on all ranks; back when there is room; keep counts over
 * both, and so does the sequence. */
static void test_full(void **state)
{
	rally_t *rp = begin(getenv("MT_SMALL"));

	(void)state;
	save(rp, 1, 0);
	save(rp, 2, 0);
	leave(100000);
	save(rp, 3, 0);
	assert_int_equal(mt_status(rp).sequence, 2);
	assert_int_equal(mt_checkpoints(first), 1);
	assert_int_equal(mt_checkpoints(second), 1);
	assert_int_equal(mt_hidden(first, ".partial-"), 0);
	assert_non_null(strstr(mt_checkpoint(second, 0), "0002-step-3"));
	/* Every save tries the first again. */
	save(rp, 4, 0);
	assert_int_equal(mt_checkpoints(first), 0);
	assert_int_equal(mt_checkpoints(second), 2);
	make_room();
	save(rp, 5, 0);
	assert_non_null(strstr(mt_checkpoint(first, 0), "0004-step-5"));
	assert_int_equal(mt_checkpoints(second), 1);
	assert_int_equal(again(), 2);
	mt_code(rp, rally_close(rp), 0);
	/* The newest of both, whichever has it. */
	ms_resume(first, 5, 5, &rp);
	leave(100000);
	save(rp, 6, 0);
	mt_code(rp, rally_close(rp), 0);
	make_room();
	/* What is saved now is newer than what is in the second. */
	ms_resume(first, 6, 6, &rp);
	assert_int_equal(mt_status(rp).sequence, 5);
	save(rp, 7, 0);
	assert_non_null(strstr(mt_checkpoint(first, 0), "0006-step-7"));
	mt_code(rp, rally_close(rp), 0);
	ms_resume(first, 7, 7, &rp);
	end(rp, 0);
}

/* A restart on a full disk: even the claim can't be written there. */
static void test_full_at_the_open(void **state)
{
	rally_t *rp = begin(getenv("MT_SMALL"));

	(void)state;
	save(rp, 1, 0);
	save(rp, 2, 0);
	mt_code(rp, rally_close(rp), 0);
	leave(0);
	mt_option("RALLY_FALLBACK", NULL);
	mt_code(rp, rally_open(MPI_COMM_WORLD, first, &rp), RALLY_ENOSPC);
	mt_code(rp, rally_close(rp), RALLY_ENOSPC);
	mt_option("RALLY_FALLBACK", second);
	ms_resume(first, 2, 2, &rp);
	assert_true(mt_contains(second, "events.jsonl", "until it can"));
	save(rp, 3, 0);
	/* What is not ours is not pruned. */
	assert_int_equal(mt_checkpoints(first), 2);
	assert_int_equal(mt_checkpoints(second), 1);
	make_room();
	save(rp, 4, 0);
	assert_non_null(strstr(mt_checkpoint(first, 0), "0003-step-4"));
	assert_int_equal(mt_checkpoints(first), 1);
	assert_true(mt_exists(first, ".owner"));
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_false(mt_exists(first, ".owner"));
	assert_false(mt_exists(second, ".owner"));
	ms_resume(first, 4, 4, &rp);
	end(rp, 0);
}

/* Nothing was ever saved in the first, and nothing can be: what tells that the
 * checkpoints have vanished is in the second. */
static void test_vanished(void **state)
{
	rally_t *rp = begin(getenv("MT_SMALL"));
	const char *name = strrchr(first, '/');
	char readonly[5000];
	int64_t step;
	int how;

	(void)state;
	snprintf(readonly, sizeof(readonly), "%s%s", getenv("MT_READONLY"),
		 name);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	rp = mt_open(readonly);
	ms_add(rp);
	save(rp, 1, 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	if (mt_rank == 0)
		mt_remove(mt_checkpoint(second, 0));
	rp = mt_open(readonly);
	mt_code(rp, rally_restore(rp, &step, &how), RALLY_EVANISHED);
	end(rp, 0);
}

static void test_read_only(void **state)
{
	rally_t *rp = begin(getenv("MT_SMALL"));
	const char *name = strrchr(first, '/');
	char readonly[5000];

	(void)state;
	snprintf(readonly, sizeof(readonly), "%s%s", getenv("MT_READONLY"),
		 name);
	save(rp, 1, 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	ms_resume(readonly, 1, 1, &rp);
	save(rp, 2, 0);
	save(rp, 3, 0);
	assert_int_equal(mt_checkpoints(first), 1);
	assert_int_equal(mt_checkpoints(second), 2);
	mt_code(rp, rally_close(rp), 0);
	ms_resume(readonly, 3, 3, &rp);
	end(rp, 0);
}

/* Both full: the error of today, and all that was saved stands. */
static void test_both_full(void **state)
{
	char inside[4200];
	rally_t *rp;

	(void)state;
	folders(getenv("MT_SMALL"));
	snprintf(inside, sizeof(inside), "%s-second", first);
	mt_option("RALLY_FALLBACK", inside);
	rp = mt_open(first);
	ms_add(rp);
	save(rp, 1, 0);
	leave(100000);
	save(rp, 2, RALLY_ENOSPC);
	assert_non_null(strstr(rally_error(rp), inside));
	assert_int_equal(rally_point(rp, 2), RALLY_GO);
	assert_int_equal(mt_hidden(first, ".partial-"), 0);
	assert_int_equal(mt_hidden(inside, ".partial-"), 0);
	assert_int_equal(mt_status(rp).saved_step, 1);
	make_room();
	save(rp, 2, 0);
	assert_non_null(strstr(mt_checkpoint(first, 0), "step-2"));
	mt_code(rp, rally_close(rp), 0);
	ms_resume(first, 2, 2, &rp);
	end(rp, 0);
	if (mt_rank == 0)
		mt_remove(inside);
}

/* The program's own file takes the room that was there: the save fails after its
 * first bytes, and is made anew elsewhere, the file too. */
static int take_room(const char *path, enum rally_file_op op, int64_t step,
		     void *arg)
{
	FILE *file;

	(void)step;
	(void)arg;
	if (op == RALLY_FILE_READ)
		return 0;
	file = fopen(path, "w");
	if (strncmp(path, second, strlen(second)) != 0)
		leave(8192);
	return !file || fclose(file) != 0;
}

static void test_filling_up(void **state)
{
	rally_t *rp = begin(getenv("MT_SMALL"));

	(void)state;
	save(rp, 1, 0);
	mt_code(rp, rally_file(rp, "zz", RALLY_FILE_PRIVATE, take_room, NULL),
		0);
	save(rp, 2, 0);
	assert_int_equal(mt_checkpoints(second), 1);
	assert_int_equal(mt_hidden(first, ".partial-"), 0);
	make_room();
	mt_code(rp, rally_drop(rp, "zz"), 0);
	mt_code(rp, rally_close(rp), 0);
	ms_resume(first, 2, 2, &rp);
	end(rp, 0);
}

static void stop(rally_t *rp, int64_t step)
{
	int verdict = RALLY_GO;

	ms_fill(step);
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	for (int i = 0; i < 9 && verdict == RALLY_GO; i++)
		verdict = rally_point(rp, step);
	assert_int_equal(verdict, RALLY_STOP);
	assert_int_equal(mt_status(rp).saved_step, step);
	mt_barrier();
}

/* A stop has no time to find out again that the first is full. */
static void test_stop(void **state)
{
	rally_t *rp = begin(getenv("MT_SMALL"));

	(void)state;
	save(rp, 1, 0);
	leave(100000);
	save(rp, 2, 0);
	assert_int_equal(again(), 1);
	stop(rp, 3);
	assert_int_equal(again(), 1);
	assert_non_null(strstr(mt_checkpoint(second, 0), "step-3"));
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	/* Likewise in the start that resumed from there. */
	ms_resume(first, 3, 3, &rp);
	stop(rp, 4);
	assert_int_equal(again(), 1);
	make_room();
	end(rp, RALLY_EUNFINISHED);
}

/* The second is claimed as the first is, and is another. */
static void test_refused(void **state)
{
	char owner[4200];
	rally_t *rp, *other;

	(void)state;
	folders(getenv("MT_SMALL"));
	mt_option("RALLY_FALLBACK", first);
	mt_code(rp, rally_open(MPI_COMM_WORLD, first, &rp), RALLY_EOPTION);
	mt_code(rp, rally_close(rp), RALLY_EOPTION);
	mt_option("RALLY_FALLBACK", second);
	mt_barrier();
	other = mt_open(first);
	snprintf(owner, sizeof(owner), "%s-mine", first);
	mt_code(rp, rally_open(MPI_COMM_WORLD, owner, &rp), RALLY_EOWNED);
	assert_non_null(strstr(rally_error(rp), second));
	mt_code(rp, rally_close(rp), RALLY_EOWNED);
	/* Not one that can't be made. */
	mt_option("RALLY_FALLBACK", "/dev/null/x");
	mt_code(rp, rally_open(MPI_COMM_WORLD, owner, &rp), RALLY_EIO);
	mt_code(rp, rally_close(rp), RALLY_EIO);
	if (mt_rank == 0)
		mt_remove(owner);
	end(other, 0);
}

/* Set, changed and given up in a run; one that is refused leaves the other. */
static void test_set(void **state)
{
	char third[4200];
	rally_t *rp, *other;

	(void)state;
	folders(getenv("MT_SMALL"));
	mt_option("RALLY_FALLBACK", NULL);
	snprintf(third, sizeof(third), "%s", mt_dir());
	rp = mt_open(first);
	other = mt_open(third);
	ms_add(rp);
	save(rp, 1, 0);
	leave(100000);
	save(rp, 2, RALLY_ENOSPC);
	mt_code(rp, rally_set(rp, "fallback", second), 0);
	mt_barrier();
	assert_true(mt_exists(second, ".owner"));
	save(rp, 2, 0);
	assert_int_equal(mt_checkpoints(second), 1);
	mt_code(rp, rally_set(rp, "fallback", third), RALLY_EOWNED);
	save(rp, 3, 0);
	assert_int_equal(mt_checkpoints(second), 2);
	mt_code(rp, rally_set(rp, "fallback", ""), 0);
	mt_barrier();
	assert_false(mt_exists(second, ".owner"));
	save(rp, 4, RALLY_ENOSPC);
	make_room();
	save(rp, 4, 0);
	mt_code(rp, rally_close(other), 0);
	end(rp, 0);
}

/* The mark of a finished run too. */
static void test_finish(void **state)
{
	rally_t *rp = begin(getenv("MT_SMALL"));
	int64_t step = -1;
	int how;

	(void)state;
	save(rp, 1, 0);
	mt_code(rp, rally_close(rp), 0);
	if (mt_rank == 0)
		setenv("SLURM_JOB_ID", "12", 1);
	ms_resume(first, 1, 1, &rp);
	leave(0);
	mt_code(rp, rally_finish(rp, 7), 0);
	mt_code(rp, rally_close(rp), 0);
	make_room();
	assert_true(mt_exists(second, ".finished"));
	rp = mt_open(first);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(how, RALLY_FINISHED);
	assert_int_equal(step, 7);
	if (mt_rank == 0)
		unsetenv("SLURM_JOB_ID");
	end(rp, 0);
}

/* Names of stored regions, the reasons for none. */
static void test_looking(void **state)
{
	rally_t *rp = begin(getenv("MT_SMALL"));
	struct rally_info info;
	int64_t step;
	int how;

	(void)state;
	mt_code(rp, rally_find(rp, "cells", &info), RALLY_EABSENT);
	leave(100000);
	save(rp, 1, 0);
	mt_code(rp, rally_find(rp, "cells", &info), 0);
	assert_int_equal(info.step, 1);
	mt_code(rp, rally_close(rp), 0);
	make_room();
	/* All that the run has saved is gone: no fresh start. */
	if (mt_rank == 0)
		mt_remove(mt_checkpoint(second, 0));
	rp = mt_open(first);
	mt_code(rp, rally_restore(rp, &step, &how), RALLY_EVANISHED);
	end(rp, 0);
}

/* Each call of a save fails once, in a way that a second folder helps against,
 * on rank 0 and on another: the save goes well all the same. */
static int calls_of(rally_t *rp, int rank, int64_t step)
{
	char log[4200];
	char *line = NULL;
	size_t size = 0;
	int n = 0;
	FILE *file;

	snprintf(log, sizeof(log), "%s.log", second);
	mt_code(rp, rally_set(rp, "fault_log", log), 0);
	save(rp, step, 0);
	mt_code(rp, rally_set(rp, "fault_log", ""), 0);
	file = fopen(log, "r");
	assert_non_null(file);
	while (getline(&line, &size, file) > 0)
		n += atoi(line) == rank;
	free(line);
	fclose(file);
	return n;
}

static void fail_call(rally_t *rp, int rank, int at, const char *kind,
		      int64_t step)
{
	int64_t restored = -1;
	char fault[80];
	int how;

	snprintf(fault, sizeof(fault), "rank=%d,at=%d,do=%s", rank, at, kind);
	if (getenv("INJECT_WORDS") && mt_rank == 0)
		fprintf(stderr, "-- %s\n", fault);
	mt_code(rp, rally_set(rp, "fault", fault), 0);
	ms_fill(step);
	how = rally_save(rp, step);
	mt_same(how);
	assert_true(how == 0 || how == RALLY_EUNCONFIRMED);
	mt_code(rp, rally_set(rp, "fault", ""), 0);
	ms_forget();
	mt_code(rp, rally_restore(rp, &restored, &how), 0);
	assert_int_equal(restored, step);
	ms_check(step);
}

static void test_each_call(void **state)
{
	static const char *const kinds[] = { "ENOSPC", "EDQUOT", "EIO" };
	struct mt_campaign c = mt_campaign();
	rally_t *rp = begin(getenv("MT_SMALL"));
	int64_t step = 1, restored;
	int ways = c.whole ? 3 : 1, how;

	(void)state;
	mt_code(rp, rally_set(rp, "keep", "1"), 0);
	mt_code(rp, rally_restore(rp, &restored, &how), 0);
	for (int i = 0; i < 2 && i < mt_size; i++) {
		int rank = i * (mt_size - 1);
		int calls = calls_of(rp, rank, step++);

		assert_true(calls > 5);
		for (int at = 1; at <= calls; at += c.share)
			for (int k = 0; k < ways; k++)
				fail_call(rp, rank, at,
					  kinds[(c.seed + (uint64_t)(at + k)) %
						3], step++);
	}
	if (mt_rank == 0)
		printf("%d saves, seed %llu\n", (int)step,
		       (unsigned long long)c.seed);
	end(rp, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_full),
	cmocka_unit_test(test_full_at_the_open),
	cmocka_unit_test(test_read_only),
	cmocka_unit_test(test_vanished),
	cmocka_unit_test(test_both_full),
	cmocka_unit_test(test_filling_up),
	cmocka_unit_test(test_stop),
	cmocka_unit_test(test_refused),
	cmocka_unit_test(test_set),
	cmocka_unit_test(test_finish),
	cmocka_unit_test(test_looking),
	cmocka_unit_test(test_each_call),
};

MT_MAIN(tests)
