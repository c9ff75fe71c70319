/*
 * flow/commit.h - rank 0's part of a save: manifest and rename
 */
#ifndef RP_FLOW_COMMIT_H
#define RP_FLOW_COMMIT_H

#include "flow/saving.h"

/* Writes the manifest from all ranks' pieces (texts, each with its NUL), makes
 * it durable and renames the directory to its final name. RALLY_EUNCONFIRMED
 * where only the last fsync failed: the checkpoint is there. Sets bytes and
 * content. Rank 0 only, without MPI. */
int rp_commit(struct rp_saving *saving);

/* The hash of all ranks' data, whatever the step, by which a save of what was
 * saved before is noticed. */
int rp_commit_content(const struct rp_manifest *m, struct rp_hash *content,
		      struct rp_err *err);

#endif
