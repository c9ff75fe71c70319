/*
 * sys/alarm.h - a line on stderr where a signal has come and nothing follows
 *
 * A rank that sits in a step of minutes, or in a loop without a safe point,
 * loses its grace time in silence. So the handler that records a signal also
 * starts a timer (timer_settime() is async-signal-safe, POSIX 2.4.3), whose
 * SIGURG writes the line. No thread: what MPI_Init gives allows none. SIGURG is
 * ignored by default, so that one which comes late does no harm; where the
 * program handles it itself when the signal comes there is no alarm. Before a
 * signal has come nothing runs and nothing is interrupted; afterwards it is at 1, 2, 4, 8 ... times
 * `after_ns`, on ranks above the first 64 at 4 times only.
 */
#ifndef RP_SYS_ALARM_H
#define RP_SYS_ALARM_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"

struct rp_alarm {
	/* the caller's; rp_alarm_set() changes the first three */
	int64_t mask;		/* the signals, bit n-1: signal n */
	int64_t after_ns;	/* 0: never */
	int64_t grace_ns;	/* from the signal to the end */
	int rank;
	const uint64_t *index;	/* safe points passed */
	const uint64_t *due;	/* the one that speaks to the others */
	/* the alarm's own */
	timer_t timer;
	int open;
	atomic_int armed;
	int calm;
	int number;		/* the signal that armed it */
	int64_t since;
	uint64_t index_then;
	unsigned expired;
	struct rp_alarm *_Atomic next;
};

/* Makes the timer. The memory must stay where it is until the close. Not having
 * one is no error. */
void rp_alarm_open(struct rp_alarm *alarm);

/* What sets it off from now on: a signal of the mask that has come before does
 * so here, one that is not of the mask any more has not. */
void rp_alarm_set(struct rp_alarm *alarm, int64_t mask, int64_t after_ns,
		  int64_t grace_ns);

/* What a signal asks for is being done: no line any more, whatever comes. */
void rp_alarm_calm(struct rp_alarm *alarm);

/* Zeroed memory is fine. */
void rp_alarm_close(struct rp_alarm *alarm);

/* From the signal handler: signal `number` came. Async-signal-safe. */
void rp_alarms_ring(int number, int64_t now);

#endif
