#include "sys/shard_base.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static void free_blocks(struct rp_shard_blocks *blocks)
{
	free(blocks->table);
	memset(blocks, 0, sizeof(*blocks));
}

void rp_shard_base_keep(struct rp_shard_base *base, const char *path)
{
	rp_shard_base_forget(base);
	base->path = base->next.table ? strdup(path) : NULL;
	base->now = base->next;
	memset(&base->next, 0, sizeof(base->next));
}

void rp_shard_base_drop(struct rp_shard_base *base)
{
	free_blocks(&base->next);
}

void rp_shard_base_forget(struct rp_shard_base *base)
{
	free_blocks(&base->now);
	free(base->path);
	base->path = NULL;
}

void rp_shard_base_free(struct rp_shard_base *base)
{
	rp_shard_base_forget(base);
	free_blocks(&base->next);
	memset(base, 0, sizeof(*base));
}

void rp_shard_base_wrote(struct rp_shard_base *base, const struct rp_shard *shard,
			 const struct rp_regions *regions, unsigned char *table,
			 size_t bytes)
{
	free_blocks(&base->next);
	base->next = (struct rp_shard_blocks){ table, bytes, regions->layout,
					       shard->header_bytes };
}

int64_t rp_shard_base_find(const struct rp_shard_base *base,
			   const struct rp_regions *regions, uint64_t i,
			   const unsigned char *hash)
{
	const struct rp_shard_blocks *now = &base->now;

	if (!base->path || base->refused || now->layout != regions->layout ||
	    (i + 1) * RP_HASH_BYTES > now->bytes ||
	    memcmp(now->table + i * RP_HASH_BYTES, hash, RP_HASH_BYTES) != 0)
		return -1;
	return (int64_t)(now->header_bytes + i * RP_HASH_BLOCK);
}
