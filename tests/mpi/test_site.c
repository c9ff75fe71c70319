/*
 * test_site.c - safe points in several loops
 *
 * A loop is a file name and a line here, as the macro would give them.
 *
 * ranks: 1 2 4
 * limit: 120
 */
#include "mpi_test.h"

#include <time.h>

static void compute_us(long us)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - from.tv_sec) * 1000000L +
		       (now.tv_nsec - from.tv_nsec) / 1000 < us);
}

static int train(rally_t *rp, int64_t step)
{
	return rally_point_at(rp, step, "train.c", 41);
}

static int evaluate(rally_t *rp, int64_t step)
{
	return rally_point_at(rp, step, "eval.c", 80);
}

/* Fast steps in one loop until its stride is long. A machine that is busy with
 * something else may take more of them. */
static int64_t run_fast(rally_t *rp, uint32_t stride)
{
	int64_t step = 0;

	while (mt_status(rp).stride < stride && step < 20000)
		assert_int_equal(train(rp, step++), RALLY_GO);
	assert_true(mt_status(rp).stride >= stride);
	mt_same(mt_status(rp).points);
	return step;
}

/* Points of the slow loop, each with a round, until the request of one rank is
 * answered. */
static void expect_quick_answer(rally_t *rp, int64_t step)
{
	int points = 0, verdict = RALLY_GO;
	int asker = mt_size - 1;

	if (mt_rank == asker)
		rally_request(rp, RALLY_WANT_SAVE);
	while (verdict == RALLY_GO && points < 100) {
		verdict = evaluate(rp, step);
		compute_us(20000);
		points++;
	}
	assert_int_equal(verdict, RALLY_SAVED);
	/* The first point of the loop has a round of its own. */
	assert_int_equal(points, 1);
	mt_same(points);
}

/* From a loop of fast steps to one that was never seen, and to one that is known
 * to be slow: a round at once, and a short stride. */
static void test_slow_after_fast(void **state)
{
	rally_t *rp = mt_open(mt_dir());
	int64_t step;

	(void)state;
	step = run_fast(rp, 64);
	expect_quick_answer(rp, step);
	/* So that its steps are known to be slow. */
	for (int i = 0; i < 6; i++) {
		evaluate(rp, step);
		compute_us(20000);
	}
	assert_in_range(mt_status(rp).stride, 1, 8);
	run_fast(rp, 64);
	evaluate(rp, step);
	assert_in_range(mt_status(rp).stride, 1, 2);
	mt_code(rp, rally_close(rp), 0);
}

/* The signal comes in the first step of a slow loop: its next safe point has a
 * round that completes there, whatever was measured before the loop. */
static void test_request_in_the_first_slow_step(void **state)
{
	rally_t *rp = mt_open(mt_dir());
	int64_t step;

	(void)state;
	step = run_fast(rp, 64);
	assert_int_equal(evaluate(rp, step), RALLY_GO);
	assert_int_equal(mt_status(rp).stride, 1);
	assert_int_equal(mt_status(rp).lag, 0);
	compute_us(20000);
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_SAVE);
	assert_int_equal(evaluate(rp, step), RALLY_SAVED);
	mt_code(rp, rally_close(rp), 0);
}

/* Two or three safe points in each step, at sites of their own: rounds become as
 * rare as with one. */
static void test_sites_share_a_step(void **state)
{
	(void)state;
	for (int sites = 2; sites <= 3; sites++) {
		rally_t *rp = mt_open(mt_dir());
		uint32_t highest = 0;

		for (int step = 0; step < 3000 && highest < 32; step++)
			for (int line = 1; line <= sites; line++) {
				assert_int_equal(rally_point_at(rp, step,
								"loop.c", line),
						 RALLY_GO);
				if (mt_status(rp).stride > highest)
					highest = mt_status(rp).stride;
				compute_us(50);
			}
		assert_true(highest >= 32);
		mt_same(highest);
		mt_code(rp, rally_close(rp), 0);
	}
}

/* One file name in several places of memory is one site. */
static void test_names_are_compared(void **state)
{
	static const char names[2][8] = { "loop.c", "loop.c" };
	rally_t *rp = mt_open(mt_dir());
	int64_t step;
	uint64_t rounds;

	(void)state;
	for (step = 0; mt_status(rp).stride < 64 && step < 20000; step++)
		rally_point_at(rp, step, names[step & 1], 7);
	rounds = mt_status(rp).rounds;
	for (int i = 0; i < 30; i++)
		rally_point_at(rp, step++, names[i & 1], 7);
	assert_in_range(mt_status(rp).rounds - rounds, 0, 1);
	mt_code(rp, rally_close(rp), 0);
}

/* More loops than are remembered: a round at each change, and nothing worse. */
static void test_many_sites(void **state)
{
	rally_t *rp = mt_open(mt_dir());

	(void)state;
	for (int i = 0; i < 200; i++)
		assert_int_equal(rally_point_at(rp, i, "many.c", i % 40),
				 RALLY_GO);
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_SAVE);
	assert_int_equal(rally_point_at(rp, 200, "many.c", 0), RALLY_SAVED);
	mt_same(mt_status(rp).points);
	mt_code(rp, rally_close(rp), 0);
}

/* A loop inside a step, whose points have the step that it belongs to: what is
 * saved there is of that step. */
static void test_stop_in_an_inner_loop(void **state)
{
	rally_t *rp = mt_open(mt_dir());
	int64_t step = 0;
	int verdict = RALLY_GO, batch = 0;

	(void)state;
	for (step = 0; step < 100 && verdict == RALLY_GO; step++) {
		verdict = train(rp, step);
		for (batch = 0; step % 10 == 9 && batch < 20 &&
				verdict == RALLY_GO; batch++) {
			if (step == 49 && batch == 3 && mt_rank == 0)
				rally_request(rp, RALLY_WANT_STOP);
			verdict = evaluate(rp, step);
		}
		if (verdict >= RALLY_STOP)
			break;
	}
	assert_int_equal(verdict, RALLY_STOP);
	assert_true(step >= 49);
	mt_same(step * 100 + batch);
	assert_int_equal(mt_status(rp).saved_step, step);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
}

static void skip_a_loop(rally_t *rp, int skipping)
{
	int verdict = RALLY_GO;

	for (int step = 0; verdict < RALLY_STOP && step < 1000; step++) {
		verdict = train(rp, step);
		for (int i = 0; step % 10 == 7 && i < 5 && verdict < RALLY_STOP;
		     i++)
			if (step < 50 || mt_rank != skipping)
				verdict = evaluate(rp, step);
	}
	assert_int_equal(verdict, RALLY_BROKEN);
}

/* One rank leaves out an evaluation, and trains on: all are told who is where,
 * at once or at the next round. */
static void test_one_skips_a_loop(void **state)
{
	(void)state;
	for (int i = 0; i < 4 && mt_size > 1; i++) {
		rally_t *rp = mt_open(mt_dir());

		mt_set(rp, "stride", i < 2);
		skip_a_loop(rp, i % 2 ? mt_size - 1 : 0);
		assert_non_null(strstr(rally_error(rp),
				       i < 2 ? "is at eval.c:80 step 57"
					     : "step "));
		assert_non_null(strstr(rally_error(rp),
				       i < 2 ? "is at train.c:41 step 58"
					     : "train.c:41 step "));
		mt_code(rp, rally_close(rp), RALLY_ESITE);
		mt_barrier();
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_slow_after_fast),
	cmocka_unit_test(test_request_in_the_first_slow_step),
	cmocka_unit_test(test_sites_share_a_step),
	cmocka_unit_test(test_names_are_compared),
	cmocka_unit_test(test_many_sites),
	cmocka_unit_test(test_stop_in_an_inner_loop),
	cmocka_unit_test(test_one_skips_a_loop),
};

MT_MAIN(tests)
