#include "sys/shard_job.h"

#include <string.h>

#include "data/shard.h"

#define IN_CACHE ((size_t)128 << 10)	/* of a core, with room for a copy */
#define LENT ((size_t)4 << 20)	/* to one write */
#define STEP ((size_t)4096)	/* bytes that are hashed, then copied past it */

static const unsigned char zeros[RP_SHARD_ALIGN];

/* The memory behind a tensor of the hashed part: a region's or a pad's, from there
 * on; NULL where it is on a GPU. */
static const unsigned char *memory_of(const struct rp_shard_job *job,
				      const struct rp_tensor *t, uint64_t at)
{
	const unsigned char *memory = zeros;

	if (t->region >= 0 &&
	    rp_devices_hold(job->regions->devices, (size_t)t->region))
		return NULL;
	if (t->region >= 0)
		memory = job->regions->v[t->region].data;
	return memory + (at - t->begin);
}

int rp_shard_walk_on(struct rp_shard_job *job, struct rp_shard_cursor *c,
		     uint64_t until, struct rp_hasher *hasher, rp_shard_step *fn)
{
	int rc = 0;

	while (rc == 0 && c->at < until) {
		const struct rp_tensor *t = &job->shard->v[c->tensor];
		uint64_t stop = t->end < until ? t->end : until;
		size_t taken = 0;

		if (c->at == t->end) {
			c->tensor++;
			continue;
		}
		rc = fn(job, hasher, memory_of(job, t, c->at),
			(size_t)(stop - c->at), c->at, &taken);
		c->at += taken;
	}
	return rc;
}

int rp_shard_walk(struct rp_shard_job *job, struct rp_hasher *hasher,
		  rp_shard_step *fn)
{
	struct rp_shard_cursor c = { 0, 0 };

	return rp_shard_walk_on(job, &c, job->shard->hashed_bytes, hasher, fn);
}

/* Block by block; one that ends here goes into the table. */
static void hash(struct rp_shard_job *job, struct rp_hasher *hasher,
		 const unsigned char *data, size_t size, uint64_t at)
{
	while (size > 0) {
		size_t room = RP_HASH_BLOCK - (size_t)(at % RP_HASH_BLOCK);
		size_t n = size < room ? size : room;
		struct rp_hash sum;

		rp_hasher_update(hasher, data, n);
		data += n;
		size -= n;
		at += n;
		if (at % RP_HASH_BLOCK != 0 && at != job->shard->hashed_bytes)
			continue;
		sum = rp_hasher_final(hasher);
		memcpy(job->table + (at - 1) / RP_HASH_BLOCK * RP_HASH_BYTES,
		       sum.b, RP_HASH_BYTES);
		rp_hasher_reset(hasher);
	}
}

/* From a GPU, and hashed: the buffers hold it until the next step. NULL on an
 * error. */
static const unsigned char *fetch(struct rp_shard_job *job, struct rp_hasher *hasher,
				  size_t size, uint64_t at, size_t *taken)
{
	const void *data = rp_download_next(job->down,
					    size < IN_CACHE ? size : IN_CACHE,
					    taken, job->err);

	if (data)
		hash(job, hasher, data, *taken, at);
	return data;
}

/* ... and kept until its block is written, or shared. */
static int keep(struct rp_shard_job *job, struct rp_hasher *hasher, size_t size,
		uint64_t at, size_t *taken)
{
	const void *data = fetch(job, hasher, size, at, taken);

	if (!data)
		return job->err->code;
	memcpy(job->block + at % RP_HASH_BLOCK, data, *taken);
	return 0;
}

int rp_shard_hash_step(struct rp_shard_job *job, struct rp_hasher *hasher,
		     const unsigned char *data, size_t size, uint64_t at,
		     size_t *taken)
{
	if (!data)
		return keep(job, hasher, size, at, taken);
	hash(job, hasher, data, size, at);
	*taken = size;
	return 0;
}

/* Without a hasher its block was fetched and hashed before. */
static int write_from_device(struct rp_shard_job *job, struct rp_hasher *hasher,
			     size_t size, uint64_t at, size_t *taken)
{
	const unsigned char *data;

	if (hasher) {
		data = fetch(job, hasher, size, at, taken);
	} else {
		data = job->block + at % RP_HASH_BLOCK;
		*taken = size;
	}
	if (!data)
		return job->err->code;
	rp_progress_add(job->progress, *taken);
	return rp_out_put(job->out, data, *taken, job->err);
}

/* Hashed (NULL: elsewhere) and copied while it is in the core's cache: past which
 * the copy goes where the disk has it next, the kernel else. */
static int put(struct rp_shard_job *job, struct rp_hasher *hasher,
	       const unsigned char *data, size_t size, uint64_t at)
{
	size_t step = rp_out_is_direct(job->out) ? STEP : IN_CACHE;
	int rc = 0;

	for (size_t done = 0; rc == 0 && done < size; done += step) {
		size_t n = size - done < step ? size - done : step;

		if (hasher)
			hash(job, hasher, data + done, n, at + done);
		rc = rp_out_put(job->out, data + done, n, job->err);
	}
	return rc;
}

/* Sent first, so that the disk has it while it is hashed. */
static int lend(struct rp_shard_job *job, struct rp_hasher *hasher,
		const unsigned char *data, size_t size, uint64_t at, size_t *taken)
{
	int rc = rp_out_lend(job->out, data, size < LENT ? size : LENT, taken,
			     job->err);

	if (rc == 0 && hasher)
		hash(job, hasher, data, *taken, at);
	rp_progress_add(job->progress, *taken);
	return rc;
}

int rp_shard_write_step(struct rp_shard_job *job, struct rp_hasher *hasher,
		      const unsigned char *data, size_t size, uint64_t at,
		      size_t *taken)
{
	if (!data)
		return write_from_device(job, hasher, size, at, taken);
	if (job->lend) {
		int rc = lend(job, hasher, data, size, at, taken);

		if (rc != 0 || *taken > 0)
			return rc;
	}
	*taken = size < IN_CACHE ? size : IN_CACHE;
	rp_progress_add(job->progress, *taken);
	return put(job, hasher, data, *taken, at);
}
