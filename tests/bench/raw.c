/*
 * raw.c - the storage's own speed
 *
 * One file a rank, requests of 8 MiB, durable: past the page cache with eight under
 * way, or, where that is not to be had, one pwrite() after the other. New files get
 * their space first; in place it is that of a file written before. O_DIRECT goes from
 * and to a window of huge pages, which the disk is fastest with: a request of 4 KiB
 * pages is cut into many. The rest goes from and to the program's own memory, as
 * malloc() has it: the kernel copies to such memory at two thirds of its speed.
 */
#include "store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_URING
#include <liburing.h>
#endif

#define PAGE 4096u
#define REQUEST RAW_REQUEST
#define DEPTH RAW_DEPTH

enum op { READ, WRITE };

/* A stretch of a file. */
struct part {
	int fd;
	size_t at, size;
};

#ifdef HAVE_URING
/* What comes next of some parts, one after the other: the queue stays full where
 * one ends and the next begins. */
struct walk {
	const struct part *parts;
	int n, now;
	size_t done;		/* of parts[now] */
};

static struct part next(struct walk *w)
{
	const struct part *now;
	struct part piece;

	while (w->now < w->n && w->done == w->parts[w->now].size) {
		w->now++;
		w->done = 0;
	}
	if (w->now == w->n)
		return (struct part){ -1, 0, 0 };
	now = &w->parts[w->now];
	piece = (struct part){ now->fd, now->at + w->done,
			       now->size - w->done };
	if (piece.size > REQUEST)
		piece.size = REQUEST;
	w->done += piece.size;
	return piece;
}

/* Requests under way, each in its part of the window. */
struct requests {
	struct io_uring ring;
	int free[DEPTH], n_free;
	size_t want[DEPTH];
};

/* Past the page cache a length is one of whole pages, also at a file's end. */
static void submit(struct requests *r, enum op op, char *window,
		   const struct part *piece)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);
	int slot = r->free[--r->n_free];
	char *data = window + (size_t)slot * REQUEST;
	unsigned whole = (unsigned)(piece->size + PAGE - 1) & ~(PAGE - 1);

	if (!sqe)
		bench_fail("io_uring_get_sqe");
	if (op == WRITE)
		io_uring_prep_write(sqe, piece->fd, data, whole, piece->at);
	else
		io_uring_prep_read(sqe, piece->fd, data, whole, piece->at);
	r->want[slot] = piece->size;
	sqe->user_data = (unsigned)slot;
	if (io_uring_submit(&r->ring) < 0)
		bench_fail("io_uring_submit");
}

static void await(struct requests *r)
{
	struct io_uring_cqe *cqe;

	if (io_uring_wait_cqe(&r->ring, &cqe) != 0 || cqe->res < 0 ||
	    (size_t)cqe->res < r->want[cqe->user_data])
		bench_fail("a transfer past the page cache");
	r->free[r->n_free++] = (int)cqe->user_data;
	io_uring_cqe_seen(&r->ring, cqe);
}

static int move_direct(enum op op, const struct part *parts, int n,
		       char *window)
{
	struct walk walk = { parts, n, 0, 0 };
	struct requests r = { .n_free = 0 };
	struct part piece = next(&walk);

	for (int i = 0; i < n; i++)
		if (fcntl(parts[i].fd, F_SETFL, O_DIRECT |
			  fcntl(parts[i].fd, F_GETFL)) != 0)
			return -1;
	if (io_uring_queue_init(DEPTH, &r.ring, 0) != 0)
		return -1;
	while (r.n_free < DEPTH) {
		r.free[r.n_free] = r.n_free;
		r.n_free++;
	}
	while (piece.size > 0 || r.n_free < DEPTH) {
		for (; r.n_free > 0 && piece.size > 0; piece = next(&walk))
			submit(&r, op, window, &piece);
		await(&r);
	}
	io_uring_queue_exit(&r.ring);
	return 0;
}
#else
static int move_direct(enum op op, const struct part *parts, int n,
		       char *window)
{
	(void)op, (void)parts, (void)n, (void)window;
	return -1;
}
#endif

static void move_plain(enum op op, const struct part *part, char *data)
{
	for (size_t at = 0; at < part->size;) {
		size_t left = part->size - at;
		size_t want = left < REQUEST ? left : REQUEST;
		off_t there = (off_t)(part->at + at);
		ssize_t n = op == WRITE ?
			pwrite(part->fd, data + at, want, there) :
			pread(part->fd, data + at, want, there);

		if (n <= 0)
			bench_fail(op == WRITE ? "pwrite" : "pread");
		at += (size_t)n;
	}
}

static void move(const struct store *store, enum op op, int direct,
		 const struct part *parts, int n)
{
	char *data = store->data;

	if (direct) {
		if (move_direct(op, parts, n, store->window) != 0)
			bench_fail("O_DIRECT");
		return;
	}
	for (int i = 0; i < n; data += parts[i++].size)
		move_plain(op, &parts[i], data);
}

/* Memory has none. */
int raw_takes_direct(const struct store *store)
{
	char path[PATH_SIZE];
	int fd, ok;

	store_path(store, "try", 1, path);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
	if (fd < 0)
		bench_fail(path);
	ok = strcmp(store->where, "tmpfs") != 0 &&
	     move_direct(WRITE, &(struct part){ fd, 0, PAGE }, 1,
			 store->window) == 0;
	close(fd);
	unlink(path);
	return ok;
}

static void write_file(const struct store *store, const char *path, int flags)
{
	int fd = open(path, O_WRONLY | flags, 0666);

	if (fd < 0)
		bench_fail(path);
	if (flags & O_CREAT && posix_fallocate(fd, 0, (off_t)store->size) != 0)
		bench_fail("posix_fallocate");
	move(store, WRITE, store->direct,
	     &(struct part){ fd, 0, store->size }, 1);
	if (fsync(fd) != 0 || close(fd) != 0)
		bench_fail("fsync");
	store_sync_folder(store->dir);
}

double raw_write_fresh(struct store *store, void *arg)
{
	char path[PATH_SIZE];
	double from, to;

	(void)arg;
	store_path(store, "raw-fresh", 1, path);
	bench_barrier();
	from = bench_now();
	write_file(store, path, O_CREAT | O_EXCL);
	to = bench_now();
	bench_barrier();
	unlink(path);
	return store_span(from, to);
}

double raw_write_place(struct store *store, void *arg)
{
	char path[PATH_SIZE];
	double from;

	(void)arg;
	store_path(store, "raw-place", 1, path);
	if (access(path, F_OK) != 0)
		write_file(store, path, O_CREAT | O_EXCL);
	bench_barrier();
	from = bench_now();
	write_file(store, path, 0);
	return store_span(from, bench_now());
}

/* What this rank reads of each file, size 0 for nothing. The files are one after the
 * other here, each in whole pages, so that no cut lies inside of one. */
static void share_out(const struct raw_read *how, struct part *parts)
{
	size_t sizes[RAW_FILES_MAX], pages = 0, from, to, begin = 0;
	struct stat st;

	for (int i = 0; i < how->n; i++) {
		if (stat(how->paths[i], &st) != 0)
			bench_fail(how->paths[i]);
		sizes[i] = (size_t)st.st_size;
		pages += (sizes[i] + PAGE - 1) / PAGE;
	}
	from = pages * (size_t)how->share / (size_t)how->shares * PAGE;
	to = pages * (size_t)(how->share + 1) / (size_t)how->shares * PAGE;
	for (int i = 0; i < how->n; i++) {
		size_t first = from > begin ? from - begin : 0;
		size_t last = to > begin ? to - begin : 0;

		last = last < sizes[i] ? last : sizes[i];
		parts[i] = (struct part){ -1, first,
					  first < last ? last - first : 0 };
		begin += (sizes[i] + PAGE - 1) / PAGE * PAGE;
	}
}

static int open_parts(const struct raw_read *how, struct part *parts)
{
	int n = 0;

	for (int i = 0; i < how->n; i++) {
		if (parts[i].size == 0)
			continue;
		parts[n] = parts[i];
		parts[n].fd = open(how->paths[i], O_RDONLY);
		if (parts[n++].fd < 0)
			bench_fail(how->paths[i]);
	}
	return n;
}

double raw_read(struct store *store, void *arg)
{
	const struct raw_read *how = arg;
	struct part parts[RAW_FILES_MAX];
	size_t all = 0;
	double from;
	int n;

	if (how->direct && !store->direct)
		return -1;
	share_out(how, parts);
	for (int i = 0; i < how->n; i++)
		all += parts[i].size;
	if (all > store->room - (size_t)(store->data - store->memory))
		bench_fail(how->paths[0]);
	bench_barrier();
	from = bench_now();
	n = open_parts(how, parts);
	move(store, READ, how->direct, parts, n);
	while (n > 0)
		close(parts[--n].fd);
	return store_span(from, bench_now());
}
