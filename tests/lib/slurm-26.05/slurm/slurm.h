/*
 * slurm.h - what the helper uses of Slurm 26.05's header
 *
 * For a machine whose Slurm is older: the branches for 26.05 are compiled
 * against this, and run with the functions of ../stub.c. Only names, types and
 * arguments are those of the real header. What has changed there since 22.05:
 *
 *     slurm_load_job, slurm_requeue   a slurm_step_id_t instead of the job's id
 *     slurm_get_job_steps             a pointer to one, and no update_time
 *     slurm_free_ctl_conf             is slurm_free_conf
 *     slurm_step_id_t                 begins with the step's unique id
 */
#ifndef STUB_SLURM_H
#define STUB_SLURM_H

#include <slurm/slurm_version.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define NO_VAL16 ((uint16_t)0xfffe)
#define INFINITE16 ((uint16_t)0xffff)
#define NO_VAL ((uint32_t)0xfffffffe)
#define INFINITE ((uint32_t)0xffffffff)
#define SLURM_ERROR (-1)
#define SHOW_ALL ((uint16_t)1)

#define SLURM_PENDING_STEP ((uint32_t)0xfffffffd)
#define SLURM_EXTERN_CONT ((uint32_t)0xfffffffc)
#define SLURM_BATCH_SCRIPT ((uint32_t)0xfffffffb)
#define SLURM_INTERACTIVE_STEP ((uint32_t)0xfffffffa)

enum job_states {
	JOB_PENDING, JOB_RUNNING, JOB_SUSPENDED, JOB_COMPLETE, JOB_CANCELLED,
	JOB_FAILED, JOB_TIMEOUT, JOB_NODE_FAIL, JOB_PREEMPTED, JOB_BOOT_FAIL,
	JOB_DEADLINE, JOB_OOM
};
enum job_state_reason { WAIT_NO_REASON, FAIL_TIMEOUT };

#define JOB_STATE_BASE 0xff
#define JOB_REQUEUE 0x400
#define JOB_CONFIGURING 0x4000
#define JOB_COMPLETING 0x8000
#define JOB_STOPPED 0x10000
#define JOB_SPECIAL_EXIT 0x100000
#define JOB_REQUEUE_HOLD 0x200000

#define PREEMPT_MODE_OFF 0x0000
#define PREEMPT_MODE_SUSPEND 0x0001
#define PREEMPT_MODE_REQUEUE 0x0002
#define PREEMPT_MODE_CANCEL 0x0008
#define PREEMPT_MODE_WITHIN 0x4000
#define PREEMPT_MODE_GANG 0x8000
#define PART_FLAG_DEFAULT 0x0001

typedef uint64_t sluid_t;
typedef struct {
	sluid_t sluid;
	uint32_t job_id;
	uint32_t step_het_comp;
	uint32_t step_id;
} slurm_step_id_t;

typedef struct {
	uint32_t array_job_id;
	uint32_t array_task_id;
	uint16_t batch_flag;
	time_t end_time;
	uint32_t het_job_id;
	uint32_t het_job_offset;
	uint32_t job_state;
	time_t preempt_time;
	uint16_t requeue;
	uint16_t restart_cnt;
	time_t start_time;
	uint32_t state_reason;
} slurm_job_info_t;

typedef struct {
	uint32_t record_count;
	slurm_job_info_t *job_array;
} job_info_msg_t;

typedef struct {
	uint32_t array_task_id;
	char *name;
	uint32_t state;
	slurm_step_id_t step_id;
} job_step_info_t;

typedef struct {
	uint32_t job_step_count;
	job_step_info_t *job_steps;
} job_step_info_response_msg_t;

typedef struct {
	char *comment;
	uint32_t job_id;
	char *job_id_str;
} job_desc_msg_t;

typedef struct {
	uint32_t job_array_count;
	uint32_t *error_code;
} job_array_resp_msg_t;

typedef struct {
	char *authinfo;
	void *cgroup_conf;
	uint16_t job_file_append;
	uint16_t job_requeue;
	uint16_t kill_wait;
	char *launch_params;
	char *mpi_default;
	uint16_t over_time_limit;
	uint16_t preempt_mode;
	char *preempt_type;
	char *proctrack_type;
	char *requeue_exit;
	char *requeue_exit_hold;
	char *version;
} slurm_conf_t;

typedef struct {
	uint32_t default_time;
	uint32_t flags;
	uint32_t grace_time;
	uint32_t max_time;
	char *name;
	char *nodes;
	uint16_t over_time_limit;
	uint16_t preempt_mode;
	uint16_t priority_tier;
	uint32_t total_nodes;
} partition_info_t;

typedef struct {
	uint32_t record_count;
	partition_info_t *partition_array;
} partition_info_msg_t;

void slurm_init(const char *conf);
int slurm_load_job(job_info_msg_t **resp, slurm_step_id_t step_id,
		   uint16_t show_flags);
void slurm_free_job_info_msg(job_info_msg_t *msg);
int slurm_get_job_steps(slurm_step_id_t *step_id,
			job_step_info_response_msg_t **resp,
			uint16_t show_flags);
void slurm_free_job_step_info_response_msg(job_step_info_response_msg_t *msg);
int slurm_requeue(slurm_step_id_t step_id, uint32_t flags);
int slurm_requeue2(char *job_id, uint32_t flags, job_array_resp_msg_t **resp);
void slurm_free_job_array_resp(job_array_resp_msg_t *resp);
void slurm_init_job_desc_msg(job_desc_msg_t *msg);
int slurm_update_job(job_desc_msg_t *msg);
int slurm_load_ctl_conf(time_t update_time, slurm_conf_t **conf);
void slurm_free_conf(slurm_conf_t *conf);
void slurm_print_key_pairs(FILE *out, void *pairs, char *title);
int slurm_load_partitions(time_t update_time, partition_info_msg_t **resp,
			  uint16_t show_flags);
void slurm_free_partition_info_msg(partition_info_msg_t *msg);

#endif
