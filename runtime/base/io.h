/*
 * base/io.h - the system calls on the checkpoint folder, all in one place
 *
 * Whatever reads or changes the folder goes through these. Results and errno are
 * those of the system call of the same name, EINTR and short transfers included;
 * base/file.h has what finishes what it starts. New files and folders get their
 * mode from the umask, and are never writable for all.
 *
 * The first argument may be NULL: then they are the plain calls. An open
 * `struct rp_io` counts them, and makes one fail, come short, or be the
 * process's last, as the options `fault` and `fault_log` say (base/fault.h). It
 * is used by one thread at a time: the writer of background saves has its own.
 */
#ifndef RP_BASE_IO_H
#define RP_BASE_IO_H

#include <dirent.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/fault.h"

struct rp_io {
	struct rp_fault fault;
	FILE *log;		/* the journal (base/io_log.h), or NULL */
	int rank;
	int writer;		/* of background saves */
	uint64_t calls;		/* made so far */
	atomic_int cancelled;
};

/* Follows `spec` (base/fault.h, "": no fault) as `rank`, and keeps a journal of
 * all calls in the file `log` ("": none), which ranks share. Close in any case;
 * one of all zeros is closed. */
int rp_io_begin(struct rp_io *io, const char *spec, const char *log, int rank,
		struct rp_err *err);
int rp_io_begin_writer(struct rp_io *io, const char *spec, const char *log,
		       int rank, struct rp_err *err);
void rp_io_end(struct rp_io *io);

/* O_CLOEXEC is added. `dirfd` may be AT_FDCWD here and in rp_io_unlink(). */
int rp_io_open(struct rp_io *io, int dirfd, const char *path, int flags);
int rp_io_close(struct rp_io *io, int fd);
ssize_t rp_io_pread(struct rp_io *io, int fd, void *data, size_t size,
		    off_t offset);
ssize_t rp_io_pwrite(struct rp_io *io, int fd, const void *data, size_t size,
		     off_t offset);
ssize_t rp_io_write(struct rp_io *io, int fd, const void *data, size_t size);
int rp_io_fsync(struct rp_io *io, int fd);
int rp_io_fstat(struct rp_io *io, int fd, struct stat *st);

/* Gives a new file its length and its space, with zeros: posix_fallocate(), but
 * -1 and errno, and never by writing. */
int rp_io_allocate(struct rp_io *io, int fd, off_t size);

/* Has a part of one file share the extents of a part of another: FICLONERANGE.
 * EOPNOTSUPP, EXDEV, EINVAL or ENOTTY where the file system has no such thing. */
int rp_io_clone(struct rp_io *io, int fd, off_t offset, int from, off_t from_offset,
		size_t size);

/* ftruncate(). */
int rp_io_truncate(struct rp_io *io, int fd, off_t size);

/* Whether no other open file and no mapping on this machine is of the file that
 * fd writes to: 0, or -1 with EAGAIN. EINVAL: this file system can't tell; EACCES:
 * the file is another user's. It takes a write lease, and gives it back at once. */
int rp_io_lease(struct rp_io *io, int fd);

/* Has the kernel begin to write out what was written. Says nothing, as only an
 * fsync does. */
void rp_io_begin_writeback(struct rp_io *io, int fd, off_t offset, off_t size);

/* Bytes of this part of a file that the page cache holds, as far as can be told;
 * 0 where each call is to be seen by itself, so that their number does not depend
 * on it. */
size_t rp_io_cached(struct rp_io *io, int fd, off_t offset, size_t size);

/* Has the kernel begin to read a part into the page cache. Says nothing. */
void rp_io_begin_read(struct rp_io *io, int fd, off_t offset, size_t size);

/* 1 where each call is to be seen by itself: a fault or a journal is wanted. */
int rp_io_watched(const struct rp_io *io);

/* From now on (`on` 1) every call of the thread that uses io fails with
 * ECANCELED, so that what it does comes to its end soon. From any thread. */
void rp_io_cancel(struct rp_io *io, int on);
int rp_io_cancelled(const struct rp_io *io);

int rp_io_mkdir(struct rp_io *io, const char *path);
int rp_io_rename(struct rp_io *io, const char *from, const char *to);
int rp_io_unlink(struct rp_io *io, int dirfd, const char *path, int flags);
int rp_io_lstat(struct rp_io *io, const char *path, struct stat *st);
int rp_io_statvfs(struct rp_io *io, const char *path, struct statvfs *vfs);

/* A folder's entries but "." and ".."; the stream owns fd and goes with
 * closedir(). Reading sets errno to 0 first: NULL with errno 0 is the end. */
DIR *rp_io_fdopendir(struct rp_io *io, int fd);
struct dirent *rp_io_readdir(struct rp_io *io, DIR *dir);

#endif
