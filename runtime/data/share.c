#include "data/share.h"

#include <string.h>

#include "data/dtype.h"

/* Where the rows of a slice begin: n * slice / slices, which may be too large to be
 * multiplied out. */
static int64_t first_row(int64_t n, int slice, int slices)
{
	return n / slices * slice + n % slices * slice / slices;
}

/* Where there are fewer slices than ranks, they are far apart: on several nodes. -1: none
 * is this rank's. */
static int slice_of(int rank, int ranks, int slices)
{
	int64_t slice = ((int64_t)rank * slices + ranks - 1) / ranks;

	if (slice >= slices || slice * ranks / slices != rank)
		return -1;
	return (int)slice;
}

static void take_slice(struct rp_region *r, int rank, int ranks)
{
	uint64_t row = r->shape[0] > 0 ? r->bytes / (uint64_t)r->shape[0] : 0;
	uint64_t most = r->bytes / RP_SLICE_LEAST;
	int slices = most < 1 ? 1 : most < (uint64_t)ranks ? (int)most : ranks;
	int slice = slice_of(rank, ranks, slices);
	int64_t from = r->shape[0], to = from;

	if (slice >= 0) {
		from = first_row(r->shape[0], slice, slices);
		to = first_row(r->shape[0], slice + 1, slices);
	}
	r->start[0] = from;
	r->local[0] = to - from;
	r->bytes = (uint64_t)r->local[0] * row;
	if (r->bytes > 0)
		r->data = (char *)r->whole + (uint64_t)from * row;
}

int rp_region_replicated(struct rp_region *region, const char *name, void *data,
			 enum rally_type type, int ndim, const int64_t *shape,
			 int rank, int ranks, struct rp_err *err)
{
	static const int64_t origin[RALLY_MAX_DIMS];
	int rc = rp_region_array(region, name, data, type, ndim, shape, origin,
				 shape, err);

	if (rc != 0)
		return rc;
	region->replicated = 1;
	region->whole = data;
	take_slice(region, rank, ranks);
	return 0;
}

struct rp_region rp_region_whole(const struct rp_region *region)
{
	struct rp_region all = *region;

	if (!region->replicated)
		return all;
	all.replicated = 0;
	all.data = region->whole;
	memset(all.start, 0, sizeof(all.start));
	memcpy(all.local, all.shape, sizeof(all.local));
	all.bytes = (uint64_t)rp_dtype_bytes(all.type, all.ndim, all.shape);
	return all;
}

static int check_part(const struct rp_region *r, const int64_t *start,
		      const int64_t *local, struct rp_err *err)
{
	for (int i = 0; i < r->ndim; i++) {
		int64_t end = r->start[i] + r->local[i];

		if (local[i] < 0 || start[i] < r->start[i] || start[i] > end ||
		    local[i] > end - start[i])
			return rp_fail(err, RALLY_EARG,
				       "rally_own: array '%s', dimension %d: the "
				       "part starts at %lld and is %lld long, this "
				       "rank's box starts at %lld and is %lld long",
				       r->name, i, (long long)start[i],
				       (long long)local[i], (long long)r->start[i],
				       (long long)r->local[i]);
	}
	return 0;
}

int rp_region_own(struct rp_region *region, const int64_t *start,
		  const int64_t *local, struct rp_err *err)
{
	const size_t size = (size_t)region->ndim * sizeof(*start);

	if (region->kind != RP_ARRAY || region->replicated)
		return rp_fail(err, RALLY_EARG,
			       "rally_own: '%s' is %s; only a box of an array has "
			       "an owner", region->name,
			       region->replicated ? "replicated"
			       : region->kind == RP_FILE ? "a file"
							 : "private memory");
	if (!start || !local)
		return rp_fail(err, RALLY_EARG,
			       "rally_own: array '%s': start or local is NULL",
			       region->name);
	if (check_part(region, start, local, err) != 0)
		return RALLY_EARG;
	region->owns = 1;
	memcpy(region->own_start, start, size);
	memcpy(region->own_local, local, size);
	return 0;
}
