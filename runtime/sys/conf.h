/*
 * sys/conf.h - how the site has set up Slurm
 *
 *     if (rp_sched_conf(&s, &conf) == RP_DONE && conf.kill_wait >= 0) ...
 *     if (rp_sched_partition(&s, "low", &part) != RP_DONE)
 *             say(s.detail);
 *
 * Two sources, as for a job's record: what scontrol prints, and the helper over
 * libslurm, which gives the same keys and values in JSON. Who does not wait for
 * an answer starts the backend's site_command() itself (sys/child.h) and gives
 * what was heard to hear_conf(), or the text to rp_conf_read_text().
 *
 * A key that is missing, or that holds something else than it should, leaves
 * the field "not known": -1 for numbers, "" for texts.
 */
#ifndef RP_SYS_CONF_H
#define RP_SYS_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "sys/sched.h"

#define RP_TIME_UNLIMITED INT64_MAX

/* Times in seconds. */
struct rp_conf {
	char version[24];	/* "22.05.8" */
	char preempt_type[48];	/* "preempt/partition_prio" */
	char preempt_mode[48];	/* "REQUEUE", "GANG,SUSPEND" */
	char proctrack[48];	/* "proctrack/cgroup" */
	char requeue_exit[128];	/* "1-5,81"; see rp_conf_lists() */
	char requeue_exit_hold[128];
	char launch_params[256];
	char mpi_default[48];
	int64_t kill_wait;	/* between SIGTERM and SIGKILL */
	int64_t over_time_limit;
	int64_t cred_expire;	/* how long a requeued job waits at least */
	int job_requeue;	/* what a job without --requeue gets */
	int file_append;	/* JobFileAppend: the default of --open-mode */
	int signal_children;	/* SignalChildrenProcesses of cgroup.conf; not
				   known (and so off) before Slurm 23.02 */
};

struct rp_partition {
	char name[64];
	char preempt_mode[48];	/* "": the site's */
	char nodes[128];	/* cut where it is longer */
	int64_t grace_time;
	int64_t priority_tier;
	int64_t max_time;
	int64_t default_time;	/* not known: max_time */
	int64_t over_time_limit; /* not known: the site's */
	int64_t total_nodes;
	int is_default;
};

/* Everything not known. */
void rp_conf_init(struct rp_conf *conf);

/* Reads what `scontrol show config` printed. 0, or -1 where it is something
 * else: no key of it is known. */
int rp_conf_read_text(const char *text, struct rp_conf *conf);

/* The partition `name` (NULL: the default one) of what `scontrol show
 * partition` printed, with or without -o. 0, or -1 where it is not among
 * them. */
int rp_partition_read_text(const char *text, const char *name,
			   struct rp_partition *part);

/* One key with its value as scontrol prints it, for other sources; keys that
 * do not matter here are passed over. 1 where it was one that does. */
int rp_conf_set(struct rp_conf *conf, const char *key, const char *value);
int rp_partition_set(struct rp_partition *part, const char *key,
		     const char *value);
void rp_partition_init(struct rp_partition *part);

/* Asks Slurm, outside of a job too. RP_DONE, or why not, with s->detail;
 * RP_FAILED also for a partition that is not there. A partition's name is
 * checked before it goes onto a command line. */
enum rp_answer rp_sched_conf(struct rp_sched *s, struct rp_conf *conf);
enum rp_answer rp_sched_partition(struct rp_sched *s, const char *name,
				  struct rp_partition *part);

/* Whether a list of exit codes ("1-5,81") holds `code`. */
int rp_conf_lists(const char *list, int code);

/* A time as Slurm writes it and sbatch takes it: "90" (minutes), "90:30",
 * "1:30:00", "2-12", "2-12:30", "1-00:00:00", "UNLIMITED". 0 and seconds, or
 * -1. */
int rp_conf_time(const char *text, int64_t *seconds);

#endif
