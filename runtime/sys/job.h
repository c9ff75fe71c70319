/*
 * sys/job.h - who this process is to Slurm, from the environment
 */
#ifndef RP_SYS_JOB_H
#define RP_SYS_JOB_H

#include <stdint.h>

#define RP_JOB_ID 32 /* bytes of "4294967294_4294967294" and a NUL */

struct rp_job {
	int in_slurm;	     /* SLURM_JOB_ID is set and a number */
	int by_mpirun;	     /* in Slurm, but started by mpirun: the signals
				of Slurm do not reach the ranks, see design */
	char id[RP_JOB_ID];  /* "12"; "12_3" for an array's task; the leader's
				id for a heterogeneous job; "" outside */
	char cluster[64];    /* "" where Slurm does not say */
	char partition[64];  /* likewise */
	int64_t restarts;    /* starts before this one */
	int64_t step;	     /* of srun, or -1 */
	int64_t tasks;	     /* tasks that srun or mpirun started with this
				one, or 0 where not known */
	int het_size;	     /* components of a heterogeneous job, else 0 */
	int shielded;	     /* by `rallypoint run`: what stands between it and
				this process hears no signal */
	int64_t kill_ns;     /* from the TERM to the KILL of the launcher between
				Slurm and this process; 0: there is none that
				kills, as far as is known */
};

/* Fills `*job`. Not in Slurm: all zero but step, which is -1. */
void rp_job_from_env(struct rp_job *job);

/* 1 for "12" and "12_3", the only ids that go onto a command line. */
int rp_job_id_valid(const char *id);

#endif
