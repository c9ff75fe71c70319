/*
 * saver.c - restores, checks each byte, saves the next steps
 *
 *     mpirun -n N saver FOLDER SAVES
 *
 * Rank 0 says what it comes to, a line each: "restored 3" or "fresh 0",
 * "saved 4", "saved 5". Each rank says its code, which is its exit status too;
 * 99 where what was restored is not of the step that was restored. A call that
 * changes nothing marks the way for whoever traces it: access() of
 * /rallypoint-mark-N is before the N-th save and behind the last one, of
 * /rallypoint-mark-0 before rally_open().
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "data.h"

static int rank;

static void mark(long n)
{
	char path[40];

	snprintf(path, sizeof(path), "/rallypoint-mark-%ld", n);
	(void)!access(path, F_OK);
}

/* In whole lines, which the other rank's do not mix with. */
static void say(const char *word, int64_t step)
{
	if (rank != 0)
		return;
	printf("%s %lld\n", word, (long long)step);
	fflush(stdout);
}

static int restore(rally_t *rp, int64_t *step)
{
	int how, rc = rally_restore(rp, step, &how);

	if (rc != 0)
		return rc;
	if (how == RALLY_RESUMED)
		data_check(*step);
	say(how == RALLY_RESUMED ? "restored" : "fresh", *step);
	return 0;
}

static int save_some(rally_t *rp, int64_t *step, long saves)
{
	int rc = 0;

	for (long i = 1; rc == 0 && i <= saves; i++) {
		mark(i);
		data_fill(++*step);
		rc = rally_save(rp, *step);
		if (rc == 0)
			rc = data_await(rp, *step);
		if (rc == 0)
			say("saved", *step);
	}
	mark(saves + 1);
	return rc;
}

static int run(const char *dir, long saves)
{
	rally_t *rp;
	int64_t step = 0;
	int rc, last;

	mark(0);
	rc = rally_open(MPI_COMM_WORLD, dir, &rp);
	if (rc == 0)
		rc = data_add(rp);
	if (rc == 0)
		rc = restore(rp, &step);
	if (rc == 0)
		rc = save_some(rp, &step, saves);
	if (rc == 0)
		rc = rally_finish(rp, step);
	printf("rank %d code %d %s\n", rank, rc, rally_error(rp));
	fflush(stdout);
	last = rally_close(rp);
	return rc ? rc : last;
}

int main(int argc, char **argv)
{
	int rc;

	if (argc != 3) {
		fprintf(stderr, "saver FOLDER SAVES\n");
		return 64;
	}
	rally_early();
	data_begin(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	rc = run(argv[1], strtol(argv[2], NULL, 10));
	MPI_Finalize();
	return rc;
}
