/*
 * tool/launch.h - how `rallypoint run` starts COMMAND
 */
#ifndef RP_TOOL_LAUNCH_H
#define RP_TOOL_LAUNCH_H

#include <signal.h>
#include <sys/types.h>

#include "base/err.h"

#define RP_LAUNCH_SIGNALS 32	/* the standard ones */

struct rp_launch {
	char **argv;			/* COMMAND */
	sigset_t shield;		/* blocked in COMMAND */
	sigset_t caught;		/* by us; COMMAND gets `before` of them */
	struct sigaction before[RP_LAUNCH_SIGNALS];
	pid_t pid;			/* once it runs */
};

/* Starts COMMAND with the signals of `shield` blocked, in this process's group,
 * so that a terminal's keys reach it; it is killed if this process is. This
 * process becomes the parent of COMMAND's orphans. The environment says
 * RALLYPOINT_RUN=1, and has Open MPI's mpirun start its daemons on other nodes
 * behind `rallypoint run`, and leave it time to hand a SIGTERM on. 0, or what a
 * shell exits with: 127 where there is no such command, 126 where it can't be
 * started; else RALLY_EIO. The sentence is in err. */
int rp_launch(struct rp_launch *launch, struct rp_err *err);

#endif
