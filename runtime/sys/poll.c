#include "sys/poll.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "sys/conf.h"

static void start(struct rp_poll *poll, struct rp_sched *s,
		  const char *const argv[])
{
	if (rp_child_start(argv, rp_sched_env, s->timeout_ms, &poll->child,
			   NULL) != 0)
		poll->child = NULL;
}

enum { JOB, SITE, PARTITION };

static void ask(struct rp_poll *poll, struct rp_sched *s, int64_t now)
{
	const char *argv[RP_SCHED_ARGS];

	poll->next = now + poll->every_ns;
	poll->asked = now;
	poll->asks = JOB;
	s->ops->command(s, s->job.id, argv);
	start(poll, s, argv);
}

/* Of the partitions all: so no name goes onto a command line. */
static void ask_site(struct rp_poll *poll, struct rp_sched *s)
{
	const char *argv[RP_SCHED_ARGS];

	poll->asks = poll->site_asked ? PARTITION : SITE;
	poll->partition_asked = poll->site_asked;
	poll->site_asked = 1;
	s->ops->site_command(s, poll->asks == SITE ? NULL : "", argv);
	start(poll, s, argv);
}

static void hear_site(struct rp_poll *poll, struct rp_sched *s,
		      const struct rp_spawned *got)
{
	struct rp_partition part;
	struct rp_conf conf;

	rp_partition_init(&part);
	if (poll->asks == SITE) {
		if (s->ops->hear_conf(s, got, &conf) == RP_DONE &&
		    conf.kill_wait >= 0)
			poll->kill_wait = conf.kill_wait * 1000000000;
	} else if (*s->job.partition &&
		   s->ops->hear_partition(s, got, s->job.partition, &part) ==
			   RP_DONE &&
		   part.grace_time >= 0 && part.grace_time < INT32_MAX) {
		poll->grace_time = part.grace_time * 1000000000;
	}
}

static int hear_job(struct rp_poll *poll, struct rp_sched *s,
		    const struct rp_spawned *got)
{
	struct rp_record record = { .steps = -1 };

	if (s->ops->hear(s, s->job.id, got, &record) != RP_DONE ||
	    record.state == RP_JOB_UNKNOWN)
		return 0;
	rp_poll_take(poll, &record, poll->asked);
	s->reached = 1;
	return 1;
}

/* 1 where it is a new record. */
static int hear(struct rp_poll *poll, struct rp_sched *s)
{
	struct rp_spawned got;
	int heard = 0;

	rp_child_end(poll->child, &got);
	poll->child = NULL;
	if (!got.timed_out && poll->asks == JOB)
		heard = hear_job(poll, s, &got);
	else if (!got.timed_out)
		hear_site(poll, s, &got);
	poll->settled |= poll->asks == PARTITION;
	rp_spawned_free(&got);
	return heard;
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
	else if (!poll->child && poll->known && !poll->partition_asked)
		ask_site(poll, s);
	return heard;
}

void rp_poll_take(struct rp_poll *poll, const struct rp_record *record,
		  int64_t as_of)
{
	int64_t left = record->end_time - (int64_t)time(NULL);

	if (record->state == RP_JOB_UNKNOWN ||
	    (poll->known && as_of < poll->as_of))
		return;
	poll->record = *record;
	poll->as_of = as_of;
	poll->known = 1;
	poll->ends_at = INT64_MAX;
	/* A year is as good as no limit. */
	if (record->end_time > 0 && left < 365 * 86400)
		poll->ends_at = rp_now() + left * 1000000000;
}

void rp_poll_soon(struct rp_poll *poll)
{
	poll->next = 0;
}

void rp_poll_init(struct rp_poll *poll)
{
	memset(poll, 0, sizeof(*poll));
	poll->ends_at = INT64_MAX;
	poll->kill_wait = -1;
	poll->grace_time = -1;
}

void rp_poll_end(struct rp_poll *poll)
{
	int64_t every_ns = poll->every_ns;

	rp_child_end(poll->child, NULL);
	rp_poll_init(poll);
	poll->every_ns = every_ns;
}
