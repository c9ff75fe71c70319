/*
 * flow/trial.h - one checkpoint that is being tried, by all ranks
 *
 *     do {
 *         struct rp_trial trial = { .rp = rp };
 *
 *         if (rp_trial_choose(&trial) == 0 && !trial.path)
 *             there is none
 *         else if (rp->err.code == 0 && rp_trial_manifest(&trial) == 0)
 *             use it
 *         again = rp->err.code != 0 && rp_trial_pass_over(&trial);
 *         rp_trial_free(&trial);
 *     } while (again);
 *
 * All calls but the last are collective, and leave the same rp->err on all ranks.
 */
#ifndef RP_FLOW_TRIAL_H
#define RP_FLOW_TRIAL_H

#include "flow/handle.h"
#include "flow/words.h"

struct rp_trial {
	struct rally *rp;
	struct rp_origin *origin;	/* where it is, if not in the own folders */
	int single;		/* there is no other there */
	char *path;		/* of the checkpoint, on all ranks */
	struct rp_manifest manifest;
	char *lacks;		/* flow/lacks.h; NULL: nothing */
	int64_t sequence, step;	/* by its name, or by the manifest of a single one */
	struct rp_taken taken;	/* by rp_trial_read() */
};

/* Rank 0 chooses the newest checkpoint that was not passed over: at the trial's
 * origin, if it has one; else in the own folders and, where none ever was there, at
 * the origin of option 'from', which the trial has then. All learn which, or that
 * there is none (path NULL) and whether that is an error: it is, where one ever was. */
int rp_trial_choose(struct rp_trial *trial);

/* The manifest of the chosen checkpoint, read once, for all. */
int rp_trial_manifest(struct rp_trial *trial);

/* The header of this rank's shard, where the number of ranks is the one that wrote
 * it; else one of nothing. The caller's to free. */
int rp_trial_look(struct rp_trial *trial, struct rp_shard *shard);

/* Fills the registered memory and has the program read its files. Arrays come out of
 * whichever shards have them; private memory and files of ranks want the number of
 * ranks that wrote them. Nobody waits for a rank that has given up: all learn it within
 * some blocks, or at the next of the program's files. */
int rp_trial_read(struct rp_trial *trial);

/* After an error. Damage is told and passed over: 1 where the next older one may
 * be tried. Anything else is the program's to know: 0. */
int rp_trial_pass_over(struct rp_trial *trial);

void rp_trial_free(struct rp_trial *trial);

#endif
