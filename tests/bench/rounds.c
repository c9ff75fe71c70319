/*
 * rounds.c - what a round costs beside the MPI call of as many bytes
 */
#include "bench.h"

#include <stdio.h>

#include "group/agree.h"

#define WARM_UP 300

enum way { LAG_0, LAG_1, BLOCKING, NONBLOCKING, WAYS };

struct rounds {
	rally_t *rp[2];		/* by lag */
	int64_t step[2];
	int64_t send[RP_BALLOT_FIELDS], recv[RP_BALLOT_FIELDS];
	int count;		/* of one run */
};

static void open_rounds(const struct bench *bench, struct rounds *rounds,
			int lag)
{
	char name[32], dir[4096], text[2] = { (char)('0' + lag), '\0' };
	rally_t *rp;

	snprintf(name, sizeof(name), "bench-rounds-%d", lag);
	bench_folder(bench, name, dir, sizeof(dir));
	rp = bench_open(MPI_COMM_WORLD, dir);
	bench_rally(rp, rally_set(rp, "stride", "1"));
	bench_rally(rp, rally_set(rp, "lag", text));
	rounds->rp[lag] = rp;
}

static void pass(struct rounds *rounds, int lag, int n)
{
	int64_t step = rounds->step[lag];

	for (int i = 0; i < n; i++)
		if (rally_point(rounds->rp[lag], step++) != RALLY_GO)
			bench_fail("rally_point");
	rounds->step[lag] = step;
}

static void reduce(struct rounds *rounds, int blocking, int n)
{
	MPI_Request request;

	for (int i = 0; i < n; i++) {
		if (blocking) {
			bench_mpi(MPI_Allreduce(rounds->send, rounds->recv,
						RP_BALLOT_FIELDS, MPI_INT64_T,
						MPI_MAX, MPI_COMM_WORLD));
			continue;
		}
		bench_mpi(MPI_Iallreduce(rounds->send, rounds->recv,
					 RP_BALLOT_FIELDS, MPI_INT64_T, MPI_MAX,
					 MPI_COMM_WORLD, &request));
		bench_mpi(MPI_Wait(&request, MPI_STATUS_IGNORE));
	}
}

static void go(struct rounds *rounds, enum way way, int n)
{
	if (way == LAG_0 || way == LAG_1)
		pass(rounds, way == LAG_1, n);
	else
		reduce(rounds, way == BLOCKING, n);
}

/* ns for each. */
static double time_rounds(struct rounds *rounds, enum way way)
{
	double from;

	go(rounds, way, WARM_UP);
	bench_barrier();
	from = bench_now();
	go(rounds, way, rounds->count);
	return bench_slowest((bench_now() - from) * 1e9 / rounds->count);
}

static void report(struct bench *bench, double values[WAYS][RUNS_MAX])
{
	int64_t bytes = RP_BALLOT_FIELDS * (int64_t)sizeof(int64_t);

	bench_line(bench, "allreduce_ballot", bytes, values[BLOCKING], 1e-3,
		   "us", NULL, NULL, NULL);
	bench_line(bench, "iallreduce_ballot", bytes, values[NONBLOCKING], 1e-3,
		   "us", values[BLOCKING], "allreduce_ballot", NULL);
	bench_line(bench, "round", bytes, values[LAG_1], 1e-3, "us",
		   values[BLOCKING], "allreduce_ballot", "\"lag\":1");
	bench_line(bench, "round", bytes, values[LAG_0], 1e-3, "us",
		   values[BLOCKING], "allreduce_ballot", "\"lag\":0");
	bench->round_ns[0] = bench_median(values[LAG_0], bench->runs);
	bench->round_ns[1] = bench_median(values[LAG_1], bench->runs);
}

void bench_rounds(struct bench *bench)
{
	double values[WAYS][RUNS_MAX];
	/* Ranks that share a core take a hundred times as long. */
	struct rounds rounds = { .count = bench->crowded ? 2000 : 20000 };

	open_rounds(bench, &rounds, 0);
	open_rounds(bench, &rounds, 1);
	for (int i = 0; i < bench->runs; i++)
		for (int j = 0; j < WAYS; j++) {
			int way = (i + j) % WAYS;

			values[way][i] = time_rounds(&rounds, (enum way)way);
		}
	report(bench, values);
	bench_rally(NULL, rally_close(rounds.rp[0]));
	bench_rally(NULL, rally_close(rounds.rp[1]));
}
