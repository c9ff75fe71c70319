/*
 * sys/poll.h - the job's record, read now and then without waiting for it
 *
 * Some news comes without a signal: a time limit that is near, a preemption
 * whose SIGTERM a wrapper keeps for itself or mpirun does not hand on. The
 * command that prints the job's record is started every `every_ns` and heard
 * when it is through; the caller's loop never stops for it. An answer that does
 * not come, or that can't be read, leaves the record before it.
 *
 * Once, after the first record, the site's configuration is read in the same way,
 * for KillWait, and the job's partition, for GraceTime.
 *
 * The child lives while the program computes: one that waits for any child of
 * its own may be told of it.
 */
#ifndef RP_SYS_POLL_H
#define RP_SYS_POLL_H

#include <stdint.h>

#include "sys/child.h"
#include "sys/sched.h"

struct rp_poll {
	int64_t every_ns;	/* 0: never */
	int64_t next;		/* rp_now() of the next question; 0: at once */
	struct rp_child *child;	/* the one that was asked */
	int asks;		/* ... about: the job, the site, the partition */
	int site_asked, partition_asked;	/* once is enough */
	int64_t asked;		/* rp_now() at which it was */
	struct rp_record record;	/* the newest */
	int64_t ends_at;	/* rp_now() of its end_time; INT64_MAX: none */
	int64_t as_of;		/* rp_now() at which it was asked for */
	int known;		/* a record was read */
	int64_t kill_wait;	/* ns from TERM to KILL; -1: not known */
	int64_t grace_time;	/* ns of a preemption, likewise */
	int settled;		/* nothing more is asked about them */
};

/* Before all else. */
void rp_poll_init(struct rp_poll *poll);

/* Asks, or hears, whatever is due. 1 where a new record was read. */
int rp_poll_look(struct rp_poll *poll, struct rp_sched *s);

/* Takes a record that somebody else has asked for at `as_of`, if it is newer. */
void rp_poll_take(struct rp_poll *poll, const struct rp_record *record,
		  int64_t as_of);

/* Has the next look ask at once. */
void rp_poll_soon(struct rp_poll *poll);

/* Ends what was asked, and forgets the record. */
void rp_poll_end(struct rp_poll *poll);

#endif
