/*
 * sys/source: boxes come out of the shards that have them, and of what overlaps, is
 * missing, damaged or a lie the right thing is told.
 */
#include "sys/source.h"

#define MOST_RANKS 144
#include "ckpt.h"
#include "unit.h"

#define ROWS 8
#define COLUMNS 6
#define MIB ((int64_t)1 << 20)

static const int64_t shape[] = { ROWS, COLUMNS };
static double memory[MOST_RANKS][ROWS * COLUMNS];
static double got[ROWS * COLUMNS];

static struct rp_box box2(int64_t y, int64_t x, int64_t rows, int64_t columns)
{
	int64_t start[] = { y, x }, size[] = { rows, columns };

	return rp_box_of(2, start, size);
}

static double value_at(int64_t y, int64_t x)
{
	return (double)(100 + y * COLUMNS + x);
}

static void fill(double *data, const struct rp_box *box)
{
	for (int64_t y = 0; y < box->size[0]; y++)
		for (int64_t x = 0; x < box->size[1]; x++)
			data[y * box->size[1] + x] =
				value_at(box->start[0] + y, box->start[1] + x);
}

/* A rank's box of T. */
static struct rp_region *put(struct ckpt *ckpt, int rank, struct rp_box box)
{
	fill(memory[rank], &box);
	return ckpt_add(ckpt, rank, "T", RALLY_F64, shape, &box, memory[rank]);
}

static void own(struct rp_region *region, struct rp_box box)
{
	region->owns = 1;
	memcpy(region->own_start, box.start, sizeof(box.start));
	memcpy(region->own_local, box.size, sizeof(box.size));
}

static struct rp_region wanted(const char *name, enum rally_type type,
			       const int64_t *of, struct rp_box box, void *data)
{
	struct rp_region region;

	assert_int_equal(rp_region_array(&region, name, data, type, box.ndim, of,
					 box.start, box.size, NULL), 0);
	return region;
}

static int read_all(struct rp_source *source, struct rp_err *err)
{
	int rc = 0;

	while (rc == 0 && rp_source_left(source) > 0)
		rc = rp_source_next(source, 1, err);
	return rc;
}

/* `rank`: of as many as wrote, or -1. */
static int read_box(const struct ckpt *ckpt, int rank,
		    const struct rp_region *region, struct rp_source_count *count,
		    struct rp_err *err)
{
	struct rp_source *source = rp_source_open(NULL, ckpt->path,
						  &ckpt->manifest, NULL, NULL,
						  err);
	int rc;

	assert_non_null(source);
	if (rank >= 0)
		rp_source_own(source, rank);
	rc = rp_source_want_box(source, region, err);
	if (rc == 0)
		rc = read_all(source, err);
	if (count)
		*count = rp_source_counted(source);
	rp_source_close(source);
	return rc;
}

static void expect(const struct ckpt *ckpt, struct rp_box box)
{
	struct rp_region region = wanted("T", RALLY_F64, shape, box, got);
	struct rp_err err = { 0 };
	double right[ROWS * COLUMNS];
	int rc;

	fill(right, &box);
	memset(got, 0, sizeof(got));
	rc = read_box(ckpt, -1, &region, NULL, &err);
	if (rc != 0)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
	assert_memory_equal(got, right, region.bytes);
}

static void expect_code(const struct ckpt *ckpt, struct rp_box box, int code,
			const char *part)
{
	struct rp_region region = wanted("T", RALLY_F64, shape, box, got);
	struct rp_err err = { 0 };

	read_box(ckpt, -1, &region, NULL, &err);
	assert_fails(&err, code, part);
}

static void test_rows_to_columns(void **state)
{
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 3);
	put(&ckpt, 0, box2(0, 0, 3, COLUMNS));
	put(&ckpt, 1, box2(3, 0, 0, COLUMNS));
	put(&ckpt, 2, box2(3, 0, 5, COLUMNS));
	ckpt_write(&ckpt);
	expect(&ckpt, box2(0, 0, ROWS, COLUMNS));
	expect(&ckpt, box2(0, 0, ROWS, 2));
	expect(&ckpt, box2(0, 2, ROWS, 4));
	expect(&ckpt, box2(2, 1, 2, 3));
	expect(&ckpt, box2(7, 5, 1, 1));
	expect(&ckpt, box2(4, 2, 0, 3));
	ckpt_end(&ckpt);
}

static void test_hole(void **state)
{
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 2);
	put(&ckpt, 0, box2(0, 0, 3, COLUMNS));
	put(&ckpt, 1, box2(4, 0, 4, COLUMNS));
	ckpt_write(&ckpt);
	expect(&ckpt, box2(0, 0, 3, COLUMNS));
	expect(&ckpt, box2(4, 1, 4, 2));
	expect_code(&ckpt, box2(0, 0, ROWS, COLUMNS), RALLY_ELAYOUT,
		    "[3:4,0:6]");
	expect_code(&ckpt, box2(2, 5, 3, 1), RALLY_ELAYOUT, "[3:4,5:6]");
	expect_code(&ckpt, box2(2, 5, 3, 1), RALLY_ELAYOUT, "; register a box");
	ckpt_end(&ckpt);
}

/* Halos that are the same everywhere need no word of the program's. */
static void test_halos_agree(void **state)
{
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 2);
	put(&ckpt, 0, box2(0, 0, 5, COLUMNS));
	put(&ckpt, 1, box2(3, 0, 5, COLUMNS));
	ckpt_write(&ckpt);
	expect(&ckpt, box2(0, 0, ROWS, COLUMNS));
	expect(&ckpt, box2(4, 0, 2, COLUMNS));
	ckpt_end(&ckpt);
}

static void test_halos_differ(void **state)
{
	struct rp_region region = wanted("T", RALLY_F64, shape,
					 box2(3, 0, 5, COLUMNS), got);
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 3);
	put(&ckpt, 0, box2(0, 0, 1, COLUMNS));
	put(&ckpt, 1, box2(1, 0, 4, COLUMNS));
	put(&ckpt, 2, box2(3, 0, 5, COLUMNS));
	memory[2][COLUMNS + 2] = -1;	/* [4,2] */
	ckpt_write(&ckpt);
	expect(&ckpt, box2(0, 0, 4, COLUMNS));
	expect(&ckpt, box2(4, 3, 4, 3));
	expect_code(&ckpt, box2(0, 0, ROWS, COLUMNS), RALLY_ELAYOUT, "[4,2]");
	expect_code(&ckpt, box2(4, 2, 1, 1), RALLY_ELAYOUT, "ranks 1 and 2");
	expect_code(&ckpt, box2(4, 2, 1, 1), RALLY_ELAYOUT, "rally_own()");
	/* The rank that wrote just this gets what it wrote. */
	assert_int_equal(read_box(&ckpt, 2, &region, NULL, NULL), 0);
	assert_memory_equal(got, memory[2], region.bytes);
	assert_int_equal(read_box(&ckpt, 1, &region, NULL, NULL), RALLY_ELAYOUT);
	ckpt_end(&ckpt);
}

/* The one that is read first is the one that another is compared with. */
static void test_order(void **state)
{
	struct rp_region region = wanted("T", RALLY_F64, shape,
					 box2(0, 0, ROWS, COLUMNS), got);
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 3);
	put(&ckpt, 0, box2(0, 0, 5, COLUMNS));
	put(&ckpt, 1, box2(4, 0, 1, COLUMNS));
	put(&ckpt, 2, box2(4, 0, 4, COLUMNS));
	memory[2][3] = -1;	/* [4,3] */
	ckpt_write(&ckpt);
	for (int first = 0; first < 3; first++) {
		struct rp_err err = { 0 };
		struct rp_source *source = rp_source_open(
			NULL, ckpt.path, &ckpt.manifest, NULL, NULL, &err);

		rp_source_begin_with(source, first);
		assert_int_equal(rp_source_want_box(source, &region, &err), 0);
		read_all(source, &err);
		assert_fails(&err, RALLY_ELAYOUT, first == 0 ? "ranks 0 and 2"
						  : first == 1 ? "ranks 1 and 2"
							       : "ranks 2 and 0");
		rp_source_close(source);
	}
	ckpt_end(&ckpt);
}

/*
 * A grid of many ranks, with halos: 12 times 12 of them, each 4 times 3 and one more
 * all around, in another order than they stand in
 */

#define SIDE 12

static const int64_t grid[] = { 4 * SIDE, 3 * SIDE };

static double grid_value(int64_t y, int64_t x)
{
	return (double)(y * grid[1] + x);
}

static void add_to_grid(struct ckpt *ckpt, int rank, double *data)
{
	int64_t y = rank * 5 % MOST_RANKS / SIDE * 4;
	int64_t x = rank * 5 % MOST_RANKS % SIDE * 3;
	struct rp_box box = box2(y - (y > 0), x - (x > 0), 0, 0);

	box.size[0] = (y + 5 < grid[0] ? y + 5 : grid[0]) - box.start[0];
	box.size[1] = (x + 4 < grid[1] ? x + 4 : grid[1]) - box.start[1];
	for (int64_t i = 0; i < box.size[0] * box.size[1]; i++)
		data[i] = grid_value(box.start[0] + i / box.size[1],
				     box.start[1] + i % box.size[1]);
	ckpt_add(ckpt, rank, "G", RALLY_F64, grid, &box, data);
}

static int read_grid(void **state, int differs, double *into, struct rp_err *err)
{
	static double stored[MOST_RANKS][6 * 5];
	struct rp_region region = wanted("G", RALLY_F64, grid,
					 rp_box_whole(2, grid), into);
	struct ckpt ckpt;
	int rc;

	ckpt_begin(&ckpt, at(state, "c"), MOST_RANKS);
	for (int rank = 0; rank < MOST_RANKS; rank++)
		add_to_grid(&ckpt, rank, stored[rank]);
	if (differs)
		stored[1][5] = -1;	/* [1,14]: its box begins at [0,14] */
	ckpt_write(&ckpt);
	rc = read_box(&ckpt, -1, &region, NULL, err);
	ckpt_end(&ckpt);
	return rc;
}

/* More than are held against each other at once. */
static void test_many_ranks(void **state)
{
	static double all[4 * SIDE * 3 * SIDE];
	struct rp_err err = { 0 };

	assert_int_equal(read_grid(state, 0, all, &err), 0);
	for (int64_t y = 0; y < grid[0]; y++)
		for (int64_t x = 0; x < grid[1]; x++)
			assert_true(all[y * grid[1] + x] == grid_value(y, x));
	read_grid(state, 1, all, &err);
	assert_fails(&err, RALLY_ELAYOUT, "ranks 1 and 116 ");
	assert_non_null(strstr(err.text, "[1,14]"));
}

/* What is damaged is not what another rank stored. */
static void test_damage_is_no_difference(void **state)
{
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 2);
	put(&ckpt, 0, box2(0, 0, 5, COLUMNS));
	put(&ckpt, 1, box2(3, 0, 5, COLUMNS));
	ckpt_write(&ckpt);
	ckpt_flip(&ckpt, 1, RP_SHARD_ALIGN + 8);
	expect_code(&ckpt, box2(0, 0, ROWS, COLUMNS), RALLY_ECORRUPT,
		    "rank-00001-of-00002");
	ckpt_end(&ckpt);
}

/* The owner's counts, whoever comes first; what nobody answers for is had from where it
 * stands. */
static void test_owners(void **state)
{
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 2);
	own(put(&ckpt, 0, box2(0, 0, 5, COLUMNS)), box2(1, 0, 3, COLUMNS));
	own(put(&ckpt, 1, box2(3, 0, 5, COLUMNS)), box2(4, 0, 4, COLUMNS));
	memory[0][4 * COLUMNS + 1] = -1;	/* [4,1], of 1 */
	memory[1][0] = -2;			/* [3,0], of 0 */
	ckpt_write(&ckpt);
	expect(&ckpt, box2(0, 0, ROWS, COLUMNS));
	expect(&ckpt, box2(0, 0, 2, COLUMNS));
	expect(&ckpt, box2(3, 0, 2, 2));
	ckpt_end(&ckpt);
}

/* One that declares nothing counts for less than an owner, and for more than what an
 * owner has beside its part. */
static void test_some_are_owners(void **state)
{
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 3);
	own(put(&ckpt, 0, box2(0, 0, 5, COLUMNS)), box2(0, 0, 2, COLUMNS));
	put(&ckpt, 1, box2(1, 0, 4, COLUMNS));
	put(&ckpt, 2, box2(4, 0, 4, COLUMNS));
	memory[0][3 * COLUMNS] = -1;	/* [3,0], of 1 */
	memory[1][0] = -2;		/* [1,0], of 0 */
	ckpt_write(&ckpt);
	expect(&ckpt, box2(0, 0, ROWS, COLUMNS));
	ckpt_end(&ckpt);
}

static void test_owners_differ(void **state)
{
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 2);
	own(put(&ckpt, 0, box2(0, 0, 5, COLUMNS)), box2(0, 0, 5, COLUMNS));
	own(put(&ckpt, 1, box2(3, 0, 5, COLUMNS)), box2(4, 0, 4, COLUMNS));
	memory[1][COLUMNS + 5] = -1;	/* [4,5] */
	ckpt_write(&ckpt);
	expect_code(&ckpt, box2(0, 0, ROWS, COLUMNS), RALLY_ELAYOUT, "[4,5]");
	ckpt_end(&ckpt);
}

static void expect_layout(const struct ckpt *ckpt, const char *name,
			  enum rally_type type, const int64_t *of,
			  struct rp_box box, const char *part)
{
	struct rp_region region = wanted(name, type, of, box, got);
	struct rp_err err = { 0 };

	memset(got, 0, sizeof(got));
	read_box(ckpt, -1, &region, NULL, &err);
	assert_fails(&err, RALLY_ELAYOUT, part);
	for (int i = 0; i < ROWS * COLUMNS; i++)
		assert_true(got[i] == 0);
}

static void test_layout(void **state)
{
	static const int64_t longer[] = { ROWS, COLUMNS + 1 };
	static const int64_t flat[] = { ROWS * COLUMNS };
	struct rp_box all = box2(0, 0, ROWS, COLUMNS);
	struct rp_region region;
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 1);
	put(&ckpt, 0, all);
	ckpt_write(&ckpt);
	expect_layout(&ckpt, "U", RALLY_F64, shape, all, "'T' is one");
	expect_layout(&ckpt, "U", RALLY_F64, shape, all, "renamed");
	expect_layout(&ckpt, "U", RALLY_I64, shape, all, "stored as 'U'");
	expect_layout(&ckpt, "U", RALLY_I64, shape, all, "`rallypoint show`");
	expect_layout(&ckpt, "T", RALLY_I64, shape, all, "stored as F64 [8,6]");
	expect_layout(&ckpt, "T", RALLY_I64, shape, all, "; register it as");
	expect_layout(&ckpt, "T", RALLY_F64, longer, all, "F64 [8,7]");
	expect_layout(&ckpt, "T", RALLY_F64, flat, rp_box_whole(1, flat),
		      "F64 [48]");
	/* An empty box too must be one of what is stored. */
	expect_layout(&ckpt, "T", RALLY_F32, shape, box2(0, 0, 0, 0), "F32");
	region = wanted("T", RALLY_F64, shape, all, got);
	region.local[0]++;
	assert_int_equal(read_box(&ckpt, -1, &region, NULL, NULL), RALLY_EARG);
	ckpt_end(&ckpt);
}

/* What is registered under its own name was not renamed. */
static void test_not_renamed(void **state)
{
	struct rp_box all = box2(0, 0, ROWS, COLUMNS);
	struct rp_regions regions = { 0 };
	struct rp_region region;
	struct rp_err err = { 0 };
	struct rp_source *source;
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 1);
	put(&ckpt, 0, all);
	ckpt_write(&ckpt);
	region = wanted("T", RALLY_F64, shape, all, got);
	assert_int_equal(rp_regions_put(&regions, &region, NULL), 0);
	region = wanted("U", RALLY_F64, shape, all, got);
	assert_int_equal(rp_regions_put(&regions, &region, NULL), 0);
	source = rp_source_open(NULL, ckpt.path, &ckpt.manifest, NULL, NULL, &err);
	assert_int_equal(rp_source_want(source, &regions, 0, &err), 0);
	rp_source_want(source, &regions, 1, &err);
	assert_fails(&err, RALLY_ELAYOUT, "'U'");
	assert_null(strstr(err.text, "renamed"));
	rp_source_close(source);
	rp_regions_free(&regions);
	ckpt_end(&ckpt);
}

/* Each rank has all of it, at `whole`. */
static void test_replicated(void **state)
{
	struct rp_region region = wanted("T", RALLY_F64, shape,
					 box2(2, 0, 1, COLUMNS), memory[7]);
	struct rp_box all = box2(0, 0, ROWS, COLUMNS);
	double right[ROWS * COLUMNS];
	struct ckpt ckpt;

	fill(right, &all);
	ckpt_begin(&ckpt, at(state, "c"), 2);
	for (int rank = 0; rank < 2; rank++)
		put(&ckpt, rank, box2(4 * rank, 0, 4, COLUMNS))->replicated = 1;
	ckpt_write(&ckpt);
	assert_true(rp_manifest_find(&ckpt.manifest, 1, "T")->replicated);
	region.replicated = 1;
	region.whole = got;
	memset(got, 0, sizeof(got));
	assert_int_equal(read_box(&ckpt, -1, &region, NULL, NULL), 0);
	assert_memory_equal(got, right, sizeof(right));
	ckpt_end(&ckpt);
}

static void test_private(void **state)
{
	int32_t numbers[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } }, back[3] = { 0 };
	struct rp_err err = { 0 };
	struct rp_source *source;
	struct rp_region region;
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 2);
	for (int rank = 0; rank < 2; rank++) {
		put(&ckpt, rank, box2(4 * rank, 0, 4, COLUMNS));
		ckpt_add_private(&ckpt, rank, "p", RALLY_I32, 2 + (size_t)rank,
				 numbers[rank]);
	}
	ckpt_write(&ckpt);
	source = rp_source_open(NULL, ckpt.path, &ckpt.manifest, NULL, NULL, &err);
	assert_non_null(rp_shard_find(rp_source_shard(source, 1, &err), "p",
				      RP_PRIVATE));
	assert_ptr_equal(rp_source_shard(source, 1, &err),
			 rp_source_shard(source, 1, &err));
	assert_int_equal(rp_region_private(&region, "p", back, RALLY_I32, 3,
					   NULL), 0);
	assert_int_equal(rp_source_want_private_of(source, &region, 1, &err), 0);
	assert_int_equal(rp_source_left(source), 12);
	assert_int_equal(read_all(source, &err), 0);
	assert_memory_equal(back, numbers[1], sizeof(back));
	assert_int_equal(rp_source_want_private_of(source, &region, 0, &err),
			 RALLY_ELAYOUT);
	assert_fails(&err, RALLY_ELAYOUT, "stored as I32 [2]");
	assert_null(rp_source_shard(source, 2, NULL));
	assert_null(rp_source_shard(source, -1, NULL));
	rp_source_close(source);
	ckpt_end(&ckpt);
}

static void test_part_of_private(void **state)
{
	int32_t numbers[] = { 4, 5, 6 }, back[3] = { 0 };
	struct rp_err err = { 0 };
	struct rp_source *source;
	struct rp_region region;
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 1);
	ckpt_add_private(&ckpt, 0, "p", RALLY_I32, 3, numbers);
	ckpt_write(&ckpt);
	source = rp_source_open(NULL, ckpt.path, &ckpt.manifest, NULL, NULL, &err);
	assert_int_equal(rp_region_private(&region, "p", back, RALLY_I32, 3,
					   NULL), 0);
	region.start[0] = region.local[0] = 1;
	region.bytes = sizeof(back[0]);
	assert_int_equal(rp_source_want_private_of(source, &region, 0, &err), 0);
	assert_int_equal(read_all(source, &err), 0);
	assert_int_equal(back[0], 5);
	assert_int_equal(back[1], 0);
	region.local[0] = 3;
	assert_int_equal(rp_source_want_private_of(source, &region, 0, NULL),
			 RALLY_EARG);
	region.start[0] = region.local[0] = 1;
	region.shape[0] = 2;
	assert_int_equal(rp_source_want_private_of(source, &region, 0, &err),
			 RALLY_ELAYOUT);
	assert_fails(&err, RALLY_ELAYOUT, "stored as I32 [3]");
	rp_source_close(source);
	ckpt_end(&ckpt);
}

/* Chunk after chunk of one source, as the command reads; a header is read once. */
static void test_again_and_again(void **state)
{
	struct rp_progress progress = { 0 };
	struct rp_err err = { 0 };
	struct rp_source *source;
	struct rp_source_count first = { 0, 0 }, count;
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 2);
	put(&ckpt, 0, box2(0, 0, 5, COLUMNS));
	put(&ckpt, 1, box2(5, 0, 3, COLUMNS));
	ckpt_write(&ckpt);
	source = rp_source_open(NULL, ckpt.path, &ckpt.manifest, NULL, &progress,
				&err);
	for (int64_t y = 0; y < ROWS; y++) {
		struct rp_box row = box2(y, 0, 1, COLUMNS);
		struct rp_region region = wanted("T", RALLY_F64, shape, row, got);
		double right[COLUMNS];

		fill(right, &row);
		assert_int_equal(rp_source_want_box(source, &region, &err), 0);
		assert_int_equal(read_all(source, &err), 0);
		assert_memory_equal(got, right, sizeof(right));
		count = rp_source_counted(source);
		assert_int_equal(count.needed, (uint64_t)(y + 1) * sizeof(right));
		if (y == 0)
			first = count;
		if (y == 4)	/* one page of data each time */
			assert_int_equal(count.read,
					 first.read + 4 * RP_SHARD_ALIGN);
	}
	assert_int_equal(progress.done, progress.total);
	rp_source_close(source);
	ckpt_end(&ckpt);
}

/* Where there is little memory a header is had again, but one that somebody looks at. */
static void test_little_memory(void **state)
{
	struct rp_staging staging = { .limit = 1 };
	struct rp_shard_how how = { .staging = &staging };
	struct rp_err err = { 0 };
	struct rp_source *source;
	struct rp_shard *shard;
	uint64_t frame;
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 2);
	put(&ckpt, 0, box2(0, 0, 5, COLUMNS));
	put(&ckpt, 1, box2(5, 0, 3, COLUMNS));
	ckpt_write(&ckpt);
	source = rp_source_open(NULL, ckpt.path, &ckpt.manifest, &how, NULL, &err);
	shard = rp_source_shard(source, 1, &err);
	frame = shard->header_bytes + shard->data_bytes - shard->hashed_bytes;
	for (uint64_t y = 0; y < ROWS; y++) {
		struct rp_box row = box2((int64_t)y, 0, 1, COLUMNS);
		struct rp_region region = wanted("T", RALLY_F64, shape, row, got);
		double right[COLUMNS];

		fill(right, &row);
		assert_int_equal(rp_source_want_box(source, &region, &err), 0);
		assert_int_equal(read_all(source, &err), 0);
		assert_memory_equal(got, right, sizeof(right));
		assert_int_equal(rp_source_counted(source).read,
				 frame + (y + 1) * RP_SHARD_ALIGN +
					 (y < 5 ? y + 1 : 5) * frame);
	}
	assert_non_null(rp_shard_find(shard, "T", RP_ARRAY));
	rp_source_close(source);
	rp_staging_free(&staging);
	ckpt_end(&ckpt);
}

/* Of blocks that several want each is read once. */
static void test_once(void **state)
{
	int64_t of[] = { 5 * MIB / 2 };
	unsigned char *data = malloc((size_t)of[0]), *back[2];
	struct rp_box all = rp_box_whole(1, of);
	struct rp_source_count count;
	struct rp_err err = { 0 };
	struct rp_source *source;
	struct rp_shard *shard;
	struct ckpt ckpt;

	for (int64_t i = 0; i < of[0]; i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	ckpt_begin(&ckpt, at(state, "c"), 1);
	ckpt_add(&ckpt, 0, "A", RALLY_U8, of, &all, data);
	ckpt_write(&ckpt);
	source = rp_source_open(NULL, ckpt.path, &ckpt.manifest, NULL, NULL, &err);
	for (int i = 0; i < 2; i++) {
		int64_t start[] = { MIB - 10000 * (1 + i) }, size[] = { 20003 };
		struct rp_box box = rp_box_of(1, start, size);
		struct rp_region region;

		back[i] = malloc((size_t)size[0]);
		region = wanted("A", RALLY_U8, of, box, back[i]);
		assert_int_equal(rp_source_want_box(source, &region, &err), 0);
	}
	assert_int_equal(read_all(source, &err), 0);
	for (int i = 0; i < 2; i++) {
		assert_memory_equal(back[i], data + MIB - 10000 * (1 + i), 20003);
		free(back[i]);
	}
	count = rp_source_counted(source);
	shard = rp_source_shard(source, 0, &err);
	assert_int_equal(count.needed, 2 * 20003);
	assert_int_equal(count.read, shard->header_bytes + 2 * RP_HASH_BLOCK +
					     shard->data_bytes -
					     shard->hashed_bytes);
	rp_source_close(source);
	ckpt_end(&ckpt);
	free(data);
}

/* Blocks between those that hold some of it are left out, whichever way it is read. */
static void test_gaps(void **state)
{
	static const enum rp_auto ways[] = { RP_AUTO, RP_YES, RP_NO };
	const int64_t of[] = { 4, 3 * MIB };
	unsigned char *data = malloc(4 * 3 * (size_t)MIB), back[4 * 1000];
	struct rp_box all = rp_box_whole(2, of);
	struct rp_region region = wanted("A", RALLY_U8, of,
					 box2(0, MIB + 77, 4, 1000), back);
	struct ckpt ckpt;

	for (int64_t i = 0; i < 4 * of[1]; i++)
		data[i] = (unsigned char)(i * 7 + i / 256 + i / MIB);
	ckpt_begin(&ckpt, at(state, "c"), 1);
	ckpt_add(&ckpt, 0, "A", RALLY_U8, of, &all, data);
	ckpt_write(&ckpt);
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct rp_shard_how how = { .direct = ways[i] };
		struct rp_err err = { 0 };
		struct rp_source *source = rp_source_open(
			NULL, ckpt.path, &ckpt.manifest, &how, NULL, &err);
		uint64_t before, after;

		rp_source_shard(source, 0, &err);
		before = rp_source_counted(source).read;
		memset(back, 0, sizeof(back));
		assert_int_equal(rp_source_want_box(source, &region, &err), 0);
		assert_int_equal(read_all(source, &err), 0);
		after = rp_source_counted(source).read;
		assert_int_equal(after - before, 4 * MIB);
		for (int64_t row = 0; row < 4; row++)
			assert_memory_equal(back + row * 1000,
					    data + row * of[1] + MIB + 77, 1000);
		rp_source_close(source);
	}
	ckpt_end(&ckpt);
	free(data);
}

/* Only what is wanted is verified. */
static void test_damage(void **state)
{
	int64_t of[] = { 4, MIB };
	unsigned char *data = calloc(4, (size_t)MIB);
	struct rp_box all = rp_box_whole(2, of);
	struct rp_err err = { 0 };
	struct ckpt ckpt;

	ckpt_begin(&ckpt, at(state, "c"), 1);
	ckpt_add(&ckpt, 0, "A", RALLY_U8, of, &all, data);
	ckpt_write(&ckpt);
	ckpt_flip(&ckpt, 0, RP_SHARD_ALIGN + 2 * MIB + 5);
	for (int64_t row = 0; row < 4; row++) {
		struct rp_region region = wanted("A", RALLY_U8, of,
						 box2(row, 77, 1, 1000), data);

		rp_err_clear(&err);
		assert_int_equal(read_box(&ckpt, -1, &region, NULL, &err),
				 row == 2 ? RALLY_ECORRUPT : 0);
		if (row == 2)
			assert_fails(&err, RALLY_ECORRUPT, "block 2 ");
	}
	ckpt_end(&ckpt);
	free(data);
}

/* Elements whose numbers want more than 32 bits: boxes are small, the array is not. */
static void test_far(void **state)
{
	const int64_t far = (int64_t)1 << 40;
	int64_t of[] = { far, 1000 };
	double back[4 * 3], right[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	double mine[2][2 * 1000] = { { 0 } };
	struct rp_region region = wanted("A", RALLY_F64, of,
					 box2(far - 4, 997, 4, 3), back);
	struct ckpt ckpt;

	for (int i = 0; i < 12; i++)
		mine[i / 6][(i % 6) / 3 * 1000 + 997 + i % 3] = i + 1;
	ckpt_begin(&ckpt, at(state, "c"), 2);
	for (int rank = 0; rank < 2; rank++) {
		struct rp_box box = box2(far - 4 + 2 * rank, 0, 2, 1000);

		ckpt_add(&ckpt, rank, "A", RALLY_F64, of, &box, mine[rank]);
	}
	ckpt_write(&ckpt);
	assert_int_equal(read_box(&ckpt, -1, &region, NULL, NULL), 0);
	assert_memory_equal(back, right, sizeof(right));
	region = wanted("A", RALLY_F64, of, box2(far - 5, 0, 2, 1), back);
	assert_int_equal(read_box(&ckpt, -1, &region, NULL, NULL), RALLY_ELAYOUT);
	ckpt_end(&ckpt);
}

/*
 * Lies: a sound shard, and a manifest whose own sum is right
 */

static struct rp_stored *stored_of(struct ckpt *ckpt, int rank)
{
	struct rp_piece *piece = &ckpt->manifest.pieces[rank];

	assert_int_equal(strcmp(piece->regions[0].name, "T"), 0);
	return &piece->regions[0];
}

static void two_halves(struct ckpt *ckpt, void **state)
{
	ckpt_begin(ckpt, at(state, "c"), 2);
	for (int rank = 0; rank < 2; rank++)
		own(put(ckpt, rank, box2(4 * rank, 0, 4, COLUMNS)),
		    box2(4 * rank, 0, 4, COLUMNS));
	ckpt_write(ckpt);
}

static void test_box_of_another_shape(void **state)
{
	struct ckpt ckpt;

	two_halves(&ckpt, state);
	stored_of(&ckpt, 1)->local[0] = stored_of(&ckpt, 1)->own_local[0] = 3;
	assert_int_equal(ckpt_remake(&ckpt, NULL), 0);
	expect(&ckpt, box2(0, 0, 4, COLUMNS));
	expect_code(&ckpt, box2(0, 0, 5, COLUMNS), RALLY_ECORRUPT,
		    "the manifest says F64 [3,6]");
	ckpt_end(&ckpt);
}

static void test_box_that_has_no_tensor(void **state)
{
	struct rp_region region = wanted("U", RALLY_F64, shape,
					 box2(0, 0, 4, COLUMNS), got);
	struct rp_err err = { 0 };
	struct ckpt ckpt;

	two_halves(&ckpt, state);
	stored_of(&ckpt, 0)->name[0] = stored_of(&ckpt, 1)->name[0] = 'U';
	assert_int_equal(ckpt_remake(&ckpt, NULL), 0);
	read_box(&ckpt, -1, &region, NULL, &err);
	assert_fails(&err, RALLY_ECORRUPT, "nothing as 'U'");
	ckpt_end(&ckpt);
}

static void test_ranks_contradict(void **state)
{
	struct ckpt ckpt;

	two_halves(&ckpt, state);
	stored_of(&ckpt, 1)->shape[0]++;
	assert_int_equal(ckpt_remake(&ckpt, NULL), 0);
	expect_code(&ckpt, box2(0, 0, 4, COLUMNS), RALLY_ECORRUPT, "rank 1");
	stored_of(&ckpt, 1)->shape[0]--;
	stored_of(&ckpt, 1)->type = RALLY_I64;
	assert_int_equal(ckpt_remake(&ckpt, NULL), 0);
	expect_code(&ckpt, box2(0, 0, 4, COLUMNS), RALLY_ECORRUPT, "rank 1");
	ckpt_end(&ckpt);
}

/* What the decoder would not let through is not believed either. */
static void test_not_decoded(void **state)
{
	static const int64_t bad[] = { -1, INT64_MIN, INT64_MAX, ROWS };
	struct ckpt ckpt;

	two_halves(&ckpt, state);
	for (size_t i = 0; i < COUNT(bad); i++)
		for (int field = 0; field < 5; field++) {
			struct rp_stored *s = stored_of(&ckpt, 1), good = *s;
			int64_t *fields[] = { &s->start[0], &s->local[0],
					      &s->own_start[0], &s->own_local[0],
					      &s->shape[1] };

			*fields[field] = bad[i];
			expect_code(&ckpt, box2(0, 0, ROWS, COLUMNS),
				    RALLY_ECORRUPT, "rank 1");
			if (field < 4)
				assert_int_equal(ckpt_remake(&ckpt, NULL),
						 RALLY_ECORRUPT);
			*s = good;
		}
	expect(&ckpt, box2(0, 0, ROWS, COLUMNS));
	ckpt_end(&ckpt);
}

static void test_missing_shard(void **state)
{
	struct ckpt ckpt;
	char *path;

	two_halves(&ckpt, state);
	path = ckpt_shard(&ckpt, 1);
	assert_int_equal(unlink(path), 0);
	free(path);
	expect(&ckpt, box2(0, 0, 4, COLUMNS));
	expect_code(&ckpt, box2(3, 0, 2, 1), RALLY_EIO, "rank-00001-of-00002");
	ckpt_end(&ckpt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_rows_to_columns),
		scratch_test(test_hole),
		scratch_test(test_halos_agree),
		scratch_test(test_halos_differ),
		scratch_test(test_order),
		scratch_test(test_many_ranks),
		scratch_test(test_damage_is_no_difference),
		scratch_test(test_owners),
		scratch_test(test_some_are_owners),
		scratch_test(test_owners_differ),
		scratch_test(test_layout),
		scratch_test(test_not_renamed),
		scratch_test(test_replicated),
		scratch_test(test_private),
		scratch_test(test_part_of_private),
		scratch_test(test_again_and_again),
		scratch_test(test_little_memory),
		scratch_test(test_once),
		scratch_test(test_gaps),
		scratch_test(test_damage),
		scratch_test(test_far),
		scratch_test(test_box_of_another_shape),
		scratch_test(test_box_that_has_no_tensor),
		scratch_test(test_ranks_contradict),
		scratch_test(test_not_decoded),
		scratch_test(test_missing_shard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
