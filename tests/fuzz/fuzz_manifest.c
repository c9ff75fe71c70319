/*
 * fuzz_manifest - rp_manifest_decode(): the input is a manifest. Its checksum
 * would stand in the way of all that lies behind it, so the mutator puts it
 * right (but for one time in 16), and an input without one is tried a second
 * time with a right one behind it.
 */
#include "base/text.h"
#include "fuzz.h"
#include "piece_check.h"

#define KEY "\n, \"checksum\": \""
#define END "\" }\n"
#define TAIL (sizeof(KEY) - 1 + RP_HASH_HEX - 1 + sizeof(END) - 1)

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed);

static int has_tail(const uint8_t *data, size_t size)
{
	return size >= TAIL && memcmp(data + size - TAIL, KEY,
				      sizeof(KEY) - 1) == 0;
}

/* Puts TAIL bytes behind the body. */
static void put_tail(uint8_t *data, size_t size)
{
	struct rp_hash hash = rp_hash_of(data, size);
	char hex[RP_HASH_HEX], tail[TAIL + 1];

	rp_hash_hex(&hash, hex);
	snprintf(tail, sizeof(tail), KEY "%s" END, hex);
	memcpy(data + size, tail, TAIL);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed)
{
	if (seed % 16 == 0 || max <= 2 * TAIL)
		return LLVMFuzzerMutate(data, size, max);
	if (has_tail(data, size))
		size -= TAIL;
	size = size < max - TAIL ? size : max - TAIL;
	size = LLVMFuzzerMutate(data, size, max - TAIL);
	put_tail(data, size);
	return size + TAIL;
}

static void check(const struct rp_manifest *m)
{
	uint64_t bytes = 0;
	const char *key;
	json_t *value;

	FUZZ_CHECK(m->ranks >= 1 && m->sequence >= 0 && m->restart >= 0);
	FUZZ_CHECK(m->time >= 0 && m->elapsed_ns >= 0 && m->bandwidth >= 0);
	FUZZ_CHECK(m->cause && m->job && m->version);
	for (int i = 0; i < m->ranks; i++) {
		FUZZ_CHECK(m->pieces[i].rank == i);
		piece_check(&m->pieces[i], &bytes);
	}
	FUZZ_CHECK(bytes == m->bytes);
	json_object_foreach(m->meta, key, value)
		FUZZ_CHECK(json_is_string(value));
}

/* What is written is read, and written again the same. */
static void check_round_trip(const struct rp_manifest *m)
{
	struct rp_manifest back;
	size_t size, again;
	char *once = rp_manifest_encode(m, &size, NULL), *twice;

	FUZZ_CHECK(once);
	FUZZ_CHECK(rp_manifest_decode(&back, once, size, "x", NULL) == 0);
	twice = rp_manifest_encode(&back, &again, NULL);
	FUZZ_CHECK(twice && size == again && memcmp(once, twice, size) == 0);
	rp_manifest_free(&back);
	free(once);
	free(twice);
}

static void decode(const uint8_t *data, size_t size, int add_tail)
{
	char *text = calloc(1, size + (add_tail ? TAIL : 0) + 1);
	struct rp_err err = { 0 };
	struct rp_manifest m;
	int rc;

	FUZZ_CHECK(text);
	if (size > 0)
		memcpy(text, data, size);
	if (add_tail) {
		put_tail((uint8_t *)text, size);
		size += TAIL;
	}
	fuzz_begin(size, 0);
	rc = rp_manifest_decode(&m, text, size, "the-path", &err);
	fuzz_end();
	if (rc == 0) {
		check(&m);
		check_round_trip(&m);
	} else {
		fuzz_failed(&err, rc, rc == RALLY_EVERSION ? rc
							   : RALLY_ECORRUPT,
			    "the-path");
		FUZZ_CHECK(!m.pieces && !m.meta && !m.cause);
	}
	rp_manifest_free(&m);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode(data, size, 0);
	if (!has_tail(data, size))
		decode(data, size, 1);
	return 0;
}
