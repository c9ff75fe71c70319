/*
 * sys/out.h - a file that is written once, from its begin to its end
 *
 *     out = rp_out_create(io, path, size, RP_AUTO, staging, &err);
 *     rc = rp_out_put(out, data, bytes, &err);      until all of size is there
 *     rc = rp_out_finish(out, &err);                durable, or an error
 *     rp_out_abandon(out);                          after an error instead
 *
 * Two ways. Past the page cache (sys/flights.h): several writes under way, from
 * memory that is aligned for it, into which put() copies. Through the page cache: a
 * write for each put(), small ones together, with the writeback begun early, so that
 * little is left for the fsync. Which one follows from what the file system takes,
 * tried and not guessed, and from the size: small files are not worth the first, and
 * file systems in memory have nothing behind the cache.
 */
#ifndef RP_SYS_OUT_H
#define RP_SYS_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "base/options.h"
#include "sys/staging.h"

struct rp_out;

/* An old file to be written again in place of a new one, see rp_pool_open(). */
struct rp_reuse {
	char *old;		/* NULL: none */
	int sure;
};

/* Creates `path`, which must not exist, for `size` bytes, or takes the file of
 * `reuse` (NULL: none) for it. `direct`: RP_YES past the page cache where that can
 * be done at all, RP_NO never, RP_AUTO where it is the better one. `staging` may be
 * NULL: then memory is had for this file alone. `path` and `staging` are borrowed.
 * NULL on an error. */
struct rp_out *rp_out_create(struct rp_io *io, const char *path, uint64_t size,
			     const struct rp_reuse *reuse, enum rp_auto direct,
			     struct rp_staging *staging, struct rp_err *err);

/* Appends. The data is the caller's again at once. */
int rp_out_put(struct rp_out *out, const void *data, size_t size,
	       struct rp_err *err);

/* The same without a copy, where that can be done: *taken bytes, from none to all, of
 * memory that is not changed until rp_out_finish() or rp_out_abandon(). The rest is
 * for rp_out_put(). Worth it for huge pages alone, see sys/flights.h. */
int rp_out_lend(struct rp_out *out, const void *data, size_t size, size_t *taken,
		struct rp_err *err);

/* The same for what another file, open as `from`, holds at from_offset, without
 * moving a byte: both share the extents. *done is 0 where that failed, and -1 where
 * the file system can't at all: it is for rp_out_put() then. */
int rp_out_clone(struct rp_out *out, int from, int64_t from_offset, size_t size,
		 int *done, struct rp_err *err);

/* Waits for all of it, fsync and close; what out was is freed in any case. The
 * folder's fsync is the caller's. */
int rp_out_finish(struct rp_out *out, struct rp_err *err);

/* Frees it; the file stays as it is, half. NULL is allowed. */
void rp_out_abandon(struct rp_out *out);

/* 1 where it goes past the page cache. */
int rp_out_is_direct(const struct rp_out *out);

#endif
