/*
 * test_save.c - what is saved comes back
 *
 * ranks: 1 2 4
 */
#include "mpi_test.h"

static const struct {
	enum rally_type type;
	size_t size;
} types[] = {
	{ RALLY_BOOL, 1 },    { RALLY_U8, 1 },	    { RALLY_I8, 1 },
	{ RALLY_U16, 2 },     { RALLY_I16, 2 },	    { RALLY_U32, 4 },
	{ RALLY_I32, 4 },     { RALLY_U64, 8 },	    { RALLY_I64, 8 },
	{ RALLY_F8_E4M3, 1 }, { RALLY_F8_E5M2, 1 }, { RALLY_F16, 2 },
	{ RALLY_BF16, 2 },    { RALLY_F32, 4 },	    { RALLY_F64, 8 },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

static void fill(unsigned char *p, size_t n, int seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(i * 31 + (size_t)seed * 7 + 1);
}

static void resume(rally_t *rp, int64_t expected)
{
	int64_t step = -1;
	int how = -1;

	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(how, RALLY_RESUMED);
	assert_int_equal(step, expected);
}

static void save_and_close(rally_t *rp, int64_t step)
{
	mt_code(rp, rally_save(rp, step), 0);
	assert_int_equal(mt_status(rp).saved_step, step);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

/* Every type, with another count on every rank, 0 among them. */
static void test_private_types(void **state)
{
	const char *dir = mt_dir();
	unsigned char *out[TYPES], *in[TYPES];
	rally_t *rp = mt_open(dir), *again;
	char name[16];

	(void)state;
	for (size_t i = 0; i < TYPES; i++) {
		size_t count = i * 1000 * (size_t)(mt_rank + 1);

		out[i] = calloc(count + 1, types[i].size);
		in[i] = calloc(count + 1, types[i].size);
		fill(out[i], count * types[i].size, (int)i + mt_rank);
		snprintf(name, sizeof(name), "t%zu", i);
		mt_code(rp, rally_add(rp, name, out[i], types[i].type, count),
			0);
	}
	save_and_close(rp, 1);
	again = mt_open(dir);
	for (size_t i = 0; i < TYPES; i++) {
		size_t count = i * 1000 * (size_t)(mt_rank + 1);

		snprintf(name, sizeof(name), "t%zu", i);
		mt_code(again,
			rally_add(again, name, in[i], types[i].type, count), 0);
	}
	resume(again, 1);
	mt_code(again, rally_close(again), 0);
	for (size_t i = 0; i < TYPES; i++) {
		assert_memory_equal(in[i], out[i],
				    i * 1000 * (size_t)(mt_rank + 1) *
					    types[i].size);
		free(in[i]);
		free(out[i]);
	}
}

/* Arrays of 1 to 8 dimensions, split along one of them; ranks past the end
 * have an empty box. */
static void test_arrays(void **state)
{
	(void)state;
	for (int ndim = 1; ndim <= RALLY_MAX_DIMS; ndim++) {
		const char *dir = mt_dir();
		int64_t global[RALLY_MAX_DIMS], start[RALLY_MAX_DIMS] = { 0 };
		int64_t local[RALLY_MAX_DIMS], begin, end;
		static float out[1024], in[1024];
		rally_t *rp = mt_open(dir);
		size_t n = 1;

		for (int d = 0; d < ndim; d++)
			local[d] = global[d] = d == ndim / 2 ? 3 : 2;
		begin = 3 * mt_rank / mt_size;
		end = 3 * (mt_rank + 1) / mt_size;
		start[ndim / 2] = begin;
		local[ndim / 2] = end - begin;
		for (int d = 0; d < ndim; d++)
			n *= (size_t)local[d];
		fill((unsigned char *)out, n * sizeof(float), ndim + mt_rank);
		memset(in, 0, sizeof(in));
		mt_code(rp, rally_add_array(rp, "A", out, RALLY_F32, ndim,
					    global, start, local), 0);
		save_and_close(rp, ndim);
		rp = mt_open(dir);
		mt_code(rp, rally_add_array(rp, "A", in, RALLY_F32, ndim,
					    global, start, local), 0);
		resume(rp, ndim);
		assert_memory_equal(in, out, n * sizeof(float));
		mt_code(rp, rally_close(rp), 0);
	}
}

/* The count changes between saves; adding again replaces; dropping forgets. */
static void test_changes(void **state)
{
	const char *dir = mt_dir();
	int64_t first[100], second[300], back[300], other = 5;
	struct rally_info info;
	rally_t *rp = mt_open(dir);

	(void)state;
	fill((unsigned char *)first, sizeof(first), 1);
	fill((unsigned char *)second, sizeof(second), 2 + mt_rank);
	mt_code(rp, rally_add(rp, "v", first, RALLY_I64, 100), 0);
	mt_code(rp, rally_add(rp, "other", &other, RALLY_I64, 1), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	mt_code(rp, rally_add(rp, "v", second, RALLY_I64,
			      (size_t)(300 - mt_rank)), 0);
	mt_code(rp, rally_drop(rp, "other"), 0);
	mt_code(rp, rally_drop(rp, "other"), RALLY_EABSENT);
	save_and_close(rp, 2);
	rp = mt_open(dir);
	mt_code(rp, rally_find(rp, "other", &info), RALLY_EABSENT);
	mt_code(rp, rally_find(rp, "v", &info), 0);
	assert_int_equal(info.local[0], 300 - mt_rank);
	mt_code(rp, rally_add(rp, "v", back, RALLY_I64, (size_t)info.local[0]),
		0);
	resume(rp, 2);
	assert_memory_equal(back, second, (size_t)info.local[0] * 8);
	mt_code(rp, rally_close(rp), 0);
}

static void test_nothing_registered(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	(void)state;
	save_and_close(rp, 3);
	rp = mt_open(dir);
	resume(rp, 3);
	mt_code(rp, rally_close(rp), 0);
}

static void test_meta(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	(void)state;
	mt_code(rp, rally_meta(rp, "input", mt_rank == 0 ? "zero's" : "other"),
		0);
	mt_code(rp, rally_meta(rp, "gone", "x"), 0);
	mt_code(rp, rally_meta(rp, "gone", NULL), 0);
	mt_code(rp, rally_meta(rp, "text", "\"\\\n \xc3\xa9"), 0);
	mt_code(rp, rally_meta(rp, "bad", "\xff"), RALLY_EARG);
	mt_code(rp, rally_meta(rp, NULL, "x"), RALLY_EARG);
	assert_null(rally_meta_get(rp, "input"));
	save_and_close(rp, 1);
	rp = mt_open(dir);
	resume(rp, 1);
	assert_string_equal(rally_meta_get(rp, "input"), "zero's");
	assert_string_equal(rally_meta_get(rp, "text"), "\"\\\n \xc3\xa9");
	assert_null(rally_meta_get(rp, "gone"));
	mt_code(rp, rally_close(rp), 0);
}

/* The newest K stay; the sequence goes on over all runs of the folder. */
static void test_retention(void **state)
{
	const char *dir = mt_dir();

	(void)state;
	for (int run = 0; run < 3; run++) {
		rally_t *rp = mt_open(dir);
		int64_t value = run, step;
		int how;

		mt_set(rp, "keep", 3 - run);
		mt_code(rp, rally_add(rp, "v", &value, RALLY_I64, 1), 0);
		mt_code(rp, rally_restore(rp, &step, &how), 0);
		for (int i = 0; i < 5; i++) {
			value = 10 * run + i;
			mt_code(rp, rally_save(rp, 100 * run + i), 0);
			assert_int_equal(mt_status(rp).sequence, 5 * run + i);
		}
		mt_barrier();
		assert_int_equal(mt_checkpoints(dir), 3 - run);
		assert_int_equal(mt_hidden(dir, ".partial-"), 0);
		assert_int_equal(mt_hidden(dir, ".trash-"), 0);
		mt_code(rp, rally_close(rp), 0);
		mt_barrier();
	}
	assert_non_null(strstr(mt_checkpoint(dir, 0), "0014-step-204"));
}

/* The same step is not saved twice by a handle. */
static void test_same_step(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	(void)state;
	mt_code(rp, rally_save(rp, 4), 0);
	mt_code(rp, rally_save(rp, 4), 0);
	assert_int_equal(mt_status(rp).sequence, 0);
	mt_code(rp, rally_save(rp, 3), 0);
	assert_int_equal(mt_status(rp).sequence, 1);
	mt_code(rp, rally_close(rp), 0);
}

/* A request that a round carries while the program saves by itself is answered
 * by that save: the round's verdict makes no second one. */
static void test_request_before_own_save(void **state)
{
	rally_t *rp = mt_open(mt_dir());
	int64_t step = 0;

	(void)state;
	mt_set(rp, "stride", 3);
	mt_set(rp, "lag", 1);
	for (; step < 9; step++)
		assert_int_equal(rally_point(rp, step), RALLY_GO);
	for (int i = 0; i < 6; i++) {
		int64_t before = mt_status(rp).sequence;

		if (mt_rank == mt_size - 1)
			rally_request(rp, RALLY_WANT_SAVE);
		for (int k = 0; k < i; k++)
			rally_point(rp, step++);
		before = mt_status(rp).sequence;
		mt_code(rp, rally_save(rp, step), 0);
		step++;
		assert_int_equal(mt_status(rp).sequence, before + 1);
		for (int k = 0; k < 9; k++)
			assert_int_equal(rally_point(rp, step++), RALLY_GO);
	}
	/* One that comes after it is not. */
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_SAVE);
	for (int k = 0; k < 9; k++)
		if (rally_point(rp, step++) == RALLY_SAVED)
			break;
	assert_int_equal(mt_status(rp).saved_step, step - 1);
	mt_code(rp, rally_close(rp), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_private_types),
	cmocka_unit_test(test_arrays),
	cmocka_unit_test(test_changes),
	cmocka_unit_test(test_nothing_registered),
	cmocka_unit_test(test_meta),
	cmocka_unit_test(test_retention),
	cmocka_unit_test(test_same_step),
	cmocka_unit_test(test_request_before_own_save),
};

MT_MAIN(tests)
