/*
 * heat.c - the 2-D heat equation, stopped and resumed at any step
 *
 * An N x N plate with a fixed rim, an explicit 5-point stencil, rows divided
 * over the ranks. Every cell is computed by the same expression from the same
 * operands whatever the number of ranks, so a run that was stopped and resumed,
 * on the same number of ranks or another, ends with the same bits as a run that
 * was left alone. Nothing is done for that but to compute this rank's rows from
 * the number of ranks of this start:
 *
 *     mpirun -n 4 examples/heat -o whole.f64 -c a.ckpt
 *     mpirun -n 4 examples/heat -o parts.f64 -c b.ckpt -d 10000 &
 *     pkill -TERM -n -x heat                # one rank is enough
 *     mpirun -n 3 examples/heat -o parts.f64 -c b.ckpt
 *     cmp whole.f64 parts.f64
 *
 *     heat [-n GRID] [-s STEPS] [-c CKPTDIR] [-o OUTPUT] [-d DELAY_US] [-r]
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mpi.h>
#include <rallypoint.h>

struct options {
	int n;
	int64_t steps;
	const char *ckpt;
	const char *output;
	long delay_us;
	int uneven; /* -r: each rank sleeps a random time of its own as well */
};

struct plate {
	int rank, ranks;
	int n;		 /* the plate has n x n cells */
	int first, rows; /* global index and number of this rank's rows */
	double *t;	 /* own rows of n, with a halo row on either side */
	double *above;	 /* one row, as it was before this step */
	double *here;	 /* likewise */
	uint64_t dice;	 /* state of the random delays */
};

static double *row(const struct plate *p, int i)
{
	return p->t + (size_t)(i + 1) * (size_t)p->n;
}

/* A hot disk on a cold plate, with a ripple that makes every cell different
 * from its neighbours. Integers decide, so all ranks agree on each cell. */
static double initial(int64_t n, int64_t i, int64_t j)
{
	int64_t y = 2 * i - n, x = 2 * j - n;
	double ripple = (double)((i * 7919 + j * 104729) % 1009) / 1009.0;

	return ripple + (4 * (x * x + y * y) < n * n ? 100.0 : 0.0);
}

static int plate_init(struct plate *p, int n)
{
	size_t cells = (size_t)n;

	MPI_Comm_rank(MPI_COMM_WORLD, &p->rank);
	MPI_Comm_size(MPI_COMM_WORLD, &p->ranks);
	p->n = n;
	p->rows = n / p->ranks + (p->rank < n % p->ranks);
	p->first = p->rank * (n / p->ranks);
	p->first += p->rank < n % p->ranks ? p->rank : n % p->ranks;
	p->dice = 0x9e3779b97f4a7c15u * (uint64_t)(p->rank + 1);
	p->t = calloc(cells * (size_t)(p->rows + 2), sizeof(double));
	p->above = calloc(cells, sizeof(double));
	p->here = calloc(cells, sizeof(double));
	if (!p->t || !p->above || !p->here)
		return -1;
	for (int i = 0; i < p->rows; i++)
		for (int j = 0; j < n; j++)
			row(p, i)[j] = initial(n, p->first + i, j);
	return 0;
}

static void plate_free(struct plate *p)
{
	free(p->t);
	free(p->above);
	free(p->here);
}

static void exchange_halos(const struct plate *p)
{
	int up = p->rank > 0 ? p->rank - 1 : MPI_PROC_NULL;
	int down = p->rank < p->ranks - 1 ? p->rank + 1 : MPI_PROC_NULL;

	MPI_Sendrecv(row(p, 0), p->n, MPI_DOUBLE, up, 0,
		     row(p, p->rows), p->n, MPI_DOUBLE, down, 0,
		     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	MPI_Sendrecv(row(p, p->rows - 1), p->n, MPI_DOUBLE, down, 1,
		     row(p, -1), p->n, MPI_DOUBLE, up, 1,
		     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* In place, with copies of two old rows instead of a second plate that would
 * be swapped with the first: the registered buffer must stay where it is. */
static void advance(struct plate *p)
{
	size_t bytes = (size_t)p->n * sizeof(double);

	exchange_halos(p);
	memcpy(p->above, row(p, -1), bytes);
	for (int i = 0; i < p->rows; i++) {
		const double *below = row(p, i + 1);
		double *now = row(p, i), *old = p->above;

		memcpy(p->here, now, bytes);
		if (p->first + i > 0 && p->first + i < p->n - 1)
			for (int j = 1; j < p->n - 1; j++)
				now[j] = p->here[j] + 0.2 *
					(p->above[j] + below[j] + p->here[j - 1]
					 + p->here[j + 1] - 4.0 * p->here[j]);
		p->above = p->here;
		p->here = old;
	}
}

static void delay(struct plate *p, const struct options *o)
{
	uint64_t us = (uint64_t)o->delay_us;
	struct timespec ts;

	if (o->uneven) {
		p->dice = p->dice * 6364136223846793005u + 1442695040888963407u;
		us += (p->dice >> 33) % (us ? us : 1000);
	}
	if (us == 0)
		return;
	ts.tv_sec = (time_t)(us / 1000000);
	ts.tv_nsec = (long)(us % 1000000) * 1000;
	while (nanosleep(&ts, &ts) != 0 && errno == EINTR) {
		/* no signal cuts a step short */
	}
}

/* A sum of integers, so that the order of the ranks doesn't matter. */
static uint64_t checksum(const struct plate *p)
{
	uint64_t sum = 0, total = 0, bits;

	for (int i = 0; i < p->rows; i++)
		for (int j = 0; j < p->n; j++) {
			memcpy(&bits, &row(p, i)[j], sizeof(bits));
			bits ^= (uint64_t)(p->first + i) << 32 | (uint64_t)j;
			bits *= 0x9e3779b97f4a7c15u;
			sum += bits ^ bits >> 29;
		}
	MPI_Allreduce(&sum, &total, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
	return total;
}

static void send_rows(const struct plate *p)
{
	for (int i = 0; i < p->rows; i++)
		MPI_Send(row(p, i), p->n, MPI_DOUBLE, 0, 2, MPI_COMM_WORLD);
}

/* Rank 0: its own rows, then everybody's, in the order of the ranks. Goes on
 * receiving without a file, or the others would wait for ever. */
static int write_rows(const struct plate *p, FILE *f)
{
	size_t n = (size_t)p->n, own = n * (size_t)p->rows;
	int good = f && fwrite(row(p, 0), sizeof(double), own, f) == own;

	for (int r = 1; r < p->ranks; r++) {
		int rows = p->n / p->ranks + (r < p->n % p->ranks);

		for (int i = 0; i < rows; i++) {
			MPI_Recv(p->here, p->n, MPI_DOUBLE, r, 2,
				 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
			good = good &&
			       fwrite(p->here, sizeof(double), n, f) == n;
		}
	}
	return good ? 0 : -1;
}

/* The whole plate under a temporary name, then renamed: who sees OUTPUT sees
 * all of it. */
static int gather_output(const struct plate *p, const char *path)
{
	char tmp[4096];
	FILE *f = NULL;
	int rc;

	if (snprintf(tmp, sizeof(tmp), "%s.tmp", path) < (int)sizeof(tmp))
		f = fopen(tmp, "wb");
	rc = write_rows(p, f);
	if (f && (fflush(f) || fsync(fileno(f))))
		rc = -1;
	if (f && fclose(f))
		rc = -1;
	if (rc == 0)
		rc = rename(tmp, path);
	if (rc)
		fprintf(stderr, "heat: %s: %s\n", path, strerror(errno));
	return rc;
}

/* Collective; the same result on every rank. */
static int write_output(const struct plate *p, const char *path)
{
	int rc = 0;

	if (!path)
		return 0;
	if (p->rank == 0)
		rc = gather_output(p, path);
	else
		send_rows(p);
	MPI_Bcast(&rc, 1, MPI_INT, 0, MPI_COMM_WORLD);
	return rc;
}

static void say(const struct plate *p, rally_t *rp, const char *what)
{
	if (p->rank == 0)
		fprintf(stderr, "heat: %s: %s\n", what, rally_error(rp));
}

/* Opens the folder and fills the plate from it, or ends the program: ranks
 * that could not agree on a start have nothing to go on with. */
static rally_t *start(const struct plate *p, const char *dir, int64_t *step,
		      int *how)
{
	int64_t global[2] = {p->n, p->n};
	int64_t first[2] = {p->first, 0};
	int64_t local[2] = {p->rows, p->n};
	rally_t *rp;
	int rc;

	rc = rally_open(MPI_COMM_WORLD, dir, &rp);
	if (rc == 0)
		rc = rally_add_array(rp, "temperature", row(p, 0), RALLY_F64, 2,
				     global, first, local);
	if (rc == 0)
		rc = rally_restore(rp, step, how);
	if (rc != 0) {
		say(p, rp, "no start");
		MPI_Abort(MPI_COMM_WORLD, rc);
	}
	return rp;
}

/* The output comes before the mark that the run is finished: a job that is
 * killed in between goes on from its last checkpoint, and nothing is lost. */
static int finish(struct plate *p, rally_t *rp, int64_t step, const char *path)
{
	uint64_t sum = checksum(p);
	int rc;

	if (write_output(p, path) != 0)
		return EXIT_FAILURE;
	rc = rally_finish(rp, step);
	if (rc != 0)
		say(p, rp, "not marked as finished");
	else if (p->rank == 0)
		printf("heat: finished at step %" PRId64
		       ", checksum %016" PRIx64 "\n", step, sum);
	return rc;
}

static int run(struct plate *p, const struct options *o)
{
	static const char *const found[] = {"fresh", "resumed", "finished"};
	int64_t step = 0;
	int how, verdict, rc = 0, end;
	rally_t *rp = start(p, o->ckpt, &step, &how);

	if (how == RALLY_FINISHED) {
		if (p->rank == 0)
			printf("heat: finished by an earlier start\n");
		return rally_close(rp);
	}
	if (p->rank == 0)
		printf("heat: %dx%d on %d ranks, starts at step %" PRId64
		       " (%s)\n", p->n, p->n, p->ranks, step, found[how]);
	while ((verdict = rally_point(rp, step)) < RALLY_STOP &&
	       step < o->steps) {
		advance(p);
		delay(p, o);
		step++;
	}
	if (verdict == RALLY_BROKEN)
		say(p, rp, "broken");
	else if (step == o->steps)
		rc = finish(p, rp, step, o->output);
	else if (p->rank == 0)
		printf("heat: stopped at step %" PRId64 "\n", step);
	end = rally_close(rp);
	return rc ? rc : end;
}

static int parse(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){.n = 512, .steps = 1000, .ckpt = "heat.ckpt"};
	while ((c = getopt(argc, argv, "n:s:c:o:d:r")) != -1) {
		switch (c) {
		case 'n': o->n = atoi(optarg); break;
		case 's': o->steps = atoll(optarg); break;
		case 'c': o->ckpt = optarg; break;
		case 'o': o->output = optarg; break;
		case 'd': o->delay_us = atol(optarg); break;
		case 'r': o->uneven = 1; break;
		default: return -1;
		}
	}
	return optind == argc && o->n > 0 && o->steps >= 0 && o->delay_us >= 0
		? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options o;
	struct plate p;
	int rc = 2, rank, ranks;

	rally_early();
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	/* Slurm ends a requeued job within seconds: say each line at once. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	opterr = rank == 0;
	if (parse(argc, argv, &o) != 0) {
		if (rank == 0)
			fprintf(stderr, "usage: heat [-n GRID] [-s STEPS] "
				"[-c CKPTDIR] [-o OUTPUT] [-d DELAY_US] "
				"[-r]\n");
	} else if (ranks > o.n) {
		if (rank == 0)
			fprintf(stderr, "heat: more ranks than rows\n");
	} else {
		if (plate_init(&p, o.n) != 0)
			MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
		rc = run(&p, &o);
		plate_free(&p);
	}
	MPI_Finalize();
	return rc;
}
