/*
 * sys/scontrol_text.h - what scontrol prints
 *
 * What `scontrol show job` prints holds words of the user's: the job's name on
 * the first line, and the command, the comments and the paths at the end. None
 * of them is taken for a part of the record.
 *
 * The text does not tell a cancelled job from another that is ending: both are
 * COMPLETING. Only the reason TimeLimit is a sure sign of the latter.
 */
#ifndef RP_SYS_SCONTROL_TEXT_H
#define RP_SYS_SCONTROL_TEXT_H

#include "sys/sched.h"

/* Reads the record of the job `id` ("12", "12_3") from what `scontrol show job`
 * printed into `rec`, which is zero but for its steps. 0, or -1 and why, a
 * static sentence: no sure word can be taken of it, its state is UNKNOWN. */
int rp_scontrol_record(const char *text, const char *id, struct rp_record *rec,
		       const char **why);

/* How many lines of `scontrol -o show steps` tell of a step that counts: see
 * the record's steps. */
int64_t rp_scontrol_steps(const char *text);

#endif
