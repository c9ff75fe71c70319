#include "sys/conf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "sys/spawn.h"

#define CRED_EXPIRE 120 /* Slurm's own, where AuthInfo does not say */

enum kind { TEXT, FLAG, NUMBER, SECONDS, MINUTES, TIME };

struct row {
	const char *key;
	enum kind kind;
	size_t offset, size;
};

#define ROW(type, key, kind, field)                                            \
	{ key, kind, offsetof(struct type, field),                             \
	  sizeof(((struct type *)NULL)->field) }

static const struct row conf_rows[] = {
	ROW(rp_conf, "SLURM_VERSION", TEXT, version),
	ROW(rp_conf, "PreemptType", TEXT, preempt_type),
	ROW(rp_conf, "PreemptMode", TEXT, preempt_mode),
	ROW(rp_conf, "ProctrackType", TEXT, proctrack),
	ROW(rp_conf, "RequeueExit", TEXT, requeue_exit),
	ROW(rp_conf, "RequeueExitHold", TEXT, requeue_exit_hold),
	ROW(rp_conf, "LaunchParameters", TEXT, launch_params),
	ROW(rp_conf, "MpiDefault", TEXT, mpi_default),
	ROW(rp_conf, "KillWait", SECONDS, kill_wait),
	ROW(rp_conf, "OverTimeLimit", MINUTES, over_time_limit),
	ROW(rp_conf, "JobRequeue", FLAG, job_requeue),
	ROW(rp_conf, "JobFileAppend", FLAG, file_append),
	ROW(rp_conf, "SignalChildrenProcesses", FLAG, signal_children),
};

static const struct row part_rows[] = {
	ROW(rp_partition, "PartitionName", TEXT, name),
	ROW(rp_partition, "PreemptMode", TEXT, preempt_mode),
	ROW(rp_partition, "Nodes", TEXT, nodes),
	ROW(rp_partition, "GraceTime", SECONDS, grace_time),
	ROW(rp_partition, "PriorityTier", NUMBER, priority_tier),
	ROW(rp_partition, "MaxTime", TIME, max_time),
	ROW(rp_partition, "DefaultTime", TIME, default_time),
	ROW(rp_partition, "OverTimeLimit", MINUTES, over_time_limit),
	ROW(rp_partition, "TotalNodes", NUMBER, total_nodes),
	ROW(rp_partition, "Default", FLAG, is_default),
};

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

/*
 * Values
 */

static int is_unlimited(const char *text)
{
	return strcasecmp(text, "UNLIMITED") == 0 ||
	       strcasecmp(text, "INFINITE") == 0;
}

/* "20", "20 sec", "0 min". Slurm's numbers have at most 32 bits. */
static int64_t parse_number(const char *text)
{
	char digits[16];
	size_t n = strspn(text, "0123456789");
	int64_t value;

	if (n == 0 || n >= sizeof(digits) || (text[n] && text[n] != ' '))
		return -1;
	snprintf(digits, sizeof(digits), "%.*s", (int)n, text);
	return rp_parse_int(digits, 0, UINT32_MAX, &value) == 0 ? value : -1;
}

static int parse_flag(const char *text)
{
	if (strcmp(text, "1") == 0 || strcasecmp(text, "yes") == 0)
		return 1;
	return strcmp(text, "0") == 0 || strcasecmp(text, "no") == 0 ? 0 : -1;
}

/* Up to three numbers with ':' between them; how many, or -1. */
static int parse_fields(const char *text, int64_t v[3])
{
	for (int n = 0; n < 3; n++) {
		char digits[12];
		size_t len = strspn(text, "0123456789");

		if (len == 0 || len >= sizeof(digits))
			return -1;
		snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
		if (rp_parse_int(digits, 0, UINT32_MAX, &v[n]) != 0)
			return -1;
		text += len;
		if (*text == '\0')
			return n + 1;
		if (*text++ != ':')
			return -1;
	}
	return -1;
}

int rp_conf_time(const char *text, int64_t *seconds)
{
	const char *dash = strchr(text, '-');
	int64_t v[3] = { 0, 0, 0 }, days;
	int n;

	if (is_unlimited(text)) {
		*seconds = RP_TIME_UNLIMITED;
		return 0;
	}
	n = parse_fields(dash ? dash + 1 : text, v);
	if (n < 0)
		return -1;
	if (dash) {
		char digits[12];

		snprintf(digits, sizeof(digits), "%.*s", (int)(dash - text),
			 text);
		if (dash - text >= (ptrdiff_t)sizeof(digits) ||
		    rp_parse_int(digits, 0, UINT32_MAX, &days) != 0)
			return -1;
		*seconds = days * 86400 + v[0] * 3600 + v[1] * 60 + v[2];
	} else if (n == 3) {
		*seconds = v[0] * 3600 + v[1] * 60 + v[2];
	} else {
		*seconds = v[0] * 60 + v[1];
	}
	return 0;
}

static int64_t parse_value(enum kind kind, const char *text)
{
	int64_t value;

	switch (kind) {
	case TIME:
		return rp_conf_time(text, &value) == 0 ? value : -1;
	case MINUTES:
		if (is_unlimited(text))
			return RP_TIME_UNLIMITED;
		value = parse_number(text);
		return value < 0 ? -1 : value * 60;
	case SECONDS:
		if (is_unlimited(text))
			return RP_TIME_UNLIMITED;
		return parse_number(text);
	default:
		return parse_number(text);
	}
}

static void store(const struct row *row, void *base, const char *text)
{
	char *field = (char *)base + row->offset;
	int64_t value;
	int flag;

	if (strcmp(text, "(null)") == 0)
		text = "";
	if (row->kind == TEXT) {
		snprintf(field, row->size, "%s", text);
	} else if (row->kind == FLAG) {
		flag = parse_flag(text);
		memcpy(field, &flag, sizeof(flag));
	} else {
		value = parse_value(row->kind, text);
		memcpy(field, &value, sizeof(value));
	}
}

/* -1 and "" in every field. */
static void clear(const struct row *rows, size_t n, void *base)
{
	for (size_t i = 0; i < n; i++)
		store(&rows[i], base, "");
}

static int set(const struct row *rows, size_t n, void *base, const char *key,
	       const char *value)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].key, key) == 0) {
			store(&rows[i], base, value);
			return 1;
		}
	return 0;
}

/* "socket=/run/munge,cred_expire=5" */
static void set_auth(struct rp_conf *conf, const char *value)
{
	static const char word[] = "cred_expire=";
	const char *p = strstr(value, word);
	char digits[16];

	conf->cred_expire = CRED_EXPIRE;
	if (!p)
		return;
	p += strlen(word);
	snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(p, ","), p);
	conf->cred_expire = parse_number(digits);
}

void rp_conf_init(struct rp_conf *conf)
{
	clear(conf_rows, COUNT(conf_rows), conf);
	conf->cred_expire = -1;
}

void rp_partition_init(struct rp_partition *part)
{
	clear(part_rows, COUNT(part_rows), part);
}

int rp_conf_set(struct rp_conf *conf, const char *key, const char *value)
{
	if (strcmp(key, "AuthInfo") == 0) {
		set_auth(conf, value);
		return 1;
	}
	return set(conf_rows, COUNT(conf_rows), conf, key, value);
}

int rp_partition_set(struct rp_partition *part, const char *key,
		     const char *value)
{
	return set(part_rows, COUNT(part_rows), part, key, value);
}

/*
 * Texts
 */

/* A trimmed copy of what is between the two. */
static void copy_trimmed(char *to, size_t size, const char *from,
			 const char *end)
{
	while (from < end && isspace((unsigned char)*from))
		from++;
	while (end > from && isspace((unsigned char)end[-1]))
		end--;
	snprintf(to, size, "%.*s", (int)(end - from), from);
}

/* "KillWait                = 5 sec" */
int rp_conf_read_text(const char *text, struct rp_conf *conf)
{
	int found = 0;

	rp_conf_init(conf);
	while (*text) {
		const char *end = text + strcspn(text, "\n");
		const char *is = memchr(text, '=', (size_t)(end - text));

		if (is) {
			char key[64], value[512];

			copy_trimmed(key, sizeof(key), text, is);
			copy_trimmed(value, sizeof(value), is + 1, end);
			found += rp_conf_set(conf, key, value);
		}
		text = *end ? end + 1 : end;
	}
	return found ? 0 : -1;
}

/* Words "Key=value" up to the next partition's; returns where that begins. */
static const char *read_partition(const char *text, struct rp_partition *part)
{
	const char *p = text;

	rp_partition_init(part);
	while (*p) {
		size_t len;
		const char *is;

		p += strspn(p, " \t\n");
		if (p > text && strncmp(p, "PartitionName=", 14) == 0)
			break;
		len = strcspn(p, " \t\n");
		is = memchr(p, '=', len);
		if (is) {
			char key[64], value[512];

			copy_trimmed(key, sizeof(key), p, is);
			copy_trimmed(value, sizeof(value), is + 1, p + len);
			rp_partition_set(part, key, value);
		}
		p += len;
	}
	return p;
}

int rp_partition_read_text(const char *text, const char *name,
			   struct rp_partition *part)
{
	text = strstr(text, "PartitionName=");
	while (text && *text) {
		text = read_partition(text, part);
		if (name ? strcmp(part->name, name) == 0
			 : part->is_default == 1)
			return 0;
	}
	rp_partition_init(part);
	return -1;
}

int rp_conf_lists(const char *list, int code)
{
	while (*list) {
		char part[32], *dash;
		size_t len = strcspn(list, ",");
		int64_t low, high;

		copy_trimmed(part, sizeof(part), list, list + len);
		dash = strchr(part, '-');
		if (dash)
			*dash = '\0';
		low = parse_number(part);
		high = dash ? parse_number(dash + 1) : low;
		if (low >= 0 && low <= code && code <= high)
			return 1;
		list += len + (list[len] == ',');
	}
	return 0;
}

/*
 * Questions
 */

static int name_is_safe(const char *name)
{
	if (!*name || *name == '-' || strlen(name) > 63)
		return 0;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("_.-+", *name))
			return 0;
	return 1;
}

static enum rp_answer ask(struct rp_sched *s, const char *partition,
			  struct rp_spawned *got)
{
	const char *argv[RP_SCHED_ARGS];

	s->detail[0] = '\0';
	if (!s->ops->site_command) {
		rp_sched_say(s, s->why);
		return RP_NO_BACKEND;
	}
	s->ops->site_command(s, partition, argv);
	return rp_sched_run(s, argv, got);
}

enum rp_answer rp_sched_conf(struct rp_sched *s, struct rp_conf *conf)
{
	struct rp_spawned got;
	enum rp_answer answer = ask(s, NULL, &got);

	rp_conf_init(conf);
	if (answer != RP_DONE)
		return answer;
	answer = s->ops->hear_conf(s, &got, conf);
	rp_spawned_free(&got);
	return answer;
}

enum rp_answer rp_sched_partition(struct rp_sched *s, const char *name,
				  struct rp_partition *part)
{
	struct rp_spawned got;
	enum rp_answer answer;

	rp_partition_init(part);
	if (name && !name_is_safe(name)) {
		rp_sched_say(s, "that is no partition's name");
		return RP_FAILED;
	}
	answer = ask(s, name ? name : "", &got);
	if (answer != RP_DONE)
		return answer;
	answer = s->ops->hear_partition(s, &got, name, part);
	rp_spawned_free(&got);
	return answer;
}
