/*
 * sys/retain.h - which checkpoints of a folder stay
 *
 * The library, after a commit, and `rallypoint prune` ask here. Pinned ones stay,
 * and count for nothing; of the others the newest K. With `every`, the first one of
 * each so many steps stays too: it is pinned when its turn to go would come, so
 * that it stays whatever the next run's options are.
 *
 *     0007-step-120/pin        a checkpoint that stays; what is in it is for people
 */
#ifndef RP_SYS_RETAIN_H
#define RP_SYS_RETAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

#define RP_PIN_FILE "pin"

struct rp_folder;

/* A checkpoint that a restore passed over. */
struct rp_doubt {
	int64_t sequence;
	int damaged;	/* 0: it could not be read this time */
};

/* What is to stay. A damaged one goes and does not count: it must not take the
 * place of one that verifies. One that could not be read stays and does not count
 * either. */
struct rp_retention {
	size_t keep;	/* the newest so many */
	int64_t every;	/* and the first of so many steps, 0: none */
	int64_t from;	/* all before this sequence are another's */
	const struct rp_doubt *doubts;
	size_t n_doubts;
};

enum rp_stay {
	RP_GOES = 0,
	RP_GOES_BAD,	/* since it is damaged */
	RP_STAYS,	/* as one of the newest, or another's, or in doubt */
	RP_STAYS_EVERY,	/* by `every` alone: to be pinned */
	RP_STAYS_PINNED,
};

/* What becomes of each checkpoint of the folder, into stays[folder->n]. Pins are
 * looked at: one that can't be told is an error. */
int rp_retain(struct rp_io *io, const struct rp_folder *folder,
	      const struct rp_retention *retention, enum rp_stay *stays,
	      struct rp_err *err);

/* The same by what is known: `stays` holds RP_STAYS_PINNED for those pinned. */
void rp_retain_among(const struct rp_folder *folder,
		     const struct rp_retention *retention, enum rp_stay *stays);

/* Whether a sequence is in doubt. */
int rp_retain_doubts(const struct rp_retention *retention, int64_t sequence);

/* 1 where the checkpoint at `path` is pinned, 0 where it is not, -1 on an error. */
int rp_pin_look(struct rp_io *io, const char *path, struct rp_err *err);

/* Pins it, durably, and tells why; or no longer. RALLY_EABSENT where the checkpoint
 * went meanwhile. Either way, that it is so already is success. */
int rp_pin_set(struct rp_io *io, const char *path, const char *why,
	       struct rp_err *err);
int rp_pin_clear(struct rp_io *io, const char *path, struct rp_err *err);

#endif
