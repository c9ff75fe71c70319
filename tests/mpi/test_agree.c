/*
 * test_agree.c - one rank is told, all ranks act at the same safe point
 *
 * ranks: 1 2 4 8
 * levels: single funneled
 */
#include "mpi_test.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

/* The loop of a program, and what came of it. */
struct loop {
	rally_t *rp;
	int64_t step;		/* next one */
	int64_t last;
	int64_t data;		/* what is saved */
	int verdict;		/* of the last safe point */
	int64_t points;		/* passed so far */
};

static void begin(struct loop *loop, int64_t last)
{
	memset(loop, 0, sizeof(*loop));
	loop->rp = mt_open(mt_dir());
	loop->last = last;
	/* Those of the tests before are pending still. */
	mt_code(loop->rp, rally_set(loop->rp, "stop_signals", ""), 0);
	mt_code(loop->rp, rally_add(loop->rp, "data", &loop->data, RALLY_I64, 1),
		0);
}

/* One safe point, and one step if it is to go on: 0 at its end. */
static int pass(struct loop *loop)
{
	if (loop->step == loop->last)
		return 0;
	loop->points++;
	loop->verdict = rally_point(loop->rp, loop->step);
	if (loop->verdict >= RALLY_STOP)
		return 0;
	loop->data += mt_rank + 1;
	loop->step++;
	return 1;
}

static void end(struct loop *loop, int expected)
{
	mt_same(loop->step);
	mt_same(loop->points);
	mt_same(loop->verdict);
	mt_code(loop->rp, rally_close(loop->rp), expected);
}

/* All ranks stopped, at one point and step, no later than `within` safe points
 * after `from`, with a checkpoint of that step. */
static void expect_stop(struct loop *loop, int64_t from, int64_t within)
{
	struct rally_status status = mt_status(loop->rp);

	assert_int_equal(loop->verdict, RALLY_STOP);
	assert_in_range(loop->points - from, 1, within);
	assert_int_equal(status.saved_step, loop->step);
	assert_int_equal(status.verdict, RALLY_STOP);
	/* Sticky, and without MPI: one rank alone may ask again. */
	if (mt_rank == 0)
		assert_int_equal(rally_point(loop->rp, loop->step + 9),
				 RALLY_STOP);
	end(loop, RALLY_EUNFINISHED);
}

static void stop_by_request(int rank, int64_t at, int64_t stride, int64_t lag)
{
	struct loop loop;

	begin(&loop, 400);
	mt_set(loop.rp, "stride", stride);
	mt_set(loop.rp, "lag", lag);
	do {
		if (mt_rank == rank && loop.points == at)
			assert_int_equal(rally_request(loop.rp,
						       RALLY_WANT_STOP), 0);
	} while (pass(&loop));
	expect_stop(&loop, at, stride + 1);
	if (stride == 1)
		assert_int_equal(loop.points - at, at == 0 ? 1 : 1 + lag);
}

static void test_each_rank_stops_all(void **state)
{
	(void)state;
	for (int rank = 0; rank < mt_size; rank++) {
		stop_by_request(rank, 3 + rank, 1, 0);
		stop_by_request(rank, 3 + rank, 1, 1);
		stop_by_request(rank, 20 + rank, 7, 1);
	}
}

/* Any phase between two rounds. */
static void test_each_phase(void **state)
{
	(void)state;
	for (int phase = 0; phase < 9; phase++) {
		stop_by_request(mt_size - 1, 40 + phase, 8, 0);
		stop_by_request(mt_size - 1, 40 + phase, 8, 1);
	}
	/* One from before the loop is told at its first safe point. */
	stop_by_request(0, 0, 1, 1);
	stop_by_request(0, 200, 64, 1);
}

static void stop_by_signal(const char *name, int number, int from, int to,
			   int times)
{
	struct loop loop;

	begin(&loop, 400);
	mt_code(loop.rp, rally_set(loop.rp, "stop_signals", name), 0);
	mt_set(loop.rp, "stride", 3);
	do {
		for (int i = 0; loop.points == 10 && i < times; i++)
			if (mt_rank >= from && mt_rank <= to)
				raise(number);
	} while (pass(&loop));
	assert_int_equal(mt_status(loop.rp).signal,
			 mt_rank >= from && mt_rank <= to ? number : 0);
	expect_stop(&loop, 10, 4);
}

static void test_signal_on_the_first(void **state)
{
	(void)state;
	stop_by_signal("TERM", SIGTERM, 0, 0, 1);
}

static void test_signal_on_the_last(void **state)
{
	(void)state;
	stop_by_signal("USR1", SIGUSR1, mt_size - 1, mt_size - 1, 1);
}

static void test_storm(void **state)
{
	(void)state;
	stop_by_signal("INT", SIGINT, 0, mt_size - 1, 1000);
}

static volatile sig_atomic_t theirs;

static void on_theirs(int number)
{
	theirs = number;
}

/* A library that the program uses takes the signal after rally_open(). */
static void test_displaced_handler(void **state)
{
	struct sigaction action = { .sa_handler = on_theirs };
	struct loop loop;

	(void)state;
	begin(&loop, 400);
	mt_code(loop.rp, rally_set(loop.rp, "stop_signals", "USR2"), 0);
	mt_set(loop.rp, "stride", 2);
	for (int i = 0; i < 4; i++)
		pass(&loop);
	assert_int_equal(sigaction(SIGUSR2, &action, NULL), 0);
	for (int i = 0; i < 4; i++)
		pass(&loop);
	if (mt_rank == mt_size / 2)
		raise(SIGUSR2);
	while (pass(&loop))
		;
	assert_int_equal(theirs, mt_rank == mt_size / 2 ? SIGUSR2 : 0);
	expect_stop(&loop, 8, 3);
}

/* A save signal each time, on one rank after the other. */
static void test_save_signals(void **state)
{
	struct loop loop;
	int64_t saved = 0;

	(void)state;
	begin(&loop, 200);
	mt_code(loop.rp, rally_set(loop.rp, "save_signals", "XCPU"), 0);
	mt_set(loop.rp, "stride", 2);
	do {
		if (loop.points % 10 == 5 &&
		    mt_rank == loop.points / 10 % mt_size)
			raise(SIGXCPU);
		if (loop.verdict == RALLY_SAVED) {
			saved++;
			assert_int_equal(mt_status(loop.rp).saved_step,
					 loop.step - 1);
		}
	} while (pass(&loop));
	assert_int_equal(saved, 20);
	assert_int_equal(mt_status(loop.rp).sequence, saved - 1);
	end(&loop, 0);
}

/* Two ranks ask at once: one save. One asks again while it is made: another. */
static void test_save_requests(void **state)
{
	struct loop loop;
	int64_t saved = 0;

	(void)state;
	begin(&loop, 60);
	mt_set(loop.rp, "stride", 4);
	do {
		if (loop.points == 20 && (mt_rank == 0 ||
					  mt_rank == mt_size - 1))
			rally_request(loop.rp, RALLY_WANT_SAVE);
		saved += loop.verdict == RALLY_SAVED;
		if (loop.points == 40 && mt_rank == 0)
			rally_request(loop.rp, RALLY_WANT_SAVE);
	} while (pass(&loop));
	assert_int_equal(saved, 2);
	mt_same(mt_status(loop.rp).saved_step);
	end(&loop, 0);
}

/* A stop that the save's own votes bring is told at the next safe point, which
 * has nothing more to save if its step is the same. */
static void stop_during_save(int64_t stride, int same_step)
{
	struct loop loop;
	int64_t sequence;

	begin(&loop, 100);
	mt_set(loop.rp, "stride", stride);
	for (int i = 0; i < 10; i++)
		pass(&loop);
	if (mt_rank == mt_size - 1)
		rally_request(loop.rp, RALLY_WANT_STOP);
	mt_code(loop.rp, rally_save(loop.rp, loop.step), 0);
	sequence = mt_status(loop.rp).sequence;
	assert_int_equal(mt_status(loop.rp).saved_step, loop.step);
	loop.step += !same_step;
	assert_int_equal(pass(&loop), 0);
	assert_int_equal(mt_status(loop.rp).sequence, sequence + !same_step);
	expect_stop(&loop, 10, 1);
}

static void test_stop_during_save(void **state)
{
	(void)state;
	for (int64_t stride = 1; stride < 5; stride++) {
		stop_during_save(stride, 1);
		stop_during_save(stride, 0);
	}
}

/* A stop that comes after the last safe point is returned by the close. */
static void test_stop_too_late(void **state)
{
	(void)state;
	for (int64_t stride = 1; stride < 6; stride++) {
		struct loop loop;

		begin(&loop, 20);
		mt_set(loop.rp, "stride", stride);
		while (pass(&loop))
			;
		if (mt_rank == mt_size - 1)
			rally_request(loop.rp, RALLY_WANT_STOP);
		end(&loop, RALLY_EPENDING);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_each_rank_stops_all),
	cmocka_unit_test(test_each_phase),
	cmocka_unit_test(test_signal_on_the_first),
	cmocka_unit_test(test_signal_on_the_last),
	cmocka_unit_test(test_storm),
	cmocka_unit_test(test_displaced_handler),
	cmocka_unit_test(test_save_signals),
	cmocka_unit_test(test_save_requests),
	cmocka_unit_test(test_stop_during_save),
	cmocka_unit_test(test_stop_too_late),
};

MT_MAIN(tests)
