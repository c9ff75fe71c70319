#include "mpi_state.h"

#include <sys/stat.h>

#define CELLS 700	/* of the private region: more than a page */
#define ROWS 3		/* of the array, for each rank */
#define COLUMNS 50

static int64_t cells[CELLS], rows[ROWS * COLUMNS];
static int64_t own_step, shared_step;	/* what the files told */

static int write_or_read(const char *path, enum rally_file_op op, int64_t step,
			 int64_t *told)
{
	FILE *file = fopen(path, op == RALLY_FILE_WRITE ? "w" : "r");
	long long found = -1;
	int bad;

	if (!file)
		return 1;
	if (op == RALLY_FILE_WRITE)
		bad = fprintf(file, "%lld\n", (long long)step) < 0;
	else
		bad = fscanf(file, "%lld", &found) != 1;
	*told = found;
	return (fclose(file) != 0) | bad;
}

static int own_file(const char *path, enum rally_file_op op, int64_t step,
		    void *arg)
{
	(void)arg;
	return write_or_read(path, op, step, &own_step);
}

static int shared_file(const char *path, enum rally_file_op op, int64_t step,
		       void *arg)
{
	(void)arg;
	if (op == RALLY_FILE_WRITE && mt_rank != 0)
		return 0;
	return write_or_read(path, op, step, &shared_step);
}

void ms_add(rally_t *rp)
{
	int64_t global[2] = { ROWS * mt_size, COLUMNS };
	int64_t start[2] = { ROWS * mt_rank, 0 };
	int64_t local[2] = { ROWS, COLUMNS };

	mt_code(rp, rally_add(rp, "cells", cells, RALLY_I64, CELLS), 0);
	mt_code(rp, rally_add_array(rp, "rows", rows, RALLY_I64, 2, global,
				    start, local), 0);
	mt_code(rp, rally_file(rp, "own.txt", RALLY_FILE_PRIVATE, own_file,
			       NULL), 0);
	mt_code(rp, rally_file(rp, "shared.txt", RALLY_FILE_SHARED,
			       shared_file, NULL), 0);
}

static int64_t value_of(int64_t step, int i)
{
	return step * 1000003 + mt_rank * 10007 + i;
}

void ms_fill(int64_t step)
{
	for (int i = 0; i < CELLS; i++)
		cells[i] = value_of(step, i);
	for (int i = 0; i < ROWS * COLUMNS; i++)
		rows[i] = -value_of(step, i);
}

void ms_forget(void)
{
	memset(cells, 0, sizeof(cells));
	memset(rows, 0, sizeof(rows));
	own_step = shared_step = -1;
}

void ms_check(int64_t step)
{
	for (int i = 0; i < CELLS; i++)
		assert_int_equal(cells[i], value_of(step, i));
	for (int i = 0; i < ROWS * COLUMNS; i++)
		assert_int_equal(rows[i], -value_of(step, i));
	assert_int_equal(own_step, step);
	assert_int_equal(shared_step, step);
}

const char *ms_make(int n)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	ms_add(rp);
	mt_set(rp, "keep", n);
	for (int step = 1; step <= n; step++) {
		ms_fill(step);
		mt_code(rp, rally_save(rp, step), 0);
	}
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	return dir;
}

uint64_t ms_shard(const char *dir, int back)
{
	const char *checkpoint = mt_checkpoint(dir, back);
	char path[6000];
	struct stat st;

	assert_non_null(checkpoint);
	snprintf(path, sizeof(path), "%s/rank-%05d-of-%05d.safetensors",
		 checkpoint, mt_rank, mt_size);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

int64_t ms_resume(const char *dir, int64_t least, int64_t most,
		  rally_t **handle)
{
	rally_t *rp = mt_open(dir);
	int64_t step = -1;
	int how = -1;

	ms_add(rp);
	ms_forget();
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(how, RALLY_RESUMED);
	assert_in_range(step, least, most);
	ms_check(step);
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
	assert_int_equal(mt_hidden(dir, ".trash-"), 0);
	if (handle)
		*handle = rp;
	else
		mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	return step;
}
