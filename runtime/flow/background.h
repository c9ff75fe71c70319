/*
 * flow/background.h - a save that goes on while the program does
 *
 * From its begin to where it is copied a save is as any other: all ranks are at one
 * safe point. Then each rank's writer thread makes its part durable, while rounds
 * go on, and what comes of it is said in them. A verdict is applied at the same
 * safe point on all ranks, so all see the same:
 *
 *     all parts are durable      the pieces go to rank 0, whose thread commits
 *     a part is lost             the save has failed, with that rank's error
 *     the commit has ended       standing or failed: rally_point() tells
 *     all know of the commit     rank 0's thread prunes
 *
 * No decision follows from what a rank knows alone: not when the others learn of
 * it, and not whether rank 0 waits. One save runs at a time. What needs the folder
 * or the buffers of all (another save, a restore, the close) lets it come to its
 * end first.
 */
#ifndef RP_FLOW_BACKGROUND_H
#define RP_FLOW_BACKGROUND_H

#include "flow/handle.h"

/* What this rank says of it in a round or a vote. */
void rp_background_ballot(const struct rally *rp, struct rp_ballot *ballot);

/* At the first safe point: makes room for the copy and has the thread touch it, which
 * takes longer than the copy itself. What fails is told by the save. Not collective. */
void rp_background_prepare(struct rally *rp);

/* Whether a save can go on in the background: all ranks have a thread and room for
 * the copy. Else why not was told, once. Collective; after an MPI error rp->err is
 * set. */
int rp_background_possible(struct rally *rp);

/* A verdict: what it tells of the save that runs. 0, or the handle is broken. A save
 * that has failed is told and kept for rally_error(). Collective. */
int rp_background_hear(struct rally *rp, const struct rp_place *place,
		       const struct rp_tally *tally);

/* Before another save at `place`: what runs comes to its end. With the tally of a
 * stop it is given up where the stop's own save is safer, by the bytes that are left
 * and the time that the last save took. 0, or the code of a dead communicator.
 * Collective. */
int rp_background_make_way(struct rally *rp, const struct rp_place *place,
			   const struct rp_tally *stop);

/* In a call between two safe points, when all have met: what runs comes to its end.
 * `*code` is that of a save that failed here; NULL: the close will tell it. 0, or
 * the code of a dead communicator. Collective. */
int rp_background_finish(struct rally *rp, int *code);

/* Ends the thread and frees the copy. A commit that has begun is waited for, other
 * writing given up. Not collective. */
void rp_background_close(struct rally *rp);

#endif
