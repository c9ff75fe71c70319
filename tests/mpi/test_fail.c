/*
 * test_fail.c - a save that one rank can't make fails on all of them, and the
 *               earlier checkpoint stands
 *
 * ranks: 1 2 4
 */
#include "mpi_test.h"

#include <sys/stat.h>
#include <unistd.h>

/* Arrays that differ between ranks: in shape, in type, in name, in number. */
static void test_arrays_differ(void **state)
{
	int64_t global[2] = { 8, 8 }, start[2] = { 0, 0 }, local[2] = { 0, 8 };
	int last = mt_rank == mt_size - 1;
	rally_t *rp = mt_open(mt_dir());

	(void)state;
	if (mt_size == 1) {
		mt_code(rp, rally_close(rp), 0);
		return;
	}
	global[1] += last;
	mt_code(rp, rally_add_array(rp, "A", NULL, RALLY_F32, 2, global, start,
				    local), 0);
	mt_code(rp, rally_save(rp, 1), RALLY_EMISMATCH);
	assert_non_null(strstr(rally_error(rp), "rank 0"));
	global[1] = 8;
	mt_code(rp, rally_add_array(rp, "A", NULL, last ? RALLY_F64 : RALLY_F32,
				    2, global, start, local), 0);
	mt_code(rp, rally_save(rp, 1), RALLY_EMISMATCH);
	mt_code(rp, rally_add_array(rp, "A", NULL, RALLY_F32, 2, global, start,
				    local), 0);
	if (last)
		mt_code(rp, rally_add_array(rp, "B", NULL, RALLY_F32, 2, global,
					    start, local), 0);
	mt_code(rp, rally_save(rp, 1), RALLY_EMISMATCH);
	if (last)
		mt_code(rp, rally_drop(rp, "B"), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	mt_code(rp, rally_close(rp), 0);
}

/* A registration that one rank refuses fails the save on all, until mended. */
static void test_refused(void **state)
{
	int64_t value = 1, step;
	int last = mt_rank == mt_size - 1, how;
	rally_t *rp = mt_open(mt_dir());

	(void)state;
	mt_code(rp, rally_add(rp, "a/b", &value, RALLY_I64, 1), RALLY_EARG);
	mt_code(rp, rally_drop(rp, "a/b"), RALLY_EABSENT);
	mt_code(rp, rally_add(rp, "v", last ? NULL : &value, RALLY_I64, 1),
		last ? RALLY_EARG : 0);
	mt_code(rp, rally_save(rp, 1), RALLY_EARG);
	assert_non_null(strstr(rally_error(rp), "'v'"));
	mt_code(rp, rally_save(rp, 1), RALLY_EARG);
	mt_code(rp, rally_add(rp, "v", &value, RALLY_I64, 1), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	mt_code(rp, rally_add(rp, "v", &value, (enum rally_type)99, 1),
		RALLY_EARG);
	mt_code(rp, rally_restore(rp, &step, &how), RALLY_EARG);
	mt_code(rp, rally_drop(rp, "v"), 0);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	mt_code(rp, rally_close(rp), 0);
}

/* Each refused name is to be mended, not the last one only. */
static void test_two_refused(void **state)
{
	int64_t value = 1;
	rally_t *rp = mt_open(mt_dir());

	(void)state;
	mt_code(rp, rally_add(rp, "a", &value, RALLY_I64, 1), 0);
	mt_code(rp, rally_add(rp, "a", NULL, RALLY_I64, 1), RALLY_EARG);
	mt_code(rp, rally_add(rp, "b", NULL, RALLY_I64, 1), RALLY_EARG);
	mt_code(rp, rally_add(rp, "b", &value, RALLY_I64, 1), 0);
	mt_code(rp, rally_save(rp, 1), RALLY_EARG);
	assert_non_null(strstr(rally_error(rp), "'a'"));
	mt_code(rp, rally_add(rp, "a", &value, RALLY_I64, 1), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	mt_code(rp, rally_close(rp), 0);
}

/* A failing write on one rank: all get the code, the earlier checkpoint stands,
 * nothing is left behind, and the next save works. */
/* The files of a save are named by the program's function on the last rank
 * before the shard is: it takes the shard's name with a folder. */
static int block;

static int take_shard_name(const char *path, enum rally_file_op op,
			   int64_t step, void *arg)
{
	char text[5000], *end;
	FILE *file;

	(void)step;
	(void)arg;
	if (op == RALLY_FILE_READ)
		return 0;
	file = fopen(path, "w");
	if (!file || fclose(file) != 0)
		return 1;
	snprintf(text, sizeof(text), "%s", path);
	end = strstr(text, "/files/");
	if (!block || mt_rank != mt_size - 1 || !end)
		return 0;
	snprintf(end, 60, "/rank-%05d-of-%05d.safetensors", mt_rank, mt_size);
	return mkdir(text, 0777);
}

static void test_failing_shard(void **state)
{
	const char *dir = mt_dir();
	int64_t value = 7;
	rally_t *rp = mt_open(dir);
	char name[24];

	(void)state;
	mt_code(rp, rally_add(rp, "v", &value, RALLY_I64, 1), 0);
	mt_code(rp, rally_file(rp, "f", RALLY_FILE_PRIVATE, take_shard_name,
			       NULL), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	block = 1;
	mt_code(rp, rally_save(rp, 2), RALLY_EIO);
	snprintf(name, sizeof(name), "rank %d", mt_size - 1);
	assert_non_null(strstr(rally_error(rp), name));
	assert_int_equal(rally_point(rp, 2), RALLY_GO);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 1);
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
	/* A stop that can't be saved stops all the same. */
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	for (int step = 3; step < 6; step++)
		if (rally_point(rp, step) == RALLY_STOP)
			break;
	assert_int_equal(mt_status(rp).verdict, RALLY_STOP);
	assert_int_equal(mt_status(rp).saved_step, 1);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 1);
	block = 0;
}

static void test_failing_save(void **state)
{
	const char *dir = mt_dir();
	char final[5000];
	int64_t value = 7;
	rally_t *rp = mt_open(dir);

	(void)state;
	mt_code(rp, rally_add(rp, "v", &value, RALLY_I64, 1), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	value = 8;
	/* Something has the final name, and is not empty. */
	snprintf(final, sizeof(final), "%s/0001-step-2/taken", dir);
	if (mt_rank == 0) {
		*strrchr(final, '/') = '\0';
		assert_int_equal(mkdir(final, 0777), 0);
		strcat(final, "/taken");
		assert_int_equal(mkdir(final, 0777), 0);
	}
	mt_barrier();
	mt_code(rp, rally_save(rp, 2), RALLY_EIO);
	assert_int_equal(rally_point(rp, 2), RALLY_GO);
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
	mt_barrier();
	if (mt_rank == 0) {
		assert_int_equal(rmdir(final), 0);
		*strrchr(final, '/') = '\0';
		assert_int_equal(rmdir(final), 0);
	}
	mt_barrier();
	mt_code(rp, rally_save(rp, 2), 0);
	assert_int_equal(mt_checkpoints(dir), 2);
	mt_code(rp, rally_close(rp), 0);
}

/* The folder belongs to another run meanwhile. */
static void test_taken_folder(void **state)
{
	const char *dir = mt_dir();
	char owner[5000];
	rally_t *rp = mt_open(dir);

	(void)state;
	mt_code(rp, rally_save(rp, 1), 0);
	snprintf(owner, sizeof(owner), "%s/.owner", dir);
	if (mt_rank == 0) {
		FILE *file = fopen(owner, "w");

		assert_non_null(file);
		fputs("{}\n", file);
		fclose(file);
	}
	mt_code(rp, rally_save(rp, 2), RALLY_EOWNED);
	assert_int_equal(mt_checkpoints(dir), 1);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_true(mt_exists(dir, ".owner"));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_arrays_differ),
	cmocka_unit_test(test_refused),
	cmocka_unit_test(test_two_refused),
	cmocka_unit_test(test_failing_shard),
	cmocka_unit_test(test_failing_save),
	cmocka_unit_test(test_taken_folder),
};

MT_MAIN(tests)
