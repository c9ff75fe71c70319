/*
 * tool/facts.h - what is known of a site and a job, and what follows at once
 *
 * Filled by `rallypoint doctor` from Slurm's answers, a script and the
 * environment; read by tool/diagnose.h. Texts are borrowed. What is not known is
 * -1 or NULL.
 */
#ifndef RP_TOOL_FACTS_H
#define RP_TOOL_FACTS_H

#include <stdint.h>

#include "sys/conf.h"
#include "tool/starter.h"
#include "tool/shell.h"

struct rp_facts {
	/* the site */
	struct rp_conf conf;
	struct rp_partition part;
	int can_ask;		/* scontrol or the helper is here */
	int has_helper;		/* the helper is */

	/* the job */
	int known;		/* there is one: a script or a job's record */
	const char *script;
	enum rp_start launcher;
	const char *command, *mended, *shell;
	int64_t line;
	int quoted, container;
	int in_step;		/* srun starts the launcher */
	int direct;		/* exec does, in the place of the script */
	int shielded;		/* `rallypoint run` does */
	int64_t nodes;		/* 1 where nothing says how many */
	int array, het;
	int batch;		/* 0: salloc, or srun on its own */
	int requeue;		/* --requeue, --no-requeue */
	int append;		/* --open-mode */
	int together;		/* several steps at the same time */
	enum rp_shell_end after;	/* what follows the launch */
	int goes_on;		/* other commands come behind it */
	int errexit, pipefail;
	int64_t late;		/* line of an #SBATCH behind a command, or 0 */
	const char *signal;	/* --signal */
	int64_t limit_s;	/* RP_TIME_UNLIMITED: none */

	/* the checkpoints */
	const char *folder;
	const char *doubt;	/* sys/mount.h */
	int relative;
	int by_task;		/* its name differs between tasks of an array */
	double save_s;		/* how long the last save took */

	/* the library's options */
	double poll_s, margin_s;	/* poll: as it is under this launcher */
	const char *option;	/* what is wrong with a RALLY_*, or NULL */
	int every;		/* saves now and then */
	int64_t stop_signals, save_signals;	/* bit n-1: signal n */
};

/* Everything not known; the library's options at their defaults. */
void rp_facts_init(struct rp_facts *facts);

enum rp_mode {
	RP_MODE_UNKNOWN,
	RP_MODE_OFF,
	RP_MODE_SUSPEND,
	RP_MODE_REQUEUE,
	RP_MODE_CANCEL,
};

/* What Slurm does with a job of this partition that is in the way. */
enum rp_mode rp_facts_mode(const struct rp_facts *facts);

/* Seconds between SIGTERM and SIGKILL at a preemption: GraceTime, or KillWait
 * where that is 0. -1: not known. */
int64_t rp_facts_left(const struct rp_facts *facts);

/* Whether Slurm may put it back into the queue. */
int rp_facts_may_requeue(const struct rp_facts *facts);

/* What becomes of the ranks when SIGTERM is sent ... */
enum rp_hearing {
	RP_HEARS,	/* they hear of it */
	RP_HEARS_LATER,	/* only from the job's record, which rank 0 reads */
	RP_DIES,	/* what started them dies of it, and they with it */
};

/* ... to the tasks of the job's steps (the begin of GraceTime, --signal), or to
 * all of the job (its end: scancel, the time limit, no GraceTime). */
enum rp_hearing rp_facts_warned(const struct rp_facts *facts);
enum rp_hearing rp_facts_ended(const struct rp_facts *facts);

/* Whether a save like the last one ends within so many seconds; one that is not
 * known does. */
int rp_facts_fits(const struct rp_facts *facts, int64_t seconds);

/* The signal of --signal, its time, and whether it is for the batch shell alone.
 * 0, or -1 where there is none that can be read. */
int rp_facts_signal(const struct rp_facts *facts, int *number, int64_t *seconds,
		    int *shell_only);

/* A copy of a sentence in which "{grace}" and others are filled in: {partition}
 * {mode} {grace} {kill_wait} {left} {limit} {most} {save} {poll} {margin} {cred}
 * {nodes} {folder} {doubt} {command} {mended} {shell} {signal} {option} {line}
 * {late}. The caller's, NULL without memory. */
char *rp_facts_say(const struct rp_facts *facts, const char *sentence);

#endif
