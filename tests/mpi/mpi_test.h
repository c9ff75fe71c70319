/*
 * mpi_test.h - cmocka on several ranks
 *
 * Each rank runs the same tests. An assertion that fails on one rank would
 * leave the others in a collective call: it aborts that rank, and mpirun then
 * ends them all. What run_mpi finds in the head of the source says on how many
 * ranks the program runs. Rank 0 alone prints what goes well.
 *
 * Signal counters of the library live as long as the process, and a stop signal
 * from before a handle was opened is its business too: so each stop signal can
 * be raised in one test of a program only. Save signals are free.
 */
#ifndef TESTS_MPI_TEST_H
#define TESTS_MPI_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mpi.h>

#include "rallypoint.h"

extern int mt_rank, mt_size;	/* in MPI_COMM_WORLD */

#define MT_MAIN(tests)                                                       \
	int main(int argc, char **argv)                                      \
	{                                                                    \
		return mt_main(argc, argv, #tests, tests,                    \
			       sizeof(tests) / sizeof(tests[0]));            \
	}
int mt_main(int argc, char **argv, const char *name,
	    const struct CMUnitTest *tests, size_t n);

/* A path inside a folder of this program's, which goes at its end; nothing is
 * there yet. Static, until the next call. Collective. */
const char *mt_dir(void);

/* Opens a handle on all ranks, which must succeed. Collective. */
rally_t *mt_open(const char *dir);

/* Asserts that a value is the same on all ranks. Collective. */
#define mt_same(value) mt_same_at((int64_t)(value), #value, __FILE__, __LINE__)
void mt_same_at(int64_t value, const char *what, const char *file, int line);

/* Asserts what the call returned, and says what the handle's error is. */
#define mt_code(rp, call, expected)                                          \
	mt_code_at((rp), (call), (expected), #call, __FILE__, __LINE__)
void mt_code_at(const rally_t *rp, int rc, int expected, const char *what,
		const char *file, int line);

/* How much of a campaign is to be run, the same on all ranks. Collective. */
struct mt_campaign {
	int whole;	/* RUN_LONG=1 */
	int share;	/* one case in so many: MT_SHARE, or 1 */
	uint64_t seed;	/* SEED, or the time */
};
struct mt_campaign mt_campaign(void);

void mt_barrier(void);
void mt_option(const char *key, const char *value);	/* setenv or unsetenv
							   on rank 0 */
void mt_set(rally_t *rp, const char *key, int64_t value);
struct rally_status mt_status(const rally_t *rp);

/* The checkpoints in a folder: how many, and the path of the newest but `back`
 * (static, NULL: there is none). Not Collective. */
int mt_checkpoints(const char *dir);
const char *mt_checkpoint(const char *dir, int back);
int mt_exists(const char *dir, const char *name);
int mt_hidden(const char *dir, const char *prefix);	/* entries that begin so */
void mt_remove(const char *path);	/* a tree */
int mt_contains(const char *dir, const char *name, const char *text);

#endif
