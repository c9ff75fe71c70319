#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
/* The widest vectors that this processor has, where the library was built for all
 * of its family. */
#ifdef HAVE_XXH_DISPATCH
#include <xxh_x86dispatch.h>
#endif

struct rp_hasher {
	XXH3_state_t *state;
};

static struct rp_hash canonical(XXH128_hash_t value)
{
	XXH128_canonical_t c;
	struct rp_hash hash;

	XXH128_canonicalFromHash(&c, value);
	memcpy(hash.b, c.digest, sizeof(hash.b));
	return hash;
}

struct rp_hash rp_hash_of(const void *data, size_t size)
{
	return canonical(XXH3_128bits(data, size));
}

void rp_hash_hex(const struct rp_hash *hash, char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < RP_HASH_BYTES; i++) {
		*hex++ = digits[hash->b[i] >> 4];
		*hex++ = digits[hash->b[i] & 15];
	}
	*hex = '\0';
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int rp_hash_parse(const char *hex, struct rp_hash *hash)
{
	if (strlen(hex) != 2 * RP_HASH_BYTES)
		return -1;
	for (size_t i = 0; i < RP_HASH_BYTES; i++) {
		int high = nibble(hex[2 * i]);
		int low = nibble(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		hash->b[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

struct rp_hasher *rp_hasher_new(void)
{
	struct rp_hasher *hasher = malloc(sizeof(*hasher));

	if (!hasher)
		return NULL;
	hasher->state = XXH3_createState();
	if (!hasher->state) {
		free(hasher);
		return NULL;
	}
	rp_hasher_reset(hasher);
	return hasher;
}

void rp_hasher_reset(struct rp_hasher *hasher)
{
	XXH3_128bits_reset(hasher->state);
}

void rp_hasher_update(struct rp_hasher *hasher, const void *data, size_t size)
{
	XXH3_128bits_update(hasher->state, data, size);
}

struct rp_hash rp_hasher_final(struct rp_hasher *hasher)
{
	return canonical(XXH3_128bits_digest(hasher->state));
}

void rp_hasher_free(struct rp_hasher *hasher)
{
	if (!hasher)
		return;
	XXH3_freeState(hasher->state);
	free(hasher);
}

uint64_t rp_hash_blocks(uint64_t bytes)
{
	return (bytes + RP_HASH_BLOCK - 1) / RP_HASH_BLOCK;
}
