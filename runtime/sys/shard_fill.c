/*
 * sys/shard_fill.c - the blocks of a shard, and what of them goes where
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "sys/shard_read.h"

#define STEP ((size_t)4096)	/* bytes that are hashed, then copied */
#define STRAIGHT STEP		/* bytes that are worth a way of their own */
#define AHEAD ((uint64_t)16 << 20)	/* bytes of blocks that are called for */

static int no_memory(struct rp_shard_reader *r)
{
	return rp_fail(r->err, RALLY_ENOMEM, "%s: no memory", r->path);
}

/*
 * What is wanted
 */

int rp_shard_add(struct rp_shard_reader *r, const struct rp_tensor *tensor,
		 const struct rp_part *part, struct rp_err *err)
{
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 8;
		struct rp_part *v = realloc(r->parts, room * sizeof(*v));

		if (!v)
			return rp_fail(err, RALLY_ENOMEM, "%s: no memory",
				       r->path);
		r->parts = v;
		r->room = room;
	}
	r->parts[r->n] = *part;
	r->parts[r->n].runs.from += tensor->begin;
	r->parts[r->n].begin = r->parts[r->n].runs.from;
	r->n += part->runs.left > 0;
	return 0;
}

void rp_shard_add_all(struct rp_shard_reader *r)
{
	r->all = 1;
}

static int by_begin(const void *a, const void *b)
{
	const struct rp_part *x = *(const struct rp_part *const *)a;
	const struct rp_part *y = *(const struct rp_part *const *)b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Gaps that are shorter than a block leave none out. */
static void mark(struct rp_shard_reader *r, const struct rp_part *part)
{
	struct rp_runs runs = rp_runs_joined(&part->runs, RP_HASH_BLOCK);

	for (; runs.left > 0; rp_runs_next(&runs))
		for (uint64_t i = runs.from / RP_HASH_BLOCK;
		     i <= (runs.from + runs.size - 1) / RP_HASH_BLOCK; i++)
			r->blocks[i] = 1;
}

static uint64_t block_end(const struct rp_shard_reader *r, uint64_t block)
{
	uint64_t end = (block + 1) * RP_HASH_BLOCK;

	return end < r->shard.hashed_bytes ? end : r->shard.hashed_bytes;
}

int rp_shard_begin(struct rp_shard_reader *r, struct rp_err *err)
{
	size_t blocks = (size_t)rp_hash_blocks(r->shard.hashed_bytes);

	r->err = err ? err : &r->own;
	free(r->blocks);
	free(r->order);
	r->blocks = malloc(blocks + 1);
	r->order = malloc((r->n + 1) * sizeof(*r->order));
	if (!r->blocks || !r->order)
		return no_memory(r);
	memset(r->blocks, r->all, blocks);
	for (size_t i = 0; i < r->n; i++) {
		mark(r, &r->parts[i]);
		r->order[i] = &r->parts[i];
	}
	qsort(r->order, r->n, sizeof(*r->order), by_begin);
	r->left = 0;
	for (size_t i = 0; i < blocks; i++)
		if (r->blocks[i])
			r->left += block_end(r, i) - i * RP_HASH_BLOCK;
	r->first = 0;
	r->at = r->until = r->called = 0;
	return 0;
}

uint64_t rp_shard_left(const struct rp_shard_reader *r)
{
	return r->left;
}

/* All is read: there may be more to come. */
static void end(struct rp_shard_reader *r)
{
	free(r->parts);
	free(r->order);
	free(r->blocks);
	r->parts = NULL;
	r->order = NULL;
	r->blocks = NULL;
	r->n = r->room = 0;
	r->all = 0;
}

/*
 * Blocks
 */

static int block_differs(struct rp_shard_reader *r, uint64_t block)
{
	uint64_t from = r->shard.header_bytes + block * RP_HASH_BLOCK;
	const struct rp_tensor *t = r->shard.v;
	char name[200];

	while (t->end < r->at)
		t++;
	/* A pad says nothing to people: what stands before it does. */
	while (t > r->shard.v && (t->name[0] == '@' || t->begin == t->end))
		t--;
	return rp_fail(r->err, RALLY_ECORRUPT,
		       "%s: block %" PRIu64 " (bytes from %" PRIu64 ", ends in "
		       "'%s') does not match its hash", r->path, block, from,
		       rp_text_ascii(t->name, name, sizeof(name)));
}

static int check_block(struct rp_shard_reader *r)
{
	uint64_t block = (r->at - 1) / RP_HASH_BLOCK;
	struct rp_hash hash = rp_hasher_final(r->hasher);

	if (memcmp(hash.b, r->table + block * RP_HASH_BYTES, RP_HASH_BYTES) != 0)
		return block_differs(r, block);
	if (r->odd)
		return r->odd->differs(r->odd, r->odd_at, r->err);
	rp_hasher_reset(r->hasher);
	return 0;
}

/* Where the next blocks lie apart, nothing reads ahead over what is between. */
static void call_for(struct rp_shard_reader *r, uint64_t block)
{
	uint64_t until = r->at + AHEAD;

	if (until > r->shard.hashed_bytes)
		until = r->shard.hashed_bytes;
	if (block < r->called)
		block = r->called;
	for (; block * RP_HASH_BLOCK < until; block++)
		if (r->blocks[block])
			rp_io_begin_read(r->io, r->fd,
					 (off_t)(r->shard.header_bytes +
						 block * RP_HASH_BLOCK),
					 RP_HASH_BLOCK);
	r->called = block;
}

/* The next blocks that are read and lie together. */
static int begin_stretch(struct rp_shard_reader *r)
{
	uint64_t blocks = rp_hash_blocks(r->shard.hashed_bytes);
	uint64_t block = rp_hash_blocks(r->until), first;
	int64_t length;

	while (block < blocks && !r->blocks[block])
		block++;
	first = block;
	while (block < blocks && r->blocks[block])
		block++;
	r->at = first * RP_HASH_BLOCK;
	r->until = block_end(r, block - 1);
	if (r->fd < 0)
		r->fd = rp_open_read(r->io, r->path, &length, r->err);
	if (r->fd < 0)
		return r->err->code;
	if (r->until - r->at < AHEAD && r->left > r->until - r->at &&
	    r->how.direct != RP_YES)
		call_for(r, block);
	r->in = rp_in_open(r->io, r->fd, r->path,
			   r->shard.header_bytes + r->at, r->until - r->at,
			   r->how.direct, r->how.staging, r->err);
	return r->in ? 0 : r->err->code;
}

/*
 * Bytes
 */

/* The part of a run that is not read yet begins at runs.from. */
static void take(struct rp_part *part, uint64_t n)
{
	part->runs.size -= n;
	part->runs.from += n;
	part->runs.to += n;
	part->taken += n;
	if (part->runs.size > 0)
		return;
	part->runs.size = part->taken;
	part->runs.from -= part->taken;
	part->runs.to -= part->taken;
	part->taken = 0;
	rp_runs_next(&part->runs);
}

static void compare(struct rp_shard_reader *r, const struct rp_part *part,
		    const unsigned char *data, size_t size)
{
	const unsigned char *there = part->memory + part->runs.to;
	size_t i = 0;

	if (r->odd || memcmp(there, data, size) == 0)
		return;
	while (there[i] == data[i])
		i++;
	r->odd = part;
	r->odd_at = part->runs.to + i;
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
static int upload(struct rp_shard_reader *r, const struct rp_part *part,
		  size_t size)
{
	rp_copy_done();
	return rp_upload_send(part->up, part->region,
			      part->offset + part->runs.to, size, r->err);
}

/* Where a piece goes: NULL where it is only looked at. */
static int room_for(struct rp_shard_reader *r, const struct rp_part *part,
		    size_t size, unsigned char **into)
{
	*into = NULL;
	if (part->differs)
		return 0;
	if (part->memory) {
		*into = part->memory + part->runs.to;
		return 0;
	}
	*into = rp_upload_room(part->up, part->region, size, r->err);
	return *into ? 0 : r->err->code;
}

/* A piece that belongs to one part: it may be read to its place. */
static int read_straight(struct rp_shard_reader *r, struct rp_part *part,
			 size_t most, size_t *size)
{
	const unsigned char *data;
	unsigned char *into;
	int rc = room_for(r, part, most, &into);

	if (rc == 0)
		rc = rp_in_next(r->in, into, most, &data, size, r->err);
	if (rc != 0)
		return rc;
	if (data == into)
		rp_hasher_update(r->hasher, data, *size);
	else
		hash_and_copy(r, into, data, *size);
	if (part->differs)
		compare(r, part, data, *size);
	else if (!part->memory)
		rc = upload(r, part, *size);
	take(part, *size);
	return rc;
}

static int put(struct rp_shard_reader *r, const struct rp_part *part,
	       const unsigned char *data, size_t size)
{
	unsigned char *into;
	int rc = room_for(r, part, size, &into);

	if (rc == 0 && part->differs)
		compare(r, part, data, size);
	else if (rc == 0)
		rp_copy_past_cache(into, data, size);
	if (rc == 0 && !part->differs && !part->memory)
		rc = upload(r, part, size);
	return rc;
}

/* What a part has of the `size` bytes that begin at r->at. */
static int scatter(struct rp_shard_reader *r, struct rp_part *part,
		   const unsigned char *data, size_t size)
{
	uint64_t until = r->at + size;
	int rc = 0;

	while (rc == 0 && part->runs.left > 0 && part->runs.from < until) {
		uint64_t rest = until - part->runs.from;
		size_t n = (size_t)(part->runs.size < rest ? part->runs.size
							   : rest);

		rc = put(r, part, data + (part->runs.from - r->at), n);
		take(part, n);
	}
	return rc;
}

/* Bytes that belong to nobody (`any` 0), or to this one and that one. */
static int read_mixed(struct rp_shard_reader *r, size_t most, int any,
		      size_t *size)
{
	const unsigned char *data;
	int rc = rp_in_next(r->in, NULL, any && most > STEP ? STEP : most,
			    &data, size, r->err);

	if (rc != 0)
		return rc;
	rp_hasher_update(r->hasher, data, *size);
	for (size_t i = r->first; rc == 0 && any && i < r->n; i++) {
		if (r->order[i]->runs.left == 0)
			continue;
		if (r->order[i]->begin >= r->at + *size)
			break;
		rc = scatter(r, r->order[i], data, *size);
	}
	return rc;
}

/* The next bytes, of one block. */
static int read_piece(struct rp_shard_reader *r)
{
	uint64_t stop = block_end(r, r->at / RP_HASH_BLOCK);
	struct rp_part *here = NULL;
	int several = 0, rc;
	size_t size = 0;

	while (r->first < r->n && r->order[r->first]->runs.left == 0)
		r->first++;
	for (size_t i = r->first; i < r->n && r->order[i]->begin < stop; i++) {
		struct rp_part *part = r->order[i];

		if (part->runs.left == 0)
			continue;
		if (part->runs.from == r->at) {
			several |= here != NULL;
			here = part;
		} else if (part->runs.from < stop) {
			stop = part->runs.from;
		}
	}
	if (here && !several && here->runs.size < stop - r->at)
		stop = r->at + here->runs.size;
	if (here && !several && stop - r->at >= STRAIGHT)
		rc = read_straight(r, here, (size_t)(stop - r->at), &size);
	else if (here)
		rc = read_mixed(r, (size_t)(block_end(r, r->at /
							 RP_HASH_BLOCK) -
					    r->at), 1, &size);
	else
		rc = read_mixed(r, (size_t)(stop - r->at), 0, &size);
	r->at += size;
	r->left -= size;
	r->read += size;
	rp_progress_add(r->progress, size);
	return rc;
}

int rp_shard_next(struct rp_shard_reader *r, uint64_t bytes,
		  struct rp_err *err)
{
	uint64_t until = bytes < r->left ? r->left - bytes : 0;
	int rc = 0;

	r->err = err ? err : &r->own;
	while (rc == 0 && r->left > until) {
		if (!r->in)
			rc = begin_stretch(r);
		if (rc == 0)
			rc = read_piece(r);
		if (rc == 0 && (r->at % RP_HASH_BLOCK == 0 || r->at == r->until))
			rc = check_block(r);
		if (r->at == r->until) {
			rp_in_close(r->in);
			r->in = NULL;
		}
	}
	rp_copy_done();
	if (rc == 0 && r->left == 0)
		end(r);
	return rc;
}
