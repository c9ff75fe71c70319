/* sys/family: the descendants of a process, and what they do with a signal. */
#include "sys/family.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "unit.h"

static void on_signal(int number)
{
	(void)number;
}

/* A child that catches USR1 and blocks USR2, with a child of its own that has a
 * name of the worst kind. Both say a byte and wait for the end of a pipe. */
static pid_t start_two(int said, const int ends[2])
{
	pid_t pid = fork();
	sigset_t set;
	char c;

	if (pid != 0)
		return pid;
	close(ends[1]);
	if (fork() == 0) {
		prctl(PR_SET_NAME, "a) S 1 (b", 0, 0, 0);
	} else {
		signal(SIGUSR1, on_signal);
		signal(SIGUSR2, on_signal);
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		sigprocmask(SIG_BLOCK, &set, NULL);
	}
	if (write(said, "x", 1) == 1)
		(void)!read(ends[0], &c, 1);
	_exit(0);
}

static void test_two(void **state)
{
	struct rp_family family;
	int said[2], ends[2];
	char c;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(said) | pipe(ends), 0);
	child = start_two(said[1], ends);
	assert_int_equal(read(said[0], &c, 1) + read(said[0], &c, 1), 2);
	rp_sleep_ms(60);
	assert_int_equal(rp_family_list(getpid(), &family, NULL), 0);
	assert_int_equal(family.n, 2);
	assert_int_equal(family.v[0].pid, child);
	assert_int_equal(family.v[0].parent, getpid());
	assert_int_equal(family.v[0].depth, 1);
	assert_in_range(family.v[0].age_ms, 30, 20000);
	assert_true(rp_relative_hears(&family.v[0], SIGUSR1));
	assert_false(rp_relative_hears(&family.v[0], SIGUSR2));
	assert_true(rp_relative_blocks(&family.v[0], SIGUSR2));
	assert_false(rp_relative_hears(&family.v[0], SIGTERM));
	assert_int_equal(family.v[1].parent, child);
	assert_int_equal(family.v[1].depth, 2);
	assert_string_equal(family.v[1].name, "a) S 1 (b");
	assert_false(rp_relative_hears(&family.v[1], SIGUSR1));
	rp_family_free(&family);
	assert_int_equal(rp_family_list(child, &family, NULL), 0);
	assert_int_equal(family.n, 1);
	rp_family_free(&family);
	for (int i = 0; i < 2; i++) {
		close(said[i]);
		close(ends[1 - i]);
	}
	waitpid(child, NULL, 0);
}

static void test_a_zombie_is_none(void **state)
{
	struct rp_family family;
	siginfo_t info;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	assert_int_equal(rp_family_list(getpid(), &family, NULL), 0);
	assert_int_equal(family.n, 0);
	rp_family_free(&family);
	waitpid(child, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_a_zombie_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
