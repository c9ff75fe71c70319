/*
 * halves.c - one step, two handles: each half of the ranks has its own folder
 *
 *     halves -s STEPS -d DELAY_US -c PREFIX -o PREFIX
 *
 * No handle spans the step, so the library saves and stops both halves and leaves
 * the requeue to the program: once both have stopped, the first half asks for it.
 * Half H checkpoints in PREFIXH and writes its result to PREFIXH.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <mpi.h>
#include <rallypoint.h>

#define N 4096 /* elements of a rank */

struct half {
	MPI_Comm comm;
	int which, rank, ranks;
	int64_t steps;
	long delay_us;
	const char *ckpt, *output;
	double x[N];
};

static int parse(int argc, char **argv, struct half *h)
{
	int c;

	while ((c = getopt(argc, argv, "s:d:c:o:")) != -1) {
		switch (c) {
		case 's': h->steps = atoll(optarg); break;
		case 'd': h->delay_us = atol(optarg); break;
		case 'c': h->ckpt = optarg; break;
		case 'o': h->output = optarg; break;
		default: return -1;
		}
	}
	return h->steps > 0 && h->ckpt && h->output ? 0 : -1;
}

static void split(struct half *h)
{
	int rank, ranks;

	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	h->which = 2 * rank >= ranks;
	MPI_Comm_split(MPI_COMM_WORLD, h->which, rank, &h->comm);
	MPI_Comm_rank(h->comm, &h->rank);
	MPI_Comm_size(h->comm, &h->ranks);
	for (int i = 0; i < N; i++)
		h->x[i] = rank + i / (double)N;
}

static rally_t *start(struct half *h, int64_t *step, int *how)
{
	char path[4096];
	rally_t *rp;
	int rc;

	snprintf(path, sizeof(path), "%s%d", h->ckpt, h->which);
	rc = rally_open(h->comm, path, &rp);
	if (rc == 0)
		rc = rally_add(rp, "x", h->x, RALLY_F64, N);
	if (rc == 0)
		rc = rally_restore(rp, step, how);
	if (rc != 0)
		MPI_Abort(MPI_COMM_WORLD, rc);
	if (h->rank == 0)
		printf("halves: half %d starts at step %lld\n", h->which,
		       (long long)*step);
	return rp;
}

static void advance(struct half *h, int64_t step)
{
	struct timespec ts = { h->delay_us / 1000000,
			       h->delay_us % 1000000 * 1000 };

	for (int i = 0; i < N; i++)
		h->x[i] = h->x[i] * 0.999 + (double)(step % 7);
	nanosleep(&ts, NULL);
}

static int write_result(const struct half *h)
{
	size_t count = (size_t)N * (size_t)h->ranks;
	double *all = malloc(count * sizeof(*all));
	char path[4096];
	FILE *f;
	int bad;

	if (!all)
		return 1;
	MPI_Gather(h->x, N, MPI_DOUBLE, all, N, MPI_DOUBLE, 0, h->comm);
	snprintf(path, sizeof(path), "%s%d", h->output, h->which);
	f = h->rank == 0 ? fopen(path, "wb") : NULL;
	bad = h->rank == 0 && !(f && fwrite(all, sizeof(*all), count, f) == count);
	if (f && fclose(f) != 0)
		bad = 1;
	free(all);
	return bad;
}

/* Waits for the other half. The requeue ends both, so both must have saved. 0
 * on all ranks where it took. */
static int requeue(const struct half *h, rally_t *rp)
{
	int mine = 0, rc;

	MPI_Barrier(MPI_COMM_WORLD);
	if (h->which == 0)
		mine = rally_requeue(rp);
	MPI_Allreduce(&mine, &rc, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
	return rc;
}

static int run(struct half *h)
{
	int64_t step = 0;
	int how, verdict, rc = 0, end;
	rally_t *rp = start(h, &step, &how);

	if (how == RALLY_FINISHED)
		return rally_close(rp);
	while ((verdict = rally_point(rp, step)) < RALLY_STOP &&
	       step < h->steps)
		advance(h, step++);
	if (verdict == RALLY_STOP) {
		rc = requeue(h, rp);
		(void)rally_close(rp);
		return rc;
	}
	if (step == h->steps)
		rc = write_result(h) || rally_finish(rp, step);
	end = rally_close(rp);
	return rc ? rc : end;
}

int main(int argc, char **argv)
{
	static struct half h;
	int rc = 2;

	rally_early();
	MPI_Init(&argc, &argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (parse(argc, argv, &h) == 0) {
		split(&h);
		rc = run(&h);
	}
	MPI_Finalize();
	return rc;
}
