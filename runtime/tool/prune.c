/*
 * tool/prune.c - `rallypoint prune`: removes old checkpoints by hand
 *
 * What is removed is gone, so what stays is looked at first: a checkpoint that
 * is not whole does not count as one of the K to keep, and goes with the old
 * ones, as after a save of the library's own. Where none is whole, or where one
 * can't be read, nothing is removed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "data/event.h"
#include "sys/owner.h"
#include "sys/sched.h"
#include "tool/bar.h"
#include "tool/check.h"
#include "tool/load.h"
#include "tool/print.h"
#include "tool/tool.h"

#define ANSWER_MS 20000	/* longest wait for one answer of Slurm's */

/* What is to go. */
struct plan {
	struct rp_folder folder;
	struct rp_retention rule;
	struct rp_doubt *bad;	/* those that are not whole; the rule's doubts */
	enum rp_stay *stays;	/* of each of the folder */
	char *whole;		/* likewise: it was looked at */
};

static int note_bad(struct plan *plan, size_t i, const struct rp_check *check,
		    struct rp_err *err)
{
	const char *why = check->bad.n > 0 ? check->bad.v[0] : "";

	if (check->unreadable)
		return rp_fail(err, RALLY_EIO, "nothing was removed, since %s "
			       "can't be judged: %s", plan->folder.v[i].name,
			       why);
	plan->bad[plan->rule.n_doubts].sequence = plan->folder.v[i].sequence;
	plan->bad[plan->rule.n_doubts++].damaged = 1;
	rp_complain("%s is not whole and does not count: %s",
		    plan->folder.v[i].name, why);
	return 0;
}

/* Pinned ones stay whatever they are. */
static int is_to_be_looked_at(const struct plan *plan, size_t i)
{
	return !plan->whole[i] && (plan->stays[i] == RP_STAYS ||
				   plan->stays[i] == RP_STAYS_EVERY);
}

static int look_at(struct plan *plan, size_t i, enum rp_depth depth,
		   struct rp_bar *bar, struct rp_err *err)
{
	struct rp_check check;
	int rc = rp_check_run(&check, &plan->folder.v[i], depth, bar, err);

	rp_bar_clear(bar);
	/* One of a newer version is another's to judge: it stays. */
	if (rc == 0 && (check.code == 0 || check.code == RALLY_EVERSION))
		plan->whole[i] = 1;
	else if (rc == 0)
		rc = note_bad(plan, i, &check, err);
	rp_check_free(&check);
	return rc;
}

/* Those that are to stay, and for each that is not whole those that are to stay in
 * its place, until all of them are whole. */
static int look_at_those_that_stay(struct plan *plan,
				   const struct rp_args *args,
				   struct rp_err *err)
{
	enum rp_depth depth = args->verify ? RP_CHECK_BYTES : RP_CHECK_LENGTHS;
	size_t keep = plan->rule.keep, n = plan->folder.n;
	struct rp_bar bar;
	int rc = 0;

	rp_bar_begin(&bar, "verifying",
		     rp_load_bytes(plan->folder.v, keep < n ? keep : n));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t bad = plan->rule.n_doubts;

		if (!is_to_be_looked_at(plan, i))
			continue;
		rc = look_at(plan, i, depth, &bar, err);
		if (rc != 0 || plan->rule.n_doubts == bad)
			continue;
		rp_retain_among(&plan->folder, &plan->rule, plan->stays);
		i = (size_t)-1;	/* from the newest on again */
	}
	return rc;
}

/* What becomes of one of them. */
typedef int is_fn(enum rp_stay stays);

static int goes(enum rp_stay stays)
{
	return stays == RP_GOES || stays == RP_GOES_BAD;
}

static int remains(enum rp_stay stays)
{
	return !goes(stays);
}

static int is_pinned(enum rp_stay stays)
{
	return stays == RP_STAYS_PINNED || stays == RP_STAYS_EVERY;
}

/* Something would go, and what would stay in its place is not there. */
static int none_is_whole(const struct plan *plan)
{
	size_t whole = 0, going = 0;

	for (size_t i = 0; i < plan->folder.n; i++) {
		whole += plan->whole[i] != 0;
		going += goes(plan->stays[i]) != 0;
	}
	return whole == 0 && going > 0;
}

static int make_plan(struct plan *plan, const struct rp_args *args,
		     struct rp_err *err)
{
	int rc = rp_folder_list(NULL, &plan->folder, args->dir, err);

	if (rc != 0)
		return rc;
	plan->bad = calloc(plan->folder.n + 1, sizeof(*plan->bad));
	plan->stays = calloc(plan->folder.n + 1, sizeof(*plan->stays));
	plan->whole = calloc(plan->folder.n + 1, 1);
	if (!plan->bad || !plan->stays || !plan->whole)
		return rp_fail(err, RALLY_ENOMEM, "prune: no memory");
	plan->rule = (struct rp_retention){ (size_t)args->keep,
					    args->keep_every, 0, plan->bad, 0 };
	rc = rp_retain(NULL, &plan->folder, &plan->rule, plan->stays, err);
	if (rc == 0)
		rc = look_at_those_that_stay(plan, args, err);
	if (rc == 0 && none_is_whole(plan))
		rc = rp_fail(err, RALLY_ECORRUPT,
			     "%s: nothing was removed, since none of its %zu "
			     "checkpoints is whole and not pinned; `rallypoint "
			     "verify` tells what is wrong with each", args->dir,
			     plan->folder.n);
	return rc;
}

static void plan_free(struct plan *plan)
{
	rp_folder_free(&plan->folder);
	free(plan->bad);
	free(plan->stays);
	free(plan->whole);
}

static json_t *names_json(const struct plan *plan, is_fn *is)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->folder.n; i++)
		if (is(plan->stays[i]))
			json_array_append_new(array, json_string(
						plan->folder.v[i].name));
	return array;
}

static int tell(const struct plan *plan, const struct rp_args *args,
		struct rp_err *err)
{
	const char *verb = args->dry_run ? "would remove" : "removed";
	size_t leftovers = plan->folder.partials;

	if (args->json)
		return rp_json_print(
			json_pack("{s:o,s:b,s:o,s:o,s:o,s:I,s:I}", "dir",
				  rp_json_text(args->dir), "dry_run",
				  args->dry_run, "kept",
				  names_json(plan, remains), "pinned",
				  names_json(plan, is_pinned), "removed",
				  names_json(plan, goes), "leftovers",
				  (json_int_t)leftovers, "pools",
				  (json_int_t)plan->folder.pools),
			0, err);
	for (size_t i = 0; i < plan->folder.n; i++)
		printf("%s %s%s\n", goes(plan->stays[i]) ? verb : "keeps",
		       plan->folder.v[i].name,
		       is_pinned(plan->stays[i]) ? " (pinned)" : "");
	if (leftovers > 0)
		printf("%s %zu partial director%s left by crashes\n", verb,
		       leftovers, leftovers == 1 ? "y" : "ies");
	if (plan->folder.pools > 0)
		printf("%s pruned shards that were kept to be written over\n",
		       verb);
	return 0;
}

/* With the folder in our hands. */
static int prune_claimed(const struct rp_args *args, struct rp_err *err)
{
	struct plan plan = { 0 };
	size_t pruned = 0;
	struct rp_job job;
	int rc = make_plan(&plan, args, err);

	if (rc == 0 && !args->dry_run) {
		rc = rp_folder_prune(NULL, args->dir, &plan.rule, NULL, &pruned,
				     err);
		if (rc == 0)
			rc = rp_folder_sweep(NULL, args->dir, NULL, err);
		rp_job_from_env(&job);
		/* An event that can't be written must not fail the pruning. */
		if (pruned > 0)
			(void)rp_event_append(NULL, args->dir, "pruned", job.id,
					      job.restarts,
					      json_pack("{s:I}", "count",
							(json_int_t)pruned),
					      NULL);
	}
	if (rc == 0)
		rc = tell(&plan, args, err);
	plan_free(&plan);
	return rc;
}

static int job_active(void *arg, const char *job)
{
	return rp_sched_job_active(arg, job);
}

/* Slurm can be asked from outside of a job too, where its command is there. */
static int open_sched(struct rp_sched *sched, struct rp_err *err)
{
	if (rp_sched_open(sched, "scontrol", NULL, ANSWER_MS, NULL) == 0 ||
	    rp_sched_open(sched, "libslurm", NULL, ANSWER_MS, NULL) == 0)
		return 0;
	return rp_sched_open(sched, "none", NULL, ANSWER_MS, err);
}

int rp_tool_prune(const struct rp_args *args, struct rp_err *err)
{
	struct rp_err why = { 0 };
	struct rp_folder folder;
	struct rp_owner owner;
	struct rp_sched sched;
	int rc;

	/* A folder that is not there is told apart from one that is owned. */
	rc = rp_folder_list(NULL, &folder, args->dir, err);
	rp_folder_free(&folder);
	if (rc != 0)
		return rc;
	if (args->dry_run)
		return prune_claimed(args, err);
	rc = open_sched(&sched, err);
	if (rc != 0)
		return rc;
	/* As a run outside of Slurm: not the job whose shell this may be, whose
	 * own ranks may be at work. */
	rc = rp_owner_take(NULL, &owner, args->dir, "", 0, job_active, &sched, &why);
	if (rc == 0)
		rc = prune_claimed(args, err);
	else
		rp_fail(err, rc, "nothing was removed: %s", why.text);
	rp_owner_release(&owner);
	rp_sched_close(&sched);
	return rc;
}
