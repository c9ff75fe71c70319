#include "sys/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#define BLOCK 512	/* of st_blocks */
#define SHARD_SUFFIX ".safetensors"

int rp_pool_is_name(const char *name)
{
	return strncmp(name, RP_POOL_PREFIX, strlen(RP_POOL_PREFIX)) == 0;
}

int rp_pool_suits(const char *dir)
{
	struct statfs fs;

	/* The first number is ext2's and ext4's too. */
	return statfs(dir, &fs) == 0 && (fs.f_type == EXT4_SUPER_MAGIC ||
					 fs.f_type == XFS_SUPER_MAGIC ||
					 fs.f_type == TMPFS_MAGIC);
}

/*
 * Making it
 */

static int is_shard(const char *name)
{
	size_t length = strlen(name), suffix = strlen(SHARD_SUFFIX);

	return length > suffix &&
	       strcmp(name + length - suffix, SHARD_SUFFIX) == 0;
}

/* Whether pool/name may be written again as like/name was: the same umask, user
 * and group. With a second name it belongs to somebody else too. */
static int is_like(struct rp_io *io, const char *mine, const char *like,
		   uint64_t *bytes)
{
	struct stat a, b;

	if (rp_lstat(io, mine, &a) != 0 || rp_lstat(io, like, &b) != 0 ||
	    !S_ISREG(a.st_mode) || a.st_nlink != 1 || a.st_mode != b.st_mode ||
	    a.st_uid != b.st_uid || a.st_gid != b.st_gid)
		return 0;
	*bytes = (uint64_t)a.st_blocks * BLOCK;
	return 1;
}

/* 1 where the entry stays, 0 where it went, -1 where it can't go. */
static int sort_one(struct rp_io *io, struct rp_pool *pool, const char *name,
		    const char *like, struct rp_err *err)
{
	char *mine = rp_path(pool->path, name);
	char *other = rp_path(like, name);
	uint64_t bytes = 0;
	int rc;

	if (!mine || !other) {
		rp_fail(err, RALLY_ENOMEM, "%s: no memory", pool->path);
		rc = -1;
	} else if (is_shard(name) && is_like(io, mine, other, &bytes)) {
		pool->bytes += bytes;
		rc = 1;
	} else {
		rc = rp_remove_tree(io, mine, err) == 0 ? 0 : -1;
	}
	free(mine);
	free(other);
	return rc;
}

/* A link that somebody put there would have us clear another folder. */
static int is_our_dir(struct rp_io *io, const char *path, struct rp_err *err)
{
	struct stat st;

	if (rp_lstat(io, path, &st) == 0)
		return S_ISDIR(st.st_mode) && st.st_uid == geteuid();
	rp_fail_errno(err, "stat", path);
	return -1;
}

/* How many shards are left in it, or -1. */
static int sort(struct rp_io *io, struct rp_pool *pool, const char *like,
		struct rp_err *err)
{
	DIR *dir = rp_open_dir(io, pool->path, err);
	struct dirent *entry;
	int n = 0, rc = 0;

	if (!dir)
		return -1;
	while (rc >= 0 && ((entry = rp_io_readdir(io, dir)) != NULL ||
			   errno == EINTR)) {
		rc = entry ? sort_one(io, pool, entry->d_name, like, err) : 0;
		n += rc > 0;
	}
	if (rc >= 0 && errno != 0) {
		rp_fail_errno(err, "read", pool->path);
		rc = -1;
	}
	closedir(dir);
	return rc < 0 ? -1 : n;
}

int rp_pool_make(struct rp_io *io, struct rp_pool *pool, char *path,
		 const char *like, struct rp_err *err)
{
	struct rp_err own = { 0 }, none = { 0 };
	int n;

	pool->path = path;
	pool->bytes = 0;
	n = is_our_dir(io, path, &own);
	if (n > 0)
		n = sort(io, pool, like, &own);
	if (n > 0)
		return 0;
	if (n < 0) {
		rp_pool_drop(io, pool, &none);
		return rp_fail(err, own.code, "%s", own.text);
	}
	return rp_pool_drop(io, pool, err);
}

void rp_pool_forget(struct rp_pool *pool)
{
	free(pool->path);
	pool->path = NULL;
	pool->bytes = 0;
}

int rp_pool_drop(struct rp_io *io, struct rp_pool *pool, struct rp_err *err)
{
	int rc = pool->path ? rp_remove_tree(io, pool->path, err) : 0;

	rp_pool_forget(pool);
	return rc;
}

/*
 * Taking from it
 */

/* Without waiting for somebody's lease on it. */
static int open_old(struct rp_io *io, const char *path)
{
	int fd, flags;

	do
		fd = rp_io_open(io, AT_FDCWD, path,
				O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
		return fd;
	rp_close_read(io, fd);
	return -1;
}

static int is_free(struct rp_io *io, int fd, int sure)
{
	int rc;

	do
		rc = rp_io_lease(io, fd);
	while (rc != 0 && errno == EINTR);
	return rc == 0 || (!sure && (errno == EINVAL || errno == ENOSYS ||
				     errno == EOPNOTSUPP || errno == ENOLCK));
}

static int is_ours_alone(struct rp_io *io, int fd, int sure, struct stat *st)
{
	int rc;

	do
		rc = rp_io_fstat(io, fd, st);
	while (rc != 0 && errno == EINTR);
	return rc == 0 && S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	       st->st_uid == geteuid() && is_free(io, fd, sure);
}

/* Longer than wanted, it gives its blocks back now. */
static int cut(struct rp_io *io, int fd, const struct stat *st, uint64_t size)
{
	int rc;

	if ((uint64_t)st->st_size <= size)
		return 0;
	do
		rc = rp_io_truncate(io, fd, (off_t)size);
	while (rc != 0 && errno == EINTR);
	return rc;
}

/* The old file, under its new name already, or -1. */
static int take(struct rp_io *io, int sure, const char *path, uint64_t size,
		int *allocated)
{
	int fd = open_old(io, path);
	struct stat st;

	if (fd < 0)
		return -1;
	if (is_ours_alone(io, fd, sure, &st) && cut(io, fd, &st, size) == 0) {
		*allocated = (uint64_t)st.st_size >= size &&
			     (uint64_t)st.st_blocks * BLOCK >= size;
		return fd;
	}
	rp_close_read(io, fd);
	return -1;
}

int rp_pool_open(struct rp_io *io, const char *old, int sure, const char *path,
		 uint64_t size, int *allocated, struct rp_err *err)
{
	int fd;

	*allocated = 0;
	/* Under its new name nobody finds it who looks for the old one, while it
	 * is looked at and after. */
	if (old && rp_publish(io, old, path, NULL) == 0) {
		fd = take(io, sure, path, size, allocated);
		if (fd >= 0)
			return fd;
		if (rp_remove(io, path, err) != 0)
			return -1;
	}
	return rp_create(io, path, err);
}
