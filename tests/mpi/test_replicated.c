/*
 * test_replicated.c - values that all ranks have: stored once, the same on all ranks
 *                     or not at all, read by any number
 *
 * ranks: 1 2 4
 */
#include "mpi_ranks.h"

#include <sys/stat.h>

#define ROWS 1003
#define COLUMNS 2101	/* 16.9 MB in all: four slices */
#define FEW 40		/* values of a small one */

static double table[ROWS * COLUMNS];
static int32_t few[FEW];

static const int64_t shape[2] = { ROWS, COLUMNS }, count[1] = { FEW };

static void fill(int64_t step)
{
	for (int i = 0; i < ROWS * COLUMNS; i++)
		table[i] = (double)(step * 1000000 + i);
	for (int i = 0; i < FEW; i++)
		few[i] = (int32_t)(step * 100 + i);
}

static void check(int64_t step)
{
	for (int i = 0; i < ROWS * COLUMNS; i++)
		assert_true(table[i] == (double)(step * 1000000 + i));
	for (int i = 0; i < FEW; i++)
		assert_int_equal(few[i], step * 100 + i);
}

static void add(rally_t *rp)
{
	mt_code(rp, rally_add_replicated(rp, "table", table, RALLY_F64, 2,
					 shape), 0);
	mt_code(rp, rally_add_replicated(rp, "few", few, RALLY_I32, 1, count),
		0);
}

/* A folder with a checkpoint of step 1, on the first n ranks. Collective. */
static const char *make(int n)
{
	const char *dir = mt_dir();
	rally_t *rp;

	if (mr_begin(n)) {
		rp = mr_open(dir);
		add(rp);
		fill(1);
		mt_code(rp, rally_save(rp, 1), 0);
		mr_close(rp);
	}
	mr_end();
	return dir;
}

static void restore(const char *dir, int n)
{
	rally_t *rp;

	if (mr_begin(n)) {
		rp = mr_open(dir);
		add(rp);
		fill(-1);
		mr_restore(rp, 1);
		check(1);
		mr_close(rp);
	}
	mr_end();
}

static void test_any_number(void **state)
{
	(void)state;
	for (int from = 1; from <= mt_size; from++) {
		const char *dir = make(from);

		for (int to = 1; to <= mt_size; to++)
			restore(dir, to);
	}
}

/* All shards together hold each byte once. */
static void test_once(void **state)
{
	const char *dir = make(mt_size);
	int64_t bytes = 0;
	char path[6000];
	struct stat st;

	(void)state;
	for (int i = 0; i < mt_size; i++) {
		snprintf(path, sizeof(path), "%s/rank-%05d-of-%05d.safetensors",
			 mt_checkpoint(dir, 0), i, mt_size);
		assert_int_equal(stat(path, &st), 0);
		bytes += st.st_size;
		/* Its share, header, hash table and pads. */
		assert_in_range(st.st_size, 0,
				sizeof(table) / (size_t)mt_size + 32768);
	}
	assert_true(bytes >= (int64_t)(sizeof(table) + sizeof(few)));
	assert_true(mt_contains(mt_checkpoint(dir, 0), "manifest.json",
				"\"replicated\": true"));
}

static void expect_differing(rally_t *rp, const char *dir, const char *what,
			     int rank)
{
	char words[80];

	mt_code(rp, rally_save(rp, 2), RALLY_EMISMATCH);
	snprintf(words, sizeof(words), "rank %d: replicated '%s'", rank, what);
	if (!strstr(rally_error(rp), words) ||
	    !strstr(rally_error(rp), "on rank 0"))
		fail_msg("'%s' is not in '%s'", words, rally_error(rp));
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 0);
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
	mt_barrier();
}

/* Also in a part that another rank stores. */
static void test_differing(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);
	int last = mt_rank == mt_size - 1;

	(void)state;
	if (mt_size == 1) {
		mt_code(rp, rally_close(rp), 0);
		return;
	}
	add(rp);
	fill(2);
	if (last)
		table[1] += 1;
	expect_differing(rp, dir, "table", mt_size - 1);
	fill(2);
	if (last)
		few[FEW - 1]++;
	expect_differing(rp, dir, "few", mt_size - 1);
	fill(2);
	if (mt_rank == 0)
		table[ROWS * COLUMNS - 1] = -0.0;
	expect_differing(rp, dir, "table", 1);
	fill(1);
	mt_code(rp, rally_save(rp, 2), 0);
	mt_code(rp, rally_close(rp), 0);
	rp = mt_open(dir);
	add(rp);
	fill(-1);
	mr_restore(rp, 2);
	check(1);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

/* A periodic save that fails is GO, and a stop's too says why. */
static void test_differing_at_point(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);
	int saved = 0;

	(void)state;
	add(rp);
	fill(3);
	if (mt_rank == 1)
		few[0]++;
	mt_code(rp, rally_set(rp, "every_steps", "1"), 0);
	mt_code(rp, rally_set(rp, "stride", "1"), 0);
	for (int64_t step = 1; step < 8; step++) {
		int verdict = rally_point(rp, step);

		assert_in_range(verdict, RALLY_GO, RALLY_SAVED);
		saved += verdict == RALLY_SAVED;
	}
	assert_int_equal(saved > 0, mt_size == 1);
	if (mt_size > 1)
		assert_non_null(strstr(rally_error(rp), "replicated 'few'"));
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

/* What the program does behind the copy is not in the checkpoint, and is not what is
 * compared. */
static void test_background(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	(void)state;
	mt_code(rp, rally_set(rp, "async", "yes"), 0);
	add(rp);
	fill(1);
	mt_code(rp, rally_save(rp, 1), 0);
	fill(7 + mt_rank);
	mt_code(rp, rally_save(rp, 2), mt_size > 1 ? RALLY_EMISMATCH : 0);
	fill(1);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	if (mt_size > 1)
		restore(dir, mt_size);
}

static void expect_save(int rank_differs, int code)
{
	const int64_t other[2] = { COLUMNS, ROWS };
	const int64_t start[2] = { 0, 0 };
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	fill(1);
	add(rp);
	if (rank_differs && mt_rank == mt_size - 1)
		mt_code(rp, rally_add_replicated(rp, "table", table, RALLY_F64,
						 2, other), 0);
	mt_code(rp, rally_save(rp, 1), code);
	if (rank_differs && mt_rank == mt_size - 1)
		mt_code(rp, rally_add_array(rp, "table", table, RALLY_F64, 2,
					    shape, start, shape), 0);
	mt_code(rp, rally_save(rp, 2), code);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

static void test_registered_differently(void **state)
{
	(void)state;
	expect_save(0, 0);
	if (mt_size > 1)
		expect_save(1, RALLY_EMISMATCH);
}

static void test_wrong(void **state)
{
	const int64_t negative[2] = { 3, -1 };
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	(void)state;
	mt_code(rp, rally_add_replicated(rp, "a/b", table, RALLY_F64, 2, shape),
		RALLY_EARG);
	mt_code(rp, rally_drop(rp, "a/b"), RALLY_EABSENT);
	mt_code(rp, rally_add_replicated(rp, "t", NULL, RALLY_F64, 2, shape),
		RALLY_EARG);
	mt_code(rp, rally_save(rp, 1), RALLY_EARG);
	mt_code(rp, rally_add_replicated(rp, "t", table, RALLY_F64, 2, NULL),
		RALLY_EARG);
	mt_code(rp, rally_add_replicated(rp, "t", table, RALLY_F64, 9, shape),
		RALLY_EARG);
	mt_code(rp, rally_add_replicated(rp, "t", table, RALLY_F64, 2,
					 negative), RALLY_EARG);
	mt_code(rp, rally_add_replicated(rp, "t", table, (enum rally_type)99, 2,
					 shape), RALLY_EARG);
	mt_code(rp, rally_add_replicated(rp, "t", table, RALLY_F64, 2, shape),
		0);
	mt_code(rp, rally_save(rp, 1), 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

static void test_find(void **state)
{
	const char *dir = make(mt_size);
	struct rally_info info;
	rally_t *rp;

	(void)state;
	for (int n = 1; n <= mt_size; n++) {
		if (mr_begin(n)) {
			rp = mr_open(dir);
			mt_code(rp, rally_find(rp, "table", &info), 0);
			assert_int_equal(info.is_array, 1);
			assert_int_equal(info.is_replicated, 1);
			assert_int_equal(info.type, RALLY_F64);
			assert_int_equal(info.ndim, 2);
			assert_memory_equal(info.shape, shape, sizeof(shape));
			assert_memory_equal(info.local, shape, sizeof(shape));
			assert_int_equal(info.start[0], 0);
			assert_int_equal(info.ranks, mt_size);
			mr_close(rp);
		}
		mr_end();
	}
}

/* It is a global array for whoever asks for boxes of it, and a global array is one
 * for whoever wants all of it. */
static void test_as_array(void **state)
{
	static double box[ROWS * COLUMNS];
	const char *dir = make(mt_size), *boxes;
	int64_t start[2] = { 0, 0 }, local[2] = { 0, COLUMNS };
	rally_t *rp;

	(void)state;
	for (int n = 1; n <= mt_size; n++) {
		if (mr_begin(n)) {
			start[0] = mr_first(ROWS);
			local[0] = mr_rows(ROWS);
			memset(box, 0, sizeof(box));
			rp = mr_open(dir);
			mt_code(rp, rally_add_array(rp, "table", box, RALLY_F64,
						    2, shape, start, local), 0);
			mr_restore(rp, 1);
			for (int64_t i = 0; i < local[0] * COLUMNS; i++)
				assert_true(box[i] ==
					    (double)(1000000 +
						     start[0] * COLUMNS + i));
			mr_close(rp);
		}
		mr_end();
	}
	boxes = mt_dir();
	if (mr_begin(mt_size)) {
		start[0] = mr_first(ROWS);
		local[0] = mr_rows(ROWS);
		fill(1);
		rp = mr_open(boxes);
		mt_code(rp, rally_add_array(rp, "table",
					    table + start[0] * COLUMNS,
					    RALLY_F64, 2, shape, start, local),
			0);
		mt_code(rp, rally_add_replicated(rp, "few", few, RALLY_I32, 1,
						 count), 0);
		mt_code(rp, rally_save(rp, 1), 0);
		mr_close(rp);
	}
	mr_end();
	for (int n = 1; n <= mt_size; n++)
		restore(boxes, n);
}

/* As many dimensions as there may be, fewer rows than ranks, none at all. */
static void test_shapes(void **state)
{
	static const int64_t shapes[][RALLY_MAX_DIMS] = {
		{ 1, 1, 20000, 2, 1, 1, 1, 1 },
		{ 3, 2, 2, 3, 5, 7, 11, 2 },
		{ 0, 2, 2, 3, 5, 7, 11, 2 },
		{ 5, 2, 2, 0, 5, 7, 11, 2 },
		{ 1, 1, 1, 1, 1, 1, 1, 1 },
	};
	static float data[40000];

	(void)state;
	for (size_t k = 0; k < sizeof(shapes) / sizeof(shapes[0]); k++) {
		const char *dir = mt_dir();
		int64_t n = 1;
		rally_t *rp;

		for (int i = 0; i < RALLY_MAX_DIMS; i++)
			n *= shapes[k][i];
		assert_in_range(n, 0, 40000);
		for (int i = 0; i < n; i++)
			data[i] = (float)i;
		rp = mt_open(dir);
		mt_code(rp, rally_add_replicated(rp, "d", data, RALLY_F32,
						 RALLY_MAX_DIMS, shapes[k]), 0);
		mt_code(rp, rally_save(rp, 1), 0);
		memset(data, 0, sizeof(data));
		mr_restore(rp, 1);
		for (int i = 0; i < n; i++)
			assert_true(data[i] == (float)i);
		mt_code(rp, rally_close(rp), 0);
		mt_barrier();
	}
}

/* Two buffers that take turns, and others that grow. */
static void test_added_again(void **state)
{
	static double other[ROWS * COLUMNS];
	const int64_t more[1] = { 2 * FEW };
	static int32_t many[2 * FEW];
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	(void)state;
	add(rp);
	fill(1);
	mt_code(rp, rally_save(rp, 1), 0);
	for (int i = 0; i < ROWS * COLUMNS; i++)
		other[i] = -i;
	for (int i = 0; i < 2 * FEW; i++)
		many[i] = i;
	mt_code(rp, rally_add_replicated(rp, "table", other, RALLY_F64, 2,
					 shape), 0);
	mt_code(rp, rally_add_replicated(rp, "few", many, RALLY_I32, 1, more),
		0);
	mt_code(rp, rally_save(rp, 2), 0);
	memset(other, 0, sizeof(other));
	memset(many, 0, sizeof(many));
	mr_restore(rp, 2);
	for (int i = 0; i < ROWS * COLUMNS; i++)
		assert_true(other[i] == -i);
	for (int i = 0; i < 2 * FEW; i++)
		assert_int_equal(many[i], i);
	check(1);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_any_number),
	cmocka_unit_test(test_once),
	cmocka_unit_test(test_differing),
	cmocka_unit_test(test_differing_at_point),
	cmocka_unit_test(test_background),
	cmocka_unit_test(test_registered_differently),
	cmocka_unit_test(test_wrong),
	cmocka_unit_test(test_find),
	cmocka_unit_test(test_as_array),
	cmocka_unit_test(test_shapes),
	cmocka_unit_test(test_added_again),
};

MT_MAIN(tests)
