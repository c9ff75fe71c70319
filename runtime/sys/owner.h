/*
 * sys/owner.h - dir/.owner: which run writes to this folder
 *
 * Two jobs on one folder (array tasks with one path, ranks of a lost node that
 * still run after a requeue) would mix their checkpoints. The owner file is
 * created with O_EXCL by rank 0 and looked at again just before each commit. It
 * narrows the race and does not close it: a folder wants one job.
 *
 * Taken over is what a run left behind that can't write any more: the same job
 * with a lower restart count, a process of this host that is gone, a job that
 * Slurm does not know as active any more.
 */
#ifndef RP_SYS_OWNER_H
#define RP_SYS_OWNER_H

#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

#define RP_OWNER_FILE ".owner"

struct rp_owner {
	struct rp_io *io;
	char *dir;
	char *text;	/* what the file must hold while it is ours */
};

/* Whether a job is active: 1 yes, 0 no, -1 can't tell. */
typedef int rp_job_active_fn(void *arg, const char *job);

/* Claims dir for `job` ("" outside of Slurm) and `restart`. RALLY_EOWNED names
 * the owner and what to do. Release in any case. */
int rp_owner_take(struct rp_io *io, struct rp_owner *owner, const char *dir,
		  const char *job, int64_t restart, rp_job_active_fn *active,
		  void *arg, struct rp_err *err);

/* RALLY_EOWNED where the folder is another's by now, EIO where that can't be
 * told. */
int rp_owner_check(const struct rp_owner *owner, struct rp_err *err);

/* On another node: waits two seconds for the owner's text to show. RALLY_EIO
 * where it does not: this is another folder than rank 0's. */
int rp_owner_await(struct rp_io *io, const char *dir, const char *text,
		   struct rp_err *err);

/* Removes the file where it is still ours, and frees. */
void rp_owner_release(struct rp_owner *owner);

#endif
