/*
 * sys/mark.h - small files beside the checkpoints: whose, at which step
 *
 * A mark is {"job":"12","step":120,"count":0}. The job is "" outside of Slurm.
 * One that is not ours to understand counts as none.
 */
#ifndef RP_SYS_MARK_H
#define RP_SYS_MARK_H

#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "sys/job.h"

struct rp_mark {
	char job[RP_JOB_ID];
	int64_t step;
	int64_t count;	/* 0 where the file has none */
};

/* Writes dir/name, durably, in one piece. */
int rp_mark_write(struct rp_io *io, const char *dir, const char *name,
		  const struct rp_mark *mark, struct rp_err *err);

/* 1 and the mark; 0 where there is none, -1 where it can't be read. */
int rp_mark_read(struct rp_io *io, const char *dir, const char *name,
		 struct rp_mark *mark, struct rp_err *err);

#endif
