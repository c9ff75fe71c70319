/*
 * sys/scontrol_text.c - see the header
 *
 * A name like "x JobState=PENDING" must not be taken for the record. So only
 * the lines between the user's words are read, from the second one to the one
 * of Command=, and a key that comes up twice there (a name may hold line
 * breaks) makes the whole record one that can't be told. The form of one line
 * (-o) has no such borders.
 */
#include "sys/scontrol_text.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define INDENT "   " /* of every line of a record but its first */

struct part {
	const char *text;
	const char *end;
};

static const char *next_line(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? nl + 1 : end;
}

static int starts(const char *p, const char *end, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(end - p) >= n && memcmp(p, with, n) == 0;
}

/* Whether the record's first line is the one of `id`: "JobId=6 JobName=..." or
 * "JobId=6 ArrayJobId=5 ArrayTaskId=1 JobName=...". */
static int is_of(const char *p, const char *end, const char *id)
{
	char head[3 * RP_JOB_ID];
	const char *task = strchr(id, '_');

	if (!task) {
		snprintf(head, sizeof(head), "JobId=%s ", id);
		return starts(p, end, head);
	}
	p = memchr(p, ' ', (size_t)(end - p));
	if (!p)
		return 0;
	snprintf(head, sizeof(head), " ArrayJobId=%.*s ArrayTaskId=%s ",
		 (int)(task - id), id, task + 1);
	return starts(p, end, head);
}

/* The record of `id` among those that were printed (all components of a
 * heterogeneous job are). A single one is it, whatever its head says: tasks
 * of an array that wait share one. 0, or -1 for none or several. */
static int find_record(const char *text, const char *id, struct part *rec)
{
	const char *end = text + strlen(text);
	struct part last = { NULL, NULL };
	int all = 0, found = 0;

	for (const char *p = text; p < end; p = next_line(p, end)) {
		if (!starts(p, end, "JobId="))
			continue;
		if (all++)
			last.end = p;
		if (found == 1 && !rec->end)
			rec->end = p;
		last = (struct part){ p, NULL };
		if (is_of(p, end, id) && !found++)
			*rec = last;
	}
	if (all == 1 && !found) {
		*rec = last;
		found = 1;
	}
	if (found == 1 && !rec->end)
		rec->end = end;
	return found == 1 ? 0 : -1;
}

/* Cuts the user's words off both ends. */
static void cut_body(struct part *rec)
{
	rec->text = next_line(rec->text, rec->end);
	for (const char *p = rec->text; p < rec->end;
	     p = next_line(p, rec->end))
		if (starts(p, rec->end, INDENT "Command=") ||
		    starts(p, rec->end, INDENT "WorkDir=")) {
			rec->end = p;
			return;
		}
}

/* Copies the value of a key that stands for itself: "Restarts" but not
 * "XRestarts". Returns how often it is there; the value is the first one's. */
static int find(const struct part *rec, const char *key, char *value,
		size_t size)
{
	size_t n = strlen(key);
	int count = 0;

	value[0] = '\0';
	for (const char *p = rec->text; p + n < rec->end; p++) {
		size_t len;

		if (p[n] != '=' || memcmp(p, key, n) != 0 ||
		    (p > rec->text && p[-1] != ' ' && p[-1] != '\n'))
			continue;
		if (count++)
			continue;
		len = strcspn(p + n + 1, " \n");
		snprintf(value, size, "%.*s", (int)len, p + n + 1);
	}
	return count;
}

/* Seconds since the epoch; 0 where the value is no time after it. */
static int64_t parse_time(const char *text)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *end;
	int64_t when;

	if (rp_parse_int(text, 0, INT64_MAX, &when) == 0)
		return when;
	/* An scontrol that does not know of SLURM_TIME_FORMAT=%s */
	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	when = end && *end == '\0' ? (int64_t)mktime(&tm) : 0;
	return when > 0 ? when : 0;
}

static int read_body(const struct part *body, struct rp_record *rec)
{
	char state[32], preempt[32], start[32], end[32], number[3][24];
	int64_t requeue, batch;

	if (find(body, "JobState", state, sizeof(state)) != 1 ||
	    find(body, "Reason", rec->reason, sizeof(rec->reason)) != 1 ||
	    find(body, "Requeue", number[0], sizeof(number[0])) != 1 ||
	    find(body, "Restarts", number[1], sizeof(number[1])) != 1 ||
	    find(body, "BatchFlag", number[2], sizeof(number[2])) != 1 ||
	    find(body, "EndTime", end, sizeof(end)) != 1 ||
	    find(body, "StartTime", start, sizeof(start)) > 1 ||
	    find(body, "PreemptTime", preempt, sizeof(preempt)) > 1)
		return -1;
	if (rp_parse_int(number[0], 0, 1, &requeue) < 0 ||
	    rp_parse_int(number[1], 0, UINT32_MAX, &rec->restarts) < 0 ||
	    rp_parse_int(number[2], 0, 2, &batch) < 0)
		return -1;
	rec->start_time = parse_time(start);
	rec->end_time = parse_time(end);
	rec->preempt_time = parse_time(preempt);
	rec->may_requeue = requeue != 0;
	rec->batch = batch != 0;
	rec->state = rp_state_of(state);
	rec->completing = rec->state == RP_JOB_COMPLETING;
	if (rec->completing && strcmp(rec->reason, "TimeLimit") == 0)
		rec->ended_by = RP_ENDED_BY_LIMIT;
	return 0;
}

int rp_scontrol_record(const char *text, const char *id, struct rp_record *rec,
		       const char **why)
{
	struct part part;

	if (find_record(text, id, &part) < 0) {
		*why = "scontrol show job printed no record of the job, or "
		       "several";
		return -1;
	}
	cut_body(&part);
	if (read_body(&part, rec) < 0) {
		memset(rec, 0, sizeof(*rec));
		rec->steps = -1;
		*why = "what scontrol show job printed can't be told (or the "
		       "job's name imitates it)";
		return -1;
	}
	if (rec->state == RP_JOB_UNKNOWN) {
		*why = "scontrol show job printed a state that is not known";
		return -1;
	}
	return 0;
}

/* One step of `scontrol -o show steps` a line: "StepId=5.0 UserId=...". */
static int counts(const char *p, const char *end)
{
	static const char *const passive[] = { "batch", "extern",
					       "interactive" };
	struct part line = { p, next_line(p, end) };
	char id[64], state[32], name[64];
	const char *dot;

	if (!starts(p, end, "StepId="))
		return 0;
	find(&line, "StepId", id, sizeof(id));
	find(&line, "State", state, sizeof(state));
	find(&line, "Name", name, sizeof(name));
	dot = strchr(id, '.');
	for (size_t i = 0; dot && i < 3; i++)
		if (strcmp(dot + 1, passive[i]) == 0)
			return 0;
	/* the daemons through which mpirun starts ranks on other nodes, and
	 * what signals one rank */
	if (strcmp(name, "orted") == 0 || strcmp(name, "prted") == 0 ||
	    strcmp(name, "rallypoint-drill") == 0)
		return 0;
	return rp_state_of(state) != RP_JOB_ENDED;
}

int64_t rp_scontrol_steps(const char *text)
{
	const char *end = text + strlen(text);
	int64_t n = 0;

	for (const char *p = text; p < end; p = next_line(p, end))
		n += counts(p, end);
	return n;
}
