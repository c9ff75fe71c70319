/*
 * test_watch.c - lines about what does not come: a safe point, or a rank
 *
 * ranks: 1 3
 * limit: 120
 */
#include "mpi_test.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static char said[8192];		/* on this rank's stderr */
static int real_stderr, file;
static char path[] = "/tmp/rallypoint-watch-XXXXXX";

static void listen_begin(void)
{
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	file = mkstemp(path);
	assert_true(file >= 0);
	unlink(path);
	fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	dup2(file, STDERR_FILENO);
}

static void listen_end(void)
{
	ssize_t n;

	fflush(stderr);
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	n = pread(file, said, sizeof(said) - 1, 0);
	close(file);
	assert_true(n >= 0);
	said[n] = '\0';
}

/* How many lines hold a text. */
static int lines_with(const char *text)
{
	int n = 0;

	for (const char *at = said; (at = strstr(at, text)); at++)
		n++;
	return n;
}

static void expect_line(const char *text)
{
	if (lines_with(text) == 0)
		fprintf(stderr, "rank %d: '%s' is not in: %s\n", mt_rank, text,
			said);
	assert_true(lines_with(text) > 0);
}

static void rest_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) != 0)
		;
}

static rally_t *open_watched(const char *signal)
{
	rally_t *rp;

	mt_option("RALLY_WORDS", "yes");
	rp = mt_open(mt_dir());
	mt_option("RALLY_WORDS", "no");
	mt_code(rp, rally_set(rp, "stop_signals", signal), 0);
	mt_code(rp, rally_set(rp, "watch", "0.2"), 0);
	mt_code(rp, rally_set(rp, "grace", "60s"), 0);
	return rp;
}

static void stop(rally_t *rp)
{
	int verdict = RALLY_GO;

	for (int step = 1000; verdict == RALLY_GO && step < 1200; step++)
		verdict = rally_point(rp, step);
	assert_int_equal(verdict, RALLY_STOP);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
}

/* A step that takes long: the rank that was signalled says so, more and more
 * rarely, and no more once all have stopped. */
static void test_no_point_follows(void **state)
{
	rally_t *rp = open_watched("TERM");
	int mine = mt_rank == mt_size - 1;
	char line[64];
	int n;

	(void)state;
	assert_int_equal(rally_point(rp, 0), RALLY_GO);
	listen_begin();
	if (mine)
		raise(SIGTERM);
	rest_ms(1100);
	listen_end();
	snprintf(line, sizeof(line), "rank %d: SIGTERM came ", mt_rank);
	assert_int_equal(lines_with(line) > 0, mine);
	assert_int_equal(lines_with("and no safe point since; about ") > 0,
			 mine);
	/* At 0.2, 0.4 and 0.8 s. */
	n = lines_with("SIGTERM");
	assert_true(mine ? n >= 2 && n <= 4 : n == 0);
	if (mine)
		expect_line(" 59 s are left");
	listen_begin();
	stop(rp);
	rest_ms(500);
	listen_end();
	assert_int_equal(lines_with(" came "), 0);
}

/* Safe points pass, but the round that will tell the others is far. */
static void test_round_is_far(void **state)
{
	rally_t *rp = open_watched("USR1");
	int mine = mt_rank == 0;

	(void)state;
	mt_set(rp, "stride", 100);
	rally_point(rp, 0);
	listen_begin();
	if (mine)
		raise(SIGUSR1);
	for (int step = 1; step < 10; step++) {
		assert_int_equal(rally_point(rp, step), RALLY_GO);
		rest_ms(60);
	}
	listen_end();
	if (mine) {
		expect_line(" safe points since, the ranks agree in ");
		expect_line("rank 0: SIGUSR1 came 0 s ago");
	}
	assert_int_equal(lines_with("SIGUSR1") > 0, mine);
	stop(rp);
}

/* One rank comes late: ranks 0 and 1 say that they wait, and where, so that it
 * is said by one of them whoever is late. */
static void test_rank_is_late(void **state)
{
	rally_t *rp = open_watched("");

	(void)state;
	for (int late = 0; late < mt_size; late += mt_size > 1 ? mt_size - 1 : 1) {
		int speaks = mt_size > 1 && mt_rank < 2 && mt_rank != late;
		int n;

		mt_set(rp, "stride", 1);
		listen_begin();
		for (int step = 0; step < 3; step++) {
			if (step == 1 && mt_rank == late)
				rest_ms(900);
			assert_int_equal(rally_point_at(rp, step, "late.c", 7),
					 RALLY_GO);
		}
		listen_end();
		n = lines_with("for a rank that does not come there");
		assert_int_equal(n > 0, speaks);
		if (n > 0)
			expect_line("is at late.c:7 step ");
	}
	mt_code(rp, rally_close(rp), 0);
}

/* In a save of the program's, too: one rank has not come to it. */
static void test_late_to_a_save(void **state)
{
	rally_t *rp = open_watched("");

	(void)state;
	listen_begin();
	if (mt_rank == mt_size - 1 && mt_size > 1)
		rest_ms(900);
	mt_code(rp, rally_save(rp, 5), 0);
	listen_end();
	if (mt_size > 1 && mt_rank == 0) {
		expect_line("rank 0 is at rally_save() step 5");
		expect_line(" and has waited ");
	}
	mt_code(rp, rally_close(rp), 0);
}

/* What came before the handle was opened is told too; a handle that is closed,
 * and one without words or with watch 0, is silent. */
static void test_silence(void **state)
{
	rally_t *rp;

	(void)state;
	rp = open_watched("USR2");
	mt_code(rp, rally_close(rp), 0);
	raise(SIGUSR2);
	listen_begin();
	rp = open_watched("USR2");
	rest_ms(500);
	listen_end();
	assert_true(lines_with("SIGUSR2 came ") > 0);
	mt_code(rp, rally_close(rp), RALLY_EPENDING);
	listen_begin();
	rest_ms(500);
	listen_end();
	assert_int_equal(lines_with(" came "), 0);
	rp = open_watched("INT");
	mt_code(rp, rally_set(rp, "watch", "0"), 0);
	listen_begin();
	raise(SIGINT);
	rest_ms(500);
	listen_end();
	assert_int_equal(lines_with(" came "), 0);
	stop(rp);
}

/* The second SIGTERM, or one that comes to this rank after the verdict, is no
 * news any more. */
static void test_signal_after_the_stop(void **state)
{
	rally_t *rp = open_watched("INT");

	(void)state;
	for (int step = 0; rally_point(rp, step) != RALLY_STOP; step++)
		assert_true(step < 100);
	listen_begin();
	raise(SIGINT);
	rest_ms(500);
	mt_code(rp, rally_set(rp, "keep", "3"), 0);
	rest_ms(500);
	listen_end();
	assert_int_equal(lines_with(" came "), 0);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
}

static int urgent;

static void on_urgent(int number)
{
	(void)number;
	urgent++;
}

/* A program that uses SIGURG keeps it. */
static void test_urgent_is_the_programs(void **state)
{
	void (*before)(int) = signal(SIGURG, on_urgent);
	rally_t *rp = open_watched("XCPU");

	(void)state;
	raise(SIGURG);
	assert_int_equal(urgent, 1);
	listen_begin();
	raise(SIGXCPU);
	rest_ms(500);
	listen_end();
	assert_int_equal(lines_with(" came "), 0);
	assert_int_equal(urgent, 1);
	stop(rp);
	signal(SIGURG, before);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_no_point_follows),
	cmocka_unit_test(test_round_is_far),
	cmocka_unit_test(test_rank_is_late),
	cmocka_unit_test(test_late_to_a_save),
	cmocka_unit_test(test_silence),
	cmocka_unit_test(test_signal_after_the_stop),
	cmocka_unit_test(test_urgent_is_the_programs),
};

MT_MAIN(tests)
