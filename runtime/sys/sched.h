/*
 * sys/sched.h - what the scheduler knows about a job, and the requeue
 *
 *     rp_sched_open(&s, "auto", NULL, 20000, &err);
 *     if (rp_sched_record(&s, &rec) == RP_DONE && rec.preempt_time) ...
 *     answer = rp_sched_requeue_own(&s, ranks, detail, sizeof(detail));
 *     if (!rp_answer_good(answer))
 *             say(rp_answer_text(answer), detail);
 *     rp_sched_close(&s);
 *
 * A backend is a table of functions: read a job's record, requeue a job.
 * sched_none.c is the template of one. Everything that must not depend on the
 * backend (when a job is left alone, whether a requeue took, how long to try)
 * is in sched.c.
 *
 * A job that somebody cancels gets the same signals as one that is preempted,
 * so a requeue reads the record first: a job that is being cancelled, or whose
 * record can't be read, is never brought back.
 *
 * One command of Slurm's is given `timeout_ms`, and a call has one, or two where
 * it wants the steps; a requeue has four at most. Where the controller does not
 * answer, a requeue is tried again for `patience_ms`, and for `patience_new_ms`
 * where it has never answered yet: this may be a place from where it can't be
 * reached.
 */
#ifndef RP_SYS_SCHED_H
#define RP_SYS_SCHED_H

#include "base/err.h"
#include "sys/cause.h"
#include "sys/job.h"

#include <stddef.h>
#include <stdint.h>

#define RP_SCHED_DETAIL 256

enum rp_state {
	RP_JOB_UNKNOWN = 0,
	RP_JOB_PENDING,
	RP_JOB_RUNNING,
	RP_JOB_SUSPENDED,
	RP_JOB_COMPLETING, /* its processes are being ended; ended_by */
	RP_JOB_CANCELLED,  /* where the backend can tell */
	RP_JOB_ENDED,
};

/* Why Slurm itself ends a job that is completing. */
enum rp_ended_by {
	RP_ENDED_NOT_KNOWN,	/* or by its owner, or by itself */
	RP_ENDED_BY_LIMIT,
	RP_ENDED_BY_PREEMPTION,
	RP_ENDED_BY_NODE,
};

struct rp_record {
	enum rp_state state;
	int completing;		/* its processes are being ended */
	char reason[64];	/* "TimeLimit", "None", "" where not known */
	enum rp_ended_by ended_by;	/* where it is COMPLETING */
	int64_t restarts;
	int64_t end_time;	/* seconds since the epoch, 0: not known; scontrol
				   never tells it of a job without a time limit,
				   even in its grace time */
	int64_t preempt_time;	/* the same; set from the start of the grace. It
				   may be an earlier start's: see start_time */
	int64_t start_time;	/* the same, of the start that runs */
	int may_requeue;	/* 0: submitted with --no-requeue */
	int batch;		/* 0: salloc, or srun on its own */
	int64_t steps;		/* running steps besides batch, extern and
				   interactive, and without Open MPI's daemons;
				   -1 where not asked for */
};

enum rp_answer {
	RP_DONE = 0,	/* a record was read */
	RP_REQUEUED,
	RP_HELD,	/* requeued, and held there */
	RP_ALREADY,	/* pending again, or on its way: as good */
	RP_DISABLED,
	RP_NOT_BATCH,
	RP_DENIED,
	RP_NOT_LEADER,
	RP_NO_JOB,	/* the controller does not know the id */
	RP_CANCELLED,	/* left alone */
	RP_OTHER_STEPS,	/* left alone */
	RP_UNREACHABLE,
	RP_INTERRUPTED, /* the command ended without a word: it may have worked */
	RP_TIMEOUT,
	RP_NO_BACKEND,
	RP_BY_SITE,	/* the site's own program sees to the next start */
	RP_LEFT_BY_SITE,	/* ... or wants the job left alone */
	RP_FAILED,	/* anything else; the detail says it */
};

struct rp_sched;
struct rp_spawned;
struct rp_conf;
struct rp_partition;

#define RP_SCHED_ARGS 5

struct rp_sched_ops {
	const char *name; /* as the option names it */

	/* The command that prints a job's record without its steps, and what
	 * its output tells, by the rules of `record` below; for those who do not
	 * wait for it (sys/poll.h). NULL: there is no such command. */
	void (*command)(const struct rp_sched *s, const char *id,
			const char *argv[RP_SCHED_ARGS]);
	enum rp_answer (*hear)(struct rp_sched *s, const char *id,
			       const struct rp_spawned *got,
			       struct rp_record *rec);

	/* Fills the zeroed record of the job `id`; steps only if asked for.
	 * RP_DONE, RP_NO_JOB, RP_UNREACHABLE, RP_INTERRUPTED, RP_TIMEOUT, or
	 * RP_FAILED. */
	enum rp_answer (*record)(struct rp_sched *s, const char *id,
				 int with_steps, struct rp_record *rec);

	/* Asks once. RP_REQUEUED means that it was accepted. */
	enum rp_answer (*requeue)(struct rp_sched *s, const char *id);

	/* The same, to be held there, with `why` as the job's comment. */
	enum rp_answer (*hold)(struct rp_sched *s, const char *id,
			       const char *why);

	/* The command that tells how the site is set up: all of Slurm where
	 * `partition` is NULL, else that partition, "" for all partitions. What
	 * its output tells goes into the fields of sys/conf.h; a NULL name is
	 * the default partition. NULL where there is none. */
	void (*site_command)(const struct rp_sched *s, const char *partition,
			     const char *argv[RP_SCHED_ARGS]);
	enum rp_answer (*hear_conf)(struct rp_sched *s,
				    const struct rp_spawned *got,
				    struct rp_conf *conf);
	enum rp_answer (*hear_partition)(struct rp_sched *s,
					 const struct rp_spawned *got,
					 const char *name,
					 struct rp_partition *part);
};

extern const struct rp_sched_ops rp_sched_none;
extern const struct rp_sched_ops rp_sched_scontrol;
extern const struct rp_sched_ops rp_sched_libslurm;

struct rp_sched {
	const struct rp_sched_ops *ops;
	struct rp_job job;
	char *helper;		      /* path of rallypoint-slurm */
	int64_t timeout_ms;	      /* of a command */
	int64_t until;		      /* rp_now() at which all commands end, too;
					 0: none; the caller's to set */
	int64_t patience_ms, patience_new_ms;	/* of a requeue: the caller's to
				   change, at first timeout_ms */
	/* Called once where a requeue is going to be tried again; NULL: not. */
	void (*tell)(void *arg, enum rp_answer answer, int64_t left_ms);
	void *arg;
	int reached;		      /* the controller has answered once */
	char why[160];		      /* why this backend was taken */
	enum rp_cause cause;	      /* what the last requeue found, and the */
	struct rp_record found;	      /* record that told it; UNKNOWN: none */
	int64_t found_at;	      /* rp_now() before it was read */
	char detail[RP_SCHED_DETAIL]; /* the backend's own last words */
};

/* `choice` is "auto", "none", "scontrol" or "libslurm"; `helper` is the path
 * of the program over libslurm, NULL for the installed one. auto takes none
 * outside of Slurm, else scontrol where it is on PATH, else the helper where
 * it is there, else none; s->why tells. timeout_ms must be above 0.
 * Errors: RALLY_EOPTION for another choice, or one that is not there;
 * RALLY_ENOMEM. After an error there is nothing to close. */
int rp_sched_open(struct rp_sched *s, const char *choice, const char *helper,
		  int64_t timeout_ms, struct rp_err *err);
void rp_sched_close(struct rp_sched *s);

/* Reads this job's record once, without the steps. RP_DONE or why not. */
enum rp_answer rp_sched_record(struct rp_sched *s, struct rp_record *rec);

/* Puts this job back into the queue, whatever else runs in it: reads the
 * record, asks, and reads it again to see that it took; all of it again, within
 * the patience, while the controller does not answer. `detail` gets the
 * backend's words where the answer is not good, "" if it had none. */
enum rp_answer rp_sched_requeue(struct rp_sched *s, char *detail, size_t size);

/* The same, but RP_OTHER_STEPS unless the caller's `ranks` processes are all
 * of the job's only running step: a requeue ends every step of the job. A
 * heterogeneous job always counts as having others. */
enum rp_answer rp_sched_requeue_own(struct rp_sched *s, int ranks, char *detail,
				    size_t size);

/* Like rp_sched_requeue_own(), but the job is held in the queue until somebody
 * releases it, and its comment says why: RP_HELD. */
enum rp_answer rp_sched_hold_own(struct rp_sched *s, int ranks, const char *why,
				 char *detail, size_t size);

/* Another job of the same cluster: 1 where it may still run or start again
 * (pending, running, suspended, completing), 0 where it is over or the
 * controller does not know it, -1 where that can't be told. */
int rp_sched_job_active(struct rp_sched *s, const char *id);

/* Whether the record tells of a preemption of the start that runs, not of one
 * before it. */
int rp_record_preempted(const struct rp_record *rec);

/* A sentence that says what to do, without a full stop; static. */
const char *rp_answer_text(enum rp_answer answer);

/* RP_DONE, RP_REQUEUED, RP_ALREADY and RP_BY_SITE. */
int rp_answer_good(enum rp_answer answer);

/*
 * For the backends
 */

/* Keeps the last line of `text` that says something as s->detail. */
void rp_sched_say(struct rp_sched *s, const char *text);

/* What its commands find in the environment: messages in English, times in
 * seconds since the epoch, so that no time zone is in between. */
extern const char *const rp_sched_env[];

/* Runs a command of the scheduler's. RP_DONE with `*got`, the caller's to free,
 * whatever the exit status; else RP_TIMEOUT or RP_FAILED, nothing to free. */
enum rp_answer rp_sched_run(struct rp_sched *s, const char *const argv[],
			    struct rp_spawned *got);

/* The answer that a sentence of Slurm's stands for, RP_FAILED for any other. */
enum rp_answer rp_answer_of(const char *text);

/* Slurm's name of a state ("RUNNING", "COMPLETING") as ours. */
enum rp_state rp_state_of(const char *name);

#endif
