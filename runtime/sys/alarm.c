#include "sys/alarm.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/signals.h"

#define SECOND 1000000000
#define TALKATIVE 64	/* ranks below this one tell more than once */

/* The handler has nothing else to find them by. Entries are put in and taken out
 * by one store each; `walking` counts the handlers that may hold one. */
static struct rp_alarm *_Atomic alarms;
static atomic_int walking;
static atomic_flag changing = ATOMIC_FLAG_INIT;	/* never taken by a handler */
static pid_t owner;

/*
 * A line, put together without stdio
 */

struct line {
	char text[256];
	size_t used;
};

static void put(struct line *line, const char *text)
{
	while (*text && line->used < sizeof(line->text) - 1)
		line->text[line->used++] = *text++;
}

static void put_number(struct line *line, uint64_t value)
{
	char digits[24];
	size_t n = sizeof(digits) - 1;

	digits[n] = '\0';
	do
		digits[--n] = (char)('0' + value % 10);
	while (value /= 10);
	put(line, digits + n);
}

static void put_progress(struct line *line, const struct rp_alarm *alarm)
{
	uint64_t index = *(volatile const uint64_t *)alarm->index;
	uint64_t due = *(volatile const uint64_t *)alarm->due;

	if (index == alarm->index_then) {
		put(line, "and no safe point since");
		return;
	}
	put_number(line, index - alarm->index_then);
	put(line, index - alarm->index_then == 1 ? " safe point since, "
						 : " safe points since, ");
	if (due == 0) {
		put(line, "the ranks stop at the next one");
	} else if (index >= due) {
		put(line, "where it waits for the other ranks");
	} else {
		put(line, "the ranks agree in ");
		put_number(line, due - index);
		put(line, " more");
	}
}

static void tell(const struct rp_alarm *alarm)
{
	const char *name = sigabbrev_np(alarm->number);
	int64_t ago = rp_now() - alarm->since;
	int64_t left = (alarm->grace_ns - ago) / SECOND;
	struct line line = { .used = 0 };

	put(&line, "rallypoint: rank ");
	put_number(&line, (uint64_t)alarm->rank);
	put(&line, ": SIG");
	put(&line, name ? name : "NAL");
	put(&line, " came ");
	put_number(&line, (uint64_t)((ago + SECOND / 2) / SECOND));
	put(&line, " s ago, ");
	put_progress(&line, alarm);
	put(&line, "; about ");
	put_number(&line, left > 0 ? (uint64_t)left : 0);
	put(&line, " s are left");
	line.text[line.used++] = '\n';
	if (write(STDERR_FILENO, line.text, line.used) < 0)
		return;
}

/*
 * Timers
 */

static void on_alarm(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	struct rp_alarm *alarm;

	(void)number;
	(void)context;
	atomic_fetch_add(&walking, 1);
	for (alarm = alarms; alarm && alarm != info->si_value.sival_ptr;
	     alarm = alarm->next)
		;
	if (alarm && info->si_code == SI_TIMER && alarm->armed &&
	    !alarm->calm && getpid() == owner) {
		unsigned n = ++alarm->expired;

		if (alarm->rank < TALKATIVE ? (n & (n - 1)) == 0 : n == 4)
			tell(alarm);
	}
	atomic_fetch_sub(&walking, 1);
	errno = saved;
}

static void set_timer(struct rp_alarm *alarm, int64_t ns)
{
	struct itimerspec when = { { ns / SECOND, ns % SECOND },
				   { ns / SECOND, ns % SECOND } };

	(void)timer_settime(alarm->timer, 0, &when, NULL);
}

static int is_ours(const struct sigaction *action)
{
	return action->sa_flags & SA_SIGINFO &&
	       action->sa_sigaction == on_alarm;
}

static void ring(struct rp_alarm *alarm, int number, int64_t now)
{
	struct sigaction urgent;

	if (!(alarm->mask >> (number - 1) & 1) || alarm->after_ns <= 0 ||
	    alarm->calm || sigaction(SIGURG, NULL, &urgent) != 0 ||
	    !is_ours(&urgent) || atomic_exchange(&alarm->armed, 1))
		return;
	alarm->expired = 0;
	alarm->number = number;
	alarm->since = now;
	alarm->index_then = *(volatile const uint64_t *)alarm->index;
	set_timer(alarm, alarm->after_ns);
}

void rp_alarms_ring(int number, int64_t now)
{
	atomic_fetch_add(&walking, 1);
	for (struct rp_alarm *alarm = alarms; alarm; alarm = alarm->next)
		ring(alarm, number, now);
	atomic_fetch_sub(&walking, 1);
}

/* SIGURG is taken where nobody else has it. */
static int has_handler(void)
{
	struct sigaction now, ours;

	if (sigaction(SIGURG, NULL, &now) != 0)
		return 0;
	if (now.sa_flags & SA_SIGINFO)
		return is_ours(&now);
	if (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)
		return 0;
	memset(&ours, 0, sizeof(ours));
	ours.sa_sigaction = on_alarm;
	ours.sa_flags = SA_SIGINFO | SA_RESTART;
	sigemptyset(&ours.sa_mask);
	return sigaction(SIGURG, &ours, NULL) == 0;
}

/* Threads that open and close handles of their own. */
static void lock(void)
{
	while (atomic_flag_test_and_set(&changing))
		;
}

static void unlock(void)
{
	atomic_flag_clear(&changing);
}

void rp_alarm_open(struct rp_alarm *alarm)
{
	struct sigevent event;

	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = SIGURG;
	event.sigev_value.sival_ptr = alarm;
	if (!has_handler() ||
	    timer_create(CLOCK_MONOTONIC, &event, &alarm->timer) != 0)
		return;
	owner = getpid();
	alarm->open = 1;
	lock();
	alarm->next = alarms;
	alarms = alarm;
	unlock();
}

void rp_alarm_set(struct rp_alarm *alarm, int64_t mask, int64_t after_ns,
		  int64_t grace_ns)
{
	int64_t when;
	int number = rp_signals_last(mask, &when);

	if (alarm->open && alarm->armed) {
		set_timer(alarm, 0);
		alarm->armed = 0;
	}
	alarm->mask = mask;
	alarm->after_ns = after_ns;
	alarm->grace_ns = grace_ns;
	if (alarm->open && number > 0)
		ring(alarm, number, when);
}

void rp_alarm_calm(struct rp_alarm *alarm)
{
	alarm->calm = 1;
	if (alarm->open)
		set_timer(alarm, 0);
}

void rp_alarm_close(struct rp_alarm *alarm)
{
	struct rp_alarm *_Atomic *at = &alarms;

	if (!alarm->open)
		return;
	lock();
	while (*at && *at != alarm)
		at = &(*at)->next;
	if (*at)
		*at = alarm->next;
	unlock();
	alarm->open = 0;
	(void)timer_delete(alarm->timer);
	/* One that runs on another thread may have found it before. */
	while (atomic_load(&walking) > 0)
		rp_sleep_ms(1);
}
