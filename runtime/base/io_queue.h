/*
 * base/io_queue.h - several transfers of one file under way at the same time
 *
 *     rp_io_queue_open(&queue, io, fd, 8);
 *     rp_io_queue_write(queue, slot, data, size, offset);    up to 8 times,
 *     rp_io_queue_read(queue, slot, data, size, offset);     or this
 *     slot = rp_io_queue_wait(queue, &result);               in any order
 *     rp_io_queue_close(queue);
 *
 * Through io_uring. Where a fault or a journal is wanted each is a plain pwrite()
 * or pread() instead, made when it is submitted, so that calls have an order and a
 * number. Results are those of these two: a short one is not an error.
 */
#ifndef RP_BASE_IO_QUEUE_H
#define RP_BASE_IO_QUEUE_H

#include "base/io.h"

struct rp_io_queue;

/* For `depth` transfers at a time. 0, or -1 with errno: ENOSYS or EPERM where there
 * is no io_uring here, ENOMEM. */
int rp_io_queue_open(struct rp_io_queue **queue, struct rp_io *io, int fd,
		     unsigned depth);

/* Starts one. `slot`, below the depth, is its name, and is not under way. The
 * memory is the queue's until it is waited for. 0, or -1 with errno: not
 * started. */
int rp_io_queue_write(struct rp_io_queue *queue, unsigned slot,
		      const void *data, size_t size, off_t offset);
int rp_io_queue_read(struct rp_io_queue *queue, unsigned slot, void *data,
		     size_t size, off_t offset);

/* Waits for one of those under way, of which there must be one. Its slot, and
 * *result: bytes, or the negative errno; or -1 with errno where the queue itself
 * fails, which leaves all of them under way. */
int rp_io_queue_wait(struct rp_io_queue *queue, ssize_t *result);

/* Waits for all that are under way, whatever comes of them. NULL is allowed. */
void rp_io_queue_close(struct rp_io_queue *queue);

#endif
