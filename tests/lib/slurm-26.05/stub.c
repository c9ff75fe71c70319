/*
 * stub.c - a libslurm that says on stderr what it was asked, and answers with
 * one job, two steps, and one partition
 */
#include <errno.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
	char *to = strdup(text);

	if (!to)
		abort();
	return to;
}

static void *zeroed(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p)
		abort();
	return p;
}

static void say_step(const char *what, slurm_step_id_t step)
{
	fprintf(stderr, "%s sluid %llu job %u step %#x component %#x\n", what,
		(unsigned long long)step.sluid, step.job_id, step.step_id,
		step.step_het_comp);
}

void slurm_init(const char *conf)
{
	fprintf(stderr, "init %s\n", conf ? conf : "NULL");
}

/* Job 12 is there; no other. */
int slurm_load_job(job_info_msg_t **resp, slurm_step_id_t step_id,
		   uint16_t show_flags)
{
	say_step("load_job", step_id);
	if (step_id.job_id != 12 || show_flags != SHOW_ALL) {
		errno = ESLURM_INVALID_JOB_ID;
		return SLURM_ERROR;
	}
	*resp = zeroed(1, sizeof(**resp));
	(*resp)->record_count = 1;
	(*resp)->job_array = zeroed(1, sizeof(slurm_job_info_t));
	(*resp)->job_array->job_state = JOB_RUNNING | JOB_COMPLETING;
	(*resp)->job_array->state_reason = FAIL_TIMEOUT;
	(*resp)->job_array->restart_cnt = 3;
	(*resp)->job_array->start_time = 100;
	(*resp)->job_array->end_time = 200;
	(*resp)->job_array->requeue = 1;
	(*resp)->job_array->batch_flag = 1;
	return 0;
}

void slurm_free_job_info_msg(job_info_msg_t *msg)
{
	free(msg->job_array);
	free(msg);
}

int slurm_get_job_steps(slurm_step_id_t *step_id,
			job_step_info_response_msg_t **resp,
			uint16_t show_flags)
{
	say_step("get_job_steps", *step_id);
	if (show_flags != SHOW_ALL)
		return SLURM_ERROR;
	*resp = zeroed(1, sizeof(**resp));
	(*resp)->job_step_count = 2;
	(*resp)->job_steps = zeroed(2, sizeof(job_step_info_t));
	(*resp)->job_steps[0].state = JOB_RUNNING;
	(*resp)->job_steps[0].step_id.step_id = SLURM_BATCH_SCRIPT;
	(*resp)->job_steps[1].state = JOB_RUNNING;
	return 0;
}

void slurm_free_job_step_info_response_msg(job_step_info_response_msg_t *msg)
{
	free(msg->job_steps);
	free(msg);
}

int slurm_requeue(slurm_step_id_t step_id, uint32_t flags)
{
	say_step("requeue", step_id);
	fprintf(stderr, "flags %#x\n", flags);
	if (step_id.job_id == 12)
		return 0;
	errno = ESLURM_DISABLED;
	return SLURM_ERROR;
}

int slurm_requeue2(char *job_id, uint32_t flags, job_array_resp_msg_t **resp)
{
	fprintf(stderr, "requeue2 %s flags %#x\n", job_id, flags);
	*resp = NULL;
	return 0;
}

void slurm_free_job_array_resp(job_array_resp_msg_t *resp)
{
	free(resp);
}

void slurm_init_job_desc_msg(job_desc_msg_t *msg)
{
	memset(msg, 0, sizeof(*msg));
}

int slurm_update_job(job_desc_msg_t *msg)
{
	fprintf(stderr, "update_job %s: %s\n", msg->job_id_str, msg->comment);
	return 0;
}

int slurm_load_ctl_conf(time_t update_time, slurm_conf_t **conf)
{
	static int pairs;

	fprintf(stderr, "load_ctl_conf since %lld\n", (long long)update_time);
	*conf = zeroed(1, sizeof(**conf));
	(*conf)->version = copy("26.05.0");
	(*conf)->proctrack_type = copy("proctrack/cgroup");
	(*conf)->preempt_mode = PREEMPT_MODE_SUSPEND | PREEMPT_MODE_GANG;
	(*conf)->kill_wait = 30;
	(*conf)->over_time_limit = INFINITE16;
	(*conf)->cgroup_conf = &pairs;
	return 0;
}

void slurm_free_conf(slurm_conf_t *conf)
{
	fprintf(stderr, "free_conf\n");
	free(conf->version);
	free(conf->proctrack_type);
	free(conf);
}

void slurm_print_key_pairs(FILE *out, void *pairs, char *title)
{
	(void)pairs;
	fprintf(out, "%sConstrainCores          = no\n"
		"SignalChildrenProcesses = yes\n", title);
}

int slurm_load_partitions(time_t update_time, partition_info_msg_t **resp,
			  uint16_t show_flags)
{
	fprintf(stderr, "load_partitions since %lld, flags %u\n",
		(long long)update_time, show_flags);
	*resp = zeroed(1, sizeof(**resp));
	(*resp)->record_count = 1;
	(*resp)->partition_array = zeroed(1, sizeof(partition_info_t));
	(*resp)->partition_array->name = copy("low");
	(*resp)->partition_array->flags = PART_FLAG_DEFAULT;
	(*resp)->partition_array->preempt_mode = NO_VAL16;
	(*resp)->partition_array->grace_time = 20;
	(*resp)->partition_array->max_time = 90;
	(*resp)->partition_array->default_time = NO_VAL;
	(*resp)->partition_array->over_time_limit = NO_VAL16;
	return 0;
}

void slurm_free_partition_info_msg(partition_info_msg_t *msg)
{
	free(msg->partition_array->name);
	free(msg->partition_array);
	free(msg);
}

char *slurm_strerror(int code)
{
	static char text[32];

	snprintf(text, sizeof(text), "error %d", code);
	return text;
}
