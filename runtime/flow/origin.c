#include "flow/origin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "data/manifest.h"

/* With a slash before its last part, and none behind; the caller's. */
static char *trim(const char *path)
{
	size_t length = strlen(path);
	char *trimmed;

	while (length > 1 && path[length - 1] == '/')
		length--;
	trimmed = rp_format("%s%.*s", memchr(path, '/', length) ? "" : "./",
			    (int)length, path);
	return trimmed;
}

/* Hidden names are not of checkpoints, whatever is in them. */
static int check_name(const struct rp_origin *o, const char *path,
		      struct rp_err *err)
{
	const char *name = strrchr(path, '/') + 1;

	if (rp_pool_is_name(name) ||
	    strncmp(name, RP_FOLDER_TRASH, strlen(RP_FOLDER_TRASH)) == 0)
		return rp_fail(err, RALLY_EABSENT,
			       "%s: %s was pruned and is no checkpoint any more",
			       o->by, path);
	if (rp_folder_is_leftover(name))
		return rp_fail(err, RALLY_EABSENT,
			       "%s: %s is a save that was never committed: "
			       "nothing is read from it", o->by, path);
	return 0;
}

static int check_folder(struct rp_io *io, const struct rp_origin *o,
			const char *path, struct rp_err *err)
{
	struct rp_err why = { 0 };
	DIR *stream = rp_open_dir(io, path, &why);

	if (stream) {
		closedir(stream);
		return 0;
	}
	if (why.sys == ENOENT)
		return rp_fail(err, RALLY_EABSENT, "%s: there is no %s", o->by,
			       path);
	if (why.sys == ENOTDIR)
		return rp_fail(err, RALLY_EABSENT,
			       "%s: %s is a file; give a checkpoint's directory, "
			       "or a folder of them", o->by, path);
	rp_fail_as(err, &why);
	return err ? err->code : RALLY_EIO;
}

/* Whether the path is one checkpoint: by its name, which may be what is left of one,
 * or by its manifest. -1 on an error. */
static int is_checkpoint(struct rp_io *io, const char *path, struct rp_err *err)
{
	struct rp_ckpt ckpt;
	struct stat st;
	char *file;
	int rc;

	if (rp_folder_parse(strrchr(path, '/') + 1, &ckpt) == 0)
		return 1;
	file = rp_path(path, RP_MANIFEST_FILE);
	if (!file) {
		rp_fail(err, RALLY_ENOMEM, "restore: no memory");
		return -1;
	}
	rc = rp_lstat(io, file, &st) == 0;
	if (rc == 0 && errno != ENOENT) {
		rp_fail_errno(err, "stat", file);
		rc = -1;
	}
	free(file);
	return rc;
}

static int is_doubted(const struct rp_origin *o, int64_t sequence)
{
	for (size_t i = 0; i < o->n_doubts; i++)
		if (o->doubts[i].sequence == sequence)
			return 1;
	return 0;
}

static int choose_in(struct rp_io *io, const struct rp_origin *o,
		     const char *path, struct rp_ckpt *ckpt, struct rp_err *err)
{
	struct rp_folder folder;
	int rc = rp_folder_list(io, &folder, path, err);

	for (size_t i = 0; rc == 0 && i < folder.n && !ckpt->path; i++) {
		if (is_doubted(o, folder.v[i].sequence))
			continue;
		*ckpt = folder.v[i];
		ckpt->path = strdup(folder.v[i].path);
		if (!ckpt->path)
			rc = rp_fail(err, RALLY_ENOMEM, "restore: no memory");
		else
			ckpt->name = strrchr(ckpt->path, '/') + 1;
	}
	if (rc == 0 && folder.n == 0)
		rc = rp_fail(err, RALLY_EABSENT, "%s: %s holds no checkpoint%s",
			     o->by, path, folder.partials > 0
			     ? ", only saves that were never committed" : "");
	else if (rc == 0 && !ckpt->path)
		rc = rp_fail(err, RALLY_ECORRUPT,
			     "%s: %s: none of its %zu checkpoints verifies; "
			     "`rallypoint verify` tells what is wrong with each",
			     o->by, path, folder.n);
	rp_folder_free(&folder);
	return rc;
}

int rp_origin_choose(struct rp_io *io, const struct rp_origin *o,
		     struct rp_ckpt *ckpt, int *single, struct rp_err *err)
{
	char *path = trim(o->path);
	int rc;

	memset(ckpt, 0, sizeof(*ckpt));
	*single = 0;
	if (!path)
		return rp_fail(err, RALLY_ENOMEM, "restore: no memory");
	rc = check_name(o, path, err);
	if (rc == 0)
		rc = check_folder(io, o, path, err);
	if (rc == 0)
		*single = is_checkpoint(io, path, err);
	if (*single < 0)
		rc = err ? err->code : RALLY_EIO;
	if (rc == 0 && *single > 0) {
		ckpt->path = path;
		ckpt->name = strrchr(path, '/') + 1;
		return 0;
	}
	if (rc == 0)
		rc = choose_in(io, o, path, ckpt, err);
	free(path);
	return rc;
}

void rp_origin_forget(struct rp_origin *o)
{
	free(o->doubts);
	o->doubts = NULL;
	o->n_doubts = 0;
}
