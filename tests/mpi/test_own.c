/*
 * test_own.c - boxes that overlap: what the owner stored counts, and where there is
 *              none they must agree
 *
 * ranks: 1 2 4
 */
#include "mpi_ranks.h"

#define ROWS 96
#define COLUMNS 7

static int32_t box[(ROWS + 2) * COLUMNS];

static const int64_t global[2] = { ROWS, COLUMNS };
static int64_t start[2], local[2], own_start[2], own_local[2];

/* This rank's rows, and one more on either side where there is one. */
static void divide(int halo)
{
	int64_t end;

	own_start[0] = mr_first(ROWS);
	own_local[0] = mr_rows(ROWS);
	own_start[1] = start[1] = 0;
	own_local[1] = local[1] = COLUMNS;
	start[0] = own_start[0] - (halo && own_start[0] > 0);
	end = own_start[0] + own_local[0];
	local[0] = end + (halo && end < ROWS) - start[0];
}

static int32_t value(int64_t row, int64_t column)
{
	return (int32_t)(1000 * row + column);
}

static int is_own(int64_t row)
{
	return row >= own_start[0] && row < own_start[0] + own_local[0];
}

/* The halo is `off` from what its owner has. */
static void fill(int off)
{
	for (int64_t i = 0; i < local[0]; i++)
		for (int64_t j = 0; j < COLUMNS; j++)
			box[i * COLUMNS + j] =
				value(start[0] + i, j) +
				(is_own(start[0] + i) ? 0 : off);
}

static void check(int off)
{
	for (int64_t i = 0; i < local[0]; i++)
		for (int64_t j = 0; j < COLUMNS; j++)
			assert_int_equal(box[i * COLUMNS + j],
					 value(start[0] + i, j) +
					 (is_own(start[0] + i) ? 0 : off));
}

static rally_t *open_boxes(const char *dir, int halo, int owned)
{
	rally_t *rp = mr_open(dir);

	divide(halo);
	mt_code(rp, rally_add_array(rp, "A", box, RALLY_I32, 2, global, start,
				    local), 0);
	if (owned)
		mt_code(rp, rally_own(rp, "A", own_start, own_local), 0);
	return rp;
}

/* By n ranks, each halo `off`. Collective. */
static const char *make(int n, int owned, int off)
{
	const char *dir = mt_dir();
	rally_t *rp;

	if (mr_begin(n)) {
		rp = open_boxes(dir, 1, owned);
		fill(off);
		mt_code(rp, rally_save(rp, 1), 0);
		mr_close(rp);
	}
	mr_end();
	return dir;
}

/* On n ranks; what they have of others' rows is `off`. */
static void restore(const char *dir, int n, int halo, int off)
{
	rally_t *rp;

	if (mr_begin(n)) {
		rp = open_boxes(dir, halo, 0);
		memset(box, 0xff, sizeof(box));
		mr_restore(rp, 1);
		check(off);
		mr_close(rp);
	}
	mr_end();
}

/* On as many ranks each halo comes back as it was, else as its owner has it. */
static void test_owner(void **state)
{
	(void)state;
	for (int from = 1; from <= mt_size; from++) {
		const char *dir = make(from, 1, 500000);

		for (int to = 1; to <= mt_size; to++) {
			restore(dir, to, 1, from == to ? 500000 : 0);
			restore(dir, to, 0, 0);
		}
	}
}

static void test_nobody(void **state)
{
	char words[60];
	const char *dir;
	rally_t *rp;

	(void)state;
	if (mt_size == 1)
		return;
	dir = make(mt_size, 0, 0);
	for (int to = 1; to <= mt_size; to++)
		restore(dir, to, 1, 0);
	dir = make(mt_size, 0, 3);
	restore(dir, mt_size, 1, 3);
	if (mr_begin(1)) {
		rp = open_boxes(dir, 0, 0);
		snprintf(words, sizeof(words), "rally_own()");
		mr_refuse(rp, RALLY_ELAYOUT, words);
		mr_close(rp);
	}
	mr_end();
}

/* Declared once: it holds while the buffers are swapped, until the box is another. */
static void test_added_again(void **state)
{
	static int32_t second[(ROWS + 2) * COLUMNS];
	const char *dir = mt_dir();
	rally_t *rp;

	(void)state;
	if (mr_begin(mt_size)) {
		rp = open_boxes(dir, 1, 1);
		fill(9);
		memcpy(second, box, sizeof(box));
		mt_code(rp, rally_add_array(rp, "A", second, RALLY_I32, 2,
					    global, start, local), 0);
		mt_code(rp, rally_save(rp, 1), 0);
		mr_close(rp);
	}
	mr_end();
	restore(dir, 1, 0, 0);
	assert_true(mt_contains(mt_checkpoint(dir, 0), "manifest.json",
				"\"own\""));
	if (mr_begin(mt_size)) {
		rp = open_boxes(dir, 1, 1);
		divide(0);
		mt_code(rp, rally_add_array(rp, "A", box, RALLY_I32, 2, global,
					    start, local), 0);
		divide(1);
		mt_code(rp, rally_add_array(rp, "A", box, RALLY_I32, 2, global,
					    start, local), 0);
		mt_code(rp, rally_save(rp, 2), 0);
		mr_close(rp);
	}
	mr_end();
	/* Alone, a rank's box is the same with its halo and without. */
	assert_int_equal(mt_contains(mt_checkpoint(dir, 0), "manifest.json",
				     "\"own\""), mt_size == 1);
}

static void test_some_declare(void **state)
{
	rally_t *rp = mt_open(mt_dir());

	(void)state;
	mr_rank = mt_rank;
	mr_size = mt_size;
	divide(1);
	mt_code(rp, rally_add_array(rp, "A", box, RALLY_I32, 2, global, start,
				    local), 0);
	if (mt_rank == 0)
		mt_code(rp, rally_own(rp, "A", own_start, own_local), 0);
	mt_code(rp, rally_save(rp, 1), mt_size > 1 ? RALLY_EMISMATCH : 0);
	if (mt_size > 1)
		assert_non_null(strstr(rally_error(rp), "owned"));
	if (mt_rank > 0) {
		own_local[0] = 0;
		mt_code(rp, rally_own(rp, "A", own_start, own_local), 0);
	}
	mt_code(rp, rally_save(rp, 2), 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

static void refuse(rally_t *rp, const char *name, int64_t row, int64_t rows,
		   int64_t columns, int code)
{
	const int64_t from[2] = { row, 0 }, length[2] = { rows, columns };

	mt_code(rp, rally_own(rp, name, from, length), code);
}

static void test_wrong(void **state)
{
	rally_t *rp = mt_open(mt_dir());
	const int64_t first[2] = { 5, 0 }, some[2] = { 10, COLUMNS };
	const int64_t n[1] = { 4 };
	static double d[4];

	(void)state;
	mt_code(rp, rally_add(rp, "p", d, RALLY_F64, 4), 0);
	mt_code(rp, rally_add_replicated(rp, "r", d, RALLY_F64, 1, n), 0);
	mt_code(rp, rally_add_array(rp, "A", box, RALLY_I32, 2, global, first,
				    some), 0);
	refuse(rp, "A", 5, 10, COLUMNS, 0);
	refuse(rp, "A", 15, 0, 0, 0);
	refuse(rp, "A", 4, 2, COLUMNS, RALLY_EARG);
	refuse(rp, "A", 6, 10, COLUMNS, RALLY_EARG);
	refuse(rp, "A", 6, -1, COLUMNS, RALLY_EARG);
	refuse(rp, "A", 6, 2, COLUMNS + 1, RALLY_EARG);
	refuse(rp, "A", 16, 0, 0, RALLY_EARG);
	refuse(rp, "A", 5, INT64_MAX, 1, RALLY_EARG);
	refuse(rp, "B", 0, 1, 1, RALLY_EABSENT);
	refuse(rp, "p", 0, 1, 1, RALLY_EARG);
	refuse(rp, "r", 0, 1, 1, RALLY_EARG);
	mt_code(rp, rally_own(rp, "A", NULL, some), RALLY_EARG);
	mt_code(rp, rally_own(rp, NULL, first, some), RALLY_EARG);
	mt_code(rp, rally_optional(rp, NULL), RALLY_EARG);
	mt_code(rp, rally_optional(rp, "B"), RALLY_EABSENT);
	/* What was refused fails the save. */
	mt_code(rp, rally_save(rp, 1), RALLY_EARG);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_owner),
	cmocka_unit_test(test_nobody),
	cmocka_unit_test(test_added_again),
	cmocka_unit_test(test_some_declare),
	cmocka_unit_test(test_wrong),
};

MT_MAIN(tests)
