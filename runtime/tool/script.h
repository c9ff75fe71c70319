/*
 * tool/script.h - what an sbatch script says
 *
 * Its #SBATCH lines, as far as they decide what becomes of a job that is
 * stopped; the lines that start ranks; the variables that it sets. The text is
 * only read. Numbers and times that are not given are -1, texts NULL.
 */
#ifndef RP_TOOL_SCRIPT_H
#define RP_TOOL_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tool/starter.h"
#include "tool/shell.h"

struct rp_variable {
	char *name, *value;
};

struct rp_script {
	/* #SBATCH */
	char *partition, *output, *chdir;
	char *signal;		/* "TERM@120", "B:USR1" */
	char *array;		/* "0-9" */
	int64_t nodes, tasks, time_s;
	int requeue;		/* 1 --requeue, 0 --no-requeue */
	int append;		/* --open-mode: 1 append, 0 truncate */
	int het;		/* "#SBATCH hetjob" */
	size_t late;		/* line of an #SBATCH that sbatch passes over,
				   as a command stands before it; 0: none */

	/* the rest */
	struct rp_variable *variables;
	size_t n_variables;
	char *cd;		/* where it goes before the launch */
	char *folder;		/* that the program gets, as far as one can tell;
				   its variables are resolved where the script
				   sets them */
	struct rp_starter launch;	/* the first line that starts ranks */
	size_t launches;
	int together;		/* several at the same time */
	enum rp_shell_end after;	/* what follows the first one */
	int goes_on;		/* other commands come behind it */
	int errexit;		/* set -e, or the launch's status is looked at */
	int pipefail;
};

/* Reads it. The reader is for wrappers that it names (NULL: none can be read).
 * Free in any case. Errors: RALLY_EARG where the text is no script, RALLY_ENOMEM. */
int rp_script_parse(struct rp_script *script, const char *text,
		    const struct rp_reader *reader, struct rp_err *err);
void rp_script_free(struct rp_script *script);

/* Takes the folder from arguments that the script hands on ("$@"), where it
 * names none itself. */
void rp_script_arguments(struct rp_script *script, char *const words[],
			 size_t n);

/* The value that the script gives to a variable (of several the last), or
 * NULL. */
const char *rp_script_variable(const struct rp_script *script,
			       const char *name);

#endif
