/*
 * base/io_log.h - the journal of base/io.h: every call, in the order in which
 *                 all ranks made them
 *
 * From it a test can tell what a power cut after any call would leave: a file's
 * bytes as of its last fsync, and a folder's names as of the folder's. So each
 * line that tells of an fsync holds just these. A line has fields separated by
 * tabs:
 *
 *     rank  call  op  errno  folder  inode  name  folder2  name2  body
 *
 * The number of a call that a background save made, which counts by itself, has a
 * "w" before it. errno is 0 where the call went well. `folder` is the inode of
 * the folder that holds `name`, inode the one that was opened, made or synced;
 * folder2 and name2 are where a rename went; 0 and "-" stand for what a call has
 * not. The body of an fsync is a file's bytes in hexadecimal, or a folder's
 * "name=inode" pairs, each followed by a slash; of a write the number of bytes and,
 * but at the end of a file, "@" and the offset; of a truncate "@" and the length.
 */
#ifndef RP_BASE_IO_LOG_H
#define RP_BASE_IO_LOG_H

#include <stdint.h>
#include <stdio.h>

/* One call that was made. */
struct rp_io_call {
	const char *op;		/* "fsync" */
	int dirfd;		/* that path is relative to */
	const char *path, *to;	/* NULL where there is none */
	int fd;			/* -1 likewise */
	int64_t result;
	int64_t offset;		/* of a write, -1: at the end; or the new length */
};

/* Appends a line; errno is the call's, and preserved. */
void rp_io_log(FILE *log, int rank, int writer, uint64_t number,
	       const struct rp_io_call *call);

#endif
