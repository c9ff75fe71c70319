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

#define REQUEST RAW_REQUEST
#define DEPTH RAW_DEPTH

enum op { READ, WRITE };

#ifdef HAVE_URING
/* Requests under way, each in its part of the window. */
struct requests {
	struct io_uring ring;
	int free[DEPTH], n_free;
	size_t want[DEPTH];
};

static void submit(struct requests *r, enum op op, int fd, char *window,
		   size_t want, size_t at)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);
	int slot = r->free[--r->n_free];
	char *data = window + (size_t)slot * REQUEST;

	if (!sqe)
		bench_fail("io_uring_get_sqe");
	if (op == WRITE)
		io_uring_prep_write(sqe, fd, data, (unsigned)want, at);
	else
		io_uring_prep_read(sqe, fd, data, (unsigned)want, at);
	r->want[slot] = want;
	sqe->user_data = (unsigned)slot;
	if (io_uring_submit(&r->ring) < 0)
		bench_fail("io_uring_submit");
}

static void await(struct requests *r)
{
	struct io_uring_cqe *cqe;

	if (io_uring_wait_cqe(&r->ring, &cqe) != 0 || cqe->res < 0 ||
	    (size_t)cqe->res != r->want[cqe->user_data])
		bench_fail("a transfer past the page cache");
	r->free[r->n_free++] = (int)cqe->user_data;
	io_uring_cqe_seen(&r->ring, cqe);
}

static int move_direct(enum op op, int fd, char *window, size_t size)
{
	int flags = fcntl(fd, F_GETFL);
	struct requests r = { .n_free = 0 };
	size_t at = 0;

	if (fcntl(fd, F_SETFL, flags | O_DIRECT) != 0 ||
	    io_uring_queue_init(DEPTH, &r.ring, 0) != 0)
		return -1;
	while (r.n_free < DEPTH) {
		r.free[r.n_free] = r.n_free;
		r.n_free++;
	}
	while (at < size || r.n_free < DEPTH) {
		while (r.n_free > 0 && at < size) {
			size_t want = size - at < REQUEST ? size - at : REQUEST;

			submit(&r, op, fd, window, want, at);
			at += want;
		}
		await(&r);
	}
	io_uring_queue_exit(&r.ring);
	return 0;
}
#else
static int move_direct(enum op op, int fd, char *window, size_t size)
{
	(void)op, (void)fd, (void)window, (void)size;
	return -1;
}
#endif

static void move_plain(enum op op, int fd, char *data, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t want = size - at < REQUEST ? size - at : REQUEST;
		ssize_t n = op == WRITE ? pwrite(fd, data + at, want, (off_t)at)
					: pread(fd, data + at, want, (off_t)at);

		if (n <= 0)
			bench_fail(op == WRITE ? "pwrite" : "pread");
		at += (size_t)n;
	}
}

static void move(const struct store *store, enum op op, int direct, int fd,
		 size_t size)
{
	if (!direct)
		move_plain(op, fd, store->data, size);
	else if (move_direct(op, fd, store->window, size) != 0)
		bench_fail("O_DIRECT");
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
	     move_direct(WRITE, fd, store->window, 4096) == 0;
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
	move(store, WRITE, store->direct, fd, store->size);
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

double raw_read(struct store *store, void *arg)
{
	const struct raw_read *how = arg;
	struct stat st;
	double from;
	int fd;

	if (how->direct && !store->direct)
		return -1;
	bench_barrier();
	from = bench_now();
	fd = open(how->path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) != 0 ||
	    (size_t)st.st_size > store->room - (size_t)(store->data - store->memory))
		bench_fail(how->path);
	move(store, READ, how->direct, fd, (size_t)st.st_size);
	close(fd);
	return store_span(from, bench_now());
}
