/*
 * sys/shard_base.h - the shard of the checkpoint that stands, from which the next
 *                    one takes the blocks that have not changed
 *
 * Where the file system shares extents between files (reflinks: XFS, btrfs, NFS
 * 4.2 over them), such a block is not written again. Both shards are whole files
 * for every reader, and either may be removed; but a block that the disk has
 * damaged is damaged in both.
 *
 *     base.next is filled by rp_shard_write()
 *     rp_shard_base_keep(&base, path)      its checkpoint is committed
 *     rp_shard_base_drop(&base)            or is not
 */
#ifndef RP_SYS_SHARD_BASE_H
#define RP_SYS_SHARD_BASE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/region.h"
#include "data/shard.h"

/* The block hashes of a shard, and where its data begins. */
struct rp_shard_blocks {
	unsigned char *table;	/* NULL: none */
	size_t bytes;		/* of it */
	uint64_t layout;	/* rp_regions' */
	uint64_t header_bytes;
};

/* All zeros is empty. */
struct rp_shard_base {
	struct rp_shard_blocks now;	/* of the shard at path */
	char *path;
	struct rp_shard_blocks next;	/* of the one that is being written */
	uint64_t shared;	/* bytes that it has from the one at path */
	int refused;		/* the file system shares no extents */
};

/* `path` is copied. Without memory there is no base. */
void rp_shard_base_keep(struct rp_shard_base *base, const char *path);
void rp_shard_base_drop(struct rp_shard_base *base);
void rp_shard_base_free(struct rp_shard_base *base);

/* Takes nothing more from the shard at path: it may be damaged. */
void rp_shard_base_forget(struct rp_shard_base *base);

/* Remembers the blocks of a shard that is written: takes the table. */
void rp_shard_base_wrote(struct rp_shard_base *base, const struct rp_shard *shard,
			 const struct rp_regions *regions, unsigned char *table,
			 size_t bytes);

/* Where block `i` stands in the file at path, in bytes, if its hash there is
 * `hash`; or -1. */
int64_t rp_shard_base_find(const struct rp_shard_base *base,
			   const struct rp_regions *regions, uint64_t i,
			   const unsigned char *hash);

#endif
