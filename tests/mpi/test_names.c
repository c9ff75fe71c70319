/*
 * test_names.c - a program and a checkpoint that do not have the same names, on the
 *                ranks that wrote it and on others
 *
 * ranks: 1 3
 */
#include "mpi_ranks.h"

#define ROWS 30

static double field[ROWS], fresh[ROWS], scale[4];
static int32_t own[5];
static int64_t shared_step, own_step;
static int shared_calls, own_calls;

static int write_or_read(const char *path, enum rally_file_op op, int64_t step,
			 int64_t *told)
{
	FILE *file = fopen(path, op == RALLY_FILE_WRITE ? "w" : "r");
	long long found = -1;
	int bad;

	if (!file)
		return 1;
	if (op == RALLY_FILE_WRITE)
		bad = fprintf(file, "%lld\n", (long long)step) < 0;
	else
		bad = fscanf(file, "%lld", &found) != 1;
	*told = found;
	return (fclose(file) != 0) | bad;
}

static int shared_file(const char *path, enum rally_file_op op, int64_t step,
		       void *arg)
{
	(void)arg;
	shared_calls++;
	if (op == RALLY_FILE_WRITE && mr_rank != 0)
		return 0;
	return write_or_read(path, op, step, &shared_step);
}

static int own_file(const char *path, enum rally_file_op op, int64_t step,
		    void *arg)
{
	(void)arg;
	own_calls++;
	return write_or_read(path, op, step, &own_step);
}

static void add_rows(rally_t *rp, const char *name, double *data, int64_t rows)
{
	int64_t start[1], local[1];

	start[0] = mr_first(rows);
	local[0] = mr_rows(rows);
	mt_code(rp, rally_add_array(rp, name, data, RALLY_F64, 1, &rows, start,
				    local), 0);
}

static void fill(double value)
{
	for (int i = 0; i < ROWS; i++)
		field[i] = fresh[i] = value;
	for (int i = 0; i < 4; i++)
		scale[i] = value;
	for (int i = 0; i < 5; i++)
		own[i] = (int32_t)value;
	shared_step = own_step = -1;
	shared_calls = own_calls = 0;
}

/* A field, and a file of all ranks'. */
static const char *make(int with_own_file)
{
	const char *dir = mt_dir();
	rally_t *rp;

	if (mr_begin(mt_size)) {
		rp = mr_open(dir);
		fill(3);
		add_rows(rp, "field", field, ROWS);
		mt_code(rp, rally_file(rp, "all", RALLY_FILE_SHARED,
				       shared_file, NULL), 0);
		if (with_own_file)
			mt_code(rp, rally_file(rp, "each", RALLY_FILE_PRIVATE,
					       own_file, NULL), 0);
		mt_code(rp, rally_save(rp, 7), 0);
		mr_close(rp);
	}
	mr_end();
	return dir;
}

static void add_new(rally_t *rp)
{
	const int64_t four = 4;

	add_rows(rp, "fresh", fresh, ROWS);
	mt_code(rp, rally_add_replicated(rp, "scale", scale, RALLY_F64, 1,
					 &four), 0);
	mt_code(rp, rally_add(rp, "own", own, RALLY_I32, 5), 0);
	mt_code(rp, rally_file(rp, "later", RALLY_FILE_SHARED, own_file, NULL),
		0);
}

static void restore_lacking(const char *dir)
{
	rally_t *rp = mr_open(dir);
	static const char *const names[] = { "fresh", "scale", "own", "later" };

	fill(-1);
	add_rows(rp, "field", field, ROWS);
	add_new(rp);
	for (int i = 0; i < 4; i++) {
		mr_refuse(rp, RALLY_ELAYOUT, NULL);
		mt_code(rp, rally_optional(rp, names[i]), 0);
	}
	/* Adding it again leaves it optional. */
	add_new(rp);
	mr_restore(rp, 7);
	for (int64_t i = 0; i < mr_rows(ROWS); i++)
		assert_true(field[i] == 3 && fresh[i] == -1);
	assert_true(scale[3] == -1 && own[4] == -1 && own_calls == 0);
	/* Dropping it does not. */
	mt_code(rp, rally_drop(rp, "fresh"), 0);
	add_rows(rp, "fresh", fresh, ROWS);
	mr_refuse(rp, RALLY_ELAYOUT, "'fresh'");
	mr_close(rp);
}

static void test_optional(void **state)
{
	const char *dir = make(0);

	(void)state;
	for (int n = 1; n <= mt_size; n++) {
		if (mr_begin(n))
			restore_lacking(dir);
		mr_end();
	}
	assert_true(mt_contains(dir, "events.jsonl", "\"event\":\"absent\""));
	assert_true(mt_contains(dir, "events.jsonl",
				"\"names\":[\"fresh\",\"later\",\"own\","
				"\"scale\"]"));
}

/* Optional is not for another shape, nor does it hide what is there. */
static void test_optional_but_there(void **state)
{
	const char *dir = make(0);
	rally_t *rp;

	(void)state;
	for (int n = 1; n <= mt_size; n++) {
		if (mr_begin(n)) {
			rp = mr_open(dir);
			fill(-1);
			add_rows(rp, "field", field, ROWS);
			mt_code(rp, rally_file(rp, "all", RALLY_FILE_SHARED,
					       shared_file, NULL), 0);
			mt_code(rp, rally_optional(rp, "field"), 0);
			mt_code(rp, rally_optional(rp, "all"), 0);
			mr_restore(rp, 7);
			for (int64_t i = 0; i < mr_rows(ROWS); i++)
				assert_true(field[i] == 3);
			assert_int_equal(shared_step, 7);
			add_rows(rp, "field", field, ROWS - 1);
			mr_refuse(rp, RALLY_ELAYOUT, "[30]");
			mr_refuse(rp, RALLY_ELAYOUT, "[29]");
			mr_close(rp);
		}
		mr_end();
	}
}

/* A shared file is read by any number of ranks, one of each rank's by as many. */
static void test_files(void **state)
{
	const char *dir = make(1);
	char words[100];
	rally_t *rp;

	(void)state;
	for (int n = 1; n <= mt_size; n++) {
		if (mr_begin(n)) {
			rp = mr_open(dir);
			fill(-1);
			add_rows(rp, "field", field, ROWS);
			mt_code(rp, rally_file(rp, "all", RALLY_FILE_SHARED,
					       shared_file, NULL), 0);
			mr_restore(rp, 7);
			assert_int_equal(shared_step, 7);
			assert_int_equal(shared_calls, 1);
			mt_code(rp, rally_file(rp, "each", RALLY_FILE_PRIVATE,
					       own_file, NULL), 0);
			mt_code(rp, rally_optional(rp, "each"), 0);
			snprintf(words, sizeof(words), "file 'each' is a private "
				 "one of each of the %d ranks", mt_size);
			if (n == mt_size)
				mr_restore(rp, 7);
			else
				mr_refuse(rp, RALLY_ELAYOUT, words);
			assert_int_equal(own_step, n == mt_size ? 7 : -1);
			assert_int_equal(shared_calls, n == mt_size ? 2 : 1);
			mr_close(rp);
		}
		mr_end();
	}
}

/* What is stored of it, on any number of ranks; a private region is the old ranks'. */
static void test_find(void **state)
{
	const char *dir = mt_dir();
	struct rally_info info;
	char words[60];
	rally_t *rp;

	(void)state;
	if (mr_begin(mt_size)) {
		rp = mr_open(dir);
		add_rows(rp, "field", field, ROWS);
		mt_code(rp, rally_add(rp, "own", own, RALLY_I32, 5), 0);
		mt_code(rp, rally_save(rp, 1), 0);
		mr_close(rp);
	}
	mr_end();
	for (int n = 1; n <= mt_size; n++) {
		if (mr_begin(n)) {
			rp = mr_open(dir);
			mt_code(rp, rally_find(rp, "field", &info), 0);
			assert_int_equal(info.shape[0], ROWS);
			assert_int_equal(info.ranks, mt_size);
			assert_int_equal(info.is_array, 1);
			assert_int_equal(info.is_replicated, 0);
			assert_int_equal(info.local[0],
					 n == mt_size ? mr_rows(ROWS) : 0);
			mt_code(rp, rally_find(rp, "own", &info),
				n == mt_size ? 0 : RALLY_EABSENT);
			snprintf(words, sizeof(words), "the %d ranks that "
				 "wrote it, and these are %d", mt_size, n);
			if (n != mt_size && !strstr(rally_error(rp), words))
				fail_msg("'%s' is not in '%s'", words,
					 rally_error(rp));
			mr_close(rp);
		}
		mr_end();
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_optional),
	cmocka_unit_test(test_optional_but_there),
	cmocka_unit_test(test_files),
	cmocka_unit_test(test_find),
};

MT_MAIN(tests)
