/*
 * sys/child.h - a program that runs while its starter goes on
 *
 *     rp_child_start(argv, set, 20000, &child, &err);
 *     ... now and then:
 *     if (rp_child_look(child))
 *             rp_child_end(child, &got);
 *
 * What the child gets and leaves is told in sys/spawn.h, which does all of this
 * in one call.
 */
#ifndef RP_SYS_CHILD_H
#define RP_SYS_CHILD_H

#include "sys/spawn.h"

struct rp_child;

/* Starts argv[0] as rp_spawn() does, with its errors. `*child` is the caller's
 * until rp_child_end(). */
int rp_child_start(const char *const argv[], const char *const set[],
		   int64_t timeout_ms, struct rp_child **child,
		   struct rp_err *err);

/* Takes what it has said. 1 once it has ended; at its time limit it is killed
 * here. Never waits. */
int rp_child_look(struct rp_child *child);

/* Waits some milliseconds for news. */
void rp_child_pause(struct rp_child *child);

/* Its end, and what it said: `*got` is the caller's to free, NULL: nobody's. One
 * that still runs is killed. NULL for the child is allowed. */
void rp_child_end(struct rp_child *child, struct rp_spawned *got);

#endif
