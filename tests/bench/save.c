/*
 * save.c - durable saves and restores beside the same bytes without a library
 */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK ((size_t)8 << 20)

struct io {
	const struct bench *bench;
	const char *dir, *where;
	char *memory;
	char *aligned;		/* the bytes that raw writes, of a page's begin */
	char *data;		/* ... and ours, which malloc() would not align */
	size_t size;		/* of this rank */
	int64_t step;
	int direct;		/* raw goes past the page cache */
	rally_t *rp;
};

static double gb_per_s(const struct io *io, double seconds)
{
	return (double)io->size * io->bench->ranks / seconds / 1e9;
}

/* Other bytes for each save: a value in each page. */
static void touch(struct io *io)
{
	for (size_t i = 0; i < io->size; i += 4096)
		memcpy(io->data + i, &io->step, sizeof(io->step));
}

static void write_all(int fd, const char *data, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t want = size - at < CHUNK ? size - at : CHUNK;
		ssize_t n = pwrite(fd, data + at, want, (off_t)at);

		if (n <= 0)
			bench_fail("pwrite");
		at += (size_t)n;
	}
}

static double raw_write(struct io *io)
{
	char path[4200];
	double from, took;
	int fd;

	snprintf(path, sizeof(path), "%s/raw-%d", io->dir, io->bench->rank);
	bench_barrier();
	from = bench_now();
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
	if (fd < 0)
		bench_fail(path);
	if (!io->direct)
		write_all(fd, io->aligned, io->size);
	else if (bench_raw_direct(fd, io->aligned, io->size) != 0)
		bench_fail("O_DIRECT");
	if (fsync(fd) != 0 || close(fd) != 0)
		bench_fail("fsync");
	bench_barrier();
	took = bench_slowest(bench_now() - from);
	unlink(path);
	return gb_per_s(io, took);
}

/* A disk that does is measured so. */
static int takes_direct(struct io *io)
{
	char path[4200];
	int fd, ok;

	snprintf(path, sizeof(path), "%s/try-%d", io->dir, io->bench->rank);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
	if (fd < 0)
		bench_fail(path);
	ok = strcmp(io->where, "tmpfs") != 0 &&
	     bench_raw_direct(fd, io->aligned, 4096) == 0;
	close(fd);
	unlink(path);
	return ok;
}

static double save(struct io *io)
{
	double from;

	bench_barrier();
	from = bench_now();
	bench_rally(io->rp, rally_save(io->rp, io->step));
	return gb_per_s(io, bench_slowest(bench_now() - from));
}

/* This rank's shard of the newest checkpoint: as long as the data and a few
 * pages more. */
static double raw_read(struct io *io)
{
	struct rally_status status;
	char path[4300];
	double from, took;
	size_t done = 0;
	ssize_t n;
	int fd;

	rally_status(io->rp, &status);
	snprintf(path, sizeof(path),
		 "%s/%04d-step-%d/rank-%05d-of-%05d.safetensors", io->dir,
		 (int)status.sequence, (int)status.saved_step, io->bench->rank,
		 io->bench->ranks);
	bench_barrier();
	from = bench_now();
	fd = open(path, O_RDONLY);
	if (fd < 0)
		bench_fail(path);
	while (done < io->size &&
	       (n = pread(fd, io->data + done,
			  io->size - done < CHUNK ? io->size - done : CHUNK,
			  (off_t)done)) > 0)
		done += (size_t)n;
	if (done != io->size)
		bench_fail("pread");
	took = bench_slowest(bench_now() - from);
	close(fd);
	return gb_per_s(io, took);
}

static double restore(struct io *io)
{
	int64_t step;
	double from;
	int how;

	bench_barrier();
	from = bench_now();
	bench_rally(io->rp, rally_restore(io->rp, &step, &how));
	if (step != io->step)
		bench_fail("restore");
	return gb_per_s(io, bench_slowest(bench_now() - from));
}

/* One run of both, the one or the other first. */
static void pair(struct io *io, int swap, double (*raw)(struct io *),
		 double (*ours)(struct io *), double *raw_value, double *value)
{
	if (swap)
		*value = ours(io);
	*raw_value = raw(io);
	if (!swap)
		*value = ours(io);
}

static void report(struct io *io, const char *name, const double *values,
		   const char *raw, const double *raw_values,
		   const char *where)
{
	int64_t bytes = (int64_t)io->size * io->bench->ranks;
	char line[40], against[40];

	snprintf(line, sizeof(line), "%s_%s", name, where);
	snprintf(against, sizeof(against), "%s_%s", raw, where);
	bench_line(io->bench, against, bytes, raw_values, 1, "GB/s", NULL,
		   NULL, NULL);
	bench_line(io->bench, line, bytes, values, 1, "GB/s", raw_values,
		   against, NULL);
}

static void open_io(struct io *io, const struct bench *bench, const char *dir)
{
	uint64_t x = UINT64_C(88172645463325252) + (unsigned)bench->rank;

	memset(io, 0, sizeof(*io));
	io->bench = bench;
	io->dir = dir;
	io->size = (size_t)(bench->bytes / bench->ranks) & ~(size_t)4095;
	io->memory = malloc(io->size + 2 * 4096);
	if (!io->memory)
		bench_fail("malloc");
	io->aligned = io->memory + (4096 - (uintptr_t)io->memory % 4096) % 4096;
	io->data = io->aligned + 16;
	for (size_t i = 0; i + 8 <= io->size; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(io->data + i, &x, 8);
	}
	io->rp = bench_open(MPI_COMM_WORLD, dir);
	bench_rally(io->rp, rally_add(io->rp, "data", io->data, RALLY_U8,
				      io->size));
}

void bench_save(const struct bench *bench, const char *where, const char *top,
		int with_restore)
{
	double saved[RUNS_MAX], written[RUNS_MAX];
	double restored[RUNS_MAX], got[RUNS_MAX];
	char dir[4096];
	struct io io;

	snprintf(dir, sizeof(dir), "%s/bench-%s", top, where);
	open_io(&io, bench, dir);
	io.where = where;
	io.direct = takes_direct(&io);
	/* The first run of each is for warmth. */
	for (int i = -1; i < bench->runs; i++) {
		int at = i < 0 ? 0 : i;

		io.step = i + 2;
		touch(&io);
		pair(&io, i & 1, raw_write, save, &written[at], &saved[at]);
	}
	report(&io, "save", saved, io.direct ? "raw_direct" : "raw_write",
	       written, where);
	for (int i = -1; with_restore && i < bench->runs; i++) {
		int at = i < 0 ? 0 : i;

		pair(&io, i & 1, raw_read, restore, &got[at], &restored[at]);
	}
	if (with_restore)
		report(&io, "restore", restored, "raw_read", got, where);
	bench_rally(NULL, rally_close(io.rp));
	free(io.memory);
}
