/*
 * test_blocks - one random byte in each block of a shard of many, in each page
 * of its header and tail, in each pad, and in each block of a program's file:
 * all are found, and the block is named
 *
 *     test_blocks [SEED]
 */
#include "sys/shard_io.h"

#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

#include "data/shard.h"
#include "unit.h"

#define REGIONS 9
#define BYTES ((5 * RP_HASH_BLOCK) - 4321)	/* of one region */
#define PAGE RP_SHARD_ALIGN

static uint64_t seed, chance;
static unsigned char data[BYTES];

/* A shard, or a program's file, that is damaged. */
struct target {
	const char *path;
	struct rp_shard_sum sum;
	int is_shard;
};

/* Marsaglia's xorshift. */
static uint64_t draw(uint64_t below)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance % below;
}

static int check(const struct target *t, struct rp_err *err)
{
	return t->is_shard ? rp_shard_read(NULL, t->path, NULL, 3, &t->sum, NULL, err)
			   : rp_file_verify(NULL, t->path, t->sum.bytes,
					    &t->sum.hash, NULL, err);
}

static void change(const char *path, uint64_t at, unsigned char by)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= by;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* One byte of `size` from `from` on; the sentence names the file and `part`. */
static void try_one(const struct target *t, uint64_t from, uint64_t size,
		    const char *part)
{
	unsigned char by = (unsigned char)(1 + draw(255));
	uint64_t byte = from + draw(size);
	struct rp_err err = { 0 };

	change(t->path, byte, by);
	check(t, &err);
	if (err.code != RALLY_ECORRUPT)
		print_error("byte %" PRIu64 " ^ %d, seed %" PRIu64 "\n", byte,
			    by, seed);
	assert_fails(&err, RALLY_ECORRUPT, t->path);
	assert_fails(&err, RALLY_ECORRUPT, part);
	change(t->path, byte, by);
}

static void make_shard(void **state, struct target *t, struct rp_shard *shard)
{
	struct rp_regions regions = { 0 };
	char *text, name[RALLY_MAX_NAME + 1];
	size_t size;

	/* Long names make a header of several pages. */
	memset(name, 'n', RALLY_MAX_NAME);
	name[RALLY_MAX_NAME] = '\0';

	for (size_t i = 0; i < BYTES; i++)
		data[i] = (unsigned char)draw(256);
	for (int i = 0; i < REGIONS; i++) {
		struct rp_region r;

		name[0] = (char)('a' + i);
		assert_int_equal(rp_region_private(&r, name, data, RALLY_U8,
						   BYTES, NULL), 0);
		assert_int_equal(rp_regions_put(&regions, &r, NULL), 0);
	}
	t->path = at(state, "shard");
	t->is_shard = 1;
	assert_int_equal(rp_shard_write(NULL, t->path, &regions, 3, 4, 7, NULL, NULL,
					&t->sum, NULL), 0);
	assert_int_equal(rp_shard_plan(shard, &regions, 3, 4, 7, NULL), 0);
	text = rp_shard_encode(shard, &regions, NULL);
	assert_non_null(text);
	size = (size_t)shard->header_bytes + (size_t)shard->data_bytes;
	assert_int_equal(size, t->sum.bytes);
	free(text);
	rp_regions_free(&regions);
}

static int is_pad(const struct rp_shard *shard, const struct rp_tensor *t)
{
	return t->name[0] == '@' && t->end <= shard->hashed_bytes &&
	       t->end > t->begin;
}

static void test_shard(void **state)
{
	struct rp_shard shard;
	struct target t;
	uint64_t blocks = 0, pages = 0, pads = 0;
	char part[40];

	make_shard(state, &t, &shard);
	for (uint64_t at = 0; at < shard.hashed_bytes; at += RP_HASH_BLOCK) {
		uint64_t rest = shard.hashed_bytes - at;

		snprintf(part, sizeof(part), ": block %" PRIu64 " (bytes",
			 blocks++);
		try_one(&t, shard.header_bytes + at,
			rest < RP_HASH_BLOCK ? rest : RP_HASH_BLOCK, part);
	}
	for (size_t i = 0; i < shard.n; i++)
		if (is_pad(&shard, &shard.v[i])) {
			try_one(&t, shard.header_bytes + shard.v[i].begin,
				shard.v[i].end - shard.v[i].begin, ": block ");
			pads++;
		}
	for (uint64_t at = 0; at < t.sum.bytes; at += PAGE) {
		if (at >= shard.header_bytes &&
		    at < shard.header_bytes + shard.hashed_bytes)
			continue;
		try_one(&t, at, PAGE, "");
		pages++;
	}
	assert_int_equal(check(&t, NULL), 0);
	print_message("%d blocks, %d pads, %d pages of header and tail: all "
		      "found\n", (int)blocks, (int)pads, (int)pages);
	assert_in_range(blocks, 41, 1000);
	assert_in_range(pads, REGIONS - 1, 1000);
	rp_shard_free(&shard);
}

static void test_file(void **state)
{
	struct target t = { .path = at(state, "file") };
	const uint64_t tail = 777;
	int fd = open(t.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int blocks = 0;

	for (int i = 0; i < REGIONS; i++)
		assert_int_equal(write(fd, data, BYTES), BYTES);
	assert_int_equal(write(fd, data, tail), tail);
	assert_int_equal(close(fd), 0);
	assert_int_equal(rp_file_seal(NULL, t.path, &t.sum.bytes, &t.sum.hash, NULL),
			 0);
	for (uint64_t at = 0; at < t.sum.bytes; at += RP_HASH_BLOCK) {
		uint64_t rest = t.sum.bytes - at;

		try_one(&t, at, rest < RP_HASH_BLOCK ? rest : RP_HASH_BLOCK,
			"");
		blocks++;
	}
	assert_int_equal(check(&t, NULL), 0);
	print_message("%d blocks of a program's file: all found\n", blocks);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_shard),
		scratch_test(test_file),
	};

	seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
	chance = seed * 0x9e3779b97f4a7c15u + 1;
	print_message("seed %" PRIu64 "\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
