#include "sys/shard_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "data/dtype.h"

static int no_memory(struct rp_shard_reader *r)
{
	return rp_fail(r->err, RALLY_ENOMEM, "%s: no memory", r->path);
}

/* u64 length and that many bytes of JSON; *size counts both. */
static char *read_header(struct rp_shard_reader *r, uint64_t file_bytes,
			 size_t *size)
{
	uint64_t n = 0;
	char *bytes;

	if (file_bytes >= 8 &&
	    rp_read_all(r->io, r->fd, &n, 8, 0, r->path, r->err) != 0)
		return NULL;
	if (n == 0 || n > RP_SHARD_HEADER_MAX || n > file_bytes - 8) {
		rp_fail(r->err, RALLY_ECORRUPT,
			"%s: header: a length of %" PRIu64 " bytes in a file "
			"of %" PRIu64, r->path, n, file_bytes);
		return NULL;
	}
	*size = (size_t)n + 8;
	bytes = malloc(*size);
	if (!bytes) {
		no_memory(r);
		return NULL;
	}
	if (rp_read_all(r->io, r->fd, bytes, *size, 0, r->path, r->err) != 0) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

/* Header and tail are hashed as a whole; the tail begins with the table. */
static int check_frame(struct rp_shard_reader *r, const char *header,
		       const struct rp_shard_sum *sum)
{
	const struct rp_shard *s = &r->shard;
	size_t tail = (size_t)(s->data_bytes - s->hashed_bytes);
	struct rp_hash hash;
	int rc;

	r->table = malloc(tail + 1);
	r->hasher = rp_hasher_new();
	if (!r->table || !r->hasher)
		return no_memory(r);
	rc = rp_read_all(r->io, r->fd, r->table, tail,
			 (int64_t)(s->header_bytes + s->hashed_bytes), r->path,
			 r->err);
	if (rc != 0)
		return rc;
	rp_hasher_update(r->hasher, header, s->header_bytes);
	rp_hasher_update(r->hasher, r->table, tail);
	hash = rp_hasher_final(r->hasher);
	rp_hasher_reset(r->hasher);
	r->read += s->header_bytes + tail;
	if (memcmp(hash.b, sum->hash.b, sizeof(hash.b)) != 0)
		return rp_fail(r->err, RALLY_ECORRUPT,
			       "%s: header or hash table do not match the "
			       "manifest", r->path);
	return 0;
}

static int check_header(struct rp_shard_reader *r,
			const struct rp_shard_sum *sum, int64_t length)
{
	char *header;
	size_t size;
	int rc;

	if ((uint64_t)length != sum->bytes)
		return rp_fail(r->err, RALLY_ECORRUPT,
			       "%s: %lld bytes long, the manifest says "
			       "%" PRIu64, r->path, (long long)length,
			       sum->bytes);
	header = read_header(r, sum->bytes, &size);
	if (!header)
		return r->err->code;
	rc = rp_shard_decode(&r->shard, header + 8, size - 8, sum->bytes,
			     r->path, r->err);
	if (rc == 0)
		rc = check_frame(r, header, sum);
	free(header);
	return rc;
}

static int open_shard(struct rp_shard_reader *r, int rank,
		      const struct rp_shard_sum *sum)
{
	int64_t length;
	int rc;

	r->fd = rp_open_read(r->io, r->path, &length, r->err);
	if (r->fd < 0)
		return r->err->code;
	rc = check_header(r, sum, length);
	if (rc == 0 && r->shard.rank != rank)
		rc = rp_fail(r->err, RALLY_ECORRUPT,
			     "%s: it is the shard of rank %d", r->path,
			     r->shard.rank);
	return rc;
}

struct rp_shard_reader *
rp_shard_open(struct rp_io *io, const char *path, int rank,
	      const struct rp_shard_sum *sum, const struct rp_shard_how *how,
	      struct rp_progress *progress, struct rp_err *err)
{
	struct rp_shard_reader *r = calloc(1, sizeof(*r));

	if (!r) {
		rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
		return NULL;
	}
	r->io = io;
	r->path = path;
	r->progress = progress;
	r->fd = -1;
	if (how)
		r->how = *how;
	r->err = err ? err : &r->own;
	if (open_shard(r, rank, sum) == 0)
		return r;
	rp_shard_close(r);
	return NULL;
}

void rp_shard_park(struct rp_shard_reader *r)
{
	if (r->fd >= 0)
		rp_close_read(r->io, r->fd);
	r->fd = -1;
}

void rp_shard_close(struct rp_shard_reader *r)
{
	if (!r)
		return;
	rp_in_close(r->in);
	rp_shard_park(r);
	free(r->parts);
	free(r->order);
	free(r->blocks);
	free(r->table);
	rp_hasher_free(r->hasher);
	rp_shard_free(&r->shard);
	free(r);
}

struct rp_shard *rp_shard_header(struct rp_shard_reader *r)
{
	return &r->shard;
}

uint64_t rp_shard_count(const struct rp_shard_reader *r)
{
	return r->read;
}

const struct rp_tensor *rp_shard_match(struct rp_shard_reader *r,
				       const struct rp_region *region,
				       struct rp_err *err)
{
	const struct rp_tensor *t = rp_shard_find(&r->shard, region->name,
						  region->kind);
	const int64_t *extents = region->kind == RP_PRIVATE ? region->shape
							    : region->local;
	char have[200], want[200];

	if (!t) {
		rp_fail(err, RALLY_ELAYOUT, "%s: nothing is stored as '%s'",
			r->path, region->name);
		return NULL;
	}
	if (t->type == region->type && t->ndim == region->ndim &&
	    memcmp(t->shape, extents,
		   (size_t)t->ndim * sizeof(*t->shape)) == 0)
		return t;
	rp_dtype_shape_text(t->type, t->ndim, t->shape, have, sizeof(have));
	rp_dtype_shape_text(region->type, region->ndim, extents, want,
			    sizeof(want));
	rp_fail(err, RALLY_ELAYOUT,
		"%s: '%s' is stored as %s, but registered as %s", r->path,
		region->name, have, want);
	return NULL;
}

int rp_shard_look(struct rp_io *io, const char *path, int rank,
		  const struct rp_shard_sum *sum, struct rp_shard *shard,
		  struct rp_err *err)
{
	struct rp_err own = { 0 };
	struct rp_shard_reader *r = rp_shard_open(io, path, rank, sum, NULL,
						  NULL, err ? err : &own);

	memset(shard, 0, sizeof(*shard));
	if (!r)
		return err ? err->code : own.code;
	*shard = r->shard;
	memset(&r->shard, 0, sizeof(r->shard));
	rp_shard_close(r);
	return 0;
}

/* All of what is stored under the names of the regions. */
static int add_regions(struct rp_shard_reader *r,
		       const struct rp_regions *regions, struct rp_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < regions->n; i++) {
		const struct rp_region *region = &regions->v[i];
		struct rp_part part = { .memory = region->data };
		const struct rp_tensor *t;

		if (region->kind == RP_FILE)
			continue;
		t = rp_shard_match(r, region, err);
		if (!t)
			return RALLY_ELAYOUT;
		part.runs.size = t->end - t->begin;
		part.runs.left = part.runs.size > 0;
		rc = rp_shard_add(r, t, &part, err);
	}
	return rc;
}

int rp_shard_read(struct rp_io *io, const char *path,
		  const struct rp_regions *regions, int rank,
		  const struct rp_shard_sum *sum, struct rp_progress *progress,
		  struct rp_err *err)
{
	struct rp_err own = { 0 };
	struct rp_shard_reader *r;
	int rc;

	if (!err)
		err = &own;
	r = rp_shard_open(io, path, rank, sum, NULL, progress, err);
	if (!r)
		return err->code;
	if (!regions)
		rp_shard_add_all(r);
	rc = regions ? add_regions(r, regions, err) : 0;
	if (rc == 0)
		rc = rp_shard_begin(r, err);
	if (rc == 0) {
		rp_progress_begin(progress, rp_shard_left(r));
		rc = rp_shard_next(r, UINT64_MAX, err);
	}
	rp_shard_close(r);
	return rc;
}
