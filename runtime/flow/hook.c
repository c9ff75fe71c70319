#include "flow/hook.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "flow/deadline.h"
#include "flow/handle.h"
#include "flow/words.h"
#include "sys/spawn.h"

enum { GO_ON = 0, SEEN_TO = 10, LEAVE = 11 };

#define SECOND 1000000000
#define FACTS 6

/* NULL where there was no memory for one of them. */
static char **facts_of(const struct rally *rp, char *facts[FACTS + 1])
{
	int64_t left = rp_deadline_left(rp, rp->stopped_at);
	const char *cause = rp_cause_row(rp_deadline_cause(rp))->name;
	int n = 0;

	if (left < 0)
		left = 0;
	facts[n++] = rp_format("RALLYPOINT_FOLDER=%s",
			       rp->standing.aside ? rp->second.dir : rp->dir);
	facts[n++] = rp_format("RALLYPOINT_STEP=%lld",
			       (long long)rp->standing.step);
	facts[n++] = rp_format("RALLYPOINT_SEQUENCE=%lld",
			       (long long)rp->standing.sequence);
	facts[n++] = rp_format("RALLYPOINT_SAVED=%d", rp->stop_saved);
	facts[n++] = rp_format("RALLYPOINT_CAUSE=%s", cause);
	facts[n++] = rp_format("RALLYPOINT_LEFT=%lld",
			       left == RP_LEFT_UNKNOWN
				       ? -1 : (long long)(left / SECOND));
	facts[n] = NULL;
	while (n > 0)
		if (!facts[--n])
			return NULL;
	return facts;
}

static enum rp_answer judge(struct rally *rp, const struct rp_spawned *got)
{
	char text[400];

	if (!got->timed_out && got->reaped && !got->signal) {
		if (got->status == GO_ON)
			return RP_DONE;
		if (got->status == SEEN_TO)
			return RP_BY_SITE;
		if (got->status == LEAVE)
			return RP_LEFT_BY_SITE;
	}
	snprintf(text, sizeof(text), "the program of option 'leave', %.200s, "
		 "%s %d: its word is not taken", rp->options.leave,
		 got->timed_out ? "took too long and was ended by signal"
		 : got->signal  ? "was ended by signal"
				: "ended with status",
		 got->timed_out ? 9 : got->signal ? got->signal : got->status);
	rp_words_warn(rp, text);
	return RP_DONE;
}

enum rp_answer rp_hook_run(struct rally *rp)
{
	const char *argv[] = { rp->options.leave, NULL };
	char *facts[FACTS + 1] = { NULL };
	enum rp_answer answer = RP_DONE;
	struct rp_err err = { 0 };
	struct rp_spawned got;
	int rc = RALLY_ENOMEM;

	if (!*rp->options.leave)
		return RP_DONE;
	if (facts_of(rp, facts))
		rc = rp_spawn(argv, (const char *const *)facts,
			      rp->options.requeue_timeout / 1000000, &got,
			      &err);
	else
		rp_fail(&err, rc, "no memory for its environment");
	if (rc == 0) {
		answer = judge(rp, &got);
		rp_spawned_free(&got);
	} else {
		char text[600];

		snprintf(text, sizeof(text), "the program of option 'leave' "
			 "could not be run: %.400s", err.text);
		rp_words_warn(rp, text);
	}
	for (int i = 0; i < FACTS; i++)
		free(facts[i]);
	return answer;
}
