/*
 * test_finalize.c - MPI_Finalize before rally_close()
 *
 * The handle is closed then, with a word: the round in flight is completed, the
 * folder is nobody's any more. Not with cmocka, since it looks behind
 * MPI_Finalize.
 *
 * ranks: 1 2 4
 * limit: 30
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mpi.h>

#include "keep_loaded.h"
#include "rallypoint.h"

static char dir[200], path[300];

static const char *file_in(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int has_warning(void)
{
	FILE *file = fopen(file_in("events.jsonl"), "r");
	char line[2000];
	int found = 0;

	while (file && fgets(line, sizeof(line), file))
		found |= strstr(line, "\"warning\"") &&
			 strstr(line, "MPI_Finalize");
	if (file)
		fclose(file);
	return found;
}

int main(int argc, char **argv)
{
	rally_t *open = NULL, *closed = NULL;
	int rank, bad = 0;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	snprintf(dir, sizeof(dir), "%s/rallypoint-finalize-%d",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
	MPI_Bcast(dir, sizeof(dir), MPI_CHAR, 0, MPI_COMM_WORLD);
	bad |= rally_open(MPI_COMM_WORLD, dir, &open);
	bad |= rally_set(open, "stride", "3");
	bad |= rally_set(open, "lag", "1");
	bad |= rally_open(MPI_COMM_WORLD, file_in("other"), &closed);
	for (int step = 0; step < 7; step++)
		bad |= rally_point(open, step);	/* leaves one in flight */
	bad |= rally_close(closed);
	MPI_Finalize();
	if (rank != 0)
		return bad != 0;
	if (bad || access(file_in(".owner"), F_OK) == 0 || !has_warning()) {
		fprintf(stderr, "%s: bad %d, or it is owned still, or there is "
			"no warning\n", dir, bad);
		return 1;
	}
	snprintf(path, sizeof(path), "rm -rf '%s'", dir);
	return system(path) != 0;
}
