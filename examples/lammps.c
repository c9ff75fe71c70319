/*
 * lammps.c - real LAMMPS, through its C library, stopped and resumed
 *
 * An input file runs in chunks of a few timesteps with a safe point between
 * two chunks. LAMMPS saves itself in its own format: write_restart at a save,
 * read_restart in place of what would make the atoms at a resume.
 *
 *     mpirun -n 4 examples/lammps-rally -s 1000 -t thermo.txt
 *     pkill -TERM -n lammps-rally    # from elsewhere; one rank is enough
 *     mpirun -n 4 examples/lammps-rally -s 1000 -t thermo.txt
 *
 *     lammps-rally [-i INPUT] [-s STEPS] [-k CHUNK] [-c CKPTDIR]
 *                  [-t THERMOFILE] [-x STEP] [-- LAMMPS OPTIONS]
 *
 * Reading a restart may change the order in which LAMMPS holds its atoms and
 * adds their forces, and so the last digits of what follows. What a resumed
 * run must equal digit for digit is therefore a run that nobody stopped and
 * that writes and reads its restart at the same step: -x STEP makes it. Both
 * want the same number of ranks and the same CHUNK, for LAMMPS builds its
 * neighbour lists anew at the start of each.
 *
 * LAMMPS itself is silent here. To see what it says, its errors too, give it a
 * file: -- -screen lammps.out
 *
 * The input is read line by line (no '&', jump or loops). `run` is left out,
 * and on a resume also what makes the atoms, see skipped() and give_line().
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lammps/library.h>
#include <mpi.h>
#include <rallypoint.h>

struct options {
	const char *input;
	int64_t steps;
	int64_t chunk;
	const char *ckpt;
	const char *thermo;
	int64_t swap; /* -x */
	int argc;     /* what LAMMPS itself is to see, without its argv[0] */
	char **argv;
};

struct md {
	int rank, ranks;
	void *lmp;
	FILE *thermo;	    /* rank 0's, else NULL */
	char restart[4096]; /* the file to read; "" makes the atoms anew */
};

/* Without LAMMPS's exceptions an error ends the program inside the library. */
static int failed(const struct md *md)
{
	char why[512];

	if (!lammps_config_has_exceptions() || !lammps_has_error(md->lmp))
		return 0;
	lammps_get_last_error_message(md->lmp, why, sizeof(why));
	fprintf(stderr, "lammps: rank %d: %s\n", md->rank, why);
	return -1;
}

static int command(struct md *md, const char *line)
{
	lammps_command(md->lmp, line);
	return failed(md);
}

static int is(const char *line, const char *word)
{
	size_t n = strlen(word);

	line += strspn(line, " \t");
	return strncmp(line, word, n) == 0 && strchr(" \t\r\n", line[n]);
}

/* The restart holds the atoms, the box and the pair coefficients. It does not
 * hold fixes nor the neighbour settings: those lines are given every time. */
static int skipped(const struct md *md, const char *line)
{
	if (is(line, "run"))
		return 1;
	return md->restart[0] &&
	       (is(line, "create_atoms") || is(line, "velocity"));
}

static int give_line(struct md *md, const char *line)
{
	char read[sizeof(md->restart) + 32];

	if (skipped(md, line))
		return 0;
	if (!md->restart[0] || !is(line, "create_box"))
		return command(md, line);
	snprintf(read, sizeof(read), "read_restart \"%s\"", md->restart);
	return command(md, read);
}

static int give_input(struct md *md, const char *path)
{
	char line[1024];
	FILE *f = fopen(path, "r");
	int rc = 0;

	if (!f) {
		perror(path);
		return -1;
	}
	while (rc == 0 && fgets(line, sizeof(line), f))
		rc = give_line(md, line);
	fclose(f);
	return rc;
}

/* A LAMMPS of its own, silent: what is to be seen goes to the thermo file. */
static int lammps_start(struct md *md, const struct options *o)
{
	char *quiet[] = {"lammps", "-log", "none", "-screen", "none"};
	int argc = 5 + o->argc;
	char **argv = calloc((size_t)argc + 1, sizeof(*argv));

	if (!argv)
		return -1;
	memcpy(argv, quiet, sizeof(quiet));
	memcpy(argv + 5, o->argv, (size_t)o->argc * sizeof(*argv));
	md->lmp = lammps_open(argc, argv, MPI_COMM_WORLD, NULL);
	free(argv);
	return md->lmp ? give_input(md, o->input) : -1;
}

/* A save: all ranks write one file together. A restore: LAMMPS reads it later,
 * when the input has come to the place. */
static int restart_file(const char *path, enum rally_file_op op, int64_t step,
			void *arg)
{
	struct md *md = arg;
	char write[sizeof(md->restart) + 32];

	(void)step;
	if (strlen(path) >= sizeof(md->restart))
		return -1;
	if (op == RALLY_FILE_READ) {
		strcpy(md->restart, path);
		return 0;
	}
	snprintf(write, sizeof(write), "write_restart \"%s\"", path);
	return command(md, write);
}

/* -x: what a stop and a resume would do to LAMMPS, without either. */
static int swap(struct md *md, const struct options *o, int64_t step)
{
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "swap-%" PRId64 ".restart", step);
	if (restart_file(path, RALLY_FILE_WRITE, step, md) != 0)
		return -1;
	lammps_close(md->lmp);
	restart_file(path, RALLY_FILE_READ, step, md);
	rc = lammps_start(md, o);
	if (md->rank == 0)
		unlink(path);
	return rc;
}

/* lammps_get_thermo() is collective, and knows the last step of a run. */
static void log_thermo(struct md *md, int64_t step)
{
	static const char *const keys[] = {"temp", "epair", "etotal", "press"};
	double value[4];

	for (int i = 0; i < 4; i++)
		value[i] = lammps_get_thermo(md->lmp, keys[i]);
	if (!md->thermo)
		return;
	fprintf(md->thermo, "%" PRId64, step);
	for (int i = 0; i < 4; i++)
		fprintf(md->thermo, " %.17g", value[i]);
	fputc('\n', md->thermo);
	fflush(md->thermo);
}

static int advance(struct md *md, int64_t step, int64_t count)
{
	char run[64];

	snprintf(run, sizeof(run), "run %" PRId64 " post no", count);
	if (command(md, run) != 0)
		return -1;
	log_thermo(md, step + count);
	return 0;
}

/* Appends, after the lines up to `step`: a run that was killed has left lines
 * of work that was lost with it and is done again now. */
static FILE *open_thermo(const char *path, int64_t step)
{
	char line[256];
	long keep = 0;
	FILE *f = fopen(path, "a+");

	if (!f)
		return NULL;
	rewind(f);
	while (fgets(line, sizeof(line), f) && strchr(line, '\n') &&
	       strtoll(line, NULL, 10) <= step && step > 0)
		keep = ftell(f);
	if (ftruncate(fileno(f), keep) != 0) {
		fclose(f);
		return NULL;
	}
	return f;
}

static void fail(const struct md *md, const char *what, const char *why, int rc)
{
	if (md->rank == 0)
		fprintf(stderr, "lammps: %s: %s\n", what, why);
	MPI_Abort(MPI_COMM_WORLD, rc);
}

/* Ends the program where there is nothing to go on with. */
static rally_t *start(struct md *md, const struct options *o, int64_t *step,
		      int *how)
{
	rally_t *rp;
	int rc;

	rc = rally_open(MPI_COMM_WORLD, o->ckpt, &rp);
	if (rc == 0)
		rc = rally_file(rp, "lammps.restart", RALLY_FILE_SHARED,
				restart_file, md);
	if (rc == 0)
		rc = rally_restore(rp, step, how);
	if (rc != 0)
		fail(md, "no start", rally_error(rp), rc);
	if (*how == RALLY_FINISHED)
		return rp;
	if (lammps_start(md, o) != 0)
		fail(md, o->input, "LAMMPS does not start", EXIT_FAILURE);
	if (md->rank == 0 && !(md->thermo = open_thermo(o->thermo, *step)))
		fail(md, o->thermo, "can't be written", EXIT_FAILURE);
	return rp;
}

static int loop(struct md *md, const struct options *o, rally_t *rp,
		int64_t *step)
{
	int verdict;

	while ((verdict = rally_point(rp, *step)) < RALLY_STOP &&
	       *step < o->steps) {
		int64_t left = o->steps - *step;
		int64_t count = left < o->chunk ? left : o->chunk;

		if (*step == o->swap && swap(md, o, *step) != 0)
			fail(md, "-x", "LAMMPS failed", EXIT_FAILURE);
		if (advance(md, *step, count) != 0)
			fail(md, "run", "LAMMPS failed", EXIT_FAILURE);
		*step += count;
	}
	return verdict;
}

static int run(struct md *md, const struct options *o)
{
	int64_t step = 0;
	int how, rc = 0, end, verdict;
	rally_t *rp = start(md, o, &step, &how);

	if (how == RALLY_FINISHED) {
		if (md->rank == 0)
			printf("lammps: finished by an earlier start\n");
		return rally_close(rp);
	}
	if (md->rank == 0)
		printf("lammps: %d ranks, starts at step %" PRId64 " (%s)\n",
		       md->ranks, step,
		       how == RALLY_FRESH ? "fresh" : "resumed");
	verdict = loop(md, o, rp, &step);
	if (verdict != RALLY_BROKEN && step == o->steps)
		rc = rally_finish(rp, step);
	if (md->rank == 0 && (rc != 0 || verdict == RALLY_BROKEN))
		fprintf(stderr, "lammps: %s\n", rally_error(rp));
	else if (md->rank == 0)
		printf("lammps: %s at step %" PRId64 "\n",
		       step == o->steps ? "finished" : "stopped", step);
	end = rally_close(rp);
	lammps_close(md->lmp);
	if (md->thermo && fclose(md->thermo) != 0)
		perror(o->thermo);
	return rc ? rc : end;
}

static int parse(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){.input = "in.lj", .steps = 100, .chunk = 10,
			      .ckpt = "lammps.ckpt", .thermo = "thermo.txt",
			      .swap = -1};
	while ((c = getopt(argc, argv, "i:s:k:c:t:x:")) != -1) {
		switch (c) {
		case 'i': o->input = optarg; break;
		case 's': o->steps = atoll(optarg); break;
		case 'k': o->chunk = atoll(optarg); break;
		case 'c': o->ckpt = optarg; break;
		case 't': o->thermo = optarg; break;
		case 'x': o->swap = atoll(optarg); break;
		default: return -1;
		}
	}
	o->argc = argc - optind;
	o->argv = argv + optind;
	return o->steps > 0 && o->chunk > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options o;
	struct md md = {.rank = 0};
	int rc = 2;

	rally_early();
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &md.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &md.ranks);
	/* Slurm ends a requeued job within seconds: say each line at once. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	opterr = md.rank == 0;
	if (parse(argc, argv, &o) == 0)
		rc = run(&md, &o);
	else if (md.rank == 0)
		fprintf(stderr, "usage: lammps-rally [-i INPUT] [-s STEPS] "
			"[-k CHUNK] [-c CKPTDIR] [-t THERMOFILE] [-x STEP] "
			"[-- LAMMPS OPTIONS]\n");
	MPI_Finalize();
	return rc;
}
