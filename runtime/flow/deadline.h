/*
 * flow/deadline.h - a stop that no signal asks for
 *
 * Rank 0 has the job's record read now and then (option 'poll'). It wants a stop
 * where the record tells of a preemption, and where the time limit is so near
 * that what a stop takes, and the option 'margin', would not fit any more.
 */
#ifndef RP_FLOW_DEADLINE_H
#define RP_FLOW_DEADLINE_H

#include <stdint.h>

#include "sys/cause.h"

struct rally;

/* Rank 0, at each round: sets rp->told where a stop is due, and says why. Has
 * the record read anew where a stop signal came. Never waits. Not collective. */
void rp_deadline_look(struct rally *rp);

/* Has the record read while the stop is saved, and hears it. Never waits; any
 * rank, rank 0 does it. Not collective. */
void rp_deadline_ask(struct rally *rp);

/* Nanoseconds until this rank is lost, as far as it can tell: by the record that
 * rank 0 has read since the stop began (rp_now(), 0: it has not), by KillWait
 * where that says that the job is being ended, else by option 'grace'; and by
 * what its launcher gives. RP_LEFT_UNKNOWN where nothing says that it is to end. */
int64_t rp_deadline_left(const struct rally *rp, int64_t since);

/* Rank 0: nanoseconds that a stop which is not asked for yet will have:
 * GraceTime, else KillWait, or option 'grace' where it was set to more or Slurm
 * does not tell. RP_LEFT_UNKNOWN while Slurm may still tell, but for those who
 * can't wait. */
int64_t rp_deadline_grace(const struct rally *rp, int now);

/* `left_ns`, or less where this rank was signalled and its launcher kills. */
int64_t rp_deadline_cap(const struct rally *rp, int64_t left_ns);

/* When this rank's signal came, or now. */
int64_t rp_deadline_begin(const struct rally *rp);

/* `left_ns`, or less once Slurm has taken a requeue, which ends the job. */
int64_t rp_deadline_after_requeue(const struct rally *rp, int64_t left_ns);

/* Rank 0: why the job stops, as far as the record has told by now. */
enum rp_cause rp_deadline_cause(const struct rally *rp);

#endif
