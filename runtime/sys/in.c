#include "sys/in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/io_queue.h"
#include "sys/disk.h"

#define CHUNK ((size_t)4 << 20)	/* of one read: the most */
#define DEPTH 8			/* chunks under way, and one that is consumed */
#define SMALL ((uint64_t)8 << 20)	/* below: through the page cache */
#define PIECE ((size_t)1 << 20)	/* of a read from the cache: the most */
#define FEW ((size_t)32 << 10)	/* bytes that are not worth a call */
#define LINE 64			/* bytes, of the processor's cache */

/* A stretch of the file, from when its read begins until it is consumed. */
struct chunk {
	enum { CACHED, FLYING, READY } state;
	int64_t from;
	size_t size;
	size_t done;		/* of it, in memory */
};

struct rp_in {
	struct rp_io *io;
	const char *path;
	int fd;
	int direct_fd;		/* the same file with O_DIRECT, -1: none */
	int64_t at, end;	/* of the caller */
	int64_t begun;		/* chunks, up to here */
	struct chunk chunks[DEPTH];
	unsigned current;	/* the one that `at` lies in */
	unsigned flying;
	size_t chunk;		/* bytes */
	int may_direct;		/* an own descriptor is had when one is needed */
	int has_cache;		/* that may hold a part, and reads ahead */
	int look;		/* into it, for each chunk */
	struct rp_io_queue *queue;
	struct rp_staging own, *staging;
	unsigned char *bounce;	/* a piece out of the cache, */
	int64_t held, held_end;	/* from here to here */
	uint64_t direct_bytes;
};

/*
 * Past the page cache
 */

/* A second descriptor, since the flag is the descriptor's. Behind the path there
 * may be another file by now. */
static int open_again(struct rp_in *in)
{
	struct stat mine, other;
	int fd;

	do
		fd = rp_io_open(in->io, AT_FDCWD, in->path,
				O_RDONLY | O_DIRECT | O_NOFOLLOW | O_NONBLOCK);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -1;
	if (rp_io_fstat(in->io, in->fd, &mine) == 0 &&
	    rp_io_fstat(in->io, fd, &other) == 0 &&
	    mine.st_dev == other.st_dev && mine.st_ino == other.st_ino)
		return fd;
	rp_close_read(in->io, fd);
	return -1;
}

static void drop_direct(struct rp_in *in)
{
	in->may_direct = 0;
	rp_io_queue_close(in->queue);
	in->queue = NULL;
	if (in->direct_fd >= 0)
		rp_close_read(in->io, in->direct_fd);
	in->direct_fd = -1;
}

/* Had with the first chunk that wants it. */
static int has_direct(struct rp_in *in)
{
	if (!in->may_direct || in->queue)
		return in->may_direct;
	in->direct_fd = open_again(in);
	if (in->direct_fd < 0 ||
	    rp_staging_get(in->staging, DEPTH * in->chunk) != 0 ||
	    rp_io_queue_open(&in->queue, in->io, in->direct_fd, DEPTH) != 0)
		drop_direct(in);
	return in->may_direct;
}

static unsigned char *memory_of(const struct rp_in *in, unsigned slot)
{
	return (unsigned char *)in->staging->memory + slot * in->chunk;
}

/* Whole pages: the file may end within the last one. */
static int send(struct rp_in *in, unsigned slot, struct rp_err *err)
{
	struct chunk *chunk = &in->chunks[slot];
	size_t whole = (chunk->size + RP_DISK_ALIGN - 1) / RP_DISK_ALIGN *
		       RP_DISK_ALIGN;

	if (rp_io_queue_read(in->queue, slot,
			     memory_of(in, slot) + chunk->done,
			     whole - chunk->done,
			     chunk->from + (int64_t)chunk->done) != 0)
		return rp_fail_errno(err, "read", in->path);
	chunk->state = FLYING;
	in->flying++;
	return 0;
}

/* What O_DIRECT would not read, and where the file ends too soon: the plain read
 * tells, or has it. */
static int read_rest(struct rp_in *in, unsigned slot, struct rp_err *err)
{
	struct chunk *chunk = &in->chunks[slot];

	chunk->state = READY;
	return rp_read_all(in->io, in->fd, memory_of(in, slot) + chunk->done,
			   chunk->size - chunk->done,
			   chunk->from + (int64_t)chunk->done, in->path, err);
}

/* Takes the end of one read, and sends the rest of it where it came short: from
 * where O_DIRECT can go on. */
static int hear(struct rp_in *in, struct rp_err *err)
{
	ssize_t n;
	int slot = rp_io_queue_wait(in->queue, &n);
	struct chunk *chunk;

	if (slot < 0)
		return rp_fail_errno(err, "wait for reads of", in->path);
	chunk = &in->chunks[slot];
	in->flying--;
	if (n < 0 && n != -EINTR && n != -EAGAIN && n != -EINVAL &&
	    n != -EOPNOTSUPP) {
		chunk->state = READY;
		errno = (int)-n;
		return rp_fail_errno(err, "read", in->path);
	}
	if (n > 0 && (size_t)n >= chunk->size - chunk->done) {
		chunk->state = READY;
		chunk->done = chunk->size;
		in->direct_bytes += chunk->size;
		return 0;
	}
	if (n > 0)
		chunk->done += (size_t)n / RP_DISK_ALIGN * RP_DISK_ALIGN;
	if (n >= (ssize_t)RP_DISK_ALIGN || n == -EINTR || n == -EAGAIN)
		return send(in, (unsigned)slot, err);
	if (n < 0)
		in->may_direct = 0;
	return read_rest(in, (unsigned)slot, err);
}

/*
 * Chunks
 */

static int is_cached(const struct rp_in *in, const struct chunk *chunk)
{
	size_t cached;

	if (!in->look)
		return 0;
	cached = rp_io_cached(in->io, in->fd, chunk->from, chunk->size);
	return cached >= chunk->size / 8 * 7;
}

/* The next one, in a slot that is free. */
static int begin_chunk(struct rp_in *in, unsigned slot, struct rp_err *err)
{
	struct chunk *chunk = &in->chunks[slot];
	uint64_t rest = (uint64_t)(in->end - in->begun);

	chunk->state = CACHED;
	chunk->from = in->begun;
	chunk->size = rest < in->chunk ? (size_t)rest : in->chunk;
	chunk->done = 0;
	in->begun += (int64_t)chunk->size;
	if (chunk->size == 0 || !in->has_cache || is_cached(in, chunk))
		return 0;
	if (has_direct(in))
		return send(in, slot, err);
	rp_io_begin_read(in->io, in->fd, chunk->from, chunk->size);
	return 0;
}

/* Makes the chunk of the next byte the current one, read if it is not to be read
 * from the cache; *left is what it still has. */
static int find_chunk(struct rp_in *in, size_t *left, struct rp_err *err)
{
	struct chunk *chunk = &in->chunks[in->current];
	int rc = 0;

	if (in->at == in->end)
		return rp_fail(err, RALLY_EIO,
			       "read %s: nothing behind byte %lld was to be "
			       "read", in->path, (long long)in->at);
	if (in->at == chunk->from + (int64_t)chunk->size) {
		rc = begin_chunk(in, in->current, err);
		in->current = (in->current + 1) % DEPTH;
		chunk = &in->chunks[in->current];
	}
	while (rc == 0 && chunk->state == FLYING)
		rc = hear(in, err);
	*left = (size_t)(chunk->from + (int64_t)chunk->size - in->at);
	return rc;
}

/*
 * The file
 */

/* The first chunk begins where a page does. */
struct rp_in *rp_in_open(struct rp_io *io, int fd, const char *path,
			 uint64_t from, uint64_t size, enum rp_auto direct,
			 struct rp_staging *staging, struct rp_err *err)
{
	struct rp_in *in = calloc(1, sizeof(*in));
	enum rp_disk disk = rp_disk_of(fd);
	int rc = 0;

	if (!in) {
		rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
		return NULL;
	}
	in->io = io;
	in->path = path;
	in->fd = fd;
	in->direct_fd = -1;
	in->at = (int64_t)from;
	in->end = (int64_t)(from + size);
	in->begun = in->at / RP_DISK_ALIGN * RP_DISK_ALIGN;
	in->has_cache = disk != RP_DISK_MEMORY;
	in->look = in->has_cache && direct != RP_YES;
	in->may_direct = in->has_cache && direct != RP_NO &&
			 (direct == RP_YES ||
			  (size >= SMALL && disk == RP_DISK_LOCAL));
	in->staging = staging ? staging : &in->own;
	in->chunk = rp_staging_share(in->staging, DEPTH, CHUNK);
	for (unsigned i = 0; rc == 0 && i < DEPTH; i++)
		rc = begin_chunk(in, i, err);
	if (rc == 0)
		return in;
	rp_in_close(in);
	return NULL;
}

/* The next piece of what is cached, unless it is had already; *left is what remains
 * of it. */
static int hold_piece(struct rp_in *in, size_t *left, struct rp_err *err)
{
	size_t size = *left < PIECE ? *left : PIECE;
	int rc;

	if (in->at >= in->held && in->at < in->held_end) {
		*left = (size_t)(in->held_end - in->at);
		return 0;
	}
	if (!in->bounce && !(in->bounce = aligned_alloc(RP_DISK_ALIGN, PIECE)))
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory", in->path);
	in->held_end = in->held;
	rc = rp_read_all(in->io, in->fd, in->bounce, size, in->at, in->path,
			 err);
	if (rc != 0)
		return rc;
	in->held = in->at;
	in->held_end = in->at + (int64_t)size;
	*left = size;
	return 0;
}

/* The kernel copies at half its speed to memory that lies askew to the page, as
 * malloc() has it: then it is faster to have it copy to where both are straight. */
static int goes_straight(const struct rp_in *in, const void *into, size_t size)
{
	return into && size >= FEW &&
	       (uintptr_t)into % LINE == (uintptr_t)in->at % LINE &&
	       (in->at < in->held || in->at >= in->held_end);
}

static int next_cached(struct rp_in *in, void *into, size_t most,
		       const unsigned char **data, size_t *size,
		       struct rp_err *err)
{
	size_t want = *size < most ? *size : most;
	int rc;

	if (goes_straight(in, into, want)) {
		*size = want < PIECE ? want : PIECE;
		*data = into;
		return rp_read_all(in->io, in->fd, into, *size, in->at,
				   in->path, err);
	}
	rc = hold_piece(in, size, err);
	*data = in->bounce + (in->at - in->held);
	return rc;
}

int rp_in_next(struct rp_in *in, void *into, size_t most,
	       const unsigned char **data, size_t *size, struct rp_err *err)
{
	int rc = find_chunk(in, size, err);
	const struct chunk *chunk = &in->chunks[in->current];

	if (rc == 0 && chunk->state == CACHED)
		rc = next_cached(in, into, most, data, size, err);
	else if (rc == 0)
		*data = memory_of(in, in->current) + (in->at - chunk->from);
	if (rc != 0)
		return rc;
	if (*size > most)
		*size = most;
	in->at += (int64_t)*size;
	return 0;
}

void rp_in_close(struct rp_in *in)
{
	if (!in)
		return;
	/* The kernel writes to the staging memory until it is through. */
	drop_direct(in);
	rp_staging_free(&in->own);
	free(in->bounce);
	free(in);
}

uint64_t rp_in_direct_bytes(const struct rp_in *in)
{
	return in->direct_bytes;
}
