/*
 * sys/shard_io.h - shards and the program's files, from and to the disk
 */
#ifndef RP_SYS_SHARD_IO_H
#define RP_SYS_SHARD_IO_H

#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/progress.h"
#include "data/region.h"

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

/* Writes the shard of `regions` to `path`, which must not exist, and makes it
 * durable (the folder's fsync is the caller's). */
int rp_shard_write(const char *path, const struct rp_regions *regions,
		   int rank, int ranks, int64_t step,
		   const struct rp_beside *beside,
		   struct rp_progress *progress, struct rp_shard_sum *sum,
		   struct rp_err *err);

/* Reads a shard, checks every byte of it against `sum` and fills the memory of
 * `regions` (NULL: only checks). Errors: ECORRUPT names block and tensor,
 * ELAYOUT where a region's name, type or shape is not the stored one, EIO. */
int rp_shard_read(const char *path, const struct rp_regions *regions, int rank,
		  const struct rp_shard_sum *sum, struct rp_progress *progress,
		  struct rp_err *err);

/* Makes a file of the program's durable and takes its hash (of the hashes of
 * its blocks). It must be a regular file. */
int rp_file_seal(const char *path, uint64_t *bytes, struct rp_hash *hash,
		 struct rp_err *err);

/* Checks such a file: RALLY_ECORRUPT where length or hash differ. */
int rp_file_verify(const char *path, uint64_t bytes,
		   const struct rp_hash *hash, struct rp_progress *progress,
		   struct rp_err *err);

#endif
