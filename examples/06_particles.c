/*
 * 06_particles.c - memory whose size changes
 *
 * Idea: particles come and go, so each rank has another number of them at each
 * save. Register the buffer again whenever it has moved or grown; in the next
 * start, ask how much is stored before there is memory to fill.
 *
 *     mpirun -n 4 examples/06_particles
 *     mpirun -n 4 examples/06_particles   # again: each start adds some
 */
#include <stdio.h>
#include <stdlib.h>

#include <mpi.h>
#include <rallypoint.h>

static double *resize(double *x, size_t count)
{
	x = realloc(x, (count + 1) * sizeof(*x)); /* + 1: never 0 bytes */
	if (!x)
		MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
	return x;
}

int main(int argc, char **argv)
{
	struct rally_info info;
	int64_t step = 0;
	size_t count = 0;
	double *x;
	rally_t *rp;
	int rank, how, rc;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	rc = rally_open(MPI_COMM_WORLD, "06.ckpt", &rp);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);

	rc = rally_find(rp, "x", &info);
	if (rc == 0)
		count = (size_t)info.shape[0];
	else if (rc != RALLY_EABSENT) /* absent: this is the first start */
		MPI_Abort(MPI_COMM_WORLD, rc);
	x = resize(NULL, count);
	rally_add(rp, "x", x, RALLY_F64, count);
	rc = rally_restore(rp, &step, &how);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	printf("rank %d: %zu particles at step %d\n", rank, count, (int)step);

	for (int i = 0; i <= rank; i++) { /* rank r gets r + 1 new ones */
		x = resize(x, count + 1);
		x[count++] = (double)step + 0.1 * i;
	}
	rally_add(rp, "x", x, RALLY_F64, count); /* replaces the earlier one */
	rc = rally_save(rp, step + 1);
	rally_close(rp);
	free(x);

	MPI_Finalize();
	return rc;
}
