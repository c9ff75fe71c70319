/*
 * mpi_ranks.h - the same folder on some of the ranks: as a start on another number
 *
 *     if (mr_begin(3)) {
 *             rp = mr_open(dir);       among the first three, as mr_rank
 *             ...
 *             mr_close(rp);
 *     }
 *     mr_end();                        all
 *
 * Calls that are collective in MPI_COMM_WORLD (mt_same(), mt_barrier(), mt_dir()) stay
 * outside.
 */
#ifndef TESTS_MPI_RANKS_H
#define TESTS_MPI_RANKS_H

#include "mpi_test.h"

extern int mr_rank, mr_size;

/* 1 on the first n ranks, which are a communicator of their own until mr_end(). */
int mr_begin(int n);
void mr_end(void);

/* Opens and closes a handle on them, which must succeed. */
rally_t *mr_open(const char *dir);
void mr_close(rally_t *rp);

/* Restores, which must find this step. */
void mr_restore(rally_t *rp, int64_t step);

/* ... or fail with the code, and words of which these are some (NULL: any). */
void mr_refuse(rally_t *rp, int code, const char *words);

/* Where the part of this rank begins, if n rows are divided; mr_rows() of them. */
int64_t mr_first(int64_t n);
int64_t mr_rows(int64_t n);

#endif
