#include "sys/out.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/io_queue.h"
#include "sys/pool.h"

#define ALIGN ((size_t)4096)	/* of memory, offset and size for O_DIRECT */
#define CHUNK ((size_t)4 << 20)	/* of staging memory, to a write: the most */
#define SHARE_MIN ((size_t)64 << 10)
#define LENT ((size_t)8 << 20)	/* of one write from memory that is lent */
#define DEPTH 8			/* writes under way */
#define SMALL ((uint64_t)8 << 20)	/* below: through the page cache */
#define GATHER ((size_t)128 << 10)	/* small ones become one write */
#define WRITEBACK ((int64_t)16 << 20)	/* begun after so many bytes */

/* One write. */
struct flight {
	const unsigned char *from;	/* what is written: lent, or its chunk */
	unsigned char *chunk;		/* of the staging memory */
	size_t size;
	size_t done;		/* of it, written */
	int64_t offset;
	int flying;
	int direct;		/* sent past the page cache */
};

struct rp_out {
	struct rp_io *io;
	const char *path;
	int fd;
	uint64_t size;		/* of the file */
	int64_t at;		/* end of what was put */
	int64_t written;	/* of it, where it goes through the page cache */
	int64_t begun;		/* likewise: writeback, up to here */
	struct rp_io_queue *queue;	/* NULL: through the page cache */
	int direct;		/* with O_DIRECT, still */
	struct flight flights[DEPTH];
	unsigned filling;	/* the one that is sent next; put() fills it */
	unsigned flying;
	size_t chunk;		/* bytes */
	struct rp_staging own, *staging;
};

void rp_staging_free(struct rp_staging *staging)
{
	if (staging->memory)
		munmap(staging->memory, staging->size);
	staging->memory = NULL;
	staging->size = 0;
}

/* A quarter of the limit: there are other buffers than these. */
size_t rp_staging_share(const struct rp_staging *staging, unsigned parts,
			size_t most)
{
	size_t size = most;

	if (staging->limit / 4 / parts < size && staging->limit > 0)
		size = staging->limit / 4 / parts / ALIGN * ALIGN;
	return size > SHARE_MIN ? size : SHARE_MIN;
}

/* In huge pages, where the kernel has some: their first touch is faster. */
int rp_staging_get(struct rp_staging *staging, size_t size)
{
	if (staging->size >= size &&
	    (staging->limit == 0 || staging->size <= staging->limit))
		return 0;
	rp_staging_free(staging);
	staging->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (staging->memory == MAP_FAILED) {
		staging->memory = NULL;
		return -1;
	}
	staging->size = size;
	(void)madvise(staging->memory, size, MADV_HUGEPAGE);
	return 0;
}

/*
 * Past the page cache
 */

/* Parallel file systems on a network (Lustre, GPFS) are like disks; these may take
 * O_DIRECT and then do one write at a time, or none of it. */
static int behind_server(const struct statfs *fs)
{
	static const unsigned long types[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,
					       CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
					       FUSE_SUPER_MAGIC, V9FS_MAGIC,
					       AFS_FS_MAGIC };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((unsigned long)fs->f_type == types[i])
			return 1;
	return 0;
}

/* The file's length is a multiple of the alignment, so that its last write is
 * like all others. */
static int wants_direct(const struct rp_out *out, uint64_t size,
			enum rp_auto direct)
{
	struct statfs fs;

	if (direct == RP_NO || size % ALIGN != 0 || size == 0 ||
	    fstatfs(out->fd, &fs) != 0 || fs.f_type == TMPFS_MAGIC ||
	    fs.f_type == RAMFS_MAGIC)
		return 0;
	return direct == RP_YES || (size >= SMALL && !behind_server(&fs));
}

/* 0 where this file can't be written so; nothing has happened to it then. */
static int open_direct(struct rp_out *out)
{
	int flags = fcntl(out->fd, F_GETFL);

	if (flags < 0 || fcntl(out->fd, F_SETFL, flags | O_DIRECT) != 0)
		return 0;
	out->chunk = rp_staging_share(out->staging, DEPTH, CHUNK);
	if (rp_staging_get(out->staging, DEPTH * out->chunk) != 0 ||
	    rp_io_queue_open(&out->queue, out->io, out->fd, DEPTH) != 0) {
		(void)fcntl(out->fd, F_SETFL, flags);
		return 0;
	}
	for (unsigned i = 0; i < DEPTH; i++)
		out->flights[i].chunk = (unsigned char *)out->staging->memory +
					i * out->chunk;
	out->direct = 1;
	return 1;
}

static int send(struct rp_out *out, unsigned slot, struct rp_err *err)
{
	struct flight *flight = &out->flights[slot];

	rp_copy_done();
	if (rp_io_queue_write(out->queue, slot, flight->from + flight->done,
			      flight->size - flight->done,
			      flight->offset + (int64_t)flight->done) != 0)
		return rp_fail_errno(err, "write", out->path);
	flight->flying = 1;
	flight->direct = out->direct;
	out->flying++;
	return 0;
}

/* A file system may take the flag and no write with it, or none where we align it
 * (blocks of more than a page); and there is memory that can be read, but that no
 * disk can read from (of devices). */
static int drop_direct(struct rp_out *out)
{
	int flags = fcntl(out->fd, F_GETFL);

	out->direct = 0;
	return flags >= 0 && fcntl(out->fd, F_SETFL, flags & ~O_DIRECT) == 0;
}

/* Whether to send again what was answered so. Others under way were sent with the
 * flag too. */
static int may_go_on(struct rp_out *out, const struct flight *flight, ssize_t n)
{
	if (n > 0 || n == -EINTR || n == -EAGAIN)
		return 1;
	return (n == -EINVAL || n == -EFAULT) && flight->direct &&
	       drop_direct(out);
}

/* Takes the end of one write, and sends the rest of it where it came short: from
 * where O_DIRECT can go on. */
static int hear(struct rp_out *out, struct rp_err *err)
{
	ssize_t n;
	int slot = rp_io_queue_wait(out->queue, &n);
	struct flight *flight;

	if (slot < 0)
		return rp_fail_errno(err, "wait for writes", out->path);
	flight = &out->flights[slot];
	flight->flying = 0;
	out->flying--;
	if (!may_go_on(out, flight, n)) {
		errno = n < 0 ? (int)-n : ENOSPC;
		return rp_fail_errno(err, "write", out->path);
	}
	if (n > 0)
		flight->done += (size_t)n == flight->size - flight->done
					? (size_t)n
					: (size_t)n / ALIGN * ALIGN;
	if (flight->done == flight->size)
		return 0;
	return send(out, (unsigned)slot, err);
}

static int drain(struct rp_out *out, struct rp_err *err)
{
	int rc = 0;

	while (rc == 0 && out->flying > 0)
		rc = hear(out, err);
	return rc;
}

/* Sends the flight that is ready, and finds another that is free. */
static int turn(struct rp_out *out, struct rp_err *err)
{
	int rc = send(out, out->filling, err);

	if (rc != 0)
		return rc;
	out->filling = (out->filling + 1) % DEPTH;
	while (rc == 0 && out->flights[out->filling].flying)
		rc = hear(out, err);
	out->flights[out->filling].size = 0;
	out->flights[out->filling].done = 0;
	return rc;
}

static int put_direct(struct rp_out *out, const unsigned char *data,
		      size_t size, struct rp_err *err)
{
	int rc = 0;

	while (rc == 0 && size > 0) {
		struct flight *flight = &out->flights[out->filling];
		size_t room = out->chunk - flight->size;
		size_t n = size < room ? size : room;

		if (flight->size == 0) {
			flight->from = flight->chunk;
			flight->offset = out->at;
		}
		rp_copy_past_cache(flight->chunk + flight->size, data, n);
		flight->size += n;
		out->at += (int64_t)n;
		data += n;
		size -= n;
		if (flight->size == out->chunk)
			rc = turn(out, err);
	}
	return rc;
}

/* What put() has begun goes first, as it is. */
static int lend_direct(struct rp_out *out, const unsigned char *data,
		       size_t size, struct rp_err *err)
{
	struct flight *flight;
	int rc = 0;

	if (out->flights[out->filling].size > 0)
		rc = turn(out, err);
	if (rc != 0)
		return rc;
	flight = &out->flights[out->filling];
	flight->from = data;
	flight->size = size;
	flight->offset = out->at;
	out->at += (int64_t)size;
	return turn(out, err);
}

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
	if (wants_direct(out, size, direct) && open_direct(out) &&
	    !allocated && reserve(out, size, err) != 0) {
		rp_out_abandon(out);
		return NULL;
	}
	return out;
}

int rp_out_put(struct rp_out *out, const void *data, size_t size,
	       struct rp_err *err)
{
	return out->queue ? put_direct(out, data, size, err)
			  : put_cached(out, data, size, err);
}

int rp_out_lend(struct rp_out *out, const void *data, size_t size, size_t *taken,
		struct rp_err *err)
{
	size_t n = (size < LENT ? size : LENT) / ALIGN * ALIGN;

	*taken = 0;
	if (!out->queue || n == 0 || (uintptr_t)data % ALIGN != 0 ||
	    out->at % (int64_t)ALIGN != 0)
		return 0;
	*taken = n;
	return lend_direct(out, data, n, err);
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
	int rc = 0;

	*done = 0;
	if (!out->queue)
		rc = flush_cached(out, err);
	else if (out->flights[out->filling].size > 0)
		rc = turn(out, err);
	if (rc != 0)
		return rc;
	do
		rc = rp_io_clone(out->io, out->fd, out->at, from, from_offset,
				 size);
	while (rc != 0 && errno == EINTR);
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
	rp_io_queue_close(out->queue);
	rp_staging_free(&out->own);
	free(out);
}

int rp_out_finish(struct rp_out *out, struct rp_err *err)
{
	int rc = 0;

	if (out->queue && out->flights[out->filling].size > 0)
		rc = send(out, out->filling, err);
	if (rc == 0)
		rc = out->queue ? drain(out, err) : flush_cached(out, err);
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
	/* The kernel reads from the staging memory until it is through. */
	rp_io_queue_close(out->queue);
	out->queue = NULL;
	rp_close_read(out->io, out->fd);
	release(out);
}

int rp_out_is_direct(const struct rp_out *out)
{
	return out->queue != NULL;
}
