/*
 * sys/shard_job.h - a shard's bytes, in their order, hashed and put into its file
 *
 * Inside of shard_write.c's work only.
 */
#ifndef RP_SYS_SHARD_JOB_H
#define RP_SYS_SHARD_JOB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "sys/device_copy.h"
#include "sys/shard_io.h"

/* One shard on its way to the disk. */
struct rp_shard_job {
	struct rp_io *io;
	const char *path;
	const struct rp_regions *regions;
	struct rp_shard *shard;	/* of the layout */
	char *header;
	unsigned char *table;	/* block hashes, then the tail's zeros */
	size_t table_bytes, tail_bytes;
	struct rp_out *out;
	int lend;		/* what it takes without a copy goes so */
	struct rp_shard_base *base;	/* NULL: none */
	size_t *order;		/* regions that are on a GPU, as the shard has */
	struct rp_download *down;	/* them, and their bytes; NULL: none */
	unsigned char *block;	/* of theirs, between hash and write */
	atomic_int failed;	/* to write: what is hashed beside it is in vain */
	struct rp_progress *progress;
	struct rp_err *err;
};

/* One way through the hashed part: it takes some of `size` bytes, which are of one
 * tensor and go to `at`, and tells how many. */
typedef int rp_shard_step(struct rp_shard_job *job, struct rp_hasher *hasher,
		    const unsigned char *data, size_t size, uint64_t at,
		    size_t *taken);

/* Where a walk stands. */
struct rp_shard_cursor {
	size_t tensor;
	uint64_t at;
};

/* From the cursor on, to `until`; and all of it. */
int rp_shard_walk_on(struct rp_shard_job *job, struct rp_shard_cursor *c,
		     uint64_t until, struct rp_hasher *hasher, rp_shard_step *fn);
int rp_shard_walk(struct rp_shard_job *job, struct rp_hasher *hasher,
		  rp_shard_step *fn);

/* Hashes into the job's table. What is on a GPU is kept in job->block for the other
 * one to write. */
rp_shard_step rp_shard_hash_step;

/* Hashes, where there is a hasher, and writes. */
rp_shard_step rp_shard_write_step;

#endif
