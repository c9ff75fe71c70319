/*
 * flow/fallback.h - a second folder, for what the first can't take
 *
 * Where a save fails because the folder can't be written to (it is full, or over
 * the quota, read-only, or its storage fails), it is made again in the folder of
 * option 'fallback', on all ranks: all know the error, so all decide the same. It
 * must be a folder that all nodes see, and is claimed as the first is. Sequences
 * count over both, and so does `keep`; a restore takes the newest of both.
 *
 * Each save tries the first folder again: that is where people look, and between
 * stops there is time for it. A stop goes at once to where the newest checkpoint
 * is: its seconds may not be enough for two tries, and where a quota is used up
 * that shows only after many bytes.
 *
 * A start must be able to read both: else it could take an old checkpoint for the
 * newest. It must be able to write to one of them.
 */
#ifndef RP_FLOW_FALLBACK_H
#define RP_FLOW_FALLBACK_H

#include "base/err.h"
#include "sys/folder.h"
#include "sys/owner.h"

struct rally;

/* The second folder. dir NULL: there is none. */
struct rp_second {
	char *dir;
	struct rp_owner owner;	/* rank 0 */
	int unclaimed;		/* it could not be written to at the open */
};

/* Where the save that runs goes to, or the last one went. */
const char *rp_fallback_dir(const struct rally *rp);
struct rp_owner *rp_fallback_owner(struct rally *rp);

/* Whether another folder may help against an error. */
int rp_fallback_helps(const struct rp_err *err);

/* A save begins: which folder it tries first. The same on all ranks. */
void rp_fallback_begin(struct rally *rp, int stop);

/* Claims that folder, if the open could not. Collective. */
int rp_fallback_claim(struct rally *rp);

/* The save has failed with rp->err, after `*tries` that were not its last (0 at
 * first). 1 where it is to be tried again now, in the folder that is chosen here:
 * after an EIO once more in the same, then in the other one. The same on all
 * ranks; rank 0 speaks. */
int rp_fallback_again(struct rally *rp, int *tries);

/* Rank 0: the checkpoints of both folders, newest first. Free in any case. */
int rp_fallback_list(struct rally *rp, struct rp_folder *both,
		     struct rp_err *err);

/* Rank 0, after a commit that will last: prunes both, `keep` counts over both, and
 * tells how many went. Without MPI or words: with a writer's `io` on its thread. */
void rp_fallback_prune(struct rally *rp, struct rp_io *io, size_t *pruned,
		       struct rp_err *err);

/* Whether a checkpoint's path lies in the second folder. */
int rp_fallback_holds(const struct rally *rp, const char *path);

/* Gives the second folder up. */
void rp_fallback_close(struct rally *rp);

#endif
