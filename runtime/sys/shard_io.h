/*
 * sys/shard_io.h - shards and the program's files, from and to the disk
 */
#ifndef RP_SYS_SHARD_IO_H
#define RP_SYS_SHARD_IO_H

#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/progress.h"
#include "data/region.h"
#include "data/shard.h"
#include "sys/in.h"
#include "sys/out.h"
#include "sys/shard_base.h"

/* What the manifest holds of a shard. `hash` covers header, hash table and
 * what follows it, and by the table every byte; `content` is the hash of the
 * table alone, which does not depend on the step. */
struct rp_shard_sum {
	uint64_t bytes;
	struct rp_hash hash, content;
};

/* A core that is free for a helper thread. NULL in its place: there is none, and
 * everything is done inline. */
struct rp_topo;
struct rp_beside {
	const struct rp_topo *topo;
	int core;	/* hwloc's logical index, -1: not bound */
};

/* How a shard is written or read; NULL for it is all zeros. */
struct rp_shard_how {
	const struct rp_beside *beside;
	enum rp_auto direct;		/* sys/out.h, sys/in.h */
	struct rp_staging *staging;	/* likewise; NULL: none that is kept */
	struct rp_layout *layout;	/* data/shard.h; NULL: likewise */
	struct rp_shard_base *base;	/* sys/shard_base.h; NULL: all is written */
	struct rp_reuse reuse;		/* sys/out.h; all zeros: a new file */
	int lend;			/* the memory is in huge pages, and nobody's
					   until the shard is written */
};

/* Writes the shard of `regions` to `path`, which must not exist, and makes it
 * durable (the folder's fsync is the caller's). */
int rp_shard_write(struct rp_io *io, const char *path,
		   const struct rp_regions *regions, int rank, int ranks,
		   int64_t step, const struct rp_shard_how *how,
		   struct rp_progress *progress, struct rp_shard_sum *sum,
		   struct rp_err *err);

/* The header of a shard alone, its length, header and hash table checked against
 * `sum`; the caller's to free, also after an error. */
int rp_shard_look(struct rp_io *io, const char *path, int rank,
		  const struct rp_shard_sum *sum, struct rp_shard *shard,
		  struct rp_err *err);

/* Reads a shard and checks it, block by block: all of it, or where there are `regions`
 * what is stored under their names, which must be as large, to their memory. Errors:
 * ECORRUPT names block and tensor, ELAYOUT where a region's name, type or shape is not
 * the stored one, EIO. A checkpoint's shards together: sys/source.h. */
int rp_shard_read(struct rp_io *io, const char *path,
		  const struct rp_regions *regions, int rank,
		  const struct rp_shard_sum *sum, struct rp_progress *progress,
		  struct rp_err *err);

/* Makes a file of the program's durable and takes its hash (of the hashes of
 * its blocks). It must be a regular file. */
int rp_file_seal(struct rp_io *io, const char *path, uint64_t *bytes,
		 struct rp_hash *hash, struct rp_err *err);

/* Checks such a file: RALLY_ECORRUPT where length or hash differ. */
int rp_file_verify(struct rp_io *io, const char *path, uint64_t bytes,
		   const struct rp_hash *hash, struct rp_progress *progress,
		   struct rp_err *err);

#endif
