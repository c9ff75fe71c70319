/*
 * tool/starter.h - what a command line starts, and what stands between
 *
 * Which signals reach the ranks depends on who is between Slurm and them:
 * nobody, a shell that goes away by exec or stays, mpirun, or torchrun's agent.
 */
#ifndef RP_TOOL_STARTER_H
#define RP_TOOL_STARTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tool/shell.h"

enum rp_start {
	RP_START_NONE,		/* nothing that is known starts ranks here */
	RP_START_SRUN,
	RP_START_SRUN_EXEC,	/* a wrapper, which becomes the program */
	RP_START_SRUN_SHELL,	/* a shell that stays */
	RP_START_MPIRUN,
	RP_START_RUN_MPIRUN,	/* through `rallypoint run` */
	RP_START_RUN_SRUN,
	RP_START_TORCHRUN,
};

struct rp_starter {
	enum rp_start kind;
	size_t line;		/* in the script */
	int64_t nodes, tasks;	/* as its options say, or -1 */
	int het;		/* several components */
	int container;		/* inside of one */
	int in_step;		/* srun starts it: Slurm signals it */
	int direct;		/* by exec: it takes the script's place */
	int shielded;		/* by `rallypoint run`, whatever it is */
	int quoted;		/* the shell got its program as -c TEXT */
	char *shell;		/* that shell or wrapper, or NULL */
	char *command;		/* the line, as it is written */
	char *mended;		/* the line that would be better, or NULL */
	char *program;		/* the program and its arguments, or NULL */
};

/* How a wrapper's text is read: the caller's to free, or NULL. */
struct rp_reader {
	char *(*read)(void *arg, const char *path);
	void *arg;
};

/* What a simple command starts; RP_START_NONE where it is no launcher. Free in
 * any case. */
int rp_starter_of(struct rp_starter *launch,
		  const struct rp_shell_command *command,
		  const struct rp_reader *reader, struct rp_err *err);
void rp_starter_free(struct rp_starter *launch);

/* "srun-shell"; static. */
const char *rp_starter_name(enum rp_start kind);

#endif
