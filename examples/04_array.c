/*
 * 04_array.c - one array that is spread over the ranks
 *
 * Idea: tell which box of the global array this rank holds. The checkpoint
 * then knows the whole, and any number of ranks can read it, each its own box.
 *
 *     mpirun -n 4 examples/04_array   # fills and saves the array
 *     mpirun -n 3 examples/04_array   # reads it, divided in another way
 */
#include <stdio.h>
#include <stdlib.h>

#include <mpi.h>
#include <rallypoint.h>

/* Cuts n elements into `parts`; returns where part i begins. */
static int64_t cut(int64_t n, int parts, int i)
{
	return n * i / parts;
}

int main(int argc, char **argv)
{
	int64_t global[2] = {60, 40}, start[2], local[2], step = 0, wrong = 0;
	int rank, ranks, how, rc, grid[2] = {0, 0}, at[2];
	rally_t *rp;
	double *box;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	MPI_Dims_create(ranks, 2, grid); /* 4 ranks: 2 x 2 boxes */
	at[0] = rank / grid[1];
	at[1] = rank % grid[1];
	for (int d = 0; d < 2; d++) {
		start[d] = cut(global[d], grid[d], at[d]);
		local[d] = cut(global[d], grid[d], at[d] + 1) - start[d];
	}
	box = calloc((size_t)(local[0] * local[1]) + 1, sizeof(*box));

	if (!box)
		MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);

	rc = rally_open(MPI_COMM_WORLD, "04.ckpt", &rp);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	rally_add_array(rp, "A", box, RALLY_F64, 2, global, start, local);
	rc = rally_restore(rp, &step, &how);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);

	/* Element (i, j) of the whole array is 1000 i + j. */
	for (int64_t i = 0; i < local[0]; i++)
		for (int64_t j = 0; j < local[1]; j++) {
			double *a = &box[i * local[1] + j];
			double want = (double)(1000 * (start[0] + i) +
					       start[1] + j);

			if (how == RALLY_FRESH)
				*a = want;
			wrong += *a != want;
		}
	printf("rank %d: rows from %d, columns from %d: %s, %d wrong\n", rank,
	       (int)start[0], (int)start[1],
	       how == RALLY_FRESH ? "filled" : "read", (int)wrong);
	rc = rally_save(rp, 1); /* nothing to do where it was just read */
	rally_close(rp);
	free(box);

	MPI_Finalize();
	return rc ? rc : wrong != 0;
}
