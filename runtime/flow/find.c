#include "flow/find.h"

#include <string.h>

#include "flow/trial.h"

/* The newest manifest is kept for the next call: a program asks for one name
 * after the other. */
static int load_found(struct rally *rp)
{
	int again;

	do {
		struct rp_trial trial = { .rp = rp };

		if (rp_trial_choose(&trial) == 0 && !trial.path) {
			rp_fail(&rp->err, RALLY_EABSENT,
				"%s holds no checkpoint yet", rp->dir);
		} else if (rp->err.code == 0 &&
			   trial.sequence != rp->found.sequence &&
			   rp_trial_manifest(&trial) == 0) {
			rp_manifest_free(&rp->found);
			rp->found = trial.manifest;
			memset(&trial.manifest, 0, sizeof(trial.manifest));
		}
		again = rp->err.code != 0 && rp_trial_pass_over(&trial);
		rp_trial_free(&trial);
	} while (again);
	return rp->err.code;
}

int rp_find(struct rally *rp, const char *name, struct rally_info *info)
{
	const struct rp_stored *s;
	int same;

	if (rp_place_meet_in(rp, "rally_find()", 0) != 0 ||
	    rp_comm_same(&rp->comm, name, RALLY_EMISMATCH,
			 "the ranks look for different names", &rp->err) != 0 ||
	    load_found(rp) != 0)
		return rp->err.code;
	same = rp->found.ranks == rp->comm.size;
	s = rp_manifest_find(&rp->found, same ? rp->comm.rank : 0, name);
	if (!s || (s->kind == RP_PRIVATE && !same))
		rp_fail(&rp->err, RALLY_EABSENT,
			"nothing is stored as '%s' for this rank", name);
	if (rp_comm_settle(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	memset(info, 0, sizeof(*info));
	info->type = s->type;
	info->is_array = s->kind == RP_ARRAY;
	info->ndim = s->ndim;
	memcpy(info->shape, s->shape, sizeof(info->shape));
	if (same) {
		memcpy(info->start, s->start, sizeof(info->start));
		memcpy(info->local, s->local, sizeof(info->local));
	}
	info->step = rp->found.step;
	info->ranks = rp->found.ranks;
	return 0;
}
