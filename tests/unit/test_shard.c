/* data/shard: the header of a shard, ours and a hostile one. */
#include "data/shard.h"

#include <jansson.h>

#include "base/hash.h"
#include "data/dtype.h"
#include "unit.h"

static unsigned char memory[3 << 20];

static int fn(const char *path, enum rally_file_op op, int64_t step, void *arg)
{
	(void)path, (void)op, (void)step, (void)arg;
	return 0;
}

/* An array, private memory with and without bytes, one that ends on an
 * alignment, and a file, which is no part of a shard. */
static void fill(struct rp_regions *regions)
{
	const int64_t global[] = { 8, 6 }, start[] = { 4, 0 };
	const int64_t local[] = { 4, 6 };
	struct rp_region r;

	memset(regions, 0, sizeof(*regions));
	assert_int_equal(rp_region_array(&r, "T", memory, RALLY_F64, 2, global,
					 start, local, NULL), 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
	assert_int_equal(rp_region_private(&r, "big", memory, RALLY_U8,
					   (2 << 20) + 1, NULL), 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
	assert_int_equal(rp_region_private(&r, "empty", NULL, RALLY_I32, 0,
					   NULL), 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
	assert_int_equal(rp_region_private(&r, "page", memory, RALLY_F32, 1024,
					   NULL), 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
	assert_int_equal(rp_region_file(&r, "file", RALLY_FILE_SHARED, fn,
					NULL, NULL), 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
}

static void test_plan(void **state)
{
	struct rp_regions regions;
	struct rp_shard s;
	uint64_t at_byte = 0;
	const struct rp_tensor *t;

	(void)state;
	fill(&regions);
	assert_int_equal(rp_shard_plan(&s, &regions, 3, 8, 120, NULL), 0);
	for (size_t i = 0; i < s.n; i++) {
		assert_int_equal(s.v[i].begin, at_byte);
		at_byte = s.v[i].end;
		if (strncmp(s.v[i].name, "@pad", 4) != 0)
			assert_int_equal(s.v[i].begin % rp_dtype_size(s.v[i].type),
					 0);
		if (at_byte - s.v[i].begin >= RP_SHARD_SMALL ||
		    strncmp(s.v[i].name, "@hash", 5) == 0)
			assert_int_equal(s.v[i].begin % RP_SHARD_ALIGN, 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(s.v[k].name, s.v[i].name);
	}
	assert_int_equal(s.data_bytes, at_byte);
	assert_int_equal(s.data_bytes % RP_SHARD_ALIGN, 0);
	t = rp_shard_find(&s, "T", RP_ARRAY);
	assert_non_null(t);
	assert_int_equal(t->end - t->begin, 4 * 6 * 8);
	t = rp_shard_find(&s, "empty", RP_PRIVATE);
	assert_string_equal(t->name, "empty@rank-00003");
	assert_int_equal(t->end, t->begin);
	assert_null(rp_shard_find(&s, "file", RP_PRIVATE));
	assert_null(rp_shard_find(&s, "big", RP_ARRAY));
	t = &s.v[s.n - 2];
	assert_string_equal(t->name, "@hash@rank-00003");
	assert_int_equal(t->begin, s.hashed_bytes);
	assert_int_equal(t->shape[0], rp_hash_blocks(s.hashed_bytes));
	rp_shard_free(&s);
	rp_regions_free(&regions);
}

static void test_round_trip(void **state)
{
	struct rp_regions regions;
	struct rp_shard s, back;
	struct rp_err err = { 0 };
	uint64_t n = 0;
	char *bytes;

	(void)state;
	fill(&regions);
	assert_int_equal(rp_shard_plan(&s, &regions, 3, 8, -7, NULL), 0);
	bytes = rp_shard_encode(&s, &regions, &err);
	assert_non_null(bytes);
	memcpy(&n, bytes, 8);
	assert_int_equal(n + 8, s.header_bytes);
	assert_int_equal(s.header_bytes % RP_SHARD_ALIGN, 0);
	assert_int_equal(rp_shard_decode(&back, bytes + 8, n,
					 s.header_bytes + s.data_bytes, "x",
					 &err), 0);
	assert_int_equal(back.rank, 3);
	assert_int_equal(back.ranks, 8);
	assert_int_equal(back.step, -7);
	assert_int_equal(back.hashed_bytes, s.hashed_bytes);
	assert_int_equal(back.n, s.n);
	for (size_t i = 0; i < s.n; i++) {
		assert_string_equal(back.v[i].name, s.v[i].name);
		assert_int_equal(back.v[i].begin, s.v[i].begin);
		assert_int_equal(back.v[i].end, s.v[i].end);
		assert_int_equal(back.v[i].type, s.v[i].type);
		assert_memory_equal(back.v[i].shape, s.v[i].shape,
				    sizeof(s.v[i].shape));
	}
	rp_shard_free(&back);
	/* one byte more or less in the file is noticed */
	for (int more = -1; more <= 1; more += 2)
		assert_int_equal(rp_shard_decode(&back, bytes + 8, n,
						 s.header_bytes +
							 s.data_bytes +
							 (uint64_t)more,
						 "x", NULL), RALLY_ECORRUPT);
	free(bytes);
	rp_shard_free(&s);
	rp_regions_free(&regions);
}

static char *take(struct rp_layout *layout, const struct rp_regions *regions,
		  int64_t step, size_t *bytes)
{
	struct rp_shard *s = rp_layout_take(layout, regions, 3, 8, step, NULL);
	char *header;

	assert_non_null(s);
	header = rp_shard_encode(s, regions, NULL);
	assert_non_null(header);
	*bytes = s->header_bytes;
	return header;
}

/* A layout that is kept gives the header that a new one gives, whatever changed
 * since the last save. */
static void test_kept_layout(void **state)
{
	const int64_t steps[] = { 0, -9223372036854775807 - 1, 7, 120, 120 };
	struct rp_layout kept = { .made = 0 };
	struct rp_regions regions;
	struct rp_region r;

	(void)state;
	fill(&regions);
	for (size_t i = 0; i < COUNT(steps); i++) {
		struct rp_layout once = { .made = 0 };
		size_t n, m;
		char *a, *b;

		if (i == 2) /* other memory is no other layout */
			regions.v[0].data = memory + 64;
		if (i == 3) {
			assert_int_equal(rp_region_private(&r, "page", memory,
							   RALLY_F32, 1025,
							   NULL), 0);
			assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
		}
		if (i == 4)
			assert_int_equal(rp_regions_drop(&regions, "T", NULL),
					 0);
		a = take(&kept, &regions, steps[i], &n);
		b = take(&once, &regions, steps[i], &m);
		assert_int_equal(n, m);
		assert_memory_equal(a, b, n);
		free(a);
		free(b);
		rp_layout_free(&once);
	}
	rp_layout_free(&kept);
	rp_regions_free(&regions);
}

/* Small ones stand close together, and each is found again. */
static void test_many_small(void **state)
{
	struct rp_regions regions = { 0 };
	struct rp_shard s, back;
	struct rp_err err = { 0 };
	struct rp_region r;
	char name[24], *bytes;
	uint64_t sum = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "r%d", i * 7919 % 1000);
		assert_int_equal(rp_region_private(&r, name, memory,
						   i % 3 ? RALLY_U8 : RALLY_F64,
						   (size_t)i, NULL), 0);
		assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
		sum += r.bytes;
	}
	assert_int_equal(rp_shard_plan(&s, &regions, 0, 1, 5, &err), 0);
	assert_int_equal(s.hashed_bytes, (sum + RP_SHARD_ALIGN - 1) /
						 RP_SHARD_ALIGN * RP_SHARD_ALIGN);
	bytes = rp_shard_encode(&s, &regions, &err);
	assert_non_null(bytes);
	assert_int_equal(rp_shard_decode(&back, bytes + 8, s.header_bytes - 8,
					 s.header_bytes + s.data_bytes, "x",
					 &err), 0);
	for (size_t i = 0; i < regions.n; i++) {
		const struct rp_tensor *t = rp_shard_find(&back,
							  regions.v[i].name,
							  RP_PRIVATE);

		assert_non_null(t);
		assert_int_equal(t->end - t->begin, regions.v[i].bytes);
		assert_int_equal(t->begin % rp_dtype_size(t->type), 0);
		assert_null(rp_shard_find(&back, regions.v[i].name, RP_ARRAY));
	}
	free(bytes);
	rp_shard_free(&s);
	rp_shard_free(&back);
	rp_regions_free(&regions);
}

static void test_a_shard_of_nothing(void **state)
{
	struct rp_regions none = { 0 };
	struct rp_shard s, back;
	struct rp_err err = { 0 };
	char *bytes;

	(void)state;
	assert_int_equal(rp_shard_plan(&s, &none, 0, 1, 0, &err), 0);
	assert_int_equal(s.data_bytes, 0);
	bytes = rp_shard_encode(&s, &none, &err);
	assert_int_equal(rp_shard_decode(&back, bytes + 8, s.header_bytes - 8,
					 s.header_bytes, "x", &err), 0);
	assert_int_equal(back.hashed_bytes, 0);
	rp_shard_free(&back);
	rp_shard_free(&s);
	free(bytes);
}

/* PyTorch wants every tensor of the file in the sharding info. */
static void test_sharding_info(void **state)
{
	struct rp_regions regions;
	struct rp_shard s;
	char *bytes;
	json_t *root, *info, *one;
	json_int_t row, rows;

	(void)state;
	fill(&regions);
	assert_int_equal(rp_shard_plan(&s, &regions, 1, 2, 5, NULL), 0);
	bytes = rp_shard_encode(&s, &regions, NULL);
	root = json_loadb(bytes + 8, s.header_bytes - 8, 0, NULL);
	one = json_object_get(root, "__metadata__");
	info = json_loads(json_string_value(json_object_get(
				  one, "DCP_SHARDING_INFO")), 0, NULL);
	assert_int_equal(json_object_size(info), s.n);
	for (size_t i = 0; i < s.n; i++)
		assert_non_null(json_object_get(info, s.v[i].name));
	one = json_object_get(info, "T");
	assert_int_equal(json_unpack(one, "{s:[I,*],s:[I,*]}", "saved_offsets",
				     &row, "global_shape", &rows), 0);
	assert_int_equal(row, 4);
	assert_int_equal(rows, 8);
	json_decref(info);
	json_decref(root);
	free(bytes);
	rp_shard_free(&s);
	rp_regions_free(&regions);
}

static void add_box(struct rp_regions *regions, const char *name, int64_t start,
		    int64_t local)
{
	const int64_t global[] = { 8, 6 }, from[] = { start, 0 };
	const int64_t box[] = { local, 6 };
	struct rp_region r;

	assert_int_equal(rp_region_array(&r, name, memory, RALLY_F32, 2, global,
					 from, box, NULL), 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
}

static void assert_offsets(const json_t *info, const char *name, int row)
{
	json_int_t at[2];

	assert_int_equal(json_unpack(json_object_get(info, name), "{s:[I,I]}",
				     "saved_offsets", &at[0], &at[1]), 0);
	assert_int_equal(at[0], row);
	assert_int_equal(at[1], 0);
}

/* It knows the parts of an array by their offsets: where another rank's box begins
 * no empty one may, and inside of an array neither. */
static void test_sharding_info_of_empty_boxes(void **state)
{
	struct rp_regions regions = { 0 };
	struct rp_shard s;
	json_t *root, *info;
	char *bytes;

	(void)state;
	add_box(&regions, "first", 0, 0);
	add_box(&regions, "inside", 3, 0);
	add_box(&regions, "full", 3, 2);
	assert_int_equal(rp_shard_plan(&s, &regions, 1, 2, 5, NULL), 0);
	bytes = rp_shard_encode(&s, &regions, NULL);
	root = json_loadb(bytes + 8, s.header_bytes - 8, 0, NULL);
	info = json_loads(json_string_value(json_object_get(
				  json_object_get(root, "__metadata__"),
				  "DCP_SHARDING_INFO")), 0, NULL);
	assert_offsets(info, "first", 8);
	assert_offsets(info, "inside", 8);
	assert_offsets(info, "full", 3);
	json_decref(info);
	json_decref(root);
	free(bytes);
	rp_shard_free(&s);
	rp_regions_free(&regions);
}

/*
 * Hostile headers, around one that is sound: a tensor of 64 bytes is one block,
 * so its hash table has 16 bytes.
 */

#define META "\"__metadata__\":{\"rank\":\"0\",\"ranks\":\"1\",\"step\":\"5\"}"
#define HASH(b, e) \
	"\"@hash@rank-00000\":{\"dtype\":\"U8\",\"shape\":[1,16]," \
	"\"data_offsets\":[" b "," e "]}"
#define TENSOR(name, b, e) \
	"\"" name "\":{\"dtype\":\"U8\",\"shape\":[64],\"data_offsets\":[" b \
	"," e "]}"
#define HASH0 \
	"\"@hash@rank-00000\":{\"dtype\":\"U8\",\"shape\":[0,16]," \
	"\"data_offsets\":[0,0]}"
#define DATA_BYTES 80

static int decode(const char *text, uint64_t data_bytes)
{
	struct rp_shard s;
	struct rp_err err = { 0 };
	size_t size = strlen(text);
	int rc = rp_shard_decode(&s, text, size, size + 8 + data_bytes, "x",
				 &err);

	if (rc != 0) {
		assert_int_equal(s.n, 0);	/* nothing is left to free */
		assert_null(s.v);
	}
	rp_shard_free(&s);
	return rc;
}

static void test_hostile(void **state)
{
	static const char *const bad[] = {
		"", " ", "[]", "{", "{}", "null", "{\"a\":1}",
		"{" META "}",				/* no hash table */
		"{" META "," TENSOR("a", "0", "64") "}",
		/* hole, overlap, twice the same bytes, not from 0 */
		"{" META "," TENSOR("a", "0", "64") "," HASH("65", "81") "}",
		"{" META "," TENSOR("a", "0", "64") "," HASH("63", "79") "}",
		"{" META "," TENSOR("a", "0", "64") "," TENSOR("b", "0", "64")
			"," HASH("64", "80") "}",
		"{" META "," TENSOR("a", "1", "65") "," HASH("65", "81") "}",
		/* a name twice */
		"{" META "," TENSOR("a", "0", "64") "," TENSOR("a", "0", "64")
			"," HASH("64", "80") "}",
		/* bytes and shape differ; backwards; below 0 */
		"{" META "," TENSOR("a", "0", "63") "," HASH("63", "79") "}",
		"{" META "," TENSOR("a", "64", "0") "," HASH("64", "80") "}",
		"{" META "," TENSOR("a", "-64", "0") "," HASH("0", "16") "}",
		/* numbers that are none of ours */
		"{" META "," TENSOR("a", "0.0", "64") "," HASH("64", "80") "}",
		"{" META "," TENSOR("a", "\"0\"", "64") "," HASH("64", "80")
			"}",
		"{" META "," TENSOR("a", "0", "9223372036854775808") ","
			HASH("64", "80") "}",
		"{" META "," TENSOR("a", "0,1", "64") "," HASH("64", "80") "}",
		/* shapes */
		"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[-64],"
			"\"data_offsets\":[0,64]}," HASH("64", "80") "}",
		"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[-8,-8],"
			"\"data_offsets\":[0,64]}," HASH("64", "80") "}",
		"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,"
			"4294967296,64],\"data_offsets\":[0,64]},"
			HASH("64", "80") "}",
		"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,"
			"64],\"data_offsets\":[0,64]}," HASH("64", "80") "}",
		"{" META ",\"a\":{\"dtype\":\"U8\",\"shape\":64,"
			"\"data_offsets\":[0,64]}," HASH("64", "80") "}",
		"{" META ",\"a\":{\"dtype\":\"C64\",\"shape\":[8],"
			"\"data_offsets\":[0,64]}," HASH("64", "80") "}",
		"{" META ",\"a\":{\"shape\":[64],\"data_offsets\":[0,64]},"
			HASH("64", "80") "}",
		"{" META ",\"a\":[1,2]," HASH("64", "80") "}",
		"{" META ",\"a\":null," HASH("64", "80") "}",
		/* hash tables that are none */
		"{" META "," TENSOR("a", "0", "64") ",\"@hash@rank-00001\":{"
			"\"dtype\":\"U8\",\"shape\":[1,16],"
			"\"data_offsets\":[64,80]}}",
		"{" META "," TENSOR("a", "0", "64") ",\"@hash@rank-00000\":{"
			"\"dtype\":\"U8\",\"shape\":[16],"
			"\"data_offsets\":[64,80]}}",
		"{" META "," TENSOR("a", "0", "64") ",\"@hash@rank-00000\":{"
			"\"dtype\":\"U8\",\"shape\":[2,8],"
			"\"data_offsets\":[64,80]}}",
		"{" META "," TENSOR("a", "16", "80") "," HASH("0", "16") "}",
		/* the file is full, and then a tensor outside of it, one over
		 * the table, one without a hash */
		"{" META "," TENSOR("a", "0", "64") "," HASH("64", "80") ","
			TENSOR("b", "4096", "4160") "}",
		"{" META "," TENSOR("a", "0", "64") "," HASH("64", "80")
			",\"b\":{\"dtype\":\"U8\",\"shape\":[2],"
			"\"data_offsets\":[70,72]}}",
		"{" META "," HASH0 "," TENSOR("a", "0", "64")
			",\"b\":{\"dtype\":\"U8\",\"shape\":[16],"
			"\"data_offsets\":[64,80]}}",
		"{" META "," HASH0 "," TENSOR("@pad-00001", "0", "64")
			",\"b\":{\"dtype\":\"U8\",\"shape\":[16],"
			"\"data_offsets\":[64,80]}}",
		/* rank, ranks, step */
		"{" TENSOR("a", "0", "64") "," HASH("64", "80") "}",
		"{\"__metadata__\":{\"rank\":\"1\",\"ranks\":\"1\",\"step\":"
			"\"5\"}," TENSOR("a", "0", "64") "," HASH("64", "80")
			"}",
		"{\"__metadata__\":{\"rank\":\"-1\",\"ranks\":\"1\",\"step\":"
			"\"5\"}," TENSOR("a", "0", "64") "," HASH("64", "80")
			"}",
		"{\"__metadata__\":{\"rank\":\"0\",\"ranks\":\"0\",\"step\":"
			"\"5\"}," TENSOR("a", "0", "64") "," HASH("64", "80")
			"}",
		"{\"__metadata__\":{\"rank\":0,\"ranks\":1,\"step\":5},"
			TENSOR("a", "0", "64") "," HASH("64", "80") "}",
		"{\"__metadata__\":{\"rank\":\"0\",\"ranks\":\"1\",\"step\":"
			"\"5x\"}," TENSOR("a", "0", "64") "," HASH("64", "80")
			"}",
		"{\"__metadata__\":[]," TENSOR("a", "0", "64") ","
			HASH("64", "80") "}",
		/* something behind the object, a NUL in a name */
		"{" META "," TENSOR("a", "0", "64") "," HASH("64", "80") "}x",
		"{" META "," TENSOR("a\\u0000b", "0", "64") "," HASH("64", "80")
			"}",
	};

	(void)state;
	/* the pattern itself is sound, in any order of the entries */
	assert_int_equal(decode("{" META "," TENSOR("a", "0", "64") ","
				HASH("64", "80") "}  ", DATA_BYTES), 0);
	assert_int_equal(decode("{" HASH("64", "80") "," TENSOR("a", "0", "64")
				"," META "}", DATA_BYTES), 0);
	for (size_t i = 0; i < COUNT(bad); i++) {
		int rc = decode(bad[i], DATA_BYTES);

		if (rc != RALLY_ECORRUPT)
			print_error("%d for %s\n", rc, bad[i]);
		assert_int_equal(rc, RALLY_ECORRUPT);
	}
}

static void test_a_file_shorter_than_its_header(void **state)
{
	const char *text = "{" META "," TENSOR("a", "0", "64") ","
			   HASH("64", "80") "}";
	struct rp_shard s;

	(void)state;
	for (uint64_t bytes = 0; bytes < strlen(text) + 8 + DATA_BYTES;
	     bytes += 5)
		assert_int_equal(rp_shard_decode(&s, text, strlen(text), bytes,
						 "x", NULL), RALLY_ECORRUPT);
}

/* Behind the table there is room for a pad, and for nothing longer. */
static void test_a_pad_behind_the_table(void **state)
{
	static const char pad[] =
		"{" META "," HASH0 ",\"@pad-00001@rank-00000\":{"
		"\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[0,%d]}}";
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), pad, 4095, 4095);
	assert_int_equal(decode(text, 4095), 0);
	snprintf(text, sizeof(text), pad, 4096, 4096);
	assert_int_equal(decode(text, 4096), RALLY_ECORRUPT);
}

/* A name of the file's is told, but a terminal must not obey it. */
static void test_names_are_tame(void **state)
{
	static const char text[] = "{" META ",\"x\\u001b[31m\xc2\x9b\":1}";
	struct rp_err err = { 0 };
	struct rp_shard s;

	(void)state;
	rp_shard_decode(&s, text, strlen(text), 4096, "x", &err);
	assert_fails(&err, RALLY_ECORRUPT, "x?[31m??");
}

static void test_deep_json(void **state)
{
	size_t depth = 1000000;
	char *text = malloc(depth + 64);

	(void)state;
	strcpy(text, "{\"a\":");
	memset(text + 5, '[', depth);
	text[5 + depth] = '\0';
	assert_int_equal(decode(text, DATA_BYTES), RALLY_ECORRUPT);
	free(text);
}

/* Any damage of one byte is refused, or leaves a header that is sound in
 * itself: never a crash, nor a tensor outside of the file. */
static void test_any_flipped_byte(void **state)
{
	struct rp_regions regions;
	struct rp_shard s, back;
	size_t size;
	char *bytes;

	(void)state;
	fill(&regions);
	assert_int_equal(rp_shard_plan(&s, &regions, 3, 8, 7, NULL), 0);
	bytes = rp_shard_encode(&s, &regions, NULL);
	size = s.header_bytes - 8;
	for (size_t i = 0; i < size * 8; i++) {
		char *byte = bytes + 8 + i / 8;

		*byte = (char)(*byte ^ 1 << i % 8);
		if (rp_shard_decode(&back, bytes + 8, size,
				    s.header_bytes + s.data_bytes, "x",
				    NULL) == 0) {
			for (size_t k = 0; k < back.n; k++)
				assert_true(back.v[k].end <= s.data_bytes);
			rp_shard_free(&back);
		}
		*byte = (char)(*byte ^ 1 << i % 8);
	}
	free(bytes);
	rp_shard_free(&s);
	rp_regions_free(&regions);
}

static void test_names_of_files(void **state)
{
	char *name = rp_shard_file_name(3, 8);

	(void)state;
	assert_string_equal(name, "rank-00003-of-00008.safetensors");
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_kept_layout),
		cmocka_unit_test(test_many_small),
		cmocka_unit_test(test_a_shard_of_nothing),
		cmocka_unit_test(test_sharding_info),
		cmocka_unit_test(test_sharding_info_of_empty_boxes),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_a_file_shorter_than_its_header),
		cmocka_unit_test(test_a_pad_behind_the_table),
		cmocka_unit_test(test_names_are_tame),
		cmocka_unit_test(test_deep_json),
		cmocka_unit_test(test_any_flipped_byte),
		cmocka_unit_test(test_names_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
