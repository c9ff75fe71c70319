#include "sys/out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sys/disk.h"
#include "sys/flights.h"
#include "sys/pool.h"

#define SMALL ((uint64_t)8 << 20)	/* below: through the page cache */
#define GATHER ((size_t)128 << 10)	/* small ones become one write */
#define WRITEBACK ((int64_t)16 << 20)	/* begun after so many bytes */

struct rp_out {
	struct rp_io *io;
	const char *path;
	int fd;
	uint64_t size;		/* of the file */
	int64_t at;		/* end of what was put */
	int64_t written;	/* of it, where it goes through the page cache */
	int64_t begun;		/* likewise: writeback, up to here */
	struct rp_flights *flights;	/* NULL: through the page cache */
	struct rp_staging own, *staging;
};

/*
 * Through the page cache
 */

static int write_cached(struct rp_out *out, const void *data, size_t size,
			struct rp_err *err)
{
	int rc = rp_write_all(out->io, out->fd, data, size, out->written,
			      out->path, err);

	if (rc != 0)
		return rc;
	out->written += (int64_t)size;
	if (out->written - out->begun >= WRITEBACK) {
		rp_io_begin_writeback(out->io, out->fd, out->begun,
				      out->written - out->begun);
		out->begun = out->written;
	}
	return 0;
}

static int flush_cached(struct rp_out *out, struct rp_err *err)
{
	size_t size = (size_t)(out->at - out->written);

	return size ? write_cached(out, out->staging->memory, size, err) : 0;
}

/* Without memory to gather in each goes by itself. */
static int put_cached(struct rp_out *out, const void *data, size_t size,
		      struct rp_err *err)
{
	size_t held = (size_t)(out->at - out->written);
	int rc = 0;

	if (held + size > GATHER)
		rc = flush_cached(out, err);
	if (rc != 0)
		return rc;
	held = (size_t)(out->at - out->written);
	out->at += (int64_t)size;
	if (size >= GATHER || rp_staging_get(out->staging, GATHER) != 0)
		return write_cached(out, data, size, err);
	memcpy((unsigned char *)out->staging->memory + held, data, size);
	return 0;
}

/*
 * The file
 */

/* The file's length is a multiple of the alignment, so that its last write is
 * like all others. */
static int wants_direct(const struct rp_out *out, enum rp_auto direct)
{
	enum rp_disk disk = rp_disk_of(out->fd);

	if (direct == RP_NO || out->size % RP_DISK_ALIGN != 0 || out->size == 0 ||
	    disk == RP_DISK_MEMORY)
		return 0;
	return direct == RP_YES ||
	       (out->size >= SMALL && disk == RP_DISK_LOCAL);
}

/* Its space, before the first byte: a disk that is full is known then, and
 * writes that go on at the same time find their blocks. */
static int reserve(struct rp_out *out, uint64_t size, struct rp_err *err)
{
	int rc;

	do
		rc = rp_io_allocate(out->io, out->fd, (off_t)size);
	while (rc != 0 && errno == EINTR);
	if (rc == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	return rp_fail_errno(err, "allocate", out->path);
}

struct rp_out *rp_out_create(struct rp_io *io, const char *path, uint64_t size,
			     const struct rp_reuse *reuse, enum rp_auto direct,
			     struct rp_staging *staging, struct rp_err *err)
{
	struct rp_out *out = calloc(1, sizeof(*out));
	int allocated;

	if (!out) {
		rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
		return NULL;
	}
	out->io = io;
	out->path = path;
	out->size = size;
	out->staging = staging ? staging : &out->own;
	out->fd = rp_pool_open(io, reuse ? reuse->old : NULL,
			       reuse && reuse->sure, path, size, &allocated,
			       err);
	if (out->fd < 0) {
		free(out);
		return NULL;
	}
	if (wants_direct(out, direct))
		out->flights = rp_flights_open(io, out->fd, path, out->staging);
	if (out->flights && !allocated && reserve(out, size, err) != 0) {
		rp_out_abandon(out);
		return NULL;
	}
	return out;
}

int rp_out_put(struct rp_out *out, const void *data, size_t size,
	       struct rp_err *err)
{
	int64_t at = out->at;

	if (!out->flights)
		return put_cached(out, data, size, err);
	out->at += (int64_t)size;
	return rp_flights_put(out->flights, data, size, at, err);
}

int rp_out_lend(struct rp_out *out, const void *data, size_t size, size_t *taken,
		struct rp_err *err)
{
	int64_t at = out->at;

	*taken = 0;
	if (!out->flights || (uintptr_t)data % RP_DISK_ALIGN != 0 ||
	    at % RP_DISK_ALIGN != 0)
		return 0;
	*taken = size / RP_DISK_ALIGN * RP_DISK_ALIGN;
	out->at += (int64_t)*taken;
	return rp_flights_lend(out->flights, data, *taken, at, err);
}

/* EXDEV tells of two file systems, not that this one can't. */
static int can_not_share(int sys)
{
	return sys == EOPNOTSUPP || sys == EINVAL || sys == ENOTTY ||
	       sys == ENOSYS;
}

int rp_out_clone(struct rp_out *out, int from, int64_t from_offset, size_t size,
		 int *done, struct rp_err *err)
{
	int rc = out->flights ? rp_flights_turn(out->flights, err)
			      : flush_cached(out, err);

	*done = 0;
	if (rc != 0)
		return rc;
	do
		rc = rp_io_clone(out->io, out->fd, out->at, from, from_offset,
				 size);
	while (rc != 0 && errno == EINTR);
	/* That tells nothing of the other file. */
	if (rc != 0 && errno == ECANCELED)
		return rp_fail_errno(err, "clone", out->path);
	if (rc != 0) {
		*done = can_not_share(errno) ? -1 : 0;
		return 0;
	}
	*done = 1;
	out->at += (int64_t)size;
	out->written = out->at;
	return 0;
}

static void release(struct rp_out *out)
{
	rp_flights_close(out->flights);
	rp_staging_free(&out->own);
	free(out);
}

int rp_out_finish(struct rp_out *out, struct rp_err *err)
{
	int rc = out->flights ? rp_flights_drain(out->flights, err)
			      : flush_cached(out, err);

	/* In a file that is written over, a gap would be old bytes. */
	if (rc == 0 && (uint64_t)out->at != out->size)
		rc = rp_fail(err, RALLY_EIO, "%s: %lld bytes written, not %llu",
			     out->path, (long long)out->at,
			     (unsigned long long)out->size);
	if (rc != 0) {
		rp_out_abandon(out);
		return rc;
	}
	rc = rp_sync_close(out->io, out->fd, out->path, err);
	release(out);
	return rc;
}

void rp_out_abandon(struct rp_out *out)
{
	if (!out)
		return;
	rp_flights_close(out->flights);
	out->flights = NULL;
	rp_close_read(out->io, out->fd);
	release(out);
}

int rp_out_is_direct(const struct rp_out *out)
{
	return out->flights != NULL;
}
