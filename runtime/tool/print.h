/*
 * tool/print.h - text that others wrote, on a terminal or in JSON
 *
 * Names of files, causes and the program's own strings may hold escape
 * sequences: whatever could steer a terminal or turn the order of letters is
 * printed as \xNN instead.
 */
#ifndef RP_TOOL_PRINT_H
#define RP_TOOL_PRINT_H

#include <jansson.h>

#include "base/err.h"

/* A copy that is safe to print: valid UTF-8 on one line. The caller's, NULL
 * without memory. */
char *rp_escape(const char *text);

/* "rallypoint: ..." on stderr, escaped, in one write. */
void rp_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A JSON string; what is not UTF-8 is escaped as above. NULL without memory. */
json_t *rp_json_text(const char *text);

/* Prints one document (indented, or on one line) and steals it. NULL stands
 * for one that could not be built. */
int rp_json_print(json_t *document, int one_line, struct rp_err *err);

#endif
