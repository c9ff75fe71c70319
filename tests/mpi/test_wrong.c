/*
 * test_wrong.c - wrong uses: one clear error each, with the same code on all
 *                ranks, and the checkpoints that were there are still there
 *
 * Each row works on a folder with checkpoints of the steps 1 and 2, on a handle
 * that has resumed from step 2. Afterwards a right program finds step 2, whole.
 *
 * ranks: 2 4
 */
#include "mpi_state.h"

#include <unistd.h>

static const char *folder;	/* of the row that runs */
static int64_t cell[4];

static int last_rank(void)
{
	return mt_rank == mt_size - 1;
}

/* At one place of the program, for all ranks. */
static int pass(rally_t *rp, int64_t step)
{
	return rally_point(rp, step);
}

/* Safe points until they tell to leave: the handle is broken, with this code. */
static int loop(rally_t *rp, int64_t step, int count)
{
	int verdict = RALLY_GO;

	while (count-- > 0 && verdict < RALLY_STOP)
		verdict = pass(rp, step++);
	return verdict == RALLY_BROKEN ? rally_save(rp, step) : 0;
}

/*
 * Registrations
 */

static int arrays_differ(rally_t *rp)
{
	int64_t global[2] = { 8, 4 }, none[2] = { 0, 0 };

	global[1] += last_rank();
	mt_code(rp, rally_add_array(rp, "other", NULL, RALLY_F32, 2, global,
				    none, none), 0);
	return rally_save(rp, 3);
}

static int array_on_one_rank(rally_t *rp)
{
	int64_t global[1] = { 8 }, none[1] = { 0 };

	if (last_rank())
		mt_code(rp, rally_add_array(rp, "lonely", NULL, RALLY_F32, 1,
					    global, none, none), 0);
	return rally_save(rp, 3);
}

static int restore(rally_t *rp)
{
	int64_t step;
	int how;

	return rally_restore(rp, &step, &how);
}

static int other_type(rally_t *rp)
{
	mt_code(rp, rally_add(rp, "cells", cell, RALLY_F64, 4), 0);
	return restore(rp);
}

static int other_count(rally_t *rp)
{
	mt_code(rp, rally_add(rp, "cells", cell, RALLY_I64, 4), 0);
	return restore(rp);
}

static int other_shape(rally_t *rp)
{
	int64_t global[2] = { 3 * mt_size + 1, 50 }, none[2] = { 0, 0 };

	mt_code(rp, rally_add_array(rp, "rows", NULL, RALLY_I64, 2, global,
				    none, none), 0);
	return restore(rp);
}

static int other_name(rally_t *rp)
{
	mt_code(rp, rally_add(rp, "sells", cell, RALLY_I64, 4), 0);
	return restore(rp);
}

/* A refused registration is not forgotten: the next save fails with it. */
static int add(rally_t *rp, const char *name, void *data, size_t count)
{
	if (last_rank())
		mt_code(rp, rally_add(rp, name, data, RALLY_I64, count),
			RALLY_EARG);
	return rally_save(rp, 3);
}

static int null_data(rally_t *rp) { return add(rp, "nothing", NULL, 4); }
static int null_name(rally_t *rp) { return add(rp, NULL, cell, 4); }
static int slash(rally_t *rp) { return add(rp, "a/../../cells", cell, 4); }
static int dot(rally_t *rp) { return add(rp, ".cells", cell, 4); }

static int overflow(rally_t *rp)
{
	return add(rp, "huge", cell, SIZE_MAX / 4);
}

static int long_name(rally_t *rp)
{
	char name[RALLY_MAX_NAME + 2];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	return add(rp, name, cell, 4);
}

static int box_outside(rally_t *rp)
{
	int64_t global[1] = { 8 }, start[1] = { 5 }, local[1] = { 4 };

	mt_code(rp, rally_add_array(rp, "out", cell, RALLY_I64, 1, global,
				    start, local), RALLY_EARG);
	return rally_save(rp, 3);
}

/*
 * Arguments and options
 */

static int null_step(rally_t *rp)
{
	int how;

	return rally_restore(rp, NULL, &how);
}

static int null_info(rally_t *rp) { return rally_find(rp, "cells", NULL); }
static int null_key(rally_t *rp) { return rally_set(rp, NULL, "1"); }

static int no_option(rally_t *rp) { return rally_set(rp, "kepe", "3"); }
static int no_value(rally_t *rp) { return rally_set(rp, "keep", "three"); }

static int options_differ(rally_t *rp)
{
	return rally_set(rp, "keep", last_rank() ? "3" : "4");
}

static int names_differ(rally_t *rp)
{
	struct rally_info info;

	return rally_find(rp, last_rank() ? "rows" : "cells", &info);
}

static int no_such_name(rally_t *rp)
{
	struct rally_info info;

	return rally_find(rp, "celle", &info);
}

/*
 * Order
 */

static int save_after_stop(rally_t *rp)
{
	int verdict = RALLY_GO;

	rally_request(rp, RALLY_WANT_STOP);
	for (int i = 0; i < 9 && verdict == RALLY_GO; i++)
		verdict = pass(rp, 2);
	assert_int_equal(verdict, RALLY_STOP);
	return rally_save(rp, 3);
}

static rally_t *inside;		/* for a function that the library calls */
static int (*inner)(rally_t *rp);

static int call_inside(const char *path, enum rally_file_op op, int64_t step,
		       void *arg)
{
	FILE *file = fopen(path, "w");

	(void)op;
	(void)step;
	(void)arg;
	if (!file || fclose(file) != 0)
		return 1;
	if (last_rank())
		(void)inner(inside);
	return 0;
}

static int from_within(rally_t *rp, int (*call)(rally_t *rp))
{
	inside = rp;
	inner = call;
	mt_code(rp, rally_file(rp, "inner", RALLY_FILE_PRIVATE, call_inside,
			       NULL), 0);
	return rally_save(rp, 3);
}

static int add_cells(rally_t *rp)
{
	return rally_add(rp, "more", cell, RALLY_I64, 4);
}

static int pass_three(rally_t *rp) { return pass(rp, 3); }
static int save_three(rally_t *rp) { return rally_save(rp, 3); }
static int save_inside(rally_t *rp) { return from_within(rp, save_three); }
static int point_inside(rally_t *rp) { return from_within(rp, pass_three); }
static int add_inside(rally_t *rp) { return from_within(rp, add_cells); }
static int close_inside(rally_t *rp) { return from_within(rp, rally_close); }

/*
 * Ranks that are not where the others are
 */

static int steps_differ(rally_t *rp)
{
	return rally_save(rp, 3 + last_rank());
}

static int points_differ(rally_t *rp)
{
	return loop(rp, 2 + last_rank(), 20);
}

static int other_loop(rally_t *rp)
{
	int verdict = RALLY_GO;

	if (!last_rank())
		return loop(rp, 2, 20);
	for (int i = 0; i < 20 && verdict < RALLY_STOP; i++)
		verdict = rally_point(rp, 2 + i);
	return rally_save(rp, 2);
}

static int restore_alone(rally_t *rp)
{
	return last_rank() ? restore(rp) : loop(rp, 2, 20);
}

static int finish_alone(rally_t *rp)
{
	return last_rank() ? rally_finish(rp, 2) : loop(rp, 2, 20);
}

static int set_alone(rally_t *rp)
{
	return last_rank() ? rally_set(rp, "keep", "3") : loop(rp, 2, 20);
}

static int find_alone(rally_t *rp)
{
	struct rally_info info;

	return last_rank() ? rally_find(rp, "cells", &info) : loop(rp, 2, 20);
}

static int save_against_finish(rally_t *rp)
{
	return last_rank() ? rally_save(rp, 3) : rally_finish(rp, 3);
}

/* It sleeps for longer than the others wait, and comes then. */
static int never_comes(rally_t *rp)
{
	mt_code(rp, rally_set(rp, "patience", "1"), 0);
	if (last_rank())
		sleep(3);
	return loop(rp, 2, 1000000);
}

/* The same, in a save: when it comes the others have given up, and it must not
 * wait for them for ever. */
static int late_for_a_save(rally_t *rp)
{
	mt_code(rp, rally_set(rp, "patience", "1"), 0);
	if (last_rank())
		sleep(3);
	return rally_save(rp, 3);
}

static int late_and_elsewhere(rally_t *rp)
{
	mt_code(rp, rally_set(rp, "patience", "1"), 0);
	if (!last_rank())
		return rally_save(rp, 3);
	sleep(3);
	return restore(rp);
}

struct row {
	const char *name;
	int (*use)(rally_t *rp);
	int code;
	const char *text;	/* in the error */
};

#define BREAKS(code) ((code) == RALLY_ESITE || (code) == RALLY_EUNEVEN || \
		      (code) == RALLY_EPATIENCE)

static const struct row rows[] = {
	{ "arrays differ", arrays_differ, RALLY_EMISMATCH, "other F32 [8,5]" },
	{ "array on one rank", array_on_one_rank, RALLY_EMISMATCH, "lonely" },
	{ "other type", other_type, RALLY_ELAYOUT, "registered as F64" },
	{ "other count", other_count, RALLY_ELAYOUT, "'cells' is stored as" },
	{ "other shape", other_shape, RALLY_ELAYOUT, "array 'rows' is stored" },
	{ "other name", other_name, RALLY_ELAYOUT, "nothing is stored as" },
	{ "NULL data", null_data, RALLY_EARG, "32 bytes at a NULL pointer" },
	{ "NULL name", null_name, RALLY_EARG, "a region needs a name" },
	{ "slash in a name", slash, RALLY_EARG, "one of / @" },
	{ "name with a dot", dot, RALLY_EARG, "begins with a dot" },
	{ "overflow", overflow, RALLY_EARG, "more bytes than memory" },
	{ "name too long", long_name, RALLY_EARG, "201 bytes long" },
	{ "box outside", box_outside, RALLY_EARG, "starts at 5 and is 4 long" },
	{ "NULL step", null_step, RALLY_EARG, "step or how is NULL" },
	{ "NULL info", null_info, RALLY_EARG, "name or info is NULL" },
	{ "NULL key", null_key, RALLY_EARG, "key or value is NULL" },
	{ "no option", no_option, RALLY_EOPTION, "no option 'kepe'" },
	{ "no value", no_value, RALLY_EOPTION, "keep=three is not" },
	{ "options differ", options_differ, RALLY_EMISMATCH, "has keep=3" },
	{ "names differ", names_differ, RALLY_EMISMATCH, "different names" },
	{ "no such name", no_such_name, RALLY_EABSENT, "'celle'" },
	{ "save after a stop", save_after_stop, RALLY_EORDER, "have stopped" },
	{ "save inside", save_inside, RALLY_EORDER, "function for file 'inner'" },
	{ "point inside", point_inside, RALLY_EORDER, "rally_point: called by" },
	{ "add inside", add_inside, RALLY_EORDER, "rally_add: called by" },
	{ "close inside", close_inside, RALLY_EORDER, "rally_close: called by" },
	{ "steps differ", steps_differ, RALLY_ESITE, "rally_save() step 4" },
	{ "points differ", points_differ, RALLY_ESITE, "test_wrong.c:" },
	{ "other loop", other_loop, RALLY_ESITE, "test_wrong.c:" },
	{ "restore alone", restore_alone, RALLY_ESITE, "rally_restore()" },
	{ "finish alone", finish_alone, RALLY_ESITE, "rally_finish()" },
	{ "set alone", set_alone, RALLY_ESITE, "rally_set()" },
	{ "find alone", find_alone, RALLY_ESITE, "rally_find()" },
	{ "save against finish", save_against_finish, RALLY_ESITE,
	  "rally_finish()" },
	{ "never comes", never_comes, RALLY_EPATIENCE, "MPI_Abort" },
	{ "late for a save", late_for_a_save, RALLY_EPATIENCE, "MPI_Abort" },
	{ "late and elsewhere", late_and_elsewhere, RALLY_EPATIENCE,
	  "MPI_Abort" },
};

static void try_row(const struct row *row)
{
	rally_t *rp;
	int code;

	folder = ms_make(2);
	ms_resume(folder, 2, 2, &rp);
	mt_code(rp, rally_set(rp, "keep", "1"), 0);
	ms_fill(3);
	code = row->use(rp);
	if (code != row->code || !strstr(rally_error(rp), row->text))
		fprintf(stderr, "rank %d: %s: %d, '%s' lacks '%s'\n", mt_rank,
			row->name, code, rally_error(rp), row->text);
	assert_int_equal(code, row->code);
	assert_non_null(strstr(rally_error(rp), row->text));
	code = rally_close(rp);
	assert_true(!BREAKS(row->code) || code == row->code);
	mt_barrier();
	assert_int_equal(mt_checkpoints(folder), 2);
	ms_resume(folder, 2, 2, NULL);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		try_row(&rows[i]);
	if (mt_rank == 0)
		printf("%zu wrong uses\n", sizeof(rows) / sizeof(rows[0]));
}

/* The last rank passes fewer safe points, and closes. */
static void test_unequal_points(void **state)
{
	const char *dir = ms_make(2);
	rally_t *rp;

	(void)state;
	ms_resume(dir, 2, 2, &rp);
	if (last_rank()) {
		assert_int_equal(loop(rp, 2, 7), 0);
	} else {
		mt_code(rp, loop(rp, 2, 1000), RALLY_EUNEVEN);
		assert_non_null(strstr(rally_error(rp), "closed the handle"));
	}
	mt_code(rp, rally_close(rp), RALLY_EUNEVEN);
	mt_barrier();
	ms_resume(dir, 2, 2, NULL);
}

/* Half of the ranks can't have the private regions of all. */
static void test_fewer_ranks(void **state)
{
	const char *dir = ms_make(2);
	int64_t step;
	MPI_Comm some;
	rally_t *rp;
	int how;

	(void)state;
	MPI_Comm_split(MPI_COMM_WORLD, last_rank() ? MPI_UNDEFINED : 0, 0,
		       &some);
	if (some != MPI_COMM_NULL) {
		mt_code(rp, rally_open(some, dir, &rp), 0);
		mt_code(rp, rally_add(rp, "cells", cell, RALLY_I64, 4), 0);
		mt_code(rp, rally_restore(rp, &step, &how), RALLY_ELAYOUT);
		assert_non_null(strstr(rally_error(rp), "ranks that wrote it"));
		mt_code(rp, rally_close(rp), 0);
		MPI_Comm_free(&some);
	}
	mt_barrier();
	ms_resume(dir, 2, 2, NULL);
}

/* Before MPI_Init. */
static int too_early;

__attribute__((constructor)) static void open_too_early(void)
{
	rally_t *rp;

	too_early = rally_open(MPI_COMM_WORLD, "nowhere", &rp);
}

/* What rally_open() refuses: the folder is as it was. */
static void refuse(const char *dir, int code, const char *text)
{
	rally_t *rp;

	mt_code(rp, rally_open(MPI_COMM_WORLD, dir, &rp), code);
	if (!strstr(rally_error(rp), text))
		fprintf(stderr, "'%s' lacks '%s'\n", rally_error(rp), text);
	assert_non_null(strstr(rally_error(rp), text));
	mt_code(rp, rally_close(rp), code);
	mt_barrier();
}

static void test_open(void **state)
{
	const char *dir = ms_make(2);
	char other[5000];
	rally_t *rp;

	(void)state;
	assert_int_equal(too_early, RALLY_EORDER);
	assert_false(mt_exists(".", "nowhere"));
	mt_option("RALLY_KEPE", "3");
	refuse(dir, RALLY_EOPTION, "RALLY_KEPE, which is no option");
	mt_option("RALLY_KEPE", NULL);
	mt_option("RALLY_EVERY", "-3");
	refuse(dir, RALLY_EOPTION, "RALLY_EVERY=-3 is not a duration");
	mt_option("RALLY_EVERY", NULL);
	snprintf(other, sizeof(other), "%s%s", dir, last_rank() ? "x" : "");
	refuse(other, RALLY_EMISMATCH, "folders differ");
	ms_resume(dir, 2, 2, &rp);
	refuse(dir, RALLY_EOWNED, "give this run a folder of its own");
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	snprintf(other, sizeof(other), "%s/events.jsonl", dir);
	refuse(other, RALLY_EIO, "events.jsonl");
	ms_resume(dir, 2, 2, NULL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_table),
	cmocka_unit_test(test_unequal_points),
	cmocka_unit_test(test_fewer_ranks),
	cmocka_unit_test(test_open),
};

MT_MAIN(tests)
