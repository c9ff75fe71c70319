/* sys/in: what the file holds is what is got, by each way, whatever the pieces and
 * whatever fails, and what the page cache holds is read from there. */
#include "sys/in.h"

#include <fcntl.h>
#include <sys/vfs.h>

#include "base/io_queue.h"
#include "unit.h"

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)
#define LENGTH (37 * MIB + 777)

static unsigned char *bytes;	/* of the file that all tests read */

static int make_bytes(void **state)
{
	uint32_t x = 12345;

	(void)state;
	bytes = malloc(LENGTH);
	for (size_t i = 0; bytes && i < LENGTH; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(x >> 24);
	}
	return bytes ? 0 : -1;
}

static int drop_bytes(void **state)
{
	(void)state;
	free(bytes);
	return 0;
}

/* In the page cache, or as far as the system lets go of it out of it. */
static int make_file(const char *path, int cached)
{
	int fd = open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (size_t at = 0; at < LENGTH;) {
		ssize_t n = pwrite(fd, bytes + at, LENGTH - at, (off_t)at);

		assert_true(n > 0);
		at += (size_t)n;
	}
	if (!cached) {
		assert_int_equal(fsync(fd), 0);
		assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED),
				 0);
	}
	return fd;
}

/* Reads a part by turns into memory that lies as the file does to the processor's
 * lines, into such that lies askew, and where it is. */
static int read_part(struct rp_in *in, size_t from, size_t size, size_t piece,
		     struct rp_err *err)
{
	unsigned char *memory = aligned_alloc(64, (piece + 191) / 64 * 64);
	size_t at = 0;
	int rc = 0;

	assert_non_null(memory);
	for (int turn = 0; rc == 0 && at < size; turn++) {
		size_t n = size - at < piece ? size - at : piece, most = n;
		unsigned char *into = memory + (from + at) % 64;
		const unsigned char *data;

		if (turn % 3 == 1)
			into++;
		if (turn % 3 == 2)
			into = NULL;
		rc = rp_in_next(in, into, most, &data, &n, err);
		if (rc != 0)
			break;
		assert_in_range(n, 1, most);
		assert_memory_equal(data, bytes + from + at, n);
		at += n;
	}
	free(memory);
	return rc;
}

static int takes_direct(void **state)
{
	const char *path = at(state, "probe");
	int fd = open(path, O_CREAT | O_WRONLY | O_DIRECT | O_CLOEXEC, 0600);
	struct rp_io_queue *queue;
	struct statfs fs;
	int ok = fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type != 0x01021994 &&
		 rp_io_queue_open(&queue, NULL, fd, 1) == 0;

	if (ok)
		rp_io_queue_close(queue);
	if (fd >= 0)
		close(fd);
	unlink(path);
	return ok;
}

static void test_parts(void **state)
{
	static const struct {
		size_t from, size;
	} parts[] = { { 0, 0 }, { 0, 1 }, { PAGE, 3 * PAGE }, { 17, 9 * MIB },
		      { PAGE, 32 * MIB }, { LENGTH - 1, 1 }, { LENGTH, 0 },
		      { 4 * MIB - 5, 4 * MIB + 5 }, { 0, LENGTH },
		      { 5000, LENGTH - 5000 } };
	static const size_t pieces[] = { 1000, PAGE, MIB, 5 * MIB + 17 };
	int fd = make_file(at(state, "file"), 0), can = takes_direct(state);
	struct rp_staging staging = { 0 };
	struct rp_err err = { 0 };

	for (size_t i = 0; i < COUNT(parts); i++)
		for (int way = RP_AUTO; way <= RP_YES; way++) {
			size_t piece = pieces[(i + (size_t)way) % COUNT(pieces)];
			const unsigned char *data;
			size_t n;
			struct rp_in *in = rp_in_open(NULL, fd,
						      at(state, "file"),
						      parts[i].from,
						      parts[i].size,
						      (enum rp_auto)way,
						      &staging, &err);

			assert_non_null(in);
			assert_int_equal(read_part(in, parts[i].from,
						   parts[i].size, piece, &err),
					 0);
			if (way != RP_AUTO)
				assert_int_equal(rp_in_direct_bytes(in) > 0,
						 can && way == RP_YES &&
						 parts[i].size > 0);
			/* It was asked for, there is no more. */
			assert_int_equal(rp_in_next(in, NULL, 1, &data, &n,
						    &err), RALLY_EIO);
			rp_err_clear(&err);
			rp_in_close(in);
		}
	rp_staging_free(&staging);
	close(fd);
}

/* What the page cache holds is not asked of the disk, the rest is. */
static void test_cache(void **state)
{
	struct rp_err err = { 0 };
	int fd = make_file(at(state, "file"), 1);
	struct rp_in *in;

	assert_in_range(rp_io_cached(NULL, fd, 0, LENGTH), LENGTH - PAGE, LENGTH);
	in = rp_in_open(NULL, fd, at(state, "file"), 0, LENGTH, RP_AUTO, NULL,
			&err);
	assert_int_equal(read_part(in, 0, LENGTH, MIB, &err), 0);
	assert_int_equal(rp_in_direct_bytes(in), 0);
	rp_in_close(in);
	assert_int_equal(fsync(fd), 0);
	/* the second half */
	assert_int_equal(posix_fadvise(fd, 16 * MIB, 0, POSIX_FADV_DONTNEED), 0);
	if (!takes_direct(state) ||
	    rp_io_cached(NULL, fd, 16 * MIB, LENGTH - 16 * MIB) > 2 * MIB)
		skip();
	in = rp_in_open(NULL, fd, at(state, "file"), 0, LENGTH, RP_AUTO, NULL,
			&err);
	assert_int_equal(read_part(in, 0, LENGTH, MIB, &err), 0);
	assert_in_range(rp_in_direct_bytes(in), LENGTH - 20 * MIB,
			LENGTH - 16 * MIB);
	rp_in_close(in);
	close(fd);
}

/* In memory there is nothing behind the cache. */
static void test_tmpfs(void **state)
{
	struct rp_err err = { 0 };
	struct statfs fs;
	struct rp_in *in;
	char *path = rp_format("/dev/shm/rally-in-%d", (int)getpid());
	int fd;

	(void)state;
	if (statfs("/dev/shm", &fs) != 0 || fs.f_type != 0x01021994)
		skip();
	fd = make_file(path, 1);
	in = rp_in_open(NULL, fd, path, 0, LENGTH, RP_YES, NULL, &err);
	assert_non_null(in);
	assert_int_equal(read_part(in, 0, LENGTH, MIB, &err), 0);
	assert_int_equal(rp_in_direct_bytes(in), 0);
	rp_in_close(in);
	close(fd);
	unlink(path);
	free(path);
}

/* A file that became shorter than it was said to be. */
static void test_too_short(void **state)
{
	static const size_t lengths[] = { 0, 1, PAGE, 20 * MIB + 5, LENGTH - 1 };

	for (size_t i = 0; i < COUNT(lengths); i++)
		for (int way = RP_AUTO; way <= RP_YES; way++) {
			struct rp_err err = { 0 };
			int fd = make_file(at(state, "file"), 0);
			struct rp_in *in;
			int rc;

			assert_int_equal(ftruncate(fd, (off_t)lengths[i]), 0);
			in = rp_in_open(NULL, fd, at(state, "file"), 0, LENGTH,
					(enum rp_auto)way, NULL, &err);
			rc = in ? read_part(in, 0, LENGTH, MIB, &err) : err.code;
			assert_int_equal(rc, RALLY_EIO);
			assert_fails(&err, RALLY_EIO, "the file ends at byte");
			rp_in_close(in);
			close(fd);
		}
}

/* Behind the path there is another file, or none: what was opened is read. */
static void test_other_file(void **state)
{
	struct rp_err err = { 0 };
	int fd = make_file(at(state, "file"), 0);
	struct rp_in *in;

	assert_int_equal(rename(at(state, "file"), at(state, "mine")), 0);
	for (int other = 0; other < 2; other++) {
		if (other)
			close(make_file(at(state, "file"), 0));
		in = rp_in_open(NULL, fd, at(state, "file"), 0, LENGTH, RP_YES,
				NULL, &err);
		assert_non_null(in);
		assert_int_equal(read_part(in, 0, LENGTH, MIB, &err), 0);
		assert_int_equal(rp_in_direct_bytes(in), 0);
		rp_in_close(in);
	}
	close(fd);
}

static int read_with(struct rp_io *io, void **state, int fd, enum rp_auto way,
		     struct rp_err *err)
{
	struct rp_in *in = rp_in_open(io, fd, at(state, "file"), PAGE,
				      LENGTH - PAGE, way, NULL, err);
	int rc = in ? read_part(in, PAGE, LENGTH - PAGE, 3 * MIB, err)
		    : err->code;

	rp_in_close(in);
	return rc;
}

/* Each call fails in each way: EINTR, a short one and a refusal of O_DIRECT are
 * mended, any other is an error that names the file. */
static void test_faults(void **state)
{
	static const struct {
		const char *what;
		int code;
	} ways[] = { { "EIO", RALLY_EIO }, { "EINTR", 0 }, { "short", 0 },
		     { "EINVAL", 0 } };
	int fd = make_file(at(state, "file"), 0), can = takes_direct(state);
	unsigned failed = 0, mended = 0;

	for (int direct = RP_NO; direct <= RP_YES; direct++)
		for (size_t w = 0; w < COUNT(ways); w++)
			for (int n = 1; n < 20; n++) {
				struct rp_err err = { 0 };
				struct rp_io io;
				char spec[64];
				int rc;

				if (w == 3 && (direct == RP_NO || !can))
					continue;
				snprintf(spec, sizeof(spec), "at=%d,do=%s", n,
					 ways[w].what);
				assert_int_equal(rp_io_begin(&io, spec, "", 0,
							     &err), 0);
				rc = read_with(&io, state, fd,
					       (enum rp_auto)direct, &err);
				rp_io_end(&io);
				failed += rc != 0;
				mended += rc == 0;
				if (rc == 0)
					continue;
				assert_int_equal(rc, ways[w].code);
				assert_non_null(strstr(err.text, "/file"));
			}
	close(fd);
	assert_true(failed >= 14 && mended >= 57);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_parts),
		scratch_test(test_cache),
		scratch_test(test_tmpfs),
		scratch_test(test_too_short),
		scratch_test(test_other_file),
		scratch_test(test_faults),
	};

	return cmocka_run_group_tests(tests, make_bytes, drop_bytes);
}
