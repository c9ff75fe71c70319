#include "data.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PRIVATE 20000
#define ROWS 3
#define COLUMNS 1000
#define FILED 500

static int64_t own[PRIVATE];
static int64_t rows[ROWS * COLUMNS];
static int64_t filed[FILED];	/* what was read from the file */

static int rank_of_all(void)
{
	int rank = 0;

	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	return rank;
}

/* Step, rank and what is counted: 24, 16 and 24 bits. */
static int64_t value(int64_t step, int rank, int64_t index)
{
	return step << 40 | (int64_t)rank << 24 | index;
}

static void fill(int64_t *v, int64_t n, int64_t step, int64_t from)
{
	for (int64_t i = 0; i < n; i++)
		v[i] = value(step, rank_of_all(), from + i);
}

static void check(const int64_t *v, int64_t n, int64_t step, int64_t from,
		  const char *what)
{
	for (int64_t i = 0; i < n; i++) {
		if (v[i] == value(step, rank_of_all(), from + i))
			continue;
		fprintf(stderr,
			"WRONG: rank %d restored step %lld, but %s[%lld] is of "
			"step %lld, rank %lld, index %lld\n", rank_of_all(),
			(long long)step, what, (long long)i,
			(long long)(v[i] >> 40),
			(long long)(v[i] >> 24 & 0xffff),
			(long long)(v[i] & 0xffffff));
		MPI_Abort(MPI_COMM_WORLD, DATA_WRONG);
		exit(DATA_WRONG);
	}
}

static int write_file(const char *path, int64_t step)
{
	int64_t v[FILED];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
	ssize_t n;

	if (fd < 0)
		return 1;
	fill(v, FILED, step, PRIVATE);
	n = pwrite(fd, v, sizeof(v), 0);
	return close(fd) != 0 || n != (ssize_t)sizeof(v);
}

static int read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return 1;
	n = read(fd, filed, sizeof(filed));
	close(fd);
	return n != (ssize_t)sizeof(filed);
}

static int on_file(const char *path, enum rally_file_op op, int64_t step,
		   void *arg)
{
	(void)arg;
	return op == RALLY_FILE_WRITE ? write_file(path, step)
				      : read_file(path);
}

int data_add(rally_t *rp)
{
	int64_t global[2] = { 0, COLUMNS }, local[2] = { ROWS, COLUMNS };
	int64_t start[2] = { (int64_t)rank_of_all() * ROWS, 0 };
	int size = 1, rc;

	MPI_Comm_size(MPI_COMM_WORLD, &size);
	global[0] = (int64_t)size * ROWS;
	rc = rally_add(rp, "own", own, RALLY_I64, PRIVATE);
	if (rc == 0)
		rc = rally_add_array(rp, "rows", rows, RALLY_I64, 2, global,
				     start, local);
	if (rc == 0)
		rc = rally_file(rp, "filed", RALLY_FILE_PRIVATE, on_file,
				NULL);
	return rc;
}

void data_fill(int64_t step)
{
	fill(own, PRIVATE, step, 0);
	fill(rows, (int64_t)ROWS * COLUMNS, step, 0);
}

void data_check(int64_t step)
{
	check(own, PRIVATE, step, 0, "own");
	check(rows, (int64_t)ROWS * COLUMNS, step, 0, "rows");
	check(filed, FILED, step, PRIVATE, "filed");
}

void data_begin(int *argc, char ***argv)
{
	int level;

	MPI_Init_thread(argc, argv, getenv("RALLY_ASYNC") ? MPI_THREAD_FUNNELED
							  : MPI_THREAD_SINGLE,
			&level);
}

int data_await(rally_t *rp, int64_t step)
{
	struct rally_status status;

	while (rally_status(rp, &status) == 0 && status.saving)
		if (rally_point(rp, step) >= RALLY_STOP)
			return RALLY_EIO;
	return status.saved_step == step ? 0 : RALLY_EIO;
}
