/*
 * flow/hook.h - the site's word in a stop
 *
 * Option 'leave' names a program that rank 0 runs when a stop is saved and
 * before Slurm is asked to requeue the job: to tell somebody, to copy the
 * checkpoint away, or to see to the next start in another way than Slurm's. It
 * finds in its environment
 *
 *     RALLYPOINT_FOLDER      of the checkpoints
 *     RALLYPOINT_STEP        of the newest one, -1 where there is none
 *     RALLYPOINT_SEQUENCE    likewise
 *     RALLYPOINT_SAVED       1 where the stop is saved, 0 where not
 *     RALLYPOINT_CAUSE       as in events (sys/cause.h), by the record as of now
 *     RALLYPOINT_LEFT        seconds until the nodes are lost, -1: not known
 *
 * and says by its exit status how it goes on: 0 as always, 10 it has seen to
 * the next start, 11 the job is to be left as it is. After any other, and where
 * it takes longer than a command of Slurm's may, there is a warning, and it goes
 * on as always. It finds /dev/null for its stdin, and TERM blocked.
 */
#ifndef RP_FLOW_HOOK_H
#define RP_FLOW_HOOK_H

#include "sys/sched.h"

struct rally;

/* Rank 0: runs it, if there is one. RP_DONE: go on as always; RP_BY_SITE,
 * RP_LEFT_BY_SITE. Not collective. */
enum rp_answer rp_hook_run(struct rally *rp);

#endif
