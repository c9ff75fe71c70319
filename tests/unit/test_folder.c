/* sys/folder: which names are checkpoints, and how they come and go. */
#include "sys/folder.h"

#include "unit.h"

static void make(void **state, const char *name)
{
	assert_int_equal(mkdir(at(state, name), 0700), 0);
}

static void make_with_file(void **state, const char *name)
{
	char file[100];

	make(state, name);
	snprintf(file, sizeof(file), "%s/file", name);
	put_text(at(state, file), "x");
}

static void test_list(void **state)
{
	static const char *const strangers[] = {
		"7-step-1", "0007-step-", "0007-step-1x", "0007-step-01",
		"+007-step-1", "-001-step-1", "0007-stop-1", "0007-step- 1",
		"99999999999999999999-step-1", "0007-step-99999999999999999999",
		"00007-step-1", " 0007-step-1", "0007", "step-1",
	};
	struct rp_folder folder;

	for (size_t i = 0; i < COUNT(strangers); i++)
		make(state, strangers[i]);
	make(state, "0002-step-300");
	make(state, "12345-step-10");
	make(state, "0010-step--5");
	make(state, "0003-step-0");
	make(state, ".partial-0011-0");
	make(state, ".trash-0001");
	put_text(at(state, "20000-step-1"), "a file");
	assert_int_equal(symlink("0003-step-0", at(state, "0098-step-1")), 0);
	assert_int_equal(rp_folder_list(NULL, &folder, *state, NULL), 0);
	assert_int_equal(folder.n, 4);
	assert_int_equal(folder.v[0].sequence, 12345);
	assert_int_equal(folder.v[1].sequence, 10);
	assert_int_equal(folder.v[1].step, -5);
	assert_int_equal(folder.v[2].step, 0);
	assert_string_equal(folder.v[3].name, "0002-step-300");
	assert_string_equal(folder.v[3].path, at(state, "0002-step-300"));
	assert_int_equal(folder.partials, 2);
	assert_int_equal(folder.last, 20000);
	rp_folder_free(&folder);
	rp_folder_free(&folder);
}

static void test_no_folder(void **state)
{
	struct rp_folder folder;
	struct rp_err err = { 0 };

	rp_folder_list(NULL, &folder, at(state, "absent"), &err);
	assert_fails(&err, RALLY_EIO, "absent");
	assert_int_equal(folder.n, 0);
	rp_folder_free(&folder);
}

static void test_final_names(void **state)
{
	char *name = rp_folder_final("d", 7, 120);

	(void)state;
	assert_string_equal(name, "d/0007-step-120");
	free(name);
	name = rp_folder_final("d", 123456, -3);
	assert_string_equal(name, "d/123456-step--3");
	free(name);
}

static void test_begin(void **state)
{
	struct rp_err err = { 0 };
	char *one = rp_folder_begin(NULL, *state, 7, &err);
	char *two = rp_folder_begin(NULL, *state, 7, &err);

	assert_memory_equal(one, at(state, ".partial-0007-"),
			    strlen(at(state, ".partial-0007-")));
	/* each has a name of its own */
	assert_string_not_equal(one, two);
	assert_true(exists(one) && exists(two));
	free(one);
	free(two);
	assert_null(rp_folder_begin(NULL, at(state, "absent"), 7, &err));
	assert_fails(&err, RALLY_EIO, "absent");
}

static void test_sweep(void **state)
{
	make_with_file(state, ".partial-0007-0");
	make_with_file(state, ".trash-0001");
	make_with_file(state, "0006-step-1");
	make(state, ".hidden");
	put_text(at(state, "notes"), "mine");
	assert_int_equal(rp_folder_sweep(NULL, *state, NULL, NULL), 0);
	assert_false(exists(at(state, ".partial-0007-0")));
	assert_false(exists(at(state, ".trash-0001")));
	assert_true(exists(at(state, "0006-step-1/file")));
	assert_true(exists(at(state, ".hidden")));
	assert_true(exists(at(state, "notes")));
	assert_int_equal(rp_folder_sweep(NULL, at(state, "absent"), NULL, NULL),
			 RALLY_EIO);
}

static int prune(const char *dir, size_t keep, int64_t from,
		 const struct rp_doubt *doubts, size_t n, size_t *pruned,
		 struct rp_err *err)
{
	struct rp_retention retention = { keep, 0, from, doubts, n };

	return rp_folder_prune(NULL, dir, &retention, NULL, pruned, err);
}

static void test_prune(void **state)
{
	size_t pruned = 9;

	for (int i = 1; i <= 5; i++) {
		char name[32];

		snprintf(name, sizeof(name), "000%d-step-%d", i, 10 - i);
		make_with_file(state, name);
	}
	assert_int_equal(prune(*state, 9, 0, NULL, 0, &pruned, NULL),
			 0);
	assert_int_equal(pruned, 0);
	/* by sequence, not by step */
	assert_int_equal(prune(*state, 3, 0, NULL, 0, &pruned, NULL),
			 0);
	assert_int_equal(pruned, 2);
	assert_false(exists(at(state, "0001-step-9")));
	assert_false(exists(at(state, "0002-step-8")));
	assert_true(exists(at(state, "0003-step-7/file")));
	assert_false(exists(at(state, ".trash-0001")));
}

static void test_prune_bad_ones(void **state)
{
	const struct rp_doubt bad[] = { { 4, 1 }, { 77, 1 } };
	size_t pruned;

	make_with_file(state, "0002-step-2");
	make_with_file(state, "0003-step-3");
	make_with_file(state, "0004-step-4");
	make_with_file(state, "0005-step-5");
	assert_int_equal(prune(*state, 2, 0, bad, 2, &pruned, NULL), 0);
	assert_int_equal(pruned, 2);
	assert_true(exists(at(state, "0005-step-5")));
	assert_false(exists(at(state, "0004-step-4")));
	assert_true(exists(at(state, "0003-step-3")));
	assert_false(exists(at(state, "0002-step-2")));
}

/* One that could not be read stays, and takes no other's place. */
static void test_prune_unread_ones(void **state)
{
	const struct rp_doubt unread = { 4, 0 };
	size_t pruned;

	make_with_file(state, "0003-step-3");
	make_with_file(state, "0004-step-4");
	make_with_file(state, "0005-step-5");
	assert_int_equal(prune(*state, 1, 0, &unread, 1, &pruned, NULL),
			 0);
	assert_int_equal(pruned, 1);
	assert_true(exists(at(state, "0005-step-5")));
	assert_true(exists(at(state, "0004-step-4")));
	assert_false(exists(at(state, "0003-step-3")));
}

/* What an earlier run left stays, and counts for nothing. */
static void test_prune_from(void **state)
{
	size_t pruned;

	make_with_file(state, "0003-step-3");
	make_with_file(state, "0004-step-4");
	make_with_file(state, "0005-step-5");
	assert_int_equal(prune(*state, 1, 4, NULL, 0, &pruned, NULL), 0);
	assert_int_equal(pruned, 1);
	assert_true(exists(at(state, "0005-step-5")));
	assert_false(exists(at(state, "0004-step-4")));
	assert_true(exists(at(state, "0003-step-3")));
}

/* One that can't be renamed keeps no other from going. */
static void test_prune_past_one(void **state)
{
	struct rp_err err = { 0 };
	size_t pruned;

	make_with_file(state, "0002-step-2");
	make_with_file(state, "0003-step-3");
	make_with_file(state, "0004-step-4");
	make_with_file(state, "0005-step-5");
	make_with_file(state, ".trash-0003");
	assert_int_equal(prune(*state, 1, 0, NULL, 0, &pruned, &err), RALLY_EIO);
	assert_fails(&err, RALLY_EIO, "0003-step-3");
	assert_int_equal(pruned, 2);
	assert_false(exists(at(state, "0002-step-2")));
	assert_true(exists(at(state, "0003-step-3")));
	assert_false(exists(at(state, "0004-step-4")));
	assert_false(exists(at(state, ".trash-0002")));
	assert_false(exists(at(state, ".trash-0004")));
	assert_true(exists(at(state, "0005-step-5")));
}

/* Nor does what can't be removed keep anything else from being swept. */
static void test_sweep_past_one(void **state)
{
	int removals = 0;

	for (int at_call = 1; at_call < 30; at_call++) {
		struct rp_err err = { 0 };
		struct rp_folder folder;
		struct rp_io io;
		char spec[40];

		make_with_file(state, ".partial-0001-a");
		make_with_file(state, ".partial-0001-b");
		make_with_file(state, ".trash-0001");
		snprintf(spec, sizeof(spec), "at=%d,do=EACCES", at_call);
		assert_int_equal(rp_io_begin(&io, spec, "", 0, NULL), 0);
		rp_folder_sweep(&io, *state, NULL, &err);
		assert_int_equal(rp_folder_list(NULL, &folder, *state, NULL),
				 0);
		if (strncmp(err.text, "remove", 6) == 0) {
			assert_int_equal(folder.partials, 1);
			removals++;
		}
		rp_folder_free(&folder);
		assert_int_equal(rp_folder_sweep(NULL, *state, NULL, NULL), 0);
	}
	assert_in_range(removals, 9, 29);
}

/* A checkpoint that can't be looked at is no absent one: each call of a list
 * fails in turn, and none of them leaves it out. */
static void test_list_fails(void **state)
{
	struct rp_folder folder;
	struct rp_io io;
	uint64_t calls;

	make_with_file(state, "0003-step-3");
	make_with_file(state, "0004-step-4");
	assert_int_equal(rp_io_begin(&io, "", "", 0, NULL), 0);
	assert_int_equal(rp_folder_list(&io, &folder, *state, NULL), 0);
	rp_folder_free(&folder);
	calls = io.calls;
	assert_in_range(calls, 6, 12);
	for (uint64_t i = 1; i <= calls; i++) {
		char spec[40];

		snprintf(spec, sizeof(spec), "at=%d,do=EIO", (int)i);
		assert_int_equal(rp_io_begin(&io, spec, "", 0, NULL), 0);
		assert_int_equal(rp_folder_list(&io, &folder, *state, NULL),
				 RALLY_EIO);
		rp_folder_free(&folder);
	}
}

static void test_make(void **state)
{
	struct rp_err err = { 0 };

	assert_int_equal(rp_folder_make(NULL, at(state, "a/b//c/"), &err), 0);
	assert_true(exists(at(state, "a/b/c")));
	assert_int_equal(rp_folder_make(NULL, at(state, "a/b/c"), &err), 0);
	put_text(at(state, "file"), "x");
	assert_int_equal(rp_folder_make(NULL, at(state, "file/x"), &err), RALLY_EIO);
	rp_err_clear(&err);
	assert_int_equal(rp_folder_make(NULL, at(state, "file"), &err), RALLY_EIO);
}

static void test_space(void **state)
{
	struct rp_err err = { 0 };

	assert_int_equal(rp_folder_space(NULL, *state, NULL, 1, &err), 0);
	rp_folder_space(NULL, *state, NULL, UINT64_MAX, &err);
	assert_fails(&err, RALLY_ENOSPC, "18.4 EB");
	rp_err_clear(&err);
	assert_int_equal(rp_folder_space(NULL, at(state, "absent"), NULL, 1, &err),
			 RALLY_EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_list),
		scratch_test(test_no_folder),
		cmocka_unit_test(test_final_names),
		scratch_test(test_begin),
		scratch_test(test_sweep),
		scratch_test(test_prune),
		scratch_test(test_prune_bad_ones),
		scratch_test(test_prune_unread_ones),
		scratch_test(test_prune_from),
		scratch_test(test_prune_past_one),
		scratch_test(test_sweep_past_one),
		scratch_test(test_list_fails),
		scratch_test(test_make),
		scratch_test(test_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
