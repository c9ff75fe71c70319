/*
 * flow/save.h - one checkpoint, from the first vote to the commit
 *
 * A save goes through the stages of flow/saving.h, with votes between them. Where
 * they run makes the difference: on the program's thread, and rp_save() returns
 * when all is done; or on a helper's, of a copy of the data, and the votes are
 * taken by the rounds to come (flow/background.h).
 */
#ifndef RP_FLOW_SAVE_H
#define RP_FLOW_SAVE_H

#include "flow/handle.h"

enum rp_save_how { RP_SAVE_NOW, RP_SAVE_AS_OPTED, RP_SAVE_AND_STOP };

/* Saves at this place; as opted: in the background, if the options want that and
 * there is room for it. Nothing is written where the newest checkpoint is of this
 * step. A save that is still running comes to its end first, or is given up for
 * one that stops. Stops that the votes bring set rp->stop_pending. On an error the
 * earlier checkpoint stands, rp->err is the same on all ranks and was told;
 * ranks at different places break the handle. Collective. */
int rp_save(struct rally *rp, const struct rp_place *place, const char *cause,
	    enum rp_save_how how);

/*
 * The ways from phase to phase of rp->saving (flow/save_end.c), for save.c and
 * background.c. All ranks are at `place`, or in a call (NULL). Collective, but for
 * those marked.
 */

#define RP_SAVE_SPARE ((uint64_t)1 << 20)	/* manifest, headers, folders */

/* Has a stage run, on the thread that was chosen for this save. Not collective. */
void rp_save_start(struct rally *rp, rp_stage_fn *stage);

/* What a save has made goes, and the pool that it took. */
void rp_save_clear_away(struct rally *rp);

/* Tells of rp->err, with which a save has failed. */
void rp_save_tell_failed(struct rally *rp);

/* Each rank's part is written or was not: waits for this rank's own, votes, and
 * begins with the commit; or the code with which the save is to fail. */
int rp_save_written(struct rally *rp, const struct rp_place *place);

/* The commit has ended, with `code` where that is known to all and not an error, or
 * -1: rank 0 waits for it and tells. 0, EUNCONFIRMED, or the code with which the save
 * is to fail. */
int rp_save_committed(struct rally *rp, int code);

/* The one of these that the phase of a save in the background asks for. A failure is
 * told, and what it leaves goes. */
int rp_save_on(struct rally *rp, const struct rp_place *place, int code);

/* All know of the commit: rank 0 prunes. */
void rp_save_known(struct rally *rp);

/* The rest of all this, whatever the phase, and waits for it: also for the pruning
 * of a save that the program has waited for. */
int rp_save_through(struct rally *rp, const struct rp_place *place);

/* Rank 0: tells of a pruning that has ended. Not collective. */
void rp_save_tell_pruned(struct rally *rp);

#endif
