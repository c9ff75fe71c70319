#include "sys/poll.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

static void ask(struct rp_poll *poll, struct rp_sched *s, int64_t now)
{
	const char *argv[RP_SCHED_ARGS];

	poll->next = now + poll->every_ns;
	poll->asked = now;
	s->ops->command(s, s->job.id, argv);
	if (rp_child_start(argv, rp_sched_env, s->timeout_ms, &poll->child,
			   NULL) != 0)
		poll->child = NULL;
}

static int hear(struct rp_poll *poll, struct rp_sched *s)
{
	struct rp_record record = { .steps = -1 };
	struct rp_spawned got;
	int64_t left;
	int ok;

	rp_child_end(poll->child, &got);
	poll->child = NULL;
	ok = !got.timed_out &&
	     s->ops->hear(s, s->job.id, &got, &record) == RP_DONE &&
	     record.state != RP_JOB_UNKNOWN;
	rp_spawned_free(&got);
	if (!ok)
		return 0;
	poll->record = record;
	poll->as_of = poll->asked;
	poll->known = 1;
	s->reached = 1;
	poll->ends_at = INT64_MAX;
	left = record.end_time - (int64_t)time(NULL);
	/* A year is as good as no limit. */
	if (record.end_time > 0 && left < 365 * 86400)
		poll->ends_at = rp_now() + left * 1000000000;
	return 1;
}

int rp_poll_look(struct rp_poll *poll, struct rp_sched *s)
{
	int heard = 0;
	int64_t now;

	if (poll->every_ns <= 0 || !s->job.in_slurm || !s->ops->command)
		return 0;
	if (poll->child && rp_child_look(poll->child))
		heard = hear(poll, s);
	now = rp_now();
	if (!poll->child && now >= poll->next)
		ask(poll, s, now);
	return heard;
}

void rp_poll_soon(struct rp_poll *poll)
{
	poll->next = 0;
}

void rp_poll_end(struct rp_poll *poll)
{
	rp_child_end(poll->child, NULL);
	poll->child = NULL;
	poll->next = 0;
	poll->known = 0;
	poll->ends_at = INT64_MAX;
}
