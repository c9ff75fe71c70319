/*
 * sys/shard_blocks.c - which blocks of a shard are read, and that they are what was
 *                      written
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/copy.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "sys/shard_read.h"

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
			rc = rp_shard_fill(r, block_end(r, r->at / RP_HASH_BLOCK));
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
