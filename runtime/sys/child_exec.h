/*
 * sys/child_exec.h - how a child is started: what it gets of the host's
 *
 * sys/spawn.h says what that is.
 */
#ifndef RP_SYS_CHILD_EXEC_H
#define RP_SYS_CHILD_EXEC_H

#include <sys/types.h>

/* A pipe above stdio, close-on-exec, whose reading end does not block. 0, or -1
 * with errno. */
int rp_child_pipe(int ends[2]);

/* Starts argv[0] with these as its stdout and stderr. 0 or an errno. */
int rp_child_exec(const char *const argv[], const char *const set[], int out,
		  int err, pid_t *pid);

#endif
