/*
 * sys/cause.h - why a job is being ended or was signalled, and what follows
 *
 * A task sees the same signals at a preemption, at the time limit and at an
 * scancel. The job's record tells them apart, and one table says what is done:
 * whether Slurm is asked to requeue the job, is known to have done so, or the
 * job is left as it is. What can't be told is never brought back.
 */
#ifndef RP_SYS_CAUSE_H
#define RP_SYS_CAUSE_H

#include <stdint.h>

struct rp_record;

enum rp_cause {
	RP_CAUSE_UNKNOWN,	/* no record, or one that can't be told */
	RP_CAUSE_SIGNAL,	/* the job runs on: its own --signal, scancel -s */
	RP_CAUSE_PREEMPTION,
	RP_CAUSE_TIME_LIMIT,
	RP_CAUSE_NODE,		/* a node failed or went down */
	RP_CAUSE_REQUEUE,	/* somebody requeued it already */
	RP_CAUSE_CANCEL,	/* or what looks like it */
	RP_CAUSE_OVER,		/* it has ended */
	RP_CAUSES
};

enum rp_course { RP_LEAVE, RP_ASK, RP_IS_QUEUED };

struct rp_cause_row {
	const char *name;	/* in events */
	const char *text;	/* for people: "it is being preempted" */
	enum rp_course course;
};

/* The row of a cause; static. */
const struct rp_cause_row *rp_cause_row(enum rp_cause cause);

/* The cause that a record tells of. `restarts` is how often the job had been
 * restarted when this start began; NULL for no record. */
enum rp_cause rp_cause_of(const struct rp_record *rec, int64_t restarts);

#endif
