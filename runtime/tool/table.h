/*
 * tool/table.h - columns for people
 *
 *     rp_table_begin(&table, "NAME|>BYTES");
 *     rp_table_cell(&table, "%s", name);
 *     rp_table_cell(&table, "%s", bytes);
 *     rp_table_end(&table, "  ", &err);
 *
 * Cells are escaped (see tool/print.h) and filled in row by row.
 */
#ifndef RP_TOOL_TABLE_H
#define RP_TOOL_TABLE_H

#include <stddef.h>

#include "base/err.h"

#define RP_TABLE_COLUMNS 8

struct rp_table {
	size_t columns;
	int right[RP_TABLE_COLUMNS];	/* aligned to the right */
	size_t width[RP_TABLE_COLUMNS];
	char **cells;
	size_t n;
	int no_memory;
};

/* Titles with '|' between them; '>' before one aligns its column to the
 * right. Without titles ("|>|") there is no line of them. */
void rp_table_begin(struct rp_table *table, const char *titles);

void rp_table_cell(struct rp_table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints all, each line behind `indent`, and frees. */
int rp_table_end(struct rp_table *table, const char *indent,
		 struct rp_err *err);

#endif
