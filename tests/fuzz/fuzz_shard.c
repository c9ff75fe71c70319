/*
 * fuzz_shard - rp_shard_decode(): the input is the file's length in 8 bytes,
 * then the file's begin, as rp_shard_read() takes it: the header's length in 8
 * bytes and the header. A length beyond the input's end is cut to it.
 */
#include "data/dtype.h"
#include "data/shard.h"
#include "fuzz.h"

static void check_table(const struct rp_shard *s, const struct rp_tensor *t)
{
	FUZZ_CHECK(t->begin == s->hashed_bytes);
	FUZZ_CHECK(t->end - t->begin ==
		   RP_HASH_BYTES * rp_hash_blocks(s->hashed_bytes));
	FUZZ_CHECK(s->data_bytes - t->end < RP_SHARD_ALIGN);
}

/* What rp_shard_read() relies on. */
static void check(const struct rp_shard *s, size_t size, uint64_t file_bytes)
{
	uint64_t at = 0;
	char table[40];
	int tables = 0;

	snprintf(table, sizeof(table), "@hash@rank-%05d", s->rank);
	FUZZ_CHECK(s->ranks >= 1 && s->rank >= 0 && s->rank < s->ranks);
	FUZZ_CHECK(s->header_bytes == size + 8);
	FUZZ_CHECK(s->data_bytes == file_bytes - s->header_bytes);
	FUZZ_CHECK(s->hashed_bytes <= s->data_bytes);
	for (size_t i = 0; i < s->n; i++) {
		const struct rp_tensor *t = &s->v[i];

		FUZZ_CHECK(t->begin == at && t->end >= at);
		FUZZ_CHECK(t->ndim >= 0 && t->ndim <= RALLY_MAX_DIMS);
		FUZZ_CHECK(rp_dtype_bytes(t->type, t->ndim, t->shape) ==
			   (int64_t)(t->end - t->begin));
		FUZZ_CHECK(t->region == -1);
		if (strcmp(t->name, table) == 0 &&
		    t->begin == s->hashed_bytes && !tables++)
			check_table(s, t);
		at = t->end;
	}
	FUZZ_CHECK(at == s->data_bytes && tables == 1);
}

static void check_same(const struct rp_shard *a, const struct rp_shard *b)
{
	FUZZ_CHECK(a->rank == b->rank && a->ranks == b->ranks);
	FUZZ_CHECK(a->step == b->step && a->n == b->n);
	FUZZ_CHECK(a->hashed_bytes == b->hashed_bytes);
	for (size_t i = 0; i < a->n; i++) {
		const struct rp_tensor *x = &a->v[i], *y = &b->v[i];

		/* Those without bytes at one place have no order. */
		if (x->begin == x->end)
			continue;
		FUZZ_CHECK(strcmp(x->name, y->name) == 0);
		FUZZ_CHECK(x->type == y->type && x->ndim == y->ndim);
		FUZZ_CHECK(memcmp(x->shape, y->shape, sizeof(x->shape)) == 0);
		FUZZ_CHECK(x->begin == y->begin && x->end == y->end);
	}
}

static void check_round_trip(struct rp_shard *s)
{
	struct rp_regions none = { 0 };
	struct rp_shard back, plain = *s;
	struct rp_err err = { 0 };
	char *bytes = rp_shard_encode(&plain, &none, &err);

	FUZZ_CHECK(bytes);
	FUZZ_CHECK(rp_shard_decode(&back, bytes + 8, plain.header_bytes - 8,
				   plain.header_bytes + plain.data_bytes, "x",
				   &err) == 0);
	check_same(s, &back);
	rp_shard_free(&back);
	free(plain.rest);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t file_bytes, n;
	struct rp_err err = { 0 };
	struct rp_shard s;
	char *text;
	int rc;

	if (size < 16)
		return 0;
	memcpy(&file_bytes, data, 8);
	memcpy(&n, data + 8, 8);
	n = n < size - 16 ? n : size - 16;
	if (file_bytes > INT64_MAX)	/* no file is that long */
		return 0;
	text = fuzz_text(data + 16, n);
	fuzz_begin(n, 0);
	rc = rp_shard_decode(&s, text, n, file_bytes, "the-path", &err);
	fuzz_end();
	if (rc == 0) {
		check(&s, n, file_bytes);
		check_round_trip(&s);
	} else {
		fuzz_failed(&err, rc, RALLY_ECORRUPT, "the-path");
		FUZZ_CHECK(!s.v && s.n == 0);
	}
	rp_shard_free(&s);
	free(text);
	return 0;
}
