/*
 * 03_loop.c - stop at a signal, and go on in the next start
 *
 * Idea: one safe point at the top of the loop. When any rank gets SIGTERM, all
 * of them save at the same step and leave; under Slurm the job is also put
 * back into the queue. This is the whole of what a program needs.
 *
 *     mpirun -n 4 examples/03_loop &
 *     pkill -TERM -n 03_loop         # signals one rank: all of them stop
 *     mpirun -n 4 examples/03_loop   # goes on at that step
 *
 * The exit status says whether more work is left: 0 when the run is finished
 * or Slurm will start it again, 81 (RALLY_EUNFINISHED) when it is stopped and
 * saved and you are the one to start it again. See loop.sbatch for Slurm.
 */
#include <stdio.h>
#include <unistd.h>

#include <mpi.h>
#include <rallypoint.h>

#define LAST 600

int main(int argc, char **argv)
{
	int64_t sum = 0, step = 0;
	rally_t *rp;
	int rank, how, rc;

	rally_early(); /* from here on, SIGTERM is a wish and not the end */
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	setvbuf(stdout, NULL, _IOLBF, 0); /* say each line at once */

	rc = rally_open(MPI_COMM_WORLD, "03.ckpt", &rp);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	rally_add(rp, "sum", &sum, RALLY_I64, 1);
	rc = rally_restore(rp, &step, &how);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	if (rank == 0)
		printf("starts at step %d of %d\n", (int)step, LAST);

	while (how != RALLY_FINISHED && rally_point(rp, step) < RALLY_STOP &&
	       step < LAST) {
		usleep(100000); /* the work of one step */
		sum += rank;
		step++;
	}
	if (step == LAST)
		rally_finish(rp, step);
	if (rank == 0)
		printf("leaves at step %d\n", (int)step);
	rc = rally_close(rp);

	MPI_Finalize();
	return rc;
}
