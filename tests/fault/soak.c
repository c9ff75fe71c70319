/*
 * soak.c - many saves of one process: what it holds must not grow
 *
 *     mpirun -n N soak FOLDER SAVES
 *
 * Each rank says its open descriptors and resident bytes after a fifth of the
 * saves and after all. Exits with the library's code, or with 1 where on its
 * rank a descriptor is left open or the memory has grown by more than 1 %.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "data.h"

struct held {
	long descriptors, bytes;
};

static int rank;

static struct held look(long saves)
{
	struct held held = { 0, -1 };
	DIR *dir = opendir("/proc/self/fd");
	FILE *file = fopen("/proc/self/statm", "r");

	while (dir && readdir(dir))
		held.descriptors++;
	if (!file || fscanf(file, "%*d %ld", &held.bytes) != 1)
		held.bytes = -1;
	else
		held.bytes *= sysconf(_SC_PAGESIZE);
	if (file)
		fclose(file);
	if (dir)
		closedir(dir);
	printf("rank %d after %ld saves: %ld descriptors, %ld bytes resident\n",
	       rank, saves, held.descriptors, held.bytes);
	fflush(stdout);
	return held;
}

static int grew(const struct held *early, const struct held *late)
{
	return early->bytes <= 0 || late->descriptors != early->descriptors ||
	       late->bytes > early->bytes + early->bytes / 100;
}

static int save_all(rally_t *rp, long saves, int *bad)
{
	struct held early = { 0, 0 }, late;
	int rc = 0;

	for (long i = 1; rc == 0 && i <= saves; i++) {
		data_fill(i);
		rc = rally_save(rp, i);
		if (rc == 0)
			rc = data_await(rp, i);
		if (i == saves / 5)
			early = look(i);
	}
	late = look(saves);
	*bad = grew(&early, &late);
	return rc;
}

int main(int argc, char **argv)
{
	rally_t *rp;
	int rc, bad = 0;

	if (argc != 3) {
		fprintf(stderr, "soak FOLDER SAVES\n");
		return 64;
	}
	data_begin(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	rc = rally_open(MPI_COMM_WORLD, argv[1], &rp);
	if (rc == 0)
		rc = data_add(rp);
	if (rc == 0)
		rc = save_all(rp, strtol(argv[2], NULL, 10), &bad);
	if (rc != 0)
		fprintf(stderr, "rank %d: %s\n", rank, rally_error(rp));
	rally_close(rp);
	MPI_Finalize();
	return rc ? rc : bad;
}
