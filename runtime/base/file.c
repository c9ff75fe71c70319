#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define VISIBLE_MS 2000	/* how long another node's mkdir may take to show */
#define POLL_MS 20

int rp_write_all(int fd, const void *data, size_t size, int64_t offset,
		 const char *path, struct rp_err *err)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = pwrite(fd, p, size, offset);

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

int rp_read_all(int fd, void *data, size_t size, int64_t offset,
		const char *path, struct rp_err *err)
{
	char *p = data;

	while (size > 0) {
		ssize_t n = pread(fd, p, size, offset);

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

int rp_create(const char *path, struct rp_err *err)
{
	int waited = 0, fd;

	do
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
					O_CLOEXEC, 0666);
	while (fd < 0 && (errno == EINTR || may_show_later(&waited)));
	if (fd < 0)
		rp_fail_errno(err, "create", path);
	return fd;
}

int rp_mkdir(const char *path, struct rp_err *err)
{
	int waited = 0, rc;

	do
		rc = mkdir(path, 0777);
	while (rc != 0 && may_show_later(&waited));
	return rc != 0 && errno != EEXIST ? rp_fail_errno(err, "mkdir", path)
					  : 0;
}

int rp_open_read(const char *path, int64_t *size, struct rp_err *err)
{
	struct stat st;
	int fd;

	/* O_NONBLOCK: a planted fifo must not make the open wait. */
	do
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0) {
		rp_fail_errno(err, "open", path);
		return -1;
	}
	if (fstat(fd, &st) != 0) {
		rp_fail_errno(err, "stat", path);
	} else if (!S_ISREG(st.st_mode)) {
		rp_fail(err, RALLY_EIO, "open %s: not a regular file", path);
	} else {
		*size = (int64_t)st.st_size;
		return fd;
	}
	close(fd);
	return -1;
}

static int sync_fd(int fd, const char *path, struct rp_err *err)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc != 0 && errno == EINTR);
	return rc ? rp_fail_errno(err, "fsync", path) : 0;
}

int rp_sync_close(int fd, const char *path, struct rp_err *err)
{
	int rc = sync_fd(fd, path, err);

	/* NFS and quotas may tell of a failed write only here. */
	if (close(fd) != 0 && errno != EINTR && rc == 0)
		rc = rp_fail_errno(err, "close", path);
	return rc;
}

int rp_sync_dir(const char *path, struct rp_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return rp_fail_errno(err, "open", path);
	rc = sync_fd(fd, path, err);
	close(fd);
	return rc;
}

char *rp_read_file(const char *path, size_t max, size_t *size,
		   struct rp_err *err)
{
	int64_t length;
	int fd = rp_open_read(path, &length, err);
	char *text = NULL;

	if (fd < 0)
		return NULL;
	if (length > (int64_t)max) {
		rp_fail(err, RALLY_EIO, "read %s: %lld bytes are too many",
			path, (long long)length);
	} else if (!(text = malloc((size_t)length + 1))) {
		rp_fail(err, RALLY_ENOMEM, "read %s: no memory", path);
	} else if (rp_read_all(fd, text, (size_t)length, 0, path, err) != 0) {
		free(text);
		text = NULL;
	} else {
		text[length] = '\0';
		*size = (size_t)length;
	}
	close(fd);
	return text;
}

int rp_write_file(const char *path, const void *data, size_t size,
		  struct rp_err *err)
{
	int fd = rp_create(path, err);
	int rc;

	if (fd < 0)
		return err ? err->code : RALLY_EIO;
	rc = rp_write_all(fd, data, size, 0, path, err);
	if (rc == 0)
		rc = rp_sync_close(fd, path, err);
	else
		close(fd);
	/* Half a file must not be taken for a whole one. */
	if (rc != 0)
		unlink(path);
	return rc;
}

int rp_replace_file(const char *dir, const char *name, const void *data,
		    size_t size, struct rp_err *err)
{
	char *temp = rp_format("%s/%s.new", dir, name);
	char *path = rp_path(dir, name);
	int rc;

	if (!temp || !path) {
		rc = rp_fail(err, RALLY_ENOMEM, "write %s: no memory", name);
		goto out;
	}
	unlink(temp);
	rc = rp_write_file(temp, data, size, err);
	if (rc == 0 && rename(temp, path) != 0)
		rc = rp_fail_errno(err, "rename", temp);
	if (rc == 0)
		rc = rp_sync_dir(dir, err);
	else
		unlink(temp);
out:
	free(temp);
	free(path);
	return rc;
}

int rp_publish(const char *from, const char *to, struct rp_err *err)
{
	struct stat st;

	if (rename(from, to) == 0)
		return 0;
	if (errno == ENOENT && lstat(to, &st) == 0 && lstat(from, &st) != 0 &&
	    errno == ENOENT)
		return 0;
	return rp_fail_errno(err, "rename", from);
}

static int remove_at(int dirfd, const char *name);

static int empty_dir(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		close(fd);
		return -1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (remove_at(fd, entry->d_name) != 0)
			rc = -1;
	}
	closedir(dir);
	return rc;
}

static int remove_at(int dirfd, const char *name)
{
	int fd;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (empty_dir(fd) != 0)
		return -1;
	return unlinkat(dirfd, name, AT_REMOVEDIR) != 0 && errno != ENOENT
		       ? -1
		       : 0;
}

int rp_remove_tree(const char *path, struct rp_err *err)
{
	if (remove_at(AT_FDCWD, path) != 0)
		return rp_fail_errno(err, "remove", path);
	return 0;
}

char *rp_path(const char *dir, const char *name)
{
	return rp_format("%s/%s", dir, name);
}
