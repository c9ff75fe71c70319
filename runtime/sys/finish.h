/*
 * sys/finish.h - dir/.finished: the run is over, for one job
 */
#ifndef RP_SYS_FINISH_H
#define RP_SYS_FINISH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

#define RP_FINISH_FILE ".finished"

/* Marks the run as finished by `job` ("" outside of Slurm), durably. */
int rp_finish_write(struct rp_io *io, const char *dir, const char *job,
		    int64_t step, struct rp_err *err);

/* 1 and the step where this very job finished; 0 for another job's mark, for
 * none, and outside of Slurm, where a start is always a new run; -1 where the
 * mark can't be read. */
int rp_finish_read(struct rp_io *io, const char *dir, const char *job,
		   int64_t *step, struct rp_err *err);

/* 1, the job ("" outside of Slurm) and the step of whatever mark there is, for
 * people; 0 where there is none, -1 where it can't be read. */
int rp_finish_look(struct rp_io *io, const char *dir, char *job, size_t size,
		   int64_t *step, struct rp_err *err);

#endif
