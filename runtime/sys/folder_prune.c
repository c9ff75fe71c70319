/*
 * sys/folder_prune.c - what goes from a folder: old checkpoints, and what
 *                      crashes left
 */
#include "sys/folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/text.h"

/* What can't be removed keeps nothing else from it. */
static int remove_leftovers(struct rp_io *io, const char *dir, DIR *stream,
			    struct rp_err *err)
{
	struct dirent *entry;
	int rc = 0;

	while ((entry = rp_io_readdir(io, stream)) != NULL || errno == EINTR) {
		char *path;

		if (!entry || !rp_folder_is_leftover(entry->d_name))
			continue;
		path = rp_path(dir, entry->d_name);
		if (!path)
			rc = rp_fail(err, RALLY_ENOMEM, "sweep: no memory");
		else if (rp_remove_tree(io, path, err) != 0)
			rc = err ? err->code : RALLY_EIO;
		free(path);
	}
	return errno != 0 ? rp_fail_errno(err, "read", dir) : rc;
}

int rp_folder_sweep(struct rp_io *io, const char *dir, struct rp_err *err)
{
	DIR *stream = rp_open_dir(io, dir, err);
	int rc;

	if (!stream)
		return err ? err->code : RALLY_EIO;
	/* A crash may have come between the rename of a checkpoint that was
	 * pruned and the fsync that its removal waits for. */
	rc = rp_sync_dir(io, dir, err);
	if (rc == 0)
		rc = remove_leftovers(io, dir, stream, err);
	closedir(stream);
	return rc;
}

static char *trash_of(const char *dir, const struct rp_ckpt *ckpt)
{
	return rp_format("%s/" RP_FOLDER_TRASH "%04" PRId64, dir, ckpt->sequence);
}

/* From here on it is no checkpoint any more; path and name are its new ones. */
static int discard(struct rp_io *io, const char *dir, struct rp_ckpt *ckpt,
		   struct rp_err *err)
{
	char *trash = trash_of(dir, ckpt);
	int rc;

	if (!trash)
		return rp_fail(err, RALLY_ENOMEM, "prune: no memory");
	rc = rp_publish(io, ckpt->path, trash, err);
	if (rc != 0) {
		free(trash);
		return rc;
	}
	free(ckpt->path);
	ckpt->path = trash;
	ckpt->name = NULL;
	return 0;
}

static const struct rp_doubt *find_doubt(int64_t sequence,
					 const struct rp_doubt *doubts,
					 size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (doubts[i].sequence == sequence)
			return &doubts[i];
	return NULL;
}

/* Whether a checkpoint stays, by its doubt and by how many stay already. */
static int stays(const struct rp_doubt *doubt, size_t *kept, size_t keep)
{
	if (doubt)
		return !doubt->damaged;
	if (*kept >= keep)
		return 0;
	(*kept)++;
	return 1;
}

/* The files go only when the new names are durable: else a power cut could
 * leave a final name with half of its files. */
static int remove_discarded(struct rp_io *io, const char *dir,
			    const struct rp_folder *folder, struct rp_err *err)
{
	int rc = rp_sync_dir(io, dir, err);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < folder->n; i++)
		if (!folder->v[i].name &&
		    rp_remove_tree(io, folder->v[i].path, err) != 0)
			rc = err ? err->code : RALLY_EIO;
	return rc;
}

int rp_folder_prune(struct rp_io *io, const char *dir, size_t keep,
		    int64_t from, const struct rp_doubt *doubts,
		    size_t n_doubts, size_t *pruned, struct rp_err *err)
{
	struct rp_folder folder;
	int rc = rp_folder_list(io, &folder, dir, err);
	size_t kept = 0;

	*pruned = 0;
	/* What can't go keeps nothing else from it. */
	for (size_t i = 0, n = rc ? 0 : folder.n; i < n; i++) {
		const struct rp_doubt *doubt =
			find_doubt(folder.v[i].sequence, doubts, n_doubts);

		if (folder.v[i].sequence < from || stays(doubt, &kept, keep))
			continue;
		if (discard(io, dir, &folder.v[i], err) == 0)
			(*pruned)++;
		else
			rc = err ? err->code : RALLY_EIO;
	}
	if (*pruned > 0 && remove_discarded(io, dir, &folder, err) != 0)
		rc = err ? err->code : RALLY_EIO;
	rp_folder_free(&folder);
	return rc;
}
