/*
 * sys/folder.h - the checkpoints of a folder, as names
 *
 *     .partial-0007-<pid>-<time>    being written, or left by a crash
 *     0007-step-120                 complete
 *     .trash-0005                   pruned, being removed
 *     .pool-0006                    pruned, to be written again (sys/pool.h)
 *
 * A directory with a final name is complete, also while it is pruned: it is
 * renamed, durably, before its files go.
 */
#ifndef RP_SYS_FOLDER_H
#define RP_SYS_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "sys/pool.h"
#include "sys/retain.h"

#define RP_SEQUENCE_MAX 1000000000000000	/* more is nobody's count */

struct rp_ckpt {
	int64_t sequence, step;
	char *path;		/* dir and name */
	const char *name;	/* the last part of path */
};

struct rp_folder {
	struct rp_ckpt *v;	/* newest first */
	size_t n;
	size_t partials;	/* left by crashes, trash included */
	size_t pools;
	int64_t last;		/* highest sequence that a name has, also one
				   of something else than a folder; or -1 */
};

/* Lists a folder; one that does not exist is an error. Free in any case. */
int rp_folder_list(struct rp_io *io, struct rp_folder *folder,
		   const char *dir, struct rp_err *err);
void rp_folder_free(struct rp_folder *folder);

/* Adds those of another folder, likewise newest first. */
int rp_folder_add(struct rp_io *io, struct rp_folder *folder, const char *dir,
		  struct rp_err *err);

/* Whether a name is of what a crash may leave, and nothing but that. */
#define RP_FOLDER_TRASH ".trash-"
int rp_folder_is_leftover(const char *name);

/* Sequence and step of a final name, "0007-step-120". 0, or -1 where it is none. */
int rp_folder_parse(const char *name, struct rp_ckpt *ckpt);

/* The final name of a checkpoint inside dir, the caller's. */
char *rp_folder_final(const char *dir, int64_t sequence, int64_t step);

/* Makes a new partial directory for a sequence. Its name is nobody else's: not
 * another writer's, who would fill or remove it, nor an earlier attempt's, which
 * NFS clients may still remember. The path is the caller's, NULL on an error. */
char *rp_folder_begin(struct rp_io *io, const char *dir, int64_t sequence,
		      struct rp_err *err);

/* Removes what crashes left, but puts back what is pinned. A pool too, or, where
 * *pool is to be had, makes it that. Only for the owner of the folder, and not during a save. */
int rp_folder_sweep(struct rp_io *io, const char *dir, struct rp_pool *pool,
		    struct rp_err *err);

/* Removes what does not stay (sys/retain.h), and pins what stays for good. Where
 * `pool` is not NULL, and empty, the newest of them that is in no doubt becomes the
 * pool. Tells how many went. */
int rp_folder_prune(struct rp_io *io, const char *dir,
		    const struct rp_retention *retention, struct rp_pool *pool,
		    size_t *pruned, struct rp_err *err);

/* Makes the folder and its missing parents, by the umask and durably. */
int rp_folder_make(struct rp_io *io, const char *dir, struct rp_err *err);

/* RALLY_ENOSPC where the file system of dir has less than `bytes` free for this
 * user, with what `pool` (NULL: none) gives back. */
int rp_folder_space(struct rp_io *io, const char *dir,
		    const struct rp_pool *pool, uint64_t bytes,
		    struct rp_err *err);

#endif
