/*
 * test_from.c - a run that begins from another folder's checkpoint: that is only
 *               read, and from the first commit on the own folder alone counts
 *
 * ranks: 1 2 4
 */
#include "mpi_ranks.h"
#include "mpi_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rank 0 does it while the others wait. */
#define ALONE(what)                                                          \
	do {                                                                 \
		mt_barrier();                                                \
		if (mt_rank == 0)                                            \
			what;                                                \
		mt_barrier();                                                \
	} while (0)

static char source[6000], path[7000], other[7000];

/* A folder to branch off from, with checkpoints of the steps 1 to n. */
static void make_source(int n)
{
	snprintf(source, sizeof(source), "%s", ms_make(n));
}

/* What the source holds: each name, with length and time of change. */
static void list(const char *dir, char *text, size_t size)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort);
	size_t used = 0;

	text[0] = '\0';
	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		assert_int_equal(lstat(path, &st), 0);
		if (strcmp(entries[i]->d_name, "..") != 0)
			used += (size_t)snprintf(text + used, size - used,
						 "%s %lld %lld.%09ld\n",
						 entries[i]->d_name,
						 (long long)st.st_size,
						 (long long)st.st_mtim.tv_sec,
						 st.st_mtim.tv_nsec);
		assert_true(used < size);
		free(entries[i]);
	}
	free(entries);
}

static char before[20000], after[20000];

static void expect_untouched(const char *dir)
{
	mt_barrier();
	list(dir, after, sizeof(after));
	assert_string_equal(before, after);
	mt_barrier();
}

static rally_t *open_own(const char *dir)
{
	rally_t *rp = mt_open(dir);

	ms_add(rp);
	ms_forget();
	return rp;
}

static void close_own(rally_t *rp)
{
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

static void branch(rally_t *rp, const char *from, int64_t step)
{
	int64_t got = -7;

	ms_forget();
	mt_code(rp, rally_restore_from(rp, from, &got), 0);
	assert_int_equal(got, step);
	ms_check(step);
}

static void refuse(rally_t *rp, const char *from, int code, const char *words)
{
	int64_t got = -7;

	mt_code(rp, rally_restore_from(rp, from, &got), code);
	assert_int_equal(got, -7);
	if (!strstr(rally_error(rp), words))
		fail_msg("'%s' is not in '%s'", words, rally_error(rp));
}

/* A folder, one checkpoint of it whichever, and whatever it is called. */
static void test_any_path(void **state)
{
	const char *dir;
	rally_t *rp;

	(void)state;
	make_source(3);
	dir = mt_dir();
	rp = open_own(dir);
	ALONE(list(source, before, sizeof(before)));
	branch(rp, source, 3);
	snprintf(other, sizeof(other), "%s", mt_checkpoint(source, 2));
	branch(rp, other, 1);
	snprintf(other, sizeof(other), "%s//", mt_checkpoint(source, 1));
	branch(rp, other, 2);
	if (mt_rank == 0)
		expect_untouched(source);
	else
		mt_barrier(), mt_barrier();
	snprintf(path, sizeof(path), "%s/best", source);
	snprintf(other, sizeof(other), "%s", mt_checkpoint(source, 1));
	ALONE(assert_int_equal(rename(other, path), 0));
	branch(rp, path, 2);
	snprintf(other, sizeof(other), "%s/link", source);
	ALONE(assert_int_equal(symlink("best", other), 0));
	branch(rp, other, 2);
	assert_int_equal(mt_checkpoints(dir), 0);
	close_own(rp);
}

static void test_no_such(void **state)
{
	const char *dir;
	rally_t *rp;

	(void)state;
	make_source(1);
	dir = mt_dir();
	rp = open_own(dir);
	snprintf(other, sizeof(other), "%s/none", source);
	refuse(rp, other, RALLY_EABSENT, "there is no");
	snprintf(other, sizeof(other), "%s/0007-step-1", source);
	refuse(rp, other, RALLY_EABSENT, "there is no");
	snprintf(other, sizeof(other), "%s/events.jsonl", source);
	refuse(rp, other, RALLY_EABSENT, "is a file");
	refuse(rp, dir, RALLY_EABSENT, "holds no checkpoint");
	refuse(rp, "", RALLY_EARG, "empty");
	mt_code(rp, rally_restore_from(rp, source, NULL), RALLY_EARG);
	snprintf(other, sizeof(other), "%s", mt_checkpoint(source, 0));
	snprintf(path, sizeof(path), "%s/.partial-0000-1-1", source);
	ALONE(assert_int_equal(rename(other, path), 0));
	refuse(rp, path, RALLY_EABSENT, "never committed");
	refuse(rp, source, RALLY_EABSENT, "only saves that were never committed");
	snprintf(other, sizeof(other), "%s/.trash-0000", source);
	ALONE(assert_int_equal(rename(path, other), 0));
	refuse(rp, other, RALLY_EABSENT, "was pruned");
	snprintf(path, sizeof(path), "%s/.pool-0000", source);
	ALONE(assert_int_equal(rename(other, path), 0));
	refuse(rp, path, RALLY_EABSENT, "was pruned");
	snprintf(other, sizeof(other), "%s/0000-step-1", source);
	ALONE(assert_int_equal(mkdir(other, 0777), 0));
	refuse(rp, other, RALLY_EIO, "manifest.json");
	close_own(rp);
}

/* The ranks must mean the same one. */
static void test_mismatch(void **state)
{
	rally_t *rp;
	int64_t step;

	(void)state;
	make_source(2);
	rp = open_own(mt_dir());
	snprintf(other, sizeof(other), "%s", mt_checkpoint(source, 0));
	mt_code(rp, rally_restore_from(rp, mt_rank == mt_size - 1 ? other
								  : source,
				       &step),
		mt_size > 1 ? RALLY_EMISMATCH : 0);
	close_own(rp);
}

static void flip(const char *checkpoint)
{
	unsigned char byte = 0x5a;
	int fd;

	snprintf(path, sizeof(path), "%s/rank-%05d-of-%05d.safetensors",
		 checkpoint, mt_size - 1, mt_size);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, 4096 + 1000), 1);
	close(fd);
}

/* Of a folder the next older one, of one checkpoint none. What is damaged there is not
 * in doubt here. */
static void test_damaged(void **state)
{
	const char *dir;
	rally_t *rp;

	(void)state;
	make_source(3);
	ALONE(flip(mt_checkpoint(source, 0)));
	dir = mt_dir();
	rp = open_own(dir);
	mt_set(rp, "keep", 4);
	snprintf(other, sizeof(other), "%s", mt_checkpoint(source, 0));
	refuse(rp, other, RALLY_ECORRUPT, "does not match its hash");
	branch(rp, source, 2);
	/* Sequence 2 is damaged in the source, and is one of the own here. */
	for (int64_t step = 11; step < 15; step++) {
		ms_fill(step);
		mt_code(rp, rally_save(rp, step), 0);
	}
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 4);
	assert_int_equal(mt_checkpoints(source), 3);
	mt_barrier();
	snprintf(other, sizeof(other), "%s", mt_checkpoint(source, 1));
	ALONE(flip(other));
	snprintf(other, sizeof(other), "%s", mt_checkpoint(source, 2));
	ALONE(flip(other));
	refuse(rp, source, RALLY_ECORRUPT, "none of its 3 checkpoints verifies");
	close_own(rp);
	assert_int_equal(ms_resume(dir, 14, 14, NULL), 14);
}

/* What was restored stands elsewhere: the first save is made, of whichever step. */
static void test_first_save(void **state)
{
	const char *dir;
	rally_t *rp;

	(void)state;
	make_source(2);
	dir = mt_dir();
	rp = open_own(dir);
	branch(rp, source, 2);
	assert_int_equal(mt_status(rp).sequence, -1);
	mt_code(rp, rally_save(rp, 2), 0);
	assert_int_equal(mt_checkpoints(dir), 1);
	assert_int_equal(mt_status(rp).sequence, 0);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 1);
	mt_barrier();
	/* Again, over what stands here. */
	branch(rp, source, 2);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 2);
	close_own(rp);
	assert_int_equal(ms_resume(dir, 2, 2, NULL), 2);
}

static int until_told(rally_t *rp, int64_t *step, int advance)
{
	int verdict = RALLY_GO;

	for (int i = 0; i < 200 && verdict == RALLY_GO; i++) {
		verdict = rally_point(rp, *step);
		*step += verdict == RALLY_GO && advance;
	}
	return verdict;
}

/* A periodic save waits for its step, a stop saves at once. */
static void test_points(void **state)
{
	const char *dir;
	int64_t step = 6;
	rally_t *rp;

	(void)state;
	make_source(6);
	dir = mt_dir();
	mt_option("RALLY_REQUEUE", "none");
	rp = open_own(dir);
	mt_code(rp, rally_set(rp, "every_steps", "6"), 0);
	mt_code(rp, rally_set(rp, "stride", "1"), 0);
	branch(rp, source, 6);
	for (int i = 0; i < 5; i++)
		assert_int_equal(rally_point(rp, 6), RALLY_GO);
	assert_int_equal(mt_checkpoints(dir), 0);
	assert_int_equal(until_told(rp, &step, 1), RALLY_SAVED);
	assert_in_range(step, 12, 13);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 1);
	mt_barrier();
	branch(rp, source, 6);
	step = 6;
	if (mt_rank == mt_size - 1)
		rally_request(rp, RALLY_WANT_STOP);
	assert_int_equal(until_told(rp, &step, 0), RALLY_STOP);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 2);
	rally_close(rp);
	mt_option("RALLY_REQUEUE", NULL);
	mt_barrier();
	assert_int_equal(ms_resume(dir, 6, 6, NULL), 6);
}

/*
 * Option from
 */

static void restore(rally_t *rp, int64_t step)
{
	int64_t got = -7;
	int how = -1;

	ms_forget();
	mt_code(rp, rally_restore(rp, &got, &how), 0);
	assert_int_equal(how, RALLY_RESUMED);
	assert_int_equal(got, step);
	ms_check(step);
}

static void fail_to(rally_t *rp, int code, const char *words)
{
	int64_t got;
	int how;

	mt_code(rp, rally_restore(rp, &got, &how), code);
	if (!strstr(rally_error(rp), words))
		fail_msg("'%s' is not in '%s'", words, rally_error(rp));
}

/* The first start begins there, those after its first commit do not. */
static void test_option(void **state)
{
	struct rally_info info;
	const char *dir;
	rally_t *rp;

	(void)state;
	make_source(3);
	dir = mt_dir();
	ALONE(list(source, before, sizeof(before)));
	mt_option("RALLY_FROM", source);
	rp = open_own(dir);
	mt_code(rp, rally_find(rp, "cells", &info), 0);
	assert_int_equal(info.step, 3);
	assert_int_equal(info.shape[0], 700);
	restore(rp, 3);
	assert_true(mt_contains(dir, "events.jsonl", "\"from\":\""));
	close_own(rp);
	/* Nothing was saved: it does so again. */
	rp = open_own(dir);
	restore(rp, 3);
	ms_fill(2);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_code(rp, rally_find(rp, "cells", &info), 0);
	assert_int_equal(info.step, 2);
	close_own(rp);
	rp = open_own(dir);
	mt_code(rp, rally_find(rp, "cells", &info), 0);
	assert_int_equal(info.step, 2);
	restore(rp, 2);
	close_own(rp);
	if (mt_rank == 0)
		expect_untouched(source);
	else
		mt_barrier(), mt_barrier();
	/* A commit is on record: not again, whatever became of it. */
	ALONE(flip(mt_checkpoint(dir, 0)));
	rp = open_own(dir);
	fail_to(rp, RALLY_ECORRUPT, "none of its 1 checkpoints");
	ALONE(mt_remove(mt_checkpoint(dir, 0)));
	fail_to(rp, RALLY_EVANISHED, "records a commit");
	mt_code(rp, rally_find(rp, "cells", &info), RALLY_EVANISHED);
	close_own(rp);
	mt_option("RALLY_FROM", NULL);
}

static void test_option_wrong(void **state)
{
	struct rally_info info;
	const char *dir;
	rally_t *rp;

	(void)state;
	make_source(2);
	dir = mt_dir();
	rp = open_own(dir);
	snprintf(other, sizeof(other), "%s/none", source);
	mt_code(rp, rally_set(rp, "from", other), 0);
	fail_to(rp, RALLY_EABSENT, "option 'from': there is no");
	mt_code(rp, rally_find(rp, "cells", &info), RALLY_EABSENT);
	snprintf(other, sizeof(other), "%s", mt_checkpoint(source, 0));
	ALONE(flip(other));
	mt_code(rp, rally_set(rp, "from", other), 0);
	fail_to(rp, RALLY_ECORRUPT, "does not match its hash");
	mt_code(rp, rally_set(rp, "from", source), 0);
	restore(rp, 1);
	mt_code(rp, rally_set(rp, "from", ""), 0);
	close_own(rp);
}

/* Another start of the same job, before a commit, and behind one. */
static void test_requeued(void **state)
{
	const char *dir;
	rally_t *rp;

	(void)state;
	make_source(2);
	dir = mt_dir();
	mt_option("RALLY_FROM", source);
	setenv("SLURM_JOB_ID", "77", 1);
	setenv("SLURM_RESTART_COUNT", "1", 1);
	mt_option("RALLY_REQUEUE", "none");
	rp = open_own(dir);
	restore(rp, 2);
	mt_barrier();
	assert_true(mt_contains(dir, "events.jsonl", "was started before"));
	ms_fill(9);
	mt_code(rp, rally_save(rp, 9), 0);
	close_own(rp);
	setenv("SLURM_RESTART_COUNT", "2", 1);
	rp = open_own(dir);
	restore(rp, 9);
	close_own(rp);
	unsetenv("SLURM_JOB_ID");
	unsetenv("SLURM_RESTART_COUNT");
	mt_option("RALLY_REQUEUE", NULL);
	mt_option("RALLY_FROM", NULL);
}

/* Back to an older one of the own folder: what is newer stays until it is pruned. */
static void test_back(void **state)
{
	const char *dir;
	rally_t *rp;

	(void)state;
	dir = ms_make(3);
	snprintf(source, sizeof(source), "%s", dir);
	rp = open_own(source);
	snprintf(other, sizeof(other), "%s", mt_checkpoint(source, 2));
	branch(rp, other, 1);
	mt_barrier();
	ms_fill(2);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_barrier();
	assert_int_equal(mt_checkpoints(source), 4);
	assert_non_null(strstr(mt_checkpoint(source, 0), "/0003-step-2"));
	close_own(rp);
	assert_int_equal(ms_resume(source, 2, 2, NULL), 2);
}

static int64_t rows[64];

static void add_rows(rally_t *rp)
{
	int64_t global[1] = { 64 }, start[1], local[1];

	start[0] = mr_first(64);
	local[0] = mr_rows(64);
	mt_code(rp, rally_add_array(rp, "rows", rows, RALLY_I64, 1, global,
				    start, local), 0);
}

/* A branch on other ranks than the trunk. */
static void test_other_ranks(void **state)
{
	rally_t *rp;
	int64_t step;

	(void)state;
	snprintf(source, sizeof(source), "%s", mt_dir());
	if (mr_begin(mt_size)) {
		rp = mr_open(source);
		add_rows(rp);
		for (int64_t i = 0; i < mr_rows(64); i++)
			rows[i] = mr_first(64) + i;
		mt_code(rp, rally_save(rp, 5), 0);
		mr_close(rp);
	}
	mr_end();
	for (int n = 1; n <= mt_size; n++) {
		const char *dir = mt_dir();

		if (mr_begin(n)) {
			rp = mr_open(dir);
			add_rows(rp);
			memset(rows, 0, sizeof(rows));
			mt_code(rp, rally_restore_from(rp, source, &step), 0);
			assert_int_equal(step, 5);
			for (int64_t i = 0; i < mr_rows(64); i++)
				assert_int_equal(rows[i], mr_first(64) + i);
			mt_code(rp, rally_save(rp, 5), 0);
			mr_restore(rp, 5);
			mr_close(rp);
		}
		mr_end();
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_any_path),
	cmocka_unit_test(test_no_such),
	cmocka_unit_test(test_mismatch),
	cmocka_unit_test(test_damaged),
	cmocka_unit_test(test_first_save),
	cmocka_unit_test(test_points),
	cmocka_unit_test(test_option),
	cmocka_unit_test(test_option_wrong),
	cmocka_unit_test(test_requeued),
	cmocka_unit_test(test_back),
	cmocka_unit_test(test_other_ranks),
};

MT_MAIN(tests)
