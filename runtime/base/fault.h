/*
 * base/fault.h - faults on purpose, for tests of what uses base/io.h
 *
 * A fault is given as text, RALLY_FAULT:
 *
 *     rank=1,at=37,do=EIO       the 37th call of rank 1 fails with EIO
 *     on=writer,at=5,do=kill    the 5th call that a rank's background saves make
 *     seed=7,every=200          one call in 200, and how, by chance; with rank=
 *                               on that rank only
 *
 * The calls of background saves are counted by themselves, so that which one is
 * hit does not depend on how far the program is meanwhile. Without on= only the
 * program's own are hit by their number, and both by chance.
 *
 * `do` is EIO, ENOSPC, EDQUOT, EINTR, ENOENT, EACCES or EINVAL: the call fails and
 * does nothing; short: a transfer moves half (other calls go well); lost: a rename or
 * an unlink is done and ENOENT is reported, as where NFS sent it twice (other
 * calls go well); last: the call is done and the process gets SIGKILL; kill: it
 * gets it before; hang: the call ends when what it is for is given up, and fails.
 */
#ifndef RP_BASE_FAULT_H
#define RP_BASE_FAULT_H

#include <stdint.h>

enum rp_fault_kind {
	RP_FAULT_NONE = 0,
	RP_FAULT_FAIL,	/* with the errno of the fault */
	RP_FAULT_SHORT,
	RP_FAULT_LOST,
	RP_FAULT_LAST,
	RP_FAULT_KILL,
	RP_FAULT_HANG,
};

struct rp_fault {
	int64_t rank;		/* -1: any */
	int64_t writer;		/* whose calls: 0 the program's, 1 those of
				   background saves, -1: what is usual */
	int64_t at;		/* which call, from 1 on; 0: by chance */
	int64_t every, seed;
	enum rp_fault_kind kind;
	int sys;		/* errno */
	uint64_t state;		/* of the generator */
};

/* What happens to one call. */
struct rp_fate {
	enum rp_fault_kind kind;
	int sys;
};

/* Reads a specification; "" is no fault. 0, or -1 where it is malformed. */
int rp_fault_parse(const char *spec, struct rp_fault *fault);

/* The fate of call number `call` (from 1 on) of `rank`. */
struct rp_fate rp_fault_next(struct rp_fault *fault, int rank, uint64_t call);

#endif
