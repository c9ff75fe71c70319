/*
 * test_file.c - files that the program writes itself
 *
 * ranks: 1 2 4
 */
#include "mpi_test.h"

#include <sys/stat.h>
#include <unistd.h>

/* What a program's file function does, and what it was given. */
struct app {
	const char *tag;
	int shared;
	int fail_write_on, fail_read_on;	/* rank, or -1 */
	int calls;
	int64_t step;
	char path[5000];
};

static int write_text(const char *path, const char *tag, int rank, int64_t step)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return -1;
	fprintf(file, "%s of rank %d at step %d\n", tag, rank, (int)step);
	return fclose(file);
}

static int read_text(const char *path, const char *tag, int rank, int64_t step)
{
	char expected[200], got[200] = "";
	FILE *file = fopen(path, "r");

	if (!file)
		return -1;
	if (!fgets(got, sizeof(got), file))
		got[0] = '\0';
	fclose(file);
	snprintf(expected, sizeof(expected), "%s of rank %d at step %d\n", tag,
		 rank, (int)step);
	return strcmp(got, expected);
}

static int on_file(const char *path, enum rally_file_op op, int64_t step,
		   void *arg)
{
	struct app *app = arg;
	int writer = app->shared ? 0 : mt_rank;
	int rc = 0;

	app->calls++;
	app->step = step;
	snprintf(app->path, sizeof(app->path), "%s", path);
	/* A collective call of the program's own is allowed here. */
	if (app->shared)
		mt_barrier();
	if (op == RALLY_FILE_WRITE && mt_rank == app->fail_write_on)
		return 42;
	if (op == RALLY_FILE_READ && mt_rank == app->fail_read_on)
		return 43;
	if (op == RALLY_FILE_READ)
		return read_text(path, app->tag, writer, step);
	if (!app->shared || mt_rank == 0)
		rc = write_text(path, app->tag, writer, step);
	return rc;
}

static rally_t *open_with(const char *dir, struct app *shared,
			  struct app *own)
{
	rally_t *rp = mt_open(dir);

	*shared = (struct app){ "shared", 1, -1, -1, 0, 0, "" };
	*own = (struct app){ "own", 0, -1, -1, 0, 0, "" };
	mt_code(rp, rally_file(rp, "s.txt", RALLY_FILE_SHARED, on_file, shared),
		0);
	mt_code(rp, rally_file(rp, "p.txt", RALLY_FILE_PRIVATE, on_file, own),
		0);
	return rp;
}

static void close_after(rally_t *rp)
{
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

static int restore(rally_t *rp, int64_t *step)
{
	int how;

	return rally_restore(rp, step, &how);
}

static void test_round_trip(void **state)
{
	const char *dir = mt_dir();
	struct app shared, own;
	rally_t *rp = open_with(dir, &shared, &own);
	int64_t step;

	(void)state;
	mt_code(rp, rally_save(rp, 5), 0);
	mt_code(rp, rally_save(rp, 6), 0);
	assert_int_equal(shared.calls, 2);
	assert_non_null(strstr(own.path, "/.partial-0001-"));
	assert_non_null(strstr(own.path, "/files/rank-"));
	close_after(rp);
	rp = open_with(dir, &shared, &own);
	mt_code(rp, restore(rp, &step), 0);
	assert_int_equal(step, 6);
	assert_int_equal(shared.calls, 1);
	assert_int_equal(own.calls, 1);
	assert_int_equal(own.step, 6);
	assert_non_null(strstr(own.path, "/0001-step-6/files/"));
	/* The path stays good until the checkpoint is pruned. */
	assert_int_equal(read_text(own.path, "own", mt_rank, 6), 0);
	close_after(rp);
}

static void test_failing_write(void **state)
{
	const char *dir = mt_dir();
	struct app shared, own;
	rally_t *rp = open_with(dir, &shared, &own);

	(void)state;
	mt_code(rp, rally_save(rp, 1), 0);
	own.fail_write_on = mt_size - 1;
	mt_code(rp, rally_save(rp, 2), RALLY_EAPP);
	assert_non_null(strstr(rally_error(rp), "p.txt"));
	assert_non_null(strstr(rally_error(rp), "42"));
	own.fail_write_on = -1;
	shared.fail_write_on = 0;
	mt_code(rp, rally_save(rp, 2), RALLY_EAPP);
	assert_int_equal(shared.calls, 3);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 1);
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
	shared.fail_write_on = -1;
	mt_code(rp, rally_save(rp, 2), 0);
	close_after(rp);
}

/* Returns 0 without writing: the library finds that there is no file. */
static int writes_nothing(const char *path, enum rally_file_op op,
			  int64_t step, void *arg)
{
	(void)path;
	(void)op;
	(void)step;
	(void)arg;
	return 0;
}

static void test_nothing_written(void **state)
{
	rally_t *rp = mt_open(mt_dir());
	int rc;

	(void)state;
	mt_code(rp, rally_file(rp, "f", RALLY_FILE_PRIVATE, writes_nothing,
			       NULL), 0);
	rc = rally_save(rp, 1);
	mt_same(rc);
	assert_int_not_equal(rc, 0);
	assert_non_null(strstr(rally_error(rp), "f"));
	close_after(rp);
}

static void test_failing_read(void **state)
{
	const char *dir = mt_dir();
	struct app shared, own;
	rally_t *rp = open_with(dir, &shared, &own);
	int64_t step;

	(void)state;
	mt_code(rp, rally_save(rp, 1), 0);
	mt_code(rp, rally_save(rp, 2), 0);
	close_after(rp);
	rp = open_with(dir, &shared, &own);
	own.fail_read_on = mt_size - 1;
	mt_code(rp, restore(rp, &step), RALLY_EAPP);
	assert_non_null(strstr(rally_error(rp), "43"));
	own.fail_read_on = -1;
	mt_code(rp, restore(rp, &step), 0);
	assert_int_equal(step, 2);
	close_after(rp);
}

static void damage(const char *path, int how)
{
	struct stat st;
	FILE *file;

	if (how == 0) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	assert_int_equal(stat(path, &st), 0);
	if (how == 1) {
		assert_int_equal(truncate(path, st.st_size - 1), 0);
		return;
	}
	file = fopen(path, "r+");
	assert_non_null(file);
	fputc('X', file);
	fclose(file);
}

/* A damaged file: the checkpoint before it, before any function is called. */
static void test_fallback(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++)
		for (int which = 0; which < 2; which++) {
			const char *dir = mt_dir();
			struct app shared, own;
			rally_t *rp = open_with(dir, &shared, &own);
			char path[5000];
			int64_t step;

			mt_code(rp, rally_save(rp, 1), 0);
			mt_code(rp, rally_save(rp, 2), 0);
			mt_code(rp, restore(rp, &step), 0);
			assert_int_equal(step, 2);
			snprintf(path, sizeof(path), "%s",
				 which ? shared.path : own.path);
			close_after(rp);
			if (mt_rank == (which ? 0 : mt_size - 1))
				damage(path, how);
			mt_barrier();
			rp = open_with(dir, &shared, &own);
			mt_code(rp, restore(rp, &step), 0);
			assert_int_equal(step, 1);
			assert_int_equal(own.calls, 1);
			close_after(rp);
		}
}

/* The ranks want other files. */
static void test_files_differ(void **state)
{
	struct app shared, own;
	rally_t *rp = open_with(mt_dir(), &shared, &own);

	(void)state;
	if (mt_size > 1) {
		if (mt_rank == 1)
			mt_code(rp, rally_drop(rp, "p.txt"), 0);
		mt_code(rp, rally_save(rp, 1), RALLY_EMISMATCH);
		if (mt_rank != 1)
			mt_code(rp, rally_drop(rp, "p.txt"), 0);
	}
	mt_code(rp, rally_save(rp, 1), 0);
	close_after(rp);
}

static void test_not_stored(void **state)
{
	const char *dir = mt_dir();
	struct app shared, own;
	rally_t *rp = open_with(dir, &shared, &own);
	int64_t step;

	(void)state;
	mt_code(rp, rally_drop(rp, "p.txt"), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	close_after(rp);
	rp = open_with(dir, &shared, &own);
	mt_code(rp, restore(rp, &step), RALLY_ELAYOUT);
	assert_non_null(strstr(rally_error(rp), "p.txt"));
	close_after(rp);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_round_trip),
	cmocka_unit_test(test_failing_write),
	cmocka_unit_test(test_nothing_written),
	cmocka_unit_test(test_failing_read),
	cmocka_unit_test(test_fallback),
	cmocka_unit_test(test_files_differ),
	cmocka_unit_test(test_not_stored),
};

MT_MAIN(tests)
