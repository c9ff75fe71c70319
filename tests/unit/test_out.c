/* sys/out: what is put is what the file holds, by either way, whatever the pieces
 * and whatever fails; and no way is taken that the file system has not. */
#include "sys/out.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/vfs.h>

#include "base/io_queue.h"
#include "unit.h"

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)

static unsigned char *pattern(size_t size)
{
	unsigned char *data = malloc(size + 1);
	uint32_t x = 12345;

	assert_non_null(data);
	for (size_t i = 0; i < size; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (unsigned char)(x >> 24);
	}
	return data;
}

static void same(const char *path, const unsigned char *data, size_t size)
{
	struct rp_err err = { 0 };
	size_t got;
	char *text = rp_read_file(NULL, path, size + 1, &got, &err);

	assert_non_null(text);
	assert_int_equal(got, size);
	assert_memory_equal(text, data, size);
	free(text);
}

/* Writes size bytes in pieces of `piece`, from memory that is not aligned. */
static int put_all(struct rp_io *io, const char *path, size_t size, size_t piece,
		   enum rp_auto direct, struct rp_staging *staging,
		   int *was_direct, struct rp_err *err)
{
	unsigned char *data = pattern(size);
	struct rp_out *out = rp_out_create(io, path, size, NULL, direct, staging,
					   err);
	int rc = out ? 0 : err->code;

	*was_direct = out && rp_out_is_direct(out);
	for (size_t at = 0; rc == 0 && at < size; at += piece)
		rc = rp_out_put(out, data + at,
				size - at < piece ? size - at : piece, err);
	if (rc == 0)
		rc = rp_out_finish(out, err);
	else
		rp_out_abandon(out);
	if (rc == 0)
		same(path, data, size);
	free(data);
	return rc;
}

static int takes_direct(void **state)
{
	const char *path = at(state, "probe");
	int fd = open(path, O_CREAT | O_WRONLY | O_DIRECT | O_CLOEXEC, 0600);
	struct statfs fs;
	int ok = fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type != 0x01021994;
	struct rp_io_queue *queue;

	if (ok && rp_io_queue_open(&queue, NULL, fd, 1) == 0)
		rp_io_queue_close(queue);
	else
		ok = 0;
	if (fd >= 0)
		close(fd);
	unlink(path);
	return ok;
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, PAGE, 3 * PAGE, 4 * MIB,
					4 * MIB + PAGE, 8 * MIB, 33 * MIB + PAGE,
					70 * MIB };
	static const size_t pieces[] = { 1000, PAGE, MIB, 5 * MIB + 17 };
	int direct, can = takes_direct(state);
	struct rp_staging staging = { 0 };
	struct rp_err err = { 0 };

	for (size_t i = 0; i < COUNT(sizes); i++)
		for (int way = RP_AUTO; way <= RP_YES; way++) {
			size_t piece = pieces[(i + (size_t)way) % COUNT(pieces)];

			assert_int_equal(put_all(NULL, at(state, "file"),
						 sizes[i], piece,
						 (enum rp_auto)way, &staging,
						 &direct, &err), 0);
			assert_int_equal(direct, can && way != RP_NO &&
					 sizes[i] > 0 && sizes[i] % PAGE == 0 &&
					 (way == RP_YES || sizes[i] >= 8 * MIB));
			unlink(at(state, "file"));
		}
	rp_staging_free(&staging);
	rp_staging_free(&staging);
}

/* Lent and copied by turns: the file holds both, and only what is aligned is taken. */
static void test_lent(void **state)
{
	const size_t size = 21 * MIB + PAGE;
	unsigned char *data = pattern(size), *page = NULL;
	int direct = takes_direct(state), turn = 0;
	struct rp_err err = { 0 };
	struct rp_out *out = rp_out_create(NULL, at(state, "file"), size, NULL,
					   RP_AUTO, NULL, &err);
	size_t at_byte = 0, taken, lent = 0;

	assert_non_null(out);
	assert_int_equal(posix_memalign((void **)&page, PAGE, size), 0);
	memcpy(page, data, size);
	while (at_byte < size) {
		size_t n = turn++ % 3 ? 100 : 5 * MIB + 100;

		n = n < size - at_byte ? n : size - at_byte;
		assert_int_equal(rp_out_lend(out, page + at_byte, n, &taken,
					     &err), 0);
		assert_int_equal(taken, direct && at_byte % PAGE == 0
						? n / PAGE * PAGE : 0);
		lent += taken;
		n = taken ? 0 : at_byte % PAGE ? PAGE - at_byte % PAGE : n;
		assert_int_equal(rp_out_put(out, page + at_byte + taken, n,
					    &err), 0);
		at_byte += taken + n;
	}
	assert_int_equal(rp_out_finish(out, &err), 0);
	assert_true(!direct || lent > size / 2);
	same(at(state, "file"), data, size);
	unlink(at(state, "file"));
	free(page);
	free(data);
}

/* The memory that a save may take is a bound for both ways. */
static void test_limits(void **state)
{
	static const size_t limits[] = { MIB, 8 * MIB, 64 * MIB };
	struct rp_err err = { 0 };
	int direct;

	for (size_t i = 0; i < 2 * COUNT(limits); i++) {
		struct rp_staging staging = { .limit = limits[i / 2] };

		assert_int_equal(put_all(NULL, at(state, "file"), 41 * MIB,
					 MIB / 10, i % 2 ? RP_YES : RP_NO,
					 &staging, &direct, &err), 0);
		assert_true(staging.size > 0 && staging.size <= limits[i / 2]);
		rp_staging_free(&staging);
		unlink(at(state, "file"));
	}
}

/* In memory there is nothing behind the cache. */
static void test_tmpfs(void **state)
{
	struct rp_err err = { 0 };
	struct statfs fs;
	int direct;
	char *path = rp_format("/dev/shm/rally-out-%d", (int)getpid());

	(void)state;
	if (statfs("/dev/shm", &fs) != 0 || fs.f_type != 0x01021994)
		skip();
	assert_int_equal(put_all(NULL, path, 9 * MIB, MIB, RP_YES, NULL,
				 &direct, &err), 0);
	assert_int_equal(direct, 0);
	unlink(path);
	free(path);
}

/* A file that is left short is not called whole. */
static void test_a_gap(void **state)
{
	static const char byte[2];
	struct rp_err err = { 0 };
	struct rp_out *out = rp_out_create(NULL, at(state, "gap"), 3, NULL,
					   RP_AUTO, NULL, &err);

	assert_non_null(out);
	assert_int_equal(rp_out_put(out, byte, 2, &err), 0);
	assert_int_equal(rp_out_finish(out, &err), RALLY_EIO);
	assert_non_null(strstr(err.text, "2 bytes written, not 3"));
}

/* What can't be shared, since the other file is gone from its server, say, is for
 * put(): no error. */
static void test_clone_fails(void **state)
{
	unsigned char *data = pattern(MIB);
	struct rp_err err = { 0 };
	struct rp_io io;
	struct rp_out *out;
	int from, done = 1;

	put_text(at(state, "from"), "x");
	from = open(at(state, "from"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(rp_io_begin(&io, "at=2,do=EIO", "", 0, &err), 0);
	out = rp_out_create(&io, at(state, "to"), MIB, NULL, RP_NO, NULL, &err);
	assert_non_null(out);
	assert_int_equal(rp_out_clone(out, from, 0, PAGE, &done, &err), 0);
	assert_int_equal(done, 0);
	assert_int_equal(rp_out_put(out, data, MIB, &err), 0);
	assert_int_equal(rp_out_finish(out, &err), 0);
	same(at(state, "to"), data, MIB);
	rp_io_end(&io);
	close(from);
	free(data);
}

/* A save that is given up says nothing of the shard that it would share with: the
 * next one may. */
static void test_clone_cancelled(void **state)
{
	struct rp_err err = { 0 };
	struct rp_io io;
	struct rp_out *out;
	int from, done = 1;

	put_text(at(state, "from"), "x");
	from = open(at(state, "from"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(rp_io_begin(&io, "", "", 0, &err), 0);
	out = rp_out_create(&io, at(state, "to"), MIB, NULL, RP_NO, NULL, &err);
	assert_non_null(out);
	rp_io_cancel(&io, 1);
	assert_int_equal(rp_out_clone(out, from, 0, PAGE, &done, &err),
			 RALLY_EIO);
	assert_int_equal(err.sys, ECANCELED);
	assert_int_equal(done, 0);
	rp_out_abandon(out);
	rp_io_end(&io);
	close(from);
}

static void test_there_already(void **state)
{
	struct rp_err err = { 0 };
	int direct;

	assert_int_equal(put_all(NULL, at(state, "x"), PAGE, PAGE, RP_YES, NULL,
				 &direct, &err), 0);
	assert_int_equal(put_all(NULL, at(state, "x"), PAGE, PAGE, RP_YES, NULL,
				 &direct, &err), RALLY_EIO);
	assert_non_null(strstr(err.text, "/x"));
}

/* Each call of a file's life fails in each way: EINTR and a short one are mended,
 * any other is an error that names the file. */
static void test_faults(void **state)
{
	static const struct {
		const char *what;
		int code;
	} ways[] = { { "EIO", RALLY_EIO }, { "ENOSPC", RALLY_ENOSPC },
		     { "EINTR", 0 }, { "short", 0 } };
	char spec[64];
	uint64_t calls = 0;

	for (size_t w = 0; w < COUNT(ways); w++)
		for (uint64_t n = 1; n <= calls || n == 1; n++) {
			struct rp_err err = { 0 };
			struct rp_io io;
			int direct, rc;

			snprintf(spec, sizeof(spec), "at=%d,do=%s", (int)n,
				 ways[w].what);
			assert_int_equal(rp_io_begin(&io, spec, "", 0, &err), 0);
			rc = put_all(&io, at(state, "f"), 13 * MIB, 3 * MIB,
				     RP_YES, NULL, &direct, &err);
			if (n == 1 && w == 0)
				calls = 8;
			/* closing that fails after the fsync harms nothing */
			if (rc != ways[w].code && !(n == calls && rc == 0))
				fail_msg("%s: %d %s", spec, rc, err.text);
			if (rc != 0)
				assert_non_null(strstr(err.text, "/f"));
			rp_io_end(&io);
			unlink(at(state, "f"));
		}
}

/* The kernel's own refusal of a write that was queued. */
static void test_queue_refused(void **state)
{
	struct rp_io_queue *queue;
	int fd = open(at(state, "ro"), O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
	char byte = 1;
	ssize_t result = 0;

	assert_true(fd >= 0);
	if (rp_io_queue_open(&queue, NULL, fd, 2) != 0)
		skip();
	assert_int_equal(rp_io_queue_write(queue, 1, &byte, 1, 0), 0);
	assert_int_equal(rp_io_queue_wait(queue, &result), 1);
	assert_int_equal(result, -9);	/* EBADF */
	rp_io_queue_close(queue);
	close(fd);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
	const struct CMUnitTest tests[] = {
		TEST(test_sizes),
		TEST(test_lent),
		TEST(test_limits),
		TEST(test_tmpfs),
		TEST(test_a_gap),
		TEST(test_clone_fails),
		TEST(test_clone_cancelled),
		TEST(test_there_already),
		TEST(test_faults),
		TEST(test_queue_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
