/*
 * The backend over the program rallypoint-slurm, which speaks libslurm and
 * prints one JSON object. Unlike scontrol's text it tells the base state of a
 * job that is completing, so that a cancelled one is known as such.
 */
#include "sys/sched.h"

#include "sys/conf.h"
#include "sys/spawn.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static int has_flag(json_t *flags, const char *name)
{
	json_t *flag;
	size_t i;

	json_array_foreach(flags, i, flag)
		if (json_is_string(flag) &&
		    strcmp(json_string_value(flag), name) == 0)
			return 1;
	return 0;
}

/* A job whose base state is one of these while it completes was stopped by
 * Slurm itself, and not because its owner wanted it to end. */
static enum rp_ended_by ended_by(const char *base)
{
	if (strcmp(base, "TIMEOUT") == 0)
		return RP_ENDED_BY_LIMIT;
	if (strcmp(base, "PREEMPTED") == 0)
		return RP_ENDED_BY_PREEMPTION;
	return strcmp(base, "NODE_FAIL") == 0 ? RP_ENDED_BY_NODE
					      : RP_ENDED_NOT_KNOWN;
}

static void set_state(struct rp_record *rec, const char *base, json_t *flags)
{
	rec->state = rp_state_of(base);
	rec->completing = has_flag(flags, "COMPLETING");
	if (has_flag(flags, "REQUEUE") || has_flag(flags, "REQUEUE_HOLD"))
		rec->state = RP_JOB_PENDING;
	if (rec->state == RP_JOB_ENDED && rec->completing) {
		rec->state = RP_JOB_COMPLETING;
		rec->ended_by = ended_by(base);
	}
}

static int read_record(json_t *root, struct rp_record *rec)
{
	const char *base, *reason;
	json_t *flags;
	json_int_t restarts, end, preempt, steps, start = 0;
	int requeue, batch;

	if (json_unpack(root, "{s:{s:s,s:o,s:s,s:I,s:I,s:I,s:b,s:b,s:I,s?I}}",
			"record", "base", &base, "flags", &flags, "reason",
			&reason, "restarts", &restarts, "end_time", &end,
			"preempt_time", &preempt, "may_requeue", &requeue,
			"batch", &batch, "steps", &steps, "start_time",
			&start) < 0)
		return -1;
	set_state(rec, base, flags);
	snprintf(rec->reason, sizeof(rec->reason), "%s", reason);
	rec->restarts = restarts;
	rec->end_time = end;
	rec->start_time = start;
	rec->preempt_time = preempt;
	rec->may_requeue = requeue;
	rec->batch = batch;
	rec->steps = steps;
	return 0;
}

static enum rp_answer answer_of(const char *error)
{
	static const struct {
		const char *name;
		enum rp_answer answer;
	} errors[] = {
		{ "ESLURM_JOB_PENDING", RP_ALREADY },
		{ "ESLURM_DISABLED", RP_DISABLED },
		{ "ESLURM_BATCH_ONLY", RP_NOT_BATCH },
		{ "ESLURM_ACCESS_DENIED", RP_DENIED },
		{ "ESLURM_USER_ID_MISSING", RP_DENIED },
		{ "ESLURM_NOT_HET_JOB_LEADER", RP_NOT_LEADER },
		{ "ESLURM_INVALID_JOB_ID", RP_NO_JOB },
		{ "UNREACHABLE", RP_UNREACHABLE },
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, error) == 0)
			return errors[i].answer;
	return RP_FAILED;
}

static enum rp_answer refusal(struct rp_sched *s, json_t *root)
{
	const char *error = NULL, *text = NULL;

	if (json_unpack(root, "{s:s,s:s}", "error", &error, "text", &text) < 0) {
		rp_sched_say(s, "the helper program's answer can't be read");
		return RP_FAILED;
	}
	rp_sched_say(s, text);
	return answer_of(error);
}

/* What the helper said; RP_DONE with its object, the caller's to release. */
static enum rp_answer read_root(struct rp_sched *s,
				const struct rp_spawned *got, json_t **root)
{
	enum rp_answer answer;

	if (got->signal) {
		rp_sched_say(s, "the helper program was ended by a signal");
		return RP_INTERRUPTED;
	}
	*root = json_loadb(got->out, got->out_len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(*root)) {
		json_decref(*root);
		/* the dynamic linker's words after an upgrade of Slurm */
		rp_sched_say(s, got->err_len ? got->err
					     : "the helper program's answer "
					       "can't be read");
		return RP_FAILED;
	}
	if (json_is_true(json_object_get(*root, "ok")))
		return RP_DONE;
	answer = refusal(s, *root);
	json_decref(*root);
	return answer;
}

/* `more` is the verb's last argument, or NULL. */
static enum rp_answer run(struct rp_sched *s, const char *verb, const char *id,
			  const char *more, struct rp_spawned *got)
{
	const char *const argv[] = { s->helper, verb, id, more, NULL };

	return rp_sched_run(s, argv, got);
}

static void helper_command(const struct rp_sched *s, const char *id,
			   const char *argv[RP_SCHED_ARGS])
{
	argv[0] = s->helper;
	argv[1] = "record";
	argv[2] = id;
	argv[3] = NULL;
}

static enum rp_answer helper_hear(struct rp_sched *s, const char *id,
				  const struct rp_spawned *got,
				  struct rp_record *rec)
{
	json_t *root;
	enum rp_answer answer = read_root(s, got, &root);

	(void)id;
	if (answer != RP_DONE)
		return answer;
	if (read_record(root, rec) < 0) {
		rp_sched_say(s, "the helper program's record can't be read");
		answer = RP_FAILED;
	}
	json_decref(root);
	return answer;
}

static enum rp_answer helper_record(struct rp_sched *s, const char *id,
				    int with_steps, struct rp_record *rec)
{
	struct rp_spawned got;
	enum rp_answer answer = run(s, "record", id,
				    with_steps ? "steps" : NULL, &got);

	if (answer != RP_DONE)
		return answer;
	answer = helper_hear(s, id, &got, rec);
	rp_spawned_free(&got);
	return answer;
}

static enum rp_answer order(struct rp_sched *s, const char *verb,
			    const char *id, const char *why)
{
	struct rp_spawned got;
	json_t *root;
	enum rp_answer answer = run(s, verb, id, why, &got);

	if (answer != RP_DONE)
		return answer;
	answer = read_root(s, &got, &root);
	rp_spawned_free(&got);
	if (answer != RP_DONE)
		return answer;
	json_decref(root);
	return RP_REQUEUED;
}

static enum rp_answer helper_requeue(struct rp_sched *s, const char *id)
{
	return order(s, "requeue", id, NULL);
}

static enum rp_answer helper_hold(struct rp_sched *s, const char *id,
				  const char *why)
{
	return order(s, "hold", id, why);
}

static void helper_site_command(const struct rp_sched *s,
				const char *partition,
				const char *argv[RP_SCHED_ARGS])
{
	argv[0] = s->helper;
	argv[1] = partition ? "partitions" : "config";
	argv[2] = partition && *partition ? partition : NULL;
	argv[3] = NULL;
}

static enum rp_answer unreadable(struct rp_sched *s, json_t *root)
{
	rp_sched_say(s, "the helper program's answer can't be read");
	json_decref(root);
	return RP_FAILED;
}

static enum rp_answer helper_hear_conf(struct rp_sched *s,
				       const struct rp_spawned *got,
				       struct rp_conf *conf)
{
	json_t *root, *config, *value;
	enum rp_answer answer = read_root(s, got, &root);
	const char *key;
	int found = 0;

	if (answer != RP_DONE)
		return answer;
	rp_conf_init(conf);
	config = json_object_get(root, "config");
	json_object_foreach(config, key, value)
		if (json_is_string(value))
			found += rp_conf_set(conf, key,
					     json_string_value(value));
	if (!found)
		return unreadable(s, root);
	json_decref(root);
	return RP_DONE;
}

static void read_partition(json_t *from, struct rp_partition *part)
{
	const char *key;
	json_t *value;

	rp_partition_init(part);
	json_object_foreach(from, key, value)
		if (json_is_string(value))
			rp_partition_set(part, key, json_string_value(value));
}

static enum rp_answer helper_hear_partition(struct rp_sched *s,
					    const struct rp_spawned *got,
					    const char *name,
					    struct rp_partition *part)
{
	json_t *root, *list, *one;
	enum rp_answer answer = read_root(s, got, &root);
	size_t i;

	if (answer != RP_DONE)
		return answer;
	list = json_object_get(root, "partitions");
	if (!json_is_array(list))
		return unreadable(s, root);
	json_array_foreach(list, i, one) {
		read_partition(one, part);
		if (name ? strcmp(part->name, name) == 0
			 : part->is_default == 1) {
			json_decref(root);
			return RP_DONE;
		}
	}
	json_decref(root);
	rp_partition_init(part);
	rp_sched_say(s, name ? "Slurm has no such partition"
			     : "no partition is the default");
	return RP_FAILED;
}

const struct rp_sched_ops rp_sched_libslurm = {
	.name = "libslurm",
	.command = helper_command,
	.hear = helper_hear,
	.record = helper_record,
	.requeue = helper_requeue,
	.hold = helper_hold,
	.site_command = helper_site_command,
	.hear_conf = helper_hear_conf,
	.hear_partition = helper_hear_partition,
};
