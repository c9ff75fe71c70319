/*
 * What the backends share.
 */
#include "sys/sched.h"

#include "base/clock.h"
#include "sys/spawn.h"

#include <ctype.h>
#include <string.h>

void rp_sched_say(struct rp_sched *s, const char *text)
{
	const char *line = text;
	size_t len = 0;

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		size_t n = strcspn(p, "\n");

		if (strspn(p, " \t\r") < n) {
			line = p;
			len = n;
		}
	}
	if (len >= sizeof(s->detail))
		len = sizeof(s->detail) - 1;
	memcpy(s->detail, line, len);
	s->detail[len] = '\0';
	/* It goes to a terminal, and may hold what a user has typed. */
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)s->detail[i]))
			s->detail[i] = ' ';
}

const char *const rp_sched_env[] = { "LC_ALL=C", "SLURM_TIME_FORMAT=%s", NULL };

static int64_t time_for_one(const struct rp_sched *s)
{
	int64_t left = s->until ? (s->until - rp_now()) / 1000000 : INT64_MAX;

	return left < s->timeout_ms ? left : s->timeout_ms;
}

enum rp_answer rp_sched_run(struct rp_sched *s, const char *const argv[],
			    struct rp_spawned *got)
{
	int64_t time_ms = time_for_one(s);
	struct rp_err err = { 0 };

	if (s->until && time_ms <= 0) {
		rp_sched_say(s, "no time is left to ask");
		return RP_TIMEOUT;
	}
	if (rp_spawn(argv, rp_sched_env, time_ms, got, &err)) {
		rp_sched_say(s, err.text);
		return RP_FAILED;
	}
	if (!got->timed_out)
		return RP_DONE;
	rp_sched_say(s, got->err);
	rp_spawned_free(got);
	return RP_TIMEOUT;
}

enum rp_state rp_state_of(const char *name)
{
	static const struct {
		const char *name;
		enum rp_state state;
	} states[] = {
		{ "RUNNING", RP_JOB_RUNNING },
		{ "PENDING", RP_JOB_PENDING },
		{ "COMPLETING", RP_JOB_COMPLETING },
		{ "CANCELLED", RP_JOB_CANCELLED },
		{ "SUSPENDED", RP_JOB_SUSPENDED },
		{ "STOPPED", RP_JOB_SUSPENDED },
		{ "CONFIGURING", RP_JOB_RUNNING },
		{ "POWER_UP_NODE", RP_JOB_RUNNING },
		{ "RESIZING", RP_JOB_RUNNING },
		{ "SIGNALING", RP_JOB_RUNNING },
		{ "REQUEUED", RP_JOB_PENDING },
		{ "REQUEUE_HOLD", RP_JOB_PENDING },
		{ "REQUEUE_FED", RP_JOB_PENDING },
		{ "RESV_DEL_HOLD", RP_JOB_PENDING },
		{ "SPECIAL_EXIT", RP_JOB_PENDING },
		{ "STAGE_OUT", RP_JOB_COMPLETING },
		{ "COMPLETED", RP_JOB_ENDED },
		{ "FAILED", RP_JOB_ENDED },
		{ "TIMEOUT", RP_JOB_ENDED },
		{ "NODE_FAIL", RP_JOB_ENDED },
		{ "PREEMPTED", RP_JOB_ENDED },
		{ "BOOT_FAIL", RP_JOB_ENDED },
		{ "LAUNCH_FAILED", RP_JOB_ENDED },
		{ "DEADLINE", RP_JOB_ENDED },
		{ "OUT_OF_MEMORY", RP_JOB_ENDED },
		{ "REVOKED", RP_JOB_ENDED },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].name, name) == 0)
			return states[i].state;
	return RP_JOB_UNKNOWN;
}

/* Slurm's sentences have been the same since long before 22.05. Where the
 * controller can't be reached, `scontrol requeue` of 22.05 only says that a
 * message was unexpected. */
enum rp_answer rp_answer_of(const char *text)
{
	static const struct {
		const char *part;
		enum rp_answer answer;
	} sentences[] = {
		{ "Job is pending execution", RP_ALREADY },
		{ "operation is presently disabled", RP_DISABLED },
		{ "Only batch jobs are accepted", RP_NOT_BATCH },
		{ "ermission denied", RP_DENIED },
		{ "heterogeneous job leader", RP_NOT_LEADER },
		{ "Invalid job id", RP_NO_JOB },
		{ "Unable to contact slurm controller", RP_UNREACHABLE },
		{ "Unexpected message received", RP_UNREACHABLE },
		{ "Socket timed out", RP_UNREACHABLE },
		{ "Zero Bytes were transmitted", RP_UNREACHABLE },
		{ "standby mode", RP_UNREACHABLE },
		{ "Protocol authentication error", RP_UNREACHABLE },
		{ "nable to establish controller", RP_UNREACHABLE },
	};

	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (strstr(text, sentences[i].part))
			return sentences[i].answer;
	return RP_FAILED;
}
