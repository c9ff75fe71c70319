#include "tool/facts.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define MORE_S 2	/* a round, and the commit */
#define SIGNAL_S 60	/* Slurm's own, where --signal gives no time */

void rp_facts_init(struct rp_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	rp_conf_init(&facts->conf);
	rp_partition_init(&facts->part);
	facts->nodes = 1;
	facts->batch = 1;
	facts->requeue = facts->append = -1;
	facts->limit_s = -1;
	facts->save_s = -1;
	facts->poll_s = 30;
	facts->margin_s = 10;
	facts->stop_signals = (int64_t)1 << (SIGTERM - 1);
}

/*
 * What follows
 */

enum rp_mode rp_facts_mode(const struct rp_facts *facts)
{
	const char *mode = *facts->part.preempt_mode ? facts->part.preempt_mode
						     : facts->conf.preempt_mode;

	if (strcmp(facts->conf.preempt_type, "preempt/none") == 0)
		return strstr(mode, "SUSPEND") || strstr(mode, "GANG")
			       ? RP_MODE_SUSPEND : RP_MODE_OFF;
	if (strstr(mode, "SUSPEND"))
		return RP_MODE_SUSPEND;
	if (strstr(mode, "REQUEUE"))
		return RP_MODE_REQUEUE;
	if (strstr(mode, "CANCEL"))
		return RP_MODE_CANCEL;
	if (strstr(mode, "OFF"))
		return RP_MODE_OFF;
	return RP_MODE_UNKNOWN;
}

int64_t rp_facts_left(const struct rp_facts *facts)
{
	if (facts->part.grace_time < 0)
		return -1;
	return facts->part.grace_time > 0 ? facts->part.grace_time
					  : facts->conf.kill_wait;
}

int rp_facts_may_requeue(const struct rp_facts *facts)
{
	if (!facts->batch)
		return 0;
	return facts->requeue >= 0 ? facts->requeue
				   : facts->conf.job_requeue != 0;
}

/* With cgroups a signal goes to the processes that slurmstepd has started itself
 * and no further, unless the site wants it. */
static int reaches_all(const struct rp_facts *facts)
{
	if (!*facts->conf.proctrack)
		return 0;
	return strcmp(facts->conf.proctrack, "proctrack/cgroup") != 0 ||
	       facts->conf.signal_children == 1;
}

enum rp_hearing rp_facts_warned(const struct rp_facts *facts)
{
	switch (facts->launcher) {
	case RP_START_SRUN_SHELL:
		return reaches_all(facts) ? RP_HEARS : RP_DIES;
	case RP_START_MPIRUN:
		return facts->nodes > 1 ? RP_DIES : RP_HEARS_LATER;
	case RP_START_RUN_MPIRUN:	/* by its daemons on other nodes */
		return facts->nodes > 1 ? RP_HEARS : RP_HEARS_LATER;
	case RP_START_TORCHRUN:
		return facts->in_step ? RP_HEARS : RP_HEARS_LATER;
	case RP_START_NONE:
		return RP_HEARS_LATER;
	default:
		return RP_HEARS;
	}
}

/* What stands in the batch script hears of the job's end as the script does; with
 * cgroups only the script's shell, whose death ends the rest. */
static enum rp_hearing batch_ended(const struct rp_facts *facts)
{
	return facts->direct || reaches_all(facts) ? RP_HEARS : RP_DIES;
}

enum rp_hearing rp_facts_ended(const struct rp_facts *facts)
{
	switch (facts->launcher) {
	case RP_START_MPIRUN:	/* a second after its own SIGTERM */
		return RP_DIES;
	case RP_START_RUN_MPIRUN:
	case RP_START_NONE:
		return batch_ended(facts);
	case RP_START_TORCHRUN:
		return facts->in_step ? RP_HEARS : batch_ended(facts);
	default:
		return rp_facts_warned(facts);
	}
}

int rp_facts_fits(const struct rp_facts *facts, int64_t seconds)
{
	if (facts->save_s < 0 || seconds < 0)
		return 1;
	return facts->save_s + MORE_S <= (double)seconds;
}

static int signal_number(const char *name, size_t n)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "TERM", SIGTERM }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
		{ "INT", SIGINT },   { "XCPU", SIGXCPU }, { "HUP", SIGHUP },
		{ "ALRM", SIGALRM }, { "CONT", SIGCONT }, { "URG", SIGURG },
		{ "QUIT", SIGQUIT },
	};
	char *text;
	int64_t number = -1;

	if (n > 3 && strncmp(name, "SIG", 3) == 0) {
		name += 3;
		n -= 3;
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strlen(signals[i].name) == n &&
		    strncmp(signals[i].name, name, n) == 0)
			return signals[i].number;
	text = strndup(name, n);
	if (text && rp_parse_int(text, 1, 63, &number) != 0)
		number = -1;
	free(text);
	return (int)number;
}

/* "[R][B]:TERM@120" */
int rp_facts_signal(const struct rp_facts *facts, int *number, int64_t *seconds,
		    int *shell_only)
{
	const char *text = facts->signal, *colon;
	size_t n;

	if (!text)
		return -1;
	colon = strchr(text, ':');
	*shell_only = colon && memchr(text, 'B', (size_t)(colon - text));
	if (colon)
		text = colon + 1;
	n = strcspn(text, "@");
	*seconds = SIGNAL_S;
	if (text[n] && rp_parse_int(text + n + 1, 0, UINT16_MAX, seconds) != 0)
		return -1;
	*number = signal_number(text, n);
	return *number > 0 ? 0 : -1;
}

/*
 * Sentences
 */

/* "90 s", "20 min", "3 h", "2.5 s" */
static void say_time(double seconds, char *buf, size_t size)
{
	int64_t whole = (int64_t)seconds;

	if (seconds < 0)
		snprintf(buf, size, "an unknown time");
	else if (seconds >= (double)RP_TIME_UNLIMITED)
		snprintf(buf, size, "unlimited");
	else if ((double)whole < seconds)
		snprintf(buf, size, "%.1f s", seconds);
	else if (whole >= 7200 && whole % 3600 == 0)
		snprintf(buf, size, "%lld h", (long long)(whole / 3600));
	else if (whole >= 300 && whole % 60 == 0)
		snprintf(buf, size, "%lld min", (long long)(whole / 60));
	else
		snprintf(buf, size, "%lld s", (long long)whole);
}

static const char *mode_name(const struct rp_facts *facts)
{
	return *facts->part.preempt_mode ? facts->part.preempt_mode
					 : facts->conf.preempt_mode;
}

/* The value of a name between braces; NULL for another word. */
static const char *fill(const struct rp_facts *facts, const char *name,
			size_t n, char *buf, size_t size)
{
	const struct {
		const char *name, *text;
	} texts[] = {
		{ "partition", *facts->part.name ? facts->part.name : "?" },
		{ "mode", mode_name(facts) }, { "folder", facts->folder },
		{ "doubt", facts->doubt },    { "command", facts->command },
		{ "mended", facts->mended },  { "shell", facts->shell },
		{ "signal", facts->signal }, { "option", facts->option },
	};
	const struct {
		const char *name;
		double seconds;
	} times[] = {
		{ "grace", (double)facts->part.grace_time },
		{ "kill_wait", (double)facts->conf.kill_wait },
		{ "left", (double)rp_facts_left(facts) },
		{ "limit", (double)facts->limit_s },
		{ "most", (double)facts->part.max_time },
		{ "save", facts->save_s },
		{ "poll", facts->poll_s },
		{ "margin", facts->margin_s },
		{ "cred", (double)facts->conf.cred_expire },
	};
	const struct {
		const char *name;
		int64_t value;
	} numbers[] = {
		{ "nodes", facts->nodes },
		{ "line", facts->line },
		{ "late", facts->late },
		{ "most_minutes", facts->part.max_time / 60 },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strlen(texts[i].name) == n &&
		    memcmp(texts[i].name, name, n) == 0)
			return texts[i].text ? texts[i].text : "?";
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (strlen(times[i].name) == n &&
		    memcmp(times[i].name, name, n) == 0) {
			say_time(times[i].seconds, buf, size);
			return buf;
		}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strlen(numbers[i].name) == n &&
		    memcmp(numbers[i].name, name, n) == 0) {
			snprintf(buf, size, "%lld", (long long)numbers[i].value);
			return buf;
		}
	return NULL;
}

char *rp_facts_say(const struct rp_facts *facts, const char *sentence)
{
	char *out = strdup("");

	while (out && *sentence) {
		size_t n = strcspn(sentence, "{"), length;
		const char *value = NULL;
		char buf[32], *more;

		if (n == 0) {
			length = strcspn(sentence + 1, "}");
			value = fill(facts, sentence + 1, length, buf,
				     sizeof(buf));
			n = value ? length + 2 : 1;
		}
		more = value ? rp_format("%s%s", out, value)
			     : rp_format("%s%.*s", out, (int)n, sentence);
		free(out);
		out = more;
		sentence += n;
	}
	return out;
}
