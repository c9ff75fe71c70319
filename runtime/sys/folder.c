#include "sys/folder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define PARTIAL ".partial-"

int rp_folder_parse(const char *name, struct rp_ckpt *ckpt)
{
	char *end, *again;
	int same;

	if (*name < '0' || *name > '9')
		return -1;
	errno = 0;
	ckpt->sequence = strtoll(name, &end, 10);
	if (errno || ckpt->sequence > RP_SEQUENCE_MAX ||
	    strncmp(end, "-step-", 6) != 0)
		return -1;
	ckpt->step = strtoll(end + 6, &end, 10);
	if (errno || *end != '\0')
		return -1;
	again = rp_folder_final("", ckpt->sequence, ckpt->step);
	same = again && strcmp(again + 1, name) == 0;
	free(again);
	return same ? 0 : -1;
}

char *rp_folder_final(const char *dir, int64_t sequence, int64_t step)
{
	return rp_format("%s/%04" PRId64 "-step-%" PRId64, dir, sequence, step);
}

static int newest_first(const void *a, const void *b)
{
	const struct rp_ckpt *x = a, *y = b;

	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? 1 : -1;
	return x->step < y->step ? 1 : x->step > y->step ? -1 : 0;
}

/* 1, 0, or -1 where that can't be told: a checkpoint must not go unnoticed. */
static int is_dir(struct rp_io *io, const char *path, struct rp_err *err)
{
	struct stat st;

	if (rp_lstat(io, path, &st) == 0)
		return S_ISDIR(st.st_mode);
	if (errno == ENOENT)
		return 0;
	rp_fail_errno(err, "stat", path);
	return -1;
}

static int add(struct rp_io *io, struct rp_folder *folder, const char *dir,
	       const char *name, struct rp_err *err)
{
	struct rp_ckpt ckpt, *v;
	int found;

	if (rp_folder_parse(name, &ckpt) != 0)
		return 0;
	if (ckpt.sequence > folder->last)
		folder->last = ckpt.sequence;
	ckpt.path = rp_path(dir, name);
	v = realloc(folder->v, (folder->n + 1) * sizeof(*v));
	if (v)
		folder->v = v;
	if (!v || !ckpt.path) {
		free(ckpt.path);
		return rp_fail(err, RALLY_ENOMEM, "list %s: no memory", dir);
	}
	found = is_dir(io, ckpt.path, err);
	if (found <= 0) {
		free(ckpt.path);
		return found == 0 ? 0 : RALLY_EIO;
	}
	ckpt.name = strrchr(ckpt.path, '/') + 1;
	v[folder->n++] = ckpt;
	return 0;
}

int rp_folder_is_leftover(const char *name)
{
	return strncmp(name, PARTIAL, strlen(PARTIAL)) == 0 ||
	       strncmp(name, RP_FOLDER_TRASH, strlen(RP_FOLDER_TRASH)) == 0;
}

int rp_folder_list(struct rp_io *io, struct rp_folder *folder,
		   const char *dir, struct rp_err *err)
{
	memset(folder, 0, sizeof(*folder));
	folder->last = -1;
	return rp_folder_add(io, folder, dir, err);
}

int rp_folder_add(struct rp_io *io, struct rp_folder *folder, const char *dir,
		  struct rp_err *err)
{
	DIR *stream = rp_open_dir(io, dir, err);
	struct dirent *entry;
	int rc = 0;

	if (!stream)
		return err ? err->code : RALLY_EIO;
	while (rc == 0 && ((entry = rp_io_readdir(io, stream)) != NULL ||
			   errno == EINTR)) {
		if (entry && rp_folder_is_leftover(entry->d_name))
			folder->partials++;
		else if (entry && rp_pool_is_name(entry->d_name))
			folder->pools++;
		else if (entry)
			rc = add(io, folder, dir, entry->d_name, err);
	}
	if (rc == 0 && errno != 0)
		rc = rp_fail_errno(err, "read", dir);
	closedir(stream);
	if (folder->n > 0)
		qsort(folder->v, folder->n, sizeof(*folder->v), newest_first);
	return rc;
}

void rp_folder_free(struct rp_folder *folder)
{
	for (size_t i = 0; i < folder->n; i++)
		free(folder->v[i].path);
	free(folder->v);
	memset(folder, 0, sizeof(*folder));
}

char *rp_folder_begin(struct rp_io *io, const char *dir, int64_t sequence,
		      struct rp_err *err)
{
	struct timespec now;
	char *path;
	int rc;

	clock_gettime(CLOCK_REALTIME, &now);
	path = rp_format("%s/" PARTIAL "%04" PRId64 "-%ld-%" PRIx64, dir,
			 sequence, (long)getpid(),
			 (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
	if (!path) {
		rp_fail(err, RALLY_ENOMEM, "mkdir: no memory");
		return NULL;
	}
	do
		rc = rp_io_mkdir(io, path);
	while (rc != 0 && errno == EINTR);
	if (rc != 0) {
		rp_fail_errno(err, "mkdir", path);
		free(path);
		path = NULL;
	}
	return path;
}

/* mkdir failed, errno says why: it may be there, also where that is not EEXIST
 * (EACCES of one that autofs has to mount first, EROFS). */
static int settle_for(struct rp_io *io, const char *path, struct rp_err *err)
{
	int sys = errno;
	DIR *stream = sys == EEXIST ? NULL : rp_open_dir(io, path, NULL);

	if (stream)
		closedir(stream);
	if (stream || sys == EEXIST)
		return 0;
	errno = sys;
	return rp_fail_errno(err, "mkdir", path);
}

/* One folder of a path; a new one's name is made durable in its parent. */
static int make_one(struct rp_io *io, const char *path, struct rp_err *err)
{
	struct rp_err why = { 0 };
	char *parent, *slash;
	int rc;

	do
		rc = rp_io_mkdir(io, path);
	while (rc != 0 && errno == EINTR);
	if (rc != 0)
		return settle_for(io, path, err);
	parent = strdup(path);
	if (!parent)
		return rp_fail(err, RALLY_ENOMEM, "mkdir: no memory");
	slash = strrchr(parent, '/');
	if (slash && slash != parent)
		*slash = '\0';
	rc = rp_sync_dir(io, !slash ? "." : slash == parent ? "/" : parent,
			 &why);
	free(parent);
	/* A parent that may be written but not read, or whose file system knows
	 * no fsync of folders, is as durable as it gets. */
	if (rc == 0 || why.sys == EACCES || why.sys == EINVAL)
		return 0;
	return rp_fail_as(err, &why);
}

/* Something else may stand there: a link to a folder is one. */
static int check_folder(struct rp_io *io, const char *dir, struct rp_err *err)
{
	struct rp_err why = { 0 };
	DIR *stream = rp_open_dir(io, dir, &why);

	if (stream) {
		closedir(stream);
		return 0;
	}
	if (why.sys == ENOTDIR)
		return rp_fail(err, RALLY_EIO, "mkdir %s: it is not a folder",
			       dir);
	return rp_fail_as(err, &why);
}

int rp_folder_make(struct rp_io *io, const char *dir, struct rp_err *err)
{
	char *path = strdup(dir);
	int rc = 0;

	if (!path)
		return rp_fail(err, RALLY_ENOMEM, "mkdir: no memory");
	for (char *p = path + 1; rc == 0; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (p[-1] != '/')
			rc = make_one(io, path, err);
		*p = c;
		if (c == '\0')
			break;
	}
	free(path);
	return rc ? rc : check_folder(io, dir, err);
}

int rp_folder_space(struct rp_io *io, const char *dir,
		    const struct rp_pool *pool, uint64_t bytes,
		    struct rp_err *err)
{
	struct statvfs vfs;
	char need[24], have[24];
	uint64_t available;
	int rc;

	do
		rc = rp_io_statvfs(io, dir, &vfs);
	while (rc != 0 && errno == EINTR);
	if (rc != 0)
		return rp_fail_errno(err, "statvfs", dir);
	available = (uint64_t)vfs.f_bavail * vfs.f_frsize +
		    (pool ? pool->bytes : 0);
	if (available >= bytes)
		return 0;
	return rp_fail(err, RALLY_ENOSPC,
		       "%s: the checkpoint needs %s, %s are free", dir,
		       rp_text_bytes(bytes, need, sizeof(need)),
		       rp_text_bytes(available, have, sizeof(have)));
}
