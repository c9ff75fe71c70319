/*
 * tool/shell.h - the simple commands of a shell script
 *
 *     rp_shell_parse(&shell, text, &err);
 *     for (size_t i = 0; i < shell.n; i++)
 *             look(shell.v[i].words, shell.v[i].n);
 *
 * No shell: nothing is run or expanded, and control flow is not followed.
 * Quotes are taken away, variables and substitutions stay as they are written,
 * redirections and here-documents are left out. That is enough to find the line
 * that starts a program, and what stands around it.
 */
#ifndef RP_TOOL_SHELL_H
#define RP_TOOL_SHELL_H

#include <stddef.h>

#include "base/err.h"

/* What follows a command. */
enum rp_shell_end {
	RP_SHELL_END,	/* a line's end, ';', ')' */
	RP_SHELL_AND,
	RP_SHELL_OR,
	RP_SHELL_PIPE,
	RP_SHELL_BACKGROUND,
};

struct rp_shell_command {
	char **words;
	size_t *at;		/* where each of them begins in source */
	size_t n;		/* at least 1 */
	char *source;		/* as it is written, continued lines as one */
	size_t line;		/* from 1 up */
	enum rp_shell_end end;
	int redirected;		/* by '<' or '>' behind its first word */
};

struct rp_shell {
	struct rp_shell_command *v;
	size_t n;
};

/* Free in any case. Only RALLY_ENOMEM: any text is taken for a script. */
int rp_shell_parse(struct rp_shell *shell, const char *text,
		   struct rp_err *err);
void rp_shell_free(struct rp_shell *shell);

/* A copy of a word that a shell takes for exactly that text: as it is where it
 * is harmless, else in single quotes. The caller's, NULL without memory. */
char *rp_shell_quote(const char *word);

#endif
