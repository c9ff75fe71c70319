/*
 * tool/drill_watch.c - what the job writes into events.jsonl
 *
 * The time of an event is when it is seen here: the file itself tells whole
 * seconds.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "data/event.h"
#include "data/json.h"
#include "tool/drill.h"

#define PIECE 65536

static int64_t number(const json_t *line, const char *key)
{
	return json_integer_value(json_object_get(line, key));
}

static const char *word(const json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));

	return text ? text : "";
}

static void mark(const struct rp_drill *drill, struct rp_drill_mark *mark,
		 const json_t *line)
{
	if (mark->at_ns >= 0)
		return;
	mark->at_ns = rp_now() - drill->begun;
	mark->step = number(line, "step");
}

static void take_save(struct rp_drill *drill, const json_t *line)
{
	if (strcmp(word(line, "cause"), "stop") != 0)
		return;
	mark(drill, &drill->saved, line);
	drill->saves++;
	drill->bytes = (uint64_t)number(line, "bytes");
	drill->elapsed_ns = number(line, "elapsed_ns");
}

/* Of the start that is preempted. */
static void take_stop(struct rp_drill *drill, const char *event,
		      const json_t *line)
{
	if (strcmp(event, "verdict") == 0) {
		mark(drill, &drill->agreed, line);
	} else if (strcmp(event, RP_EVENT_COMMIT) == 0) {
		take_save(drill, line);
	} else if (strcmp(event, "current") == 0) {
		mark(drill, &drill->saved, line);
	} else if (strcmp(event, "requeued") == 0) {
		mark(drill, &drill->requeued, line);
	} else if (strcmp(event, "not_requeued") == 0) {
		/* After an operator's requeue, Slurm has the job already. */
		if (drill->how == RP_DRILL_REQUEUE)
			return;
		rp_drill_wrong(drill, "it was not requeued: %s %s",
			       word(line, "answer"), word(line, "detail"));
		drill->over = 1;
	} else if (strcmp(event, "finished") == 0 && drill->agreed.at_ns < 0) {
		rp_drill_wrong(drill, "the program came to its end before it "
			       "stopped");
		drill->over = 1;
	} else if (strcmp(event, "error") == 0) {
		rp_drill_wrong(drill, "error: %s", word(line, "text"));
	}
}

/* Of the one after it. */
static void take_start(struct rp_drill *drill, const char *event,
		       const json_t *line)
{
	if (strcmp(event, "opened") == 0) {
		mark(drill, &drill->started, line);
		drill->restarted = number(line, "restart");
	} else if (strcmp(event, "resumed") == 0) {
		mark(drill, &drill->resumed, line);
		drill->over = 1;
	} else if (strcmp(event, "passed_over") == 0) {
		rp_drill_wrong(drill, "%s was passed over: %s",
			       word(line, "checkpoint"), word(line, "reason"));
	} else if (strcmp(event, "fresh") == 0 ||
		   strcmp(event, "was_finished") == 0 ||
		   strcmp(event, "error") == 0) {
		rp_drill_wrong(drill, "the next start did not resume (%s) %s",
			       event, word(line, "text"));
		drill->over = 1;
	}
}

static void take_line(struct rp_drill *drill, const char *text, size_t size)
{
	json_t *line = rp_json_parse(text, size, NULL);
	const char *event = line ? word(line, "event") : "";

	if (strcmp(line ? word(line, "job") : "", drill->id) == 0) {
		if (drill->begun == 0)
			drill->starts += strcmp(event, "opened") == 0;
		else if (number(line, "restart") > drill->restarts)
			take_start(drill, event, line);
		else if (number(line, "restart") == drill->restarts)
			take_stop(drill, event, line);
	}
	json_decref(line);
}

/* Takes the whole lines of one piece from drill->at on: how many bytes. */
static int64_t take_piece(struct rp_drill *drill, int fd, char *piece)
{
	ssize_t n = rp_io_pread(NULL, fd, piece, PIECE, drill->at);
	char *from = piece, *end;

	while (n > 0 && (end = memchr(from, '\n',
				      (size_t)(piece + n - from)))) {
		take_line(drill, from, (size_t)(end - from));
		from = end + 1;
	}
	/* A line that is longer than any of ours is passed over. */
	return n == PIECE && from == piece ? PIECE : from - piece;
}

static int take_all(struct rp_drill *drill, const char *path,
		    struct rp_err *err)
{
	char *piece = malloc(PIECE);
	int64_t size, n;
	int fd = piece ? rp_open_read(NULL, path, &size, err) : -1;

	if (fd >= 0) {
		if (size < drill->at)	/* a new one has begun */
			drill->at = 0;
		while ((n = take_piece(drill, fd, piece)) > 0)
			drill->at += n;
		rp_close_read(NULL, fd);
	}
	free(piece);
	return fd < 0 ? rp_fail(err, RALLY_ENOMEM, "drill: no memory") : 0;
}

int rp_drill_watch(struct rp_drill *drill, struct rp_err *err)
{
	char *path = rp_path(drill->dir, RP_EVENT_FILE);
	int rc = path ? take_all(drill, path, err)
		      : rp_fail(err, RALLY_ENOMEM, "drill: no memory");

	free(path);
	return rc;
}

int rp_drill_watch_begin(struct rp_drill *drill, struct rp_err *err)
{
	int guessed = !drill->dir;
	struct rp_err why = { 0 };

	if (guessed && drill->work_dir)
		drill->dir = rp_path(drill->work_dir, "ckpt");
	if (!drill->dir || rp_drill_watch(drill, &why) != 0 ||
	    drill->starts == 0)
		return rp_fail(err, RALLY_EABSENT, "%s/%s tells of no start of "
			       "job %s: give the job's checkpoint folder with "
			       "--folder%s%s", drill->dir ? drill->dir : "ckpt",
			       RP_EVENT_FILE, drill->id,
			       why.text[0] ? ": " : "", why.text);
	return 0;
}
