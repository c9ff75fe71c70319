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
static int take(struct rally *rp)
{
	struct rp_folder folder = { 0 };
	struct rp_err sweep = { 0 };
	int rc = rp_folder_make(&rp->io, rp->dir, &rp->err);

	if (rc == 0)
		rc = rp_owner_take(&rp->io, &rp->owner, rp->dir, rp->job.id,
				   rp->job.restarts, job_active, &rp->sched,
				   &rp->err);
	/* What can't be removed is in nobody's way. */
	if (rc == 0 && rp_folder_sweep(&rp->io, rp->dir,
				       rp_recycle_pool(rp), &sweep) != 0)
		rp_words_error(rp, "clearing what a crash left", &sweep);
	if (rc == 0)
		rc = rp_folder_list(&rp->io, &folder, rp->dir, &rp->err);
	/* A link by a checkpoint's name is none, but has the name. */
	if (rc == 0)
		rp->standing.next = folder.last + 1;
	if (rc == 0 && rp->standing.next > RP_SEQUENCE_MAX)
		rc = rp_fail(&rp->err, RALLY_EIO,
			     "%s: checkpoint %lld leaves no number for another; "
			     "remove what has this name", rp->dir,
			     (long long)folder.last);
	rp->standing.first = rp->standing.next;
	rp_folder_free(&folder);
	return rc;
}

/* One rank of each node but rank 0's. */
static int look_for_claim(struct rally *rp)
{
	char *text = NULL;
	size_t size = 0;

	if (rp->comm.rank == 0) {
		text = rp->owner.text;
		size = strlen(text);
	}
	if (rp_comm_bcast_text(&rp->comm, &text, &size, &rp->err) == 0 &&
	    rp->comm.rank != 0 && rp->node.local_rank == 0)
		rp_owner_await(&rp->io, rp->dir, text, &rp->err);
	if (rp->comm.rank != 0)
		free(text);
	return rp_comm_settle(&rp->comm, &rp->err);
}

int rp_claim(struct rally *rp)
{
	if (rp->comm.rank == 0)
		take(rp);
	if (rp_comm_root(&rp->comm, &rp->err) != 0 ||
	    rp_comm_bcast(&rp->comm, &rp->standing.next,
			  sizeof(rp->standing.next), &rp->err) != 0)
		return rp->err.code;
	return rp->node.nodes > 1 ? look_for_claim(rp) : 0;
}

void rp_claim_warn(struct rally *rp)
{
	const char *doubt = rp->comm.rank == 0 ? rp_mount_doubt(rp->dir) : NULL;
	char text[RP_ERR_TEXT];

	if (!doubt)
		return;
	snprintf(text, sizeof(text), "%s %s", rp->dir, doubt);
	rp_words_warn(rp, text);
}

void rp_claim_warn_space(struct rally *rp, uint64_t bytes)
{
	struct rp_err err = { 0 };
	char text[RP_ERR_TEXT];

	if (rp->comm.rank != 0)
		return;
	if (rp_folder_space(&rp->io, rp->dir, &rp->pool, bytes, &err) != RALLY_ENOSPC) {
		rp->told_space = 0;
		return;
	}
	if (rp->told_space++)
		return;
	snprintf(text, sizeof(text), "the next save will not fit: %.400s",
		 err.text);
	rp_words_warn(rp, text);
}
