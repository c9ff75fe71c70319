#include "base/io_queue.h"

#include <errno.h>
#include <stdlib.h>
#ifdef HAVE_URING
#include <liburing.h>
#endif

/* A transfer that was made at once waits here to be asked for. */
struct done {
	unsigned slot;
	ssize_t result;
};

struct rp_io_queue {
	struct rp_io *io;
	int fd;
	unsigned flying;
	int watched;
	unsigned n_done;
#ifdef HAVE_URING
	struct io_uring ring;
#endif
	struct done done[];
};

/*
 * io_uring
 */

#ifdef HAVE_URING
static int ring_open(struct rp_io_queue *queue, unsigned depth)
{
	int rc = io_uring_queue_init(depth, &queue->ring, 0);

	if (rc == 0)
		return 0;
	errno = -rc;
	return -1;
}

static int ring_submit(struct rp_io_queue *queue, struct io_uring_sqe *sqe,
		       unsigned slot)
{
	int rc;

	io_uring_sqe_set_data(sqe, (void *)(uintptr_t)slot);
	do
		rc = io_uring_submit(&queue->ring);
	while (rc == -EINTR || rc == -EAGAIN);
	if (rc >= 0)
		return 0;
	errno = -rc;
	return -1;
}

static int ring_write(struct rp_io_queue *queue, unsigned slot,
		      const void *data, size_t size, off_t offset)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&queue->ring);

	if (!sqe) {
		errno = EBUSY;
		return -1;
	}
	io_uring_prep_write(sqe, queue->fd, data, (unsigned)size,
			    (uint64_t)offset);
	return ring_submit(queue, sqe, slot);
}

static int ring_read(struct rp_io_queue *queue, unsigned slot, void *data,
		     size_t size, off_t offset)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&queue->ring);

	if (!sqe) {
		errno = EBUSY;
		return -1;
	}
	io_uring_prep_read(sqe, queue->fd, data, (unsigned)size,
			   (uint64_t)offset);
	return ring_submit(queue, sqe, slot);
}

static int ring_wait(struct rp_io_queue *queue, ssize_t *result)
{
	struct io_uring_cqe *cqe;
	unsigned slot;
	int rc;

	do
		rc = io_uring_wait_cqe(&queue->ring, &cqe);
	while (rc == -EINTR || rc == -EAGAIN);
	if (rc < 0) {
		errno = -rc;
		return -1;
	}
	slot = (unsigned)(uintptr_t)io_uring_cqe_get_data(cqe);
	*result = cqe->res;
	io_uring_cqe_seen(&queue->ring, cqe);
	return (int)slot;
}

static void ring_close(struct rp_io_queue *queue)
{
	io_uring_queue_exit(&queue->ring);
}
#else
static int ring_open(struct rp_io_queue *queue, unsigned depth)
{
	(void)queue;
	(void)depth;
	errno = ENOSYS;
	return -1;
}

static int ring_write(struct rp_io_queue *queue, unsigned slot,
		      const void *data, size_t size, off_t offset)
{
	(void)queue, (void)slot, (void)data, (void)size, (void)offset;
	return -1;
}

static int ring_read(struct rp_io_queue *queue, unsigned slot, void *data,
		     size_t size, off_t offset)
{
	(void)queue, (void)slot, (void)data, (void)size, (void)offset;
	return -1;
}

static int ring_wait(struct rp_io_queue *queue, ssize_t *result)
{
	(void)queue, (void)result;
	return -1;
}

static void ring_close(struct rp_io_queue *queue)
{
	(void)queue;
}
#endif

/*
 * The queue
 */

int rp_io_queue_open(struct rp_io_queue **out, struct rp_io *io, int fd,
		     unsigned depth)
{
	struct rp_io_queue *queue = calloc(1, sizeof(*queue) +
						      depth * sizeof(struct done));

	*out = NULL;
	if (!queue)
		return -1;
	queue->io = io;
	queue->fd = fd;
	queue->watched = rp_io_watched(io);
	if (!queue->watched && ring_open(queue, depth) != 0) {
		int saved = errno;

		free(queue);
		errno = saved;
		return -1;
	}
	*out = queue;
	return 0;
}

static void keep_result(struct rp_io_queue *queue, unsigned slot,
			ssize_t result)
{
	struct done *done = &queue->done[queue->n_done++];

	done->slot = slot;
	done->result = result < 0 ? -errno : result;
}

int rp_io_queue_write(struct rp_io_queue *queue, unsigned slot,
		      const void *data, size_t size, off_t offset)
{
	if (queue->watched) {
		keep_result(queue, slot, rp_io_pwrite(queue->io, queue->fd,
						      data, size, offset));
		return 0;
	}
	if (rp_io_cancelled(queue->io)) {
		errno = ECANCELED;
		return -1;
	}
	if (ring_write(queue, slot, data, size, offset) != 0)
		return -1;
	queue->flying++;
	return 0;
}

int rp_io_queue_read(struct rp_io_queue *queue, unsigned slot, void *data,
		     size_t size, off_t offset)
{
	if (queue->watched) {
		keep_result(queue, slot, rp_io_pread(queue->io, queue->fd,
						     data, size, offset));
		return 0;
	}
	if (ring_read(queue, slot, data, size, offset) != 0)
		return -1;
	queue->flying++;
	return 0;
}

int rp_io_queue_wait(struct rp_io_queue *queue, ssize_t *result)
{
	int slot;

	if (queue->watched) {
		struct done first = queue->done[0];

		queue->n_done--;
		for (unsigned i = 0; i < queue->n_done; i++)
			queue->done[i] = queue->done[i + 1];
		*result = first.result;
		return (int)first.slot;
	}
	slot = ring_wait(queue, result);
	if (slot >= 0)
		queue->flying--;
	return slot;
}

void rp_io_queue_close(struct rp_io_queue *queue)
{
	ssize_t result;

	if (!queue)
		return;
	if (!queue->watched) {
		while (queue->flying > 0 &&
		       rp_io_queue_wait(queue, &result) >= 0)
			;
		ring_close(queue);
	}
	free(queue);
}
