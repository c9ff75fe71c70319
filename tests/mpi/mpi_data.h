/*
 * mpi_data.h - checkpoints of one private region, which tells its step and rank
 */
#ifndef TESTS_MPI_DATA_H
#define TESTS_MPI_DATA_H

#include "mpi_test.h"

#define MT_DATA 3000

extern int64_t mt_data[MT_DATA];

/* Registers mt_data as "data". */
void mt_data_add(rally_t *rp);

/* Fills it as of a step. */
void mt_data_fill(int64_t step);

/* A folder with checkpoints of the steps 1 to n. Collective. */
const char *mt_data_make(int n);

/* Opens and restores, which must give `code`, `how` and `step`; returns the
 * handle. Resumed means that the data is right. Collective. */
rally_t *mt_data_restore(const char *dir, int code, int how, int64_t step);

/* Closes, which must succeed, and waits for all. Collective. */
void mt_data_close(rally_t *rp);

#endif
