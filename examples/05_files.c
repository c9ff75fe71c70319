/*
 * 05_files.c - files that the program writes itself
 *
 * Idea: a program that has a format of its own keeps it. A function of its own
 * is called with a path to write to during a save, or to read from during a
 * restore; the file becomes a part of the checkpoint, complete or absent like
 * all of it. Here: one log for each rank, and one parameter file for all.
 *
 *     mpirun -n 4 examples/05_files
 *     mpirun -n 4 examples/05_files
 *     find 05.ckpt -path '*files*'
 */
#include <stdio.h>

#include <mpi.h>
#include <rallypoint.h>

struct state {
	int rank;
	int starts;    /* private: a number in a file of each rank */
	double dt;     /* shared: one file, the same value everywhere */
};

static int private_file(const char *path, enum rally_file_op op, int64_t step,
			void *arg)
{
	struct state *s = arg;
	FILE *f = fopen(path, op == RALLY_FILE_WRITE ? "w" : "r");
	int good;

	(void)step;
	if (!f)
		return 1;
	if (op == RALLY_FILE_WRITE)
		good = fprintf(f, "%d starts\n", s->starts) > 0;
	else
		good = fscanf(f, "%d", &s->starts) == 1;
	return fclose(f) != 0 || !good;
}

/* Called on every rank with the same path: to write is the work of one, or of
 * all together with MPI-IO, HDF5 and the like. */
static int shared_file(const char *path, enum rally_file_op op, int64_t step,
		       void *arg)
{
	struct state *s = arg;
	FILE *f;
	int good;

	(void)step;
	if (op == RALLY_FILE_WRITE && s->rank != 0)
		return 0;
	f = fopen(path, op == RALLY_FILE_WRITE ? "w" : "r");
	if (!f)
		return 1;
	if (op == RALLY_FILE_WRITE)
		good = fprintf(f, "%.17g\n", s->dt) > 0;
	else
		good = fscanf(f, "%lf", &s->dt) == 1;
	return fclose(f) != 0 || !good;
}

int main(int argc, char **argv)
{
	struct state s = {.starts = 0, .dt = 1.0};
	int64_t step = 0;
	rally_t *rp;
	int how, rc;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &s.rank);

	rc = rally_open(MPI_COMM_WORLD, "05.ckpt", &rp);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	rally_file(rp, "starts.txt", RALLY_FILE_PRIVATE, private_file, &s);
	rally_file(rp, "dt.txt", RALLY_FILE_SHARED, shared_file, &s);
	rc = rally_restore(rp, &step, &how);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);

	s.starts++;
	s.dt /= 2;
	printf("rank %d: start %d, dt %g\n", s.rank, s.starts, s.dt);
	rc = rally_save(rp, step + 1);
	rally_close(rp);

	MPI_Finalize();
	return rc;
}
