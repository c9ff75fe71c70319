/*
 * test_plan.c - how long a save will take, and what is said where there will not
 *               be time for it
 *
 * Saves are slow by a file whose function sleeps, large by memory that is not there:
 * it is registered between two saves only.
 *
 * ranks: 1 3
 * folder: memory
 */
#include "mpi_slurm.h"

#include <signal.h>
#include <time.h>

#define MIB ((size_t)1 << 20)
#define LARGE (40 * MIB)	/* of all ranks: enough to tell of the speed */
#define HUGE ((size_t)1 << 40)	/* bytes */
#define SLEEP_MS 200

static char folder[512];
static unsigned char *memory;

static int slow_file(const char *path, enum rally_file_op op, int64_t step,
		     void *arg)
{
	struct timespec t = { 0, SLEEP_MS * 1000000 };
	FILE *file;

	(void)step;
	(void)arg;
	if (op == RALLY_FILE_READ)
		return 0;
	nanosleep(&t, NULL);
	file = fopen(path, "w");
	return !file || fclose(file) != 0;
}

static void add(rally_t *rp, size_t bytes)
{
	if (!memory)
		memory = calloc(1, LARGE);
	assert_non_null(memory);
	mt_code(rp, rally_add(rp, "memory", memory, RALLY_U8,
			      bytes / (size_t)mt_size), 0);
	mt_code(rp, rally_file(rp, "slow", RALLY_FILE_PRIVATE, slow_file, NULL),
		0);
}

/* As if the data had grown; never to be saved. */
static void grow(rally_t *rp)
{
	mt_code(rp, rally_add(rp, "huge", memory, RALLY_U8, HUGE), 0);
}

static rally_t *begin(size_t bytes)
{
	rally_t *rp;

	snprintf(folder, sizeof(folder), "%s", mt_dir());
	rp = mt_open(folder);
	mt_code(rp, rally_set(rp, "stride", "1"), 0);
	add(rp, bytes);
	return rp;
}

/* Two rounds: what a rank says in one comes back with the next. */
static void rounds(rally_t *rp)
{
	static int64_t step;

	for (int i = 0; i < 6; i++)
		assert_int_equal(rally_point(rp, step++), RALLY_GO);
	mt_barrier();
}

/* Lines of events.jsonl with both texts. */
static int events(const char *a, const char *b)
{
	char path[600], *line = NULL;
	size_t size = 0;
	int n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/events.jsonl", folder);
	file = fopen(path, "r");
	while (file && getline(&line, &size, file) > 0)
		n += strstr(line, a) && strstr(line, b);
	free(line);
	if (file)
		fclose(file);
	return n;
}

static int warned(void)
{
	return events("\"warning\"", "a stop could not be saved in time");
}

static void end(rally_t *rp)
{
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

/* The first save of a folder is not predicted, the others are; after a restart
 * from the manifest, which all ranks then hear. */
static void test_predicted(void **state)
{
	rally_t *rp = begin(LARGE);
	int64_t step;
	double before;
	int how;

	(void)state;
	assert_true(mt_status(rp).save_seconds < 0);
	mt_code(rp, rally_save(rp, 1), 0);
	mt_barrier();
	assert_int_equal(events("\"committed\"", "\"expected_ns\":-1"), 1);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_barrier();
	assert_int_equal(events("\"committed\"", "\"expected_ns\":"), 2);
	assert_int_equal(events("\"committed\"", "\"expected_ns\":-1"), 1);
	rounds(rp);
	before = mt_status(rp).save_seconds;
	mt_same(before * 1e9);
	assert_true(before >= SLEEP_MS / 1e3);
	end(rp);
	assert_true(mt_contains(mt_checkpoint(folder, 0), "manifest.json",
				"\"bandwidth\": "));
	rp = mt_open(folder);
	add(rp, LARGE);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	rounds(rp);
	/* The manifest was written just before the end of that save. */
	mt_same(mt_status(rp).save_seconds * 1e9);
	assert_true(mt_status(rp).save_seconds >= SLEEP_MS / 1e3);
	assert_true(mt_status(rp).save_seconds <= before);
	mt_code(rp, rally_save(rp, 3), 0);
	mt_barrier();
	assert_int_equal(events("\"committed\"", "\"expected_ns\":-1"), 1);
	end(rp);
}

/* Of little data nothing is said about much: no false alarm. */
static void test_little(void **state)
{
	rally_t *rp = begin(1000);

	(void)state;
	mt_code(rp, rally_set(rp, "grace", "1"), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	rounds(rp);
	assert_true(mt_status(rp).save_seconds > 0);
	grow(rp);
	rounds(rp);
	assert_true(mt_status(rp).save_seconds < 0);
	assert_int_equal(warned(), 0);
	mt_code(rp, rally_drop(rp, "huge"), 0);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_barrier();
	assert_int_equal(events("\"committed\"", "\"expected_ns\":-1"), 1);
	end(rp);
}

/* A grace that is shorter than a save, known before there is a stop: said once. */
static void test_no_time(void **state)
{
	rally_t *rp = begin(LARGE);

	(void)state;
	mt_code(rp, rally_set(rp, "grace", "0.1"), 0);
	rounds(rp);
	assert_int_equal(warned(), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	rounds(rp);
	assert_int_equal(warned(), 1);
	rounds(rp);
	mt_code(rp, rally_save(rp, 100), 0);
	rounds(rp);
	assert_int_equal(warned(), 1);
	end(rp);
}

/* Data that grows: said when it no longer fits, and again after it did. */
static void test_growth(void **state)
{
	rally_t *rp = begin(LARGE);

	(void)state;
	mt_code(rp, rally_set(rp, "grace", "60"), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	rounds(rp);
	assert_int_equal(warned(), 0);
	for (int i = 1; i <= 2; i++) {
		/* One rank's is enough. */
		if (mt_rank == mt_size - 1)
			grow(rp);
		rounds(rp);
		assert_int_equal(warned(), i);
		assert_true(mt_status(rp).save_seconds > 60);
		if (mt_rank == mt_size - 1)
			mt_code(rp, rally_drop(rp, "huge"), 0);
		rounds(rp);
		assert_true(mt_status(rp).save_seconds < 60);
	}
	end(rp);
}

/* In a job: with the times that Slurm tells, and not before it does. */
static void in_slurm(const char *config, const char *partition,
		     const char *grace, const char *said)
{
	rally_t *rp;

	fs_begin(-100, 0, 3600);
	if (mt_rank == 0) {
		fs_put("config", config);
		fs_put("partition", partition);
		setenv("SLURM_JOB_PARTITION", "low", 1);
	}
	snprintf(folder, sizeof(folder), "%s", mt_dir());
	mt_option("RALLY_GRACE", grace);
	rp = fs_open(folder, "1h", "1");
	mt_option("RALLY_GRACE", NULL);
	add(rp, LARGE);
	mt_code(rp, rally_save(rp, 1), 0);
	grow(rp);
	for (int i = 0; i < 50 && warned() == 0; i++) {
		struct timespec t = { 0, 20000000 };

		mt_barrier();
		rounds(rp);
		nanosleep(&t, NULL);
	}
	assert_int_equal(warned(), 1);
	assert_int_equal(events("\"warning\"", said), 1);
	if (mt_rank == 0)
		unsetenv("SLURM_JOB_PARTITION");
	fs_end(rp);
}

static void test_in_slurm(void **state)
{
	static const char low[] =
		"PartitionName=other\n   GraceTime=5 State=UP\n\n"
		"PartitionName=low\n   GraceTime=%d State=UP\n";
	static const char config[] = "KillWait                = 45 sec\n";
	char text[200];

	(void)state;
	snprintf(text, sizeof(text), low, 120);
	in_slurm(config, text, NULL, "a stop leaves 120 s");
	in_slurm(config, text, "200", "a stop leaves 200 s");
	snprintf(text, sizeof(text), low, 0);
	in_slurm(config, text, NULL, "a stop leaves 45 s");
	in_slurm("", "", NULL, "a stop leaves 30 s");
}

/* At the stop itself: tried all the same, and the prediction stands beside what it
 * took. */
static void test_at_a_stop(void **state)
{
	rally_t *rp = begin(LARGE);
	int64_t step = 1;

	(void)state;
	mt_code(rp, rally_save(rp, step++), 0);
	mt_code(rp, rally_set(rp, "grace", "0.1"), 0);
	mt_barrier();
	assert_int_equal(events("\"expected\"", "\"expected_ns\":-1"), 1);
	assert_int_equal(events("\"expected\"", "\"left_ns\":-1"), 1);
	if (mt_rank == mt_size - 1)
		raise(SIGTERM);
	while (rally_point(rp, step) != RALLY_STOP)
		step++;
	mt_barrier();
	assert_int_equal(mt_status(rp).saved_step, step);
	assert_int_equal(events("\"warning\"", "the next start resumes from "
				"step 1\""), 1);
	assert_int_equal(events("\"expected\"", ""), 2);
	assert_int_equal(events("\"expected\"", "\"expected_ns\":-1"), 1);
	assert_int_equal(events("\"expected\"", "\"left_ns\":-1"), 1);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_predicted),
	cmocka_unit_test(test_little),
	cmocka_unit_test(test_no_time),
	cmocka_unit_test(test_growth),
	cmocka_unit_test(test_in_slurm),
	cmocka_unit_test(test_at_a_stop),
};

MT_MAIN(tests)
