/* sys/pool: only a file that is this user's alone is written over, everything else
 * stays as it is; and whatever fails, there is a file to write to or an error. */
#include "sys/pool.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "sys/folder.h"
#include "unit.h"

#define SHARD "rank-00000-of-00002.safetensors"
#define OTHER "rank-00001-of-00002.safetensors"
#define OLD "what the old checkpoint holds"

/* Keeps its inode from being another's, without having it open. */
static int hold(const char *path)
{
	return open(path, O_PATH | O_NOFOLLOW);
}

static uint64_t inode(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static void holds(const char *path, const char *text)
{
	char *found = get_text(path);

	assert_string_equal(found, text);
	free(found);
}

static void make_dir(void **state, const char *name)
{
	assert_int_equal(mkdir(at(state, name), 0700), 0);
}

/* A checkpoint, or what was one. */
static void make(void **state, const char *name)
{
	char path[200];

	make_dir(state, name);
	snprintf(path, sizeof(path), "%s/" SHARD, name);
	put_text(at(state, path), OLD);
	snprintf(path, sizeof(path), "%s/" OTHER, name);
	put_text(at(state, path), OLD);
	snprintf(path, sizeof(path), "%s/manifest.json", name);
	put_text(at(state, path), "{}");
	snprintf(path, sizeof(path), "%s/files", name);
	make_dir(state, path);
	snprintf(path, sizeof(path), "%s/files/a.txt", name);
	put_text(at(state, path), "a");
}

static int make_pool(void **state, struct rp_io *io, struct rp_pool *pool,
		     struct rp_err *err)
{
	return rp_pool_make(io, pool, strdup(at(state, ".pool-0001")),
			    at(state, "0002-step-2"), err);
}

/* Shards stay, and only those that the next save writes in the same way. */
static void test_make(void **state)
{
	struct rp_pool pool = { NULL, 0 };

	make(state, ".pool-0001");
	make(state, "0002-step-2");
	put_text(at(state, ".pool-0001/rank-00002-of-00003.safetensors"), OLD);
	put_text(at(state, ".pool-0001/notes"), "of somebody's");
	put_text(at(state, "0002-step-2/notes"), "of somebody's");
	assert_int_equal(make_pool(state, NULL, &pool, NULL), 0);
	assert_string_equal(pool.path, at(state, ".pool-0001"));
	assert_true(exists(at(state, ".pool-0001/" SHARD)));
	assert_true(exists(at(state, ".pool-0001/" OTHER)));
	assert_in_range(pool.bytes, 0, 1 << 20);
	assert_false(exists(at(state, ".pool-0001/manifest.json")));
	assert_false(exists(at(state, ".pool-0001/files")));
	assert_false(exists(at(state, ".pool-0001/notes")));
	assert_false(exists(at(state, ".pool-0001/"
				      "rank-00002-of-00003.safetensors")));
	assert_true(exists(at(state, "0002-step-2/files/a.txt")));
	assert_int_equal(rp_pool_drop(NULL, &pool, NULL), 0);
	assert_null(pool.path);
	assert_false(exists(at(state, ".pool-0001")));
	assert_int_equal(rp_pool_drop(NULL, &pool, NULL), 0);
}

/* Another mode, a second name or a link: they go, the other name stays. */
static void test_strangers(void **state)
{
	struct rp_pool pool = { NULL, 0 };

	make(state, ".pool-0001");
	make(state, "0002-step-2");
	assert_int_equal(chmod(at(state, ".pool-0001/" SHARD), 0400), 0);
	assert_int_equal(link(at(state, ".pool-0001/" OTHER), at(state, "kept")),
			 0);
	assert_int_equal(make_pool(state, NULL, &pool, NULL), 0);
	assert_null(pool.path);
	assert_false(exists(at(state, ".pool-0001")));
	make(state, ".pool-0001");
	assert_int_equal(unlink(at(state, ".pool-0001/" SHARD)), 0);
	assert_int_equal(symlink(at(state, "kept"),
				 at(state, ".pool-0001/" SHARD)), 0);
	assert_int_equal(make_pool(state, NULL, &pool, NULL), 0);
	assert_false(exists(at(state, ".pool-0001/" SHARD)));
	assert_true(exists(at(state, ".pool-0001/" OTHER)));
	rp_pool_forget(&pool);
	holds(at(state, "kept"), OLD);
}

/* Each call fails: there is a pool with a shard, or no pool and an error, or what
 * could not go is hidden still. */
static void test_make_fails(void **state)
{
	struct rp_io io;
	char spec[40];
	int errors = 0;

	for (int n = 1; n < 40; n++) {
		struct rp_pool pool = { NULL, 0 };
		struct rp_err err = { 0 };
		int rc;

		make(state, ".pool-0001");
		make(state, "0002-step-2");
		snprintf(spec, sizeof(spec), "at=%d,do=EIO", n);
		assert_int_equal(rp_io_begin(&io, spec, "", 0, NULL), 0);
		rc = make_pool(state, &io, &pool, &err);
		assert_int_equal(rc, err.code);
		assert_true(!rc || !pool.path);
		assert_true(rc || (pool.path &&
				   (exists(at(state, ".pool-0001/" SHARD)) ||
				    exists(at(state, ".pool-0001/" OTHER)))));
		assert_false(pool.path &&
			     exists(at(state, ".pool-0001/manifest.json")));
		errors += rc != 0;
		rp_pool_forget(&pool);
		assert_int_equal(rp_folder_sweep(NULL, *state, NULL, NULL), 0);
		assert_int_equal(rp_remove_tree(NULL, at(state, "0002-step-2"),
						NULL), 0);
	}
	assert_in_range(errors, 5, 30);
}

static int can_lease(void **state)
{
	int fd = open(at(state, "lease"), O_CREAT | O_WRONLY, 0600);
	int rc = rp_io_lease(NULL, fd);

	close(fd);
	return rc == 0;
}

/* Opens it in the place of `old`, closes it, and tells whether it is the old one.
 * Nothing is left under the old name, unless nothing could be had at all. */
static int takes(void **state, const char *old, int sure, uint64_t size,
		 int *allocated)
{
	uint64_t was = inode(at(state, old));
	int held = hold(at(state, old)), fd, is;

	fd = rp_pool_open(NULL, at(state, old), sure, at(state, "new"), size,
			  allocated, NULL);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	assert_false(exists(at(state, old)));
	is = inode(at(state, "new")) == was;
	assert_true(is || !*allocated);
	if (held >= 0)
		close(held);
	return is;
}

static void forget(void **state)
{
	assert_int_equal(unlink(at(state, "new")), 0);
}

static off_t length(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_size;
}

static void test_take(void **state)
{
	char *page = calloc(1, 8192);
	int allocated;
	FILE *file;

	if (!can_lease(state))
		skip();
	assert_int_equal(takes(state, "absent", 1, 10, &allocated), 0);
	assert_int_equal(length(at(state, "new")), 0);
	forget(state);
	/* it grows by being written */
	put_text(at(state, "old"), OLD);
	assert_int_equal(takes(state, "old", 1, 4096, &allocated), 1);
	assert_int_equal(allocated, 0);
	forget(state);
	/* it is cut at once */
	put_text(at(state, "old"), OLD);
	assert_int_equal(takes(state, "old", 1, 4, &allocated), 1);
	assert_int_equal(length(at(state, "new")), 4);
	forget(state);
	file = fopen(at(state, "old"), "w");
	assert_non_null(file);
	assert_int_equal(fwrite(page, 1, 8192, file), 8192);
	fflush(file);
	fsync(fileno(file));
	fclose(file);
	assert_int_equal(takes(state, "old", 1, 8192, &allocated), 1);
	assert_int_equal(allocated, 1);
	assert_int_equal(length(at(state, "new")), 8192);
	forget(state);
	/* of its length, but with nothing behind it */
	put_text(at(state, "old"), "");
	assert_int_equal(truncate(at(state, "old"), 8192), 0);
	assert_int_equal(takes(state, "old", 1, 8192, &allocated), 1);
	assert_int_equal(allocated, 0);
	free(page);
}

/* What others still see keeps its bytes, however it is seen. */
static void test_in_use(void **state)
{
	struct rp_err err = { 0 };
	char seen[sizeof(OLD)] = "";
	int allocated, fd;
	char *map;

	if (!can_lease(state))
		skip();
	put_text(at(state, "old"), OLD);
	fd = open(at(state, "old"), O_RDONLY);
	assert_int_equal(takes(state, "old", 1, 4, &allocated), 0);
	put_text(at(state, "new"), "the new bytes");
	assert_int_equal(pread(fd, seen, sizeof(seen), 0), strlen(OLD));
	assert_string_equal(seen, OLD);
	close(fd);
	forget(state);

	put_text(at(state, "old"), OLD);
	fd = open(at(state, "old"), O_RDONLY);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	assert_ptr_not_equal(map, MAP_FAILED);
	/* "not sure" is no licence where the kernel does say so */
	assert_int_equal(takes(state, "old", 0, 4, &allocated), 0);
	put_text(at(state, "new"), "the new bytes");
	assert_string_equal(map, OLD);
	munmap(map, 4096);
	forget(state);

	put_text(at(state, "old"), OLD);
	assert_int_equal(link(at(state, "old"), at(state, "copy")), 0);
	assert_int_equal(takes(state, "old", 1, 4, &allocated), 0);
	put_text(at(state, "new"), "the new bytes");
	holds(at(state, "copy"), OLD);
	forget(state);

	assert_int_equal(symlink(at(state, "copy"), at(state, "old")), 0);
	assert_int_equal(takes(state, "old", 1, 4, &allocated), 0);
	put_text(at(state, "new"), "the new bytes");
	holds(at(state, "copy"), OLD);
	forget(state);

	assert_int_equal(mkfifo(at(state, "old"), 0600), 0);
	assert_int_equal(takes(state, "old", 0, 4, &allocated), 0);
	forget(state);

	/* a folder can't be removed as a file is: an error, and no old name */
	make_dir(state, "old");
	assert_int_equal(rp_pool_open(NULL, at(state, "old"), 1,
				      at(state, "new"), 4, &allocated, &err),
			 -1);
	assert_fails(&err, RALLY_EIO, "/new");
}

/* Each call fails in each way: a file to write to, of the right length, or an error
 * that names it. A new one where the old one can't be had. */
static void test_take_fails(void **state)
{
	static const char *const ways[] = { "EIO", "EINTR", "EACCES", "lost",
					    "ENOSPC" };
	int errors = 0, news = 0, olds = 0;

	if (!can_lease(state))
		skip();
	for (size_t w = 0; w < COUNT(ways); w++)
		for (int n = 1; n < 9; n++) {
			struct rp_err err = { 0 };
			struct rp_io io;
			char spec[40];
			int fd, allocated, held;
			uint64_t was;

			put_text(at(state, "old"), OLD);
			held = hold(at(state, "old"));
			was = inode(at(state, "old"));
			snprintf(spec, sizeof(spec), "at=%d,do=%s", n, ways[w]);
			assert_int_equal(rp_io_begin(&io, spec, "", 0, NULL), 0);
			fd = rp_pool_open(&io, at(state, "old"), 1,
					  at(state, "new"), 4, &allocated, &err);
			errors += fd < 0;
			if (fd < 0) {
				assert_non_null(strstr(err.text, "/new"));
			} else if (inode(at(state, "new")) == was) {
				assert_int_equal(length(at(state, "new")), 4);
				olds++;
			} else {
				assert_int_equal(length(at(state, "new")), 0);
				news++;
			}
			if (!strcmp(ways[w], "EINTR") || !strcmp(ways[w], "lost"))
				assert_int_equal(inode(at(state, "new")), was);
			if (fd >= 0)
				close(fd);
			close(held);
			unlink(at(state, "new"));
			unlink(at(state, "old"));
		}
	assert_int_equal(errors, 0);
	assert_in_range(news, 12, 20);
	assert_in_range(olds, 20, 30);
}

/* The newest that goes is the pool, the others are removed as ever. */
static void test_prune(void **state)
{
	struct rp_doubt bad = { 3, 1 };
	struct rp_retention retention = { 1, 0, 0, &bad, 1 };
	struct rp_pool pool = { NULL, 0 };
	struct rp_folder folder;
	size_t pruned;
	uint64_t was;

	make(state, "0001-step-1");
	make(state, "0002-step-2");
	make(state, "0003-step-3");
	make(state, "0004-step-4");
	was = inode(at(state, "0002-step-2/" SHARD));
	assert_int_equal(rp_folder_prune(NULL, *state, &retention, &pool,
					 &pruned, NULL), 0);
	assert_int_equal(pruned, 3);
	/* not the damaged one: its disk may be, too */
	assert_string_equal(pool.path, at(state, ".pool-0002"));
	assert_int_equal(inode(at(state, ".pool-0002/" SHARD)), was);
	assert_int_equal(rp_folder_list(NULL, &folder, *state, NULL), 0);
	assert_int_equal(folder.n, 1);
	assert_int_equal(folder.pools, 1);
	assert_int_equal(folder.partials, 0);
	assert_int_equal(folder.last, 4);
	rp_folder_free(&folder);
	/* one is enough */
	make(state, "0005-step-5");
	assert_int_equal(rp_folder_prune(NULL, *state, &retention, &pool,
					 &pruned, NULL), 0);
	assert_int_equal(pruned, 1);
	assert_string_equal(pool.path, at(state, ".pool-0002"));
	assert_false(exists(at(state, ".pool-0004")));
	rp_pool_forget(&pool);
}

/* Without the fsync of the folder its name is not durable: no pool. */
static void test_prune_unsure(void **state)
{
	struct rp_retention retention = { 1, 0, 0, NULL, 0 };
	struct rp_pool pool = { NULL, 0 };
	struct rp_io io;
	char spec[40], *text, *line;
	size_t pruned;

	make(state, "0001-step-1");
	make(state, "0002-step-2");
	assert_int_equal(rp_io_begin(&io, "", at(state, "log"), 0, NULL), 0);
	assert_int_equal(rp_folder_prune(&io, *state, &retention, &pool,
					 &pruned, NULL), 0);
	rp_io_end(&io);
	assert_non_null(pool.path);
	assert_int_equal(rp_pool_drop(NULL, &pool, NULL), 0);
	text = get_text(at(state, "log"));
	line = strtok(text, "\n");
	while (line && !strstr(line, "\tfsync\t"))
		line = strtok(NULL, "\n");
	assert_non_null(line);
	snprintf(spec, sizeof(spec), "at=%d,do=EIO", atoi(strchr(line, '\t')));
	free(text);
	make(state, "0001-step-1");
	assert_int_equal(rp_io_begin(&io, spec, "", 0, NULL), 0);
	assert_int_equal(rp_folder_prune(&io, *state, &retention, &pool,
					 &pruned, NULL), RALLY_EIO);
	assert_null(pool.path);
	assert_true(exists(at(state, ".pool-0001/manifest.json")));
}

/* A link by a pool's name goes; the folder that it leads to stays as it is, also
 * where that is a checkpoint. */
static void test_link(void **state)
{
	static const char *const targets[] = { "mine", "0002-step-2" };
	char path[200];

	make(state, "mine");
	make(state, "0002-step-2");
	for (size_t i = 0; i < COUNT(targets); i++) {
		struct rp_pool pool = { NULL, 0 };

		assert_int_equal(symlink(targets[i], at(state, ".pool-0001")), 0);
		assert_int_equal(rp_folder_sweep(NULL, *state, &pool, NULL), 0);
		assert_null(pool.path);
		assert_false(exists(at(state, ".pool-0001")));
		snprintf(path, sizeof(path), "%s/manifest.json", targets[i]);
		assert_true(exists(at(state, path)));
		snprintf(path, sizeof(path), "%s/" SHARD, targets[i]);
		holds(at(state, path), OLD);
	}
}

/* What a run before has left is taken over, one of it. */
static void test_sweep(void **state)
{
	struct rp_pool pool = { NULL, 0 };

	make(state, ".pool-0001");
	make(state, ".pool-0002");
	make(state, ".trash-0003");
	make(state, "0004-step-4");
	assert_int_equal(rp_folder_sweep(NULL, *state, &pool, NULL), 0);
	assert_non_null(pool.path);
	assert_int_equal(exists(at(state, ".pool-0001")) +
			 exists(at(state, ".pool-0002")), 1);
	assert_true(exists(pool.path));
	assert_false(exists(at(state, ".trash-0003")));
	rp_pool_forget(&pool);
	/* without a checkpoint there is nothing to go by */
	assert_int_equal(rp_remove_tree(NULL, at(state, "0004-step-4"), NULL),
			 0);
	assert_int_equal(rp_folder_sweep(NULL, *state, &pool, NULL), 0);
	assert_null(pool.path);
	make(state, ".pool-0005");
	assert_int_equal(rp_folder_sweep(NULL, *state, NULL, NULL), 0);
	assert_false(exists(at(state, ".pool-0001")));
	assert_false(exists(at(state, ".pool-0002")));
	assert_false(exists(at(state, ".pool-0005")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_make),
		scratch_test(test_strangers),
		scratch_test(test_make_fails),
		scratch_test(test_take),
		scratch_test(test_in_use),
		scratch_test(test_take_fails),
		scratch_test(test_prune),
		scratch_test(test_prune_unsure),
		scratch_test(test_link),
		scratch_test(test_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
