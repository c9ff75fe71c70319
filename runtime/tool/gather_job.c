/*
 * A job that is there: its record, its script, and this process's environment.
 */
#include "tool/gather.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sys/spawn.h"

/* A key of what `scontrol show job` printed, between the line with the job's
 * name and the user's other words. Into buf, "" where it is not there. */
static const char *job_field(const char *text, const char *key, char *buf,
			     size_t size)
{
	size_t n = strlen(key);

	buf[0] = '\0';
	text = strchr(text, '\n');
	for (const char *p = text ? strstr(text, key) : NULL; p;
	     p = strstr(p + 1, key))
		if (p[n] == '=' &&
		    isspace((unsigned char)p[-1])) {
			p += n + 1;
			snprintf(buf, size, "%.*s",
				 (int)strcspn(p, strcmp(key, "WorkDir") == 0
							 ? "\n" : " \n"), p);
			break;
		}
	return buf;
}

/* "JobId=6 ArrayJobId=5 ArrayTaskId=1 JobName=..." */
static int head_has(const char *text, const char *key)
{
	const char *name = strstr(text, " JobName=");
	const char *at = strstr(text, key);

	return name && at && at < name;
}

static void take_record(struct rp_gathered *all, const char *text)
{
	struct rp_facts *f = &all->facts;
	char buf[512];
	int64_t value;

	f->known = 1;
	if (*job_field(text, "Partition", buf, sizeof(buf)) &&
	    !all->partition)
		all->partition = strdup(buf);
	if (*job_field(text, "WorkDir", buf, sizeof(buf)) && !all->workdir)
		all->workdir = strdup(buf);
	if (rp_parse_int(job_field(text, "Requeue", buf, sizeof(buf)), 0, 1,
			 &value) == 0)
		f->requeue = (int)value;
	if (rp_parse_int(job_field(text, "BatchFlag", buf, sizeof(buf)), 0, 2,
			 &value) == 0)
		f->batch = value > 0;
	if (rp_parse_int(job_field(text, "NumNodes", buf, sizeof(buf)), 1,
			 INT32_MAX, &value) == 0)
		f->nodes = value;
	if (rp_conf_time(job_field(text, "TimeLimit", buf, sizeof(buf)),
			 &value) == 0)
		f->limit_s = value;
	f->array |= head_has(text, " ArrayTaskId=");
	f->het |= head_has(text, " HetJobId=");
}

/* Runs `scontrol ...`; what it printed is the caller's, NULL where it failed. */
static char *scontrol(struct rp_gathered *all, const char *const argv[])
{
	struct rp_spawned got;
	char *text = NULL;

	if (rp_sched_run(&all->sched, argv, &got) != RP_DONE)
		return NULL;
	if (got.reaped && got.status == 0 && got.signal == 0)
		text = strdup(got.out);
	else
		rp_sched_say(&all->sched, got.err_len ? got.err : got.out);
	rp_spawned_free(&got);
	return text;
}

static void take_job_script(struct rp_gathered *all, const char *id)
{
	const char *const argv[] = { "scontrol", "write", "batch_script", id,
				     "-", NULL };
	char *text = scontrol(all, argv);
	struct rp_err quiet = { 0 };

	if (text && rp_gather_script(all, id, text, &quiet) != 0)
		rp_script_free(&all->script);
	free(text);
}

/* Only the environment of a job tells it, where there is no scontrol. */
static void take_job_environment(struct rp_gathered *all)
{
	const char *partition = getenv("SLURM_JOB_PARTITION");
	const char *nodes = getenv("SLURM_JOB_NUM_NODES");
	struct rp_facts *f = &all->facts;

	f->known = 1;
	if (partition && !all->partition)
		all->partition = strdup(partition);
	if (nodes)
		(void)rp_parse_int(nodes, 1, INT32_MAX, &f->nodes);
	f->array |= getenv("SLURM_ARRAY_TASK_ID") != NULL;
	f->het |= all->sched.job.het_size > 1;
}

/* What started this process, where no script tells. */
static enum rp_start launcher_here(const struct rp_gathered *all)
{
	if (getenv("TORCHELASTIC_RUN_ID"))
		return RP_START_TORCHRUN;
	if (all->sched.job.by_mpirun)
		return getenv("RALLYPOINT_RUN") ? RP_START_RUN_MPIRUN
						: RP_START_MPIRUN;
	return all->sched.job.step >= 0 && getenv("SLURM_PROCID")
		       ? RP_START_SRUN : RP_START_NONE;
}

int rp_gather_job(struct rp_gathered *all, const char *id, int own,
		  struct rp_err *err)
{
	const char *const argv[] = { "scontrol", "show", "job", id, NULL };
	char *text = NULL;

	if (all->sched.ops == &rp_sched_scontrol) {
		take_job_script(all, id);
		text = scontrol(all, argv);
		if (!text)
			return rp_fail(err, RALLY_EARG, "job %s: %s", id,
				       all->sched.detail);
		take_record(all, text);
		free(text);
	} else if (!own) {
		return rp_fail(err, RALLY_EARG,
			       "job %s: only scontrol tells of another job, and "
			       "it is not on PATH", id);
	}
	if (own)
		take_job_environment(all);
	if (own && all->facts.launcher == RP_START_NONE) {
		all->facts.launcher = launcher_here(all);
		all->facts.in_step = all->sched.job.step >= 0;
	}
	return 0;
}
