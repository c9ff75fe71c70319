/*
 * test_told.c - what the job's record tells where no signal does
 *
 * ranks: 3
 * limit: 120
 */
#include "mpi_slurm.h"

#include <time.h>
#include <unistd.h>

static char folder[512];

static rally_t *open_polling(const char *poll, const char *margin)
{
	snprintf(folder, sizeof(folder), "%s", mt_dir());
	return fs_open(folder, poll, margin);
}

/* How often the job's record was read. */
static int asked(void)
{
	return fs_asked("show job 12");
}

static void rest_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Steps of 10 ms for so long, or until the stop. The longest pause between two
 * of them goes to *gap. */
static int run_for(rally_t *rp, double seconds, double *took, double *gap)
{
	double from = now_s(), last = from;
	int verdict = RALLY_GO;
	int64_t step = 0;
	int going = 1;

	*gap = 0;
	while (verdict == RALLY_GO && going) {
		double now = now_s();

		*gap = now - last > *gap ? now - last : *gap;
		last = now;
		rest_ms(10);
		verdict = rally_point(rp, step++);
		going = now - from < seconds;
		MPI_Bcast(&going, 1, MPI_INT, 0, MPI_COMM_WORLD);
	}
	*took = now_s() - from;
	mt_same(verdict);
	return verdict;
}

/* No rank got a signal: all stop, know how long there is, and are requeued. */
static void test_preemption(void **state)
{
	double took, gap, left;
	rally_t *rp;

	(void)state;
	fs_begin(-100, -2, 20);
	rp = open_polling("30s", "10s");
	assert_int_equal(run_for(rp, 30, &took, &gap), RALLY_STOP);
	assert_true(took < 10);
	left = mt_status(rp).seconds_left;
	assert_true(left > 5 && left <= 20);
	mt_code(rp, rally_save(rp, 1), RALLY_EORDER);
	fs_end(rp);
}

/* A preemption of an earlier start is none of this one's; a limit that is far
 * neither. */
static void test_old_news(void **state)
{
	double took, gap;
	rally_t *rp;

	(void)state;
	fs_begin(-10, -200, 3600);
	rp = open_polling("0.2", "10s");
	assert_int_equal(run_for(rp, 1.5, &took, &gap), RALLY_GO);
	if (mt_rank == 0)
		assert_in_range(asked(), 2, 9);
	fs_end(rp);
}

/* The limit comes near while the record stays as it is. */
static void test_time_limit(void **state)
{
	double took, gap;
	rally_t *rp;

	(void)state;
	fs_begin(-100, 0, 8);
	rp = open_polling("30s", "3s");
	assert_int_equal(run_for(rp, 30, &took, &gap), RALLY_STOP);
	/* Times are whole seconds, opening takes some too. */
	assert_true(took > 1 && took < 7);
	if (mt_rank == 0)
		assert_int_equal(asked() > 0, 1);
	fs_end(rp);
	fs_begin(-100, 0, 3);
	rp = open_polling("0.2", "0");
	assert_int_equal(run_for(rp, 1, &took, &gap), RALLY_GO);
	fs_end(rp);
}

static int slow_file(const char *path, enum rally_file_op op, int64_t step,
		     void *arg)
{
	FILE *file;

	(void)step;
	(void)arg;
	if (op == RALLY_FILE_READ)
		return 0;
	rest_ms(1000);
	file = fopen(path, "w");
	return !file || fclose(file) != 0;
}

/* What is left by the record when the limit was found to be near; -1: it was
 * not. */
static double told_left(void)
{
	char path[600], line[1024];
	const char *left = NULL;
	double ns = -1e9;
	FILE *file;

	snprintf(path, sizeof(path), "%s/events.jsonl", folder);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "\"record\"") &&
		    (left = strstr(line, "\"left_ns\":")))
			ns = atof(left + 10);
	if (file)
		fclose(file);
	return ns / 1e9;
}

/* There is time for a save as slow as the last one. */
static void test_limit_and_a_slow_save(void **state)
{
	double took, gap;
	rally_t *rp;

	(void)state;
	fs_begin(-100, 0, 11);
	rp = open_polling("30s", "0.5");
	mt_code(rp, rally_file(rp, "slow", RALLY_FILE_SHARED, slow_file, NULL),
		0);
	mt_code(rp, rally_save(rp, 0), 0);
	assert_int_equal(run_for(rp, 30, &took, &gap), RALLY_STOP);
	mt_barrier();
	assert_true(told_left() > 1.5 && told_left() < 6);
	fs_end(rp);
}

/* An answer that takes three seconds delays nothing. */
static void test_slow_answer(void **state)
{
	double took, gap;
	rally_t *rp;

	(void)state;
	fs_begin(-100, -2, 60);
	if (mt_rank == 0)
		fs_put("slow", "");
	rp = open_polling("30s", "10s");
	assert_int_equal(run_for(rp, 1.5, &took, &gap), RALLY_GO);
	assert_true(gap < 2.5);
	if (mt_rank == 0)
		assert_int_equal(asked(), 1);
	fs_end(rp);
}

/* No answer, or one that can't be read: the run goes on, and asks again. */
static void test_no_answer(void **state)
{
	double took, gap;
	rally_t *rp;

	(void)state;
	fs_begin(-100, -2, 60);
	if (mt_rank == 0)
		fs_put("fails", "");
	rp = open_polling("0.2", "10s");
	assert_int_equal(run_for(rp, 1, &took, &gap), RALLY_GO);
	if (mt_rank == 0) {
		assert_true(asked() >= 2);
		fs_put("job", "JobId=12 nonsense\n");
		fs_put("fails", NULL);
	}
	mt_barrier();
	assert_int_equal(run_for(rp, 1, &took, &gap), RALLY_GO);
	if (mt_rank == 0)
		fs_record(-100, -2, 60);
	assert_int_equal(run_for(rp, 20, &took, &gap), RALLY_STOP);
	fs_end(rp);
}

/* That nothing will start the job again is said when it can be mended. */
static void test_said_at_the_start(void **state)
{
	double took, gap;
	rally_t *rp;

	(void)state;
	for (int may = 0; may < 2; may++) {
		fs_may_requeue(may);
		fs_begin(-100, 0, 3600);
		rp = open_polling("0.2", "10s");
		assert_int_equal(run_for(rp, 0.7, &took, &gap), RALLY_GO);
		if (mt_rank == 0)
			assert_int_equal(mt_contains(folder, "events.jsonl",
						     "submit it with --requeue"),
					 !may);
		fs_end(rp);
	}
	fs_may_requeue(1);
}

/* A program that ends by itself when its time is nearly up has ended. */
static void test_end_near_the_limit(void **state)
{
	double took, gap;
	rally_t *rp;

	(void)state;
	fs_begin(-100, 0, 14);
	rp = open_polling("30s", "10s");
	assert_int_equal(run_for(rp, 0.7, &took, &gap), RALLY_GO);
	rest_ms(5000);
	mt_code(rp, rally_close(rp), 0);
	fs_end(NULL);
}

/* The limit that the record told of was moved while time went on, as for a job
 * that was suspended: Slurm is asked again before it is believed. */
static void test_limit_was_moved(void **state)
{
	double took, gap;
	rally_t *rp;

	(void)state;
	fs_begin(-100, 0, 9);
	rp = open_polling("30s", "4s");
	assert_int_equal(run_for(rp, 0.7, &took, &gap), RALLY_GO);
	if (mt_rank == 0) {
		fs_record(-100, 0, 3600);
		fs_put("tardy", "");
	}
	rest_ms(6000);
	assert_int_equal(run_for(rp, 2, &took, &gap), RALLY_GO);
	if (mt_rank == 0)
		assert_int_equal(asked(), 2);
	fs_end(rp);
}

/* What is not to be asked for any more is forgotten. */
static void test_forgotten(void **state)
{
	double took, gap;
	rally_t *rp;

	(void)state;
	fs_begin(-100, 0, 9);
	rp = open_polling("30s", "4s");
	assert_int_equal(run_for(rp, 0.7, &took, &gap), RALLY_GO);
	/* The environment, which open_polling() used, wins: not poll. */
	mt_code(rp, rally_set(rp, "requeue_timeout", "10s"), 0);
	if (mt_rank == 0)
		fs_put("fails", "");
	rest_ms(6000);
	assert_int_equal(run_for(rp, 0.5, &took, &gap), RALLY_GO);
	fs_end(rp);
}

/* Each start is stopped where the one before was. */
static void test_stuck(void **state)
{
	char dir[512];

	(void)state;
	snprintf(dir, sizeof(dir), "%s", mt_dir());
	mt_option("RALLY_REQUEUE_LIMIT", "2");
	for (int start = 0; start < 4; start++) {
		int64_t step = 5;
		rally_t *rp;
		int how;

		fs_begin(-100, 0, 3600);
		snprintf(folder, sizeof(folder), "%s", dir);
		rp = fs_open(folder, "0", "0");
		mt_code(rp, rally_restore(rp, &step, &how), 0);
		if (mt_rank == mt_size - 1)
			rally_request(rp, RALLY_WANT_STOP);
		assert_int_equal(rally_point(rp, step), RALLY_STOP);
		if (mt_rank == 0) {
			assert_int_equal(fs_asked("requeue 12"), start < 3);
			assert_int_equal(fs_asked("requeuehold 12"), start == 3);
			assert_int_equal(fs_asked("update JobId=12 Comment=rally"
						 "point: held, no step beyond 5 "
						 "in 3 starts"), start == 3);
		}
		mt_code(rp, rally_requeue(rp), start < 3 ? 0 : RALLY_EREQUEUE);
		mt_code(rp, rally_close(rp), start < 3 ? 0 : RALLY_EUNFINISHED);
		fs_end(NULL);
	}
	mt_option("RALLY_REQUEUE_LIMIT", NULL);
}

static void test_never_asked(void **state)
{
	double took, gap;
	rally_t *rp;

	(void)state;
	fs_begin(-100, -2, 60);
	rp = open_polling("0", "10s");
	assert_int_equal(run_for(rp, 0.5, &took, &gap), RALLY_GO);
	if (mt_rank == 0)
		assert_int_equal(asked(), 0);
	fs_end(rp);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_preemption),
	cmocka_unit_test(test_old_news),
	cmocka_unit_test(test_time_limit),
	cmocka_unit_test(test_limit_and_a_slow_save),
	cmocka_unit_test(test_slow_answer),
	cmocka_unit_test(test_no_answer),
	cmocka_unit_test(test_said_at_the_start),
	cmocka_unit_test(test_end_near_the_limit),
	cmocka_unit_test(test_limit_was_moved),
	cmocka_unit_test(test_forgotten),
	cmocka_unit_test(test_stuck),
	cmocka_unit_test(test_never_asked),
};

MT_MAIN(tests)
