/*
 * site.c - how the site has set up Slurm
 *
 * The keys and the form of the values are those that scontrol prints, so that
 * one table reads both. What this release does not tell is left out.
 */
#include "site.h"

#include <errno.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Renamed in 26.05. */
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(26, 5, 0)
#define free_conf slurm_free_conf
#else
#define free_conf slurm_free_ctl_conf
#endif

static void put_text(json_t *to, const char *key, const char *value)
{
	json_object_set_new(to, key, json_string(value ? value : ""));
}

static void put_number(json_t *to, const char *key, uint32_t value,
		       const char *unit)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu%s", (unsigned long)value, unit);
	put_text(to, key, text);
}

/* Minutes; the two words of no limit differ by the width of their field. */
static void put_minutes(json_t *to, const char *key, uint32_t value,
			uint32_t none, uint32_t infinite)
{
	if (value == infinite)
		put_text(to, key, "UNLIMITED");
	else if (value != none)
		put_number(to, key, value, "");
}

static void put_mode(json_t *to, uint16_t mode)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} bits[] = {
		{ PREEMPT_MODE_GANG, "GANG" },
		{ PREEMPT_MODE_WITHIN, "WITHIN" },
		{ PREEMPT_MODE_SUSPEND, "SUSPEND" },
		{ PREEMPT_MODE_REQUEUE, "REQUEUE" },
		{ PREEMPT_MODE_CANCEL, "CANCEL" },
	};
	char text[64] = "";

	if (mode == NO_VAL16)
		return; /* the site's */
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (mode & bits[i].bit)
			snprintf(text + strlen(text),
				 sizeof(text) - strlen(text), "%s%s",
				 *text ? "," : "", bits[i].name);
	put_text(to, "PreemptMode", *text ? text : "OFF");
}

/* cgroup.conf comes as a list that only libslurm can print. */
static void put_cgroup(json_t *to, void *pairs)
{
	static const char key[] = "SignalChildrenProcesses";
	char *text = NULL, value[16];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *p;
	char title[] = "\n";

	if (!out)
		return;
	slurm_print_key_pairs(out, pairs, title);
	fclose(out);
	p = text ? strstr(text, key) : NULL;
	if (p && sscanf(p + strlen(key), " = %15s", value) == 1)
		put_text(to, key, value);
	free(text);
}

int helper_config(void)
{
	slurm_conf_t *conf = NULL;
	json_t *to = json_object();

	if (slurm_load_ctl_conf(0, &conf)) {
		json_decref(to);
		return helper_refuse(errno);
	}
	put_text(to, "SLURM_VERSION", conf->version);
	put_text(to, "PreemptType", conf->preempt_type);
	put_mode(to, conf->preempt_mode);
	put_text(to, "ProctrackType", conf->proctrack_type);
	put_text(to, "RequeueExit", conf->requeue_exit);
	put_text(to, "RequeueExitHold", conf->requeue_exit_hold);
	put_text(to, "LaunchParameters", conf->launch_params);
	put_text(to, "MpiDefault", conf->mpi_default);
	put_text(to, "AuthInfo", conf->authinfo);
	put_number(to, "KillWait", conf->kill_wait, " sec");
	put_number(to, "JobRequeue", conf->job_requeue, "");
	put_number(to, "JobFileAppend", conf->job_file_append, "");
	put_minutes(to, "OverTimeLimit", conf->over_time_limit, NO_VAL16,
		    INFINITE16);
	if (conf->cgroup_conf)
		put_cgroup(to, conf->cgroup_conf);
	free_conf(conf);
	return helper_print(json_pack("{s:b,s:o}", "ok", 1, "config", to), 0);
}

static json_t *partition(const partition_info_t *part)
{
	json_t *to = json_object();

	put_text(to, "PartitionName", part->name);
	put_text(to, "Nodes", part->nodes);
	put_text(to, "Default", part->flags & PART_FLAG_DEFAULT ? "YES" : "NO");
	put_mode(to, part->preempt_mode);
	put_number(to, "GraceTime", part->grace_time, "");
	put_number(to, "PriorityTier", part->priority_tier, "");
	put_number(to, "TotalNodes", part->total_nodes, "");
	put_minutes(to, "MaxTime", part->max_time, NO_VAL, INFINITE);
	put_minutes(to, "DefaultTime", part->default_time, NO_VAL, INFINITE);
	put_minutes(to, "OverTimeLimit", part->over_time_limit, NO_VAL16,
		    INFINITE16);
	return to;
}

int helper_partitions(const char *name)
{
	partition_info_msg_t *all = NULL;
	json_t *list = json_array();

	if (slurm_load_partitions(0, &all, SHOW_ALL)) {
		json_decref(list);
		return helper_refuse(errno);
	}
	for (uint32_t i = 0; i < all->record_count; i++) {
		const partition_info_t *part = &all->partition_array[i];

		if (part->name && (!name || strcmp(part->name, name) == 0))
			json_array_append_new(list, partition(part));
	}
	slurm_free_partition_info_msg(all);
	return helper_print(json_pack("{s:b,s:o}", "ok", 1, "partitions",
				      list), 0);
}
