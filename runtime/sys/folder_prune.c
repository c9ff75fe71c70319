/*
 * sys/folder_prune.c - what goes from a folder: old checkpoints, and what
 *                      crashes left
 */
#include "sys/folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "data/manifest.h"

/*
 * What crashes left
 */

/* The final name of what lies at a hidden path, as its manifest tells. */
static char *name_of(struct rp_io *io, const char *dir, const char *path,
		     struct rp_err *err)
{
	char *file = rp_path(path, RP_MANIFEST_FILE), *text = NULL;
	char *final = NULL;
	struct rp_manifest m = { 0 };
	size_t size;

	if (file)
		text = rp_read_file(io, file, RP_MANIFEST_MAX, &size, err);
	if (text && rp_manifest_decode(&m, text, size, file, err) == 0)
		final = rp_folder_final(dir, m.sequence, m.step);
	rp_manifest_free(&m);
	free(text);
	free(file);
	return final;
}

/* A pin that came as discard() took the name away, and a crash before it was put
 * back: here it is. 0 where there is no pin, 1 where it is back, or -1. */
static int put_back(struct rp_io *io, const char *dir, const char *path,
		    struct rp_err *err)
{
	int pinned = rp_pin_look(io, path, err);
	char *final;
	int rc;

	if (pinned <= 0)
		return pinned;
	final = name_of(io, dir, path, err);
	rc = final ? rp_publish(io, path, final, err) : -1;
	if (rc == 0)
		rc = rp_sync_dir(io, dir, err);
	free(final);
	return rc == 0 ? 1 : -1;
}

/* The first pool that is found stays, where one may: its path is set then. */
static int remove_one(struct rp_io *io, const char *dir, const char *name,
		      struct rp_pool *pool, struct rp_err *err)
{
	int is_pool = rp_pool_is_name(name), rc = 0;
	char *path;

	if (!is_pool && !rp_folder_is_leftover(name))
		return 0;
	path = rp_path(dir, name);
	if (!path)
		return rp_fail(err, RALLY_ENOMEM, "sweep: no memory");
	if (is_pool || strncmp(name, RP_FOLDER_TRASH, strlen(RP_FOLDER_TRASH)) == 0)
		rc = put_back(io, dir, path, err);
	if (rc != 0) {
		free(path);
		return rc < 0 ? RALLY_EIO : 0;
	}
	if (is_pool && pool && !pool->path) {
		pool->path = path;
		return 0;
	}
	rc = rp_remove_tree(io, path, err);
	free(path);
	return rc;
}

/* What can't be removed keeps nothing else from it. */
static int remove_leftovers(struct rp_io *io, const char *dir, DIR *stream,
			    struct rp_pool *pool, struct rp_err *err)
{
	struct dirent *entry;
	int rc = 0;

	while ((entry = rp_io_readdir(io, stream)) != NULL || errno == EINTR) {
		int one = entry ? remove_one(io, dir, entry->d_name, pool, err)
				: 0;

		rc = one ? one : rc;
	}
	return errno != 0 ? rp_fail_errno(err, "read", dir) : rc;
}

/* The directory that pool->path names becomes the pool of this start. */
static int adopt(struct rp_io *io, const char *dir, struct rp_pool *pool,
		 struct rp_err *err)
{
	struct rp_folder folder;
	int rc = rp_folder_list(io, &folder, dir, err);
	char *path = pool->path;

	pool->path = NULL;
	if (rc != 0)
		free(path);
	else
		rc = rp_pool_make(io, pool, path,
				  folder.n > 0 ? folder.v[0].path : dir, err);
	rp_folder_free(&folder);
	return rc;
}

int rp_folder_sweep(struct rp_io *io, const char *dir, struct rp_pool *pool,
		    struct rp_err *err)
{
	DIR *stream = rp_open_dir(io, dir, err);
	int rc, more = 0;

	if (!stream)
		return err ? err->code : RALLY_EIO;
	/* A crash may have come between the rename of a checkpoint that was
	 * pruned and the fsync that its removal waits for. */
	rc = rp_sync_dir(io, dir, err);
	if (rc == 0)
		rc = remove_leftovers(io, dir, stream, pool, err);
	closedir(stream);
	if (pool && pool->path)
		more = adopt(io, dir, pool, err);
	return rc ? rc : more;
}

/*
 * Old checkpoints
 */

/* From here on it is no checkpoint any more; path and name are its new ones, and
 * name is NULL. */
static int discard(struct rp_io *io, const char *dir, struct rp_ckpt *ckpt,
		   const char *prefix, struct rp_err *err)
{
	char *hidden = rp_format("%s/%s%04" PRId64, dir, prefix, ckpt->sequence);
	int rc, pinned;

	if (!hidden)
		return rp_fail(err, RALLY_ENOMEM, "prune: no memory");
	rc = rp_publish(io, ckpt->path, hidden, err);
	if (rc != 0) {
		free(hidden);
		return rc;
	}
	/* Under its old name nobody can pin it any more: who was quicker has. */
	pinned = rp_pin_look(io, hidden, err);
	if (pinned != 0) {
		rc = rp_publish(io, hidden, ckpt->path, err);
		free(hidden);
		if (rc == 0)
			rc = rp_sync_dir(io, dir, err);
		return pinned < 0 ? RALLY_EIO : rc;
	}
	free(ckpt->path);
	ckpt->path = hidden;
	ckpt->name = NULL;
	return 0;
}

#define NONE SIZE_MAX

/* What went from a folder. */
struct gone {
	size_t n;
	size_t pooled;		/* which of them is to be the pool, or NONE */
};

/* What can't go keeps nothing else from it. */
static int discard_all(struct rp_io *io, const char *dir,
		       struct rp_folder *folder, const enum rp_stay *stays,
		       int may_pool, struct gone *gone, struct rp_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < folder->n; i++) {
		struct rp_ckpt *ckpt = &folder->v[i];
		int pools = may_pool && gone->pooled == NONE &&
			    stays[i] == RP_GOES;
		int one = 0;

		if (stays[i] == RP_STAYS_EVERY)
			one = rp_pin_set(io, ckpt->path,
					 "by option keep_every\n", err);
		else if (stays[i] == RP_GOES || stays[i] == RP_GOES_BAD)
			one = discard(io, dir, ckpt, pools ? RP_POOL_PREFIX
							   : RP_FOLDER_TRASH,
				      err);
		rc = one ? one : rc;
		if (ckpt->name)
			continue;
		gone->n++;
		if (pools)
			gone->pooled = i;
	}
	return rc;
}

/* The pool's path is its own from here on. */
static int pool_one(struct rp_io *io, const char *dir,
		    struct rp_folder *folder, size_t i, struct rp_pool *pool,
		    struct rp_err *err)
{
	char *path = folder->v[i].path;

	folder->v[i].path = NULL;
	/* A name of its own has no shard: then all of it goes. */
	return rp_pool_make(io, pool, path,
			    folder->v[0].name ? folder->v[0].path : dir, err);
}

/* The files go, or change, only when the new names are durable: else a power cut
 * could leave a final name with half of its files, or with others' bytes. */
static int remove_discarded(struct rp_io *io, const char *dir,
			    struct rp_folder *folder, const struct gone *gone,
			    struct rp_pool *pool, struct rp_err *err)
{
	int rc = rp_sync_dir(io, dir, err);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < folder->n; i++) {
		int one = 0;

		if (i == gone->pooled)
			one = pool_one(io, dir, folder, i, pool, err);
		else if (!folder->v[i].name)
			one = rp_remove_tree(io, folder->v[i].path, err);
		if (one != 0)
			rc = err ? err->code : RALLY_EIO;
	}
	return rc;
}

int rp_folder_prune(struct rp_io *io, const char *dir,
		    const struct rp_retention *retention, struct rp_pool *pool,
		    size_t *pruned, struct rp_err *err)
{
	struct gone gone = { 0, NONE };
	enum rp_stay *stays = NULL;
	struct rp_folder folder;
	int rc = rp_folder_list(io, &folder, dir, err), one = 0;

	if (rc == 0 && !(stays = calloc(folder.n + 1, sizeof(*stays))))
		rc = rp_fail(err, RALLY_ENOMEM, "prune: no memory");
	if (rc == 0) {
		rc = rp_retain(io, &folder, retention, stays, err);
		one = discard_all(io, dir, &folder, stays, pool && !pool->path,
				  &gone, err);
	}
	rc = one ? one : rc;
	if (gone.n > 0 &&
	    remove_discarded(io, dir, &folder, &gone, pool, err) != 0)
		rc = err ? err->code : RALLY_EIO;
	*pruned = gone.n;
	free(stays);
	rp_folder_free(&folder);
	return rc;
}
