/*
 * base/file.h - system calls on files that finish what they start
 *
 * All of them go on after EINTR and after short transfers, and follow no
 * symbolic link in the last part of a file's path. `io` may be NULL (base/io.h).
 */
#ifndef RP_BASE_FILE_H
#define RP_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/io.h"

/* Writes or reads exactly `size` bytes at `offset`. Reading past the end is an
 * error. `path` is for the sentence. */
int rp_write_all(struct rp_io *io, int fd, const void *data, size_t size,
		 int64_t offset, const char *path, struct rp_err *err);
int rp_read_all(struct rp_io *io, int fd, void *data, size_t size,
		int64_t offset, const char *path, struct rp_err *err);

/* Creates a file that must not exist, for writing. A folder that another node
 * made a moment ago may not be visible yet over NFS: ENOENT is tried again for
 * two seconds. Returns the descriptor, or -1. */
int rp_create(struct rp_io *io, const char *path, struct rp_err *err);

/* Makes a folder, with the same patience. One that is there already is success,
 * a link to one is not. */
int rp_mkdir(struct rp_io *io, const char *path, struct rp_err *err);

/* Waits with the same patience for a folder that another node made. */
int rp_await_dir(struct rp_io *io, const char *path, struct rp_err *err);

/* Opens a regular file for reading and tells its size; rp_close_read() closes it.
 * Returns the descriptor, or -1. */
int rp_open_read(struct rp_io *io, const char *path, int64_t *size,
		 struct rp_err *err);
void rp_close_read(struct rp_io *io, int fd);

/* fsync of a descriptor, then its close in any case. After a failed fsync the
 * kernel may have dropped the pages: the file must be written anew. */
int rp_sync_close(struct rp_io *io, int fd, const char *path,
		  struct rp_err *err);

/* fsync of a folder, which makes the names in it durable. */
int rp_sync_dir(struct rp_io *io, const char *path, struct rp_err *err);

/* A whole file of at most `max` bytes, NUL added, the caller's to free. NULL on
 * an error. */
char *rp_read_file(struct rp_io *io, const char *path, size_t max,
		   size_t *size, struct rp_err *err);

/* Creates `path` with this content, durable: written, fsync. The folder's own
 * fsync is the caller's. After an error the file is gone again. */
int rp_write_file(struct rp_io *io, const char *path, const void *data,
		  size_t size, struct rp_err *err);

/* Replaces `path` atomically and durably: a temporary name beside it, fsync,
 * rename, fsync of the folder. */
int rp_replace_file(struct rp_io *io, const char *dir, const char *name,
		    const void *data, size_t size, struct rp_err *err);

/* lstat(), after EINTR again. */
int rp_lstat(struct rp_io *io, const char *path, struct stat *st);

/* rename(from, to). Over NFS a rename can report an error though it was done: a
 * retransmitted one ENOENT, one whose answer never came EIO. So where `from` is
 * gone and `to` is there, that is success. */
int rp_publish(struct rp_io *io, const char *from, const char *to,
	       struct rp_err *err);

/* Opens a folder for rp_io_readdir(); closedir() is the caller's. NULL on an
 * error. The second takes a descriptor, also then. */
DIR *rp_open_dir(struct rp_io *io, const char *path, struct rp_err *err);
DIR *rp_stream_of(struct rp_io *io, int fd);

/* Removes a file. Absence is success. */
int rp_remove(struct rp_io *io, const char *path, struct rp_err *err);

/* Removes a file or a whole folder, following no links. Absence is success. */
int rp_remove_tree(struct rp_io *io, const char *path, struct rp_err *err);

/* "dir/name", the caller's; NULL without memory. */
char *rp_path(const char *dir, const char *name);

#endif
