/*
 * sys/shard_fill.c - what of a block goes where
 */
#include <string.h>

#include "base/copy.h"
#include "base/hash.h"
#include "sys/shard_read.h"

#define STEP ((size_t)4096)	/* bytes that are hashed, then copied */
#define STRAIGHT STEP		/* bytes that are worth a way of their own */

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

int rp_shard_fill(struct rp_shard_reader *r, uint64_t end)
{
	uint64_t stop = end;
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
		rc = read_mixed(r, (size_t)(end - r->at), 1, &size);
	else
		rc = read_mixed(r, (size_t)(stop - r->at), 0, &size);
	r->at += size;
	r->left -= size;
	r->read += size;
	rp_progress_add(r->progress, size);
	return rc;
}
