/*
 * tool/relay.h - a signal, handed on past the launchers to those who hear it
 *
 * A process hears a signal if it catches it and does not block it. Launchers
 * behind `rallypoint run` inherit a mask that blocks it, so they don't; ranks do
 * once the library has installed its handler. In each branch of COMMAND's tree
 * only the topmost that hears gets the signal: what is below it (workers of a
 * data loader, another `rallypoint run` with its own) is its to care for.
 *
 * Ranks may still be starting, so a relay looks again for as long as its
 * patience lasts: from the signal on, but no longer than the youngest process
 * could have needed it. Where nobody heard a SIGTERM by then, COMMAND is ended,
 * as it would have been without `rallypoint run`.
 *
 * srun is special. USR1 and USR2 it hands to its tasks; a SIGTERM it turns into
 * a SIGKILL of them, and it gets none: Slurm signals tasks itself.
 */
#ifndef RP_TOOL_RELAY_H
#define RP_TOOL_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "sys/family.h"

enum rp_relay_state {
	RP_RELAY_IDLE,		/* no signal, or it is done with */
	RP_RELAY_LOOKING,	/* look again in RP_RELAY_MS */
	RP_RELAY_UNHEARD,	/* nobody hears it; told once */
};

#define RP_RELAY_MS 200

struct rp_relay {
	int number;		/* the signal, 0: none yet */
	int64_t patience_ns;
	int active;
	int64_t from;		/* rp_now() of the signal */
	int64_t next;		/* ... of the next look: there is a shim for each
				   task, and each reads all of /proc */
	int64_t pause_ns;	/* doubled from look to look, up to a second */
	int was_heard;		/* ever; told then, once */
	struct rp_heard {
		pid_t pid;
		uint64_t started;
	} *heard;		/* who was handed this signal */
	size_t n;
};

/* The signal came (again): whoever has had it gets it once more. */
void rp_relay_begin(struct rp_relay *relay);

/* Hands it to whoever hears it now and has not had it. To be called every
 * RP_RELAY_MS while it is active; most calls do nothing. */
enum rp_relay_state rp_relay_look(struct rp_relay *relay);

/* Whether one that was handed the signal is among the descendants still. */
int rp_relay_is_awaited(const struct rp_relay *relay);

void rp_relay_end(struct rp_relay *relay);

#endif
