#include "flow/want.h"

#include <stdlib.h>
#include <string.h>

#include "data/share.h"
#include "flow/adopt.h"
#include "flow/files.h"
#include "flow/lacks.h"

/* For one more: there is room for as many as the next power of two. */
static int make_room(struct rp_want *want)
{
	size_t n = want->regions.n, room = n > 0 ? 2 * n : 1;
	struct rp_region *v;
	int *rank;

	if (n > 0 && (n & (n - 1)) != 0)
		return 0;
	v = realloc(want->regions.v, room * sizeof(*v));
	if (v)
		want->regions.v = v;
	rank = realloc(want->rank, room * sizeof(*rank));
	if (rank)
		want->rank = rank;
	return v && rank ? 0 : -1;
}

int rp_want_add(struct rp_want *want, const struct rp_region *region, int rank,
		struct rp_err *err)
{
	if (make_room(want) != 0)
		return rp_fail(err, RALLY_ENOMEM, "restore: no memory");
	want->regions.v[want->regions.n] = *region;
	want->rank[want->regions.n++] = rank;
	want->regions.bytes += region->bytes;
	return 0;
}

static int stored_by_any(const struct rp_manifest *m, const char *name)
{
	const struct rp_stored *s = NULL;

	for (int i = 0; i < m->ranks && (!s || s->kind != RP_ARRAY); i++)
		s = rp_manifest_find(m, i, name);
	return s && s->kind == RP_ARRAY;
}

static int add_array(struct rp_trial *trial, const struct rp_region *r,
		     struct rp_want *want)
{
	struct rp_region all = rp_region_whole(r);

	if (r->optional && !stored_by_any(&trial->manifest, r->name))
		return rp_lacks_add(trial, r->name);
	return rp_want_add(want, &all, -1, &trial->rp->err);
}

/* On the number of ranks that wrote it. */
static int add_private(struct rp_trial *trial, struct rp_source *source,
		       const struct rp_region *r, struct rp_want *want)
{
	struct rally *rp = trial->rp;
	struct rp_shard *shard;

	if (r->optional) {
		shard = rp_source_shard(source, rp->comm.rank, &rp->err);
		if (!shard)
			return rp->err.code;
		if (!rp_shard_find(shard, r->name, RP_PRIVATE))
			return rp_lacks_add(trial, r->name);
	}
	return rp_want_add(want, r, rp->comm.rank, &rp->err);
}

static int check_file(struct rp_trial *trial, const struct rp_region *r)
{
	struct rally *rp = trial->rp;

	if (r->optional && !rp_files_find(rp, &trial->manifest, r))
		return rp_lacks_add(trial, r->name);
	return rp_files_check(rp, trial->path, &trial->manifest, r);
}

int rp_want_gather(struct rp_trial *trial, struct rp_source *source,
		   struct rp_want *want)
{
	struct rally *rp = trial->rp;
	int same = trial->manifest.ranks == rp->comm.size && !rp->adopting;

	want->regions.devices = rp->regions.devices;
	for (size_t i = 0; rp->err.code == 0 && i < rp->regions.n; i++) {
		const struct rp_region *r = &rp->regions.v[i];

		if (r->kind == RP_FILE)
			check_file(trial, r);
		else if (r->kind == RP_ARRAY)
			add_array(trial, r, want);
		else if (same)
			add_private(trial, source, r, want);
	}
	if (same)
		return rp_comm_settle(&rp->comm, &rp->err);
	return rp_adopt_gather(trial, source, want);
}

int rp_want_from(const struct rp_want *want, struct rp_source *source,
		 struct rp_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < want->regions.n; i++)
		if (want->rank[i] < 0)
			rc = rp_source_want(source, &want->regions, i, err);
		else
			rc = rp_source_want_private(source, &want->regions, i,
						    want->rank[i], err);
	return rc;
}

void rp_want_free(struct rp_want *want)
{
	free(want->regions.v);
	free(want->rank);
	free(want->names);
	memset(want, 0, sizeof(*want));
}
