/*
 * data.h - what the programs of the fault tests save, and know again
 *
 * A private region, the rank's rows of a global array and a file of its own.
 * Each value tells the step, the rank and the index that it belongs to, so that
 * one byte of another checkpoint is noticed, and it is seen which one it is of.
 */
#ifndef TESTS_FAULT_DATA_H
#define TESTS_FAULT_DATA_H

#include <stdint.h>

#include "rallypoint.h"

#define DATA_WRONG 99	/* exit status; no code of the library's */

/* MPI_Init, or what saves in the background want where RALLY_ASYNC is set. */
void data_begin(int *argc, char ***argv);

/* Passes safe points at this step until no save goes on in the background: 0 where
 * the newest checkpoint is of this step then. Collective. */
int data_await(rally_t *rp, int64_t step);

/* Registers all three. Logically Collective. Returns the library's code. */
int data_add(rally_t *rp);

/* The state before this step. Not Collective. */
void data_fill(int64_t step);

/* What a restore has filled is of this step, the file included; where not, says
 * what was found and ends the program with DATA_WRONG. Not Collective. */
void data_check(int64_t step);

#endif
