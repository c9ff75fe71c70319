/*
 * sys/source.h - what a checkpoint's shards hold, read by one process
 *
 *     source = rp_source_open(io, path, &manifest, &how, &progress, &err);
 *     rc = rp_source_want(source, &regions, i, &err);         for each of them
 *     while (rc == 0 && rp_source_left(source) > 0)
 *             rc = rp_source_next(source, bytes, &err);
 *     rp_source_close(source);
 *
 * A box of a global array comes out of whichever shards have a part of it; of each,
 * only the blocks that hold some of it are read, once, in the order of the file, and
 * each is verified. What lies in one piece, in the shard and in memory, is read
 * straight to its place.
 *
 * Where several ranks stored an element, it is taken from, in this order:
 * - this process's own shard, if it is that of one of the ranks that wrote
 *   (rp_source_own()) and stored exactly the box that is wanted: nothing else is read;
 * - the rank that declared to answer for it (struct rp_stored's own_start, own_local);
 * - the ranks that declared nothing;
 * - what ranks stored beside the part that they answer for.
 * Of two that stand in one of these lines the first in the order of reading is taken, and
 * what the other has is read too and must be the same, bit for bit.
 *
 * Headers of shards that were read are kept, for what is wanted next, as long as they
 * take no more than a quarter of what the staging memory may.
 *
 * After an error there is nothing left but the close, and the memory is undefined.
 */
#ifndef RP_SYS_SOURCE_H
#define RP_SYS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "base/progress.h"
#include "data/manifest.h"
#include "data/region.h"
#include "data/shard.h"
#include "sys/shard_io.h"

struct rp_source;

/* Bytes that were wanted, and those that were read for them: whole blocks, what is
 * compared, headers and hash tables. */
struct rp_source_count {
	uint64_t needed, read;
};

/* `path` (the checkpoint's), `manifest`, `progress` and what `how` (may be NULL) points
 * to are borrowed. No file is touched yet. NULL without memory. */
struct rp_source *rp_source_open(struct rp_io *io, const char *path,
				 const struct rp_manifest *manifest,
				 const struct rp_shard_how *how,
				 struct rp_progress *progress,
				 struct rp_err *err);

/* This process is `rank` of as many as wrote. Before anything is wanted. */
void rp_source_own(struct rp_source *source, int rank);

/* Shards are read in the order of their ranks, from this one's on (else from 0): so that
 * not all that read a checkpoint begin with the same file. Likewise. */
void rp_source_begin_with(struct rp_source *source, int rank);

/* Wants the box of an array, regions->v[index]; all of a replicated one. The region's
 * memory and regions->devices are borrowed until the close. A box in the memory of a GPU
 * that is made of many short runs, or that ranks may differ in, takes as much of the
 * host's. Errors: ELAYOUT where nothing is stored under the name (a stored array of the
 * same type and shape, which may be the one, is named), where type or shape is another
 * (both are named), and where nobody stored a part of the box (which is named); ECORRUPT
 * where the manifest contradicts itself; ENOMEM. rp_source_next() returns ELAYOUT where
 * two ranks differ, with both and the element. */
int rp_source_want(struct rp_source *source, const struct rp_regions *regions,
		   size_t index, struct rp_err *err);

/* The same for one region of the host's memory, which is copied: its data is filled. */
int rp_source_want_box(struct rp_source *source, const struct rp_region *region,
		       struct rp_err *err);

/* Wants the private memory that `rank` stored under the name of regions->v[index], or
 * of the region, likewise: type and count (its shape) must be the stored ones, its box
 * may be a part. Looks into the shard's header. Errors: ELAYOUT, and those of reading. */
int rp_source_want_private(struct rp_source *source,
			   const struct rp_regions *regions, size_t index,
			   int rank, struct rp_err *err);
int rp_source_want_private_of(struct rp_source *source,
			      const struct rp_region *region, int rank,
			      struct rp_err *err);

/* The header of a rank's shard, verified: the source's, until its close. NULL on an
 * error. */
struct rp_shard *rp_source_shard(struct rp_source *source, int rank,
				 struct rp_err *err);

/* Reads `bytes` or so more of what is wanted. Errors: ECORRUPT names shard, block and
 * array; EIO, EDEVICE, ENOMEM; ELAYOUT as above. */
int rp_source_next(struct rp_source *source, uint64_t bytes, struct rp_err *err);

/* Bytes still to be read; 0: all memory is filled. */
uint64_t rp_source_left(const struct rp_source *source);

struct rp_source_count rp_source_counted(const struct rp_source *source);

/* NULL is allowed. */
void rp_source_close(struct rp_source *source);

#endif
