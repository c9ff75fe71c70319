/*
 * data/event.h - events.jsonl, one JSON object a line
 *
 * Every line has "time" (UTC), "event", "job" and "restart"; what else it has
 * depends on the event. The file is for people, tools and one question of the
 * library's own: was anything ever committed here?
 */
#ifndef RP_DATA_EVENT_H
#define RP_DATA_EVENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

#define RP_EVENT_FILE "events.jsonl"
#define RP_EVENT_OLD RP_EVENT_FILE ".old"
#define RP_EVENT_COMMIT "committed"
#define RP_EVENT_MAX ((int64_t)4 << 20)	/* bytes of one file, or a line more */

/* Appends one line to dir/events.jsonl in one write; steals `fields` (an
 * object, or NULL). From some megabytes on the file becomes events.jsonl.old,
 * in place of the last one, and a new one begins. */
int rp_event_append(struct rp_io *io, const char *dir, const char *event,
		    const char *job, int64_t restart, json_t *fields,
		    struct rp_err *err);

/* 1 where a commit is recorded, 0 where none is or no record is there, -1 where
 * it can't be read. */
int rp_event_committed(struct rp_io *io, const char *dir, struct rp_err *err);

#endif
