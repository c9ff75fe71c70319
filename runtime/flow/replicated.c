#include "flow/replicated.h"

#include <stdlib.h>
#include <string.h>

#include "data/share.h"
#include "sys/device_copy.h"

/* Their number, as one rank holds them; v has room for all. */
static size_t take_wholes(const struct rp_regions *regions, struct rp_region *v)
{
	size_t n = 0;

	for (size_t i = 0; i < regions->n; i++)
		if (regions->v[i].replicated)
			v[n++] = rp_region_whole(&regions->v[i]);
	return n;
}

static int hash_on_gpu(struct rally *rp, const struct rp_regions *all, size_t i,
		       struct rp_hash *hash)
{
	struct rp_hasher *hasher = rp_hasher_new();
	struct rp_download *down =
		rp_download_open(rp->regions.devices, &i, 1, &rp->err);
	uint64_t left = all->v[i].bytes;

	if (!hasher)
		rp_fail(&rp->err, RALLY_ENOMEM, "save: no memory");
	while (rp->err.code == 0 && left > 0) {
		size_t size = 0;
		const void *data = rp_download_next(down, RP_HASH_BLOCK, &size,
						    &rp->err);

		if (data)
			rp_hasher_update(hasher, data, size);
		left -= size;
	}
	if (hasher)
		*hash = rp_hasher_final(hasher);
	rp_download_close(down);
	rp_hasher_free(hasher);
	return rp->err.code;
}

static int hash_all(struct rally *rp, const struct rp_regions *all,
		    struct rp_hash *hashes)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < all->n; i++)
		if (rp_devices_hold(rp->regions.devices, i))
			rc = hash_on_gpu(rp, all, i, &hashes[i]);
		else
			hashes[i] = rp_hash_of(all->v[i].data,
					       (size_t)all->v[i].bytes);
	return rc;
}

int rp_replicated_hash(struct rally *rp, struct rp_replicated *r)
{
	struct rp_regions all = { .devices = rp->regions.devices };

	all.v = calloc(rp->regions.n + 1, sizeof(*all.v));
	if (!all.v)
		return rp_fail(&rp->err, RALLY_ENOMEM, "save: no memory");
	r->n = all.n = take_wholes(&rp->regions, all.v);
	if (all.n > 0) {
		r->mine = calloc(2 * all.n, sizeof(*r->mine));
		r->first = r->mine ? r->mine + all.n : NULL;
		if (!r->mine)
			rp_fail(&rp->err, RALLY_ENOMEM, "save: no memory");
		else if (rp_devices_begin(all.devices, &all, rp->stream,
					  rp->node.topo, &rp->err) == 0)
			hash_all(rp, &all, r->mine);
		rp_devices_end(all.devices);
	}
	free(all.v);
	return rp->err.code;
}

int rp_replicated_same(struct rally *rp, struct rp_replicated *r)
{
	const size_t size = r->n * sizeof(*r->mine);
	size_t n = 0;

	if (r->n == 0)
		return 0;
	memcpy(r->first, r->mine, size);
	if (rp_comm_bcast(&rp->comm, r->first, size, &rp->err) != 0)
		return rp->err.code;
	for (size_t i = 0; i < rp->regions.n; i++) {
		if (!rp->regions.v[i].replicated)
			continue;
		if (memcmp(r->mine[n].b, r->first[n].b, RP_HASH_BYTES) != 0)
			rp_fail(&rp->err, RALLY_EMISMATCH,
				"replicated '%s' differs: it has other bytes "
				"here than on rank 0", rp->regions.v[i].name);
		n++;
	}
	return rp_comm_settle(&rp->comm, &rp->err);
}

void rp_replicated_free(struct rp_replicated *r)
{
	free(r->mine);
	memset(r, 0, sizeof(*r));
}
