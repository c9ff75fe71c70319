#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "tool/drill.h"
#include "tool/print.h"
#include "tool/table.h"

#define SECOND 1e9

void rp_drill_wrong(struct rp_drill *drill, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (drill->wrongs < RP_DRILL_WRONG)
		drill->wrong[drill->wrongs++] = text;
	else
		free(text);
}

static int came(const struct rp_drill_mark *mark)
{
	return mark->at_ns >= 0;
}

static void compare(struct rp_drill *drill)
{
	if (!came(&drill->agreed))
		rp_drill_wrong(drill, "the ranks did not agree to stop");
	if (!came(&drill->saved))
		rp_drill_wrong(drill, "nothing was saved");
	else if (came(&drill->agreed) &&
		 drill->saved.step != drill->agreed.step)
		rp_drill_wrong(drill, "agreed on step %" PRId64 ", saved step %"
			       PRId64, drill->agreed.step, drill->saved.step);
	if (drill->saves > 1)
		rp_drill_wrong(drill, "saved %d times", drill->saves);
	if (drill->how != RP_DRILL_REQUEUE && !came(&drill->requeued) &&
	    drill->wrongs == 0)
		rp_drill_wrong(drill, "it was not requeued");
	if (!came(&drill->started))
		rp_drill_wrong(drill, "it has not started again");
	else if (drill->restarted != drill->restarts + 1)
		rp_drill_wrong(drill, "%" PRId64 " restarts, not one",
			       drill->restarted - drill->restarts);
	if (came(&drill->resumed) && came(&drill->saved) &&
	    drill->resumed.step != drill->saved.step)
		rp_drill_wrong(drill, "saved step %" PRId64 ", resumed at step %"
			       PRId64, drill->saved.step, drill->resumed.step);
	else if (came(&drill->started) && !came(&drill->resumed) &&
		 !drill->over)
		rp_drill_wrong(drill, "it has started and not resumed yet");
}

static double rate(const struct rp_drill *drill)
{
	return drill->elapsed_ns > 0 ? (double)drill->bytes * SECOND /
					       (double)drill->elapsed_ns
				     : 0;
}

static json_t *mark_json(const struct rp_drill_mark *mark, int with_step)
{
	if (!came(mark))
		return json_null();
	if (!with_step)
		return json_pack("{s:I}", "after_ns",
				 (json_int_t)mark->at_ns);
	return json_pack("{s:I,s:I}", "after_ns", (json_int_t)mark->at_ns,
			 "step", (json_int_t)mark->step);
}

static int report_json(const struct rp_drill *drill, struct rp_err *err)
{
	char *command = rp_drill_command(drill);
	json_t *wrong = json_array();
	int rc;

	for (int i = 0; i < drill->wrongs; i++)
		json_array_append_new(wrong, rp_json_text(
			drill->wrong[i] ? drill->wrong[i] : "?"));
	rc = rp_json_print(
		json_pack("{s:b,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,"
			  "s:o}", "ok", drill->wrongs == 0, "job", drill->id,
			  "folder", rp_json_text(drill->dir), "command",
			  rp_json_text(command ? command : ""), "agreed",
			  mark_json(&drill->agreed, 1), "saved",
			  mark_json(&drill->saved, 1), "requeued",
			  mark_json(&drill->requeued, 0), "started",
			  mark_json(&drill->started, 0), "resumed",
			  mark_json(&drill->resumed, 1), "bytes",
			  (json_int_t)drill->bytes, "elapsed_ns",
			  (json_int_t)drill->elapsed_ns, "bytes_per_second",
			  (json_int_t)rate(drill), "wrong", wrong),
		0, err);
	free(command);
	return rc;
}

static void row(struct rp_table *table, const char *what,
		const struct rp_drill_mark *mark)
{
	rp_table_cell(table, "%s", what);
	if (came(mark))
		rp_table_cell(table, "%.2f s", (double)mark->at_ns / SECOND);
	else
		rp_table_cell(table, "-");
}

static void step_row(struct rp_table *table, const char *what,
		     const struct rp_drill_mark *mark)
{
	row(table, what, mark);
	if (came(mark))
		rp_table_cell(table, "step %" PRId64, mark->step);
	else
		rp_table_cell(table, "%s", "");
}

static int report_text(const struct rp_drill *drill, struct rp_err *err)
{
	char amount[24], speed[24];
	struct rp_table table;
	int rc;

	rp_table_begin(&table, "|>|");
	step_row(&table, "agreed", &drill->agreed);
	row(&table, "saved", &drill->saved);
	if (came(&drill->saved))
		rp_table_cell(&table, "step %" PRId64 ": %s in %.3f s at %s/s",
			      drill->saved.step,
			      rp_text_bytes(drill->bytes, amount, sizeof(amount)),
			      (double)drill->elapsed_ns / SECOND,
			      rp_text_bytes((uint64_t)rate(drill), speed,
					    sizeof(speed)));
	else
		rp_table_cell(&table, "%s", "");
	row(&table, "requeued", &drill->requeued);
	rp_table_cell(&table, "%s", "");
	row(&table, "started", &drill->started);
	if (came(&drill->started))
		rp_table_cell(&table, "restart %" PRId64, drill->restarted);
	else
		rp_table_cell(&table, "%s", "");
	step_row(&table, "resumed", &drill->resumed);
	rc = rp_table_end(&table, "  ", err);
	for (int i = 0; i < drill->wrongs; i++) {
		char *safe = rp_escape(drill->wrong[i] ? drill->wrong[i] : "?");

		printf("WRONG: %s\n", safe ? safe : "?");
		free(safe);
	}
	if (drill->wrongs == 0)
		printf("as it should be\n");
	return rc;
}

int rp_drill_report(struct rp_drill *drill, struct rp_err *err)
{
	compare(drill);
	return drill->json ? report_json(drill, err) : report_text(drill, err);
}
