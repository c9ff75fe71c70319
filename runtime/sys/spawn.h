/*
 * sys/spawn.h - run a program and hear what it says
 *
 * The scheduler's commands are run from inside somebody else's MPI program,
 * at the moment when signals arrive. So: no shell, no fork of a big address
 * space (posix_spawn), a time limit at which the child's whole process group
 * is killed, and nothing that the host program could notice. SIGCHLD stays as
 * the host has set it, and only this one child is waited for; where the host
 * ignores SIGCHLD, or reaps all children itself, the exit status is lost and
 * `reaped` is 0. (A child that is not waited for, sys/child.h, may meet a wait for
 * any child in the host.)
 *
 * The child gets default signals, /dev/null for stdin, only the descriptors 0
 * to 2, and the environment without what would make it part of the MPI job
 * (PMIX_*, PMI_*, OMPI_*, PRTE_*, ORTE_*). Its mask holds the signals by which
 * a job is warned and ended: Slurm sends them to all processes of a job, and a
 * requeue that works ends the very command that asked for it, before it can
 * say so. SIGKILL, which is what the time limit uses, is left.
 */
#ifndef RP_SYS_SPAWN_H
#define RP_SYS_SPAWN_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define RP_SPAWN_MAX 65536 /* bytes kept of each stream; the rest is drained */

struct rp_spawned {
	int reaped;	/* 1: status and signal are those of the child */
	int status;	/* exit status, 0 where a signal ended it */
	int signal;	/* the signal that ended it, or 0 */
	int timed_out;	/* the limit passed and the group was killed */
	char *out;	/* what it wrote, NUL-terminated; never NULL */
	char *err;
	size_t out_len; /* bytes in out */
	size_t err_len;
	int cut;	/* one of the two was longer than RP_SPAWN_MAX */
};

/* Runs argv[0], looked up on PATH, with the NULL-terminated argv, and returns
 * when it has ended, at the latest about a second after `timeout_ms`
 * milliseconds. `set` is NULL or a NULL-terminated list of "KEY=value" that
 * replace those of the environment. On success `*got` is the caller's to free,
 * also where the program failed or was killed at the limit.
 * Errors: RALLY_EABSENT where there is no such program, RALLY_EIO,
 * RALLY_ENOMEM. */
int rp_spawn(const char *const argv[], const char *const set[],
	     int64_t timeout_ms, struct rp_spawned *got, struct rp_err *err);

/* Frees the texts; `*got` may be zeroed memory. */
void rp_spawned_free(struct rp_spawned *got);

/* 1 where `name` would be found: an executable file on PATH, or at the path
 * itself where it contains a slash. */
int rp_spawn_finds(const char *name);

#endif
