/*
 * sys/pool.h - shards of a pruned checkpoint that are written again
 *
 *     .pool-0005/rank-00003-of-00008.safetensors
 *
 * A file whose blocks are allocated already is written about twice as fast as a
 * new one, and need not be removed. So pruning makes one of the checkpoints that go
 * the pool, and at the next save each rank moves its shard of it into the partial
 * directory, and writes over it in place.
 *
 * That would show to everybody who still has the old file: so it is done with
 * regular files of this user's that have one name and that nobody else has open or
 * mapped, and only where the kernel can tell so (rp_pool_suits()). Of a checkpoint
 * that stands nothing is touched: the pool's name is durable before its first byte
 * changes. A crash leaves files with hidden names, which readers ignore.
 *
 * Whatever goes wrong with an old file, a new one takes its place.
 */
#ifndef RP_SYS_POOL_H
#define RP_SYS_POOL_H

#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

#define RP_POOL_PREFIX ".pool-"

/* All zeros: there is none. */
struct rp_pool {
	char *path;
	uint64_t bytes;		/* on the disk, that a save gets back */
};

int rp_pool_is_name(const char *name);

/* 1 where it is safe, as far as this node can see, and faster: local file systems
 * that write in place and know leases. */
int rp_pool_suits(const char *dir);

/* The directory `path` (which is taken), whose name is hidden and durable, becomes
 * the pool. What no rank would write again goes: all but shards that are as those
 * of the same name in the checkpoint `like`, in mode, owner and group. Without any
 * of these, after an error, or where it is a link or another user's, it goes and
 * there is no pool. */
int rp_pool_make(struct rp_io *io, struct rp_pool *pool, char *path,
		 const char *like, struct rp_err *err);

/* Removes it with what is in it. No pool is success; after an error there is none
 * either, but a hidden directory that the next sweep removes. */
int rp_pool_drop(struct rp_io *io, struct rp_pool *pool, struct rp_err *err);

/* Only forgets where it was. */
void rp_pool_forget(struct rp_pool *pool);

/* Opens `path`, which must not exist, for writing `size` bytes: the file `old` of
 * the pool under its new name, cut to that size if it is longer, or a new one where
 * `old` is NULL or can't be had. `sure`: only where the kernel says that nobody else
 * has it open; else also where it can't say. *allocated tells whether it has the
 * length and the blocks already. The descriptor, or -1. */
int rp_pool_open(struct rp_io *io, const char *old, int sure, const char *path,
		 uint64_t size, int *allocated, struct rp_err *err);

#endif
