/*
 * 06_particles.c - memory whose size changes
 *
 * Idea: particles come and go, so each rank has another number of them at each
 * save. Register the buffer again whenever it has moved or grown; in the next
 * start, ask how much is stored before there is memory to fill. On another number
 * of ranks, say who adopts whose.
 *
 *     mpirun -n 4 examples/06_particles
 *     mpirun -n 4 examples/06_particles   # again: each start adds some
 *     mpirun -n 2 examples/06_particles   # ranks 0 and 1 adopt those of 2 and 3
 */
#include <stdio.h>
#include <stdlib.h>

#include <mpi.h>
#include <rallypoint.h>

static int rank, ranks;

static double *resize(double *x, size_t count)
{
	x = realloc(x, (count + 1) * sizeof(*x)); /* + 1: never 0 bytes */
	if (!x)
		MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
	return x;
}

/* What was adopted: a list, since none of it may move before it is filled. */
struct part {
	double *x;
	size_t count;
	struct part *next;
};

static int adopt(const struct rally_old *old, void **into, void *arg)
{
	struct part **parts = arg, *part;

	if (old->index == 0) /* an older checkpoint, if one was damaged */
		*parts = NULL;
	if (old->rank % ranks != rank)
		return 0;
	part = malloc(sizeof(*part));
	if (!part)
		return 1;
	part->x = resize(NULL, old->count);
	part->count = old->count;
	part->next = *parts;
	*parts = part;
	*into = part->x;
	return 0;
}

int main(int argc, char **argv)
{
	struct part *parts = NULL;
	struct rally_info info;
	int64_t step = 0;
	size_t count = 0;
	double *x;
	rally_t *rp;
	int how, rc;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	rc = rally_open(MPI_COMM_WORLD, "06.ckpt", &rp);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);

	rc = rally_find(rp, "x", &info);
	if (rc == 0)
		count = (size_t)info.shape[0];
	else if (rc != RALLY_EABSENT) /* absent: the first start, or other ranks */
		MPI_Abort(MPI_COMM_WORLD, rc);
	x = resize(NULL, count);
	rally_add(rp, "x", x, RALLY_F64, count);
	rally_adopt(rp, adopt, &parts);
	rc = rally_restore(rp, &step, &how);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	while (parts) {
		struct part *part = parts;

		x = resize(x, count + part->count);
		for (size_t i = 0; i < part->count; i++)
			x[count++] = part->x[i];
		parts = part->next;
		free(part->x);
		free(part);
	}
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
