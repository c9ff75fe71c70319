#include "mpi_test.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "keep_loaded.h"

int mt_rank, mt_size;

static char top[PATH_MAX];	/* the program's folder */
static int dirs;

static int must(int result, const char *what)
{
	if (result != MPI_SUCCESS) {
		fprintf(stderr, "rank %d: %s failed\n", mt_rank, what);
		abort();
	}
	return result;
}

static int wanted_level(void)
{
	const char *level = getenv("MT_LEVEL");

	if (level && strcmp(level, "single") == 0)
		return MPI_THREAD_SINGLE;
	if (level && strcmp(level, "funneled") == 0)
		return MPI_THREAD_FUNNELED;
	return MPI_THREAD_MULTIPLE;
}

static void make_top(void)
{
	const char *tmp = getenv("TMPDIR");

	if (mt_rank == 0) {
		snprintf(top, sizeof(top), "%s/rallypoint-test-XXXXXX",
			 tmp && *tmp ? tmp : "/tmp");
		if (!mkdtemp(top)) {
			perror(top);
			abort();
		}
	}
	must(MPI_Bcast(top, sizeof(top), MPI_CHAR, 0, MPI_COMM_WORLD),
	     "MPI_Bcast");
}

/* The assertion says enough: no core, no backtrace of Open MPI's. */
static void quiet_abort(void)
{
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGABRT, SIG_DFL);
}

int mt_main(int argc, char **argv, const char *name,
	    const struct CMUnitTest *tests, size_t n)
{
	int level, failed;

	setenv("CMOCKA_TEST_ABORT", "1", 1);
	must(MPI_Init_thread(&argc, &argv, wanted_level(), &level),
	     "MPI_Init_thread");
	quiet_abort();
	must(MPI_Comm_rank(MPI_COMM_WORLD, &mt_rank), "MPI_Comm_rank");
	must(MPI_Comm_size(MPI_COMM_WORLD, &mt_size), "MPI_Comm_size");
	if (mt_rank != 0 && !freopen("/dev/null", "w", stdout))
		abort();
	make_top();
	failed = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
	mt_barrier();
	if (mt_rank == 0)
		mt_remove(top);
	must(MPI_Finalize(), "MPI_Finalize");
	return failed;
}

const char *mt_dir(void)
{
	static char dir[PATH_MAX + 16];

	mt_barrier();
	snprintf(dir, sizeof(dir), "%s/%03d", top, dirs++);
	return dir;
}

rally_t *mt_open(const char *dir)
{
	rally_t *rp;
	int rc = rally_open(MPI_COMM_WORLD, dir, &rp);

	mt_code(rp, rc, 0);
	return rp;
}

void mt_same_at(int64_t value, const char *what, const char *file, int line)
{
	int64_t mine[2] = { value, -value }, all[2];

	must(MPI_Allreduce(mine, all, 2, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD),
	     "MPI_Allreduce");
	if (all[0] == -all[1])
		return;
	fprintf(stderr, "rank %d: %s is %lld, on others %lld to %lld\n",
		mt_rank, what, (long long)value, (long long)-all[1],
		(long long)all[0]);
	_fail(file, line);
}

void mt_code_at(const rally_t *rp, int rc, int expected, const char *what,
		const char *file, int line)
{
	if (rc == expected)
		return;
	fprintf(stderr, "rank %d: %s gave %d (%s), not %d: %s\n", mt_rank,
		what, rc, rally_strerror(rc), expected, rally_error(rp));
	_fail(file, line);
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

struct mt_campaign mt_campaign(void)
{
	struct mt_campaign c = { 0 };

	c.whole = number_of("RUN_LONG", 0) != 0;
	c.share = (int)number_of("MT_SHARE", 1);
	c.share = c.whole || c.share < 1 ? 1 : c.share;
	c.seed = number_of("SEED", (uint64_t)time(NULL));
	must(MPI_Bcast(&c, (int)sizeof(c), MPI_BYTE, 0, MPI_COMM_WORLD),
	     "MPI_Bcast");
	return c;
}

void mt_barrier(void)
{
	must(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier");
}

void mt_option(const char *key, const char *value)
{
	if (mt_rank == 0 && value)
		setenv(key, value, 1);
	else if (mt_rank == 0)
		unsetenv(key);
}

void mt_set(rally_t *rp, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	mt_code(rp, rally_set(rp, key, text), 0);
}

struct rally_status mt_status(const rally_t *rp)
{
	struct rally_status status;

	assert_int_equal(rally_status(rp, &status), 0);
	return status;
}

/*
 * Folders
 */

static int is_final(const struct dirent *entry)
{
	return strstr(entry->d_name, "-step-") != NULL &&
	       entry->d_name[0] != '.';
}

const char *mt_checkpoint(const char *dir, int back)
{
	static char path[PATH_MAX + 300];
	struct dirent **entries;
	int n = scandir(dir, &entries, is_final, alphasort);
	const char *found = NULL;

	for (int i = 0; i < n; i++) {
		if (i == n - 1 - back) {
			snprintf(path, sizeof(path), "%s/%s", dir,
				 entries[i]->d_name);
			found = path;
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return found;
}

int mt_checkpoints(const char *dir)
{
	int n = 0;

	while (mt_checkpoint(dir, n))
		n++;
	return n;
}

int mt_hidden(const char *dir, const char *prefix)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int n = 0;

	while (stream && (entry = readdir(stream)) != NULL)
		n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	if (stream)
		closedir(stream);
	return n;
}

int mt_exists(const char *dir, const char *name)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void mt_remove(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		perror(path);
}

int mt_contains(const char *dir, const char *name, const char *text)
{
	char path[2 * PATH_MAX], *line = NULL;
	size_t size = 0;
	int found = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	while (file && !found && getline(&line, &size, file) > 0)
		found = strstr(line, text) != NULL;
	free(line);
	if (file)
		fclose(file);
	return found;
}
