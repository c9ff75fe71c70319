#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io_log.h"

/* By the umask, but never writable for all. */
#define FILE_MODE 0664
#define DIR_MODE 0775

/* A fault that is the other thread's is none here. */
static int heed(struct rp_io *io, const char *spec)
{
	int64_t whose;

	if (rp_fault_parse(spec, &io->fault) != 0)
		return -1;
	whose = io->fault.writer;
	if (whose < 0)
		whose = io->fault.at > 0 ? 0 : io->writer;
	io->fault.writer = io->writer;
	return whose == io->writer ? 0 : rp_fault_parse("", &io->fault);
}

static int begin(struct rp_io *io, const char *spec, const char *log, int rank,
		 int writer, struct rp_err *err)
{
	memset(io, 0, sizeof(*io));
	io->rank = rank;
	io->writer = writer;
	if (heed(io, spec) != 0)
		return rp_fail(err, RALLY_EOPTION, "%s is no fault", spec);
	if (*log && !(io->log = fopen(log, "ae")))
		return rp_fail_errno(err, "open", log);
	return 0;
}

int rp_io_begin(struct rp_io *io, const char *spec, const char *log, int rank,
		struct rp_err *err)
{
	return begin(io, spec, log, rank, 0, err);
}

int rp_io_begin_writer(struct rp_io *io, const char *spec, const char *log,
		       int rank, struct rp_err *err)
{
	return begin(io, spec, log, rank, 1, err);
}

void rp_io_end(struct rp_io *io)
{
	if (io->log)
		fclose(io->log);
	io->log = NULL;
}

/* Before a call: what is to happen to it. Where there is a journal, the calls of
 * all ranks and threads come one after the other, so that its order is theirs. */
static struct rp_fate enter(struct rp_io *io)
{
	struct rp_fate fate = { RP_FAULT_NONE, 0 };

	if (!io)
		return fate;
	if (io->log)
		(void)flock(fileno(io->log), LOCK_EX);
	fate = rp_fault_next(&io->fault, io->rank, ++io->calls);
	while (fate.kind == RP_FAULT_HANG && !rp_io_cancelled(io))
		rp_sleep_ms(1);
	if (rp_io_cancelled(io))
		return (struct rp_fate){ RP_FAULT_FAIL, ECANCELED };
	if (fate.kind == RP_FAULT_KILL)
		(void)kill(getpid(), SIGKILL);
	return fate;
}

static int fails(const struct rp_fate *fate)
{
	if (fate->kind != RP_FAULT_FAIL)
		return 0;
	errno = fate->sys;
	return 1;
}

/* After it. */
static void leave(struct rp_io *io, const struct rp_fate *fate,
		  const struct rp_io_call *call)
{
	if (io && io->log) {
		rp_io_log(io->log, io->rank, io->writer, io->calls, call);
		(void)flock(fileno(io->log), LOCK_UN);
	}
	if (fate->kind == RP_FAULT_LAST)
		(void)kill(getpid(), SIGKILL);
}

/* A call that the server did, but whose first answer was lost: to the second
 * request it says that there is nothing of this name. */
static int answer_of(const struct rp_fate *fate, int rc)
{
	if (fate->kind != RP_FAULT_LOST || rc != 0)
		return rc;
	errno = fate->sys;
	return -1;
}

/* A transfer that comes short moves half, but something. */
static size_t share(const struct rp_fate *fate, size_t size)
{
	return fate->kind == RP_FAULT_SHORT && size > 1 ? size / 2 : size;
}

int rp_io_open(struct rp_io *io, int dirfd, const char *path, int flags)
{
	struct rp_fate fate = enter(io);
	int fd = fails(&fate) ? -1 : openat(dirfd, path, flags | O_CLOEXEC,
					    FILE_MODE);
	struct rp_io_call call = { flags & O_CREAT ? "create" : "open", dirfd,
				   path, NULL, fd, fd, 0 };

	leave(io, &fate, &call);
	return fd;
}

/* Linux closes also where it reports an error. */
int rp_io_close(struct rp_io *io, int fd)
{
	struct rp_fate fate = enter(io);
	int rc = close(fd);
	struct rp_io_call call = { "close", AT_FDCWD, NULL, NULL, -1, 0, 0 };

	if (fails(&fate))
		rc = -1;
	call.result = rc;
	leave(io, &fate, &call);
	return rc;
}

ssize_t rp_io_pread(struct rp_io *io, int fd, void *data, size_t size,
		    off_t offset)
{
	struct rp_fate fate = enter(io);
	ssize_t n = fails(&fate) ? -1 : pread(fd, data, share(&fate, size),
					      offset);
	struct rp_io_call call = { "read", AT_FDCWD, NULL, NULL, fd, n, 0 };

	leave(io, &fate, &call);
	return n;
}

ssize_t rp_io_pwrite(struct rp_io *io, int fd, const void *data, size_t size,
		     off_t offset)
{
	struct rp_fate fate = enter(io);
	ssize_t n = fails(&fate) ? -1 : pwrite(fd, data, share(&fate, size),
					       offset);
	struct rp_io_call call = { "write", AT_FDCWD, NULL, NULL, fd, n,
				   offset };

	leave(io, &fate, &call);
	return n;
}

ssize_t rp_io_write(struct rp_io *io, int fd, const void *data, size_t size)
{
	struct rp_fate fate = enter(io);
	ssize_t n = fails(&fate) ? -1 : write(fd, data, share(&fate, size));
	struct rp_io_call call = { "write", AT_FDCWD, NULL, NULL, fd, n, -1 };

	leave(io, &fate, &call);
	return n;
}

int rp_io_fsync(struct rp_io *io, int fd)
{
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : fsync(fd);
	struct rp_io_call call = { "fsync", AT_FDCWD, NULL, NULL, fd, rc, 0 };

	leave(io, &fate, &call);
	return rc;
}

int rp_io_fstat(struct rp_io *io, int fd, struct stat *st)
{
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : fstat(fd, st);
	struct rp_io_call call = { "stat", AT_FDCWD, NULL, NULL, fd, rc, 0 };

	leave(io, &fate, &call);
	return rc;
}

int rp_io_allocate(struct rp_io *io, int fd, off_t size)
{
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : fallocate(fd, 0, 0, size);
	struct rp_io_call call = { "space", AT_FDCWD, NULL, NULL, fd, rc, 0 };

	leave(io, &fate, &call);
	return rc;
}

int rp_io_truncate(struct rp_io *io, int fd, off_t size)
{
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : ftruncate(fd, size);
	struct rp_io_call call = { "truncate", AT_FDCWD, NULL, NULL, fd, rc,
				   size };

	leave(io, &fate, &call);
	return rc;
}

/* Who opens the file in between waits for the lease to end, and has the kernel
 * tell us by a signal: by one that nobody minds, where SIGIO would end us. */
static int lease_and_release(int fd)
{
	if (fcntl(fd, F_SETSIG, SIGURG) != 0 ||
	    fcntl(fd, F_SETLEASE, F_WRLCK) != 0)
		return -1;
	return fcntl(fd, F_SETLEASE, F_UNLCK);
}

int rp_io_lease(struct rp_io *io, int fd)
{
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : lease_and_release(fd);
	struct rp_io_call call = { "lease", AT_FDCWD, NULL, NULL, fd, rc, 0 };

	leave(io, &fate, &call);
	return rc;
}

int rp_io_clone(struct rp_io *io, int fd, off_t offset, int from, off_t from_offset,
		size_t size)
{
	struct file_clone_range range = { from, (uint64_t)from_offset, size,
					  (uint64_t)offset };
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : ioctl(fd, FICLONERANGE, &range);
	struct rp_io_call call = { "clone", AT_FDCWD, NULL, NULL, fd, rc, 0 };

	leave(io, &fate, &call);
	return rc;
}

void rp_io_begin_writeback(struct rp_io *io, int fd, off_t offset, off_t size)
{
	if (!rp_io_watched(io))
		(void)sync_file_range(fd, offset, size, SYNC_FILE_RANGE_WRITE);
}

/* cachestat(2) is of Linux 6.5, the headers may be older. -1: not here, or not for
 * this file. */
static int64_t count_cached(int fd, off_t offset, size_t size)
{
#if defined(SYS_cachestat)
	const long number = SYS_cachestat;
#else
	const long number = 451;
#endif
	struct {
		uint64_t offset, length;
	} range = { (uint64_t)offset, size };
	struct {
		uint64_t cached, dirty, writeback, evicted, recently_evicted;
	} pages = { 0 };

	if (syscall(number, fd, &range, &pages, 0) != 0)
		return -1;
	return (int64_t)(pages.cached * (uint64_t)sysconf(_SC_PAGESIZE));
}

/* The older way; whose file it is not is told that all is there. */
static size_t look_at_pages(int fd, off_t offset, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
	size_t skew = (size_t)offset % page, pages = (skew + size + page - 1) / page;
	unsigned char *there = malloc(pages);
	void *map = mmap(NULL, skew + size, PROT_READ, MAP_SHARED, fd,
			 offset - (off_t)skew);

	if (there && map != MAP_FAILED &&
	    mincore(map, skew + size, there) == 0)
		for (size_t i = 0; i < pages; i++)
			n += there[i] & 1;
	if (map != MAP_FAILED)
		munmap(map, skew + size);
	free(there);
	return n * page;
}

size_t rp_io_cached(struct rp_io *io, int fd, off_t offset, size_t size)
{
	int64_t bytes;

	if (size == 0 || rp_io_watched(io))
		return 0;
	bytes = count_cached(fd, offset, size);
	if (bytes >= 0)
		return (size_t)bytes < size ? (size_t)bytes : size;
	bytes = (int64_t)look_at_pages(fd, offset, size);
	return (size_t)bytes < size ? (size_t)bytes : size;
}

/* The kernel begins no more at once than a request of the disk's is long. */
void rp_io_begin_read(struct rp_io *io, int fd, off_t offset, size_t size)
{
	const size_t step = (size_t)1 << 20;

	for (size_t at = 0; at < size && !rp_io_watched(io); at += step)
		(void)posix_fadvise(fd, offset + (off_t)at,
				    (off_t)(size - at < step ? size - at : step),
				    POSIX_FADV_WILLNEED);
}

int rp_io_watched(const struct rp_io *io)
{
	return io && (io->log || io->fault.at || io->fault.every);
}

void rp_io_cancel(struct rp_io *io, int on)
{
	atomic_store(&io->cancelled, on);
}

int rp_io_cancelled(const struct rp_io *io)
{
	return io && atomic_load(&io->cancelled);
}

int rp_io_mkdir(struct rp_io *io, const char *path)
{
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : mkdir(path, DIR_MODE);
	struct rp_io_call call = { "mkdir", AT_FDCWD, path, NULL, -1, rc, 0 };

	leave(io, &fate, &call);
	return rc;
}

int rp_io_rename(struct rp_io *io, const char *from, const char *to)
{
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : rename(from, to);
	struct rp_io_call call = { "rename", AT_FDCWD, from, to, -1, rc, 0 };

	leave(io, &fate, &call);
	return answer_of(&fate, rc);
}

int rp_io_unlink(struct rp_io *io, int dirfd, const char *path, int flags)
{
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : unlinkat(dirfd, path, flags);
	struct rp_io_call call = { "unlink", dirfd, path, NULL, -1, rc, 0 };

	leave(io, &fate, &call);
	return answer_of(&fate, rc);
}

int rp_io_lstat(struct rp_io *io, const char *path, struct stat *st)
{
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : lstat(path, st);
	struct rp_io_call call = { "stat", AT_FDCWD, path, NULL, -1, rc, 0 };

	leave(io, &fate, &call);
	return rc;
}

int rp_io_statvfs(struct rp_io *io, const char *path, struct statvfs *vfs)
{
	struct rp_fate fate = enter(io);
	int rc = fails(&fate) ? -1 : statvfs(path, vfs);
	struct rp_io_call call = { "space", AT_FDCWD, path, NULL, -1, rc, 0 };

	leave(io, &fate, &call);
	return rc;
}

DIR *rp_io_fdopendir(struct rp_io *io, int fd)
{
	struct rp_fate fate = enter(io);
	DIR *dir = fails(&fate) ? NULL : fdopendir(fd);
	struct rp_io_call call = { "list", AT_FDCWD, NULL, NULL, fd,
				   dir ? 0 : -1, 0 };

	leave(io, &fate, &call);
	return dir;
}

struct dirent *rp_io_readdir(struct rp_io *io, DIR *dir)
{
	struct rp_fate fate = enter(io);
	struct dirent *entry = NULL;
	struct rp_io_call call = { "list", AT_FDCWD, NULL, NULL, dirfd(dir),
				   0, 0 };

	errno = 0;
	if (!fails(&fate))
		do
			entry = readdir(dir);
		while (entry && (!strcmp(entry->d_name, ".") ||
				 !strcmp(entry->d_name, "..")));
	call.result = entry || errno == 0 ? 0 : -1;
	leave(io, &fate, &call);
	return entry;
}
