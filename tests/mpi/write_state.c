/*
 * write_state.c - the checkpoint that is kept from each older version, and whose
 *                 values test_old.c knows
 *
 *     mpirun -n 3 write_state FOLDER
 *
 * It uses no call that the first version did not have, so that it can be built
 * against any: tests/old/README.md tells how. Of step 12, on N ranks:
 *
 *     rows      F64 [7,5]    rows 7 r / N to 7 (r + 1) / N: 10 i + j + 0.25
 *     columns   I32 [4,6]    columns 6 r / N to 6 (r + 1) / N: 1000 i + j - 7
 *     halo      U16 [9]      cells 9 r / N - 1 to 9 (r + 1) / N + 1, as far as there
 *                            are any: 60000 + 17 i
 *     last      F32 [2,2,2]  all of it on the last rank: i + j / 2 + k / 4
 *     own       I64          private, r + 2 of them: 1000 r + i - 3
 *     nothing   U8           private, empty
 *     log       a private file, "rank R\n"
 *     restart   a shared one, "3 of them\n"
 *     case      a string of the program's, "tube"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include "rallypoint.h"

static int rank, ranks;

static void must(const char *what, rally_t *rp, int good)
{
	if (good)
		return;
	fprintf(stderr, "write_state: %s: %s\n", what,
		rp ? rally_error(rp) : "failed");
	MPI_Abort(MPI_COMM_WORLD, 1);
	abort();
}

static int64_t part(int64_t n, int r)
{
	return n * r / ranks;
}

static void add_rows(rally_t *rp)
{
	static double rows[35];
	int64_t global[2] = { 7, 5 }, start[2] = { part(7, rank), 0 };
	int64_t local[2] = { part(7, rank + 1) - start[0], 5 };
	double *p = rows;

	for (int64_t i = start[0]; i < start[0] + local[0]; i++)
		for (int64_t j = 0; j < 5; j++)
			*p++ = (double)(10 * i + j) + 0.25;
	must("rows", rp, rally_add_array(rp, "rows", rows, RALLY_F64, 2, global,
					 start, local) == 0);
}

static void add_columns(rally_t *rp)
{
	static int32_t columns[24];
	int64_t global[2] = { 4, 6 }, start[2] = { 0, part(6, rank) };
	int64_t local[2] = { 4, part(6, rank + 1) - start[1] };
	int32_t *p = columns;

	for (int64_t i = 0; i < 4; i++)
		for (int64_t j = start[1]; j < start[1] + local[1]; j++)
			*p++ = (int32_t)(1000 * i + j - 7);
	must("columns", rp, rally_add_array(rp, "columns", columns, RALLY_I32, 2,
					    global, start, local) == 0);
}

static void add_halo(rally_t *rp)
{
	static uint16_t halo[9];
	int64_t global = 9, start = part(9, rank), end = part(9, rank + 1);
	int64_t local;

	start -= start > 0;
	end += end < global;
	local = end - start;
	for (int64_t i = start; i < end; i++)
		halo[i - start] = (uint16_t)(60000 + 17 * i);
	must("halo", rp, rally_add_array(rp, "halo", halo, RALLY_U16, 1, &global,
					 &start, &local) == 0);
}

static void add_last(rally_t *rp)
{
	static float last[8];
	int64_t global[3] = { 2, 2, 2 }, start[3] = { 0 }, local[3] = { 0, 2, 2 };

	if (rank == ranks - 1)
		local[0] = 2;
	for (int i = 0; i < 8; i++)
		last[i] = (float)(i / 4) + (float)(i / 2 % 2) / 2 +
			  (float)(i % 2) / 4;
	must("last", rp, rally_add_array(rp, "last", last, RALLY_F32, 3, global,
					 start, local) == 0);
}

static void add_private(rally_t *rp)
{
	static int64_t own[64];
	size_t n = (size_t)rank + 2;

	must("own", rp, n <= sizeof(own) / sizeof(own[0]));
	for (size_t i = 0; i < n; i++)
		own[i] = 1000 * rank + (int64_t)i - 3;
	must("own", rp, rally_add(rp, "own", own, RALLY_I64, n) == 0);
	must("nothing", rp, rally_add(rp, "nothing", NULL, RALLY_U8, 0) == 0);
}

static int write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	return !file || fputs(text, file) == EOF || fclose(file) != 0;
}

static int write_log(const char *path, enum rally_file_op op, int64_t step,
		     void *arg)
{
	char text[32];

	(void)op, (void)step, (void)arg;
	snprintf(text, sizeof(text), "rank %d\n", rank);
	return write_text(path, text);
}

static int write_restart(const char *path, enum rally_file_op op, int64_t step,
			 void *arg)
{
	char text[32];

	(void)op, (void)step, (void)arg;
	snprintf(text, sizeof(text), "%d of them\n", ranks);
	return rank == 0 ? write_text(path, text) : 0;
}

int main(int argc, char **argv)
{
	rally_t *rp = NULL;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	must("usage: write_state FOLDER", NULL, argc == 2);
	must("open", NULL, rally_open(MPI_COMM_WORLD, argv[1], &rp) == 0);
	add_rows(rp);
	add_columns(rp);
	add_halo(rp);
	add_last(rp);
	add_private(rp);
	must("log", rp, rally_file(rp, "log", RALLY_FILE_PRIVATE, write_log,
				   NULL) == 0);
	must("restart", rp, rally_file(rp, "restart", RALLY_FILE_SHARED,
				       write_restart, NULL) == 0);
	must("meta", rp, rally_meta(rp, "case", "tube") == 0);
	must("save", rp, rally_save(rp, 12) == 0);
	must("close", NULL, rally_close(rp) == 0);
	MPI_Finalize();
	return 0;
}
