/*
 * tool/gather.h - the facts, from Slurm, a script, a job's record, a folder
 */
#ifndef RP_TOOL_GATHER_H
#define RP_TOOL_GATHER_H

#include "base/err.h"
#include "base/options.h"
#include "sys/sched.h"
#include "tool/facts.h"
#include "tool/script.h"

/* What a user names; NULL where not given. */
struct rp_gather_from {
	const char *script;	/* its path */
	const char *text;	/* what is in it, where it is not there yet */
	const char *job;	/* its id */
	const char *partition, *folder;
	char **arguments;	/* of the script */
	size_t n_arguments;
};

struct rp_gathered {
	struct rp_facts facts;
	struct rp_script script;
	struct rp_options options;
	struct rp_sched sched;
	int opened;
	int64_t tasks;		/* or -1 */
	char *folder, *partition, *title, *workdir;
	char option[RP_ERR_TEXT];
};

/* Fills `*all`, to be freed in any case. Errors: RALLY_EARG for what is no
 * script, partition or job, RALLY_EIO where a file can't be read,
 * RALLY_EREQUEUE where Slurm does not answer, RALLY_ENOMEM. */
int rp_gather(struct rp_gathered *all, const struct rp_gather_from *from,
	      struct rp_err *err);
void rp_gathered_free(struct rp_gathered *all);

/*
 * Its parts
 */

/* Takes what a script says; `path` is for the sentence. */
int rp_gather_script(struct rp_gathered *all, const char *path,
		     const char *text, struct rp_err *err);

/* The same of a job's record and its script; own: this process is in it. */
int rp_gather_job(struct rp_gathered *all, const char *id, int own,
		  struct rp_err *err);

/* The folder that the user names, NULL: the script's. */
void rp_gather_folder(struct rp_gathered *all, const char *given);

#endif
