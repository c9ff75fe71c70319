/*
 * tool/line.h - the words of a command line, one after the other
 *
 * What starter.c (launchers) and program.c (what srun starts) share.
 */
#ifndef RP_TOOL_LINE_H
#define RP_TOOL_LINE_H

#include "tool/starter.h"

struct rp_line {
	const struct rp_shell_command *command;
	char *const *words;
	size_t n, at;
};

/* The word that it is at; "" behind the last. */
const char *rp_line_word(const struct rp_line *line);

/* What is behind the last '/' of a path. */
const char *rp_line_base(const char *path);

/* Whether a list that ends with NULL holds a name. */
int rp_line_is_one_of(const char *name, const char *const list[]);

/* Passes over words before a command that become it: "exec", "X=1", "env",
 * "timeout 5m", "numactl -N 0". */
void rp_line_skip(struct rp_line *line);

/* All from here on, quoted; the caller's, NULL without memory. */
char *rp_line_rest(const struct rp_line *line);

/* Whether it is at torchrun or the like, or at `rallypoint run`. */
int rp_line_is_torchrun(const struct rp_line *line);
int rp_line_is_run(const struct rp_line *line);

/* Behind srun's options: how the program there is started. */
enum rp_start rp_line_program(struct rp_line *line, struct rp_starter *launch,
			      const struct rp_reader *reader,
			      struct rp_err *err);

#endif
