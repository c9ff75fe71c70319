/*
 * flow/commit.h - rank 0's part of a save: manifest and rename
 */
#ifndef RP_FLOW_COMMIT_H
#define RP_FLOW_COMMIT_H

#include "flow/handle.h"

/* Why and of what a save is. */
struct rp_commit {
	const char *partial;	/* the directory, every shard durable in it */
	int64_t step;
	const char *cause;
	int64_t began;		/* rp_now() */
	uint64_t bytes;		/* out: shards and files */
	int64_t largest;	/* out: the same of one rank */
	struct rp_hash content;	/* out: of all data, whatever the step */
};

/* Writes the manifest from all ranks' pieces (texts, each with its NUL), makes
 * it durable and renames the directory to its final name. RALLY_EUNCONFIRMED
 * where only the last fsync failed: the checkpoint is there. Rank 0 only. */
int rp_commit(struct rally *rp, struct rp_commit *commit, const char *pieces);

/* The hash of all ranks' data, whatever the step, by which a save of what was
 * saved before is noticed. */
int rp_commit_content(const struct rp_manifest *m, struct rp_hash *content,
		      struct rp_err *err);

#endif
