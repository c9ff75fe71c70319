#include "base/io_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static uint64_t inode_at(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino
								   : 0;
}

/* The inode of the folder that a path's last part is in, and that part. */
static uint64_t folder_of(int dirfd, const char *path, const char **name)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	uint64_t inode;
	char *dir;

	*name = !path ? "-" : slash ? slash + 1 : path;
	if (!slash)
		return path ? inode_at(dirfd, ".") : 0;
	dir = rp_format("%.*s/.", (int)(slash - path), path);
	inode = dir ? inode_at(dirfd, dir) : 0;
	free(dir);
	return inode;
}

static void put_bytes(FILE *log, int fd)
{
	unsigned char block[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, block, sizeof(block), at)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			fprintf(log, "%02x", block[i]);
		at += n;
	}
}

static void put_names(FILE *log, int fd)
{
	DIR *dir = fdopendir(dup(fd));
	struct dirent *entry;

	if (!dir)
		return;
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			fprintf(log, "%s=%" PRIu64 "/", entry->d_name,
				(uint64_t)entry->d_ino);
	closedir(dir);
}

/* The descriptor may be open for writing only: it is opened again. */
static void put_synced(FILE *log, int fd)
{
	char *path = rp_format("/proc/self/fd/%d", fd);
	int again = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct stat st;

	if (again >= 0 && fstat(again, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			put_names(log, again);
		else
			put_bytes(log, again);
	}
	if (again >= 0)
		close(again);
	free(path);
}

static uint64_t inode_of(const struct rp_io_call *call)
{
	struct stat st;

	if (call->fd >= 0)
		return fstat(call->fd, &st) == 0 ? st.st_ino : 0;
	return call->path ? inode_at(call->dirfd, call->path) : 0;
}

void rp_io_log(FILE *log, int rank, int writer, uint64_t number,
	       const struct rp_io_call *call)
{
	int sys = errno;
	const char *name, *to;
	uint64_t from_dir = folder_of(call->dirfd, call->path, &name);
	uint64_t to_dir = folder_of(AT_FDCWD, call->to, &to);

	fprintf(log,
		"%d\t%s%" PRIu64 "\t%s\t%d\t%" PRIu64 "\t%" PRIu64
		"\t%s\t%" PRIu64 "\t%s\t",
		rank, writer ? "w" : "", number, call->op, call->result < 0 ? sys : 0, from_dir,
		inode_of(call), name, to_dir, to);
	if (call->result >= 0 && strcmp(call->op, "fsync") == 0)
		put_synced(log, call->fd);
	else
		fprintf(log, "%" PRId64, call->result);
	if (call->offset >= 0 && (strcmp(call->op, "write") == 0 ||
				  strcmp(call->op, "truncate") == 0))
		fprintf(log, "@%" PRId64, call->offset);
	fputc('\n', log);
	fflush(log);
	errno = sys;
}
