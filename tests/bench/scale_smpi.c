/*
 * scale_smpi.c - the library itself on hundreds of ranks that SMPI simulates
 *
 *     smpirun ... scale_smpi FOLDER REQUESTS
 *
 * One rank after the other asks for a save, at any moment. All ranks must save
 * at the same step, within S + 1 safe points; else the program ends with 1. The
 * times are the simulator's, and set beside the model's: scale_smpi.
 */
#include "scale_smpi.h"

/* Here the names are SMPI's again. */
#undef MPI_Iallreduce
#undef MPI_Wait
#undef MPI_Allreduce

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <smpi/smpi.h>

#include "rallypoint.h"
#include "scale.h"

#define STEP_NS 1e6
#define JITTER 0.02
#define QUIET 200		/* steps in which the stride grows again */
#define SPAN 50			/* ... of which the request is in one */
#define ROUNDS 5
#define TAG 7
#define REQUESTS_MAX 200

static int rank, size;
static double verdict_at;	/* of the first vote since it was set to 0 */

static void need(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "scale_smpi: rank %d: %s\n", rank, what);
	MPI_Abort(MPI_COMM_WORLD, 1);
}

/*
 * The tree.
 */

struct tree {
	int64_t *result;
	int count;
	MPI_Comm comm;
};

static void send_to(const struct tree *tree, int to)
{
	need(MPI_Send(tree->result, tree->count, MPI_INT64_T, to, TAG,
		      tree->comm) == MPI_SUCCESS, "MPI_Send");
}

static void receive_from(const struct tree *tree, int from, int64_t *into)
{
	need(MPI_Recv(into, tree->count, MPI_INT64_T, from, TAG, tree->comm,
		      MPI_STATUS_IGNORE) == MPI_SUCCESS, "MPI_Recv");
}

/* A rank without children sends in the call that starts it. */
static int is_leaf(void)
{
	return rank & 1 || rank + 1 >= size;
}

static void go_up(const struct tree *tree)
{
	int64_t *theirs = malloc((size_t)tree->count * sizeof(*theirs));
	int half = 1;

	need(theirs != NULL, "no memory");
	for (; half < size && !(rank & half); half *= 2) {
		if (rank + half >= size)
			continue;
		receive_from(tree, rank + half, theirs);
		for (int i = 0; i < tree->count; i++)
			if (theirs[i] > tree->result[i])
				tree->result[i] = theirs[i];
	}
	if (half < size)
		send_to(tree, rank - half);
	free(theirs);
}

static void go_down(const struct tree *tree)
{
	int reach = 1;

	while (reach <= rank)
		reach *= 2;
	if (rank > 0)
		receive_from(tree, rank - reach / 2, tree->result);
	for (; reach < size - rank; reach *= 2)
		send_to(tree, rank + reach);
}

int scale_iallreduce(const void *send, void *recv, int count, MPI_Datatype type,
		     MPI_Op op, MPI_Comm comm, MPI_Request *request)
{
	struct tree *tree = malloc(sizeof(*tree));

	need(tree && type == MPI_INT64_T && op == MPI_MAX, "iallreduce");
	*tree = (struct tree){ recv, count, comm };
	memcpy(recv, send, (size_t)count * sizeof(int64_t));
	if (is_leaf())
		go_up(tree);
	/* Seen by scale_wait() only. */
	*request = (MPI_Request)tree;
	return MPI_SUCCESS;
}

int scale_wait(MPI_Request *request, MPI_Status *status)
{
	struct tree *tree = (struct tree *)*request;

	(void)status;
	if (*request == MPI_REQUEST_NULL)
		return MPI_SUCCESS;
	if (!is_leaf())
		go_up(tree);
	go_down(tree);
	free(tree);
	*request = MPI_REQUEST_NULL;
	return MPI_SUCCESS;
}

int scale_allreduce(const void *send, void *recv, int count, MPI_Datatype type,
		    MPI_Op op, MPI_Comm comm)
{
	if (verdict_at <= 0)
		verdict_at = MPI_Wtime();
	return MPI_Allreduce(send, recv, count, type, op, comm);
}

/*
 * The runs.
 */

static double chance(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}

static double step_length(uint64_t *state)
{
	double r = sqrt(-2 * log(chance(state)));

	return STEP_NS / 1e9 *
	       (1 + JITTER * r * cos(6.283185307179586 * chance(state)));
}

static double most(double mine)
{
	double all;

	MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
	return all;
}

static rally_t *open_at(const char *top, const char *name)
{
	char dir[4200];
	rally_t *rp;

	snprintf(dir, sizeof(dir), "%s/%s", top, name);
	need(rally_open(MPI_COMM_WORLD, dir, &rp) == 0, "rally_open");
	return rp;
}

/* Seconds from the last rank's start to the last rank's end. */
static double time_round(const char *top)
{
	rally_t *rp = open_at(top, "round");
	double sum = 0;

	need(rally_set(rp, "stride", "1") == 0 && rally_set(rp, "lag", "0") == 0,
	     "rally_set");
	for (int i = 0; i < ROUNDS; i++) {
		double from, to;

		most(0);
		from = MPI_Wtime();
		need(rally_point(rp, i) == RALLY_GO, "rally_point");
		to = MPI_Wtime();
		sum += most(to) - most(from);
	}
	need(rally_close(rp) == 0, "rally_close");
	return sum / ROUNDS;
}

struct outcome {
	double latency;		/* seconds */
	int points;
	uint32_t stride;
};

/* The loop up to the save. All ranks know who asks, and in which step. */
static void one_request(rally_t *rp, int64_t *step, uint64_t *dice,
			uint64_t *state, struct outcome *outcome)
{
	int who = (int)(chance(dice) * size);
	int64_t first = *step, in = first + QUIET + (int)(chance(dice) * SPAN);
	double part = chance(dice), at = 0, mine[2];
	struct rally_status status;
	int verdict;

	while ((verdict = rally_point(rp, *step)) == RALLY_GO) {
		double length = step_length(state);

		if (*step == in) {
			smpi_execute(part * length);
			at = MPI_Wtime();
			rally_status(rp, &status);
			outcome->stride = status.stride;
			if (who == rank)
				rally_request(rp, RALLY_WANT_SAVE);
			length *= 1 - part;
		}
		smpi_execute(length);
		verdict_at = 0;
		++*step;
	}
	need(verdict == RALLY_SAVED, "no save");
	mine[0] = (double)*step;
	mine[1] = -mine[0];
	need(most(mine[0]) == -most(mine[1]), "ranks saved at different steps");
	outcome->points = (int)(*step - in);
	need(outcome->points <= (int)outcome->stride + 1, "S + 1 safe points");
	MPI_Bcast(&at, 1, MPI_DOUBLE, who, MPI_COMM_WORLD);
	outcome->latency = most(verdict_at) - at;
	++*step;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The costs that run_smpi gives the simulated network. */
static void print(const struct outcome *all, int n, double round)
{
	struct scale_case c = { .net = { "smpi", 1000, 400, 0.08, 0, 0 },
				.ranks = size, .step_ns = STEP_NS,
				.jitter = JITTER, .noise_ns = 1, .rounds = 200,
				.requests = 200, .seed = 1 };
	struct scale_result loop, alone;
	double latency[REQUESTS_MAX];
	int points = 0;

	for (int i = 0; i < n; i++) {
		latency[i] = all[i].latency * 1e3;
		points = all[i].points > points ? all[i].points : points;
	}
	qsort(latency, (size_t)n, sizeof(*latency), by_value);
	need(scale_run(&c, &loop) == 0, "scale_run");
	c.stride = c.lag = 1;
	c.jitter = 0;
	need(scale_run(&c, &alone) == 0, "scale_run");
	printf("{\"bench\":\"scale_smpi\",\"ranks\":%d,\"bytes\":%d,"
	       "\"value\":%.4g,\"unit\":\"us\",\"ratio\":%.3g,"
	       "\"against\":\"SMPI\",\"step_us\":%.4g,\"runs\":%d,"
	       "\"points_max\":%d,\"stride\":%u,\"p50\":%.4g,\"max\":%.4g,"
	       "\"model_p50\":%.4g,\"round_us\":%.4g}\n",
	       size, SCALE_BYTES, alone.round_ns / 1e3,
	       alone.round_ns / (round * 1e9), STEP_NS / 1e3, n, points,
	       all[0].stride, latency[n / 2], latency[n - 1],
	       loop.latency_p50 / 1e6, round * 1e6);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct outcome outcomes[REQUESTS_MAX];
	uint64_t dice = 99, state;
	int64_t step = 0;
	double round;
	rally_t *rp;
	int n;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	need(argc == 3 && (n = atoi(argv[2])) > 0 && n <= REQUESTS_MAX, "usage");
	state = 1000 + (uint64_t)rank;
	round = time_round(argv[1]);
	rp = open_at(argv[1], "loop");
	for (int i = 0; i < n; i++)
		one_request(rp, &step, &dice, &state, &outcomes[i]);
	need(rally_close(rp) == 0, "rally_close");
	if (rank == 0)
		print(outcomes, n, round);
	MPI_Finalize();
	return 0;
}
