/*
 * tool/rules.h - what can be wrong with a job, and the line that mends it
 */
#ifndef RP_TOOL_RULES_H
#define RP_TOOL_RULES_H

#include "tool/diagnose.h"

struct rp_rule {
	const char *id;
	enum rp_severity severity;
	int (*applies)(const struct rp_facts *facts);
	const char *text, *fix;	/* for rp_facts_say(); no fix: NULL */
};

/* Ends with one without an id. */
extern const struct rp_rule rp_rules[];

#endif
