#include "sys/flights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/copy.h"
#include "base/io_queue.h"
#include "sys/disk.h"

#define CHUNK ((size_t)4 << 20)	/* of staging memory, to a write: the most */
#define DEPTH 8			/* writes under way */

/* One write. */
struct flight {
	unsigned char *chunk;	/* of the staging memory */
	const unsigned char *from;	/* that, or the caller's memory */
	size_t size;
	size_t done;		/* of it, written */
	int64_t offset;
	int flying;
	int direct;		/* sent past the page cache */
};

struct rp_flights {
	struct rp_io *io;
	const char *path;
	int fd;
	struct rp_io_queue *queue;
	int direct;		/* with O_DIRECT, still */
	struct flight v[DEPTH];
	unsigned filling;	/* the one that is sent next; put() fills it */
	unsigned flying;
	size_t chunk;		/* bytes */
};

/* 0, or -1: then the file is as it was. */
static int open_queue(struct rp_flights *f, struct rp_staging *staging)
{
	int flags = fcntl(f->fd, F_GETFL);

	if (flags < 0 || fcntl(f->fd, F_SETFL, flags | O_DIRECT) != 0)
		return -1;
	f->chunk = rp_staging_share(staging, DEPTH, CHUNK);
	if (rp_staging_get(staging, DEPTH * f->chunk) == 0 &&
	    rp_io_queue_open(&f->queue, f->io, f->fd, DEPTH) == 0)
		return 0;
	(void)fcntl(f->fd, F_SETFL, flags);
	return -1;
}

struct rp_flights *rp_flights_open(struct rp_io *io, int fd, const char *path,
				   struct rp_staging *staging)
{
	struct rp_flights *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->io = io;
	f->fd = fd;
	f->path = path;
	if (open_queue(f, staging) != 0) {
		free(f);
		return NULL;
	}
	for (unsigned i = 0; i < DEPTH; i++)
		f->v[i].chunk = (unsigned char *)staging->memory + i * f->chunk;
	f->direct = 1;
	return f;
}

void rp_flights_close(struct rp_flights *f)
{
	if (f)
		rp_io_queue_close(f->queue);
	free(f);
}

static int send(struct rp_flights *f, unsigned slot, struct rp_err *err)
{
	struct flight *flight = &f->v[slot];

	rp_copy_done();
	if (rp_io_queue_write(f->queue, slot, flight->from + flight->done,
			      flight->size - flight->done,
			      flight->offset + (int64_t)flight->done) != 0)
		return rp_fail_errno(err, "write", f->path);
	flight->flying = 1;
	flight->direct = f->direct;
	f->flying++;
	return 0;
}

/* A file system may take the flag and no write with it, or none where we align it
 * (blocks of more than a page). */
static int drop_direct(struct rp_flights *f)
{
	int flags = fcntl(f->fd, F_GETFL);

	f->direct = 0;
	return flags >= 0 && fcntl(f->fd, F_SETFL, flags & ~O_DIRECT) == 0;
}

/* Whether to send again what was answered so. Others under way were sent with the
 * flag too. */
static int may_go_on(struct rp_flights *f, const struct flight *flight, ssize_t n)
{
	if (n > 0 || n == -EINTR || n == -EAGAIN)
		return 1;
	return n == -EINVAL && flight->direct && drop_direct(f);
}

/* Takes the end of one write, and sends the rest of it where it came short: from
 * where O_DIRECT can go on. */
static int hear(struct rp_flights *f, struct rp_err *err)
{
	ssize_t n;
	int slot = rp_io_queue_wait(f->queue, &n);
	struct flight *flight;

	if (slot < 0)
		return rp_fail_errno(err, "wait for writes", f->path);
	flight = &f->v[slot];
	flight->flying = 0;
	f->flying--;
	if (!may_go_on(f, flight, n)) {
		errno = n < 0 ? (int)-n : ENOSPC;
		return rp_fail_errno(err, "write", f->path);
	}
	if (n > 0)
		flight->done += (size_t)n == flight->size - flight->done
					? (size_t)n
					: (size_t)n / RP_DISK_ALIGN * RP_DISK_ALIGN;
	if (flight->done == flight->size)
		return 0;
	return send(f, (unsigned)slot, err);
}

/* Sends the flight that is ready, and finds another that is free. */
static int turn(struct rp_flights *f, struct rp_err *err)
{
	int rc = send(f, f->filling, err);

	if (rc != 0)
		return rc;
	f->filling = (f->filling + 1) % DEPTH;
	while (rc == 0 && f->v[f->filling].flying)
		rc = hear(f, err);
	f->v[f->filling].size = 0;
	f->v[f->filling].done = 0;
	return rc;
}

int rp_flights_drain(struct rp_flights *f, struct rp_err *err)
{
	int rc = f->v[f->filling].size > 0 ? turn(f, err) : 0;

	while (rc == 0 && f->flying > 0)
		rc = hear(f, err);
	return rc;
}

int rp_flights_turn(struct rp_flights *f, struct rp_err *err)
{
	return f->v[f->filling].size > 0 ? turn(f, err) : 0;
}

int rp_flights_put(struct rp_flights *f, const void *data, size_t size, int64_t at,
		   struct rp_err *err)
{
	const unsigned char *from = data;
	int rc = 0;

	while (rc == 0 && size > 0) {
		struct flight *flight = &f->v[f->filling];
		size_t room = f->chunk - flight->size;
		size_t n = size < room ? size : room;

		if (flight->size == 0) {
			flight->from = flight->chunk;
			flight->offset = at;
		}
		rp_copy_past_cache(flight->chunk + flight->size, from, n);
		flight->size += n;
		at += (int64_t)n;
		from += n;
		size -= n;
		if (flight->size == f->chunk)
			rc = turn(f, err);
	}
	return rc;
}

int rp_flights_lend(struct rp_flights *f, const void *data, size_t size, int64_t at,
		    struct rp_err *err)
{
	const unsigned char *from = data;
	int rc = rp_flights_turn(f, err);

	while (rc == 0 && size > 0) {
		struct flight *flight = &f->v[f->filling];

		flight->from = from;
		flight->offset = at;
		flight->size = size < f->chunk ? size : f->chunk;
		from += flight->size;
		at += (int64_t)flight->size;
		size -= flight->size;
		rc = turn(f, err);
	}
	return rc;
}
