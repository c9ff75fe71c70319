/*
 * 01_save.c - write a checkpoint
 *
 * Idea: name what is to be saved, then save it. Each rank writes one file, all
 * at the same time; the checkpoint is there as a whole or not at all.
 *
 *     mpirun -n 4 examples/01_save
 *     ls 01.ckpt/0001-step-1
 */
#include <mpi.h>
#include <rallypoint.h>

int main(int argc, char **argv)
{
	double mine[3];
	rally_t *rp;
	int rank, rc;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	for (int i = 0; i < 3; i++)
		mine[i] = 10 * rank + i;

	rc = rally_open(MPI_COMM_WORLD, "01.ckpt", &rp);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	rally_add(rp, "mine", mine, RALLY_F64, 3);
	rc = rally_save(rp, 1); /* of step 1; the same result on every rank */
	rally_close(rp);

	MPI_Finalize();
	return rc;
}
