/*
 * sys/in.h - a part of a file that is read once, from its begin to its end
 *
 *     in = rp_in_open(io, fd, path, from, size, RP_AUTO, staging, &err);
 *     rc = rp_in_next(in, memory, most, &data, &bytes, &err);  until all of size is had
 *     rp_in_close(in);
 *
 * The counterpart of sys/out.h, with its two ways. What lies on a disk is read past
 * the page cache: O_DIRECT, several reads under way ahead of the caller, into memory
 * that is aligned for it. What the page cache holds is read from there, which is
 * looked at for each chunk; and where O_DIRECT is not to be had, or not worth it,
 * the page cache reads ahead as far.
 */
#ifndef RP_SYS_IN_H
#define RP_SYS_IN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "base/options.h"
#include "sys/out.h"

struct rp_in;

/* `size` bytes from `from` on of the open regular file `fd`, which is as long at
 * least: nothing behind is asked for but the rest of its last page. `direct`:
 * RP_YES past the page cache where that can be done at all, whatever the cache
 * holds, RP_NO never, RP_AUTO as above. `fd`, `path` and `staging` (may be NULL)
 * are borrowed. Reads begin at once. NULL on an error. */
struct rp_in *rp_in_open(struct rp_io *io, int fd, const char *path,
			 uint64_t from, uint64_t size, enum rp_auto direct,
			 struct rp_staging *staging, struct rp_err *err);

/* The next bytes for `into`, at least one and `most` at most; there are as many. They
 * are read to there, and *data is `into`, where that is the faster way; else they
 * stay where they are until the next call, for the caller to copy. `into` may be NULL:
 * they are only to be looked at. */
int rp_in_next(struct rp_in *in, void *into, size_t most,
	       const unsigned char **data, size_t *size, struct rp_err *err);

/* Waits for what is under way, whatever comes of it. NULL is allowed. */
void rp_in_close(struct rp_in *in);

/* Bytes that came past the page cache so far. */
uint64_t rp_in_direct_bytes(const struct rp_in *in);

#endif
