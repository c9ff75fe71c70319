/*
 * test_open.c - opening, options and closing
 *
 * ranks: 1 2 4
 */
#include "mpi_test.h"

#include <signal.h>
#include <unistd.h>

static void test_open_and_close(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	(void)state;
	assert_true(mt_exists(dir, ".owner"));
	assert_string_equal(rally_error(rp), "");
	assert_int_equal(mt_status(rp).sequence, -1);
	assert_int_equal(mt_status(rp).verdict, RALLY_GO);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_false(mt_exists(dir, ".owner"));
}

static void test_arguments(void **state)
{
	struct rally_status status;
	rally_t *rp;

	(void)state;
	assert_int_equal(rally_open(MPI_COMM_WORLD, "x", NULL), RALLY_EARG);
	assert_int_equal(rally_open(MPI_COMM_WORLD, NULL, &rp), RALLY_EARG);
	assert_non_null(strstr(rally_error(rp), "dir is NULL or empty"));
	assert_int_equal(rally_close(rp), RALLY_EARG);
	assert_int_equal(rally_open(MPI_COMM_WORLD,
				    mt_rank == mt_size - 1 ? "" : "here", &rp),
			 RALLY_EARG);
	assert_int_equal(rally_close(rp), RALLY_EARG);
	assert_false(mt_exists(".", "here"));
	assert_int_equal(rally_close(NULL), 0);
	assert_int_equal(rally_point(NULL, 0), RALLY_BROKEN);
	assert_int_equal(rally_save(NULL, 0), RALLY_EARG);
	assert_int_equal(rally_request(NULL, RALLY_WANT_STOP), RALLY_EARG);
	assert_int_equal(rally_status(NULL, &status), RALLY_EARG);
	assert_string_equal(rally_error(NULL), "");
}

static void test_null_communicator(void **state)
{
	rally_t *rp;

	(void)state;
	assert_int_equal(rally_open(MPI_COMM_NULL, mt_dir(), &rp), RALLY_EARG);
	assert_non_null(strstr(rally_error(rp), "MPI_COMM_NULL"));
	assert_int_equal(rally_point(rp, 0), RALLY_BROKEN);
	mt_code(rp, rally_close(rp), RALLY_EARG);
}

static void test_intercommunicator(void **state)
{
	MPI_Comm half, inter;
	int color = mt_rank % 2;
	rally_t *rp;

	(void)state;
	if (mt_size < 2)
		return;
	MPI_Comm_split(MPI_COMM_WORLD, color, 0, &half);
	MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - color, 7, &inter);
	assert_int_equal(rally_open(inter, mt_dir(), &rp), RALLY_EARG);
	assert_non_null(strstr(rally_error(rp), "intercommunicator"));
	mt_code(rp, rally_close(rp), RALLY_EARG);
	MPI_Comm_free(&inter);
	MPI_Comm_free(&half);
}

/* Ranks of one half save and stop, those of the other go on unharmed. */
static void test_subsets(void **state)
{
	char dir[4096];
	int color = mt_rank % 2, verdict = RALLY_GO;
	int64_t value = mt_rank, step = 0;
	MPI_Comm half;
	rally_t *rp;

	(void)state;
	snprintf(dir, sizeof(dir), "%s-%d", mt_dir(), color);
	MPI_Comm_split(MPI_COMM_WORLD, color, 0, &half);
	mt_code(rp, rally_open(half, dir, &rp), 0);
	mt_code(rp, rally_add(rp, "v", &value, RALLY_I64, 1), 0);
	for (; step < 20 && verdict < RALLY_STOP; step++) {
		if (step == 5 && mt_rank == 0)
			rally_request(rp, RALLY_WANT_STOP);
		verdict = rally_point(rp, step);
	}
	assert_int_equal(verdict, color == 0 ? RALLY_STOP : RALLY_GO);
	mt_code(rp, rally_close(rp), color == 0 ? RALLY_EUNFINISHED : 0);
	assert_int_equal(mt_checkpoints(dir), color == 0);
	MPI_Comm_free(&half);
}

/* One signal stops both handles: neither steals it from the other. */
static void test_two_handles(void **state)
{
	rally_t *one = mt_open(mt_dir());
	rally_t *two = mt_open(mt_dir());
	int first = RALLY_GO, second = RALLY_GO;

	(void)state;
	mt_code(one, rally_set(one, "stop_signals", "USR1"), 0);
	mt_code(two, rally_set(two, "stop_signals", "USR1"), 0);
	if (mt_rank == mt_size - 1)
		raise(SIGUSR1);
	for (int step = 0; step < 4 && first != RALLY_STOP; step++)
		first = rally_point(one, step);
	for (int step = 0; step < 4 && second != RALLY_STOP; step++)
		second = rally_point(two, step);
	assert_int_equal(first, RALLY_STOP);
	assert_int_equal(second, RALLY_STOP);
	mt_code(two, rally_close(two), RALLY_EUNFINISHED);
	mt_code(one, rally_close(one), RALLY_EUNFINISHED);
}

/* A handle that does not open is still a handle: every call says why. */
static void expect_refusal(const char *dir, int code, const char *text)
{
	int64_t step = 0;
	int how;
	rally_t *rp;
	int rc = rally_open(MPI_COMM_WORLD, dir, &rp);

	mt_code(rp, rc, code);
	assert_non_null(rp);
	if (!strstr(rally_error(rp), text))
		fprintf(stderr, "'%s' lacks '%s'\n", rally_error(rp), text);
	assert_non_null(strstr(rally_error(rp), text));
	assert_int_equal(rally_restore(rp, &step, &how), code);
	assert_int_equal(rally_save(rp, 1), code);
	assert_int_equal(rally_point(rp, 1), RALLY_BROKEN);
	assert_int_equal(rally_finish(rp, 1), code);
	mt_code(rp, rally_close(rp), code);
}

static void test_environment(void **state)
{
	(void)state;
	mt_option("RALLY_NONSENSE", "1");
	expect_refusal(mt_dir(), RALLY_EOPTION, "RALLY_NONSENSE");
	mt_option("RALLY_NONSENSE", NULL);
	mt_option("RALLY_KEEP", "0");
	expect_refusal(mt_dir(), RALLY_EOPTION, "keep");
	mt_option("RALLY_KEEP", NULL);
	/* Only rank 0's environment counts. */
	if (mt_rank == 1)
		setenv("RALLY_NONSENSE", "1", 1);
	mt_code(NULL, rally_close(mt_open(mt_dir())), 0);
	unsetenv("RALLY_NONSENSE");
}

static void test_folders_differ(void **state)
{
	char dir[4096];

	(void)state;
	if (mt_size < 2)
		return;
	snprintf(dir, sizeof(dir), "%s%s", mt_dir(),
		 mt_rank == mt_size - 1 ? "-other" : "");
	expect_refusal(dir, RALLY_EMISMATCH, "-other");
}

static void test_folder_is_no_folder(void **state)
{
	const char *dir = mt_dir();

	(void)state;
	if (mt_rank == 0)
		fclose(fopen(dir, "w"));
	expect_refusal(dir, RALLY_EIO, dir);
}

static void test_folder_is_owned(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	(void)state;
	expect_refusal(dir, RALLY_EOWNED, dir);
	mt_code(rp, rally_save(rp, 1), 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	mt_code(NULL, rally_close(mt_open(dir)), 0);
}

static void test_set(void **state)
{
	rally_t *rp = mt_open(mt_dir());

	(void)state;
	mt_code(rp, rally_set(rp, "nonsense", "1"), RALLY_EOPTION);
	assert_non_null(strstr(rally_error(rp), "nonsense"));
	mt_code(rp, rally_set(rp, "stride", "5"), 0);
	mt_code(rp, rally_set(rp, "stride", "many"), RALLY_EOPTION);
	mt_code(rp, rally_set(rp, "keep", "0"), RALLY_EOPTION);
	mt_code(rp, rally_set(rp, "every", "3 parsecs"), RALLY_EOPTION);
	mt_code(rp, rally_set(rp, "stop_signals", "KILL"), RALLY_EOPTION);
	mt_code(rp, rally_set(rp, NULL, "1"), RALLY_EARG);
	mt_code(rp, rally_set(rp, "keep", NULL), RALLY_EARG);
	if (mt_size > 1) {
		mt_code(rp, rally_set(rp, "keep", mt_rank == 1 ? "3" : "4"),
			RALLY_EMISMATCH);
		assert_non_null(strstr(rally_error(rp), "rank 1"));
		mt_code(rp, rally_set(rp, "keep", mt_rank == 1 ? "x" : "4"),
			RALLY_EOPTION);
	}
	/* The stride that was set before the errors is still there. */
	for (int step = 0; step < 5; step++)
		assert_int_equal(rally_point(rp, step), RALLY_GO);
	assert_int_equal(mt_status(rp).stride, 5);
	mt_code(rp, rally_close(rp), 0);
}

static void test_environment_wins(void **state)
{
	rally_t *rp;

	(void)state;
	mt_option("RALLY_STRIDE", "3");
	rp = mt_open(mt_dir());
	mt_option("RALLY_STRIDE", NULL);
	mt_code(rp, rally_set(rp, "stride", "7"), 0);
	for (int step = 0; step < 5; step++)
		assert_int_equal(rally_point(rp, step), RALLY_GO);
	assert_int_equal(mt_status(rp).stride, 3);
	mt_code(rp, rally_close(rp), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_open_and_close),
	cmocka_unit_test(test_arguments),
	cmocka_unit_test(test_null_communicator),
	cmocka_unit_test(test_intercommunicator),
	cmocka_unit_test(test_subsets),
	cmocka_unit_test(test_two_handles),
	cmocka_unit_test(test_environment),
	cmocka_unit_test(test_folders_differ),
	cmocka_unit_test(test_folder_is_no_folder),
	cmocka_unit_test(test_folder_is_owned),
	cmocka_unit_test(test_set),
	cmocka_unit_test(test_environment_wins),
};

MT_MAIN(tests)
