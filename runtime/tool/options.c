/*
 * tool/options.c - `rallypoint options`: the table of base/options.c
 */
#include "base/options.h"

#include <ctype.h>
#include <stdio.h>

#include "tool/print.h"
#include "tool/table.h"
#include "tool/tool.h"

/* "RALLY_EVERY" into buf, which is returned. */
static char *environment_name(const char *key, char *buf, size_t size)
{
	snprintf(buf, size, "RALLY_%s", key);
	for (char *p = buf; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return buf;
}

static int print_json(struct rp_err *err)
{
	json_t *array = json_array();
	struct rp_option_doc doc;
	char name[64];

	for (size_t i = 0; rp_option_doc(i, &doc) == 0; i++)
		json_array_append_new(array,
			json_pack("{s:s,s:s,s:s,s:s,s:s}", "key", doc.key,
				  "environment",
				  environment_name(doc.key, name,
						   sizeof(name)),
				  "kind", doc.kind, "default", doc.value,
				  "doc", doc.doc));
	return rp_json_print(json_pack("{s:o}", "options", array), 0, err);
}

int rp_tool_options(const struct rp_args *args, struct rp_err *err)
{
	struct rp_option_doc doc;
	struct rp_table table;
	char name[64];

	if (args->json)
		return print_json(err);
	rp_table_begin(&table, "KEY|ENVIRONMENT|KIND|DEFAULT|MEANING");
	for (size_t i = 0; rp_option_doc(i, &doc) == 0; i++) {
		rp_table_cell(&table, "%s", doc.key);
		rp_table_cell(&table, "%s",
			      environment_name(doc.key, name, sizeof(name)));
		rp_table_cell(&table, "%s", doc.kind);
		rp_table_cell(&table, "%s", doc.value);
		rp_table_cell(&table, "%s", doc.doc);
	}
	return rp_table_end(&table, "", err);
}
