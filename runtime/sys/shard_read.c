#include "sys/shard_io.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "data/dtype.h"
#include "data/shard.h"

struct job {
	const char *path;
	const struct rp_regions *regions;	/* NULL: check only */
	int fd;
	struct rp_shard shard;
	unsigned char *table;	/* block hashes as stored */
	unsigned char *bounce;	/* for bytes that nobody asked for */
	struct rp_hasher *hasher;
	struct rp_progress *progress;
	struct rp_err *err;
};

static int no_memory(struct job *job)
{
	return rp_fail(job->err, RALLY_ENOMEM, "%s: no memory", job->path);
}

/* u64 length and that many bytes of JSON; *size counts both. */
static char *read_header(struct job *job, uint64_t file_bytes, size_t *size)
{
	uint64_t n = 0;
	char *bytes;

	if (file_bytes < 8 ||
	    rp_read_all(job->fd, &n, 8, 0, job->path, job->err) != 0)
		n = 0;
	if (n == 0 || n > RP_SHARD_HEADER_MAX || n > file_bytes - 8) {
		rp_fail(job->err, RALLY_ECORRUPT,
			"%s: header: a length of %" PRIu64 " bytes in a file "
			"of %" PRIu64, job->path, n, file_bytes);
		return NULL;
	}
	*size = (size_t)n + 8;
	bytes = malloc(*size);
	if (!bytes) {
		no_memory(job);
		return NULL;
	}
	if (rp_read_all(job->fd, bytes, *size, 0, job->path, job->err) != 0) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

/* Header and tail are hashed as a whole; the tail begins with the table. */
static int check_frame(struct job *job, const char *header,
		       const struct rp_shard_sum *sum)
{
	const struct rp_shard *s = &job->shard;
	size_t tail = (size_t)(s->data_bytes - s->hashed_bytes);
	struct rp_hash hash;
	int rc;

	job->table = malloc(tail + 1);
	job->hasher = rp_hasher_new();
	if (!job->table || !job->hasher)
		return no_memory(job);
	rc = rp_read_all(job->fd, job->table, tail,
			 (int64_t)(s->header_bytes + s->hashed_bytes),
			 job->path, job->err);
	if (rc != 0)
		return rc;
	rp_hasher_update(job->hasher, header, s->header_bytes);
	rp_hasher_update(job->hasher, job->table, tail);
	hash = rp_hasher_final(job->hasher);
	if (memcmp(hash.b, sum->hash.b, sizeof(hash.b)) != 0)
		return rp_fail(job->err, RALLY_ECORRUPT,
			       "%s: header or hash table do not match the "
			       "manifest", job->path);
	return 0;
}

static int check_header(struct job *job, const struct rp_shard_sum *sum,
			int64_t length)
{
	char *header;
	size_t size;
	int rc;

	if ((uint64_t)length != sum->bytes)
		return rp_fail(job->err, RALLY_ECORRUPT,
			       "%s: %lld bytes long, the manifest says "
			       "%" PRIu64, job->path, (long long)length,
			       sum->bytes);
	header = read_header(job, sum->bytes, &size);
	if (!header)
		return job->err->code;
	rc = rp_shard_decode(&job->shard, header + 8, size - 8, sum->bytes,
			     job->path, job->err);
	if (rc == 0)
		rc = check_frame(job, header, sum);
	free(header);
	return rc;
}

static int layout_differs(struct job *job, const struct rp_region *r,
			  const struct rp_tensor *t)
{
	char have[200], want[200];

	rp_dtype_shape_text(t->type, t->ndim, t->shape, have, sizeof(have));
	rp_dtype_shape_text(r->type, r->ndim, r->local, want, sizeof(want));
	return rp_fail(job->err, RALLY_ELAYOUT,
		       "%s: '%s' is stored as %s, but registered as %s",
		       job->path, r->name, have, want);
}

/* Ties each registered region to its tensor. */
static int match_regions(struct job *job)
{
	for (size_t i = 0; job->regions && i < job->regions->n; i++) {
		const struct rp_region *r = &job->regions->v[i];
		const struct rp_tensor *t;

		if (r->kind == RP_FILE)
			continue;
		t = rp_shard_find(&job->shard, r->name, r->kind);
		if (!t)
			return rp_fail(job->err, RALLY_ELAYOUT,
				       "%s: nothing is stored as '%s'",
				       job->path, r->name);
		if (t->type != r->type || t->ndim != r->ndim ||
		    memcmp(t->shape, r->local,
			   (size_t)t->ndim * sizeof(*t->shape)) != 0)
			return layout_differs(job, r, t);
		job->shard.v[t - job->shard.v].region = (int)i;
	}
	return 0;
}

static int block_differs(struct job *job, const struct rp_tensor *t,
			 uint64_t block)
{
	uint64_t from = job->shard.header_bytes + block * RP_HASH_BLOCK;

	/* A pad says nothing to people: what stands before it does. */
	while (t > job->shard.v && (t->name[0] == '@' || t->begin == t->end))
		t--;
	return rp_fail(job->err, RALLY_ECORRUPT,
		       "%s: block %" PRIu64 " (bytes from %" PRIu64 ", ends in "
		       "'%s') does not match its hash", job->path, block, from,
		       t->name);
}

/* One piece: within one tensor and one block. */
static int read_piece(struct job *job, const struct rp_tensor *t, uint64_t at,
		      size_t size)
{
	unsigned char *into = job->bounce;
	uint64_t end = at + size;
	int rc;

	if (t->region >= 0)
		into = (unsigned char *)job->regions->v[t->region].data +
		       (at - t->begin);
	rc = rp_read_all(job->fd, into, size,
			 (int64_t)(job->shard.header_bytes + at), job->path,
			 job->err);
	if (rc != 0)
		return rc;
	rp_hasher_update(job->hasher, into, size);
	if (end % RP_HASH_BLOCK == 0 || end == job->shard.hashed_bytes) {
		uint64_t block = (end - 1) / RP_HASH_BLOCK;
		struct rp_hash hash = rp_hasher_final(job->hasher);

		if (memcmp(hash.b, job->table + block * RP_HASH_BYTES,
			   RP_HASH_BYTES) != 0)
			return block_differs(job, t, block);
		rp_hasher_reset(job->hasher);
	}
	rp_progress_add(job->progress, size);
	return 0;
}

static int read_data(struct job *job)
{
	const struct rp_shard *s = &job->shard;

	job->bounce = malloc(RP_HASH_BLOCK);
	if (!job->bounce)
		return no_memory(job);
	rp_hasher_reset(job->hasher);
	rp_progress_begin(job->progress, s->hashed_bytes);
	for (size_t i = 0; i < s->n; i++) {
		const struct rp_tensor *t = &s->v[i];

		if (t->begin >= s->hashed_bytes)
			break;
		for (uint64_t at = t->begin; at < t->end;) {
			uint64_t stop = (at / RP_HASH_BLOCK + 1) *
					RP_HASH_BLOCK;
			size_t size = (size_t)((stop < t->end ? stop : t->end) -
					       at);
			int rc = read_piece(job, t, at, size);

			if (rc != 0)
				return rc;
			at += size;
		}
	}
	return 0;
}

int rp_shard_read(const char *path, const struct rp_regions *regions, int rank,
		  const struct rp_shard_sum *sum, struct rp_progress *progress,
		  struct rp_err *err)
{
	struct rp_err own = { 0 };
	struct job job = { .path = path, .regions = regions,
			   .progress = progress, .err = err ? err : &own };
	int64_t length;
	int rc;

	err = job.err;
	job.fd = rp_open_read(path, &length, err);
	if (job.fd < 0)
		return err->code;
	rc = check_header(&job, sum, length);
	if (rc == 0 && job.shard.rank != rank)
		rc = rp_fail(err, RALLY_ECORRUPT,
			     "%s: it is the shard of rank %d", path,
			     job.shard.rank);
	if (rc == 0)
		rc = match_regions(&job);
	if (rc == 0)
		rc = read_data(&job);
	close(job.fd);
	free(job.table);
	free(job.bounce);
	rp_hasher_free(job.hasher);
	rp_shard_free(&job.shard);
	return rc;
}
