/* sys/owner: one run to a folder, and what may be taken over. */
#include "sys/owner.h"

#include <errno.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "unit.h"

static int answer;	/* of Slurm's */
static int asked;

static int active(void *arg, const char *job)
{
	assert_ptr_equal(arg, &answer);
	assert_string_equal(job, "88");
	asked++;
	return answer;
}

static int take(void **state, struct rp_owner *owner, const char *job,
		int64_t restart, struct rp_err *err)
{
	asked = 0;
	return rp_owner_take(NULL, owner, *state, job, restart, active, &answer, err);
}

/* May `job` in its start `restart` have the folder? */
static int may_take(void **state, const char *job, int64_t restart)
{
	struct rp_owner owner;
	int rc = take(state, &owner, job, restart, NULL);

	if (rc == 0)
		assert_int_equal(rp_owner_check(&owner, NULL), 0);
	rp_owner_release(&owner);
	assert_true(rc == 0 || rc == RALLY_EOWNED);
	return rc == 0;
}

static void claim(void **state, const char *job, int64_t restart,
		  const char *host, long pid, long started)
{
	char text[300];

	snprintf(text, sizeof(text), "{\"job\":\"%s\",\"restart\":%lld,"
		 "\"host\":\"%s\",\"pid\":%ld,\"started\":%ld}\n", job,
		 (long long)restart, host, pid, started);
	put_text(at(state, RP_OWNER_FILE), text);
}

static void test_take_and_release(void **state)
{
	struct rp_owner one, two;
	struct rp_err err = { 0 };

	assert_int_equal(take(state, &one, "", 0, &err), 0);
	assert_true(exists(at(state, RP_OWNER_FILE)));
	assert_int_equal(rp_owner_check(&one, &err), 0);
	/* another one: this process lives */
	assert_int_equal(take(state, &two, "", 0, &err), RALLY_EOWNED);
	assert_fails(&err, RALLY_EOWNED, *state);
	rp_owner_release(&two);
	assert_true(exists(at(state, RP_OWNER_FILE)));
	rp_owner_release(&one);
	assert_false(exists(at(state, RP_OWNER_FILE)));
	rp_owner_release(&one);
	assert_true(may_take(state, "12", 0));
}

static void test_no_folder(void **state)
{
	struct rp_owner owner;
	struct rp_err err = { 0 };
	char *dir = rp_path(*state, "absent");

	assert_int_equal(rp_owner_take(NULL, &owner, dir, "", 0, active, &answer,
				       &err), RALLY_EIO);
	rp_owner_release(&owner);
	free(dir);
}

/* A requeued job takes over from its own earlier start, whatever host, and
 * never the other way round. */
static void test_restarts(void **state)
{
	claim(state, "88", 2, "elsewhere", 1, 1);
	answer = 0;	/* not to be asked about our own job */
	assert_false(may_take(state, "88", 1));
	assert_false(may_take(state, "88", 2));
	assert_int_equal(asked, 0);
	assert_true(may_take(state, "88", 3));
	assert_int_equal(asked, 0);
}

/* Field 22 of /proc/PID/stat, counted from the one behind the name. */
static long start_of(pid_t pid)
{
	char path[40], *text = NULL, *p;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(getline(&text, &size, file) > 0);
	fclose(file);
	p = strrchr(text, ')');
	for (int field = 2; field < 22; field++)
		p = strchr(p + 1, ' ');
	size = strtoul(p, NULL, 10);
	free(text);
	return (long)size;
}

static void test_processes_of_this_host(void **state)
{
	char host[256] = "";
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	gethostname(host, sizeof(host) - 1);
	answer = 1;	/* what Slurm says of it does not count: it is gone */
	claim(state, "88", 9, host, child, 12345);
	assert_true(may_take(state, "", 0));
	/* the pid of another process by now */
	claim(state, "", 0, host, getpid(), 1);
	assert_true(may_take(state, "", 0));
	/* One that lives is refused, even where Slurm says that its job is
	 * over. */
	answer = 0;
	claim(state, "88", 0, host, getpid(), start_of(getpid()));
	assert_false(may_take(state, "99", 0));
}

/* Whoever should wait for it may never do so, as the first process of a
 * container. */
static void test_ended_but_not_waited_for(void **state)
{
	char host[256] = "";
	siginfo_t info;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT),
			 0);
	gethostname(host, sizeof(host) - 1);
	claim(state, "", 0, host, child, start_of(child));
	assert_true(may_take(state, "", 0));
	waitpid(child, NULL, 0);
}

static void test_jobs_of_other_hosts(void **state)
{
	struct rp_err err = { 0 };
	struct rp_owner owner;

	claim(state, "88", 0, "elsewhere", 4, 5);
	answer = 1;
	assert_false(may_take(state, "99", 7));
	assert_int_equal(asked, 1);
	answer = -1;	/* can't tell */
	assert_int_equal(take(state, &owner, "99", 7, &err), RALLY_EOWNED);
	rp_owner_release(&owner);
	assert_non_null(strstr(err.text, "job 88 on elsewhere"));
	assert_int_equal(rp_owner_take(NULL, &owner, *state, "99", 0, NULL, NULL,
				       NULL), RALLY_EOWNED);
	rp_owner_release(&owner);
	assert_true(exists(at(state, RP_OWNER_FILE)));
	answer = 0;
	assert_true(may_take(state, "99", 7));
	/* not of Slurm: nobody can be asked */
	claim(state, "", 0, "elsewhere", 4, 5);
	assert_false(may_take(state, "99", 7));
	assert_int_equal(asked, 0);
}

#define CLAIM(job, restart, host, pid, started) \
	"{\"job\":\"" job "\",\"restart\":" restart ",\"host\":\"" host \
	"\",\"pid\":" pid ",\"started\":" started "}"

/* Left by a crash between create and write, or being written right now. */
static void test_half_written(void **state)
{
	static const char *const texts[] = {
		"", "{\"job\":\"8", "[]", "{}", "{\"job\":8}",
		"{\"job\":\"8\",\"restart\":0,\"host\":\"x\",\"pid\":1}",
		/* what no run writes */
		CLAIM("8 --all", "0", "x", "1", "2"),
		CLAIM("8", "-1", "x", "1", "2"),
		CLAIM("8", "0", "x\\u001b[31m", "1", "2"),
		CLAIM("8", "0", "x", "0", "2"),
		CLAIM("8", "0", "x", "1", "-2"),
		CLAIM("8", "0", "x", "1", "2,\"pid\":3"),
		CLAIM("8", "0", "x", "1", "2.0"),
	};
	struct timeval old[2] = { { 1000000, 0 }, { 1000000, 0 } };

	for (size_t i = 0; i < COUNT(texts); i++) {
		put_text(at(state, RP_OWNER_FILE), texts[i]);
		assert_false(may_take(state, "", 0));
		assert_int_equal(utimes(at(state, RP_OWNER_FILE), old), 0);
		assert_true(may_take(state, "", 0));
		assert_false(exists(at(state, RP_OWNER_FILE)));
	}
}

static void test_taken_away(void **state)
{
	struct rp_owner owner;
	struct rp_err err = { 0 };
	char *text;

	assert_int_equal(take(state, &owner, "88", 0, NULL), 0);
	claim(state, "88", 1, "elsewhere", 4, 5);
	rp_owner_check(&owner, &err);
	assert_fails(&err, RALLY_EOWNED, "another run");
	rp_owner_release(&owner);
	text = get_text(at(state, RP_OWNER_FILE));
	assert_non_null(strstr(text, "elsewhere"));
	free(text);
	/* gone is not ours either */
	unlink(at(state, RP_OWNER_FILE));
	assert_int_equal(take(state, &owner, "88", 0, NULL), 0);
	unlink(at(state, RP_OWNER_FILE));
	assert_int_equal(rp_owner_check(&owner, NULL), RALLY_EOWNED);
	rp_owner_release(&owner);
}

/* A claim that can't be read is nobody's to take over, however old. */
static void test_unreadable(void **state)
{
	struct timeval old[2] = { { 1000000, 0 }, { 1000000, 0 } };
	struct rp_owner owner;
	struct rp_err err = { 0 };
	struct rp_io io;

	claim(state, "", 0, "elsewhere", 4, 5);
	assert_int_equal(utimes(at(state, RP_OWNER_FILE), old), 0);
	/* the open that creates, and the one that looks */
	assert_int_equal(rp_io_begin(&io, "at=2,do=EIO", "", 0, NULL), 0);
	assert_int_equal(rp_owner_take(&io, &owner, *state, "", 0, active,
				       &answer, &err), RALLY_EIO);
	assert_int_equal(io.calls, 2);
	rp_owner_release(&owner);
	assert_true(exists(at(state, RP_OWNER_FILE)));
}

/* A take-over whose last fsync fails is none, and leaves nothing behind. */
static void test_failed_takeover(void **state)
{
	struct rp_owner owner;
	struct rp_err err = { 0 };
	struct rp_io io;
	uint64_t calls;

	claim(state, "88", 0, "elsewhere", 4, 5);
	assert_int_equal(rp_io_begin(&io, "", "", 0, NULL), 0);
	assert_int_equal(rp_owner_take(&io, &owner, *state, "88", 1, active,
				       &answer, NULL), 0);
	calls = io.calls;
	rp_owner_release(&owner);
	claim(state, "88", 0, "elsewhere", 4, 5);
	/* the last call closes the folder, the one before is its fsync */
	io.calls = 0;
	io.fault = (struct rp_fault){ .rank = -1, .at = (int64_t)calls - 1,
				      .kind = RP_FAULT_FAIL, .sys = EIO };
	assert_int_equal(rp_owner_take(&io, &owner, *state, "88", 1, active,
				       &answer, &err), RALLY_EIO);
	assert_non_null(strstr(err.text, "fsync"));
	rp_owner_release(&owner);
	assert_false(exists(at(state, RP_OWNER_FILE)));
}

/* Another node looks for it. */
static void test_await(void **state)
{
	struct rp_owner owner;
	struct rp_err err = { 0 };

	assert_int_equal(take(state, &owner, "88", 0, NULL), 0);
	assert_int_equal(rp_owner_await(NULL, *state, owner.text, &err), 0);
	assert_int_equal(rp_owner_await(NULL, *state, "another's", &err),
			 RALLY_EIO);
	assert_non_null(strstr(err.text, "is not the folder that rank 0 sees"));
	rp_owner_release(&owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_take_and_release),
		scratch_test(test_no_folder),
		scratch_test(test_restarts),
		scratch_test(test_processes_of_this_host),
		scratch_test(test_ended_but_not_waited_for),
		scratch_test(test_jobs_of_other_hosts),
		scratch_test(test_half_written),
		scratch_test(test_taken_away),
		scratch_test(test_unreadable),
		scratch_test(test_failed_takeover),
		scratch_test(test_await),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
