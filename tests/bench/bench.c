/*
 * bench.c - figures, one JSON object a line
 *
 *     make bench [RANKS=2] [SAVE_RANKS=4] [BENCH_MIB=256] [BENCH_RUNS=5]
 *                [BENCH_PAIRS=60] [BENCH_DIR=.] [BENCH_PARTS="save restore"]
 *     make bench-latency       agree_latency alone, 200 samples of each
 *     make bench-save          those of saves and restores alone
 *     make bench-reshard       reshard alone, in full
 *
 * Each has bench, ranks, bytes, value, unit, ratio (of it to the one that
 * `against` names, from the same run) and members of its own. The median of
 * BENCH_RUNS runs comes with the lowest and the highest one; the slowest rank of
 * a run counts.
 *
 * point_idle      ns for a safe point with nothing to do: the stride is pinned
 *                 so high that no round falls into the run
 * point_auto      ns for a safe point with the default stride, its share of the
 *                 rounds included, in a loop that computes nothing: the worst
 * allreduce_flag  us for what it stands in for: MPI_Allreduce of an int
 *
 * round           us for a round, lag 0 or 1: the stride is 1 and the steps are
 *                 empty, so that a safe point completes one round and starts
 *                 one. bytes: of its ballot
 * allreduce_ballot, iallreduce_ballot
 *                 us for MPI_Allreduce of as many bytes, and MPI_Iallreduce with
 *                 its MPI_Wait
 *
 * loop_overhead   percent that the library adds to steps of step_us:
 *   how costs     (a round / stride + a point) / step, from the figures above
 *                 and the stride that such steps bring about; against: the same
 *                 of an allreduce_flag a step; goal: what it should not exceed
 *   how paired    measured: blocks of the same loop with nothing, with a safe
 *                 point, with an MPI_Allreduce and an MPI_Allgather of a flag in
 *                 each step, in random order. value: what a block takes longer
 *                 than the one with nothing of the same turn, the mean of the
 *                 middle half of all turns; ci_low, ci_high: where 95 % of its
 *                 bootstraps lie; mean: of all of them; ratio: of the times. A
 *                 step is arithmetic, a fixed count of it, and an exchange with
 *                 both neighbours. The stride is the one such steps bring about.
 *
 * agree_latency   ms from SIGTERM on one rank, a random one at a random moment,
 *                 to the verdict on all: to where the last of them entered the
 *                 call of rally_point() that returned it. The median; max; and
 *                 points: the calls that the signalled rank entered from then
 *                 on, that one included. stride: the largest in force from the
 *                 signal on, the median of the samples; beyond: how many of them
 *                 took more points than their stride + 1, which is an error.
 *                 Steps sleep. SIGTERM asks for a save here, so that a process
 *                 can be asked often; the moment is drawn from a whole stride,
 *                 once the stride is at rest. With from_us the steps have become
 *                 longer somewhere within a stride, and the signal comes in the
 *                 first long one. On more ranks than cores the value is the
 *                 median of the points.
 * agree_stop      the same with a stop instead of a save
 *
 * Saves and restores, on SAVE_RANKS ranks with BENCH_MIB MiB each, on disk and on
 * tmpfs (BENCH_PARTS: save restore small memory async). The time is the node's, from the
 * barrier to the last rank's end; all that stand in one paragraph are run in turn.
 *
 * raw_write_disk_fresh     GB/s of one file a rank, durable, fsync of the folder
 *                          included: requests of 8 MiB past the page cache, eight
 *                          under way, into space that posix_fallocate() gave; on
 *                          tmpfs (raw_write_tmpfs_...) one pwrite() after the other
 * raw_write_disk_recycled  the same over files that were written before
 * save_disk_fresh          GB/s of rally_save(): hash, fsync, commit
 * save_disk_recycled       the same where the shards are those of the checkpoint
 *                          before the last (option recycle; `recycles` tells
 *                          whether this version has it), pruning included
 * mpiio_write_disk, hdf5_write_disk
 *                          one shared file, collective, with their own sync
 *
 * restore_disk_cold        GB/s of rally_restore(), hashes checked, after the shards
 *                          were put out of the page cache; in_page_cache: the most
 *                          of one that was still there. Against the better one of
 * raw_read_disk_cold, raw_read_direct_disk_cold
 *                          the same files by pread() of 8 MiB, or past the page
 *                          cache with eight under way
 * restore_disk_warm        likewise with all of it in the page cache
 * restore_tmpfs
 *
 * reshard                  GB/s of rally_restore() of one array, `from` ranks having
 *                          saved it and `to` (ranks) reading it, both in rows, columns
 *                          or blocks (`split`). read_amplification: bytes read over
 *                          bytes needed, as the library counts them; from_storage:
 *                          what the disk had to give for one needed, as the kernel
 *                          does. Against the better one of
 * reshard_raw_read, reshard_raw_read_direct
 *                          the same files once, each rank an equal share of all their
 *                          bytes, the ways as above
 * reshard_mpiio, reshard_hdf5
 *                          the array in one shared file, which each rank reads its
 *                          box of: collective, a subarray view and a hyperslab
 *
 * async_stall              ms that a safe point takes which begins a save in the
 *                          background (option async), against memcpy, one of as
 *                          many bytes by all ranks; blocking_stall: without it
 * async_loop               percent that a loop of computing steps of 10 ms takes
 *                          longer with such a save every 50 steps than with none;
 *                          blocking: with blocking saves; memcpy, writer_cpu: what
 *                          the copies take of it, and the CPU time of other threads
 *                          than the program's; beyond: what is left of it
 *
 * small_regions            ms of a save of 10,000 regions of 1 KiB a rank, against
 *                          one_region of as many bytes
 * save_memory              MiB that a rank's memory grows by during its first two
 *                          saves, at most; option memory (`bound_set`) at 64 MiB
 */
#include "store.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int64_t number(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

static void read_bench(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	bench->disk = getenv("BENCH_DIR");
	bench->tmpfs = getenv("BENCH_TMPFS");
	bench_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &bench->rank));
	bench_mpi(MPI_Comm_size(MPI_COMM_WORLD, &bench->ranks));
	bench->crowded = bench->ranks > sysconf(_SC_NPROCESSORS_ONLN);
	bench->size = (size_t)number("BENCH_MIB", 256) << 20;
	bench->runs = (int)number("BENCH_RUNS", 5);
	if (bench->runs >= 5 && bench->runs <= RUNS_MAX && bench->size > 0)
		return;
	if (bench->rank == 0)
		fprintf(stderr, "bench: BENCH_RUNS is 5 to %d\n", RUNS_MAX);
	MPI_Abort(MPI_COMM_WORLD, 64);
}

static void run_storage(const struct bench *bench, const char *where,
			const char *top)
{
	static const struct {
		const char *part;
		void (*run)(const struct bench *bench, const char *where,
			    const char *top);
	} parts[] = { { "save", bench_save }, { "restore", bench_restore },
		      { "small", bench_small }, { "memory", bench_memory },
		      { "async", bench_async } };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (store_wants(parts[i].part))
			parts[i].run(bench, where, top);
}

/* "save" or "restore", the split, and how many ranks saved. */
static void run_reshard(const struct bench *bench, char **words)
{
	const struct bench_reshard what = {
		.restores = strcmp(words[0], "restore") == 0,
		.split = words[1],
		.from = (int)strtol(words[2], NULL, 10),
	};

	if (bench->disk && *bench->disk)
		bench_reshard(bench, "disk", bench->disk, &what);
	if (bench->tmpfs && *bench->tmpfs)
		bench_reshard(bench, "tmpfs", bench->tmpfs, &what);
}

static void run(struct bench *bench, int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : "all";

	if (strcmp(part, "latency") == 0 && argc == 4) {
		bench_latency(bench, (int)strtol(argv[2], NULL, 10), argv[3]);
		return;
	}
	if (strcmp(part, "save") == 0) {
		if (bench->disk && *bench->disk)
			run_storage(bench, "disk", bench->disk);
		if (bench->tmpfs && *bench->tmpfs)
			run_storage(bench, "tmpfs", bench->tmpfs);
		return;
	}
	if (strcmp(part, "reshard") == 0 && argc == 5) {
		run_reshard(bench, argv + 2);
		return;
	}
	if (strcmp(part, "all") == 0)
		bench_points(bench);
	bench_rounds(bench);
	if (strcmp(part, "all") == 0)
		bench_loop(bench);
}

/* The alarm of bench_latency() is for this thread, not for one of MPI's. */
static void keep_alarm(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	if (pthread_sigmask(how, &set, NULL) != 0)
		bench_fail("pthread_sigmask");
}

int main(int argc, char **argv)
{
	struct bench bench;
	int level;

	keep_alarm(SIG_BLOCK);
	bench_mpi(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level));
	keep_alarm(SIG_UNBLOCK);
	read_bench(&bench);
	run(&bench, argc, argv);
	bench_mpi(MPI_Finalize());
	return 0;
}
