#include "piece_check.h"

#include "data/dtype.h"
#include "fuzz.h"

/* The bytes of the box, which lies in the array. */
static uint64_t check_stored(const struct rp_stored *s)
{
	int64_t bytes = rp_dtype_bytes(s->type, s->ndim, s->local);

	FUZZ_CHECK(rp_region_check_name(s->name, NULL) == 0);
	FUZZ_CHECK(s->kind == RP_PRIVATE || s->kind == RP_ARRAY);
	FUZZ_CHECK(s->ndim >= 1 && s->ndim <= RALLY_MAX_DIMS);
	FUZZ_CHECK(bytes >= 0);
	FUZZ_CHECK(rp_dtype_bytes(s->type, s->ndim, s->shape) >= 0);
	for (int i = 0; i < s->ndim; i++) {
		FUZZ_CHECK(s->start[i] >= 0 && s->local[i] >= 0);
		FUZZ_CHECK(s->start[i] <= s->shape[i]);
		FUZZ_CHECK(s->local[i] <= s->shape[i] - s->start[i]);
	}
	for (int i = 0; s->owns && i < s->ndim; i++) {
		FUZZ_CHECK(s->own_local[i] >= 0);
		FUZZ_CHECK(s->own_start[i] >= s->start[i]);
		FUZZ_CHECK(s->own_local[i] <=
			   s->start[i] + s->local[i] - s->own_start[i]);
	}
	return (uint64_t)bytes;
}

static void add(uint64_t *sum, uint64_t bytes)
{
	FUZZ_CHECK(bytes <= INT64_MAX - *sum);
	*sum += bytes;
}

static void check_names(const struct rp_piece *piece)
{
	for (size_t i = 1; i < piece->n_regions; i++)
		FUZZ_CHECK(strcmp(piece->regions[i - 1].name,
				  piece->regions[i].name) < 0);
	for (size_t i = 1; i < piece->n_files; i++)
		FUZZ_CHECK(strcmp(piece->files[i - 1].name,
				  piece->files[i].name) < 0);
}

void piece_check(const struct rp_piece *piece, uint64_t *bytes)
{
	uint64_t memory = 0;

	FUZZ_CHECK(piece->rank >= 0);
	for (size_t i = 0; i < piece->n_regions; i++)
		add(&memory, check_stored(&piece->regions[i]));
	FUZZ_CHECK(memory <= piece->bytes);
	add(bytes, piece->bytes);
	for (size_t i = 0; i < piece->n_files; i++) {
		const struct rp_stored_file *f = &piece->files[i];

		FUZZ_CHECK(rp_region_check_name(f->name, NULL) == 0);
		FUZZ_CHECK(f->scope == RALLY_FILE_SHARED ||
			   f->scope == RALLY_FILE_PRIVATE);
		add(bytes, f->bytes);
	}
	check_names(piece);
}
