#include "flow/claim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/recycle.h"
#include "flow/words.h"
#include "sys/mount.h"

static int job_active(void *arg, const char *job)
{
	return rp_sched_job_active(arg, job);
}

/* Rank 0. */
static int take(struct rally *rp, const char *dir, struct rp_owner *owner)
{
	struct rp_pool *pool = dir == rp->dir ? rp_recycle_pool(rp) : NULL;
	struct rp_err sweep = { 0 };
	int rc = rp_folder_make(&rp->io, dir, &rp->err);

	if (rc == 0)
		rc = rp_owner_take(&rp->io, owner, dir, rp->job.id,
				   rp->job.restarts, job_active, &rp->sched,
				   &rp->err);
	/* What can't be removed is in nobody's way. */
	if (rc == 0 && rp_folder_sweep(&rp->io, dir, pool, &sweep) != 0)
		rp_words_error(rp, "clearing what a crash left", &sweep);
	return rc;
}

/* One rank of each node but rank 0's. */
static int look_for_claim(struct rally *rp, const char *dir,
			  const struct rp_owner *owner)
{
	char *text = NULL;
	size_t size = 0;

	if (rp->comm.rank == 0) {
		text = owner->text;
		size = strlen(text);
	}
	if (rp_comm_bcast_text(&rp->comm, &text, &size, &rp->err) == 0 &&
	    rp->comm.rank != 0 && rp->node.local_rank == 0)
		rp_owner_await(&rp->io, dir, text, &rp->err);
	if (rp->comm.rank != 0)
		free(text);
	return rp_comm_settle(&rp->comm, &rp->err);
}

int rp_claim_folder(struct rally *rp, const char *dir, struct rp_owner *owner)
{
	if (rp->comm.rank == 0)
		take(rp, dir, owner);
	if (rp_comm_root(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	return rp->node.nodes > 1 ? look_for_claim(rp, dir, owner) : 0;
}

/* Rank 0: the next sequence is beyond all that the folder has. */
static int count_on(struct rally *rp, const char *dir)
{
	struct rp_standing *standing = &rp->standing;
	int begun = standing->next > standing->first;
	struct rp_folder folder = { 0 };
	int rc = rp_folder_list(&rp->io, &folder, dir, &rp->err);

	/* A link by a checkpoint's name is none, but has the name. */
	if (rc == 0 && folder.last >= standing->next)
		standing->next = folder.last + 1;
	if (rc == 0 && standing->next > RP_SEQUENCE_MAX)
		rc = rp_fail(&rp->err, RALLY_EIO,
			     "%s: checkpoint %lld leaves no number for another; "
			     "remove what has this name", dir,
			     (long long)folder.last);
	if (!begun)
		standing->first = standing->next;
	rp_folder_free(&folder);
	return rc;
}

static int share_count(struct rally *rp, const char *dir)
{
	if (rp->comm.rank == 0)
		count_on(rp, dir);
	if (rp_comm_root(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	return rp_comm_bcast(&rp->comm, &rp->standing.next,
			     sizeof(rp->standing.next), &rp->err);
}

/* Where nothing can be written now, but there is another folder, the run goes on
 * without this one: 1, and rp->err is *why. */
static int set_aside(struct rally *rp, struct rp_err *why)
{
	if (!rp_fallback_helps(&rp->err))
		return 0;
	*why = rp->err;
	rp_err_clear(&rp->err);
	return 1;
}

static void tell_without(struct rally *rp, const char *dir,
			 const struct rp_err *why)
{
	char text[RP_ERR_TEXT];

	snprintf(text, sizeof(text), "%.200s can't be written to now, saves go to "
		 "the other folder until it can: %.200s", dir, why->text);
	rp_words_warn(rp, text);
}

/* Rank 0: the same folder twice would be claimed against itself. */
static void check_second(struct rally *rp, const char *dir)
{
	char *a = realpath(rp->dir, NULL), *b = realpath(dir, NULL);

	if (a && b && strcmp(a, b) == 0)
		rp_fail(&rp->err, RALLY_EOPTION,
			"fallback=%.200s is the checkpoint folder itself", dir);
	free(a);
	free(b);
}

int rp_claim_second(struct rally *rp)
{
	struct rp_second second = { 0 };
	struct rp_err why = { 0 };

	if (!*rp->options.fallback) {
		rp_fallback_close(rp);
		return 0;
	}
	second.dir = strdup(rp->options.fallback);
	if (!second.dir)
		rp_fail(&rp->err, RALLY_ENOMEM, "fallback: no memory");
	else if (rp->comm.rank == 0)
		check_second(rp, second.dir);
	if (rp_comm_settle(&rp->comm, &rp->err) == 0 &&
	    rp_claim_folder(rp, second.dir, &second.owner) != 0 &&
	    !rp->unclaimed)
		second.unclaimed = set_aside(rp, &why);
	if (rp->err.code != 0 || share_count(rp, second.dir) != 0) {
		rp_owner_release(&second.owner);
		free(second.dir);
		return rp->err.code;
	}
	rp_fallback_close(rp);
	rp->second = second;
	if (second.unclaimed)
		tell_without(rp, second.dir, &why);
	return 0;
}

int rp_claim(struct rally *rp)
{
	struct rp_err why = { 0 };

	if (rp_claim_folder(rp, rp->dir, &rp->owner) != 0 &&
	    *rp->options.fallback)
		rp->unclaimed = set_aside(rp, &why);
	if (rp->err.code != 0 || share_count(rp, rp->dir) != 0 ||
	    rp_claim_second(rp) != 0)
		return rp->err.code;
	if (rp->unclaimed)
		tell_without(rp, rp->dir, &why);
	return 0;
}

static void warn_of_mount(struct rally *rp, const char *dir)
{
	const char *doubt = rp_mount_doubt(dir);
	char text[RP_ERR_TEXT];

	if (!doubt)
		return;
	snprintf(text, sizeof(text), "%s %s", dir, doubt);
	rp_words_warn(rp, text);
}

void rp_claim_warn(struct rally *rp)
{
	if (rp->comm.rank != 0)
		return;
	warn_of_mount(rp, rp->dir);
	if (rp->second.dir)
		warn_of_mount(rp, rp->second.dir);
}

static int has_room(struct rally *rp, const char *dir, uint64_t bytes,
		    struct rp_err *err)
{
	const struct rp_pool *pool = dir == rp->dir ? &rp->pool : NULL;

	return rp_folder_space(&rp->io, dir, pool, bytes, err) != RALLY_ENOSPC;
}

void rp_claim_warn_space(struct rally *rp, uint64_t bytes)
{
	const char *second = rp->second.dir;
	struct rp_err err = { 0 };
	char text[RP_ERR_TEXT];

	if (rp->comm.rank != 0)
		return;
	if (has_room(rp, rp->dir, bytes, &err)) {
		rp->told_space = 0;
		return;
	}
	if (rp->told_space++)
		return;
	snprintf(text, sizeof(text), "the next save will not fit: %.300s%s%.100s",
		 err.text, !second ? ""
			   : has_room(rp, second, bytes, NULL)
				   ? "; it goes to "
				   : "; neither does it fit into ",
		 second ? second : "");
	rp_words_warn(rp, text);
}
