#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define VISIBLE_MS 2000	/* how long another node's mkdir may take to show */
#define POLL_MS 20

int rp_write_all(struct rp_io *io, int fd, const void *data, size_t size,
		 int64_t offset, const char *path, struct rp_err *err)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = rp_io_pwrite(io, fd, p, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return rp_fail_errno(err, "write", path);
		p += n;
		size -= (size_t)n;
		offset += n;
	}
	return 0;
}

int rp_read_all(struct rp_io *io, int fd, void *data, size_t size,
		int64_t offset, const char *path, struct rp_err *err)
{
	char *p = data;

	while (size > 0) {
		ssize_t n = rp_io_pread(io, fd, p, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rp_fail_errno(err, "read", path);
		if (n == 0)
			return rp_fail(err, RALLY_EIO,
				       "read %s: the file ends at byte %lld",
				       path, (long long)offset);
		p += n;
		size -= (size_t)n;
		offset += n;
	}
	return 0;
}

/* Another node's mkdir a moment ago may not show yet over NFS. */
static int may_show_later(int *waited)
{
	if (errno != ENOENT || *waited >= VISIBLE_MS)
		return 0;
	rp_sleep_ms(POLL_MS);
	*waited += POLL_MS;
	return 1;
}

int rp_create(struct rp_io *io, const char *path, struct rp_err *err)
{
	int waited = 0, fd;

	do
		fd = rp_io_open(io, AT_FDCWD, path,
				O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
	while (fd < 0 && (errno == EINTR || may_show_later(&waited)));
	if (fd < 0)
		rp_fail_errno(err, "create", path);
	return fd;
}

int rp_lstat(struct rp_io *io, const char *path, struct stat *st)
{
	int rc;

	do
		rc = rp_io_lstat(io, path, st);
	while (rc != 0 && errno == EINTR);
	return rc;
}

int rp_await_dir(struct rp_io *io, const char *path, struct rp_err *err)
{
	struct stat st;
	int waited = 0, rc;

	do
		rc = rp_lstat(io, path, &st);
	while (rc != 0 && may_show_later(&waited));
	if (rc != 0)
		return rp_fail_errno(err, "stat", path);
	if (!S_ISDIR(st.st_mode))
		return rp_fail(err, RALLY_EIO, "%s: it is not a folder", path);
	return 0;
}

int rp_mkdir(struct rp_io *io, const char *path, struct rp_err *err)
{
	int waited = 0, rc;

	do
		rc = rp_io_mkdir(io, path);
	while (rc != 0 && (errno == EINTR || may_show_later(&waited)));
	if (rc != 0 && errno == EEXIST)
		return rp_await_dir(io, path, err);
	return rc != 0 ? rp_fail_errno(err, "mkdir", path) : 0;
}

static int open_retrying(struct rp_io *io, const char *path, int flags,
			 struct rp_err *err)
{
	int fd;

	do
		fd = rp_io_open(io, AT_FDCWD, path, flags);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		rp_fail_errno(err, "open", path);
	return fd;
}

int rp_open_read(struct rp_io *io, const char *path, int64_t *size,
		 struct rp_err *err)
{
	/* O_NONBLOCK: a planted fifo must not make the open wait. */
	int fd = open_retrying(io, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
			       err);
	struct stat st;
	int rc;

	if (fd < 0)
		return -1;
	do
		rc = rp_io_fstat(io, fd, &st);
	while (rc != 0 && errno == EINTR);
	if (rc != 0) {
		rp_fail_errno(err, "stat", path);
	} else if (!S_ISREG(st.st_mode)) {
		rp_fail(err, RALLY_EIO, "open %s: not a regular file", path);
	} else {
		*size = (int64_t)st.st_size;
		return fd;
	}
	rp_close_read(io, fd);
	return -1;
}

void rp_close_read(struct rp_io *io, int fd)
{
	(void)rp_io_close(io, fd);
}

static int sync_fd(struct rp_io *io, int fd, const char *path,
		   struct rp_err *err)
{
	int rc;

	do
		rc = rp_io_fsync(io, fd);
	while (rc != 0 && errno == EINTR);
	return rc ? rp_fail_errno(err, "fsync", path) : 0;
}

int rp_sync_close(struct rp_io *io, int fd, const char *path,
		  struct rp_err *err)
{
	int rc = sync_fd(io, fd, path, err);

	/* NFS and quotas may tell of a failed write only here. */
	if (rp_io_close(io, fd) != 0 && errno != EINTR && rc == 0)
		rc = rp_fail_errno(err, "close", path);
	return rc;
}

int rp_sync_dir(struct rp_io *io, const char *path, struct rp_err *err)
{
	int fd = open_retrying(io, path, O_RDONLY | O_DIRECTORY, err);
	int rc;

	if (fd < 0)
		return err ? err->code : RALLY_EIO;
	rc = sync_fd(io, fd, path, err);
	rp_close_read(io, fd);
	return rc;
}

char *rp_read_file(struct rp_io *io, const char *path, size_t max,
		   size_t *size, struct rp_err *err)
{
	int64_t length;
	int fd = rp_open_read(io, path, &length, err);
	char *text = NULL;

	if (fd < 0)
		return NULL;
	if (length > (int64_t)max) {
		rp_fail(err, RALLY_EIO, "read %s: %lld bytes are too many",
			path, (long long)length);
	} else if (!(text = malloc((size_t)length + 1))) {
		rp_fail(err, RALLY_ENOMEM, "read %s: no memory", path);
	} else if (rp_read_all(io, fd, text, (size_t)length, 0, path, err)) {
		free(text);
		text = NULL;
	} else {
		text[length] = '\0';
		*size = (size_t)length;
	}
	rp_close_read(io, fd);
	return text;
}

int rp_write_file(struct rp_io *io, const char *path, const void *data,
		  size_t size, struct rp_err *err)
{
	int fd = rp_create(io, path, err);
	int rc;

	if (fd < 0)
		return err ? err->code : RALLY_EIO;
	rc = rp_write_all(io, fd, data, size, 0, path, err);
	if (rc == 0)
		rc = rp_sync_close(io, fd, path, err);
	else
		rp_close_read(io, fd);
	/* Half a file must not be taken for a whole one. */
	if (rc != 0)
		rp_remove(io, path, NULL);
	return rc;
}

int rp_replace_file(struct rp_io *io, const char *dir, const char *name,
		    const void *data, size_t size, struct rp_err *err)
{
	char *temp = rp_format("%s/%s.new", dir, name);
	char *path = rp_path(dir, name);
	int rc;

	if (!temp || !path) {
		rc = rp_fail(err, RALLY_ENOMEM, "write %s: no memory", name);
		goto out;
	}
	rc = rp_remove(io, temp, err);
	if (rc == 0)
		rc = rp_write_file(io, temp, data, size, err);
	if (rc == 0) {
		rc = rp_publish(io, temp, path, err);
		if (rc != 0)
			rp_remove(io, temp, NULL);
	}
	if (rc == 0)
		rc = rp_sync_dir(io, dir, err);
out:
	free(temp);
	free(path);
	return rc;
}

int rp_publish(struct rp_io *io, const char *from, const char *to,
	       struct rp_err *err)
{
	struct stat st;
	int rc, sys;

	do
		rc = rp_io_rename(io, from, to);
	while (rc != 0 && errno == EINTR);
	if (rc == 0)
		return 0;
	sys = errno;
	if (rp_lstat(io, to, &st) == 0 && rp_lstat(io, from, &st) != 0 &&
	    errno == ENOENT)
		return 0;
	errno = sys;
	return rp_fail_errno(err, "rename", from);
}

DIR *rp_stream_of(struct rp_io *io, int fd)
{
	DIR *dir;

	do
		dir = rp_io_fdopendir(io, fd);
	while (!dir && errno == EINTR);
	if (!dir)
		rp_close_read(io, fd);
	return dir;
}

DIR *rp_open_dir(struct rp_io *io, const char *path, struct rp_err *err)
{
	int fd = open_retrying(io, path, O_RDONLY | O_DIRECTORY, err);
	DIR *dir = fd < 0 ? NULL : rp_stream_of(io, fd);

	if (fd >= 0 && !dir)
		rp_fail_errno(err, "read", path);
	return dir;
}

char *rp_path(const char *dir, const char *name)
{
	return rp_format("%s/%s", dir, name);
}
