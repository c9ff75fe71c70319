/*
 * test_stride.c - when rounds are: stride and lag, and periodic saves
 *
 * ranks: 1 2 4
 * limit: 120
 */
#include "mpi_test.h"

#include <time.h>

static void compute_ns(long ns)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - from.tv_sec) * 1000000000L + now.tv_nsec -
		       from.tv_nsec < ns);
}

static void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Fast steps: the stride doubles from round to round, up to a cap, and is 1
 * again after a save. A machine that is busy with something else makes some of
 * them slow: it may take more of them. */
static void expect_growth(rally_t *rp, uint32_t cap)
{
	uint32_t before = 1, highest = 1;

	for (int step = 0; step < 300 || (highest < cap && step < 30000);
	     step++) {
		uint32_t stride;

		assert_int_equal(rally_point(rp, step), RALLY_GO);
		stride = mt_status(rp).stride;
		mt_same(stride);
		assert_in_range(stride, 1, 2 * before);
		before = stride;
		highest = stride > highest ? stride : highest;
		compute_ns(2000);
	}
	assert_int_equal(highest, cap);
	mt_code(rp, rally_save(rp, 30000), 0);
	assert_int_equal(mt_status(rp).stride, 1);
}

static void test_growth_and_cap(void **state)
{
	rally_t *rp = mt_open(mt_dir());
	int64_t step = 0;
	int how;

	(void)state;
	expect_growth(rp, 64);
	mt_code(rp, rally_close(rp), 0);
	rp = mt_open(mt_dir());
	mt_code(rp, rally_set(rp, "stride_max", "16"), 0);
	expect_growth(rp, 16);
	for (int i = 300; i < 400; i++) {
		rally_point(rp, i);
		compute_ns(2000);
	}
	assert_in_range(mt_status(rp).stride, 2, 16);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(mt_status(rp).stride, 1);
	mt_code(rp, rally_close(rp), 0);
}

/* Steps of 60 ms: a round for each. The slowest rank decides. */
static void test_slow_steps(void **state)
{
	rally_t *rp = mt_open(mt_dir());

	(void)state;
	for (int step = 0; step < 8; step++) {
		assert_int_equal(rally_point(rp, step), RALLY_GO);
		assert_int_equal(mt_status(rp).stride, 1);
		if (mt_rank == mt_size - 1)
			sleep_ms(60);
	}
	assert_int_equal(mt_status(rp).lag, 1);
	mt_code(rp, rally_close(rp), 0);
}

/* Steps of over a second: a round completes where it starts. */
static void test_long_steps(void **state)
{
	rally_t *rp = mt_open(mt_dir());

	(void)state;
	for (int step = 0; step < 4; step++) {
		assert_int_equal(rally_point(rp, step), RALLY_GO);
		if (mt_rank == 0)
			sleep_ms(1100);
	}
	assert_int_equal(mt_status(rp).lag, 0);
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	assert_int_equal(rally_point(rp, 4), RALLY_STOP);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
}

struct periodic {
	int64_t stride, lag;	/* lag -1: measured */
	int64_t every, increment, first, last;
};

/* Where a periodic save belongs: the first safe point at which a multiple has
 * been reached since the save or start before. */
static int is_due(const struct periodic *p, int64_t step)
{
	return step > p->first &&
	       step / p->every > (step - p->increment) / p->every;
}

/* Runs a loop whose only saves are periodic; each must be where it belongs. */
static void expect_periodic(rally_t *rp, const struct periodic *p)
{
	mt_set(rp, "stride", p->stride);
	if (p->lag >= 0)
		mt_set(rp, "lag", p->lag);
	mt_set(rp, "every_steps", p->every);
	for (int64_t step = p->first; step <= p->last; step += p->increment) {
		int verdict = rally_point(rp, step);
		int due = is_due(p, step);

		if (verdict != (due ? RALLY_SAVED : RALLY_GO))
			fprintf(stderr, "rank %d: stride %d lag %d every %d "
				"increment %d from %d: step %d is %d\n",
				mt_rank, (int)p->stride, (int)p->lag,
				(int)p->every, (int)p->increment,
				(int)p->first, (int)step, verdict);
		assert_int_equal(verdict, due ? RALLY_SAVED : RALLY_GO);
		if (due)
			assert_int_equal(mt_status(rp).saved_step, step);
	}
}

static int64_t next_stride(int64_t stride)
{
	return mt_size == 2 ? stride + 1 : stride * 2 + 1;
}

static void test_every_steps(void **state)
{
	(void)state;
	for (int64_t stride = 1; stride <= 64; stride = next_stride(stride))
		for (int64_t increment = 1; increment <= 3; increment += 2)
			for (int64_t lag = 0; lag < 2; lag++) {
				struct periodic p = { stride, lag,
						      20 * increment + 1,
						      increment, 0,
						      70 * increment };
				rally_t *rp = mt_open(mt_dir());

				if (increment == 3)
					p.every = 60;
				expect_periodic(rp, &p);
				mt_code(rp, rally_close(rp), 0);
			}
}

/* Steps that jump over the multiples: at the first safe point behind. */
static void test_every_steps_jumped(void **state)
{
	(void)state;
	for (int64_t stride = 1; stride <= 64; stride *= 4) {
		struct periodic p = { stride, 1, 50, 3, 0, 400 };
		rally_t *rp = mt_open(mt_dir());

		expect_periodic(rp, &p);
		mt_code(rp, rally_close(rp), 0);
	}
}

static void test_every_step(void **state)
{
	struct periodic p = { 0, 0, 1, 1, 0, 12 };
	rally_t *rp = mt_open(mt_dir());

	(void)state;
	expect_periodic(rp, &p);
	mt_code(rp, rally_close(rp), 0);
}

/* A multiple that comes one step after the start, or after a resume, for a lag
 * that is set or measured. */
static void test_boundary_at_once(void **state)
{
	(void)state;
	for (int lag = -1; lag < 2; lag++) {
		struct periodic first = { 0, lag, 1, 1, 0, 12 };
		struct periodic second = { 0, lag, 10, 1, 9, 35 };
		const char *dir = mt_dir();
		rally_t *rp = mt_open(dir);
		int64_t step = 0;
		int how;

		expect_periodic(rp, &first);
		mt_code(rp, rally_save(rp, 9), 0);
		mt_code(rp, rally_close(rp), 0);
		mt_barrier();
		rp = mt_open(dir);
		mt_code(rp, rally_restore(rp, &step, &how), 0);
		assert_int_equal(step, 9);
		expect_periodic(rp, &second);
		mt_code(rp, rally_close(rp), 0);
		mt_barrier();
	}
}

/* Several safe points in a step: one save for each multiple, of that step. */
static void test_points_share_a_step(void **state)
{
	(void)state;
	for (int lag = 0; lag < 2; lag++) {
		rally_t *rp = mt_open(mt_dir());
		int saved = 0;

		mt_set(rp, "lag", lag);
		mt_set(rp, "every_steps", 10);
		for (int point = 0; point < 2 * 45; point++) {
			int64_t step = point / 2;

			if (rally_point(rp, step) != RALLY_SAVED)
				continue;
			saved++;
			assert_int_equal(step, 10 * saved);
		}
		assert_int_equal(saved, 4);
		mt_code(rp, rally_close(rp), 0);
	}
}

/* What was resumed on a boundary is not saved again there. */
static void test_resume_on_boundary(void **state)
{
	const char *dir = mt_dir();
	struct periodic first = { 4, 1, 10, 1, 0, 30 };
	struct periodic second = { 4, 1, 10, 1, 30, 55 };
	rally_t *rp = mt_open(dir);
	int64_t step = 0;
	int how;

	(void)state;
	expect_periodic(rp, &first);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	for (int lag = 0; lag < 2; lag++) {
		rp = mt_open(dir);
		mt_code(rp, rally_restore(rp, &step, &how), 0);
		assert_int_equal(how, RALLY_RESUMED);
		assert_int_equal(step, 30 + 20 * lag);
		second.lag = lag;
		second.first = step;
		second.last = step + 25;
		expect_periodic(rp, &second);
		mt_code(rp, rally_close(rp), 0);
		mt_barrier();
	}
}

/* A stop at the step that was restored has nothing to save. */
static void test_stop_after_restore(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);
	int64_t step = 0;
	int how;

	(void)state;
	mt_code(rp, rally_save(rp, 7), 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	rp = mt_open(dir);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(step, 7);
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	assert_int_equal(rally_point(rp, step), RALLY_STOP);
	assert_int_equal(mt_checkpoints(dir), 1);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
}

/* By time: rank 0's clock decides for all. */
static void test_every_by_time(void **state)
{
	rally_t *rp = mt_open(mt_dir());
	int saved = 0;

	(void)state;
	mt_code(rp, rally_set(rp, "every", "0.1s"), 0);
	for (int step = 0; step < 100; step++) {
		int verdict = rally_point(rp, step);

		mt_same(verdict);
		saved += verdict == RALLY_SAVED;
		sleep_ms(10);
	}
	/* A second or more; a save takes up to the time between two. */
	assert_in_range(saved, 4, 20);
	mt_code(rp, rally_close(rp), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_growth_and_cap),
	cmocka_unit_test(test_slow_steps),
	cmocka_unit_test(test_long_steps),
	cmocka_unit_test(test_every_steps),
	cmocka_unit_test(test_every_steps_jumped),
	cmocka_unit_test(test_every_step),
	cmocka_unit_test(test_boundary_at_once),
	cmocka_unit_test(test_points_share_a_step),
	cmocka_unit_test(test_resume_on_boundary),
	cmocka_unit_test(test_stop_after_restore),
	cmocka_unit_test(test_every_by_time),
};

MT_MAIN(tests)
