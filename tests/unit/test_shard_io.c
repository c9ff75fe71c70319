/* sys/shard_io: what is written is read back, and every damage is found. */
#include "sys/shard_io.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "data/shard.h"
#include "sys/topo.h"
#include "unit.h"

#define BIG (3 * RP_HASH_BLOCK / 2 + 77)
#define ROWS 5
#define COLUMNS 7

static unsigned char big[BIG], big_back[BIG];
static double array[ROWS * COLUMNS], array_back[ROWS * COLUMNS];

static void put(struct rp_regions *regions, const char *name, void *data,
		enum rally_type type, size_t count)
{
	struct rp_region r;

	assert_int_equal(rp_region_private(&r, name, data, type, count, NULL),
			 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
}

static void fill(struct rp_regions *regions, void *t, void *b)
{
	const int64_t global[] = { 2 * ROWS, COLUMNS }, start[] = { ROWS, 0 };
	const int64_t local[] = { ROWS, COLUMNS };
	struct rp_region r;

	memset(regions, 0, sizeof(*regions));
	assert_int_equal(rp_region_array(&r, "T", t, RALLY_F64, 2, global,
					 start, local, NULL), 0);
	assert_int_equal(rp_regions_put(regions, &r, NULL), 0);
	put(regions, "big", b, RALLY_U8, BIG);
	put(regions, "empty", NULL, RALLY_I32, 0);
}

static void write_shard(void **state, const char *name,
			const struct rp_beside *beside,
			struct rp_shard_sum *sum)
{
	struct rp_shard_how how = { .beside = beside, .direct = RP_YES };
	struct rp_progress progress = { 0 };
	struct rp_regions regions;
	struct rp_err err = { 0 };

	for (size_t i = 0; i < BIG; i++)
		big[i] = (unsigned char)(i * 7 + i / 256);
	for (int i = 0; i < ROWS * COLUMNS; i++)
		array[i] = i * 0.5;
	fill(&regions, array, big);
	assert_int_equal(rp_shard_write(NULL, at(state, name), &regions, 1, 2, 42,
					&how, &progress, sum, &err), 0);
	assert_int_equal(progress.done, progress.total);
	assert_true(progress.total > BIG);
	rp_regions_free(&regions);
}

static int read_shard(void **state, const char *name,
		      const struct rp_shard_sum *sum, struct rp_err *err)
{
	struct rp_regions regions;
	int rc;

	fill(&regions, array_back, big_back);
	memset(array_back, 0, sizeof(array_back));
	memset(big_back, 0, sizeof(big_back));
	rc = rp_shard_read(NULL, at(state, name), &regions, 1, sum, NULL, err);
	rp_regions_free(&regions);
	return rc;
}

static void test_round_trip(void **state)
{
	struct rp_progress progress = { 0 };
	struct rp_err err = { 0 };
	struct rp_shard_sum sum;
	struct stat st;

	write_shard(state, "shard", NULL, &sum);
	assert_int_equal(stat(at(state, "shard"), &st), 0);
	assert_int_equal(st.st_size, sum.bytes);
	assert_int_equal(read_shard(state, "shard", &sum, &err), 0);
	assert_memory_equal(array, array_back, sizeof(array));
	assert_memory_equal(big, big_back, sizeof(big));
	assert_int_equal(rp_shard_read(NULL, at(state, "shard"), NULL, 1, &sum,
				       &progress, &err), 0);
	assert_int_equal(progress.done, progress.total);
}

/* Memory that is lent to the disk makes the same shard as memory that is copied. */
static void test_lent(void **state)
{
	const char *const names[] = { "copied", "lent" };
	const size_t size = 5 * RP_HASH_BLOCK + 4096 + 99;
	struct rp_shard_sum sums[2];
	struct rp_regions regions = { 0 };
	struct rp_err err = { 0 };
	unsigned char *memory = NULL;

	assert_int_equal(posix_memalign((void **)&memory, 4096, size), 0);
	for (size_t i = 0; i < size; i++)
		memory[i] = (unsigned char)(i * 11 + i / 256);
	put(&regions, "aligned", memory, RALLY_U8, size);
	put(&regions, "not", memory + 1, RALLY_U8, size - 1);
	put(&regions, "small", memory, RALLY_U8, 100);
	for (int i = 0; i < 2; i++) {
		struct rp_shard_how how = { .direct = RP_YES, .lend = i };

		assert_int_equal(rp_shard_write(NULL, at(state, names[i]), &regions,
						0, 1, 7, &how, NULL, &sums[i],
						&err), 0);
		assert_int_equal(rp_shard_read(NULL, at(state, names[i]), NULL, 0,
					       &sums[i], NULL, &err), 0);
	}
	assert_memory_equal(&sums[0], &sums[1], sizeof(sums[0]));
	rp_regions_free(&regions);
	free(memory);
}

static void test_never_over_another_file(void **state)
{
	struct rp_regions regions = { 0 };
	struct rp_shard_sum sum;
	struct rp_err err = { 0 };
	char *text;

	put_text(at(state, "shard"), "mine");
	assert_int_equal(rp_shard_write(NULL, at(state, "shard"), &regions, 0, 1, 0,
					NULL, NULL, &sum, &err), RALLY_EIO);
	text = get_text(at(state, "shard"));
	assert_string_equal(text, "mine");
	free(text);
}

/* A helper thread changes no byte. */
static void test_beside(void **state)
{
	struct rp_shard_sum inline_sum, beside_sum;
	struct rp_beside beside = { NULL, -1 };
	struct rp_err err = { 0 };

	write_shard(state, "inline", NULL, &inline_sum);
	write_shard(state, "beside", &beside, &beside_sum);
	assert_memory_equal(&inline_sum.hash, &beside_sum.hash,
			    sizeof(beside_sum.hash));
	assert_memory_equal(&inline_sum.content, &beside_sum.content,
			    sizeof(beside_sum.content));
	assert_int_equal(read_shard(state, "beside", &inline_sum, &err), 0);
}

/* Nor does it look at what is not going to be written any more: the end of memory that
 * takes a second to read is not touched. */
static void test_beside_ends(void **state)
{
	const size_t size = (size_t)8 << 30, page = 4096;
	unsigned char *huge = mmap(NULL, size, PROT_READ, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned char there = 1;
	struct rp_beside beside = { NULL, -1 };
	struct rp_shard_how how = { .beside = &beside, .direct = RP_NO };
	struct rp_regions regions = { 0 };
	struct rp_shard_sum sum;
	struct rp_err err = { 0 };
	struct rp_io io;

	if (huge == MAP_FAILED)
		skip();
	put(&regions, "huge", huge, RALLY_U8, size);
	assert_int_equal(rp_io_begin(&io, "at=2,do=EIO", "", 0, &err), 0);
	assert_int_equal(rp_shard_write(&io, at(state, "huge"), &regions, 0, 1, 1,
					&how, NULL, &sum, &err), RALLY_EIO);
	assert_int_equal(mincore(huge + size - page, page, &there), 0);
	assert_int_equal(there & 1, 0);
	rp_io_end(&io);
	rp_regions_free(&regions);
	munmap(huge, size);
}

/* The same data at another step: another file, the same content. */
static void test_content_does_not_depend_on_the_step(void **state)
{
	struct rp_regions regions;
	struct rp_shard_sum one, two;

	write_shard(state, "one", NULL, &one);
	fill(&regions, array, big);
	assert_int_equal(rp_shard_write(NULL, at(state, "two"), &regions, 1, 2, 43,
					NULL, NULL, &two, NULL), 0);
	assert_memory_equal(&one.content, &two.content, sizeof(one.content));
	assert_memory_not_equal(&one.hash, &two.hash, sizeof(one.hash));
	big[BIG - 1] ^= 1;
	assert_int_equal(rp_shard_write(NULL, at(state, "three"), &regions, 1, 2, 43,
					NULL, NULL, &two, NULL), 0);
	assert_memory_not_equal(&one.content, &two.content,
				sizeof(one.content));
	rp_regions_free(&regions);
}

static void flip(const char *path, int64_t offset)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

static void test_every_part_that_is_flipped(void **state)
{
	const char *path = rp_path(*state, "shard");
	struct rp_shard_sum sum;

	write_shard(state, "shard", NULL, &sum);
	for (uint64_t i = 0; i < sum.bytes; i += i < 8192 ? 1 : 4093) {
		struct rp_err err = { 0 };

		flip(path, (int64_t)i);
		assert_int_equal(rp_shard_read(NULL, path, NULL, 1, &sum, NULL,
					       &err), RALLY_ECORRUPT);
		assert_fails(&err, RALLY_ECORRUPT, path);
		flip(path, (int64_t)i);
	}
	assert_int_equal(read_shard(state, "shard", &sum, NULL), 0);
	free((char *)(uintptr_t)path);
}

static void test_the_block_is_named(void **state)
{
	struct rp_shard_sum sum;
	struct rp_err err = { 0 };

	write_shard(state, "shard", NULL, &sum);
	/* behind the header (4096) and the array with its pad */
	flip(at(state, "shard"), 4096 + 4096 + (int64_t)RP_HASH_BLOCK);
	assert_int_equal(read_shard(state, "shard", &sum, &err),
			 RALLY_ECORRUPT);
	assert_non_null(strstr(err.text, "block 1 "));
	assert_non_null(strstr(err.text, "big@rank-00001"));
}

static void test_lengths(void **state)
{
	static const long cuts[] = { 1, 4096, 100000 };
	struct rp_shard_sum sum;

	for (size_t i = 0; i < COUNT(cuts); i++) {
		struct rp_err err = { 0 };

		unlink(at(state, "shard"));
		write_shard(state, "shard", NULL, &sum);
		assert_int_equal(truncate(at(state, "shard"),
					  (off_t)sum.bytes - cuts[i]), 0);
		read_shard(state, "shard", &sum, &err);
		assert_fails(&err, RALLY_ECORRUPT, "bytes long");
	}
	put_text(at(state, "empty"), "");
	assert_int_equal(read_shard(state, "empty", &sum, NULL),
			 RALLY_ECORRUPT);
	assert_int_equal(read_shard(state, "absent", &sum, NULL), RALLY_EIO);
}

/* Header lengths that lead out of the file, in files of the right length. */
static void test_hostile_lengths(void **state)
{
	static const uint64_t lengths[] = { 0, 1, 93, UINT64_MAX,
					    UINT64_MAX - 7, 1ull << 63,
					    RP_SHARD_HEADER_MAX + 1ull };
	struct rp_shard_sum sum = { .bytes = 100 };
	char bytes[100];

	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct rp_err err = { 0 };

		memset(bytes, ' ', sizeof(bytes));
		memcpy(bytes, &lengths[i], 8);
		unlink(at(state, "shard"));
		assert_int_equal(rp_write_file(NULL, at(state, "shard"), bytes, 100,
					       NULL), 0);
		assert_int_equal(read_shard(state, "shard", &sum, &err),
				 RALLY_ECORRUPT);
	}
	sum.bytes = 7;
	unlink(at(state, "shard"));
	assert_int_equal(rp_write_file(NULL, at(state, "shard"), bytes, 7, NULL), 0);
	assert_int_equal(read_shard(state, "shard", &sum, NULL),
			 RALLY_ECORRUPT);
}

static void test_another_ranks_shard(void **state)
{
	struct rp_shard_sum sum;
	struct rp_err err = { 0 };

	write_shard(state, "shard", NULL, &sum);
	assert_int_equal(rp_shard_read(NULL, at(state, "shard"), NULL, 0, &sum, NULL,
				       &err), RALLY_ECORRUPT);
	assert_non_null(strstr(err.text, "rank 1"));
}

static void expect_layout(void **state, const struct rp_shard_sum *sum,
			  const char *name, enum rally_type type, size_t count,
			  const char *part)
{
	struct rp_regions regions = { 0 };
	struct rp_err err = { 0 };

	put(&regions, name, big_back, type, count);
	memset(big_back, 0, sizeof(big_back));
	rp_shard_read(NULL, at(state, "shard"), &regions, 1, sum, NULL, &err);
	assert_fails(&err, RALLY_ELAYOUT, part);
	for (size_t i = 0; i < BIG; i++)
		assert_int_equal(big_back[i], 0);
	rp_regions_free(&regions);
}

static void test_layout(void **state)
{
	struct rp_regions regions = { 0 };
	struct rp_shard_sum sum;

	write_shard(state, "shard", NULL, &sum);
	expect_layout(state, &sum, "big", RALLY_U8, BIG - 1, "stored as U8");
	expect_layout(state, &sum, "big", RALLY_I8, BIG, "registered as I8");
	expect_layout(state, &sum, "other", RALLY_U8, 1, "other");
	expect_layout(state, &sum, "T", RALLY_F64, ROWS * COLUMNS, "'T'");
	/* what is stored and not asked for is left out */
	memset(big_back, 0, sizeof(big_back));
	put(&regions, "big", big_back, RALLY_U8, BIG);
	assert_int_equal(rp_shard_read(NULL, at(state, "shard"), &regions, 1, &sum,
				       NULL, NULL), 0);
	assert_memory_equal(big, big_back, BIG);
	rp_regions_free(&regions);
}

static void test_files_of_the_program(void **state)
{
	const char *path = rp_path(*state, "file");
	unsigned char block[5000] = { 1 };
	struct rp_hash hash, again;
	uint64_t bytes;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	for (int i = 0; i < 700; i++)
		assert_int_equal(write(fd, block, sizeof(block)), 5000);
	close(fd);
	assert_int_equal(rp_file_seal(NULL, path, &bytes, &hash, NULL), 0);
	assert_int_equal(bytes, 700 * 5000);
	assert_int_equal(rp_file_verify(NULL, path, bytes, &hash, NULL, NULL), 0);
	for (int64_t i = 0; i < 700 * 5000; i += 999983) {
		flip(path, i);
		assert_int_equal(rp_file_verify(NULL, path, bytes, &hash, NULL,
						NULL), RALLY_ECORRUPT);
		flip(path, i);
	}
	assert_int_equal(rp_file_verify(NULL, path, bytes + 1, &hash, NULL, NULL),
			 RALLY_ECORRUPT);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(rp_file_seal(NULL, path, &bytes, &again, NULL), 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(rp_file_verify(NULL, path, 0, &again, NULL, NULL), 0);
	assert_int_equal(rp_file_verify(NULL, path, 0, &hash, NULL, NULL),
			 RALLY_ECORRUPT);
	assert_int_equal(rp_file_seal(NULL, *state, &bytes, &again, NULL),
			 RALLY_EIO);
	free((char *)(uintptr_t)path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_round_trip),
		scratch_test(test_lent),
		scratch_test(test_never_over_another_file),
		scratch_test(test_beside),
		scratch_test(test_beside_ends),
		scratch_test(test_content_does_not_depend_on_the_step),
		scratch_test(test_every_part_that_is_flipped),
		scratch_test(test_the_block_is_named),
		scratch_test(test_lengths),
		scratch_test(test_hostile_lengths),
		scratch_test(test_another_ranks_shard),
		scratch_test(test_layout),
		scratch_test(test_files_of_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
