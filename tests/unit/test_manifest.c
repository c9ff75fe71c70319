/* data/manifest and data/piece: what is written is read, and nothing else is
 * believed. */
#include "data/manifest.h"

#include "unit.h"

static double memory[64];

/* As a manifest of before 0.1.0 has it: read, but not written any more. */
static void add_private(struct rp_piece *piece, int count)
{
	struct rp_stored *v = realloc(piece->regions, 2 * sizeof(*v));

	assert_non_null(v);
	piece->regions = v;
	memset(&v[1], 0, sizeof(v[1]));
	v[1].name = strdup("p");
	v[1].kind = RP_PRIVATE;
	v[1].type = RALLY_I32;
	v[1].ndim = 1;
	v[1].shape[0] = v[1].local[0] = count;
	piece->n_regions = 2;
}

static void fill_piece(struct rp_piece *piece, int rank)
{
	const int64_t global[] = { 8, 6 }, start[] = { 4 * rank, 0 };
	const int64_t local[] = { 4, 6 };
	struct rp_hash hash = rp_hash_of("f", 1);
	struct rp_regions regions = { 0 };
	struct rp_region r;

	assert_int_equal(rp_region_array(&r, "T", memory, RALLY_F64, 2, global,
					 start, local, NULL), 0);
	if (rank == 1) {
		r.owns = r.replicated = 1;
		r.own_start[0] = 5;
		r.own_local[0] = 3;
		r.own_local[1] = 6;
	}
	assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
	assert_int_equal(rp_region_private(&r, "p", memory, RALLY_I32,
					   (size_t)rank, NULL), 0);
	assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
	assert_int_equal(rp_piece_init(piece, &regions, rank, NULL), 0);
	assert_int_equal(piece->n_regions, 1);
	add_private(piece, rank);
	piece->bytes = 8192 + (uint64_t)rank;
	piece->hash = rp_hash_of("h", 1);
	piece->content = rp_hash_of("c", 1);
	assert_int_equal(rp_piece_add_file(piece, "log", RALLY_FILE_PRIVATE,
					   17, &hash, NULL), 0);
	if (rank == 0)
		assert_int_equal(rp_piece_add_file(piece, "restart",
						   RALLY_FILE_SHARED, 0, &hash,
						   NULL), 0);
	rp_regions_free(&regions);
}

static void fill(struct rp_manifest *m)
{
	memset(m, 0, sizeof(*m));
	m->sequence = 7;
	m->step = -120;
	m->ranks = 2;
	m->cause = strdup("stop");
	m->job = strdup("12_3");
	m->restart = 4;
	m->version = strdup("0.1.0");
	m->time = 1700000000;
	m->elapsed_ns = 123456789;
	m->bandwidth = 140000;
	m->bytes = 8192 + 17 + 8193 + 17;
	m->meta = json_pack("{s:s,s:s}", "case", "tube", "quote", "\"\n");
	m->pieces = calloc(2, sizeof(*m->pieces));
	fill_piece(&m->pieces[0], 0);
	fill_piece(&m->pieces[1], 1);
}

static char *sample(size_t *size)
{
	struct rp_manifest m;
	char *text;

	fill(&m);
	text = rp_manifest_encode(&m, size, NULL);
	assert_non_null(text);
	assert_int_equal(*size, strlen(text));
	rp_manifest_free(&m);
	return text;
}

static int decode(const char *text, size_t size, struct rp_err *err)
{
	struct rp_manifest m;
	int rc = rp_manifest_decode(&m, text, size, "the-path", err);

	if (rc != 0) {
		assert_null(m.pieces);	/* nothing is left to free */
		assert_null(m.cause);
	}
	rp_manifest_free(&m);
	return rc;
}

static void assert_same_piece(const struct rp_piece *a,
			      const struct rp_piece *b)
{
	assert_int_equal(a->rank, b->rank);
	assert_int_equal(a->bytes, b->bytes);
	assert_memory_equal(&a->hash, &b->hash, sizeof(a->hash));
	assert_memory_equal(&a->content, &b->content, sizeof(a->content));
	assert_int_equal(a->n_regions, b->n_regions);
	for (size_t i = 0; i < a->n_regions; i++) {
		const struct rp_stored *x = &a->regions[i];
		const struct rp_stored *y = &b->regions[i];

		assert_string_equal(x->name, y->name);
		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->type, y->type);
		assert_int_equal(x->ndim, y->ndim);
		assert_memory_equal(x->shape, y->shape, sizeof(x->shape));
		assert_memory_equal(x->start, y->start, sizeof(x->start));
		assert_memory_equal(x->local, y->local, sizeof(x->local));
		assert_int_equal(x->owns, y->owns);
		assert_memory_equal(x->own_start, y->own_start,
				    sizeof(x->own_start));
		assert_memory_equal(x->own_local, y->own_local,
				    sizeof(x->own_local));
		assert_int_equal(x->replicated, y->replicated);
	}
	assert_int_equal(a->n_files, b->n_files);
	for (size_t i = 0; i < a->n_files; i++) {
		assert_string_equal(a->files[i].name, b->files[i].name);
		assert_int_equal(a->files[i].scope, b->files[i].scope);
		assert_int_equal(a->files[i].bytes, b->files[i].bytes);
		assert_memory_equal(&a->files[i].hash, &b->files[i].hash,
				    sizeof(a->files[i].hash));
	}
}

static void test_round_trip(void **state)
{
	struct rp_manifest m, back;
	struct rp_err err = { 0 };
	size_t size;
	char *text;

	(void)state;
	fill(&m);
	text = rp_manifest_encode(&m, &size, &err);
	assert_int_equal(rp_manifest_decode(&back, text, size, "x", &err), 0);
	assert_int_equal(back.sequence, 7);
	assert_int_equal(back.step, -120);
	assert_int_equal(back.ranks, 2);
	assert_string_equal(back.cause, "stop");
	assert_string_equal(back.job, "12_3");
	assert_int_equal(back.restart, 4);
	assert_string_equal(back.version, "0.1.0");
	assert_int_equal(back.time, m.time);
	assert_int_equal(back.elapsed_ns, m.elapsed_ns);
	assert_true(back.bytes == m.bytes);
	assert_int_equal(back.bandwidth, 140000);
	assert_true(json_equal(back.meta, m.meta));
	for (int i = 0; i < 2; i++)
		assert_same_piece(&m.pieces[i], &back.pieces[i]);
	assert_int_equal(rp_manifest_find(&back, 1, "T")->start[0], 4);
	assert_int_equal(rp_manifest_find(&back, 1, "p")->local[0], 1);
	assert_null(rp_manifest_find(&back, 1, "q"));
	assert_int_equal(rp_manifest_find(&back, 0, "T")->owns, 0);
	assert_int_equal(rp_manifest_find(&back, 1, "T")->own_start[0], 5);
	free(text);
	rp_manifest_free(&back);
	rp_manifest_free(&m);
}

static void test_a_piece_travels(void **state)
{
	struct rp_piece piece, back;
	char *text;

	(void)state;
	fill_piece(&piece, 0);
	text = rp_piece_encode(&piece, NULL);
	assert_null(strchr(text, '\n'));
	assert_int_equal(rp_piece_decode(&back, text, strlen(text), NULL), 0);
	assert_same_piece(&piece, &back);
	rp_piece_free(&back);
	assert_int_equal(rp_piece_decode(&back, text, strlen(text) - 1, NULL),
			 RALLY_ECORRUPT);
	assert_int_equal(rp_piece_decode(&back, "[]", 2, NULL),
			 RALLY_ECORRUPT);
	free(text);
	rp_piece_free(&piece);
}

static void test_every_flipped_bit(void **state)
{
	size_t size;
	char *text = sample(&size);

	(void)state;
	for (size_t i = 0; i < size * 8; i++) {
		struct rp_err err = { 0 };

		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		assert_int_equal(decode(text, size, &err), RALLY_ECORRUPT);
		assert_fails(&err, RALLY_ECORRUPT, "the-path");
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
	}
	assert_int_equal(decode(text, size, NULL), 0);
	free(text);
}

static void test_every_length(void **state)
{
	size_t size;
	char *text = sample(&size), *longer = rp_format("%s\n", text);

	(void)state;
	assert_int_equal(decode(longer, size + 1, NULL), RALLY_ECORRUPT);
	for (size_t n = size; n-- > 0;) {
		text[n] = '\0';
		assert_int_equal(decode(text, n, NULL), RALLY_ECORRUPT);
	}
	free(longer);
	free(text);
}

/* The text of a manifest with `from` (once in it) replaced and a checksum that
 * fits: what a hostile writer could do. */
static char *forge(const char *text, const char *from, const char *to)
{
	const char *end = strstr(text, "\n, \"checksum\"");
	const char *found = strstr(text, from);
	char hex[RP_HASH_HEX];
	struct rp_hash hash;
	char *body, *forged;

	assert_non_null(end);
	assert_non_null(found);
	assert_true(found < end);
	body = rp_format("%.*s%s%.*s", (int)(found - text), text, to,
			 (int)(end - found - (ptrdiff_t)strlen(from)),
			 found + strlen(from));
	hash = rp_hash_of(body, strlen(body));
	rp_hash_hex(&hash, hex);
	forged = rp_format("%s\n, \"checksum\": \"%s\" }\n", body, hex);
	free(body);
	return forged;
}

static int decode_forged(const char *from, const char *to, struct rp_err *err)
{
	size_t size;
	char *text = sample(&size);
	char *forged = forge(text, from, to);
	int rc = decode(forged, strlen(forged), err);

	free(text);
	free(forged);
	return rc;
}

static void test_newer_format(void **state)
{
	struct rp_err err = { 0 };

	(void)state;
	decode_forged("\"format\": 1", "\"format\": 2", &err);
	assert_fails(&err, RALLY_EVERSION, "format 2");
	assert_int_equal(decode_forged("\"format\": 1", "\"format\": 0", NULL),
			 RALLY_ECORRUPT);
	/* what a later version adds does not hurt */
	assert_int_equal(decode_forged("\"step\"", "\"more\": [1], \"step\"",
				       NULL), 0);
}

static void test_hostile(void **state)
{
	static const char *const bad[][2] = {
		{ "\"ranks\": 2", "\"ranks\": 3" },
		{ "\"ranks\": 2", "\"ranks\": 0" },
		{ "\"ranks\": 2", "\"ranks\": -2" },
		{ "\"ranks\": 2", "\"ranks\": 2.0" },
		{ "\"ranks\": 2", "\"ranks\": 4294967298" },
		{ "\"ranks\": 2", "\"ranks\": 2, \"ranks\": 2" },
		{ "\"sequence\": 7", "\"sequence\": -7" },
		{ "\"sequence\": 7", "\"sequence\": 9223372036854775808" },
		{ "\"sequence\": 7", "\"sequenze\": 7" },
		{ "\"step\": -120", "\"step\": \"-120\"" },
		{ "\"cause\": \"stop\"", "\"cause\": null" },
		{ "\"job\": \"12_3\"", "\"job\": 12" },
		{ "\"job\": \"12_3\"", "\"job\": \"\\u0000\"" },
		{ "\"hash\": \"xxh3-128\"", "\"hash\": \"md5\"" },
		{ "\"block\": 1048576", "\"block\": 1048577" },
		{ "\"block\": 1048576", "\"block\": 0" },
		{ "\"case\": \"tube\"", "\"case\": 1" },
		{ "\"rank\": 0", "\"rank\": 1" },
		{ "\"rank\": 1", "\"rank\": 0" },
		{ "\"bytes\": 8192", "\"bytes\": -8192" },
		/* more in the shard than the shard has; sums that do not
		 * match, or that no sum can be */
		{ "\"bytes\": 8192", "\"bytes\": 191" },
		{ "\"bytes\": 8192", "\"bytes\": 8191" },
		{ "\"bytes\": 16419", "\"bytes\": 16420" },
		{ "\"bytes\": 16419", "\"bytes\": 0" },
		{ "\"bytes\": 8192", "\"bytes\": 9223372036854775807" },
		{ "\"bytes\": 17", "\"bytes\": 9223372036854775807" },
		/* a name twice, or out of order: which one is it? */
		{ "\"private\": \"p\"", "\"private\": \"T\"" },
		{ "\"private\": \"p\"", "\"private\": \"A\"" },
		{ "\"name\": \"restart\"", "\"name\": \"log\"" },
		{ "\"name\": \"restart\"", "\"name\": \"first\"" },
		{ "\"array\": \"T\"", "\"array\": \"../T\"" },
		{ "\"array\": \"T\"", "\"array\": \"\"" },
		{ "\"array\": \"T\"", "\"nothing\": \"T\"" },
		{ "\"private\": \"p\"", "\"private\": \"p@q\"" },
		{ "\"name\": \"log\"", "\"name\": \"../../log\"" },
		{ "\"name\": \"log\"", "\"name\": \".\"" },
		{ "\"shared\": false", "\"shared\": 0" },
		{ "\"dtype\": \"F64\"", "\"dtype\": \"C64\"" },
		{ "\"count\": 0", "\"count\": -1" },
		{ "\"count\": 0", "\"count\": 9223372036854775807" },
		{ "\"bytes\": 17", "\"bytes\": 1e3" },
		{ "\"shards\": [", "\"shards\": [[]," },
		{ "\"files\": [", "\"files\": [null," },
		{ "\"regions\": [", "\"regions\": [\"x\"," },
		{ "\"regions\": [", "\"regions\": null, \"x\": [" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		int rc = decode_forged(bad[i][0], bad[i][1], NULL);

		if (rc != RALLY_ECORRUPT)
			print_error("%d for %s\n", rc, bad[i][1]);
		assert_int_equal(rc, RALLY_ECORRUPT);
	}
}

/* A piece with this list of regions. */
static int decode_regions(const char *regions)
{
	static const char zero[] = "00000000000000000000000000000000";
	struct rp_piece piece;
	char *text = rp_format("{\"rank\":0,\"bytes\":64,\"hash\":\"%s\","
			       "\"content\":\"%s\",\"regions\":[%s],"
			       "\"files\":[]}", zero, zero, regions);
	int rc = rp_piece_decode(&piece, text, strlen(text), NULL);

	if (rc == 0)
		rp_piece_free(&piece);
	free(text);
	return rc;
}

#define BOX(shape, start, local) \
	"{\"array\":\"T\",\"dtype\":\"F64\",\"shape\":" shape \
	",\"start\":" start ",\"local\":" local "}"

#define OWN(member) \
	"{\"array\":\"T\",\"dtype\":\"U8\",\"shape\":[8,8],\"start\":[2,4]," \
	"\"local\":[3,4]," member "}"

#define PRIVATE(name, count) \
	"{\"private\":\"" name "\",\"dtype\":\"U8\",\"count\":" count "}"

static void test_hostile_boxes(void **state)
{
	static const char *const bad[] = {
		BOX("[8]", "[5]", "[4]"),
		BOX("[8]", "[-1]", "[4]"),
		BOX("[8]", "[4]", "[9223372036854775807]"),
		BOX("[8]", "[4]", "[4,1]"),
		BOX("[8]", "[]", "[4]"),
		BOX("[]", "[]", "[]"),
		BOX("[1,1,1,1,1,1,1,1,1]", "[0,0,0,0,0,0,0,0,0]",
		    "[1,1,1,1,1,1,1,1,1]"),
		BOX("[4294967296,4294967296]", "[0,0]", "[0,0]"),
		BOX("{}", "[4]", "[4]"),
		BOX("[8.0]", "[4]", "[4]"),
	};

	(void)state;
	assert_int_equal(decode_regions(BOX("[8]", "[4]", "[4]")), 0);
	assert_int_equal(decode_regions(BOX("[8]", "[8]", "[0]")), 0);
	assert_int_equal(decode_regions(BOX("[9]", "[0]", "[8]")), 0);
	/* 72 bytes in a shard of 64; two that are 2^64 together */
	assert_int_equal(decode_regions(BOX("[9]", "[0]", "[9]")),
			 RALLY_ECORRUPT);
	assert_int_equal(decode_regions(PRIVATE("a", "9223372036854775807") ","
					PRIVATE("b", "9223372036854775807") ","
					PRIVATE("c", "2")), RALLY_ECORRUPT);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(decode_regions(bad[i]), RALLY_ECORRUPT);
}

/* The part that a rank answers for is one of its box. */
static void test_hostile_owners(void **state)
{
	static const char *const bad[] = {
		OWN("\"own\":{\"start\":[1,4],\"local\":[3,4]}"),
		OWN("\"own\":{\"start\":[2,4],\"local\":[4,4]}"),
		OWN("\"own\":{\"start\":[6,4],\"local\":[0,0]}"),
		OWN("\"own\":{\"start\":[3,4],\"local\":[9223372036854775807,4]}"),
		OWN("\"own\":{\"start\":[2,4],\"local\":[-1,4]}"),
		OWN("\"own\":{\"start\":[2],\"local\":[3]}"),
		OWN("\"own\":{\"start\":[2,4]}"),
		OWN("\"own\":{}"),
		OWN("\"own\":null"),
		OWN("\"own\":[[2,4],[3,4]]"),
		OWN("\"replicated\":1"),
		OWN("\"replicated\":null"),
	};

	(void)state;
	assert_int_equal(decode_regions(OWN("\"own\":{\"start\":[2,4],"
					    "\"local\":[3,4]}")), 0);
	assert_int_equal(decode_regions(OWN("\"own\":{\"start\":[5,8],"
					    "\"local\":[0,0]}")), 0);
	assert_int_equal(decode_regions(OWN("\"replicated\":false")), 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(decode_regions(bad[i]), RALLY_ECORRUPT);
}

static void test_deep_json(void **state)
{
	size_t depth = 500000;
	char *deep = malloc(depth + 32);
	int rc;

	(void)state;
	memset(deep, '[', depth);
	strcpy(deep + depth, ", \"x\": 1");
	memcpy(deep, "\"d\": ", 5);
	rc = decode_forged("\"step\": -120", deep, NULL);
	assert_int_equal(rc, RALLY_ECORRUPT);
	free(deep);
}

static void test_a_nul_inside(void **state)
{
	size_t size;
	char *text = sample(&size);

	(void)state;
	text[size / 2] = '\0';
	assert_int_equal(decode(text, size, NULL), RALLY_ECORRUPT);
	free(text);
}

static void test_paths_of_files(void **state)
{
	char *shared = rp_manifest_file_path("x", RALLY_FILE_SHARED, 3);
	char *mine = rp_manifest_file_path("x", RALLY_FILE_PRIVATE, 3);

	(void)state;
	assert_string_equal(shared, "files/x");
	assert_string_equal(mine, "files/rank-00003/x");
	free(shared);
	free(mine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_a_piece_travels),
		cmocka_unit_test(test_every_flipped_bit),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_newer_format),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_hostile_boxes),
		cmocka_unit_test(test_hostile_owners),
		cmocka_unit_test(test_deep_json),
		cmocka_unit_test(test_a_nul_inside),
		cmocka_unit_test(test_paths_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
