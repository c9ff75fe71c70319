/*
 * 02_restore.c - read a checkpoint back
 *
 * Idea: register, restore, and look at what was found. A first start finds
 * nothing, and the buffers stay as they are; a later one finds them filled.
 * Run it several times: each start goes on from the one before.
 *
 *     mpirun -n 4 examples/02_restore
 *     mpirun -n 4 examples/02_restore
 */
#include <stdio.h>

#include <mpi.h>
#include <rallypoint.h>

int main(int argc, char **argv)
{
	int64_t sum = 0, step = 0;
	rally_t *rp;
	int rank, how, rc;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);

	rc = rally_open(MPI_COMM_WORLD, "02.ckpt", &rp);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	rally_add(rp, "sum", &sum, RALLY_I64, 1);
	rc = rally_restore(rp, &step, &how);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	printf("rank %d: %s, sum %d at step %d\n", rank,
	       how == RALLY_FRESH ? "fresh" : "resumed", (int)sum, (int)step);

	sum += rank; /* the work of one step */
	rc = rally_save(rp, step + 1);
	rally_close(rp);

	MPI_Finalize();
	return rc;
}
