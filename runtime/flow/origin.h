/*
 * flow/origin.h - a checkpoint that is elsewhere than in the handle's folders: what an
 *                 experiment branches off from
 *
 * Given by option 'from', where the own folders have none, or by rally_restore_from().
 * It is one checkpoint, and then no other is tried, or a folder of them, and then the
 * newest that verifies. It is only read: nothing is claimed, written or pruned there,
 * and what is passed over there says nothing about the own folders. From the first
 * commit on the own ones alone count.
 */
#ifndef RP_FLOW_ORIGIN_H
#define RP_FLOW_ORIGIN_H

#include "base/err.h"
#include "base/io.h"
#include "sys/folder.h"

struct rp_origin {
	const char *by;		/* who named it, for the sentence */
	const char *path;	/* borrowed, as it was given */
	struct rp_doubt *doubts;	/* of its folder; rank 0 */
	size_t n_doubts;
};

/* The checkpoint to try next, whose path is the caller's; *single where there is no
 * other, and its name tells neither sequence nor step. Errors: EABSENT where there is
 * none at the path, or only what a save has left; ECORRUPT where all were passed over;
 * EIO. Rank 0, not collective. */
int rp_origin_choose(struct rp_io *io, const struct rp_origin *origin,
		     struct rp_ckpt *ckpt, int *single, struct rp_err *err);

/* Forgets what was passed over. */
void rp_origin_forget(struct rp_origin *origin);

#endif
