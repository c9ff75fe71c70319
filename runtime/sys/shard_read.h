/*
 * sys/shard_read.h - one shard that is being read: parts of its tensors, block by block
 *
 *     r = rp_shard_open(io, path, rank, &sum, &how, &progress, &err);
 *     rc = rp_shard_add(r, &part);               for each part, or rp_shard_add_all()
 *     rc = rp_shard_begin(r, &err);
 *     while (rc == 0 && rp_shard_left(r) > 0)
 *             rc = rp_shard_next(r, bytes, &err);
 *     rp_shard_close(r);
 *
 * Only blocks that hold something of a part are read, each once, in the order of the
 * file, and each is hashed; what of a part is long enough is read straight to its place.
 * When all is read, parts can be added again. For source.c and shard_read.c only.
 */
#ifndef RP_SYS_SHARD_READ_H
#define RP_SYS_SHARD_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/box.h"
#include "data/shard.h"
#include "sys/device_copy.h"
#include "sys/shard_io.h"

struct rp_part;

/* What is stored at byte `to` of a part's memory is not what is there: fails. */
typedef int rp_part_differs(const struct rp_part *part, uint64_t to,
			    struct rp_err *err);

/* A part of a tensor, and where it goes. */
struct rp_part {
	struct rp_runs runs;	/* `from` counts from the begin of the tensor until it
				   is added, then from the begin of the data */
	uint64_t begin, taken;	/* the first; bytes of the run that are read */
	unsigned char *memory;	/* at runs.to 0; NULL: on a GPU, */
	struct rp_upload *up;	/* in this region, from `offset` on (modulo 2^64) */
	size_t region;
	uint64_t offset;
	rp_part_differs *differs;	/* it is only compared; NULL: it is copied */
	int rank, other;	/* what `differs` tells of: this one's, and whose */
	void *arg;		/* is there */
};

/* Opens a shard and checks length, header and hash table against `sum`. `path` and what
 * `how` points to are borrowed. */
struct rp_shard_reader;
struct rp_shard_reader *
rp_shard_open(struct rp_io *io, const char *path, int rank,
	      const struct rp_shard_sum *sum, const struct rp_shard_how *how,
	      struct rp_progress *progress, struct rp_err *err);
void rp_shard_close(struct rp_shard_reader *reader);

struct rp_shard *rp_shard_header(struct rp_shard_reader *reader);

/* Wants a part of a tensor of the header's; or every block, to be checked. */
int rp_shard_add(struct rp_shard_reader *reader, const struct rp_tensor *tensor,
		 const struct rp_part *part, struct rp_err *err);
void rp_shard_add_all(struct rp_shard_reader *reader);

/* No more is wanted: which blocks are read for it. */
int rp_shard_begin(struct rp_shard_reader *reader, struct rp_err *err);
int rp_shard_next(struct rp_shard_reader *reader, uint64_t bytes,
		  struct rp_err *err);
uint64_t rp_shard_left(const struct rp_shard_reader *reader);

/* Bytes read so far, header and hash table included. */
uint64_t rp_shard_count(const struct rp_shard_reader *reader);

/* Between begins: lets go of the descriptor; it is had again where it is needed. */
void rp_shard_park(struct rp_shard_reader *reader);

/* The region's tensor, which must be as large; NULL: ELAYOUT names both. */
const struct rp_tensor *rp_shard_match(struct rp_shard_reader *reader,
				       const struct rp_region *region,
				       struct rp_err *err);

/*
 * Between shard_read.c, shard_blocks.c and shard_fill.c
 */

struct rp_shard_reader {
	struct rp_io *io;
	const char *path;
	struct rp_shard_how how;
	struct rp_progress *progress;
	int fd;			/* -1: parked */
	struct rp_shard shard;
	unsigned char *table;	/* block hashes as stored */
	struct rp_hasher *hasher;
	uint64_t read;		/* bytes */
	struct rp_err *err;	/* of the call that runs, or own */
	struct rp_err own;
	/* what is wanted */
	struct rp_part *parts;
	size_t n, room;
	struct rp_part **order;	/* by their first bytes */
	size_t first;		/* those before have all they want */
	unsigned char *blocks;	/* which are read; NULL: not begun */
	int all;
	uint64_t left;		/* bytes of them */
	uint64_t called;	/* blocks before are read ahead where that is needed */
	uint64_t at, until;	/* of the data: within the blocks that `in` reads */
	struct rp_in *in;	/* NULL: between two such stretches */
	/* the first that was found to differ in the block that is being read */
	const struct rp_part *odd;
	uint64_t odd_at;
};

/* Reads the next bytes, which end before `end` of the data, a block's; hashes them, and
 * puts them where they are wanted. */
int rp_shard_fill(struct rp_shard_reader *r, uint64_t end);

#endif
