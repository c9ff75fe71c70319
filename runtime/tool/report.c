#include "tool/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tool/print.h"

#define WIDTH 78

/*
 * Text
 */

/* Words on lines of WIDTH, each behind `indent`; nothing that they hold steers a
 * terminal. */
static int wrap(const char *first, const char *indent, const char *words)
{
	char *safe = rp_escape(words);
	size_t column = strlen(first);

	if (!safe)
		return -1;
	fputs(first, stdout);
	for (const char *p = safe; *p;) {
		size_t n;

		p += strspn(p, " ");
		n = strcspn(p, " ");

		if (p > safe && column + 1 + n > WIDTH) {
			printf("\n%s", indent);
			column = strlen(indent);
		} else if (p > safe) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)n, p);
		column += n;
		p += n + (p[n] == ' ');
	}
	putchar('\n');
	free(safe);
	return 0;
}

static int print_words(const char *first, const char *indent, char *words)
{
	int rc = words ? wrap(first, indent, words) : -1;

	free(words);
	return rc;
}

static int print_job(const struct rp_gathered *all)
{
	const struct rp_facts *f = &all->facts;
	char *words;

	if (!f->known)
		return 0;
	words = rp_facts_say(f, f->line > 0
		? "started by {command} (line {line})"
		: f->launcher == RP_START_NONE ? "started by nothing known"
					       : "started by");
	if (!words)
		return -1;
	if (f->line == 0 && f->launcher != RP_START_NONE) {
		char *more = rp_format("%s %s", words,
				       rp_starter_name(f->launcher));

		free(words);
		words = more;
		if (!words)
			return -1;
	}
	return print_words("  ", "    ", words);
}

static int print_site(const struct rp_gathered *all)
{
	const struct rp_facts *f = &all->facts;

	if (!*f->part.name)
		return wrap("  ", "    ", "nothing is known of the site");
	return print_words("  ", "    ", rp_facts_say(f, f->known
		? "partition {partition}: preemption {mode}, GraceTime {grace}, "
		  "KillWait {kill_wait}; time limit {limit}"
		: "partition {partition}: preemption {mode}, GraceTime {grace}, "
		  "KillWait {kill_wait}"));
}

static const char *title_of(enum rp_doctor_event event)
{
	static const char *const titles[] = {
		[RP_EVENT_PREEMPTION] = "preemption",
		[RP_EVENT_TIME_LIMIT] = "the time limit",
		[RP_EVENT_CANCEL] = "scancel",
		[RP_EVENT_NODE_FAILURE] = "a node fails",
		[RP_EVENT_DRAIN] = "a node is drained",
		[RP_EVENT_REQUEUE] = "an operator requeues it",
		[RP_EVENT_CONTROLLER_AWAY] = "Slurm's controller is away",
	};

	return titles[event];
}

static int print_outcome(const struct rp_outcome *out,
			 enum rp_doctor_event event)
{
	static const char *const saved[] = { "saved", "NOT saved",
					     "nothing to save" };

	if (out->saved == RP_SAVED_NO && !out->again)
		printf("  %s\n", title_of(event));
	else
		printf("  %s: %s, %s\n", title_of(event), saved[out->saved],
		       out->again ? "starts again" : "does not start again");
	return wrap("      ", "      ", out->words);
}

/* To be copied: no line is broken, and those of a quoted text stay. */
static int print_fix(const char *fix)
{
	char *copy = strdup(fix), *rest = copy, *line;
	int bad = !copy;

	printf("      mend: ");
	while (!bad && (line = strsep(&rest, "\n"))) {
		char *safe = rp_escape(line);

		bad = !safe;
		printf("%s\n", safe ? safe : "");
		free(safe);
	}
	free(copy);
	return bad ? -1 : 0;
}

static int print_finding(const struct rp_finding *one)
{
	char first[40];

	snprintf(first, sizeof(first), "  %s: ", rp_severity_name(one->severity));
	if (wrap(first, "      ", one->text) != 0)
		return -1;
	return one->fix ? print_fix(one->fix) : 0;
}

int rp_report_text(const struct rp_gathered *all,
		   const struct rp_diagnosis *d, struct rp_err *err)
{
	int bad = wrap("", "", all->title ? all->title : "a job of this site");

	bad |= print_job(all) | print_site(all);
	if (all->facts.known) {
		printf("\nWhat happens at\n");
		for (int event = 0; event < RP_EVENTS; event++)
			bad |= print_outcome(&d->outcomes[event],
					     (enum rp_doctor_event)event);
	}
	printf("\n%s\n", d->n_findings ? "What to know" : "Nothing is wrong.");
	for (size_t i = 0; i < d->n_findings; i++)
		bad |= print_finding(&d->findings[i]);
	if (d->n_findings)
		printf("\n%zu problem%s\n", d->problems,
		       d->problems == 1 ? "" : "s");
	return bad ? rp_fail(err, RALLY_ENOMEM, "no memory for a report") : 0;
}

/*
 * JSON
 */

static json_t *text_or_null(const char *text)
{
	return text && *text ? rp_json_text(text) : json_null();
}

static json_t *number_or_null(int64_t value)
{
	return value < 0 || value == RP_TIME_UNLIMITED ? json_null()
						       : json_integer(value);
}

static json_t *flag_or_null(int value)
{
	return value < 0 ? json_null() : json_boolean(value);
}

static json_t *codes_of(const char *list)
{
	json_t *codes = json_array();

	for (int code = 0; code < 256; code++)
		if (rp_conf_lists(list, code))
			json_array_append_new(codes, json_integer(code));
	return codes;
}

static json_t *job_json(const struct rp_gathered *all)
{
	const struct rp_facts *f = &all->facts;

	if (!f->known)
		return json_null();
	return json_pack(
		"{s:o,s:s,s:o,s:o,s:I,s:o,s:o,s:b,s:b,s:b,s:b,s:o,s:o,s:o,s:o}",
		"script", text_or_null(f->script), "launcher",
		rp_starter_name(f->launcher), "line",
		number_or_null(f->line > 0 ? f->line : -1), "command",
		text_or_null(f->command), "nodes", (json_int_t)f->nodes,
		"tasks", number_or_null(all->tasks), "partition",
		text_or_null(*f->part.name ? f->part.name : all->partition),
		"array", f->array, "het", f->het, "batch", f->batch, "requeue",
		rp_facts_may_requeue(f), "signal", text_or_null(f->signal),
		"time_limit_s", number_or_null(f->limit_s), "folder",
		text_or_null(f->folder), "last_save_s",
		f->save_s < 0 ? json_null() : json_real(f->save_s));
}

static json_t *site_json(const struct rp_facts *f)
{
	const char *mode = *f->part.preempt_mode ? f->part.preempt_mode
						 : f->conf.preempt_mode;

	return json_pack(
		"{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "version",
		text_or_null(f->conf.version), "preempt_type",
		text_or_null(f->conf.preempt_type), "preempt_mode",
		text_or_null(mode), "grace_s",
		number_or_null(f->part.grace_time), "kill_wait_s",
		number_or_null(f->conf.kill_wait), "proctrack",
		text_or_null(f->conf.proctrack), "signal_children",
		flag_or_null(f->conf.signal_children), "job_requeue",
		flag_or_null(f->conf.job_requeue), "requeue_exit",
		codes_of(f->conf.requeue_exit), "cred_expire_s",
		number_or_null(f->conf.cred_expire));
}

static json_t *outcomes_json(const struct rp_diagnosis *d)
{
	json_t *list = json_array();

	for (int event = 0; event < RP_EVENTS; event++) {
		const struct rp_outcome *out = &d->outcomes[event];

		json_array_append_new(list, json_pack(
			"{s:s,s:s,s:s,s:o}", "event",
			rp_doctor_event_name((enum rp_doctor_event)event),
			"saved", rp_saved_name(out->saved), "again",
			out->again ? "yes" : "no", "words",
			rp_json_text(out->words)));
	}
	return list;
}

static json_t *findings_json(const struct rp_diagnosis *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_findings; i++) {
		const struct rp_finding *one = &d->findings[i];

		json_array_append_new(list, json_pack(
			"{s:s,s:s,s:o,s:o}", "id", one->id, "severity",
			rp_severity_name(one->severity), "text",
			rp_json_text(one->text), "fix",
			text_or_null(one->fix)));
	}
	return list;
}

int rp_report_json(const struct rp_gathered *all,
		   const struct rp_diagnosis *d, struct rp_err *err)
{
	return rp_json_print(
		json_pack("{s:s,s:o,s:o,s:o,s:o}", "verdict",
			  d->problems ? "problems" : "ok", "job",
			  job_json(all), "site", site_json(&all->facts),
			  "outcomes",
			  all->facts.known ? outcomes_json(d) : json_array(),
			  "findings", findings_json(d)),
		0, err);
}
