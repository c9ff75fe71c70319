#include "sys/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/alarm.h"

#define SIGNALS 32	/* standard signals only */

/* One for each signal. `previous` is written before the handler that reads it
 * is installed, or while it points to the same function. */
struct slot {
	atomic_uint count;
	_Atomic int64_t when;
	atomic_int depth;	/* of handlers that call each other */
	int installed;
	struct sigaction previous;	/* what stood there when ours came */
	struct sigaction original;	/* ... for the first time */
};

static struct slot slots[SIGNALS];
static pid_t owner;	/* the process that installed them; a fork is not */

static void on_signal(int number, siginfo_t *info, void *context);

static void call(const struct sigaction *action, int number, siginfo_t *info,
		 void *context)
{
	if (action->sa_flags & SA_SIGINFO) {
		if (action->sa_sigaction && action->sa_sigaction != on_signal)
			action->sa_sigaction(number, info, context);
	} else if (action->sa_handler != SIG_DFL &&
		   action->sa_handler != SIG_IGN) {
		action->sa_handler(number);
	}
}

/* A handler that displaced ours stands behind it now, and may call ours again
 * as the one that it found: then it is the turn of the one before all. */
static void call_previous(struct slot *slot, int depth, int number,
			  siginfo_t *info, void *context)
{
	if (depth == 0)
		call(&slot->previous, number, info, context);
	else if (depth == 1 && slot->original.sa_sigaction !=
				       slot->previous.sa_sigaction)
		call(&slot->original, number, info, context);
}

/* In a child the signal means what it meant before: the old disposition comes
 * back, and the signal with it as soon as this handler returns. */
static void pass_on(struct slot *slot, int number)
{
	sigaction(number, &slot->previous, NULL);
	raise(number);
}

/* Async-signal-safe: lock-free atomics, getpid, clock_gettime, sigaction,
 * timer_settime. */
static void on_signal(int number, siginfo_t *info, void *context)
{
	struct slot *slot = &slots[number];
	int saved = errno;
	struct timespec ts;
	int64_t now;

	if (getpid() != owner) {
		pass_on(slot, number);
	} else {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		now = (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
		atomic_store(&slot->when, now);
		atomic_fetch_add(&slot->count, 1);
		rp_alarms_ring(number, now);
		call_previous(slot, atomic_fetch_add(&slot->depth, 1), number,
			      info, context);
		atomic_fetch_sub(&slot->depth, 1);
	}
	errno = saved;
}

static int is_ours(const struct sigaction *action)
{
	return action->sa_flags & SA_SIGINFO &&
	       action->sa_sigaction == on_signal;
}

static int install(int number, struct rp_err *err)
{
	struct slot *slot = &slots[number];
	struct sigaction ours, now;

	if (sigaction(number, NULL, &now) != 0)
		return rp_fail_errno(err, "sigaction", strsignal(number));
	if (is_ours(&now))
		return 0;
	slot->previous = now;
	if (!slot->installed)
		slot->original = now;
	memset(&ours, 0, sizeof(ours));
	ours.sa_sigaction = on_signal;
	ours.sa_flags = SA_SIGINFO | SA_RESTART;
	sigemptyset(&ours.sa_mask);
	if (sigaction(number, &ours, NULL) != 0)
		return rp_fail_errno(err, "sigaction", strsignal(number));
	slot->installed = 1;
	return 0;
}

/* With the handler in place: what came while it was blocked comes now. */
static int unblock(int64_t mask, struct rp_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	for (int number = 1; number < SIGNALS; number++)
		if (mask >> (number - 1) & 1)
			sigaddset(&set, number);
	errno = pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return errno ? rp_fail_errno(err, "pthread_sigmask", "stop signals")
		     : 0;
}

int rp_signals_install(int64_t mask, struct rp_err *err)
{
	int rc = 0;

	owner = getpid();
	for (int number = 1; rc == 0 && number < SIGNALS; number++)
		if (mask >> (number - 1) & 1)
			rc = install(number, err);
	return rc == 0 ? unblock(mask, err) : rc;
}

void rp_signals_renew(void)
{
	for (int number = 1; number < SIGNALS; number++)
		if (slots[number].installed)
			install(number, NULL);
}

uint32_t rp_signals_count(int64_t mask)
{
	uint32_t count = 0;

	for (int number = 1; number < SIGNALS; number++)
		if (mask >> (number - 1) & 1)
			count += atomic_load_explicit(&slots[number].count,
						      memory_order_relaxed);
	return count;
}

int rp_signals_last(int64_t mask, int64_t *when)
{
	int last = 0;

	*when = 0;
	for (int number = 1; number < SIGNALS; number++) {
		int64_t t = atomic_load(&slots[number].when);

		if (mask >> (number - 1) & 1 &&
		    atomic_load(&slots[number].count) > 0 && t >= *when) {
			*when = t;
			last = number;
		}
	}
	return last;
}
