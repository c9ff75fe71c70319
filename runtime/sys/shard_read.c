#include "sys/shard_io.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/text.h"
#include "data/dtype.h"
#include "data/shard.h"
#include "sys/device_copy.h"

#define STEP ((size_t)4096)	/* bytes that are hashed, then copied */

struct rp_shard_reader {
	struct rp_io *io;
	const char *path;
	const struct rp_regions *regions;	/* NULL: check only */
	struct rp_shard_how how;
	int fd;
	struct rp_shard shard;
	unsigned char *table;	/* block hashes as stored */
	struct rp_in *in;	/* the hashed part, NULL: not begun */
	struct rp_upload *up;	/* to regions that are on a GPU; NULL: none */
	struct rp_hasher *hasher;
	struct rp_progress *progress;
	size_t tensor;		/* the one that is being read, and where */
	uint64_t at;
	struct rp_err *err;	/* of the call that runs, or own */
	struct rp_err own;
};

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

static int layout_differs(struct rp_shard_reader *r,
			  const struct rp_region *region,
			  const struct rp_tensor *t)
{
	char have[200], want[200];

	rp_dtype_shape_text(t->type, t->ndim, t->shape, have, sizeof(have));
	rp_dtype_shape_text(region->type, region->ndim, region->local, want,
			    sizeof(want));
	return rp_fail(r->err, RALLY_ELAYOUT,
		       "%s: '%s' is stored as %s, but registered as %s",
		       r->path, region->name, have, want);
}

/* Ties each registered region to its tensor. */
static int match_regions(struct rp_shard_reader *r)
{
	for (size_t i = 0; r->regions && i < r->regions->n; i++) {
		const struct rp_region *region = &r->regions->v[i];
		const struct rp_tensor *t;

		if (region->kind == RP_FILE)
			continue;
		t = rp_shard_find(&r->shard, region->name, region->kind);
		if (!t)
			return rp_fail(r->err, RALLY_ELAYOUT,
				       "%s: nothing is stored as '%s'",
				       r->path, region->name);
		if (t->type != region->type || t->ndim != region->ndim ||
		    memcmp(t->shape, region->local,
			   (size_t)t->ndim * sizeof(*t->shape)) != 0)
			return layout_differs(r, region, t);
		r->shard.v[t - r->shard.v].region = (int)i;
		if (!r->up && rp_devices_hold(r->regions->devices, i) &&
		    !(r->up = rp_upload_open(r->regions->devices, r->err)))
			return r->err->code;
	}
	return 0;
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
	if (rc == 0)
		rc = match_regions(r);
	if (rc == 0)
		rp_progress_begin(r->progress, r->shard.hashed_bytes);
	return rc;
}

struct rp_shard_reader *
rp_shard_open(struct rp_io *io, const char *path,
	      const struct rp_regions *regions, int rank,
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
	r->regions = regions;
	r->progress = progress;
	if (how)
		r->how = *how;
	r->err = err ? err : &r->own;
	if (open_shard(r, rank, sum) == 0)
		return r;
	rp_shard_close(r);
	return NULL;
}

void rp_shard_close(struct rp_shard_reader *r)
{
	if (!r)
		return;
	rp_in_close(r->in);
	if (r->fd >= 0)
		rp_close_read(r->io, r->fd);
	rp_upload_close(r->up);
	free(r->table);
	rp_hasher_free(r->hasher);
	rp_shard_free(&r->shard);
	free(r);
}

int rp_shard_look(struct rp_io *io, const char *path, int rank,
		  const struct rp_shard_sum *sum, struct rp_shard *shard,
		  struct rp_err *err)
{
	struct rp_err own = { 0 };
	struct rp_shard_reader *r = rp_shard_open(io, path, NULL, rank, sum,
						  NULL, NULL,
						  err ? err : &own);

	memset(shard, 0, sizeof(*shard));
	if (!r)
		return err ? err->code : own.code;
	*shard = r->shard;
	memset(&r->shard, 0, sizeof(r->shard));
	rp_shard_close(r);
	return 0;
}

uint64_t rp_shard_left(const struct rp_shard_reader *r)
{
	return r->shard.hashed_bytes - r->at;
}

static int block_differs(struct rp_shard_reader *r, const struct rp_tensor *t,
			 uint64_t block)
{
	uint64_t from = r->shard.header_bytes + block * RP_HASH_BLOCK;
	char name[200];

	/* A pad says nothing to people: what stands before it does. */
	while (t > r->shard.v && (t->name[0] == '@' || t->begin == t->end))
		t--;
	return rp_fail(r->err, RALLY_ECORRUPT,
		       "%s: block %" PRIu64 " (bytes from %" PRIu64 ", ends in "
		       "'%s') does not match its hash", r->path, block, from,
		       rp_text_ascii(t->name, name, sizeof(name)));
}

static int is_on_device(const struct rp_shard_reader *r,
			const struct rp_tensor *t)
{
	return r->up && t->region >= 0 &&
	       rp_devices_hold(r->regions->devices, (size_t)t->region);
}

/* Where a piece goes: NULL in *into where nobody asked for it. */
static int room_for(struct rp_shard_reader *r, const struct rp_tensor *t,
		    size_t size, unsigned char **into)
{
	*into = NULL;
	if (t->region < 0)
		return 0;
	if (!is_on_device(r, t)) {
		*into = (unsigned char *)r->regions->v[t->region].data +
			(r->at - t->begin);
		return 0;
	}
	*into = rp_upload_room(r->up, (size_t)t->region, size, r->err);
	return *into ? 0 : r->err->code;
}

/* What is not where it belongs yet is hashed and copied in steps that the core's
 * cache holds, so that it comes from memory once. */
static void hash_and_copy(struct rp_shard_reader *r, unsigned char *into,
			  const unsigned char *data, size_t size)
{
	for (size_t at = 0; at < size; at += STEP) {
		size_t n = size - at < STEP ? size - at : STEP;

		rp_hasher_update(r->hasher, data + at, n);
		if (into)
			rp_copy_past_cache(into + at, data + at, n);
	}
}

/* The copy is the GPU's to read from then on. */
static int upload(struct rp_shard_reader *r, const struct rp_tensor *t,
		  size_t size)
{
	rp_copy_done();
	return rp_upload_send(r->up, (size_t)t->region, r->at - t->begin, size,
			      r->err);
}

static int check_block(struct rp_shard_reader *r, const struct rp_tensor *t)
{
	uint64_t block = (r->at - 1) / RP_HASH_BLOCK;
	struct rp_hash hash = rp_hasher_final(r->hasher);

	if (memcmp(hash.b, r->table + block * RP_HASH_BYTES, RP_HASH_BYTES) != 0)
		return block_differs(r, t, block);
	rp_hasher_reset(r->hasher);
	return 0;
}

/* One piece: within one tensor and one block, `most` bytes of it. */
static int read_piece(struct rp_shard_reader *r, const struct rp_tensor *t,
		      size_t most)
{
	const unsigned char *data;
	unsigned char *into;
	size_t size;
	int rc = room_for(r, t, most, &into);

	if (rc == 0)
		rc = rp_in_next(r->in, into, most, &data, &size, r->err);
	if (rc != 0)
		return rc;
	if (data == into)
		rp_hasher_update(r->hasher, data, size);
	else
		hash_and_copy(r, into, data, size);
	if (is_on_device(r, t))
		rc = upload(r, t, size);
	if (rc != 0)
		return rc;
	r->at += size;
	rp_progress_add(r->progress, size);
	if (r->at % RP_HASH_BLOCK == 0 || r->at == r->shard.hashed_bytes)
		return check_block(r, t);
	return 0;
}

static int begin_reading(struct rp_shard_reader *r)
{
	if (!r->in)
		r->in = rp_in_open(r->io, r->fd, r->path,
				   r->shard.header_bytes,
				   r->shard.hashed_bytes, r->how.direct,
				   r->how.staging, r->err);
	return r->in ? 0 : r->err->code;
}

int rp_shard_next(struct rp_shard_reader *r, uint64_t bytes,
		  struct rp_err *err)
{
	uint64_t left = rp_shard_left(r);
	uint64_t until = r->at + (bytes < left ? bytes : left);
	int rc;

	r->err = err ? err : &r->own;
	rc = begin_reading(r);
	while (rc == 0 && r->at < until) {
		const struct rp_tensor *t = &r->shard.v[r->tensor];
		uint64_t stop = (r->at / RP_HASH_BLOCK + 1) * RP_HASH_BLOCK;

		if (r->at == t->end) {
			r->tensor++;
			continue;
		}
		rc = read_piece(r, t, (size_t)((stop < t->end ? stop : t->end) -
					       r->at));
	}
	rp_copy_done();
	if (rc == 0 && r->up && rp_shard_left(r) == 0)
		rc = rp_upload_finish(r->up, r->err);
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
	r = rp_shard_open(io, path, regions, rank, sum, NULL, progress, err);
	rc = r ? rp_shard_next(r, UINT64_MAX, err) : err->code;
	rp_shard_close(r);
	return rc;
}
