#include "flow/words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "data/event.h"

#define SECOND 1000000000

static int speaks(const struct rally *rp)
{
	return rp->comm.rank == 0;
}

/* In the second folder what the first can't take. An event that can't be written
 * must not fail what it tells of. Steals fields. */
static void record(struct rally *rp, const char *event, json_t *fields)
{
	const struct rp_second *second = &rp->second;
	int more = second->dir && !second->unclaimed;
	int rc = RALLY_EIO;

	if (more)
		json_incref(fields);
	if (!rp->unclaimed || !more)
		rc = rp_event_append(&rp->io, rp->dir, event, rp->job.id,
				     (int64_t)rp->job.restarts, fields, NULL);
	else
		json_decref(fields);
	if (more && rc != 0)
		(void)rp_event_append(&rp->io, second->dir, event, rp->job.id,
				      (int64_t)rp->job.restarts, fields, NULL);
	else if (more)
		json_decref(fields);
}

/* In one write, so that lines of ranks and programs do not mix. */
static void say(const char *fmt, va_list ap)
{
	char line[1024] = "rallypoint: ";
	size_t used = strlen(line);
	int n = vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);

	if (n < 0)
		return;
	used += (size_t)n;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}

/* One event: the line for people, then the one for tools. Steals fields. */
static void tell(struct rally *rp, const char *event, json_t *fields,
		 const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void tell(struct rally *rp, const char *event, json_t *fields,
		 const char *fmt, ...)
{
	va_list ap;

	if (rp->options.words != RP_NO) {
		va_start(ap, fmt);
		say(fmt, ap);
		va_end(ap);
	}
	record(rp, event, fields);
}

static double seconds(int64_t ns)
{
	return (double)ns / SECOND;
}

/* "1.2 GB in 0.35 s at 3.4 GB/s", with digits enough for small ones. */
static char *transfer(uint64_t bytes, int64_t ns, char *buf, size_t size)
{
	char amount[24], rate[24];
	double per_second = ns > 0 ? (double)bytes / seconds(ns) : 0;

	rp_text_bytes(bytes, amount, sizeof(amount));
	rp_text_bytes((uint64_t)per_second, rate, sizeof(rate));
	snprintf(buf, size, ns < SECOND ? "%s in %.3f s at %s/s"
					: "%s in %.1f s at %s/s",
		 amount, seconds(ns), rate);
	return buf;
}

void rp_words_open(struct rally *rp)
{
	if (!speaks(rp))
		return;
	tell(rp, "opened",
	     json_pack("{s:i,s:i,s:i,s:i,s:s}", "ranks", rp->comm.size,
		       "nodes", rp->node.nodes, "numa", rp->node.numa,
		       "free_cores", rp->node.free_cores, "requeue",
		       rp->sched.ops->name),
	     "%s: %d ranks on %d node%s, requeue by %s (%s)", rp->dir,
	     rp->comm.size, rp->node.nodes, rp->node.nodes == 1 ? "" : "s",
	     rp->sched.ops->name, rp->sched.why);
}

void rp_words_signal(struct rally *rp, const struct rp_tally *tally,
		     int64_t step)
{
	const char *name = sigabbrev_np(tally->signal);

	if (!speaks(rp) || tally->signal_rank < 0)
		return;
	tell(rp, "signal",
	     json_pack("{s:s,s:i,s:I}", "signal", name ? name : "?", "rank",
		       tally->signal_rank, "step", (json_int_t)step),
	     "SIG%s seen on rank %d", name ? name : "?", tally->signal_rank);
}

void rp_words_told(struct rally *rp, int64_t left_ns)
{
	const char *cause = rp->told == RP_TOLD_LIMIT ? "time_limit"
						      : "preemption";
	int known = left_ns != RP_LEFT_UNKNOWN;

	tell(rp, "record",
	     json_pack("{s:s,s:I}", "cause", cause, "left_ns",
		       (json_int_t)(known ? left_ns : -1)),
	     "Slurm's record of the job: %s, %.0f s are left",
	     rp->told == RP_TOLD_LIMIT ? "its time limit is near"
				       : "it is being preempted",
	     known ? seconds(left_ns) : seconds(rp->options.grace));
}

void rp_words_verdict(struct rally *rp, int64_t step, const char *cause)
{
	if (!speaks(rp))
		return;
	tell(rp, "verdict",
	     json_pack("{s:s,s:I,s:I}", "cause", cause, "step",
		       (json_int_t)step, "point",
		       (json_int_t)rp->agree.index),
	     "all ranks agree (%s) at step %" PRId64, cause, step);
}

void rp_words_expected(struct rally *rp, uint64_t bytes, int64_t expected,
		       int64_t left_ns)
{
	int known = left_ns != RP_LEFT_UNKNOWN;
	char amount[24], rate[24], takes[80], left[40] = "";

	if (!speaks(rp))
		return;
	rp_text_bytes(bytes, amount, sizeof(amount));
	if (expected > 0)
		rp_text_bytes((uint64_t)((double)bytes / seconds(expected)),
			      rate, sizeof(rate));
	if (expected > 0)
		snprintf(takes, sizeof(takes), "expected to take %.*f s (%s/s "
			 "measured)", expected < SECOND ? 3 : 1,
			 seconds(expected), rate);
	else
		snprintf(takes, sizeof(takes), "how long it takes is not known "
			 "yet");
	if (known)
		snprintf(left, sizeof(left), ", %.0f s are left",
			 seconds(left_ns));
	tell(rp, "expected",
	     json_pack("{s:I,s:I,s:I}", "bytes", (json_int_t)bytes,
		       "expected_ns", (json_int_t)expected, "left_ns",
		       (json_int_t)(known ? left_ns : -1)),
	     "a save of %s: %s%s", amount, takes, left);
}

/* How far the prediction was off, where that is of interest. */
static void compare(int64_t elapsed, int64_t expected, char *buf, size_t size)
{
	double off = expected > 0
			     ? seconds(elapsed - expected) / seconds(expected)
			     : 0;

	*buf = '\0';
	if (expected > 0 && elapsed >= SECOND)
		snprintf(buf, size, " (%.1f s expected, %+.0f %%)",
			 seconds(expected), 100 * off);
}

void rp_words_saved(struct rally *rp, int64_t sequence, int64_t step,
		    uint64_t bytes, int64_t elapsed, const char *cause)
{
	int64_t expected = rp->plan.expected_ns;
	char amount[80], compared[60];

	if (!speaks(rp))
		return;
	compare(elapsed, expected, compared, sizeof(compared));
	tell(rp, RP_EVENT_COMMIT,
	     json_pack("{s:I,s:I,s:s,s:I,s:I,s:I}", "sequence",
		       (json_int_t)sequence, "step", (json_int_t)step, "cause",
		       cause, "bytes", (json_int_t)bytes, "elapsed_ns",
		       (json_int_t)elapsed, "expected_ns",
		       (json_int_t)expected),
	     "saved %s%s: sequence %" PRId64 ", step %" PRId64,
	     transfer(bytes, elapsed, amount, sizeof(amount)), compared,
	     sequence, step);
}

void rp_words_fallback(struct rally *rp, const char *from, const char *to,
		       const char *reason)
{
	if (!speaks(rp))
		return;
	tell(rp, "fallback",
	     json_pack("{s:s,s:s,s:s}", "from", from, "to", to, "reason",
		       reason),
	     "the save into %s failed and is tried again %s%s: %s", from,
	     from == to ? "there" : "in ", from == to ? "" : to, reason);
}

void rp_words_staged(struct rally *rp, int64_t step, uint64_t bytes,
		     int64_t elapsed)
{
	char amount[80];

	if (!speaks(rp))
		return;
	tell(rp, "staged",
	     json_pack("{s:I,s:I,s:I}", "step", (json_int_t)step, "bytes",
		       (json_int_t)bytes, "elapsed_ns", (json_int_t)elapsed),
	     "copied %s: step %" PRId64 ", to be written while the program goes "
	     "on", transfer(bytes, elapsed, amount, sizeof(amount)), step);
}

void rp_words_overtaken(struct rally *rp, int64_t step)
{
	if (!speaks(rp))
		return;
	tell(rp, "overtaken", json_pack("{s:I}", "step", (json_int_t)step),
	     "the save of step %" PRId64 " that was being written is given up "
	     "for the one of the stop", step);
}

void rp_words_stale(struct rally *rp, int64_t step, int64_t older)
{
	if (!speaks(rp))
		return;
	tell(rp, "stale",
	     json_pack("{s:I,s:I}", "step", (json_int_t)step, "older",
		       (json_int_t)older),
	     "warning: what was saved at step %" PRId64 " is the same, byte by "
	     "byte, as at step %" PRId64 "; are the registered buffers the "
	     "ones in use?", step, older);
}

void rp_words_current(struct rally *rp, int64_t step)
{
	if (!speaks(rp))
		return;
	tell(rp, "current", json_pack("{s:I}", "step", (json_int_t)step),
	     "the newest checkpoint is of step %" PRId64 " already: nothing to "
	     "save", step);
}

void rp_words_pruned(struct rally *rp, size_t count)
{
	if (!speaks(rp) || count == 0)
		return;
	record(rp, "pruned",
	       json_pack("{s:I}", "count", (json_int_t)count));
}

void rp_words_passed_over(struct rally *rp, const char *name,
			  const char *reason)
{
	if (!speaks(rp))
		return;
	tell(rp, "passed_over",
	     json_pack("{s:s,s:s}", "checkpoint", name, "reason", reason),
	     "checkpoint %s does not verify and is passed over: %s", name,
	     reason);
}

/* Where other ranks wrote it, also what was read for what. */
static char *resharded(const struct rally *rp, const struct rp_manifest *m,
		       const struct rp_taken *taken, char *buf, size_t size)
{
	char read[24], needed[24];

	buf[0] = '\0';
	if (m->ranks != rp->comm.size)
		snprintf(buf, size, ", written by %d ranks: %s read for %s",
			 m->ranks,
			 rp_text_bytes(taken->read, read, sizeof(read)),
			 rp_text_bytes(taken->needed, needed, sizeof(needed)));
	return buf;
}

void rp_words_resumed(struct rally *rp, const struct rp_manifest *m,
		      const char *from, const struct rp_taken *taken,
		      int64_t elapsed)
{
	char amount[80], others[120];

	if (!speaks(rp))
		return;
	tell(rp, "resumed",
	     json_pack("{s:I,s:I,s:I,s:I,s:i,s:I,s:I,s:s*}", "sequence",
		       (json_int_t)m->sequence, "step", (json_int_t)m->step,
		       "bytes", (json_int_t)m->bytes, "elapsed_ns",
		       (json_int_t)elapsed, "written_by", m->ranks, "needed",
		       (json_int_t)taken->needed, "read",
		       (json_int_t)taken->read, "from", from),
	     "resumed from step %" PRId64 "%s%s: sequence %" PRId64 ", %s%s",
	     m->step, from ? " of " : "", from ? from : "", m->sequence,
	     transfer(taken->verified, elapsed, amount, sizeof(amount)),
	     resharded(rp, m, taken, others, sizeof(others)));
}

void rp_words_absent(struct rally *rp, json_t *names, const char *text)
{
	if (speaks(rp))
		tell(rp, "absent", json_pack("{s:o}", "names", names),
		     "not in this checkpoint, left as they were: %s", text);
	else
		json_decref(names);
}

void rp_words_fresh(struct rally *rp)
{
	if (speaks(rp))
		tell(rp, "fresh", NULL, "no checkpoint yet: a fresh start");
}

void rp_words_was_finished(struct rally *rp, int64_t step)
{
	if (!speaks(rp))
		return;
	tell(rp, "was_finished", json_pack("{s:I}", "step", (json_int_t)step),
	     "this job finished at step %" PRId64 " in an earlier start", step);
}

void rp_words_finished(struct rally *rp, int64_t step)
{
	if (!speaks(rp))
		return;
	tell(rp, "finished", json_pack("{s:I}", "step", (json_int_t)step),
	     "finished at step %" PRId64, step);
}

void rp_words_requeue(struct rally *rp, enum rp_answer answer,
		      const char *detail)
{
	const struct rp_cause_row *cause = rp_cause_row(rp->sched.cause);
	const char *why = detail;

	if (!speaks(rp))
		return;
	if (!*why && rp->sched.cause != RP_CAUSE_UNKNOWN)
		why = cause->text;
	tell(rp, rp_answer_good(answer) ? "requeued" : "not_requeued",
	     json_pack("{s:s,s:s,s:s,s:s}", "by", rp->sched.ops->name, "cause",
		       cause->name, "answer", rp_answer_text(answer), "detail",
		       detail),
	     "%s: %s%s%s%s", answer == RP_HELD       ? "HELD"
			     : rp_answer_good(answer) ? "requeue"
						      : "NOT requeued",
	     rp_answer_text(answer), *why ? " (" : "", why, *why ? ")" : "");
}

void rp_words_stop(struct rally *rp, int64_t step)
{
	if (!speaks(rp))
		return;
	tell(rp, "stopped", json_pack("{s:I}", "step", (json_int_t)step),
	     "all ranks stop at step %" PRId64, step);
}

static void say_now(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say_now(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void rp_words_waiting(struct rally *rp, int64_t waited_ns)
{
	int64_t usual = 4 * rp->agree.sites.planned_ns;
	char where[400];

	/* Steps of minutes may well be uneven by seconds. */
	if (rp->comm.rank > 1 || waited_ns < usual)
		return;
	rp_place_describe(&rp->here, where, sizeof(where));
	say_now("rank %d %s and has waited %.0f s for a rank that does not "
		"come there", rp->comm.rank, where, seconds(waited_ns));
}

void rp_words_error(struct rally *rp, const char *what,
		    const struct rp_err *err)
{
	if (!speaks(rp))
		return;
	say_now("%s: %s", what, err->text);
	record(rp, "error", json_pack("{s:s,s:i,s:s}", "what", what, "code",
				      err->code, "text", err->text));
}

void rp_words_refused(struct rally *rp, const struct rp_err *err)
{
	if (speaks(rp))
		say_now("rally_open: %s", err->text);
}

void rp_words_warn(struct rally *rp, const char *text)
{
	if (speaks(rp))
		tell(rp, "warning", json_pack("{s:s}", "text", text),
		     "warning: %s", text);
}
