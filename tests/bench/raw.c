/*
 * raw.c - the disk's own speed: past the page cache, 8 MiB requests, eight under
 *         way, into space that is there already
 */
#include "bench.h"

#include <fcntl.h>
#ifdef HAVE_URING
#include <liburing.h>
#endif

#define REQUEST ((size_t)8 << 20)
#define DEPTH 8

#ifdef HAVE_URING
static void submit(struct io_uring *ring, int fd, const char *data, size_t size,
		   size_t at)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	size_t want = size - at < REQUEST ? size - at : REQUEST;

	if (!sqe)
		bench_fail("io_uring_get_sqe");
	io_uring_prep_write(sqe, fd, data + at, (unsigned)want, at);
	sqe->user_data = want;
	if (io_uring_submit(ring) < 0)
		bench_fail("io_uring_submit");
}

static void await(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	if (io_uring_wait_cqe(ring, &cqe) != 0 || cqe->res < 0 ||
	    (uint64_t)cqe->res != cqe->user_data)
		bench_fail("a write past the page cache");
	io_uring_cqe_seen(ring, cqe);
}

int bench_raw_direct(int fd, const char *data, size_t size)
{
	int flags = fcntl(fd, F_GETFL), flying = 0;
	struct io_uring ring;
	size_t at = 0;

	if (fcntl(fd, F_SETFL, flags | O_DIRECT) != 0 ||
	    io_uring_queue_init(DEPTH, &ring, 0) != 0)
		return -1;
	if (posix_fallocate(fd, 0, (off_t)size) != 0)
		bench_fail("posix_fallocate");
	while (at < size || flying > 0) {
		for (; flying < DEPTH && at < size; at += REQUEST, flying++)
			submit(&ring, fd, data, size, at);
		await(&ring);
		flying--;
	}
	io_uring_queue_exit(&ring);
	return 0;
}
#else
int bench_raw_direct(int fd, const char *data, size_t size)
{
	(void)fd, (void)data, (void)size;
	return -1;
}
#endif
