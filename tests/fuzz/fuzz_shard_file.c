/*
 * fuzz_shard_file - rp_shard_read() on a whole file: the input is the file. Of
 * one whose header is sound the hash table is filled in and the sum made to
 * match: it must be read in full, registered regions must get their bytes, parts
 * of them too by way of sys/source.h, and one flipped bit must be found.
 */
#include "data/dtype.h"
#include "data/shard.h"
#include "fuzz.h"
#include "sys/source.h"

#define FILE_NAME "shard"
#define EXTRA (2 << 20)	/* a block to read into, and the hasher's state */
#define MOST_RANKS 8	/* of a manifest that is made for the shard */

struct file {
	uint8_t *data;
	size_t size;
	struct rp_shard shard;
	struct rp_shard_sum sum;
};

static int read_file(const struct file *f, const struct rp_regions *regions,
		     struct rp_err *err)
{
	char *path = fuzz_path(FILE_NAME);
	int rc;

	fuzz_put(FILE_NAME, f->data, f->size);
	fuzz_begin(f->size, EXTRA);
	rc = rp_shard_read(NULL, path, regions, f->shard.rank, &f->sum, NULL, err);
	fuzz_end();
	free(path);
	return rc;
}

static int decode(struct file *f)
{
	uint64_t n = 0;

	if (f->size < 8)
		return -1;
	memcpy(&n, f->data, 8);
	if (n == 0 || n > RP_SHARD_HEADER_MAX || n > f->size - 8)
		return -1;
	return rp_shard_decode(&f->shard, (char *)f->data + 8, n, f->size, "x",
			       NULL);
}

/* Fills in the hash table and the sum. */
static void make_true(struct file *f)
{
	const struct rp_shard *s = &f->shard;
	uint8_t *bytes = f->data + s->header_bytes;
	uint8_t *table = bytes + s->hashed_bytes;
	struct rp_hasher *hasher = rp_hasher_new();

	FUZZ_CHECK(hasher);
	for (uint64_t at = 0; at < s->hashed_bytes; at += RP_HASH_BLOCK) {
		uint64_t rest = s->hashed_bytes - at;
		struct rp_hash hash = rp_hash_of(
			bytes + at,
			rest < RP_HASH_BLOCK ? rest : RP_HASH_BLOCK);

		memcpy(table + at / RP_HASH_BLOCK * RP_HASH_BYTES, hash.b,
		       RP_HASH_BYTES);
	}
	rp_hasher_update(hasher, f->data, s->header_bytes);
	rp_hasher_update(hasher, table, s->data_bytes - s->hashed_bytes);
	f->sum.hash = rp_hasher_final(hasher);
	rp_hasher_free(hasher);
}

/* Registers what the shard holds under names that a program can give. */
static void register_all(const struct rp_shard *s, struct rp_regions *regions)
{
	static const int64_t start[RALLY_MAX_DIMS];

	for (size_t i = 0; i < s->n; i++) {
		const struct rp_tensor *t = &s->v[i];
		struct rp_region r;
		void *memory = calloc(1, t->end - t->begin + 1);

		FUZZ_CHECK(memory);
		if (rp_region_array(&r, t->name, memory, t->type, t->ndim,
				    t->shape, start, t->shape, NULL) != 0)
			free(memory);
		else
			FUZZ_CHECK(rp_regions_put(regions, &r, NULL) == 0);
	}
}

static void check_memory(struct file *f, const struct rp_regions *regions)
{
	for (size_t i = 0; i < regions->n; i++) {
		const struct rp_region *r = &regions->v[i];
		const struct rp_tensor *t = rp_shard_find(&f->shard, r->name,
							  r->kind);

		FUZZ_CHECK(t && t->end - t->begin == r->bytes);
		FUZZ_CHECK(memcmp(r->data,
				  f->data + f->shard.header_bytes + t->begin,
				  r->bytes) == 0);
	}
}

/* Something of each dimension, and where a part of `r` is that begins there. */
static size_t middle_of(const struct rp_region *r, struct rp_region *part)
{
	size_t offset = 0;

	*part = *r;
	for (int d = 0; d < r->ndim; d++) {
		part->start[d] = r->shape[d] / 3;
		part->local[d] -= part->start[d] + r->shape[d] / 4;
	}
	for (int d = 0; d < r->ndim; d++)
		offset = offset * (size_t)r->local[d] + (size_t)part->start[d];
	return offset;
}

/* Row by row, one dimension after the other. */
static void check_part(const struct rp_region *r, const struct rp_region *part,
		       int d, size_t width, const uint8_t *whole,
		       const uint8_t **got)
{
	size_t below = width;

	for (int i = d + 1; i < r->ndim; i++)
		below *= (size_t)r->local[i];
	for (int64_t i = 0; i < part->local[d]; i++, whole += below) {
		if (d + 1 < r->ndim) {
			check_part(r, part, d + 1, width, whole, got);
			continue;
		}
		FUZZ_CHECK(memcmp(whole, *got, width) == 0);
		*got += width;
	}
}

static void read_middle(struct rp_source *source, const struct rp_region *r)
{
	size_t width = rp_dtype_size(r->type);
	struct rp_region part;
	size_t offset = middle_of(r, &part);
	const uint8_t *got = part.data = calloc(1, r->bytes + 1);
	int rc = 0;

	if (r->bytes > 0) {
		FUZZ_CHECK(got && rp_source_want_box(source, &part, NULL) == 0);
		while (rc == 0 && rp_source_left(source) > 0)
			rc = rp_source_next(source, 1000, NULL);
		FUZZ_CHECK(rc == 0);
		check_part(r, &part, 0, width,
			   (const uint8_t *)r->data + offset * width, &got);
	}
	free(part.data);
}

/* `regions` hold what the shard does. */
static void check_parts(struct file *f, const struct rp_regions *regions)
{
	struct rp_piece pieces[MOST_RANKS] = { { 0 } };
	struct rp_piece *piece = &pieces[f->shard.rank % MOST_RANKS];
	struct rp_manifest m = { .ranks = f->shard.ranks, .pieces = pieces };
	struct rp_source *source;
	char *name;

	if (m.ranks > MOST_RANKS)
		return;
	name = rp_shard_file_name(f->shard.rank, m.ranks);
	fuzz_put(name, f->data, f->size);
	FUZZ_CHECK(rp_piece_init(piece, regions, f->shard.rank, NULL) == 0);
	piece->bytes = f->sum.bytes;
	piece->hash = f->sum.hash;
	source = rp_source_open(NULL, fuzz_dir(), &m, NULL, NULL, NULL);
	FUZZ_CHECK(source);
	for (size_t i = 0; i < regions->n; i++)
		read_middle(source, &regions->v[i]);
	rp_source_close(source);
	rp_piece_free(piece);
	free(name);
}

static void check_good(struct file *f)
{
	struct rp_regions regions = { 0 };
	struct rp_err err = { 0 };
	struct rp_hash pick;
	size_t where;

	make_true(f);
	FUZZ_CHECK(read_file(f, NULL, &err) == 0);
	register_all(&f->shard, &regions);
	FUZZ_CHECK(read_file(f, &regions, &err) == 0);
	check_memory(f, &regions);
	check_parts(f, &regions);
	pick = rp_hash_of(f->data, f->size);
	memcpy(&where, pick.b, sizeof(where));
	f->data[where % f->size] ^= 1;
	fuzz_failed(&err, read_file(f, NULL, &err), RALLY_ECORRUPT, FILE_NAME);
	for (size_t i = 0; i < regions.n; i++)
		free(regions.v[i].data);
	rp_regions_free(&regions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file f = { .size = size, .sum.bytes = size };
	struct rp_err err = { 0 };

	f.data = (uint8_t *)fuzz_text(data, size);
	if (decode(&f) == 0)
		check_good(&f);
	else
		fuzz_failed(&err, read_file(&f, NULL, &err), RALLY_ECORRUPT,
			    FILE_NAME);
	rp_shard_free(&f.shard);
	free(f.data);
	return 0;
}
