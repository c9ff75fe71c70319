/*
 * tool/report.h - a diagnosis, for people and for programs
 */
#ifndef RP_TOOL_REPORT_H
#define RP_TOOL_REPORT_H

#include "tool/diagnose.h"
#include "tool/gather.h"

/* Both print on stdout. */
int rp_report_text(const struct rp_gathered *all,
		   const struct rp_diagnosis *diagnosis, struct rp_err *err);
int rp_report_json(const struct rp_gathered *all,
		   const struct rp_diagnosis *diagnosis, struct rp_err *err);

#endif
