/*
 * tool/load.h - which checkpoint, and its manifest
 */
#ifndef RP_TOOL_LOAD_H
#define RP_TOOL_LOAD_H

#include "base/err.h"
#include "data/manifest.h"
#include "data/shard.h"
#include "sys/folder.h"

/* The checkpoint of a folder that `which` stands for: a sequence ("7", "0007"),
 * a name ("0007-step-120"), NULL for the newest. NULL and RALLY_EABSENT where
 * there is none. */
const struct rp_ckpt *rp_pick(const struct rp_folder *folder, const char *dir,
			      const char *which, struct rp_err *err);

/* Reads its manifest, and checks that it is the one of this directory: a copy
 * of another's would send readers to the wrong step. On success the manifest is
 * to be freed. */
int rp_load(const struct rp_ckpt *ckpt, struct rp_manifest *manifest,
	    struct rp_err *err);

/* The checkpoint that a path stands for, and its manifest: the directory of one,
 * under whatever name, or a folder, whose newest it is. ckpt->path, and on success
 * the manifest, are to be freed. */
int rp_load_path(const char *path, struct rp_ckpt *ckpt,
		 struct rp_manifest *manifest, struct rp_err *err);

/* "seeds" of a tensor "seeds@rank-00003", the caller's; NULL where it is nothing of
 * the program's that is private to a rank, or without memory. */
char *rp_load_private_name(const struct rp_tensor *tensor);

/* Adds what is private to each rank to the manifest's pieces, by name among the
 * arrays: it stands in the shards' headers. A shard that can't be read keeps
 * nothing of the others' from it; the first such is the error. */
int rp_load_private(const struct rp_ckpt *ckpt, struct rp_manifest *manifest,
		    struct rp_err *err);

/* Bytes of the newest `n` that can be loaded, for a progress bar. */
uint64_t rp_load_bytes(const struct rp_ckpt *v, size_t n);

#endif
