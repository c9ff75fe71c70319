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

#define RP_EVENT_FILE "events.jsonl"
#define RP_EVENT_COMMIT "committed"

/* Appends one line to dir/events.jsonl in one write; steals `fields` (an
 * object, or NULL). */
int rp_event_append(const char *dir, const char *event, const char *job,
		    int64_t restart, json_t *fields, struct rp_err *err);

/* 1 where the file records a commit, 0 where it does not or is not there, -1
 * where it can't be read. */
int rp_event_committed(const char *dir, struct rp_err *err);

#endif
