/*
 * faults.c - what the checkers of memory must find, on each of two ranks: bytes
 *            that were never written are sent, a byte behind the end is read,
 *            and memory is lost; or two threads write what no lock guards
 *
 *     mpirun -n 2 faults [leak]      the loss only
 *     mpirun -n 2 faults race        the threads only
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include "keep_loaded.h"

/* Volatile, so that the compiler neither sees nor drops what is wrong. */
static char *volatile kept;
static volatile int seen;

static int send_unwritten(int rank)
{
	char bytes[64], *got = malloc(sizeof(bytes));
	char *volatile mine = bytes;
	int rc;

	if (!got)
		return 1;
	memset(mine, 0, sizeof(bytes) / 2);
	rc = MPI_Sendrecv(mine, (int)sizeof(bytes), MPI_BYTE, !rank, 0, got,
			  (int)sizeof(bytes), MPI_BYTE, !rank, 0,
			  MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	free(got);
	return rc;
}

static void read_behind(void)
{
	kept = malloc(10);
	if (kept)
		seen = kept[10];
	free(kept);
}

static void lose(void)
{
	kept = strdup("lost");
	kept = NULL;
}

static int guarded_by_nothing;

static void *count(void *arg)
{
	guarded_by_nothing++;
	return arg;
}

static int race(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, count, NULL) != 0)
		return 1;
	count(NULL);
	return pthread_join(thread, NULL) != 0;
}

int main(int argc, char **argv)
{
	int rank, rc;

	if (MPI_Init(&argc, &argv) != MPI_SUCCESS ||
	    MPI_Comm_rank(MPI_COMM_WORLD, &rank) != MPI_SUCCESS)
		return 1;
	if (argc > 1 && strcmp(argv[1], "race") == 0)
		return race() | (MPI_Finalize() != MPI_SUCCESS);
	rc = argc > 1 ? 0 : send_unwritten(rank);
	/* ASan ends the process here. */
	if (argc == 1)
		read_behind();
	lose();
	return MPI_Finalize() != MPI_SUCCESS || rc != MPI_SUCCESS;
}
