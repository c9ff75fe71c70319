#include "mpi_damage.h"

#include <sys/stat.h>
#include <sys/wait.h>

#define TAKEN 8
#define LINES 100	/* of a file of the program's */

char md_dir[MD_PATH];

static char aside[MD_PATH];
static struct {
	char from[MD_PATH], to[MD_PATH + 24];
} taken[TAKEN];
static int n_taken;
static long events_seen;	/* bytes of events.jsonl before the restore */

int md_is_of_ranks(enum md_file file)
{
	return file == MD_SHARD || file == MD_OWN;
}

/*
 * The program
 */

static int on_file(const char *path, enum rally_file_op op, int64_t step,
		   void *arg)
{
	int writer = arg ? mt_rank : 0, bad = 0;
	char line[80], got[80];
	FILE *file;

	if (op == RALLY_FILE_WRITE && writer != mt_rank)
		return 0;
	file = fopen(path, op == RALLY_FILE_WRITE ? "w" : "r");
	if (!file)
		return 1;
	for (int i = 0; i < LINES; i++) {
		snprintf(line, sizeof(line), "rank %d, step %d, line %d\n",
			 writer, (int)step, i);
		if (op == RALLY_FILE_WRITE)
			bad |= fputs(line, file) < 0;
		else
			bad |= !fgets(got, sizeof(got), file) ||
			       strcmp(got, line) != 0;
	}
	return fclose(file) != 0 || bad;
}

static int shared_file(const char *path, enum rally_file_op op, int64_t step,
		       void *arg)
{
	(void)arg;
	/* Rank 0 alone writes it. */
	if (op == RALLY_FILE_WRITE && mt_rank != 0)
		return 0;
	return on_file(path, op, step, NULL);
}

static rally_t *open_all(void)
{
	rally_t *rp = mt_open(md_dir);

	mt_data_add(rp);
	mt_set(rp, "keep", MD_STEPS);
	mt_code(rp, rally_file(rp, "own", RALLY_FILE_PRIVATE, on_file, md_dir),
		0);
	mt_code(rp, rally_file(rp, "all", RALLY_FILE_SHARED, shared_file, NULL),
		0);
	return rp;
}

void md_make(void)
{
	rally_t *rp;

	snprintf(aside, sizeof(aside), "%s", mt_dir());
	snprintf(md_dir, sizeof(md_dir), "%s", mt_dir());
	if (mt_rank == 0)
		assert_int_equal(mkdir(aside, 0777), 0);
	rp = open_all();
	for (int step = 1; step <= MD_STEPS; step++) {
		mt_data_fill(step);
		mt_code(rp, rally_save(rp, step), 0);
	}
	mt_data_close(rp);
}

/*
 * Damage
 */

void md_begin(const char *what, enum md_file file, int rank)
{
	print_message("%s: %s\n", file == MD_FILES ? "the checkpoint"
						   : md_name(file, rank), what);
	mt_barrier();
}

const char *md_name(enum md_file file, int rank)
{
	static char names[2][60];
	static int turn;
	char *name = names[turn = !turn];

	if (file == MD_SHARD)
		snprintf(name, sizeof(names[0]),
			 "rank-%05d-of-%05d.safetensors", rank, mt_size);
	else if (file == MD_OWN)
		snprintf(name, sizeof(names[0]), "files/rank-%05d/own", rank);
	else
		snprintf(name, sizeof(names[0]), "%s",
			 file == MD_SHARED ? "files/all" : "manifest.json");
	return name;
}

const char *md_path(int back, enum md_file file, int rank)
{
	static char paths[2][MD_PATH];
	static int turn;
	const char *ckpt = mt_checkpoint(md_dir, back);
	char *path = paths[turn = !turn];

	assert_non_null(ckpt);
	snprintf(path, sizeof(paths[0]), "%s/%s", ckpt, md_name(file, rank));
	return path;
}

const char *md_take(const char *path)
{
	assert_true(n_taken < TAKEN);
	snprintf(taken[n_taken].from, sizeof(taken[0].from), "%s", path);
	snprintf(taken[n_taken].to, sizeof(taken[0].to), "%s/%d", aside,
		 n_taken);
	assert_int_equal(rename(path, taken[n_taken].to), 0);
	return taken[n_taken++].to;
}

void md_mend(void)
{
	struct stat st;

	mt_barrier();
	while (n_taken > 0) {
		n_taken--;
		if (lstat(taken[n_taken].from, &st) == 0)
			mt_remove(taken[n_taken].from);
		assert_int_equal(rename(taken[n_taken].to,
					taken[n_taken].from), 0);
	}
	mt_barrier();
}

unsigned char *md_read(const char *path, size_t *n)
{
	static unsigned char bytes[1 << 20];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	*n = fread(bytes, 1, sizeof(bytes), file);
	assert_in_range(*n, 1, sizeof(bytes) - 1);
	fclose(file);
	return bytes;
}

void md_write(const char *path, const void *bytes, size_t n)
{
	FILE *file = fopen(path, "wx");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

size_t md_part(size_t n, long part)
{
	return part < 0 ? n - (size_t)-part : n * (size_t)part / 1000;
}

/*
 * What is said of it
 */

static void remember_events(void)
{
	struct stat st;
	char path[MD_PATH + 16];

	snprintf(path, sizeof(path), "%s/events.jsonl", md_dir);
	assert_int_equal(stat(path, &st), 0);
	events_seen = (long)st.st_size;
}

/* Since then: how often was a checkpoint passed over, and the file named? */
static int passed_over(const char *name)
{
	char path[MD_PATH + 16], line[4096];
	FILE *file;
	int n = 0;

	snprintf(path, sizeof(path), "%s/events.jsonl", md_dir);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fseek(file, events_seen, SEEK_SET), 0);
	while (fgets(line, sizeof(line), file)) {
		const char *reason = strstr(line, "\"reason\"");

		if (!strstr(line, "\"passed_over\""))
			continue;
		if (!reason || !strstr(reason, name))
			fail_msg("%s is not named: %s", name, line);
		n++;
	}
	fclose(file);
	return n;
}

/* The command's exit status; how many checkpoints it calls bad, and how many
 * lines name the file. */
static int verify(const char *name, int *bad, int *named)
{
	char command[MD_PATH + 40], line[4096];
	FILE *said;
	int status;

	*bad = *named = 0;
	snprintf(command, sizeof(command), "./rallypoint verify '%s' 2>&1",
		 md_dir);
	said = popen(command, "r");
	assert_non_null(said);
	while (fgets(line, sizeof(line), said)) {
		*bad += strstr(line, ": BAD") != NULL;
		*named += line[0] == ' ' && strstr(line, name) != NULL;
	}
	status = pclose(said);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect_words(int bad, const char *name)
{
	int found, named;

	assert_int_equal(passed_over(name), bad);
	assert_int_equal(verify(name, &found, &named),
			 bad ? RALLY_ECORRUPT : 0);
	assert_int_equal(found, bad);
	assert_true(named >= bad);
}

static rally_t *restore(int code, int64_t step)
{
	int64_t got = -7;
	rally_t *rp;
	int how = -1;

	mt_barrier();
	if (mt_rank == 0)
		remember_events();
	rp = open_all();
	memset(mt_data, 0, sizeof(mt_data));
	mt_code(rp, rally_restore(rp, &got, &how), code);
	assert_int_equal(got, code ? -7 : step);
	return rp;
}

void md_expect(int64_t step, int bad, const char *file)
{
	rally_t *rp = restore(0, step);

	for (int i = 0; i < MT_DATA; i++)
		assert_int_equal(mt_data[i], step * 1000 + mt_rank * 10 + i);
	mt_data_close(rp);
	if (mt_rank == 0)
		expect_words(bad, file);
	mt_barrier();
}

void md_expect_none(const char *file)
{
	rally_t *rp = restore(RALLY_ECORRUPT, 0);

	assert_non_null(strstr(rally_error(rp), "rallypoint verify"));
	mt_data_close(rp);
	if (mt_rank == 0)
		expect_words(MD_STEPS, file);
	assert_int_equal(mt_checkpoints(md_dir), MD_STEPS);
	mt_barrier();
}
