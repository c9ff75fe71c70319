/*
 * flow/saving.h - one save on its way, and what a rank does for it without MPI
 *
 * The stages run on the program's thread, or on a helper's while the program goes
 * on: so all that they use is the saving's own, or does not change meanwhile.
 * What is between two of them (votes, the gathering of the pieces, words) is with
 * flow/save.c, on the program's thread.
 */
#ifndef RP_FLOW_SAVING_H
#define RP_FLOW_SAVING_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "base/progress.h"
#include "data/manifest.h"
#include "data/region.h"
#include "sys/folder.h"
#include "sys/job.h"
#include "sys/owner.h"
#include "sys/shard_io.h"

#define RP_SAVE_NAME 96	/* bytes, the NUL too: of a partial directory or a pool */

/* How far all ranks know a save to be. */
enum rp_phase {
	RP_IDLE = 0,	/* there is none */
	RP_WRITING,	/* each rank its shard */
	RP_COMMITTING,	/* all are durable; rank 0 writes the manifest */
	RP_COMMITTED,	/* but for those ranks that are behind: nothing is pruned */
};

struct rally;

struct rp_saving {
	/* what all ranks know */
	enum rp_phase phase;
	int64_t number;		/* counts the saves of this handle, from 1 on */
	int background;
	int64_t sequence, step;
	char *room;		/* for the two paths below */
	char *partial;		/* the directory that is being filled, or NULL */
	char *pool;		/* whose shards are written over, or NULL */
	uint64_t bytes;		/* of all ranks: memory; rank 0 from the commit on:
				   shards and files */
	/* what the stages use; of rp only what changes in no call that does not wait
	   for them */
	struct rally *rp;
	struct rp_io *io;
	const char *dir, *cause;
	struct rp_owner owner;	/* borrows all but its io */
	const struct rp_job *job;
	int rank, ranks;
	const struct rp_regions *regions;
	struct rp_shard_how how;
	struct rp_progress *progress;
	json_t *meta;		/* rank 0: the program's strings, a copy */
	char *pieces;		/* rank 0: all ranks' texts */
	int64_t began;		/* rp_now() at the verdict */
	/* what comes of them */
	struct rp_err err;	/* of the last stage */
	struct rp_piece piece;
	struct rp_hash content;	/* of all data; rank 0 */
	int64_t largest;	/* bytes of one rank; rank 0 */
	int64_t written;	/* rp_now() when this rank's part was durable */
	int64_t between_ns;	/* in the background, from there to the commit's
				   begin: nobody worked on it */
	int64_t elapsed_ns;	/* from the verdict, without that */
	size_t pruned;		/* rank 0 */
	int pruning;		/* rank 0: still to be told of */
	atomic_int ended;	/* the last stage that was started has */
};

/* Stages take a struct rp_saving, leave its err and set `ended`, last. */
typedef void rp_stage_fn(void *saving);

/* This rank's shard and its part of the program's files, durable, and its piece. */
void rp_saving_write(void *saving);

/* Rank 0, when all parts are durable: manifest and rename. RALLY_EUNCONFIRMED
 * where only the last fsync failed: the checkpoint is there. */
void rp_saving_commit(void *saving);

/* Rank 0, when all ranks know of a commit that will last: what is older goes, and
 * what no rank took of the pool. */
void rp_saving_prune(void *saving);

/* Frees what a save has had, and forgets it; its number stays. */
void rp_saving_clear(struct rp_saving *saving);

#endif
