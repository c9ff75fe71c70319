#include "sys/cause.h"

#include <stddef.h>

#include "sys/sched.h"

static const struct rp_cause_row rows[RP_CAUSES] = {
	[RP_CAUSE_UNKNOWN] = { "unknown", "its record can't be told",
			       RP_LEAVE },
	[RP_CAUSE_SIGNAL] = { "signal", "it was signalled and runs on",
			      RP_ASK },
	[RP_CAUSE_PREEMPTION] = { "preemption", "it is being preempted",
				  RP_ASK },
	[RP_CAUSE_TIME_LIMIT] = { "time_limit", "its time limit is reached",
				  RP_ASK },
	[RP_CAUSE_NODE] = { "node", "a node of it failed", RP_ASK },
	[RP_CAUSE_REQUEUE] = { "requeue", "it was requeued already",
			       RP_IS_QUEUED },
	[RP_CAUSE_CANCEL] = { "cancel", "it is being cancelled", RP_LEAVE },
	[RP_CAUSE_OVER] = { "over", "it has ended", RP_LEAVE },
};

const struct rp_cause_row *rp_cause_row(enum rp_cause cause)
{
	return &rows[cause];
}

static enum rp_cause while_running(const struct rp_record *rec)
{
	return rp_record_preempted(rec) ? RP_CAUSE_PREEMPTION
					: RP_CAUSE_SIGNAL;
}

/* Text tools show a job that is being cancelled and one that ends by itself
 * alike: both are left alone. */
static enum rp_cause while_completing(const struct rp_record *rec)
{
	switch (rec->ended_by) {
	case RP_ENDED_BY_LIMIT:
		/* The end of the grace time is a time limit to Slurm, where
		 * PreemptMode is CANCEL. */
		return rp_record_preempted(rec) ? RP_CAUSE_PREEMPTION
						: RP_CAUSE_TIME_LIMIT;
	case RP_ENDED_BY_PREEMPTION:
		return RP_CAUSE_PREEMPTION;
	case RP_ENDED_BY_NODE:
		return RP_CAUSE_NODE;
	default:
		return RP_CAUSE_CANCEL;
	}
}

enum rp_cause rp_cause_of(const struct rp_record *rec, int64_t restarts)
{
	if (!rec)
		return RP_CAUSE_UNKNOWN;
	/* More restarts than this start knows of: a requeue is through, and
	 * whatever runs under the id now is another start's. */
	if (rec->state == RP_JOB_PENDING || rec->restarts > restarts)
		return RP_CAUSE_REQUEUE;
	switch (rec->state) {
	case RP_JOB_RUNNING:
	case RP_JOB_SUSPENDED:
		return while_running(rec);
	case RP_JOB_COMPLETING:
		return while_completing(rec);
	case RP_JOB_CANCELLED:
		return RP_CAUSE_CANCEL;
	case RP_JOB_ENDED:
		return RP_CAUSE_OVER;
	default:
		return RP_CAUSE_UNKNOWN;
	}
}
