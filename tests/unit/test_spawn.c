/* sys/spawn: what a child gets, and what can't be done to its parent. */
#include "sys/spawn.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_MS 20000
#define BIT(sig) (1ull << ((sig) - 1))

static void sh_limit(const char *script, int64_t limit, struct rp_spawned *got)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct rp_err err = { 0 };

	assert_int_equal(rp_spawn(argv, NULL, limit, got, &err), 0);
}

static void sh(const char *script, struct rp_spawned *got)
{
	sh_limit(script, LIMIT_MS, got);
	assert_int_equal(got->timed_out, 0);
}

static void test_status_and_streams(void **state)
{
	struct rp_spawned got;

	(void)state;
	sh("echo out; echo err >&2; exit 7", &got);
	assert_int_equal(got.reaped, 1);
	assert_int_equal(got.status, 7);
	assert_int_equal(got.signal, 0);
	assert_string_equal(got.out, "out\n");
	assert_string_equal(got.err, "err\n");
	assert_int_equal(got.out_len, 4);
	assert_int_equal(got.cut, 0);
	rp_spawned_free(&got);
	assert_null(got.out);
}

static void test_death_by_signal(void **state)
{
	struct rp_spawned got;

	(void)state;
	sh("kill -9 $$", &got);
	assert_int_equal(got.reaped, 1);
	assert_int_equal(got.signal, SIGKILL);
	assert_int_equal(got.status, 0);
	rp_spawned_free(&got);
}

static void test_limit_kills_the_group(void **state)
{
	struct rp_spawned got;
	int64_t begin = rp_now();
	pid_t grandchild;

	(void)state;
	sh_limit("trap '' TERM; sleep 60 & echo $!; wait", 300, &got);
	assert_true(rp_now() - begin < 5000000000);
	assert_true(rp_now() - begin >= 300000000);
	assert_int_equal(got.timed_out, 1);
	assert_int_equal(got.signal, SIGKILL);
	grandchild = (pid_t)atoi(got.out);
	assert_true(grandchild > 1);
	/* init may take a moment to reap it */
	for (int i = 0; i < 100 && kill(grandchild, 0) == 0; i++) {
		char path[64], stat[256] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)grandchild);
		f = fopen(path, "r");
		if (!f || !fgets(stat, sizeof(stat), f) || strstr(stat, ") Z")) {
			if (f)
				fclose(f);
			rp_spawned_free(&got);
			return;
		}
		fclose(f);
		rp_sleep_ms(20);
	}
	assert_int_equal(kill(grandchild, 0), -1);
	rp_spawned_free(&got);
}

static void test_endless_writer_meets_the_limit(void **state)
{
	struct rp_spawned got;

	(void)state;
	sh_limit("yes & yes >&2", 300, &got);
	assert_int_equal(got.timed_out, 1);
	assert_int_equal(got.cut, 1);
	assert_int_equal(got.out_len, RP_SPAWN_MAX);
	rp_spawned_free(&got);
}

static void test_long_output_is_drained(void **state)
{
	struct rp_spawned got;

	(void)state;
	sh("head -c 500000 /dev/zero | tr '\\0' a;"
	   "head -c 500000 /dev/zero | tr '\\0' b >&2; exit 3", &got);
	assert_int_equal(got.status, 3);
	assert_int_equal(got.cut, 1);
	assert_int_equal(got.out_len, RP_SPAWN_MAX);
	assert_int_equal(got.err_len, RP_SPAWN_MAX);
	assert_int_equal(strlen(got.out), RP_SPAWN_MAX);
	assert_int_equal(got.out[RP_SPAWN_MAX - 1], 'a');
	assert_int_equal(got.err[RP_SPAWN_MAX - 1], 'b');
	rp_spawned_free(&got);

	/* exactly full is not cut */
	sh("head -c 65536 /dev/zero | tr '\\0' a", &got);
	assert_int_equal(got.cut, 0);
	assert_int_equal(got.out_len, RP_SPAWN_MAX);
	rp_spawned_free(&got);
}

static void test_a_daemon_left_behind_is_not_waited_for(void **state)
{
	struct rp_spawned got;
	int64_t begin = rp_now();

	(void)state;
	sh("sleep 8 & echo hi", &got);
	assert_true(rp_now() - begin < 4000000000);
	assert_string_equal(got.out, "hi\n");
	assert_int_equal(got.status, 0);
	rp_spawned_free(&got);
}

static void test_closed_streams_but_still_running(void **state)
{
	struct rp_spawned got;

	(void)state;
	sh("exec >/dev/null 2>&1; sleep 0.3; exit 5", &got);
	assert_int_equal(got.status, 5);
	rp_spawned_free(&got);
	sh_limit("exec >/dev/null 2>&1; sleep 30", 200, &got);
	assert_int_equal(got.timed_out, 1);
	rp_spawned_free(&got);
}

static void test_host_that_ignores_sigchld(void **state)
{
	struct rp_spawned got;
	void (*old)(int) = signal(SIGCHLD, SIG_IGN);

	(void)state;
	sh("echo out; exit 7", &got);
	assert_int_equal(got.reaped, 0);
	assert_int_equal(got.status, 0);
	assert_string_equal(got.out, "out\n");
	rp_spawned_free(&got);
	assert_ptr_equal(signal(SIGCHLD, old), SIG_IGN);
}

static void test_other_children_are_left_alone(void **state)
{
	struct rp_spawned got;
	pid_t other = fork();
	int status;

	(void)state;
	if (other == 0)
		_exit(9);
	rp_sleep_ms(50);
	sh("exit 1", &got);
	assert_int_equal(got.status, 1);
	rp_spawned_free(&got);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(WEXITSTATUS(status), 9);
}

static void nothing(int sig)
{
	(void)sig;
}

/* It makes posix_spawn() a fork, which can't tell that there is no program, and
 * delivers signals late. */
static void skip_under_valgrind(void)
{
	if (getenv("UNDER_VALGRIND"))
		skip();
}

static void test_signals_meanwhile(void **state)
{
	struct sigaction sa = { .sa_handler = nothing }, old;
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, off = { 0 };
	struct rp_spawned got;

	(void)state;
	skip_under_valgrind();
	sigaction(SIGALRM, &sa, &old); /* no SA_RESTART: EINTR everywhere */
	setitimer(ITIMER_REAL, &often, NULL);
	sh("for i in 1 2 3 4 5; do echo $i; sleep 0.05; done; exit 4", &got);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &old, NULL);
	assert_string_equal(got.out, "1\n2\n3\n4\n5\n");
	assert_int_equal(got.status, 4);
	rp_spawned_free(&got);
}

static void test_environment(void **state)
{
	const char *const argv[] = { "env", NULL };
	const char *const set[] = { "LC_ALL=C", "RP_NEW=1", NULL };
	struct rp_spawned got;
	struct rp_err err = { 0 };

	(void)state;
	setenv("PMIX_RANK", "0", 1);
	setenv("PMI_FD", "0", 1);
	setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	setenv("LC_ALLES", "stays", 1);
	setenv("LD_PRELOAD", "libm.so.6", 1);
	setenv("SLURM_JOB_ID", "1", 1);
	assert_int_equal(rp_spawn(argv, set, LIMIT_MS, &got, &err), 0);
	unsetenv("LD_PRELOAD");
	assert_null(strstr(got.out, "PMIX_RANK"));
	assert_null(strstr(got.out, "PMI_FD"));
	assert_null(strstr(got.out, "OMPI_COMM"));
	assert_null(strstr(got.out, "de_DE"));
	assert_non_null(strstr(got.out, "\nLC_ALL=C\n"));
	assert_non_null(strstr(got.out, "LC_ALLES=stays\n"));
	assert_non_null(strstr(got.out, "RP_NEW=1\n"));
	assert_non_null(strstr(got.out, "LD_PRELOAD=libm.so.6\n"));
	assert_non_null(strstr(got.out, "SLURM_JOB_ID=1\n"));
	assert_string_equal(getenv("OMPI_COMM_WORLD_SIZE"), "2");
	unsetenv("PMIX_RANK");
	unsetenv("PMI_FD");
	unsetenv("OMPI_COMM_WORLD_SIZE");
	unsetenv("LC_ALL");
	rp_spawned_free(&got);
}

static void test_signals_of_the_child(void **state)
{
	struct rp_spawned got;
	sigset_t set, old;
	void (*was)(int) = signal(SIGUSR2, SIG_IGN);
	unsigned long long blocked, ignored;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	sh("exec grep -E '^Sig(Blk|Ign)' /proc/self/status", &got);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	signal(SIGUSR2, was);
	assert_int_equal(sscanf(got.out, "SigBlk: %llx SigIgn: %llx", &blocked,
				&ignored), 2);
	/* SIGTERM and its like, but not SIGPIPE, SIGALRM, SIGCHLD, SIGCONT */
	assert_true(blocked == (BIT(SIGTERM) | BIT(SIGINT) | BIT(SIGHUP) |
				BIT(SIGQUIT) | BIT(SIGUSR1) | BIT(SIGUSR2) |
				BIT(SIGXCPU)));
	/* 32 and 33 are the C library's own, which ignores them */
	assert_true((ignored & 0x7fffffff) == 0);
	rp_spawned_free(&got);
}

static void test_the_job_s_signals_do_not_end_it(void **state)
{
	struct rp_spawned got;

	(void)state;
	sh("kill -TERM $$; kill -CONT $$; echo alive",
	   &got);
	assert_string_equal(got.out, "alive\n");
	assert_int_equal(got.status, 0);
	rp_spawned_free(&got);
}

static void test_descriptors_of_the_child(void **state)
{
	struct rp_spawned got;
	int fd = open("/dev/null", O_RDONLY); /* not close-on-exec */

	(void)state;
	assert_true(fd >= 0);
	sh("readlink /proc/self/fd/0; exec ls /proc/self/fd", &got);
	close(fd);
	/* 3 is ls's own, of the folder */
	assert_string_equal(got.out, "/dev/null\n0\n1\n2\n3\n");
	rp_spawned_free(&got);
}

static void test_own_process_group(void **state)
{
	struct rp_spawned got;
	long pid, group;

	(void)state;
	sh("exec cut -d' ' -f1,5 /proc/self/stat", &got);
	assert_int_equal(sscanf(got.out, "%ld %ld", &pid, &group), 2);
	assert_int_equal(pid, group);
	assert_int_not_equal(group, getpgrp());
	rp_spawned_free(&got);
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_no_such_program(void **state)
{
	const char *const argv[] = { "rp-no-such-program", NULL };
	struct rp_spawned got;
	struct rp_err err = { 0 };
	int before = open_descriptors();

	(void)state;
	skip_under_valgrind();
	assert_int_equal(rp_spawn(argv, NULL, LIMIT_MS, &got, &err),
			 RALLY_EABSENT);
	assert_non_null(strstr(err.text, "rp-no-such-program"));
	assert_null(got.out);
	sh("true", &got);
	rp_spawned_free(&got);
	assert_int_equal(open_descriptors(), before);
}

static void test_host_without_stdio(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		const char *const argv[] = { "sh", "-c", "echo o; echo e >&2",
					     NULL };
		struct rp_spawned got;

		close(0);
		close(1);
		close(2);
		if (rp_spawn(argv, NULL, LIMIT_MS, &got, NULL))
			_exit(1);
		_exit(strcmp(got.out, "o\n") || strcmp(got.err, "e\n") ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_finds(void **state)
{
	(void)state;
	assert_int_equal(rp_spawn_finds("sh"), 1);
	assert_int_equal(rp_spawn_finds("rp-no-such-program"), 0);
	assert_int_equal(rp_spawn_finds("/bin/sh"), 1);
	assert_int_equal(rp_spawn_finds("/bin"), 0);
	assert_int_equal(rp_spawn_finds("/etc/passwd"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_and_streams),
		cmocka_unit_test(test_death_by_signal),
		cmocka_unit_test(test_limit_kills_the_group),
		cmocka_unit_test(test_endless_writer_meets_the_limit),
		cmocka_unit_test(test_long_output_is_drained),
		cmocka_unit_test(test_a_daemon_left_behind_is_not_waited_for),
		cmocka_unit_test(test_closed_streams_but_still_running),
		cmocka_unit_test(test_host_that_ignores_sigchld),
		cmocka_unit_test(test_other_children_are_left_alone),
		cmocka_unit_test(test_signals_meanwhile),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_signals_of_the_child),
		cmocka_unit_test(test_the_job_s_signals_do_not_end_it),
		cmocka_unit_test(test_descriptors_of_the_child),
		cmocka_unit_test(test_own_process_group),
		cmocka_unit_test(test_no_such_program),
		cmocka_unit_test(test_host_without_stdio),
		cmocka_unit_test(test_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
