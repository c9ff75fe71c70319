#include "tool/diagnose.h"

#include <stdlib.h>
#include <string.h>

#include "tool/rules.h"

static int has_fix(const struct rp_rule *rule, const struct rp_facts *f)
{
	return rule->fix && (f->mended || !strstr(rule->fix, "{mended}"));
}

static int add(struct rp_diagnosis *d, const struct rp_rule *rule,
	       const struct rp_facts *f)
{
	struct rp_finding *one = &d->findings[d->n_findings++];

	one->id = rule->id;
	one->severity = rule->severity;
	one->text = rp_facts_say(f, rule->text);
	if (has_fix(rule, f))
		one->fix = rp_facts_say(f, rule->fix);
	d->problems += rule->severity == RP_PROBLEM;
	return one->text && (one->fix || !has_fix(rule, f)) ? 0 : -1;
}

int rp_diagnose(struct rp_diagnosis *d, const struct rp_facts *f,
		struct rp_err *err)
{
	int bad = 0;
	size_t n = 0;

	memset(d, 0, sizeof(*d));
	while (rp_rules[n].id)
		n++;
	d->findings = calloc(n, sizeof(*d->findings));
	if (!d->findings)
		return rp_fail(err, RALLY_ENOMEM, "no memory for a diagnosis");
	for (int severity = RP_PROBLEM; severity <= RP_NOTE; severity++)
		for (size_t i = 0; i < n; i++)
			if ((int)rp_rules[i].severity == severity &&
			    rp_rules[i].applies(f))
				bad |= add(d, &rp_rules[i], f);
	for (int event = 0; event < RP_EVENTS; event++) {
		struct rp_outcome *out = &d->outcomes[event];

		*out = rp_outcome_of(f, (enum rp_doctor_event)event);
		out->words = rp_facts_say(f, out->sentence);
		bad |= !out->words;
	}
	return bad ? rp_fail(err, RALLY_ENOMEM, "no memory for a diagnosis")
		   : 0;
}

void rp_diagnosis_free(struct rp_diagnosis *d)
{
	for (size_t i = 0; i < d->n_findings; i++) {
		free(d->findings[i].text);
		free(d->findings[i].fix);
	}
	for (int event = 0; event < RP_EVENTS; event++)
		free(d->outcomes[event].words);
	free(d->findings);
	memset(d, 0, sizeof(*d));
}

const char *rp_doctor_event_name(enum rp_doctor_event event)
{
	static const char *const names[] = {
		[RP_EVENT_PREEMPTION] = "preemption",
		[RP_EVENT_TIME_LIMIT] = "time_limit",
		[RP_EVENT_CANCEL] = "cancel",
		[RP_EVENT_NODE_FAILURE] = "node_failure",
		[RP_EVENT_DRAIN] = "drain",
		[RP_EVENT_REQUEUE] = "requeue",
		[RP_EVENT_CONTROLLER_AWAY] = "controller_away",
	};

	return names[event];
}

const char *rp_saved_name(enum rp_saved saved)
{
	static const char *const names[] = { "yes", "periodic", "no" };

	return names[saved];
}

const char *rp_severity_name(enum rp_severity severity)
{
	static const char *const names[] = { "problem", "warning", "note" };

	return names[severity];
}
