/* base/file and base/err: what is started is finished, or said. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "unit.h"

static void test_the_first_error_is_kept(void **state)
{
	struct rp_err err = { 0 };

	(void)state;
	errno = EDQUOT;
	assert_int_equal(rp_fail_errno(&err, "write", "a"), RALLY_ENOSPC);
	assert_int_equal(errno, EDQUOT);
	assert_int_equal(err.sys, EDQUOT);
	errno = ENOMEM;
	assert_int_equal(rp_fail_errno(&err, "close", "b"), RALLY_ENOSPC);
	assert_int_equal(rp_fail(&err, RALLY_EARG, "c"), RALLY_ENOSPC);
	assert_int_equal(err.sys, EDQUOT);
	assert_non_null(strstr(err.text, "write a: "));
	assert_int_equal(rp_fail_errno(NULL, "close", "b"), RALLY_ENOMEM);
	assert_int_equal(rp_fail(NULL, RALLY_EARG, "c"), RALLY_EARG);
	rp_err_clear(&err);
	assert_int_equal(rp_fail(&err, RALLY_EARG, "%0600d", 1), RALLY_EARG);
	assert_int_equal(strlen(err.text), RP_ERR_TEXT - 1);
}

static void test_every_code_has_a_sentence(void **state)
{
	(void)state;
	for (int code = RALLY_EARG; code <= RALLY_EDEVICE; code++) {
		assert_string_not_equal(rp_err_string(code), "unknown error");
		for (int other = RALLY_EARG; other < code; other++)
			assert_string_not_equal(rp_err_string(code),
						rp_err_string(other));
	}
	assert_string_equal(rp_err_string(1), "unknown error");
	assert_string_equal(rp_err_string(RALLY_EDEVICE + 1),
			    "unknown error");
}

static void test_write_and_read(void **state)
{
	const char *path = at(state, "file");
	struct rp_err err = { 0 };
	char back[8] = "";
	int64_t size = 0;
	int fd = rp_create(NULL, path, &err);

	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(rp_write_all(NULL, fd, "world", 5, 6, path, &err), 0);
	assert_int_equal(rp_write_all(NULL, fd, "hello ", 6, 0, path, &err), 0);
	assert_int_equal(rp_sync_close(NULL, fd, path, &err), 0);
	fd = rp_open_read(NULL, path, &size, &err);
	assert_int_equal(size, 11);
	assert_int_equal(rp_read_all(NULL, fd, back, 5, 6, path, &err), 0);
	assert_string_equal(back, "world");
	assert_int_equal(rp_read_all(NULL, fd, back, 0, 11, path, &err), 0);
	assert_int_equal(rp_read_all(NULL, fd, back, 6, 6, path, &err), RALLY_EIO);
	assert_fails(&err, RALLY_EIO, "ends at byte 11");
	close(fd);
}

static void test_no_space(void **state)
{
	struct rp_err err = { 0 };
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	if (fd < 0)
		skip();
	rp_write_all(NULL, fd, "x", 1, 0, "/dev/full", &err);
	assert_fails(&err, RALLY_ENOSPC, "write /dev/full");
	close(fd);
}

static void test_create_never_overwrites(void **state)
{
	struct rp_err err = { 0 };

	put_text(at(state, "file"), "old");
	assert_int_equal(symlink("nowhere", at(state, "link")), 0);
	assert_int_equal(rp_create(NULL, at(state, "file"), &err), -1);
	assert_int_equal(err.sys, EEXIST);
	rp_err_clear(&err);
	assert_int_equal(rp_create(NULL, at(state, "link"), &err), -1);
	assert_false(exists(at(state, "nowhere")));
}

/* Over NFS a folder that another node made shows late. */
static void test_create_waits_for_a_folder(void **state)
{
	const char *dir = at(state, "late"), *path = at(state, "late/file");
	struct rp_err err = { 0 };
	pid_t child = fork();
	int64_t began;
	int fd;

	if (child == 0) {
		rp_sleep_ms(200);
		_exit(mkdir(dir, 0700));
	}
	fd = rp_create(NULL, path, &err);
	assert_true(fd >= 0);
	close(fd);
	waitpid(child, NULL, 0);
	began = rp_now();
	assert_int_equal(rp_create(NULL, at(state, "never/file"), &err), -1);
	assert_in_range(rp_now() - began, 1500000000, 10000000000);
	assert_int_equal(err.sys, ENOENT);
}

static void test_only_regular_files_are_read(void **state)
{
	const char *const names[] = { "fifo", "dir", "link", "absent" };
	int64_t size;

	put_text(at(state, "file"), "x");
	assert_int_equal(mkfifo(at(state, "fifo"), 0600), 0);
	assert_int_equal(mkdir(at(state, "dir"), 0700), 0);
	assert_int_equal(symlink("file", at(state, "link")), 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct rp_err err = { 0 };

		assert_int_equal(rp_open_read(NULL, at(state, names[i]), &size,
					      &err), -1);
		assert_fails(&err, RALLY_EIO, names[i]);
	}
}

/* A folder that is there is as good as a new one, what leads to one is not. */
static void test_mkdir(void **state)
{
	struct rp_err err = { 0 };

	assert_int_equal(rp_mkdir(NULL, at(state, "new"), &err), 0);
	assert_int_equal(rp_mkdir(NULL, at(state, "new"), &err), 0);
	assert_int_equal(rp_await_dir(NULL, at(state, "new"), &err), 0);
	assert_int_equal(symlink("new", at(state, "link")), 0);
	assert_int_equal(rp_mkdir(NULL, at(state, "link"), &err), RALLY_EIO);
	assert_fails(&err, RALLY_EIO, "it is not a folder");
	rp_err_clear(&err);
	assert_int_equal(rp_await_dir(NULL, at(state, "link"), &err),
			 RALLY_EIO);
	rp_err_clear(&err);
	put_text(at(state, "file"), "x");
	assert_int_equal(rp_mkdir(NULL, at(state, "file"), &err), RALLY_EIO);
}

static void test_read_file(void **state)
{
	struct rp_err err = { 0 };
	size_t size = 9;
	char *text;

	put_text(at(state, "empty"), "");
	put_text(at(state, "four"), "four");
	text = rp_read_file(NULL, at(state, "empty"), 0, &size, &err);
	assert_string_equal(text, "");
	assert_int_equal(size, 0);
	free(text);
	text = rp_read_file(NULL, at(state, "four"), 4, &size, &err);
	assert_string_equal(text, "four");
	assert_int_equal(size, 4);
	free(text);
	assert_null(rp_read_file(NULL, at(state, "four"), 3, &size, &err));
	assert_fails(&err, RALLY_EIO, "too many");
}

static void test_replace(void **state)
{
	struct rp_err err = { 0 };
	char *text;

	put_text(at(state, "file.new"), "left by a crash, and longer");
	assert_int_equal(rp_replace_file(NULL, *state, "file", "one", 3, &err), 0);
	assert_int_equal(rp_replace_file(NULL, *state, "file", "two", 3, &err), 0);
	text = get_text(at(state, "file"));
	assert_string_equal(text, "two");
	free(text);
	assert_false(exists(at(state, "file.new")));
	assert_int_equal(mkdir(at(state, "dir"), 0700), 0);
	assert_int_equal(rp_replace_file(NULL, *state, "dir", "x", 1, &err),
			 RALLY_EIO);
	assert_false(exists(at(state, "dir.new")));
}

/* Done, and reported as failed in one way or the other; and not done. */
static void test_publish_in_doubt(void **state)
{
	static const int codes[] = { ENOENT, EIO, ETIMEDOUT, EINTR };
	struct rp_err err = { 0 };

	for (size_t i = 0; i < COUNT(codes); i++) {
		struct rp_io io = { .fault = { .rank = -1, .at = 1,
					       .kind = RP_FAULT_LOST,
					       .sys = codes[i] } };

		put_text(at(state, "part"), "x");
		assert_int_equal(rp_publish(&io, at(state, "part"),
					    at(state, "final"), &err), 0);
		assert_int_equal(unlink(at(state, "final")), 0);
	}
	for (size_t i = 0; i < COUNT(codes); i++) {
		struct rp_io io = { .fault = { .rank = -1, .at = 1,
					       .kind = RP_FAULT_FAIL,
					       .sys = codes[i] } };
		int again = codes[i] == EINTR;

		put_text(at(state, "part"), "x");
		rp_err_clear(&err);
		assert_int_equal(rp_publish(&io, at(state, "part"),
					    at(state, "final"), &err),
				 again ? 0 : RALLY_EIO);
		assert_int_equal(exists(at(state, "part")), !again);
		assert_true(again || err.sys == codes[i]);
	}
}

static void test_publish(void **state)
{
	struct rp_err err = { 0 };

	assert_int_equal(mkdir(at(state, "part"), 0700), 0);
	put_text(at(state, "part/file"), "x");
	assert_int_equal(rp_publish(NULL, at(state, "part"), at(state, "final"),
				    &err), 0);
	assert_true(exists(at(state, "final/file")));
	/* A retransmission of a rename that took. */
	assert_int_equal(rp_publish(NULL, at(state, "part"), at(state, "final"),
				    &err), 0);
	/* Neither is there: that is no success. */
	assert_int_equal(rp_publish(NULL, at(state, "part"), at(state, "other"),
				    &err), RALLY_EIO);
	rp_err_clear(&err);
	/* A committed one is never replaced. */
	assert_int_equal(mkdir(at(state, "part"), 0700), 0);
	assert_int_equal(rp_publish(NULL, at(state, "part"), at(state, "final"),
				    &err), RALLY_EIO);
	assert_true(exists(at(state, "part")));
	assert_true(exists(at(state, "final/file")));
}

static void test_remove_tree(void **state)
{
	struct rp_err err = { 0 };

	assert_int_equal(mkdir(at(state, "keep"), 0700), 0);
	put_text(at(state, "keep/file"), "x");
	assert_int_equal(mkdir(at(state, "tree"), 0700), 0);
	assert_int_equal(mkdir(at(state, "tree/a"), 0700), 0);
	for (int i = 0; i < 300; i++) {
		char name[32];

		snprintf(name, sizeof(name), "tree/a/%d", i);
		put_text(at(state, name), "x");
	}
	assert_int_equal(symlink("../keep", at(state, "tree/link")), 0);
	assert_int_equal(symlink("../keep/file", at(state, "tree/link2")), 0);
	assert_int_equal(rp_remove_tree(NULL, at(state, "tree"), &err), 0);
	assert_false(exists(at(state, "tree")));
	assert_true(exists(at(state, "keep/file")));
	assert_int_equal(rp_remove_tree(NULL, at(state, "tree"), &err), 0);
	assert_int_equal(rp_remove_tree(NULL, at(state, "keep/file"), &err), 0);
	assert_false(exists(at(state, "keep/file")));
	assert_int_equal(symlink("keep", at(state, "top")), 0);
	assert_int_equal(rp_remove_tree(NULL, at(state, "top"), &err), 0);
	assert_true(exists(at(state, "keep")));
}

static void test_sync_dir(void **state)
{
	struct rp_err err = { 0 };

	assert_int_equal(rp_sync_dir(NULL, *state, &err), 0);
	assert_int_equal(rp_sync_dir(NULL, at(state, "absent"), &err), RALLY_EIO);
	assert_int_equal(err.sys, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_error_is_kept),
		cmocka_unit_test(test_every_code_has_a_sentence),
		scratch_test(test_write_and_read),
		cmocka_unit_test(test_no_space),
		scratch_test(test_create_never_overwrites),
		scratch_test(test_create_waits_for_a_folder),
		scratch_test(test_only_regular_files_are_read),
		scratch_test(test_mkdir),
		scratch_test(test_read_file),
		scratch_test(test_replace),
		scratch_test(test_publish),
		scratch_test(test_publish_in_doubt),
		scratch_test(test_remove_tree),
		scratch_test(test_sync_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
