/*
 * test_reshard.c - arrays on another number of ranks than wrote them, and in other boxes
 *
 * Handles are opened by some of the ranks: those below a number. SEED chooses the cases.
 *
 * ranks: 4 1 7
 * folder: memory
 */
#include "mpi_test.h"

#include <fcntl.h>
#include <unistd.h>

#define MOST 8
#define MIB ((int64_t)1 << 20)

struct box {
	int64_t start[MOST], local[MOST];
};

/* An array, cut along all of its dimensions. */
static struct array {
	int ndim;
	int64_t shape[MOST];
	enum rally_type type;
	size_t width;
} array;

static uint64_t random_state;

/* The same on all ranks. */
static int64_t random_below(int64_t n)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (int64_t)((z ^ z >> 31) % (uint64_t)n);
}

static size_t count_of(const struct box *box)
{
	size_t n = 1;

	for (int d = 0; d < array.ndim; d++)
		n *= (size_t)box->local[d];
	return n;
}

static int step_in(const struct box *box, int64_t *at)
{
	for (int d = array.ndim - 1; d >= 0; d--) {
		if (++at[d] < box->start[d] + box->local[d])
			return 1;
		at[d] = box->start[d];
	}
	return 0;
}

/* What an element holds at a step. */
static void value_of(const int64_t *at, int64_t step, unsigned char *value)
{
	uint64_t i = (uint64_t)step;

	for (int d = 0; d < array.ndim; d++)
		i = (i ^ (uint64_t)at[d]) * 0x9e3779b97f4a7c15u;
	i ^= i >> 29;
	memcpy(value, &i, array.width);
}

static unsigned char *new_data(const struct box *box, int64_t step)
{
	size_t n = count_of(box);
	unsigned char *data = malloc(n * array.width + 1);
	int64_t at[MOST];

	assert_non_null(data);
	memcpy(at, box->start, sizeof(at));
	for (size_t i = 0; i < n; i++) {
		value_of(at, step, data + i * array.width);
		step_in(box, at);
	}
	return data;
}

/* Boxes for `ranks` ranks, with a halo of `halo` elements. */
static struct box my_box(int ranks, int halo)
{
	struct box boxes[64], *mine = &boxes[mt_rank];

	memset(boxes, 0, sizeof(boxes));
	memcpy(boxes[0].local, array.shape, sizeof(array.shape));
	for (int i = 1; i < ranks; i++) {
		struct box *one = &boxes[random_below(i)];
		int d = (int)random_below(array.ndim);

		boxes[i] = *one;
		boxes[i].local[d] = random_below(one->local[d] + 1);
		one->local[d] -= boxes[i].local[d];
		boxes[i].start[d] += one->local[d];
	}
	for (int d = 0; d < array.ndim; d++) {
		int64_t end = mine->start[d] + mine->local[d] + halo;

		mine->start[d] -= mine->start[d] < halo ? mine->start[d] : halo;
		end = end > array.shape[d] ? array.shape[d] : end;
		mine->local[d] = end - mine->start[d];
	}
	return *mine;
}

static void choose_array(void)
{
	static const struct {
		enum rally_type type;
		size_t width;
	} types[] = { { RALLY_U8, 1 },	 { RALLY_BF16, 2 }, { RALLY_F32, 4 },
		      { RALLY_F64, 8 },	 { RALLY_I64, 8 },  { RALLY_BOOL, 1 } };
	int64_t type = random_below(6), most = random_below(4) ? 3000 : 600000;

	array.type = types[type].type;
	array.width = types[type].width;
	array.ndim = 1 + (int)random_below(MOST);
	for (int d = 0; d < MOST; d++)
		array.shape[d] = 1;
	for (int i = 0; i < 4 * array.ndim; i++) {
		int64_t factor = 2 + random_below(array.ndim < 3 ? 60 : 4);

		if (factor > most)
			continue;
		array.shape[random_below(array.ndim)] *= factor;
		most /= factor;
	}
}

/*
 * Handles of the ranks below a number
 */

static MPI_Comm below;

/* NULL on ranks that are not of them. */
static rally_t *open_below(const char *dir, int ranks)
{
	rally_t *rp = NULL;
	int rc;

	mt_barrier();
	MPI_Comm_split(MPI_COMM_WORLD, mt_rank < ranks ? 0 : MPI_UNDEFINED,
		       mt_rank, &below);
	if (below == MPI_COMM_NULL)
		return NULL;
	rc = rally_open(below, dir, &rp);
	mt_code(rp, rc, 0);
	return rp;
}

static void close_below(rally_t *rp)
{
	if (rp) {
		mt_code(rp, rally_close(rp), 0);
		MPI_Comm_free(&below);
	}
	mt_barrier();
}

static void add(rally_t *rp, const char *name, const struct box *box,
		unsigned char *data)
{
	mt_code(rp, rally_add_array(rp, name, data, array.type, array.ndim,
				    array.shape, box->start, box->local), 0);
}

/* Saves the steps 1 to n; each rank has the box. */
static void save(const char *dir, int ranks, const struct box *box, int n)
{
	rally_t *rp = open_below(dir, ranks);

	for (int64_t step = 1; rp && step <= n; step++) {
		unsigned char *data = new_data(box, step);

		mt_set(rp, "keep", n);
		add(rp, "A", box, data);
		mt_code(rp, rally_save(rp, step), 0);
		mt_code(rp, rally_drop(rp, "A"), 0);
		free(data);
	}
	close_below(rp);
}

/* Restores into the box, which must give this step. */
static void restore(const char *dir, int ranks, const struct box *box,
		    int64_t expected)
{
	rally_t *rp = open_below(dir, ranks);
	size_t bytes = count_of(box) * array.width;
	unsigned char *data = calloc(1, bytes + 1), *right;
	struct rally_status status;
	int64_t step;
	int how;

	if (rp) {
		add(rp, "A", box, data);
		mt_code(rp, rally_restore(rp, &step, &how), 0);
		assert_int_equal(how, RALLY_RESUMED);
		assert_int_equal(step, expected);
		right = new_data(box, step);
		assert_memory_equal(data, right, bytes);
		free(right);
		status = mt_status(rp);
		assert_int_equal(status.restored_needed, bytes);
		assert_true(status.restored_read >= bytes);
	}
	close_below(rp);
	free(data);
}

static void test_any_number(void **state)
{
	struct mt_campaign campaign = mt_campaign();
	int n = (campaign.whole ? 600 : 60) / campaign.share;

	(void)state;
	random_state = campaign.seed;
	print_message("SEED=%llu\n", (unsigned long long)campaign.seed);
	for (int i = 0; i < n; i++) {
		int from = 1 + (int)random_below(mt_size);
		int to = 1 + (int)random_below(mt_size);
		const char *dir = mt_dir();
		struct box box;

		choose_array();
		box = my_box(from, (int)random_below(2));
		save(dir, from, &box, 1);
		box = my_box(to, (int)random_below(2));
		restore(dir, to, &box, 1);
	}
}

/* What rally_status() and the event file tell: rows that are read by another number of
 * ranks take the blocks that they lie in, and no more. */
static void test_counted(void **state)
{
	const char *dir = mt_dir();
	int to = mt_size > 1 ? mt_size - 1 : 1;
	struct box box = { .local = { 0 } };
	struct rally_status status;
	unsigned char *data;
	int64_t step, rows;
	rally_t *rp;
	int how;

	(void)state;
	array = (struct array){ 2, { 4 * mt_size, MIB }, RALLY_U8, 1 };
	box.start[0] = 4 * mt_rank;
	box.local[0] = 4;
	box.local[1] = MIB;
	save(dir, mt_size, &box, 1);
	rows = 4 * mt_size / to;
	box.start[0] = rows * mt_rank;
	box.local[0] = mt_rank == to - 1 ? 4 * mt_size - box.start[0] : rows;
	rp = open_below(dir, to);
	if (rp) {
		data = malloc(count_of(&box));
		add(rp, "A", &box, data);
		mt_code(rp, rally_restore(rp, &step, &how), 0);
		status = mt_status(rp);
		assert_int_equal(status.restored_needed, count_of(&box));
		/* of each shard a header and a table */
		assert_in_range(status.restored_read, count_of(&box),
				count_of(&box) + (size_t)mt_size * 2 * 8192);
		assert_int_equal(status.bytes_done, status.bytes_total);
		free(data);
	}
	close_below(rp);
	if (mt_rank == 0) {
		char written_by[40];

		snprintf(written_by, sizeof(written_by), "\"written_by\":%d,",
			 mt_size);
		assert_true(mt_contains(dir, "events.jsonl", written_by));
		assert_true(mt_contains(dir, "events.jsonl", "\"needed\":"));
	}
}

/*
 * What is wrong
 */

/* One row for each rank. */
static struct box rows_of(int64_t first, int64_t rows)
{
	struct box box = { .start = { first, 0 }, .local = { rows, 100 } };

	return box;
}

static void flip(const char *dir, int rank, off_t at)
{
	char path[6000];
	unsigned char byte;
	int fd;

	snprintf(path, sizeof(path), "%s/rank-%05d-of-%05d.safetensors",
		 mt_checkpoint(dir, 0), rank, mt_size);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* One bad block that one rank alone reads: all take the older checkpoint. Where nobody
 * wants the block, it stays unseen. */
static void test_bad_block(void **state)
{
	const char *dir = mt_dir();
	int64_t rows = 4 * mt_size;
	struct box box;

	(void)state;
	array = (struct array){ 2, { rows, 3 * MIB / 8 }, RALLY_F64, 8 };
	box = (struct box){ .start = { 4 * mt_rank },
			    .local = { 4, 3 * MIB / 8 } };
	save(dir, mt_size, &box, 2);
	/* The last of the 12 blocks of the last rank: the end of its last row. */
	if (mt_rank == 0)
		flip(dir, mt_size - 1, 4096 + 11 * MIB + 100);
	box = (struct box){ .start = { 0 }, .local = { rows - 1, 10 } };
	restore(dir, 1, &box, 2);
	box.local[0] = rows;
	restore(dir, 1, &box, 2);
	box = (struct box){ .start = { 0, 3 * MIB / 8 - 10 },
			    .local = { mt_rank == 0 ? rows : 0, 10 } };
	restore(dir, mt_size > 1 ? mt_size - 1 : 1, &box, 1);
	if (mt_rank == 0)
		assert_true(mt_contains(dir, "events.jsonl", "block 11 "));
}

/* A restore that all ranks refuse, with these words. */
static void refuse(const char *dir, int ranks, const char *name,
		   const struct box *box, const char *words)
{
	rally_t *rp = open_below(dir, ranks);
	unsigned char *data = calloc(count_of(box) + 1, array.width);
	int64_t step;
	int how;

	if (rp) {
		add(rp, name, box, data);
		mt_code(rp, rally_restore(rp, &step, &how), RALLY_ELAYOUT);
		if (!strstr(rally_error(rp), words))
			print_error("%s\n", rally_error(rp));
		assert_non_null(strstr(rally_error(rp), words));
		for (size_t i = 0; i < count_of(box) * array.width; i++)
			assert_int_equal(data[i], 0);
	}
	close_below(rp);
	free(data);
}

static void test_hole(void **state)
{
	const char *dir = mt_dir();
	struct box box;
	char hole[60];

	(void)state;
	array = (struct array){ 2, { 2 * mt_size, 100 }, RALLY_F32, 4 };
	/* The last row of each rank's two is missing from the last one. */
	box = rows_of(2 * mt_rank, mt_rank == mt_size - 1 ? 1 : 2);
	save(dir, mt_size, &box, 1);
	restore(dir, mt_size, &box, 1);
	snprintf(hole, sizeof(hole), "[%d:%d,0:100]", 2 * mt_size - 1,
		 2 * mt_size);
	box = rows_of(0, mt_rank == 0 ? 2 * mt_size : 0);
	refuse(dir, mt_size, "A", &box, hole);
	box = rows_of(0, 2 * mt_size);
	refuse(dir, 1, "A", &box, "hole");
	box = rows_of(0, 2 * mt_size - 1);
	restore(dir, 1, &box, 1);
}

/* Halos that differ are told with the ranks and the element, on all ranks; what each
 * rank wrote comes back to it all the same. */
static void test_halos_differ(void **state)
{
	const char *dir = mt_dir();
	int64_t first = 2 * mt_rank - (mt_rank > 0);
	struct box box, all;
	unsigned char *data, right;
	int64_t step;
	rally_t *rp;
	int how;

	(void)state;
	if (mt_size == 1)
		return;
	array = (struct array){ 2, { 2 * mt_size, 100 }, RALLY_U8, 1 };
	box = rows_of(first, 2 * mt_rank + 2 - first);
	data = new_data(&box, 1);
	if (mt_rank == 1)
		data[42] ^= 1;	/* [1,42], of rank 0 */
	rp = mt_open(dir);
	add(rp, "A", &box, data);
	mt_code(rp, rally_save(rp, 1), 0);
	memset(data, 0, count_of(&box));
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	value_of((int64_t[MOST]){ 1, 42 }, 1, &right);
	assert_true(mt_rank != 1 || data[42] == (right ^ 1));
	free(data);
	all = rows_of(0, 2 * mt_size);
	rp = open_below(dir, 1);
	if (rp) {
		data = malloc(count_of(&all));
		add(rp, "A", &all, data);
		mt_code(rp, rally_restore(rp, &step, &how), RALLY_ELAYOUT);
		assert_non_null(strstr(rally_error(rp), "ranks 0 and 1"));
		assert_non_null(strstr(rally_error(rp), "[1,42]"));
		free(data);
	}
	close_below(rp);
}

static void test_other_names(void **state)
{
	const char *dir = mt_dir();
	struct box box = rows_of(2 * mt_rank, 2), all;

	(void)state;
	array = (struct array){ 2, { 2 * mt_size, 100 }, RALLY_F32, 4 };
	all = rows_of(0, 2 * mt_size);
	save(dir, mt_size, &box, 1);
	refuse(dir, 1, "B", &all, "was it renamed?");
	array.shape[1]++;
	refuse(dir, 1, "A", &all, ",101]");
	refuse(dir, mt_size, "A", &box, ",100]");
	array.shape[1]--;
	array.type = RALLY_I32;
	refuse(dir, 1, "A", &all, "registered as I32");
	array.type = RALLY_F32;
	restore(dir, 1, &all, 1);
}

/* A program that asks for one name reads, and verifies, nothing of another. */
static void test_one_name(void **state)
{
	const char *dir = mt_dir();
	struct box box = { .start = { mt_rank }, .local = { 1, 2 * MIB } };
	struct rally_status status;
	unsigned char *data[2];
	int64_t step;
	rally_t *rp;
	int how;

	(void)state;
	array = (struct array){ 2, { mt_size, 2 * MIB }, RALLY_U8, 1 };
	rp = mt_open(dir);
	mt_set(rp, "keep", 2);
	for (step = 1; step <= 2; step++) {
		for (int i = 0; i < 2; i++) {
			data[i] = new_data(&box, step);
			add(rp, i == 0 ? "A" : "B", &box, data[i]);
		}
		mt_code(rp, rally_save(rp, step), 0);
		free(data[0]);
		free(data[1]);
	}
	mt_code(rp, rally_drop(rp, "A"), 0);
	mt_code(rp, rally_drop(rp, "B"), 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	if (mt_rank == 0)
		flip(dir, mt_size - 1, 4096 + 3 * MIB);
	restore(dir, mt_size, &box, 2);
	rp = open_below(dir, mt_size);
	data[0] = calloc(2, 2 * (size_t)MIB);
	add(rp, "A", &box, data[0]);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(step, 2);
	status = mt_status(rp);
	assert_in_range(status.restored_read, 2 * MIB, 2 * MIB + 2 * 8192);
	add(rp, "B", &box, data[0] + 2 * MIB);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(step, 1);
	close_below(rp);
	free(data[0]);
}

/* Small boxes of an array that nobody could hold. */
static void test_far(void **state)
{
	const int64_t end = (int64_t)1 << 40;
	const char *dir = mt_dir();
	struct box box;

	(void)state;
	array = (struct array){ 2, { end, 1 << 19 }, RALLY_F64, 8 };
	box = (struct box){ .start = { end - 2 * mt_size + 2 * mt_rank, 77 },
			    .local = { 2, 1000 } };
	save(dir, mt_size, &box, 1);
	box.start[0] = end - 2 * mt_size;
	box.local[0] = 2 * mt_size;
	restore(dir, 1, &box, 1);
	box.start[0]--;
	refuse(dir, 1, "A", &box, "hole");
}

/* What is a rank's own stays with the number of ranks. */
static void test_private(void **state)
{
	const char *dir = mt_dir();
	struct box box = rows_of(2 * mt_rank, 2), all;
	unsigned char *data;
	int64_t step, own = 5;
	rally_t *rp;
	int how;

	(void)state;
	if (mt_size == 1)
		return;
	array = (struct array){ 2, { 2 * mt_size, 100 }, RALLY_F32, 4 };
	all = rows_of(0, 2 * mt_size);
	data = new_data(&box, 1);
	rp = mt_open(dir);
	add(rp, "A", &box, data);
	mt_code(rp, rally_add(rp, "own", &own, RALLY_I64, 1), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	mt_code(rp, rally_close(rp), 0);
	free(data);
	restore(dir, 1, &all, 1);
	rp = open_below(dir, 1);
	if (rp) {
		mt_code(rp, rally_add(rp, "own", &own, RALLY_I64, 1), 0);
		mt_code(rp, rally_restore(rp, &step, &how), RALLY_ELAYOUT);
		assert_non_null(strstr(rally_error(rp), "'own'"));
	}
	close_below(rp);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_any_number),
	cmocka_unit_test(test_counted),
	cmocka_unit_test(test_bad_block),
	cmocka_unit_test(test_hole),
	cmocka_unit_test(test_halos_differ),
	cmocka_unit_test(test_other_names),
	cmocka_unit_test(test_one_name),
	cmocka_unit_test(test_far),
	cmocka_unit_test(test_private),
};

MT_MAIN(tests)
