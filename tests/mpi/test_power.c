/*
 * test_power.c - the power is cut after each call that a save makes, or a prune,
 *                or the first save after a fallback
 *
 * One run is recorded (base/io_log.h). For each call that it made, a folder is
 * built that holds just what was durable then (power.h), and some that hold more
 * by chance; the program is started in each: it finds the checkpoint before or
 * the new one, whole, and can save again.
 *
 * RUN_LONG=1: more of those by chance. SEED chooses them. MT_SHARE: one call in so
 * many.
 *
 * ranks: 1 4
 * limit: 900
 * folder: memory
 */
#include "mpi_state.h"
#include "power.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#define NO_BAD (-1)

static char log_path[5000];
static struct mt_campaign campaign;
static int chances;	/* folders built by chance for each call */

/* The machine started anew: what is left of a claim is of no process that runs,
 * and not from just now. */
static void reboot(const char *dir)
{
	struct timespec old[2] = { { 1000000, 0 }, { 1000000, 0 } };
	char path[6000], text[4096] = "", *started;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/.owner", dir);
	file = fopen(path, "r+");
	if (!file)
		return;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	started = strstr(text, "\"started\":");
	if (started) {
		/* Its first digit: no process started then. */
		assert_int_equal(fseek(file, started + 10 - text, SEEK_SET), 0);
		fputc(started[10] == '9' ? '8' : started[10] + 1, file);
	}
	assert_int_equal(fclose(file), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

static int files;	/* counted below a checkpoint */

static int count_file(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	files += type == FTW_F && st->st_size > 0;
	return 0;
}

/* Nothing has a final name with half of its files, the older ones included:
 * manifest, shared file, a shard and a file of each rank. */
static void assert_all_whole(const char *dir)
{
	const char *path;

	for (int back = 0; (path = mt_checkpoint(dir, back)); back++) {
		files = 0;
		assert_int_equal(nftw(path, count_file, 16, FTW_PHYS), 0);
		assert_int_equal(files, 2 + 2 * mt_size);
	}
}

/* One cut: built by rank 0, looked at by all. */
static void cut(struct power *power, uint64_t chance, int64_t bad)
{
	const char *dir = mt_dir();
	int64_t steps[2] = { 0, 0 }, step;
	rally_t *rp;

	if (mt_rank == 0) {
		assert_int_equal(power_build(power, dir, chance), 0);
		assert_all_whole(dir);
		reboot(dir);
		power_steps(power, bad, &steps[0], &steps[1]);
	}
	MPI_Bcast(steps, 2, MPI_INT64_T, 0, MPI_COMM_WORLD);
	assert_true(steps[0] > 0);
	/* With nothing but what is durable it is known which. */
	step = ms_resume(dir, steps[0], chance ? steps[1] : steps[0], &rp);
	ms_fill(step + 1);
	mt_code(rp, rally_save(rp, step + 1), 0);
	mt_code(rp, rally_close(rp), 0);
	ms_resume(dir, step + 1, step + 1, NULL);
	if (mt_rank == 0)
		mt_remove(dir);
}

/* Follows the journal and cuts after each call that changed something. */
static int cut_everywhere(struct power *power, int64_t bad)
{
	FILE *log = mt_rank == 0 ? fopen(log_path, "r") : NULL;
	char *line = NULL;
	size_t size = 0;
	int cuts = 0, more = 1;

	while (1) {
		if (mt_rank == 0)
			do
				more = getline(&line, &size, log) > 0;
			while (more && !power_follow(power, line));
		MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
		if (!more)
			break;
		if (cuts++ % campaign.share)
			continue;
		cut(power, 0, bad);
		for (int i = 1; i <= chances; i++)
			cut(power, campaign.seed + (uint64_t)(cuts * 1000 + i),
			    bad);
	}
	free(line);
	if (log)
		fclose(log);
	return cuts;
}

/* Records what `run` does to the folder, and cuts it short everywhere. */
static void record(const char *dir, void (*run)(const char *dir), int64_t bad,
		   const char *what)
{
	struct power *power = NULL;
	int cuts;

	campaign = mt_campaign();
	chances = campaign.whole ? 20 : 1;
	if (mt_rank == 0)
		power = power_new(dir);
	mt_barrier();
	snprintf(log_path, sizeof(log_path), "%s.log", dir);
	mt_option("RALLY_FAULT_LOG", log_path);
	run(dir);
	mt_option("RALLY_FAULT_LOG", NULL);
	mt_barrier();
	cuts = cut_everywhere(power, bad);
	assert_true(cuts > 20);
	if (mt_rank == 0) {
		printf("%s: the power was cut after one in %d of %d calls, and "
		       "%d times each with more on the disk by chance, seed "
		       "%llu\n", what, campaign.share, cuts, chances,
		       (unsigned long long)campaign.seed);
		power_free(power);
	}
}

static void save_once(const char *dir)
{
	rally_t *rp;

	ms_resume(dir, 1, 1, &rp);
	ms_fill(2);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_code(rp, rally_close(rp), 0);
}

/* Written while the program goes on, and pruned when all know. */
static void save_behind(const char *dir)
{
	rally_t *rp;

	ms_resume(dir, 3, 3, &rp);
	mt_set(rp, "keep", 1);
	mt_code(rp, rally_set(rp, "async", "yes"), 0);
	for (int64_t step = 4; step < 6; step++) {
		ms_fill(step);
		mt_code(rp, rally_save(rp, step), 0);
		ms_forget();
		while (mt_status(rp).saving)
			assert_true(rally_point(rp, step) < RALLY_STOP);
		assert_int_equal(mt_status(rp).saved_step, step);
	}
	mt_code(rp, rally_close(rp), 0);
}

static void test_behind(void **state)
{
	(void)state;
	record(ms_make(3), save_behind, NO_BAD, "two saves in the background");
}

static void test_save(void **state)
{
	(void)state;
	record(ms_make(1), save_once, NO_BAD, "save");
}

static void save_and_prune(const char *dir)
{
	rally_t *rp;

	ms_resume(dir, 3, 3, &rp);
	mt_set(rp, "keep", 1);
	ms_fill(4);
	mt_code(rp, rally_save(rp, 4), 0);
	ms_fill(5);
	mt_code(rp, rally_save(rp, 5), 0);
	mt_code(rp, rally_finish(rp, 5), 0);
	mt_code(rp, rally_close(rp), 0);
}

static void test_prune(void **state)
{
	char dir[5000];
	uint64_t pruned;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", ms_make(3));
	pruned = ms_shard(dir, 0);
	record(dir, save_and_prune, NO_BAD, "two saves, pruning");
	/* The second was written over what the first had pruned. */
	assert_true(ms_shard(dir, 0) == pruned);
}

static void damage(const char *path)
{
	char shard[6000];
	FILE *file;

	snprintf(shard, sizeof(shard), "%s/rank-%05d-of-%05d.safetensors", path,
		 mt_size - 1, mt_size);
	file = fopen(shard, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
	fputc(0x55, file);
	assert_int_equal(fclose(file), 0);
}

/* Step 2 comes a second time, since its first checkpoint is damaged. */
static void test_after_fallback(void **state)
{
	const char *dir = ms_make(2);

	(void)state;
	if (mt_rank == 0)
		damage(mt_checkpoint(dir, 0));
	mt_barrier();
	record(dir, save_once, 1, "the first save after a fallback");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_save),
	cmocka_unit_test(test_behind),
	cmocka_unit_test(test_prune),
	cmocka_unit_test(test_after_fallback),
};

MT_MAIN(tests)
