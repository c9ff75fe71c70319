#include "base/options.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fault.h"
#include "base/text.h"

enum kind { DURATION, COUNT, SIZE, STATUS, SIGNALS, CHOICE, PATH, FAULT };

static const char *const kind_names[] = { "duration", "count", "size",
					  "status", "signals", "choice",
					  "path", "fault" };

struct row {
	const char *key;
	enum kind kind;
	size_t offset;
	const char *value;	 /* default */
	int64_t min;		 /* of a count or a size */
	const char *choices;	 /* of a choice: "a|b|c" */
	const char *doc;
};

#define AT(field) offsetof(struct rp_options, field)
#define AUTO "auto|no|yes"

static const struct row rows[] = {
	{ "every", DURATION, AT(every), "0", 0, NULL,
	  "save each time this much has passed since the last save; 0: never" },
	{ "every_steps", COUNT, AT(every_steps), "0", 0, NULL,
	  "save at each multiple of this many steps; 0: never" },
	{ "keep", COUNT, AT(keep), "2", 1, NULL,
	  "checkpoints to keep; older ones are pruned after a commit" },
	{ "keep_every", COUNT, AT(keep_every), "0", 0, NULL,
	  "pin the first checkpoint of each so many steps, so that it stays for "
	  "good; 0: none" },
	{ "fallback", PATH, AT(fallback), "", 0, NULL,
	  "a second folder, for the checkpoints that the first can't take: it is "
	  "full, or its storage fails" },
	{ "from", PATH, AT(from), "", 0, NULL,
	  "a checkpoint, or a folder of them, to begin from where the own folder "
	  "has none yet; it is only read" },
	{ "stop_signals", SIGNALS, AT(stop_signals), "TERM", 0, NULL,
	  "signals that save, stop and requeue: of TERM USR1 USR2 INT XCPU" },
	{ "save_signals", SIGNALS, AT(save_signals), "", 0, NULL,
	  "signals that save and go on" },
	{ "requeue", CHOICE, AT(requeue), "auto", 0,
	  "auto|none|scontrol|libslurm",
	  "who asks Slurm to requeue the job after a stop" },
	{ "requeue_timeout", DURATION, AT(requeue_timeout), "60s", 0, NULL,
	  "longest wait for one answer of Slurm's" },
	{ "requeue_patience", DURATION, AT(requeue_patience), "5m", 0, NULL,
	  "how long a requeue is tried again while Slurm's controller is away" },
	{ "requeue_at", CHOICE, AT(requeue_at), "stop", 0, "stop|close",
	  "when Slurm is asked: before RALLY_STOP comes back, or in "
	  "rally_close()" },
	{ "requeue_exit", STATUS, AT(requeue_exit), "0", 0, NULL,
	  "exit status of rally_close() where Slurm could not be asked: one of the "
	  "site's RequeueExit; 0: 81" },
	{ "requeue_limit", COUNT, AT(requeue_limit), "5", 0, NULL,
	  "requeues in a row without a step done before the job is held; 0: no "
	  "limit" },
	{ "cancelled", CHOICE, AT(cancelled), "save", 0, "save|leave",
	  "what a stop does with a job that is being cancelled" },
	{ "leave", PATH, AT(leave), "", 0, NULL,
	  "a program of the site's that rank 0 runs after a stop, before Slurm is "
	  "asked" },
	{ "grace", DURATION, AT(grace), "30s", 0, NULL,
	  "time from the signal to the end, as far as Slurm does not tell" },
	{ "stride", COUNT, AT(stride), "0", 0, NULL,
	  "safe points between two rounds; 0: by measurement" },
	{ "stride_max", COUNT, AT(stride_max), "64", 1, NULL,
	  "the most safe points between two rounds" },
	{ "lag", CHOICE, AT(lag), "auto", 0, "auto|0|1",
	  "safe points from a round's start to its verdict" },
	{ "patience", DURATION, AT(patience), "0", 0, NULL,
	  "longest wait for a rank that does not come; 0: for ever" },
	{ "watch", DURATION, AT(watch), "5s", 0, NULL,
	  "first line about a rank that does not come, or a signal that no safe "
	  "point follows; 0: none" },
	{ "poll", DURATION, AT(poll), "30s", 0, NULL,
	  "how often the job's record is read for what no signal tells; 0: "
	  "never" },
	{ "poll_mpirun", DURATION, AT(poll_mpirun), "2s", 0, NULL,
	  "the same where mpirun started the ranks: no signal reaches them" },
	{ "margin", DURATION, AT(margin), "10s", 0, NULL,
	  "stop by itself this long, and what a stop takes, before the time limit "
	  "that the record tells; 0: never" },
	{ "async", CHOICE, AT(async), "no", 0, "no|yes",
	  "save in the background: a copy is written while the program goes on" },
	{ "async_memory", SIZE, AT(async_memory), "0", 0, NULL,
	  "the most memory of a rank for that copy; 0: what the node has left" },
	{ "memory", SIZE, AT(memory), "64m", 1 << 20, NULL,
	  "the most memory that a rank's save or restore takes, beside what is "
	  "registered" },
	{ "direct", CHOICE, AT(direct), "auto", 0, AUTO,
	  "write and read shards past the page cache; auto: large ones, on a disk" },
	{ "incremental", CHOICE, AT(incremental), "no", 0, "no|yes",
	  "share blocks that have not changed with the last checkpoint, where the "
	  "file system can" },
	{ "recycle", CHOICE, AT(recycle), "auto", 0, AUTO,
	  "write over the shards of a pruned checkpoint instead of new files; "
	  "auto: on a local file system of one node, unless incremental" },
	{ "threads", CHOICE, AT(threads), "auto", 0, AUTO,
	  "hash on a helper thread; auto: where a core is free" },
	{ "words", CHOICE, AT(words), "auto", 0, AUTO,
	  "a line on stderr for each event; no: errors only" },
	{ "progress", CHOICE, AT(progress), "auto", 0, AUTO,
	  "a progress bar for long saves; auto: on a terminal" },
	{ "helper", PATH, AT(helper), "", 0, NULL,
	  "the program that speaks to Slurm through libslurm" },
	{ "fault", FAULT, AT(fault), "", 0, NULL,
	  "for tests: makes calls on the folder fail, as rank=1,at=37,do=EIO" },
	{ "fault_log", PATH, AT(fault_log), "", 0, NULL,
	  "for tests: a file that gets a line for each call on the folder" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "TERM", SIGTERM }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
	{ "INT", SIGINT },   { "XCPU", SIGXCPU },
};

static int parse_signal(const char *text, size_t length, int64_t *mask)
{
	if (length > 3 && strncasecmp(text, "SIG", 3) == 0) {
		text += 3;
		length -= 3;
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strlen(signals[i].name) == length &&
		    strncasecmp(text, signals[i].name, length) == 0) {
			*mask |= (int64_t)1 << (signals[i].number - 1);
			return 0;
		}
	return -1;
}

static int parse_signals(const char *text, int64_t *mask)
{
	*mask = 0;
	while (*text) {
		size_t length = strcspn(text, ", ");

		if (length > 0 && parse_signal(text, length, mask) != 0)
			return -1;
		text += length;
		text += strspn(text, ", ");
	}
	return 0;
}

static int parse_choice(const char *text, const char *choices, int64_t *value)
{
	size_t length = strlen(text);

	for (*value = 0;; (*value)++) {
		size_t n = strcspn(choices, "|");

		if (n == length && strncmp(text, choices, n) == 0)
			return 0;
		if (choices[n] == '\0')
			return -1;
		choices += n + 1;
	}
}

static int parse_path(const char *text, char *field)
{
	size_t length = strlen(text);

	if (length >= sizeof(((struct rp_options *)0)->helper))
		return -1;
	memcpy(field, text, length + 1);
	return 0;
}

static int parse_fault(const char *text, char *field)
{
	struct rp_fault fault;

	return rp_fault_parse(text, &fault) ? -1 : parse_path(text, field);
}

static int parse(const struct row *row, const char *text,
		 struct rp_options *options)
{
	void *field = (char *)options + row->offset;
	int64_t value = 0;
	int rc;

	switch (row->kind) {
	case DURATION:
		rc = rp_parse_duration(text, &value);
		break;
	case COUNT:
		rc = rp_parse_int(text, row->min, INT32_MAX, &value);
		break;
	case SIZE:
		rc = rp_parse_size(text, &value);
		if (rc == 0 && value < row->min)
			rc = -1;
		break;
	case STATUS:
		rc = rp_parse_int(text, 0, 255, &value);
		break;
	case SIGNALS:
		rc = parse_signals(text, &value);
		break;
	case CHOICE:
		rc = parse_choice(text, row->choices, &value);
		break;
	case FAULT:
		return parse_fault(text, field);
	default:
		return parse_path(text, field);
	}
	if (rc == 0)
		memcpy(field, &value, sizeof(value));
	return rc;
}

void rp_options_init(struct rp_options *options)
{
	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < ROWS; i++)
		parse(&rows[i], rows[i].value, options);
}

static const struct row *find(const char *key, size_t length)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strlen(rows[i].key) == length &&
		    strncasecmp(rows[i].key, key, length) == 0)
			return &rows[i];
	return NULL;
}

static int refuse(const struct row *row, const char *where, const char *value,
		  struct rp_err *err)
{
	return rp_fail(err, RALLY_EOPTION,
		       "%.*s=%s is not a %s that option '%s' takes%s%s (%s)",
		       (int)strcspn(where, "="), where, value,
		       kind_names[row->kind], row->key,
		       row->choices ? ": " : "",
		       row->choices ? row->choices : "", row->doc);
}

int rp_option_set(struct rp_options *options, const char *key,
		  const char *value, struct rp_err *err)
{
	const struct row *row = find(key, strlen(key));

	if (!row)
		return rp_fail(err, RALLY_EOPTION,
			       "there is no option '%s'; `rallypoint options` "
			       "lists them", key);
	if (options->fixed >> (row - rows) & 1)
		return 0;
	if (parse(row, value, options) != 0)
		return refuse(row, key, value, err);
	return 0;
}

int rp_options_env(struct rp_options *options, char *const *environment,
		   struct rp_err *err)
{
	for (; *environment; environment++) {
		const char *entry = *environment;
		size_t length = strcspn(entry, "=");
		const struct row *row;

		if (strncmp(entry, "RALLY_", 6) != 0 || entry[length] == '\0')
			continue;
		row = find(entry + 6, length - 6);
		if (!row)
			return rp_fail(err, RALLY_EOPTION,
				       "the environment sets %.*s, which is no "
				       "option; `rallypoint options` lists them",
				       (int)length, entry);
		if (parse(row, entry + length + 1, options) != 0)
			return refuse(row, entry, entry + length + 1, err);
		options->fixed |= (uint64_t)1 << (row - rows);
	}
	return 0;
}

int rp_option_doc(size_t i, struct rp_option_doc *doc)
{
	if (i >= ROWS)
		return -1;
	doc->key = rows[i].key;
	doc->kind = rows[i].choices ? rows[i].choices
				    : kind_names[rows[i].kind];
	doc->value = rows[i].value;
	doc->doc = rows[i].doc;
	return 0;
}

int rp_option_choice(const char *key, int64_t value, char *buf, size_t size)
{
	const struct row *row = find(key, strlen(key));
	const char *word = row ? row->choices : NULL;

	for (; word && value > 0; value--) {
		word = strchr(word, '|');
		word = word ? word + 1 : NULL;
	}
	if (!word)
		return -1;
	snprintf(buf, size, "%.*s", (int)strcspn(word, "|"), word);
	return 0;
}
