/*
 * sys/signals.h - which signals came, recorded by a handler that does little
 *                 else: it starts an alarm (sys/alarm.h)
 *
 * The counters and the list of alarms are the library's only globals: a handler
 * has nothing else to hang from. Nobody resets them; each handle remembers what it
 * has seen, so that two handles do not steal a signal from each other.
 *
 * The handler then calls the one that stood before it. A later sigaction() of
 * the program's (Python does that) is noticed by rp_signals_renew(), which puts
 * ours in front of it again. In a forked child nothing is recorded, and a
 * signal does what it did before the handler was installed.
 */
#ifndef RP_SYS_SIGNALS_H
#define RP_SYS_SIGNALS_H

#include <stdint.h>

#include "base/err.h"

/* Installs the handler for every signal of `mask` (bit n-1: signal n), and then
 * unblocks these signals in the calling thread: `rallypoint run` starts launchers
 * with them blocked, and masks are inherited. What came meanwhile comes then.
 * Again for one that has it: nothing happens. */
int rp_signals_install(int64_t mask, struct rp_err *err);

/* Looks whether the handlers are still ours, and installs them again where not.
 * A system call a signal. */
void rp_signals_renew(void);

/* How often the signals of `mask` came so far. */
uint32_t rp_signals_count(int64_t mask);

/* The last signal of `mask` that came, 0 for none, and when (rp_now()). */
int rp_signals_last(int64_t mask, int64_t *when);

#endif
