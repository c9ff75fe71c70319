/*
 * tool/diagnose.h - what will happen to a job, and what is wrong with it
 *
 *     rp_diagnose(&diagnosis, &facts, &err);
 *     diagnosis.outcomes[RP_EVENT_PREEMPTION].words ...
 *     rp_diagnosis_free(&diagnosis);
 *
 * Made from facts alone: nothing is asked or read here.
 */
#ifndef RP_TOOL_DIAGNOSE_H
#define RP_TOOL_DIAGNOSE_H

#include "tool/facts.h"

enum rp_doctor_event {
	RP_EVENT_PREEMPTION,
	RP_EVENT_TIME_LIMIT,
	RP_EVENT_CANCEL,
	RP_EVENT_NODE_FAILURE,
	RP_EVENT_DRAIN,
	RP_EVENT_REQUEUE,
	RP_EVENT_CONTROLLER_AWAY,
	RP_EVENTS
};

enum rp_saved {
	RP_SAVED_YES,		/* the state at the signal is saved */
	RP_SAVED_PERIODIC,	/* only the last periodic checkpoint survives */
	RP_SAVED_NO,		/* nothing needs to be, or can be */
};

struct rp_outcome {
	enum rp_saved saved;
	int again;		/* it starts again by itself */
	const char *sentence;	/* static, for rp_facts_say() */
	char *words;
};

enum rp_severity { RP_PROBLEM, RP_WARNING, RP_NOTE };

struct rp_finding {
	const char *id;		/* static */
	enum rp_severity severity;
	char *text;
	char *fix;		/* the line that mends it, or NULL */
};

struct rp_diagnosis {
	struct rp_outcome outcomes[RP_EVENTS];
	struct rp_finding *findings;	/* problems first */
	size_t n_findings;
	size_t problems;
};

/* Free in any case. Only RALLY_ENOMEM. */
int rp_diagnose(struct rp_diagnosis *diagnosis, const struct rp_facts *facts,
		struct rp_err *err);
void rp_diagnosis_free(struct rp_diagnosis *diagnosis);

/* Without words: what becomes of the job. */
struct rp_outcome rp_outcome_of(const struct rp_facts *facts,
				enum rp_doctor_event event);

/* "time_limit", "periodic", "warning"; static. */
const char *rp_doctor_event_name(enum rp_doctor_event event);
const char *rp_saved_name(enum rp_saved saved);
const char *rp_severity_name(enum rp_severity severity);

#endif
