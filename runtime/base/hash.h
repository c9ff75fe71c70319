/*
 * base/hash.h - XXH3-128 over blocks and over whole texts
 *
 * Shards are hashed per block of RP_HASH_BLOCK bytes while they are written;
 * the table of block hashes then stands for the bytes. A hash is kept in
 * xxhash's canonical (big-endian) form.
 */
#ifndef RP_BASE_HASH_H
#define RP_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define RP_HASH_BYTES 16
#define RP_HASH_HEX (2 * RP_HASH_BYTES + 1)
#define RP_HASH_BLOCK ((size_t)1 << 20)
#define RP_HASH_NAME "xxh3-128"

struct rp_hash {
	unsigned char b[RP_HASH_BYTES];
};

/* The hash of one buffer. */
struct rp_hash rp_hash_of(const void *data, size_t size);

/* Lower-case hexadecimal into a buffer of RP_HASH_HEX bytes, and back; the
 * latter returns 0, or -1 where the text is not a hash. */
void rp_hash_hex(const struct rp_hash *hash, char *hex);
int rp_hash_parse(const char *hex, struct rp_hash *hash);

/* A hash of pieces. new returns NULL without memory; free takes NULL. */
struct rp_hasher;
struct rp_hasher *rp_hasher_new(void);
void rp_hasher_reset(struct rp_hasher *hasher);
void rp_hasher_update(struct rp_hasher *hasher, const void *data, size_t size);
struct rp_hash rp_hasher_final(struct rp_hasher *hasher);
void rp_hasher_free(struct rp_hasher *hasher);

/* Number of blocks, the last one maybe short, in `bytes`. */
uint64_t rp_hash_blocks(uint64_t bytes);

#endif
