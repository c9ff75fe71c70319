/*
 * scale_costs.c - what the model of scale.h is fed with, from plain MPI on two
 *                 ranks: scale_cost
 */
#include "bench.h"
#include "scale.h"

#include <stdio.h>
#include <time.h>

#define PINGS 5000
#define BURST 32
#define IDLE_POINTS 2000000

static int rank;

static double now_ns(void)
{
	return bench_now() * 1e9;
}

static void told(const char *name, double value, const char *unit)
{
	if (rank == 0)
		printf("{\"bench\":\"scale_cost\",\"ranks\":2,\"bytes\":%d,"
		       "\"value\":%.4g,\"unit\":\"%s\",\"ratio\":null,"
		       "\"against\":null,\"what\":\"%s\"}\n",
		       SCALE_BYTES, value, unit, name);
	fflush(stdout);
}

static void send_one(char *data, int to)
{
	bench_mpi(MPI_Send(data, SCALE_BYTES, MPI_BYTE, to, 1, MPI_COMM_WORLD));
}

static void receive_one(char *data, int from)
{
	bench_mpi(MPI_Recv(data, SCALE_BYTES, MPI_BYTE, from, 1, MPI_COMM_WORLD,
			   MPI_STATUS_IGNORE));
}

/* What it costs while nobody else has the core. */
static double least(const double *values)
{
	double low = values[0];

	for (int i = 1; i < RUNS_MAX; i++)
		low = values[i] < low ? values[i] : low;
	return low;
}

/* ns from one rank's hand to the other's. */
static double ping_pong(void)
{
	char data[SCALE_BYTES] = { 0 };
	double from = 0, values[RUNS_MAX];

	for (int run = 0; run < RUNS_MAX; run++) {
		bench_barrier();
		from = now_ns();
		for (int i = 0; i < PINGS / RUNS_MAX; i++) {
			if (rank == 0)
				send_one(data, 1);
			receive_one(data, 1 - rank);
			if (rank == 1)
				send_one(data, 0);
		}
		values[run] = (now_ns() - from) / (2 * (PINGS / RUNS_MAX));
	}
	return least(values);
}

/* ns that a send keeps its sender. */
static double overhead(void)
{
	char data[SCALE_BYTES] = { 0 };
	double from, values[RUNS_MAX] = { 0 };

	for (int run = 0; run < RUNS_MAX; run++) {
		bench_barrier();
		from = now_ns();
		for (int i = 0; rank == 0 && i < BURST; i++)
			send_one(data, 1);
		values[run] = (now_ns() - from) / BURST;
		for (int i = 0; rank == 1 && i < BURST; i++)
			receive_one(data, 0);
	}
	return least(values);
}

void scale_sleep_until(double when)
{
	struct timespec t = { (time_t)(when / 1e9), 0 };

	t.tv_nsec = (long)(when - (double)t.tv_sec * 1e9);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		;
}

/* ns of MPI_Iallreduce, and of MPI_Wait where all messages are there: rank 0 is
 * the one that waits for nobody, after a pause. */
static void calls(double *start, double *finish)
{
	int64_t in[SCALE_BYTES / 8] = { 0 }, out[SCALE_BYTES / 8];
	double starts[RUNS_MAX], finishes[RUNS_MAX];

	for (int run = 0; run < RUNS_MAX; run++) {
		MPI_Request request;
		double from;

		bench_barrier();
		from = now_ns();
		bench_mpi(MPI_Iallreduce(in, out, SCALE_BYTES / 8, MPI_INT64_T,
					 MPI_MAX, MPI_COMM_WORLD, &request));
		starts[run] = now_ns() - from;
		if (rank == 0)
			scale_sleep_until(from + 100000);
		from = now_ns();
		bench_mpi(MPI_Wait(&request, MPI_STATUS_IGNORE));
		finishes[run] = now_ns() - from;
	}
	*start = least(starts);
	*finish = least(finishes);
}

/* ns of a safe point with nothing to do. */
static double idle(const char *dir)
{
	rally_t *rp = NULL;
	int rc = rally_open(MPI_COMM_WORLD, dir, &rp);
	double from, took;

	bench_rally(rp, rc);
	bench_rally(rp, rally_set(rp, "stride", "2000000000"));
	for (int i = 0; i < 10; i++)
		rally_point(rp, i);
	from = now_ns();
	for (int i = 0; i < IDLE_POINTS; i++)
		rally_point(rp, 10 + i);
	took = (now_ns() - from) / IDLE_POINTS;
	bench_rally(NULL, rally_close(rp));
	return took;
}

/* ns that the library spends in a round besides MPI: of one rank by itself, that
 * has nobody to wait for. */
static double own(const char *dir)
{
	int64_t in[SCALE_BYTES / 8] = { 0 }, out[SCALE_BYTES / 8];
	double rounds[RUNS_MAX], plain[RUNS_MAX];
	rally_t *rp = NULL;
	char alone[4200];
	int step = 0, rc;

	snprintf(alone, sizeof(alone), "%s/own-%d", dir, rank);
	rc = rally_open(MPI_COMM_SELF, alone, &rp);
	bench_rally(rp, rc);
	bench_rally(rp, rally_set(rp, "stride", "1"));
	bench_rally(rp, rally_set(rp, "lag", "0"));
	for (int run = 0; run < RUNS_MAX; run++) {
		double from = now_ns();

		for (int i = 0; i < BURST; i++)
			rally_point(rp, step++);
		rounds[run] = (now_ns() - from) / BURST;
		from = now_ns();
		for (int i = 0; i < BURST; i++) {
			MPI_Request request;

			bench_mpi(MPI_Iallreduce(in, out, SCALE_BYTES / 8,
						 MPI_INT64_T, MPI_MAX,
						 MPI_COMM_SELF, &request));
			bench_mpi(MPI_Wait(&request, MPI_STATUS_IGNORE));
		}
		plain[run] = (now_ns() - from) / BURST;
	}
	bench_rally(NULL, rally_close(rp));
	return least(rounds) - least(plain);
}

static double not_below_zero(double x)
{
	return x > 0 ? x : 0;
}

void scale_costs(struct scale_case *c, const char *dir)
{
	double way, o, start, finish, mine[6];
	char idle_dir[4200];

	bench_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
	way = ping_pong();
	o = overhead();
	snprintf(idle_dir, sizeof(idle_dir), "%s/idle", dir);
	calls(&start, &finish);
	mine[0] = o;
	mine[1] = not_below_zero(way - 2 * o);
	mine[2] = start;
	mine[3] = not_below_zero(finish - 2 * o);
	mine[4] = idle(idle_dir);
	mine[5] = not_below_zero(own(dir));
	/* Rank 0 has measured what is meant. */
	bench_mpi(MPI_Bcast(mine, 6, MPI_DOUBLE, 0, MPI_COMM_WORLD));
	c->net = (struct scale_net){ "here", mine[1], mine[0], 0,
				     mine[2] + mine[5] / 2,
				     mine[3] + mine[5] / 2 };
	c->idle_ns = mine[4];
	told("o, a message's overhead on either side", c->net.o / 1e3, "us");
	told("L, its way", c->net.L / 1e3, "us");
	told("MPI_Iallreduce, the call", mine[2] / 1e3, "us");
	told("MPI_Wait with nothing to wait for", mine[3] / 1e3, "us");
	told("what the library does around them", mine[5] / 1e3, "us");
	told("a safe point with nothing to do", c->idle_ns, "ns");
}
