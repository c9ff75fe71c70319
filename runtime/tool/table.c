#include "tool/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/print.h"

#define GAP 2	/* blanks between two columns */

/* Letters, not bytes. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

/* Takes the text, NULL without memory. */
static void add(struct rp_table *table, char *text)
{
	size_t column = table->n % table->columns;
	char **cells = NULL;

	if (text)
		cells = realloc(table->cells,
				(table->n + 1) * sizeof(*cells));
	if (!cells) {
		free(text);
		table->no_memory = 1;
		return;
	}
	table->cells = cells;
	cells[table->n++] = text;
	if (width_of(text) > table->width[column])
		table->width[column] = width_of(text);
}

void rp_table_begin(struct rp_table *table, const char *titles)
{
	const char *title = titles;
	int named = strspn(titles, "|>") < strlen(titles);

	memset(table, 0, sizeof(*table));
	table->columns = 1;
	for (const char *p = titles; *p; p++)
		table->columns += *p == '|';
	for (size_t i = 0; i < table->columns; i++) {
		table->right[i] = *title == '>';
		title += table->right[i];
		if (named)
			add(table, strndup(title, strcspn(title, "|")));
		title += strcspn(title, "|") + 1;
	}
}

void rp_table_cell(struct rp_table *table, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	add(table, text ? rp_escape(text) : NULL);
	free(text);
}

static void print_row(const struct rp_table *table, char *const *row,
		      const char *indent)
{
	size_t blanks = 0;

	fputs(indent, stdout);
	for (size_t i = 0; i < table->columns; i++) {
		size_t rest = table->width[i] - width_of(row[i]);

		if (table->right[i])
			blanks += rest;
		/* Blanks wait for what follows: none at the end of a line. */
		if (*row[i]) {
			printf("%*s%s", (int)blanks, "", row[i]);
			blanks = 0;
		}
		if (!*row[i])
			blanks += table->right[i] ? 0 : table->width[i];
		else if (!table->right[i])
			blanks += rest;
		blanks += GAP;
	}
	putchar('\n');
}

int rp_table_end(struct rp_table *table, const char *indent,
		 struct rp_err *err)
{
	int rc = 0;

	if (table->no_memory)
		rc = rp_fail(err, RALLY_ENOMEM, "no memory for a table");
	for (size_t i = 0; rc == 0 && i + table->columns <= table->n;
	     i += table->columns)
		print_row(table, &table->cells[i], indent);
	for (size_t i = 0; i < table->n; i++)
		free(table->cells[i]);
	free(table->cells);
	memset(table, 0, sizeof(*table));
	return rc;
}
