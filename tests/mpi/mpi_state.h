/*
 * mpi_state.h - a program's whole state, which tells the step it is of: a
 *               private region, an array, a file for each rank and a shared one
 *
 * A mixture of two steps is noticed wherever it lies.
 */
#ifndef TESTS_MPI_STATE_H
#define TESTS_MPI_STATE_H

#include "mpi_test.h"

/* Registers all of it. Collective. */
void ms_add(rally_t *rp);

/* The state of a step. */
void ms_fill(int64_t step);

/* Asserts that memory and files, as the last restore read them, are of a step;
 * ms_forget() makes sure that they are of none before it. */
void ms_check(int64_t step);
void ms_forget(void);

/* A new folder with checkpoints of the steps 1 to n. Collective. */
const char *ms_make(int n);

/* The inode of this rank's shard in the newest checkpoint but `back`. */
uint64_t ms_shard(const char *dir, int back);

/* Opens the folder as the next run of the program does, with all of it
 * registered; restores, which must go well and find the step between the two,
 * whole, and sweep what was left; and returns it, with the handle if that is
 * wanted. Collective. */
int64_t ms_resume(const char *dir, int64_t least, int64_t most,
		  rally_t **handle);

#endif
