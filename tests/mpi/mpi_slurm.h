/*
 * mpi_slurm.h - a Slurm for the ranks of a test: scontrol is a script that
 *               prints a file, and writes down what it was asked
 *
 * The job is 12, of one step with all of the ranks. Files of the script's folder:
 * job (its record), config, partition, steps (besides its own), log; slow and tardy (three seconds, one second for
 * each answer), fails (the controller is away), refuses (the requeue is denied).
 * A requeue makes the record PENDING.
 */
#ifndef TESTS_MPI_SLURM_H
#define TESTS_MPI_SLURM_H

#include "mpi_test.h"

extern const char *fs_poll_mpirun;	/* RALLY_POLL_MPIRUN of fs_open() */

/* The ranks are in the job from now on, with the record of fs_record(). */
void fs_begin(int start, int preempt, int end);

/* Closes the handle, which must go well or be unfinished; NULL: was closed. The
 * ranks are in no job any more. Collective. */
void fs_end(rally_t *rp);

/* Rank 0: a file of the script's; removed with NULL for its text. */
void fs_put(const char *name, const char *text);

/* Rank 0: removes a file in so many seconds, whoever waits by then. */
void fs_after(int seconds, const char *name);

/* Rank 0: a RUNNING job; times are seconds from now, preempt 0: none. */
void fs_record(int start, int preempt, int end);
void fs_may_requeue(int may);

/* Rank 0: how often scontrol was asked for what begins so. */
int fs_asked(const char *what);

/* Opens a folder with requeue=scontrol and these options. Collective. */
rally_t *fs_open(const char *dir, const char *poll, const char *margin);

#endif
