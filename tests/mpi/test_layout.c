/*
 * test_layout.c - what is registered must be what is stored, and what
 *                 rally_find() tells of it
 *
 * ranks: 1 2 4
 */
#include "mpi_data.h"

#include <unistd.h>

static void expect_layout(const char *dir, enum rally_type type, size_t count,
			  const char *name)
{
	static double other[2 * MT_DATA];
	rally_t *rp = mt_open(dir);
	int64_t step;
	int how;

	mt_code(rp, rally_add(rp, name, other, type, count), 0);
	mt_code(rp, rally_restore(rp, &step, &how), RALLY_ELAYOUT);
	assert_non_null(strstr(rally_error(rp), name));
	mt_data_close(rp);
}

static void test_layout(void **state)
{
	const char *dir = mt_data_make(2);
	int last = mt_rank == mt_size - 1;

	(void)state;
	expect_layout(dir, RALLY_F64, MT_DATA, "data");
	expect_layout(dir, RALLY_I64, MT_DATA + 1, "data");
	expect_layout(dir, RALLY_I64, last ? MT_DATA - 1 : MT_DATA, "data");
	expect_layout(dir, last ? RALLY_U64 : RALLY_I64, MT_DATA, "data");
	expect_layout(dir, RALLY_I64, MT_DATA, "date");
	/* Nothing was passed over for it. */
	mt_data_close(mt_data_restore(dir, 0, RALLY_RESUMED, 2));
}

static void array_box(int64_t *global, int64_t *start, int64_t *local)
{
	global[0] = 4 * mt_size;
	global[1] = start[1] = 0;
	global[1] = local[1] = 6;
	start[0] = 4 * mt_rank;
	local[0] = 4;
}

/* `other`: another rank's box, of the same shape. */
static void expect_array(const char *dir, enum rally_type type, int ndim,
			 int64_t more, int other, int code)
{
	int64_t global[2], start[2], local[2];
	rally_t *rp = mt_open(dir);
	int64_t step;
	int how;

	array_box(global, start, local);
	global[1] += more;
	start[0] = 4 * ((mt_rank + other) % mt_size);
	mt_code(rp, rally_add_array(rp, "A", mt_data, type, ndim, global, start,
				    local), 0);
	mt_code(rp, rally_restore(rp, &step, &how), code);
	mt_data_close(rp);
}

static void test_array_layout(void **state)
{
	const char *dir = mt_dir();
	int64_t global[2], start[2], local[2];
	rally_t *rp = mt_open(dir);

	(void)state;
	array_box(global, start, local);
	mt_code(rp, rally_add_array(rp, "A", mt_data, RALLY_I64, 2, global, start,
				    local), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	mt_data_close(rp);
	expect_array(dir, RALLY_I64, 2, 0, 0, 0);
	expect_array(dir, RALLY_F64, 2, 0, 0, RALLY_ELAYOUT);
	expect_array(dir, RALLY_I64, 1, 0, 0, RALLY_ELAYOUT);
	expect_array(dir, RALLY_I64, 2, 1, 0, RALLY_ELAYOUT);
	/* Any box of it will do: test_reshard. */
	expect_array(dir, RALLY_I64, 2, 0, 1, 0);
}

/* Private regions want the number of ranks that wrote them. */
static void test_number_of_ranks(void **state)
{
	const char *dir = mt_data_make(1);
	int64_t step;
	MPI_Comm fewer;
	rally_t *rp;
	int how;

	(void)state;
	if (mt_size == 1)
		return;
	MPI_Comm_split(MPI_COMM_WORLD, mt_rank == 0 ? MPI_UNDEFINED : 0, 0,
		       &fewer);
	if (fewer != MPI_COMM_NULL) {
		mt_code(rp, rally_open(fewer, dir, &rp), 0);
		mt_data_add(rp);
		mt_code(rp, rally_restore(rp, &step, &how), RALLY_ELAYOUT);
		mt_code(rp, rally_close(rp), 0);
		MPI_Comm_free(&fewer);
	}
	mt_barrier();
	mt_data_close(mt_data_restore(dir, 0, RALLY_RESUMED, 1));
}

static void test_find(void **state)
{
	const char *dir = mt_dir();
	int64_t global[2], start[2], local[2];
	struct rally_info info;
	rally_t *rp = mt_open(dir);

	(void)state;
	mt_code(rp, rally_find(rp, "p", &info), RALLY_EABSENT);
	array_box(global, start, local);
	mt_code(rp, rally_add_array(rp, "A", mt_data, RALLY_F64, 2, global, start,
				    local), 0);
	mt_code(rp, rally_add(rp, "p", mt_data, RALLY_U16, (size_t)mt_rank), 0);
	mt_code(rp, rally_save(rp, 12), 0);
	mt_data_close(rp);
	rp = mt_open(dir);
	mt_code(rp, rally_find(rp, "none", &info), RALLY_EABSENT);
	mt_code(rp, rally_find(rp, "p", &info), 0);
	assert_int_equal(info.type, RALLY_U16);
	assert_int_equal(info.is_array, 0);
	assert_int_equal(info.ndim, 1);
	assert_int_equal(info.shape[0], mt_rank);
	assert_int_equal(info.step, 12);
	assert_int_equal(info.ranks, mt_size);
	mt_code(rp, rally_find(rp, "A", &info), 0);
	assert_int_equal(info.type, RALLY_F64);
	assert_int_equal(info.is_array, 1);
	assert_int_equal(info.ndim, 2);
	assert_memory_equal(info.shape, global, sizeof(global));
	assert_memory_equal(info.start, start, sizeof(start));
	assert_memory_equal(info.local, local, sizeof(local));
	mt_data_close(rp);
}

static void cut_manifest(const char *dir)
{
	char path[6000];

	snprintf(path, sizeof(path), "%s/manifest.json", mt_checkpoint(dir, 0));
	assert_int_equal(truncate(path, 30), 0);
}

/* A damaged manifest is not what find() tells of. */
static void test_find_past_damage(void **state)
{
	const char *dir = mt_data_make(2);
	struct rally_info info;
	rally_t *rp;

	(void)state;
	mt_barrier();
	if (mt_rank == 0)
		cut_manifest(dir);
	mt_barrier();
	rp = mt_open(dir);
	mt_code(rp, rally_find(rp, "data", &info), 0);
	assert_int_equal(info.step, 1);
	mt_data_close(rp);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_layout),
	cmocka_unit_test(test_array_layout),
	cmocka_unit_test(test_number_of_ranks),
	cmocka_unit_test(test_find),
	cmocka_unit_test(test_find_past_damage),
};

MT_MAIN(tests)
