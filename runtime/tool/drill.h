/*
 * tool/drill.h - `rallypoint drill`: a preemption on purpose, and what came of it
 *
 * drill.c is the command line and the order of things, drill_job.c asks Slurm,
 * drill_rank.c finds one rank's process on its node, drill_watch.c follows the
 * event file and drill_report.c tells.
 */
#ifndef RP_TOOL_DRILL_H
#define RP_TOOL_DRILL_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "sys/job.h"

enum rp_drill_how { RP_DRILL_ALL, RP_DRILL_RANK, RP_DRILL_REQUEUE };

/* What came, when (nanoseconds after the act; -1: it did not), at which step. */
struct rp_drill_mark {
	int64_t at_ns;
	int64_t step;
};

#define RP_DRILL_WRONG 8

struct rp_drill {
	/* what is asked for */
	char id[RP_JOB_ID];
	char *dir;			/* the checkpoint folder */
	enum rp_drill_how how;
	char signal[16];		/* "TERM" */
	int64_t rank;			/* of RP_DRILL_RANK */
	int64_t timeout_ns;
	int json, dry_run, force;

	/* the job as it was */
	char *work_dir;
	char nodes[16];			/* how many */
	int64_t restarts;

	/* the event file */
	int64_t at;			/* bytes of it that were read */
	int starts;			/* of this job, before the act */

	/* what came */
	int64_t begun;			/* rp_now() of the act */
	struct rp_drill_mark agreed, saved, requeued, started, resumed;
	uint64_t bytes;
	int64_t elapsed_ns;
	int64_t restarted;		/* the restart count of the next start */
	int saves;			/* checkpoints of the start that ended */
	int over;			/* nothing more will come */
	char *wrong[RP_DRILL_WRONG];	/* sentences */
	int wrongs;
};

/* A sentence of what is not as it should be. */
void rp_drill_wrong(struct rp_drill *drill, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Reads the job's record, and refuses (RALLY_EORDER and why) a job that is not
 * running, not the caller's own, or, but by force, can't be started again. */
int rp_drill_look(struct rp_drill *drill, struct rp_err *err);

/* The command that preempts, for people; the caller's, NULL without memory. */
char *rp_drill_command(const struct rp_drill *drill);

/* Preempts. RALLY_EIO with Slurm's words where it refuses. */
int rp_drill_act(struct rp_drill *drill, struct rp_err *err);

/* 1 where Slurm says that the job is over for good. */
int rp_drill_job_is_over(const struct rp_drill *drill);

/* Sends the signal to the process of rank `rank` of the job on this node, if it
 * is here: how many got it. */
int rp_drill_signal_rank(const char *id, int64_t rank, int number);

/* Looks for the event file in --folder, or ckpt/ where the job was submitted, and
 * goes to its end. RALLY_EABSENT where no start of this job is in it. */
int rp_drill_watch_begin(struct rp_drill *drill, struct rp_err *err);

/* Takes what is new in it. 0 or an error. */
int rp_drill_watch(struct rp_drill *drill, struct rp_err *err);

/* Compares what came with what should have, and prints it. */
int rp_drill_report(struct rp_drill *drill, struct rp_err *err);

#endif
