/*
 * 07_reshard.c - go on on another number of ranks
 *
 * Idea: nothing to do for it but to say what is what. Rows with a halo: whose they
 * are. A table that every rank has: stored once, and compared. A name that is new in
 * the program: optional.
 *
 *     mpirun -n 4 examples/07_reshard    # begins
 *     mpirun -n 3 examples/07_reshard    # goes on, each rank with its own rows
 *     RALLY_FROM=07.ckpt mpirun -n 2 examples/07_reshard branch.ckpt
 */
#include <stdio.h>
#include <stdlib.h>

#include <mpi.h>
#include <rallypoint.h>

enum { ROWS = 1000, COLUMNS = 100, STEPS = 5 };

/* What row i holds after so many steps. */
static double row_value(int64_t i, int64_t step, const double *table)
{
	return (double)i + (double)step * table[i % 16];
}

int main(int argc, char **argv)
{
	const int64_t global[2] = {ROWS, COLUMNS}, sixteen = 16;
	int64_t own[2] = {0, 0}, n[2] = {0, COLUMNS}; /* without halo */
	int64_t start[2] = {0, 0}, local[2] = {0, COLUMNS};
	int64_t end, step = 0, wrong = 0, starts = 0;
	double *rows, table[16];
	int rank, ranks, how, rc;
	rally_t *rp;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	own[0] = (int64_t)ROWS * rank / ranks;
	end = (int64_t)ROWS * (rank + 1) / ranks;
	n[0] = end - own[0];
	start[0] = rank > 0 ? own[0] - 1 : 0; /* a row of each neighbour */
	local[0] = (rank < ranks - 1 ? end + 1 : end) - start[0];
	rows = calloc((size_t)(local[0] * COLUMNS) + 1, sizeof(*rows));
	if (!rows)
		MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
	for (int64_t i = 0; i < local[0] * COLUMNS; i++)
		rows[i] = (double)(start[0] + i / COLUMNS);
	for (int i = 0; i < 16; i++)
		table[i] = 0.5 * i;

	rc = rally_open(MPI_COMM_WORLD, argc > 1 ? argv[1] : "07.ckpt", &rp);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	rally_add_array(rp, "rows", rows, RALLY_F64, 2, global, start, local);
	rally_own(rp, "rows", own, n);
	rally_add_replicated(rp, "table", table, RALLY_F64, 1, &sixteen);
	rally_add_replicated(rp, "starts", &starts, RALLY_I64, 1,
			     &(int64_t){1});
	rally_optional(rp, "starts"); /* an older program did not save it */
	rc = rally_restore(rp, &step, &how);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	starts++;

	/* Only the own rows are computed: nobody misses the halo's. */
	for (int64_t last = step + STEPS; step < last; step++)
		for (int64_t i = own[0]; i < end; i++)
			for (int64_t j = 0; j < COLUMNS; j++)
				rows[(i - start[0]) * COLUMNS + j] +=
					table[i % 16];
	for (int64_t i = own[0]; i < end; i++)
		wrong += rows[(i - start[0]) * COLUMNS] !=
			 row_value(i, step, table);
	printf("rank %d of %d: start %d, rows from %d, step %d, %d wrong\n",
	       rank, ranks, (int)starts, (int)own[0], (int)step, (int)wrong);
	rc = rally_save(rp, step);
	rally_close(rp);
	free(rows);

	MPI_Finalize();
	return rc ? rc : wrong != 0;
}
