/*
 * base/remove.c - removing files and folders, see base/file.h
 *
 * A helper returns -1 with the errno of what stays.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>

static int unlink_at(struct rp_io *io, int dirfd, const char *name, int flags)
{
	int rc;

	do
		rc = rp_io_unlink(io, dirfd, name, flags);
	while (rc != 0 && errno == EINTR);
	return rc != 0 && errno == ENOENT ? 0 : rc;
}

int rp_remove(struct rp_io *io, const char *path, struct rp_err *err)
{
	return unlink_at(io, AT_FDCWD, path, 0) == 0
		       ? 0
		       : rp_fail_errno(err, "remove", path);
}

static int remove_at(struct rp_io *io, int dirfd, const char *name);

static int empty_dir(struct rp_io *io, int fd)
{
	DIR *dir = rp_stream_of(io, fd);
	struct dirent *entry;
	int sys = 0;

	if (!dir)
		return -1;
	while ((entry = rp_io_readdir(io, dir)) != NULL || errno == EINTR)
		if (entry && remove_at(io, fd, entry->d_name) != 0)
			sys = errno;
	if (errno != 0)
		sys = errno;
	closedir(dir);
	errno = sys;
	return sys ? -1 : 0;
}

static int remove_at(struct rp_io *io, int dirfd, const char *name)
{
	int fd;

	if (unlink_at(io, dirfd, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	do
		fd = rp_io_open(io, dirfd, name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (empty_dir(io, fd) != 0)
		return -1;
	return unlink_at(io, dirfd, name, AT_REMOVEDIR);
}

int rp_remove_tree(struct rp_io *io, const char *path, struct rp_err *err)
{
	if (remove_at(io, AT_FDCWD, path) != 0)
		return rp_fail_errno(err, "remove", path);
	return 0;
}
