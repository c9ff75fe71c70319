/* base/io: plain calls without a fault, the right one of them fails with it, and
 * the journal tells what each fsync made durable. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "unit.h"

static void test_specifications(void **state)
{
	static const char *const good[] = {
		"", "at=1,do=EIO", "rank=3,at=37,do=short", "do=kill,at=9",
		"seed=7,every=200", "every=1", "rank=0,seed=7,every=2",
		"on=writer,at=2,do=hang", "on=program,every=3",
	};
	static const char *const bad[] = {
		"at=1", "do=EIO", "at=0,do=EIO", "at=-1,do=EIO", "at=x,do=EIO",
		"at=1,do=EWHAT", "at=1;do=EIO", "at=1,do=EIO,", "rank=-1",
		"rank=1,at=1,do=EIO,every=3", "seed=7", "nonsense=1", "at",
		"at=99999999999999999999,do=EIO", ",", "at=1,,do=EIO",
		"rank=1", "at=1,do=EIO,seed=3", "on=nobody,at=1,do=EIO",
	};
	struct rp_fault fault;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(rp_fault_parse(good[i], &fault), 0);
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (rp_fault_parse(bad[i], &fault) == 0)
			print_error("'%s' is taken\n", bad[i]);
		assert_int_equal(rp_fault_parse(bad[i], &fault), -1);
	}
}

static void begin(struct rp_io *io, const char *spec, const char *log, int rank)
{
	struct rp_err err = { 0 };

	if (rp_io_begin(io, spec, log, rank, &err) != 0)
		print_error("%s\n", err.text);
	assert_int_equal(err.code, 0);
}

static void test_begin(void **state)
{
	struct rp_err err = { 0 };
	struct rp_io io;

	assert_int_equal(rp_io_begin(&io, "bad", "", 0, &err), RALLY_EOPTION);
	rp_io_end(&io);
	rp_err_clear(&err);
	assert_int_equal(rp_io_begin(&io, "", at(state, "no/log"), 0, &err),
			 RALLY_EIO);
	rp_io_end(&io);
	rp_io_end(&io);
}

/* Those of background saves are counted, and hit, by themselves. */
static void test_writer(void **state)
{
	static const struct {
		const char *spec;
		int program, writer;	/* which has the fault */
	} cases[] = {
		{ "at=1,do=EIO", 1, 0 },
		{ "on=program,at=1,do=EIO", 1, 0 },
		{ "on=writer,at=1,do=EIO", 0, 1 },
		{ "seed=1,every=9", 1, 1 },
		{ "on=writer,seed=1,every=9", 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rp_io io, writer;

		begin(&io, cases[i].spec, "", 0);
		assert_int_equal(rp_io_begin_writer(&writer, cases[i].spec, "",
						    0, NULL), 0);
		assert_int_equal(rp_io_watched(&io), cases[i].program);
		assert_int_equal(rp_io_watched(&writer), cases[i].writer);
		rp_io_end(&io);
		rp_io_end(&writer);
	}
}

/* All calls fail from then on; what is open is closed all the same. */
static void test_cancel(void **state)
{
	struct rp_io io;
	int fd;

	begin(&io, "", "", 0);
	fd = rp_io_open(&io, AT_FDCWD, at(state, "f"), O_CREAT | O_RDWR);
	assert_true(fd >= 0);
	assert_false(rp_io_cancelled(&io));
	rp_io_cancel(&io, 1);
	assert_true(rp_io_cancelled(&io));
	errno = 0;
	assert_int_equal(rp_io_pwrite(&io, fd, "x", 1, 0), -1);
	assert_int_equal(errno, ECANCELED);
	assert_int_equal(rp_io_close(&io, fd), -1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	rp_io_cancel(&io, 0);
	assert_int_equal(rp_io_mkdir(&io, at(state, "d")), 0);
	rp_io_end(&io);
}

static void *open_it(void *arg)
{
	struct rp_io *io = arg;

	return rp_io_open(io, AT_FDCWD, "/", O_RDONLY) == -1 &&
	       errno == ECANCELED ? arg : NULL;
}

/* It comes to no end before it is cancelled. */
static void test_hang(void **state)
{
	struct rp_io io;
	pthread_t thread;
	void *result;

	(void)state;
	begin(&io, "on=program,at=1,do=hang", "", 0);
	assert_int_equal(pthread_create(&thread, NULL, open_it, &io), 0);
	rp_sleep_ms(20);
	assert_int_equal(pthread_tryjoin_np(thread, &result), EBUSY);
	rp_io_cancel(&io, 1);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &io);
	rp_io_end(&io);
}

/* The second call of this rank, and no other. */
static void test_one_fails(void **state)
{
	struct rp_io io;
	struct stat st;

	begin(&io, "rank=2,at=2,do=ENOSPC", "", 2);
	assert_int_equal(rp_io_mkdir(&io, at(state, "a")), 0);
	errno = 0;
	assert_int_equal(rp_io_mkdir(&io, at(state, "b")), -1);
	assert_int_equal(errno, ENOSPC);
	assert_false(exists(at(state, "b")));
	assert_int_equal(rp_io_mkdir(&io, at(state, "b")), 0);
	assert_int_equal(rp_io_lstat(&io, at(state, "b"), &st), 0);
	assert_int_equal(io.calls, 4);
	rp_io_end(&io);
	begin(&io, "rank=2,at=1,do=ENOSPC", "", 1);
	assert_int_equal(rp_io_mkdir(&io, at(state, "c")), 0);
	rp_io_end(&io);
}

/* Each kind of call can fail, also those that return no int. */
static void test_each_call_fails(void **state)
{
	struct statvfs vfs;
	struct stat st;
	struct rp_io io;
	char byte = 0;
	int fd = open(at(state, "file"), O_RDWR | O_CREAT, 0600);
	int dir = open(*state, O_RDONLY | O_DIRECTORY);
	DIR *stream = opendir(*state);

	assert_true(fd >= 0 && dir >= 0);
	begin(&io, "every=1", "", 0);
	io.fault = (struct rp_fault){ .rank = -1, .at = 1, .kind = RP_FAULT_FAIL,
				      .sys = EIO };
#define FAILS(call)                                                            \
	do {                                                                   \
		io.calls = 0;                                                  \
		errno = 0;                                                     \
		assert_true(call);                                             \
		assert_int_equal(errno, EIO);                                  \
	} while (0)
	FAILS(rp_io_open(&io, AT_FDCWD, at(state, "file"), O_RDONLY) == -1);
	FAILS(rp_io_pread(&io, fd, &byte, 1, 0) == -1);
	FAILS(rp_io_pwrite(&io, fd, &byte, 1, 0) == -1);
	FAILS(rp_io_write(&io, fd, &byte, 1) == -1);
	FAILS(rp_io_fsync(&io, fd) == -1);
	FAILS(rp_io_fstat(&io, fd, &st) == -1);
	FAILS(rp_io_truncate(&io, fd, 0) == -1);
	FAILS(rp_io_lease(&io, fd) == -1);
	FAILS(rp_io_mkdir(&io, at(state, "new")) == -1);
	FAILS(rp_io_rename(&io, at(state, "file"), at(state, "new")) == -1);
	FAILS(rp_io_unlink(&io, AT_FDCWD, at(state, "file"), 0) == -1);
	FAILS(rp_io_lstat(&io, at(state, "file"), &st) == -1);
	FAILS(rp_io_statvfs(&io, *state, &vfs) == -1);
	FAILS(rp_io_fdopendir(&io, dir) == NULL);
	FAILS(rp_io_readdir(&io, stream) == NULL);
	FAILS(rp_io_close(&io, fd) == -1);
	/* It is closed all the same. */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fstat(dir, &st), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_true(exists(at(state, "file")));
	close(dir);
	closedir(stream);
	rp_io_end(&io);
}

static void test_short_and_lost(void **state)
{
	struct rp_io io;
	char bytes[10] = "123456789";
	int fd = open(at(state, "file"), O_RDWR | O_CREAT, 0600);

	begin(&io, "at=1,do=short", "", 0);
	assert_int_equal(rp_io_pwrite(&io, fd, bytes, 10, 0), 5);
	assert_int_equal(rp_io_pwrite(&io, fd, bytes, 10, 0), 10);
	io.calls = 0;
	assert_int_equal(rp_io_pread(&io, fd, bytes, 1, 0), 1);
	close(fd);
	begin(&io, "at=1,do=lost", "", 0);
	assert_int_equal(rp_io_rename(&io, at(state, "file"), at(state, "to")),
			 -1);
	assert_int_equal(errno, ENOENT);
	assert_true(exists(at(state, "to")));
	assert_false(exists(at(state, "file")));
}

/* The status of a child that makes two folders with such a fault. */
static int status_of(void **state, const char *spec)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct rp_io io;

		begin(&io, spec, "", 0);
		(void)rp_io_mkdir(&io, at(state, "a"));
		(void)rp_io_mkdir(&io, at(state, "b"));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void test_death(void **state)
{
	int status = status_of(state, "at=2,do=kill");

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(exists(at(state, "a")));
	assert_false(exists(at(state, "b")));
	status = status_of(state, "at=2,do=last");
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(exists(at(state, "b")));
	assert_int_equal(status_of(state, "at=3,do=kill"), 0);
}

/* A seed gives the same faults again, other ranks get others. */
static void test_by_chance(void **state)
{
	struct rp_fault one, two, other;
	int faults = 0, same = 0;

	(void)state;
	assert_int_equal(rp_fault_parse("seed=11,every=20", &one), 0);
	two = other = one;
	for (uint64_t call = 1; call <= 20000; call++) {
		struct rp_fate a = rp_fault_next(&one, 0, call);
		struct rp_fate b = rp_fault_next(&two, 0, call);
		struct rp_fate c = rp_fault_next(&other, 1, call);

		assert_int_equal(a.kind, b.kind);
		assert_int_equal(a.sys, b.sys);
		faults += a.kind != RP_FAULT_NONE;
		same += a.kind != RP_FAULT_NONE && c.kind != RP_FAULT_NONE;
	}
	assert_in_range(faults, 800, 1200);
	assert_in_range(same, 10, 120);
}

/* With an umask that forbids nothing, files and folders are still not writable
 * for all. */
static void test_modes(void **state)
{
	mode_t old = umask(0);
	struct stat st;
	int fd = rp_io_open(NULL, AT_FDCWD, at(state, "f"), O_WRONLY | O_CREAT);

	assert_true(fd >= 0);
	assert_int_equal(rp_io_mkdir(NULL, at(state, "d")), 0);
	umask(old);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0664);
	assert_int_equal(stat(at(state, "d"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0775);
	close(fd);
}

/* Who has it open, by whatever flags, or mapped, is noticed; and is not harmed,
 * nor are we, where it comes and goes. */
static void test_lease(void **state)
{
	int fd = rp_io_open(NULL, AT_FDCWD, at(state, "f"), O_WRONLY | O_CREAT);
	int other, status;
	pid_t child;
	void *map;

	if (rp_io_lease(NULL, fd) != 0 && errno == EINVAL)
		skip();
	assert_int_equal(rp_io_lease(NULL, fd), 0);
	for (int flags = O_RDONLY; flags <= O_RDWR; flags++) {
		other = open(at(state, "f"), flags);
		assert_int_equal(rp_io_lease(NULL, fd), -1);
		assert_int_equal(errno, EAGAIN);
		close(other);
	}
	assert_int_equal(ftruncate(fd, 4096), 0);
	other = open(at(state, "f"), O_RDONLY);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, other, 0);
	close(other);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(rp_io_lease(NULL, fd), -1);
	assert_int_equal(errno, EAGAIN);
	munmap(map, 4096);
	assert_int_equal(rp_io_lease(NULL, fd), 0);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 20000; i++)
			close(open(at(state, "f"), O_RDONLY));
		_exit(0);
	}
	while (waitpid(child, &status, WNOHANG) == 0)
		(void)rp_io_lease(NULL, fd);
	assert_int_equal(status, 0);
	close(fd);
}

static void test_journal(void **state)
{
	struct rp_io io;
	struct stat st;
	char expect[200], *text;
	int fd, dir;

	begin(&io, "at=4,do=EIO", at(state, "log"), 3);
	assert_int_equal(rp_io_mkdir(&io, at(state, "d")), 0);
	fd = rp_io_open(&io, AT_FDCWD, at(state, "d/f"), O_WRONLY | O_CREAT);
	assert_int_equal(rp_io_pwrite(&io, fd, "\x01\xff", 2, 0), 2);
	assert_int_equal(rp_io_fsync(&io, fd), -1);
	assert_int_equal(rp_io_fsync(&io, fd), 0);
	dir = open(at(state, "d"), O_RDONLY);
	assert_int_equal(rp_io_fsync(&io, dir), 0);
	assert_int_equal(rp_io_rename(&io, at(state, "d/f"), at(state, "d/g")),
			 0);
	assert_int_equal(rp_io_truncate(&io, fd, 1), 0);
	rp_io_end(&io);
	text = get_text(at(state, "log"));
	assert_int_equal(fstat(fd, &st), 0);
	snprintf(expect, sizeof(expect), "3\t4\tfsync\t%d\t0\t%llu\t-\t0\t-\t",
		 EIO, (unsigned long long)st.st_ino);
	assert_non_null(strstr(text, expect));
	snprintf(expect, sizeof(expect), "3\t5\tfsync\t0\t0\t%llu\t-\t0\t-\t"
		 "01ff\n", (unsigned long long)st.st_ino);
	assert_non_null(strstr(text, expect));
	snprintf(expect, sizeof(expect), "\tf=%llu/\n",
		 (unsigned long long)st.st_ino);
	assert_non_null(strstr(text, expect));
	assert_non_null(strstr(text, "\t2@0\n"));
	assert_non_null(strstr(text, "\t0@1\n"));
	assert_non_null(strstr(text, "\tf\t"));
	assert_non_null(strstr(text, "\tg\t0\n"));
	free(text);
	close(fd);
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specifications),
		scratch_test(test_begin),
		cmocka_unit_test(test_writer),
		scratch_test(test_cancel),
		cmocka_unit_test(test_hang),
		scratch_test(test_one_fails),
		scratch_test(test_each_call_fails),
		scratch_test(test_short_and_lost),
		scratch_test(test_death),
		cmocka_unit_test(test_by_chance),
		scratch_test(test_modes),
		scratch_test(test_lease),
		scratch_test(test_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
