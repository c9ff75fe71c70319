/*
 * sys/family.h - the descendants of a process, and what signals do to them
 *
 *     rp_family_list(getpid(), &family, &err);
 *     for (size_t i = 0; i < family.n; i++)
 *             if (rp_relative_hears(&family.v[i], SIGTERM))
 *                     kill(family.v[i].pid, SIGTERM);
 *     rp_family_free(&family);
 *
 * From /proc, at one moment: who forks while it is read may be missing, so ask
 * again. A process whose parent has ended belongs to the nearest ancestor that
 * is a subreaper, see prctl(2).
 */
#ifndef RP_SYS_FAMILY_H
#define RP_SYS_FAMILY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct rp_relative {
	pid_t pid;
	pid_t parent;
	size_t depth;		/* 1: a child */
	uint64_t started;	/* clock ticks after the boot: with the pid, who
				   it is, as pids come again */
	int64_t age_ms;		/* since then */
	uint64_t caught;	/* signal n is bit n-1 */
	uint64_t blocked;	/* of its main thread */
	char name[16];		/* as the kernel keeps it, cut to 15 bytes */
};

struct rp_family {
	struct rp_relative *v;	/* each directly behind its parent or behind
				   descendants of it */
	size_t n;
};

/* All that descend from `ancestor` (without it) and have not ended. `*family` is
 * to be freed. Errors: RALLY_EIO where there is no /proc, RALLY_ENOMEM. */
int rp_family_list(pid_t ancestor, struct rp_family *family,
		   struct rp_err *err);
void rp_family_free(struct rp_family *family);

/* Whether a handler of its own would run: it catches the signal and its main
 * thread does not block it. */
int rp_relative_hears(const struct rp_relative *relative, int number);

int rp_relative_blocks(const struct rp_relative *relative, int number);

#endif
