#include "flow/find.h"

#include <stdlib.h>
#include <string.h>

#include "flow/background.h"
#include "flow/trial.h"

/* What the newest checkpoint holds is kept for the next call: a program asks for
 * one name after the other. */
static void keep(struct rally *rp, struct rp_trial *trial,
		 struct rp_shard *shard)
{
	rp_manifest_free(&rp->found);
	rp_shard_free(&rp->found_shard);
	free(rp->found_path);
	rp->found_path = trial->path;
	rp->found = trial->manifest;
	rp->found_shard = *shard;
	trial->path = NULL;
	memset(&trial->manifest, 0, sizeof(trial->manifest));
	memset(shard, 0, sizeof(*shard));
}

static int load_found(struct rally *rp)
{
	int again;

	do {
		struct rp_trial trial = { .rp = rp };
		struct rp_shard shard = { 0 };

		if (rp_trial_choose(&trial) == 0 && !trial.path)
			rp_fail(&rp->err, RALLY_EABSENT,
				"%s holds no checkpoint yet", rp->dir);
		else if (rp->err.code == 0 &&
			 (!rp->found_path ||
			  strcmp(trial.path, rp->found_path) != 0) &&
			 rp_trial_manifest(&trial) == 0 &&
			 rp_trial_look(&trial, &shard) == 0)
			keep(rp, &trial, &shard);
		again = rp->err.code != 0 && rp_trial_pass_over(&trial);
		rp_shard_free(&shard);
		rp_trial_free(&trial);
	} while (again);
	return rp->err.code;
}

/* An array is the manifest's to tell, also where other ranks wrote it. */
static int find_array(const struct rally *rp, const char *name,
		      struct rally_info *info)
{
	int same = rp->found.ranks == rp->comm.size;
	const struct rp_stored *s =
		rp_manifest_find(&rp->found, same ? rp->comm.rank : 0, name);

	if (!s || s->kind != RP_ARRAY)
		return 0;
	info->type = s->type;
	info->is_array = 1;
	info->ndim = s->ndim;
	memcpy(info->shape, s->shape, sizeof(info->shape));
	info->is_replicated = s->replicated;
	if (s->replicated) {
		memcpy(info->local, s->shape, sizeof(info->local));
	} else if (same) {
		memcpy(info->start, s->start, sizeof(info->start));
		memcpy(info->local, s->local, sizeof(info->local));
	}
	return 1;
}

/* Private memory is this rank's shard's. */
static int find_private(struct rally *rp, const char *name,
			struct rally_info *info)
{
	const struct rp_tensor *t = rp_shard_find(&rp->found_shard, name,
						  RP_PRIVATE);

	if (!t || t->ndim != 1)
		return 0;
	info->type = t->type;
	info->ndim = 1;
	info->shape[0] = info->local[0] = t->shape[0];
	return 1;
}

static void fail_absent(struct rally *rp, const char *name)
{
	if (rp->found.ranks == rp->comm.size)
		rp_fail(&rp->err, RALLY_EABSENT,
			"%s: nothing is stored as '%s' for this rank",
			rp->found_path, name);
	else
		rp_fail(&rp->err, RALLY_EABSENT,
			"%s: no array is stored as '%s'; private memory is that "
			"of the %d ranks that wrote it, and these are %d (see "
			"rally_adopt())", rp->found_path, name, rp->found.ranks,
			rp->comm.size);
}

int rp_find(struct rally *rp, const char *name, struct rally_info *info)
{
	struct rally_info found = { 0 };

	if (rp_place_meet_in(rp, "rally_find()", 0) != 0 ||
	    rp_background_finish(rp, NULL) != 0 ||
	    rp_comm_same(&rp->comm, name, RALLY_EMISMATCH,
			 "the ranks look for different names", &rp->err) != 0 ||
	    load_found(rp) != 0)
		return rp->err.code;
	if (!find_array(rp, name, &found) && !find_private(rp, name, &found))
		fail_absent(rp, name);
	if (rp_comm_settle(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	found.step = rp->found.step;
	found.ranks = rp->found.ranks;
	*info = found;
	return 0;
}
