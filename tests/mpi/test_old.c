/*
 * test_old.c - checkpoints that older versions wrote are restored, and one of a
 *              newer format is refused by name
 *
 * They stand in tests/old, were written by 3 ranks, and hold what write_state.c
 * says. Ranks of another number, and those of another split, want arrays and the
 * shared file; those of another number adopt the private memory.
 *
 * ranks: 1 2 3 5
 */
#include "mpi_test.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#define STEP 12
#define WRITERS 3

static const char *const old[] = { "2026-11-23", "2026-11-28" };

#define OLD (sizeof(old) / sizeof(old[0]))

static struct {
	double rows[35];
	int32_t columns[24];
	uint16_t halo[9];
	float last[8];
	int64_t own[64];
	char log[32], restart[32];
} got;

/* Where this rank's parts begin and end. */
static int64_t rows[2], columns[2], halo[2], last[2];

/*
 * Folders of the test's own: a restore writes into them
 */

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 16];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	assert_int_equal(ferror(in), 0);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static void copy_tree(const char *from, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];
	DIR *stream = opendir(from);
	struct dirent *entry;
	struct stat st;

	assert_non_null(stream);
	assert_int_equal(mkdir(to, 0777), 0);
	while ((entry = readdir(stream)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(a, sizeof(a), "%s/%s", from, entry->d_name);
		snprintf(b, sizeof(b), "%s/%s", to, entry->d_name);
		assert_int_equal(stat(a, &st), 0);
		if (S_ISDIR(st.st_mode))
			copy_tree(a, b);
		else
			copy_file(a, b);
	}
	closedir(stream);
}

/* Puts a kept checkpoint into a folder; `dir` NULL: a new one. Collective. */
static const char *put(const char *dir, const char *which, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];
	int is_new = !dir;

	if (is_new)
		dir = mt_dir();
	if (mt_rank == 0) {
		snprintf(from, sizeof(from), OLD_DIR "/%s/%s", which, name);
		snprintf(to, sizeof(to), "%s/%s", dir, name);
		if (is_new)
			assert_int_equal(mkdir(dir, 0777), 0);
		copy_tree(from, to);
	}
	mt_barrier();
	return dir;
}

/*
 * What is registered, and what must be in it
 */

static int read_text(const char *path, enum rally_file_op op, int64_t step,
		     void *text)
{
	FILE *file = op == RALLY_FILE_READ && step == STEP ? fopen(path, "r")
							   : NULL;
	int bad = !file || !fgets(text, (int)sizeof(got.log), file);

	if (file)
		fclose(file);
	return bad;
}

static void add(rally_t *rp, const char *name, void *data, enum rally_type type,
		int ndim, const int64_t *global, int split, const int64_t *part)
{
	int64_t start[RALLY_MAX_DIMS] = { 0 }, local[RALLY_MAX_DIMS];

	memcpy(local, global, (size_t)ndim * sizeof(*local));
	start[split] = part[0];
	local[split] = part[1] - part[0];
	mt_code(rp, rally_add_array(rp, name, data, type, ndim, global, start,
				    local), 0);
}

static void set_parts(int64_t *part, int64_t n)
{
	part[0] = n * mt_rank / mt_size;
	part[1] = n * (mt_rank + 1) / mt_size;
}

/* As it was written. `turned`: split along the other dimension, no overlap, and
 * what one rank had is everybody's. */
static void add_arrays(rally_t *rp, int turned)
{
	const int64_t r[] = { 7, 5 }, c[] = { 4, 6 }, h[] = { 9 };
	const int64_t l[] = { 2, 2, 2 };

	memset(&got, 0, sizeof(got));
	set_parts(rows, turned ? 5 : 7);
	set_parts(columns, turned ? 4 : 6);
	set_parts(halo, 9);
	last[0] = 0;
	last[1] = turned || mt_rank == mt_size - 1 ? 2 : 0;
	if (!turned) {
		halo[0] -= halo[0] > 0;
		halo[1] += halo[1] < 9;
	}
	add(rp, "rows", got.rows, RALLY_F64, 2, r, turned ? 1 : 0, rows);
	add(rp, "columns", got.columns, RALLY_I32, 2, c, turned ? 0 : 1,
	    columns);
	add(rp, "halo", got.halo, RALLY_U16, 1, h, 0, halo);
	add(rp, "last", got.last, RALLY_F32, 3, l, 0, last);
	mt_code(rp, rally_file(rp, "restart", RALLY_FILE_SHARED, read_text,
			       got.restart), 0);
}

static void check_box(const void *data, size_t size, const int64_t *from,
		      const int64_t *to, void (*value)(int64_t, int64_t, void *))
{
	const unsigned char *p = data;
	unsigned char want[8];

	for (int64_t i = from[0]; i < to[0]; i++)
		for (int64_t j = from[1]; j < to[1]; j++, p += size) {
			value(i, j, want);
			assert_memory_equal(p, want, size);
		}
}

static void row_value(int64_t i, int64_t j, void *to)
{
	double value = (double)(10 * i + j) + 0.25;

	memcpy(to, &value, sizeof(value));
}

static void column_value(int64_t i, int64_t j, void *to)
{
	int32_t value = (int32_t)(1000 * i + j - 7);

	memcpy(to, &value, sizeof(value));
}

static void check_arrays(int turned)
{
	int64_t from[2] = { turned ? 0 : rows[0], turned ? rows[0] : 0 };
	int64_t to[2] = { turned ? 7 : rows[1], turned ? rows[1] : 5 };

	check_box(got.rows, sizeof(double), from, to, row_value);
	from[0] = turned ? columns[0] : 0;
	from[1] = turned ? 0 : columns[0];
	to[0] = turned ? columns[1] : 4;
	to[1] = turned ? 6 : columns[1];
	check_box(got.columns, sizeof(int32_t), from, to, column_value);
	for (int64_t i = halo[0]; i < halo[1]; i++)
		assert_int_equal(got.halo[i - halo[0]], 60000 + 17 * i);
	for (int64_t i = 4 * last[0]; i < 4 * last[1]; i++)
		assert_true(4 * got.last[i] ==
			    (float)(4 * (i / 4) + 2 * (i / 2 % 2) + i % 2));
	assert_string_equal(got.restart, "3 of them\n");
}

static void add_private(rally_t *rp)
{
	mt_code(rp, rally_add(rp, "own", got.own, RALLY_I64,
			      (size_t)mt_rank + 2), 0);
	mt_code(rp, rally_add(rp, "nothing", NULL, RALLY_U8, 0), 0);
	mt_code(rp, rally_file(rp, "log", RALLY_FILE_PRIVATE, read_text,
			       got.log), 0);
}

static void check_private(void)
{
	char text[32];

	for (int i = 0; i < mt_rank + 2; i++)
		assert_int_equal(got.own[i], 1000 * mt_rank + i - 3);
	snprintf(text, sizeof(text), "rank %d\n", mt_rank);
	assert_string_equal(got.log, text);
}

/* On another number of ranks each takes what all of them had. */
static int64_t adopted[WRITERS][64];
static int calls;

static int adopt(const struct rally_old *of, void **into, void *arg)
{
	int empty = strcmp(of->name, "nothing") == 0;
	size_t count = empty ? 0 : (size_t)of->rank + 2;

	(void)arg;
	if (!empty)
		*into = adopted[of->rank];
	calls++;
	return of->ranks != WRITERS || of->count != count || of->step != STEP ||
	       of->type != (empty ? RALLY_U8 : RALLY_I64);
}

static void check_adopted(void)
{
	assert_int_equal(calls, 2 * WRITERS);
	for (int r = 0; r < WRITERS; r++)
		for (int i = 0; i < r + 2; i++)
			assert_int_equal(adopted[r][i], 1000 * r + i - 3);
}

static void restore(const char *which, int turned, int private)
{
	rally_t *rp = mt_open(put(NULL, which, "0000-step-12"));
	int64_t step = -1;
	int how = -1;

	add_arrays(rp, turned);
	if (private)
		add_private(rp);
	else
		mt_code(rp, rally_adopt(rp, adopt, NULL), 0);
	memset(adopted, 0, sizeof(adopted));
	calls = 0;
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(how, RALLY_RESUMED);
	assert_int_equal(step, STEP);
	check_arrays(turned);
	if (private)
		check_private();
	else if (mt_size != WRITERS)
		check_adopted();
	assert_string_equal(rally_meta_get(rp, "case"), "tube");
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

/* The tests */

static void test_all_of_it(void **state)
{
	(void)state;
	for (size_t i = 0; mt_size == WRITERS && i < OLD; i++)
		restore(old[i], 0, 1);
}

static void test_other_ranks_and_splits(void **state)
{
	(void)state;
	for (size_t i = 0; i < OLD; i++) {
		restore(old[i], 0, 0);
		restore(old[i], 1, 0);
	}
}

/* Private memory and its counts, wherever they stood. */
static void test_find(void **state)
{
	struct rally_info info;
	rally_t *rp;

	(void)state;
	for (size_t i = 0; i < OLD; i++) {
		rp = mt_open(put(NULL, old[i], "0000-step-12"));
		mt_code(rp, rally_find(rp, "columns", &info), 0);
		assert_int_equal(info.type, RALLY_I32);
		assert_int_equal(info.ndim, 2);
		assert_int_equal(info.shape[0], 4);
		assert_int_equal(info.shape[1], 6);
		assert_int_equal(info.step, STEP);
		assert_int_equal(info.ranks, WRITERS);
		if (mt_size == WRITERS) {
			mt_code(rp, rally_find(rp, "own", &info), 0);
			assert_int_equal(info.type, RALLY_I64);
			assert_int_equal(info.shape[0], mt_rank + 2);
		}
		mt_code(rp, rally_close(rp), 0);
	}
}

/* It is not passed over: the run would lose what the newer version saved. */
static void expect_newer(const char *dir)
{
	rally_t *rp = mt_open(dir);
	struct rally_info info;
	int64_t step = -1;
	int how = -1;

	mt_code(rp, rally_find(rp, "rows", &info), RALLY_EVERSION);
	add_arrays(rp, 0);
	mt_code(rp, rally_restore(rp, &step, &how), RALLY_EVERSION);
	assert_non_null(strstr(rally_error(rp), "0001-step-12/manifest.json"));
	assert_non_null(strstr(rally_error(rp), "format 2"));
	for (size_t i = 0; i < sizeof(got); i++)
		assert_int_equal(((unsigned char *)&got)[i], 0);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_true(mt_exists(dir, "0001-step-12/manifest.json"));
}

static void test_newer_format(void **state)
{
	const char *dir = put(NULL, "newer", "0001-step-12");

	(void)state;
	expect_newer(dir);
	expect_newer(put(dir, old[OLD - 1], "0000-step-12"));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_all_of_it),
	cmocka_unit_test(test_other_ranks_and_splits),
	cmocka_unit_test(test_find),
	cmocka_unit_test(test_newer_format),
};

MT_MAIN(tests)
