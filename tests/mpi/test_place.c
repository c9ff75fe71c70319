/*
 * test_place.c - ranks that are not where the others are
 *
 * None of these may hang: run_mpi's time limit would tell. All ranks get the
 * same code, and the text names two of them.
 *
 * ranks: 2 4 8
 * limit: 180
 */
#include "mpi_test.h"

#define LAST 60

static rally_t *open_with(const char *stride, const char *lag)
{
	rally_t *rp = mt_open(mt_dir());

	mt_code(rp, rally_set(rp, "stride", stride), 0);
	mt_code(rp, rally_set(rp, "lag", lag), 0);
	return rp;
}

/* The program's one site: rally_point() is told apart by its line. */
static int pass(rally_t *rp, int64_t step)
{
	return rally_point(rp, step);
}

/* Broken for good, with one code and the names of two ranks. */
static void expect_broken(rally_t *rp, int code)
{
	const char *text = rally_error(rp);
	const char *first = strstr(text, "rank ");

	if (!first || !strstr(first + 1, "rank "))
		fprintf(stderr, "rank %d: '%s' does not name two ranks\n",
			mt_rank, text);
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "rank "));
	assert_int_equal(pass(rp, 1), RALLY_BROKEN);
	mt_code(rp, rally_save(rp, 1), code);
	mt_code(rp, rally_finish(rp, 1), code);
	mt_code(rp, rally_close(rp), code);
	mt_barrier();
}

/* Runs `fn` for strides and lags; it breaks the handle. */
static void for_strides(void (*fn)(rally_t *rp), int code)
{
	static const char *const strides[] = { "1", "2", "7" };

	for (size_t i = 0; i < 3; i++)
		for (int lag = 0; lag < 2; lag++) {
			rally_t *rp = open_with(strides[i], lag ? "1" : "0");

			fn(rp);
			expect_broken(rp, code);
		}
}

static void other_site(rally_t *rp)
{
	int verdict = RALLY_GO;

	for (int step = 0; step < LAST && verdict < RALLY_STOP; step++) {
		if (mt_rank == 1 && step >= 10)
			verdict = rally_point(rp, step);
		else
			verdict = pass(rp, step);
	}
	assert_int_equal(verdict, RALLY_BROKEN);
	assert_non_null(strstr(rally_error(rp), "test_place.c"));
}

static void test_other_site(void **state)
{
	(void)state;
	for_strides(other_site, RALLY_ESITE);
}

static void other_step(rally_t *rp)
{
	int verdict = RALLY_GO;

	for (int i = 0; i < LAST && verdict < RALLY_STOP; i++)
		verdict = pass(rp, i + (mt_rank == 1 && i >= 10));
	assert_int_equal(verdict, RALLY_BROKEN);
	assert_non_null(strstr(rally_error(rp), "step"));
}

static void test_other_step(void **state)
{
	(void)state;
	for_strides(other_step, RALLY_ESITE);
}

/* A loop that passes one safe point less on the last rank. */
static void one_short(rally_t *rp)
{
	int verdict = RALLY_GO;

	for (int step = 0; step < LAST && verdict < RALLY_STOP; step++)
		if (step != 11 || mt_rank != mt_size - 1)
			verdict = pass(rp, step);
	assert_int_equal(verdict, RALLY_BROKEN);
}

static void test_one_point_short(void **state)
{
	(void)state;
	for_strides(one_short, RALLY_ESITE);
}

static void close_early_on(int first, int last, const char *stride,
			   const char *lag)
{
	rally_t *rp = open_with(stride, lag);
	int verdict = RALLY_GO;

	if (mt_rank >= first && mt_rank <= last) {
		for (int step = 0; step < 12; step++)
			assert_int_equal(pass(rp, step), RALLY_GO);
		mt_code(rp, rally_close(rp), RALLY_EUNEVEN);
		mt_barrier();
		return;
	}
	for (int step = 0; step < LAST && verdict < RALLY_STOP; step++)
		verdict = pass(rp, step);
	assert_int_equal(verdict, RALLY_BROKEN);
	expect_broken(rp, RALLY_EUNEVEN);
}

static void test_close_early(void **state)
{
	(void)state;
	for (int lag = 0; lag < 2; lag++) {
		const char *text = lag ? "1" : "0";

		close_early_on(mt_size - 1, mt_size - 1, "1", text);
		close_early_on(0, 0, "5", text);
		close_early_on(0, mt_size - 2, "2", text);
	}
}

/* No round lies between the last safe points of the ranks: the close compares
 * their numbers. */
static void test_unequal_within_a_stride(void **state)
{
	(void)state;
	for (int short_one = 0; short_one < mt_size; short_one += mt_size - 1)
		for (int stop = 0; stop < 2; stop++) {
			rally_t *rp = open_with("40", "1");
			int points = mt_rank == short_one ? 11 : 12;

			for (int step = 0; step < points; step++)
				assert_int_equal(pass(rp, step), RALLY_GO);
			/* It is told, whatever else is to be told. */
			if (stop)
				rally_request(rp, RALLY_WANT_STOP);
			mt_code(rp, rally_close(rp), RALLY_EUNEVEN);
			mt_barrier();
		}
}

/* Behind a stop each rank may ask as often as it likes. */
static void test_unequal_after_a_stop(void **state)
{
	rally_t *rp = open_with("1", "0");
	int step = 0;

	(void)state;
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	while (pass(rp, step) != RALLY_STOP && step < LAST)
		step++;
	for (int i = 0; i < mt_rank; i++)
		assert_int_equal(pass(rp, step), RALLY_STOP);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	mt_barrier();
}

/* The others have a save before them when one rank closes. */
static void test_close_before_a_save(void **state)
{
	(void)state;
	for (int offset = 0; offset < 4; offset++) {
		rally_t *rp = open_with("3", "1");
		int verdict = RALLY_GO;

		for (int step = 0; step < 9 + offset; step++) {
			if (step == 8 && mt_rank == 0)
				rally_request(rp, RALLY_WANT_SAVE);
			verdict = pass(rp, step);
			assert_in_range(verdict, RALLY_GO, RALLY_SAVED);
		}
		if (mt_rank == mt_size - 1) {
			mt_code(rp, rally_close(rp), RALLY_EUNEVEN);
			mt_barrier();
			continue;
		}
		verdict = RALLY_GO;
		for (int step = 9 + offset; step < LAST && verdict < RALLY_STOP;
		     step++)
			verdict = pass(rp, step);
		assert_int_equal(verdict, RALLY_BROKEN);
		expect_broken(rp, RALLY_EUNEVEN);
	}
}

static void save_on_some(rally_t *rp, int saves)
{
	int verdict = RALLY_GO;

	for (int step = 0; step < 10; step++)
		assert_int_equal(pass(rp, step), RALLY_GO);
	if (saves) {
		mt_code(rp, rally_save(rp, 10), RALLY_ESITE);
		return;
	}
	for (int step = 10; step < LAST && verdict < RALLY_STOP; step++)
		verdict = pass(rp, step);
	assert_int_equal(verdict, RALLY_BROKEN);
}

static void save_on_first(rally_t *rp)
{
	save_on_some(rp, mt_rank == 0);
}

static void save_on_all_but_last(rally_t *rp)
{
	save_on_some(rp, mt_rank < mt_size - 1);
}

/* All ranks come to a save, but the last one a safe point short: the round that
 * the others have in flight meets its save, or its close. */
static void save_one_short(rally_t *rp)
{
	int last = mt_rank == mt_size - 1;

	for (int step = 0; step < 12 - last; step++)
		assert_true(pass(rp, step) <= RALLY_BROKEN);
	mt_code(rp, rally_save(rp, 12), RALLY_ESITE);
}

static void test_save_one_point_short(void **state)
{
	(void)state;
	for_strides(save_one_short, RALLY_ESITE);
}

/* The last rank closes, a safe point short of the others' save. */
static void test_save_against_short_close(void **state)
{
	(void)state;
	for (int lag = 0; lag < 2; lag++) {
		int last = mt_rank == mt_size - 1;
		rally_t *rp = open_with("1", lag ? "1" : "0");

		for (int step = 0; step < 12 - last; step++)
			assert_true(pass(rp, step) <= RALLY_BROKEN);
		if (last) {
			mt_code(rp, rally_close(rp), RALLY_EUNEVEN);
			mt_barrier();
			continue;
		}
		mt_code(rp, rally_save(rp, 12), RALLY_EUNEVEN);
		expect_broken(rp, RALLY_EUNEVEN);
	}
}

static void test_save_on_some(void **state)
{
	(void)state;
	for_strides(save_on_first, RALLY_ESITE);
	for_strides(save_on_all_but_last, RALLY_ESITE);
}

/* Some save, the others close, with and without a stop that all know of. */
static void test_save_against_close(void **state)
{
	(void)state;
	for (int offset = 0; offset < 4; offset++)
		for (int lag = 0; lag < 2; lag++) {
			rally_t *rp = open_with("3", lag ? "1" : "0");

			for (int step = 0; step < 9 + offset; step++) {
				int verdict = pass(rp, step);

				assert_in_range(verdict, RALLY_GO,
						RALLY_SAVED);
				if (step == 7 && mt_rank == 1)
					rally_request(rp, RALLY_WANT_SAVE);
			}
			if (mt_rank == 0) {
				mt_code(rp, rally_save(rp, 20),
					RALLY_EUNEVEN);
				expect_broken(rp, RALLY_EUNEVEN);
			} else {
				mt_code(rp, rally_close(rp), RALLY_EUNEVEN);
				mt_barrier();
			}
		}
}

static void test_save_at_other_step(void **state)
{
	rally_t *rp = open_with("1", "1");

	(void)state;
	mt_code(rp, rally_save(rp, mt_rank == 1 ? 4 : 3), RALLY_ESITE);
	expect_broken(rp, RALLY_ESITE);
}

/* After a mistake in one handle another one works. */
static void test_another_handle(void **state)
{
	rally_t *rp = open_with("1", "1");
	rally_t *other = open_with("1", "1");

	(void)state;
	other_step(rp);
	for (int step = 0; step < 5; step++)
		assert_int_equal(pass(other, step), RALLY_GO);
	mt_code(other, rally_save(other, 5), 0);
	expect_broken(rp, RALLY_ESITE);
	mt_code(other, rally_close(other), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_other_site),
	cmocka_unit_test(test_other_step),
	cmocka_unit_test(test_one_point_short),
	cmocka_unit_test(test_close_early),
	cmocka_unit_test(test_unequal_within_a_stride),
	cmocka_unit_test(test_unequal_after_a_stop),
	cmocka_unit_test(test_close_before_a_save),
	cmocka_unit_test(test_save_one_point_short),
	cmocka_unit_test(test_save_against_short_close),
	cmocka_unit_test(test_save_on_some),
	cmocka_unit_test(test_save_against_close),
	cmocka_unit_test(test_save_at_other_step),
	cmocka_unit_test(test_another_handle),
};

MT_MAIN(tests)
