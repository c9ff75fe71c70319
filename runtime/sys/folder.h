/*
 * sys/folder.h - the checkpoints of a folder, as names
 *
 *     .partial-0007-0     being written, or left by a crash
 *     0007-step-120       complete
 *     .trash-0005         pruned, being removed
 *
 * A directory with a final name is complete, also while it is pruned: it is
 * renamed before its files go.
 */
#ifndef RP_SYS_FOLDER_H
#define RP_SYS_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct rp_ckpt {
	int64_t sequence, step;
	char *path;		/* dir and name */
	const char *name;	/* the last part of path */
};

struct rp_folder {
	struct rp_ckpt *v;	/* newest first */
	size_t n;
	size_t partials;	/* left by crashes, trash included */
};

/* Lists a folder; one that does not exist is an error. Free in any case. */
int rp_folder_list(struct rp_folder *folder, const char *dir,
		   struct rp_err *err);
void rp_folder_free(struct rp_folder *folder);

/* The final name of a checkpoint inside dir, the caller's. */
char *rp_folder_final(const char *dir, int64_t sequence, int64_t step);

/* Makes a new partial directory for a sequence, at the first attempt number
 * that is free. The path is the caller's, NULL on an error. */
char *rp_folder_begin(const char *dir, int64_t sequence, struct rp_err *err);

/* Removes what crashes left. Only for the owner of the folder, and not during a
 * save. */
int rp_folder_sweep(const char *dir, struct rp_err *err);

/* Removes all but the newest `keep` checkpoints that are not among the sequences
 * `bad`, which go too: a checkpoint that does not verify must not take the
 * place of one that does. Tells how many went. */
int rp_folder_prune(const char *dir, size_t keep, const int64_t *bad,
		    size_t n_bad, size_t *pruned, struct rp_err *err);

/* Makes the folder and its missing parents, by the umask. */
int rp_folder_make(const char *dir, struct rp_err *err);

/* RALLY_ENOSPC where the file system of dir has less than `bytes` free for this
 * user. */
int rp_folder_space(const char *dir, uint64_t bytes, struct rp_err *err);

#endif
