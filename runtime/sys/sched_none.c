/*
 * The backend that does nothing, and the template of all others.
 *
 * A backend is one file with one table. It gets the id of a job, which is
 * "12" or "12_3" and nothing else, and has rp_sched_left(s) milliseconds for
 * everything it does. It asks once: retries, the order of the requeue and the
 * decision to leave a job alone are sched.c's. It keeps no state, leaves what
 * it heard in s->detail through rp_sched_say(), and answers with a code of
 * enum rp_answer. A new one is declared in sched.h, chosen in rp_sched_open()
 * and listed in Makefile.am.
 */
#include "sys/sched.h"

/* A real one fills the zeroed `*rec`: at least the state and the number of
 * restarts, and the steps if `with_steps`. What it is not sure of, it leaves
 * as RP_JOB_UNKNOWN: such a job is not requeued. */
static enum rp_answer none_record(struct rp_sched *s, const char *id,
				  int with_steps, struct rp_record *rec)
{
	(void)s;
	(void)id;
	(void)with_steps;
	(void)rec;
	return RP_NO_BACKEND;
}

/* A real one tells a refusal (RP_DISABLED, RP_DENIED, ...) from a controller
 * that can't be reached (RP_UNREACHABLE): only the latter is tried again. */
static enum rp_answer none_requeue(struct rp_sched *s, const char *id)
{
	(void)s;
	(void)id;
	return RP_NO_BACKEND;
}

static enum rp_answer none_hold(struct rp_sched *s, const char *id,
				const char *why)
{
	(void)s;
	(void)id;
	(void)why;
	return RP_NO_BACKEND;
}

const struct rp_sched_ops rp_sched_none = {
	.name = "none",
	.record = none_record,
	.requeue = none_requeue,
	.hold = none_hold,
};
