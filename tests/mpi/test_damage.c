/*
 * test_damage.c - each kind of damage to each file of a checkpoint: restore
 *                 names the file and takes an older checkpoint, or fails where
 *                 none is left, and `rallypoint verify` says the same
 *
 * ranks: 1 2 4
 * limit: 400
 */
#include "mpi_damage.h"

#include <sys/stat.h>

/* What stands in the place of a file whose sound copy is `good`. */
struct kind {
	const char *name;
	void (*put)(const char *path, const char *good, long arg);
	long arg;	/* thousandths of the length; from the end where < 0 */
};

static void put_flipped(const char *path, const char *good, long arg)
{
	size_t n;
	unsigned char *bytes = md_read(good, &n);

	bytes[md_part(n, arg)] ^= 0x10;
	md_write(path, bytes, n);
}

static void put_cut(const char *path, const char *good, long arg)
{
	size_t n;
	unsigned char *bytes = md_read(good, &n);

	md_write(path, bytes, md_part(n, arg));
}

static void put_longer(const char *path, const char *good, long arg)
{
	size_t n;
	unsigned char *bytes = md_read(good, &n);

	bytes[n] = (unsigned char)arg;
	md_write(path, bytes, n + 1);
}

static void put_nothing(const char *path, const char *good, long arg)
{
	(void)path;
	(void)good;
	(void)arg;
}

static void put_folder(const char *path, const char *good, long arg)
{
	(void)good;
	(void)arg;
	assert_int_equal(mkdir(path, 0777), 0);
}

static void put_link(const char *path, const char *good, long arg)
{
	(void)arg;
	assert_int_equal(symlink(good, path), 0);
}

static void put_fifo(const char *path, const char *good, long arg)
{
	(void)good;
	(void)arg;
	assert_int_equal(mkfifo(path, 0666), 0);
}

static void put_copy(const char *path, const char *good)
{
	size_t n;
	unsigned char *bytes = md_read(good, &n);

	md_write(path, bytes, n);
}

/* Of a shard: length and header fill the first eighth, the hash table the last,
 * and the data what lies between. */
static const struct kind kinds[] = {
	{ "begin flipped", put_flipped, 0 },
	{ "header flipped", put_flipped, 5 },
	{ "data flipped", put_flipped, 500 },
	{ "hash table flipped", put_flipped, 876 },
	{ "end flipped", put_flipped, -1 },
	{ "emptied", put_cut, 0 },
	{ "cut in the header", put_cut, 5 },
	{ "cut in the data", put_cut, 500 },
	{ "cut by one", put_cut, -1 },
	{ "one longer", put_longer, 0 },
	{ "removed", put_nothing, 0 },
	{ "made a folder", put_folder, 0 },
	{ "made a link", put_link, 0 },
	{ "made a fifo", put_fifo, 0 },
};

static void damage(int back, enum md_file file, int rank,
		   const struct kind *kind)
{
	const char *path = md_path(back, file, rank);

	kind->put(path, md_take(path), kind->arg);
}

static void exchange(int back_a, int rank_a, int back_b, int rank_b,
		     enum md_file file)
{
	char a[MD_PATH], good_a[MD_PATH], b[MD_PATH];

	snprintf(a, sizeof(a), "%s", md_path(back_a, file, rank_a));
	snprintf(good_a, sizeof(good_a), "%s", md_take(a));
	snprintf(b, sizeof(b), "%s", md_path(back_b, file, rank_b));
	put_copy(a, md_take(b));
	put_copy(b, good_a);
}

/* The newest is bad, then all three are. */
static void test_one_kind(const struct kind *kind, enum md_file file, int rank)
{
	md_begin(kind->name, file, rank);
	if (mt_rank == 0)
		damage(0, file, rank, kind);
	md_expect(2, 1, md_name(file, rank));
	for (int back = 1; mt_rank == 0 && back < MD_STEPS; back++)
		damage(back, file, rank, kind);
	md_expect_none(md_name(file, rank));
	md_mend();
}

/* MT_SLICE=n: every n-th kind, and another one of each file. */
static int is_left_out(size_t kind, enum md_file file)
{
	const char *slice = getenv("MT_SLICE");
	int n = slice ? atoi(slice) : 1;

	return n > 1 && ((int)kind + (int)file) % n != 0;
}

static void test_kinds_of(enum md_file file, int rank)
{
	md_make();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!is_left_out(i, file))
			test_one_kind(&kinds[i], file, rank);
	md_expect(MD_STEPS, 0, "");
}

static void test_first_shard(void **state)
{
	(void)state;
	test_kinds_of(MD_SHARD, 0);
}

static void test_last_shard(void **state)
{
	(void)state;
	if (mt_size > 1)
		test_kinds_of(MD_SHARD, mt_size - 1);
}

static void test_manifest(void **state)
{
	(void)state;
	test_kinds_of(MD_MANIFEST, 0);
}

static void test_private_file(void **state)
{
	(void)state;
	test_kinds_of(MD_OWN, mt_size - 1);
}

static void test_shared_file(void **state)
{
	(void)state;
	test_kinds_of(MD_SHARED, 0);
}

/* What is sound in itself, but stands in another checkpoint's place: a copy,
 * then both in each other's. */
static void test_another_step(void **state)
{
	(void)state;
	md_make();
	for (enum md_file file = 0; file < MD_FILES; file++) {
		int rank = md_is_of_ranks(file) ? mt_size - 1 : 0;

		md_begin("copied from another step", file, rank);
		if (mt_rank == 0) {
			const char *path = md_path(0, file, rank);

			md_take(path);
			put_copy(path, md_path(1, file, rank));
		}
		md_expect(2, 1, md_name(file, rank));
		md_mend();
		md_begin("swapped with another step's", file, rank);
		if (mt_rank == 0)
			exchange(0, rank, 1, rank, file);
		md_expect(1, 2, md_name(file, rank));
		md_mend();
	}
}

static void test_another_rank(void **state)
{
	(void)state;
	md_make();
	for (enum md_file file = 0; mt_size > 1 && file < MD_FILES; file++) {
		if (!md_is_of_ranks(file))
			continue;
		md_begin("swapped with the last rank's", file, 0);
		if (mt_rank == 0)
			exchange(0, 0, 0, mt_size - 1, file);
		md_expect(2, 1, md_name(file, 0));
		md_mend();
	}
}

/* A whole checkpoint that is sound in itself, under a name not its own. */
static void test_another_name(void **state)
{
	char dir[MD_PATH];

	(void)state;
	md_make();
	if (mt_rank == 0) {
		const char *path = mt_checkpoint(md_dir, 0);

		snprintf(dir, sizeof(dir), "%s%d", path, 0);
		assert_int_equal(rename(path, dir), 0);
	}
	md_expect(2, 1, "manifest.json");
}

/* The checkpoint's folder is not one any more: it is not looked into. */
static void test_folder(void **state)
{
	static const struct kind folders[] = {
		{ "made a link", put_link, 0 },
		{ "made a fifo", put_fifo, 0 },
		{ "removed", put_nothing, 0 },
	};

	(void)state;
	md_make();
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char path[MD_PATH];

		md_begin(folders[i].name, MD_FILES, 0);
		snprintf(path, sizeof(path), "%s", mt_checkpoint(md_dir, 0));
		mt_barrier();
		if (mt_rank == 0)
			folders[i].put(path, md_take(path), 0);
		md_expect(2, 0, "");
		md_mend();
	}
	if (mt_rank == 0) {
		const char *path = mt_checkpoint(md_dir, 0);

		md_take(path);
		assert_int_equal(mkdir(path, 0777), 0);
	}
	md_expect(2, 1, "manifest.json");
	md_mend();
	md_expect(MD_STEPS, 0, "");
}

/* What has a checkpoint's name, and is none, does not keep the run from saving
 * that step again. */
static void test_taken_name(void **state)
{
	char path[MD_PATH];
	rally_t *rp;

	(void)state;
	md_make();
	snprintf(path, sizeof(path), "%s", mt_checkpoint(md_dir, 0));
	mt_barrier();
	if (mt_rank == 0)
		put_link(path, md_take(path), 0);
	mt_barrier();
	rp = mt_data_restore(md_dir, 0, RALLY_RESUMED, 2);
	mt_data_fill(3);
	mt_code(rp, rally_save(rp, 3), 0);
	mt_data_close(rp);
	mt_data_close(mt_data_restore(md_dir, 0, RALLY_RESUMED, 3));
	md_mend();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_first_shard),
	cmocka_unit_test(test_last_shard),
	cmocka_unit_test(test_manifest),
	cmocka_unit_test(test_private_file),
	cmocka_unit_test(test_shared_file),
	cmocka_unit_test(test_another_step),
	cmocka_unit_test(test_another_rank),
	cmocka_unit_test(test_another_name),
	cmocka_unit_test(test_folder),
	cmocka_unit_test(test_taken_name),
};

MT_MAIN(tests)
