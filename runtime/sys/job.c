#include "sys/job.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ll

static int64_t env_number(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);
	int64_t value;

	if (!text || rp_parse_int(text, 0, UINT32_MAX, &value) < 0)
		return otherwise;
	return value;
}

int rp_job_id_valid(const char *id)
{
	size_t n = strspn(id, "0123456789");
	size_t m;

	if (n == 0 || strlen(id) >= RP_JOB_ID)
		return 0;
	if (id[n] == '\0')
		return 1;
	m = strspn(id + n + 1, "0123456789");
	return id[n] == '_' && m > 0 && id[n + 1 + m] == '\0';
}

/* A requeue of an array's task wants "ARRAY_TASK" (the id of the array's first
 * task is that of the whole array), one of a heterogeneous job its leader. */
static void set_id(struct rp_job *job, int64_t id)
{
	int64_t array = env_number("SLURM_ARRAY_JOB_ID", -1);
	int64_t task = env_number("SLURM_ARRAY_TASK_ID", -1);

	if (array >= 0 && task >= 0) {
		snprintf(job->id, sizeof(job->id), "%lld_%lld",
			 (long long)array, (long long)task);
		return;
	}
	if (job->het_size)
		id = env_number("SLURM_JOB_ID_HET_GROUP_0", id);
	snprintf(job->id, sizeof(job->id), "%lld", (long long)id);
}

/* Launchers that answer a TERM of their own with TERM and, later, KILL for their
 * workers: mpirun of Open MPI 4 after odls_base_sigkill_timeout (1 s), torchrun
 * after 30 s. */
static int64_t launcher_kills_after(void)
{
	if (getenv("TORCHELASTIC_RUN_ID"))
		return 30 * SECOND;
	if (getenv("OMPI_COMM_WORLD_SIZE"))
		return SECOND * env_number("OMPI_MCA_odls_base_sigkill_timeout",
					   1);
	return 0;
}

void rp_job_from_env(struct rp_job *job)
{
	int64_t id = env_number("SLURM_JOB_ID", -1);
	int64_t world = env_number("OMPI_COMM_WORLD_SIZE", 0);
	const char *cluster = getenv("SLURM_CLUSTER_NAME");
	const char *partition = getenv("SLURM_JOB_PARTITION");

	memset(job, 0, sizeof(*job));
	job->step = -1;
	job->shielded = getenv("RALLYPOINT_RUN") != NULL;
	job->kill_ns = job->shielded ? 0 : launcher_kills_after();
	if (id < 0)
		return;
	job->in_slurm = 1;
	job->by_mpirun = world > 0;
	job->het_size = (int)env_number("SLURM_HET_SIZE", 0);
	job->restarts = env_number("SLURM_RESTART_COUNT", 0);
	/* Under mpirun the step, if any, is that of its daemon. */
	if (!job->by_mpirun)
		job->step = env_number("SLURM_STEP_ID", -1);
	job->tasks = job->by_mpirun ? world
				    : env_number("SLURM_STEP_NUM_TASKS", 0);
	if (cluster)
		snprintf(job->cluster, sizeof(job->cluster), "%s", cluster);
	if (partition)
		snprintf(job->partition, sizeof(job->partition), "%s",
			 partition);
	set_id(job, id);
}
