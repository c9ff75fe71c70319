/*
 * data/shard.h - the header of a shard, which is a .safetensors file
 *
 *     u64 N | N bytes of JSON, padded with spaces | data | hash table | pad
 *
 * (8 + N) and the begin of every large tensor are multiples of RP_SHARD_ALIGN: each
 * is followed by a U8 pad tensor where that is needed, since the format allows no
 * holes. The small ones come first, close together, those of the widest type in
 * front, so that each is aligned as its type wants. The tensor "@hash@rank-R" holds
 * one XXH3-128 per block of RP_HASH_BLOCK bytes of all data before it, pads
 * included. Private regions, pads and the hash table carry the rank in their name,
 * so that readers that merge all shards of a folder see each once.
 * Format: https://github.com/huggingface/safetensors#format
 */
#ifndef RP_DATA_SHARD_H
#define RP_DATA_SHARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/region.h"

#define RP_SHARD_ALIGN 4096
#define RP_SHARD_SMALL 65536	/* bytes; below them a pad would be too much */
#define RP_SHARD_HEADER_MAX 100000000	/* safetensors' own limit */

struct rp_tensor {
	char *name;		/* in the file */
	enum rally_type type;
	int ndim;
	int64_t shape[RALLY_MAX_DIMS];
	uint64_t begin, end;	/* bytes, from the begin of the data */
	int region;		/* index into the regions it was planned from,
				   or -1: pad, hash table, or read from a file */
};

struct rp_shard {
	int rank, ranks;
	int64_t step;
	struct rp_tensor *v;	/* in the order of their bytes, no gaps */
	size_t n;
	uint64_t header_bytes;	/* 8 + N */
	uint64_t hashed_bytes;	/* data before the hash table */
	uint64_t data_bytes;	/* all data: file size - header_bytes */
	char *rest;		/* of the header's JSON, behind the step; NULL: not
				   encoded yet */
	const struct rp_tensor **by_name;	/* NULL: not looked for yet */
};

/* Lays out a shard for the regions. Free with rp_shard_free() in any case. */
int rp_shard_plan(struct rp_shard *shard, const struct rp_regions *regions,
		  int rank, int ranks, int64_t step, struct rp_err *err);

/* The header's bytes, u64 and padding included: shard->header_bytes of them,
 * which it sets. The caller's to free. */
char *rp_shard_encode(struct rp_shard *shard, const struct rp_regions *regions,
		      struct rp_err *err);

/* Reads the N bytes of JSON of a file whose header is `header_bytes` long and
 * whose length is `file_bytes`. The text is hostile: every length, offset and
 * name is checked. Failures are RALLY_ECORRUPT and name `path`. */
int rp_shard_decode(struct rp_shard *shard, const char *json, size_t size,
		    uint64_t file_bytes, const char *path, struct rp_err *err);

/* A shard's layout and header, kept from save to save: with many regions it takes
 * longer to make than they do to write. All zeros is empty. rp_layout_take() makes
 * it anew where the regions have changed theirs; the shard is the layout's until
 * the next call. NULL on an error. */
struct rp_layout {
	struct rp_shard shard;
	uint64_t layout;	/* rp_regions' */
	int made;
};
struct rp_shard *rp_layout_take(struct rp_layout *layout,
				const struct rp_regions *regions, int rank,
				int ranks, int64_t step, struct rp_err *err);
void rp_layout_free(struct rp_layout *layout);

/* The tensor that holds a region of this shard's rank, or NULL. */
const struct rp_tensor *rp_shard_find(struct rp_shard *shard,
				      const char *region, enum rp_kind kind);

/* "rank-00003-of-00008.safetensors" */
char *rp_shard_file_name(int rank, int ranks);

void rp_shard_free(struct rp_shard *shard);

#endif
