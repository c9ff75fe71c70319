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

struct rally;

/* Rank 0, at each round: sets rp->told where a stop is due, and says why. Never
 * waits. Not collective. */
void rp_deadline_look(struct rally *rp);

/* What is left by the record, where it is why the ranks stop; else
 * RP_LEFT_UNKNOWN. */
int64_t rp_deadline_left(const struct rally *rp);

#endif
