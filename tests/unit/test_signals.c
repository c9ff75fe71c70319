/* sys/signals: a handler that counts, calls the one before it, and is gone in a
 * child. Each test uses a signal of its own: nothing is ever uninstalled. */
#include "sys/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "unit.h"

#define BIT(number) ((int64_t)1 << ((number) - 1))

static volatile sig_atomic_t plain, info_seen, later, chained;
static struct sigaction before_later;

static void on_plain(int number)
{
	plain += number;
	errno = EBADF;
}

static void on_info(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (info && info->si_signo == number && info->si_pid == getpid())
		info_seen++;
}

static void on_later(int number)
{
	(void)number;
	later++;
}

static void on_chained(int number, siginfo_t *info, void *context)
{
	chained++;
	if (before_later.sa_flags & SA_SIGINFO)
		before_later.sa_sigaction(number, info, context);
}

static void set_handler(int number, void (*fn)(int))
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = fn;
	assert_int_equal(sigaction(number, &action, NULL), 0);
}

static void test_counts(void **state)
{
	int64_t when, from = rp_now();
	const int64_t both = BIT(SIGUSR1) | BIT(SIGUSR2);

	(void)state;
	assert_int_equal(rp_signals_last(both, &when), 0);
	assert_int_equal(rp_signals_install(both, NULL), 0);
	assert_int_equal(rp_signals_install(both, NULL), 0);
	raise(SIGUSR1);
	raise(SIGUSR1);
	rp_sleep_ms(2);
	raise(SIGUSR2);
	assert_int_equal(rp_signals_count(BIT(SIGUSR1)), 2);
	assert_int_equal(rp_signals_count(BIT(SIGUSR2)), 1);
	assert_int_equal(rp_signals_count(both), 3);
	assert_int_equal(rp_signals_count(BIT(SIGTERM)), 0);
	assert_int_equal(rp_signals_last(both, &when), SIGUSR2);
	assert_in_range(when, from, rp_now());
	assert_int_equal(rp_signals_last(BIT(SIGUSR1), &when), SIGUSR1);
	assert_int_equal(rp_signals_last(BIT(SIGTERM), &when), 0);
}

static void test_ignored_and_default_before(void **state)
{
	(void)state;
	signal(SIGURG, SIG_IGN);
	assert_int_equal(rp_signals_install(BIT(SIGURG) | BIT(SIGVTALRM),
					    NULL), 0);
	raise(SIGURG);
	raise(SIGVTALRM);	/* its default would end us */
	assert_int_equal(rp_signals_count(BIT(SIGURG)), 1);
	assert_int_equal(rp_signals_count(BIT(SIGVTALRM)), 1);
}

static void test_calls_the_handler_before_it(void **state)
{
	struct sigaction action;

	(void)state;
	set_handler(SIGXCPU, on_plain);
	assert_int_equal(rp_signals_install(BIT(SIGXCPU), NULL), 0);
	errno = EAGAIN;
	raise(SIGXCPU);
	assert_int_equal(plain, SIGXCPU);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(rp_signals_count(BIT(SIGXCPU)), 1);
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_info;
	action.sa_flags = SA_SIGINFO;
	assert_int_equal(sigaction(SIGXFSZ, &action, NULL), 0);
	assert_int_equal(rp_signals_install(BIT(SIGXFSZ), NULL), 0);
	kill(getpid(), SIGXFSZ);
	assert_int_equal(info_seen, 1);
}

/* Python's signal.signal() after MPI_Init, for instance. */
static void test_a_displaced_handler_is_renewed(void **state)
{
	(void)state;
	assert_int_equal(rp_signals_install(BIT(SIGPROF), NULL), 0);
	set_handler(SIGPROF, on_later);
	raise(SIGPROF);
	assert_int_equal(rp_signals_count(BIT(SIGPROF)), 0);
	rp_signals_renew();
	raise(SIGPROF);
	assert_int_equal(rp_signals_count(BIT(SIGPROF)), 1);
	assert_int_equal(later, 2);
	set_handler(SIGPROF, SIG_DFL);
	rp_signals_renew();
	raise(SIGPROF);
	assert_int_equal(rp_signals_count(BIT(SIGPROF)), 2);
	assert_int_equal(later, 2);
}

/* A later handler that calls the one before it, which is ours, and that ours
 * calls after the renewal. */
static void test_chains_do_not_go_round(void **state)
{
	struct sigaction action;
	uint32_t seen;

	(void)state;
	plain = 0;
	set_handler(SIGALRM, on_plain);
	assert_int_equal(rp_signals_install(BIT(SIGALRM), NULL), 0);
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_chained;
	action.sa_flags = SA_SIGINFO;
	assert_int_equal(sigaction(SIGALRM, &action, &before_later), 0);
	raise(SIGALRM);
	assert_int_equal(chained, 1);
	assert_int_equal(rp_signals_count(BIT(SIGALRM)), 1);
	rp_signals_renew();
	seen = rp_signals_count(BIT(SIGALRM));
	raise(SIGALRM);
	assert_int_equal(chained, 2);
	assert_true(rp_signals_count(BIT(SIGALRM)) > seen);
	raise(SIGALRM);	/* the depth is back to nothing */
	assert_int_equal(chained, 3);
	/* the one before all was called each time as well */
	assert_int_equal(plain, 3 * SIGALRM);
}

/* How a child ends that gets the signal. */
static int status_of_child(int number)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		raise(number);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void test_a_child_is_not_ours(void **state)
{
	uint32_t before;
	int status;

	(void)state;
	assert_int_equal(rp_signals_install(BIT(SIGTERM) | BIT(SIGINT), NULL),
			 0);
	before = rp_signals_count(BIT(SIGTERM));
	status = status_of_child(SIGTERM);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(rp_signals_count(BIT(SIGTERM)), before);
	raise(SIGTERM);
	assert_int_equal(rp_signals_count(BIT(SIGTERM)), before + 1);
}

static void test_a_child_keeps_what_stood_before(void **state)
{
	int status;

	(void)state;
	set_handler(SIGHUP, on_plain);
	assert_int_equal(rp_signals_install(BIT(SIGHUP), NULL), 0);
	status = status_of_child(SIGHUP);
	assert_true(WIFEXITED(status));
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(rp_signals_install(BIT(SIGPIPE), NULL), 0);
	status = status_of_child(SIGPIPE);
	assert_true(WIFEXITED(status));
}

static void *shower(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5000; i++)
		pthread_kill(pthread_self(), SIGUSR1);
	return NULL;
}

static void test_threads(void **state)
{
	uint32_t before = rp_signals_count(BIT(SIGUSR1));
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, shower,
						NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(rp_signals_count(BIT(SIGUSR1)), before + 20000);
}

static void test_system_calls_go_on(void **state)
{
	int fds[2];
	char c = 0;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		rp_sleep_ms(50);
		kill(getppid(), SIGUSR2);
		rp_sleep_ms(50);
		_exit(write(fds[1], "x", 1) != 1);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);	/* not EINTR */
	waitpid(child, NULL, 0);
	close(fds[0]);
	close(fds[1]);
}

/* As a launcher behind `rallypoint run` hands it down. */
static void test_a_blocked_signal_is_seen(void **state)
{
	sigset_t set, now;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTTIN);
	sigaddset(&set, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGTTIN);
	assert_int_equal(rp_signals_install(BIT(SIGTTIN), NULL), 0);
	assert_int_equal(rp_signals_count(BIT(SIGTTIN)), 1);
	kill(getpid(), SIGTTIN);
	assert_int_equal(rp_signals_count(BIT(SIGTTIN)), 2);
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	assert_false(sigismember(&now, SIGTTIN));
	assert_true(sigismember(&now, SIGTTOU));
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void test_no_such_handler(void **state)
{
	struct rp_err err = { 0 };

	(void)state;
	assert_int_equal(rp_signals_install(BIT(SIGKILL), &err), RALLY_EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_ignored_and_default_before),
		cmocka_unit_test(test_calls_the_handler_before_it),
		cmocka_unit_test(test_a_displaced_handler_is_renewed),
		cmocka_unit_test(test_chains_do_not_go_round),
		cmocka_unit_test(test_a_child_is_not_ours),
		cmocka_unit_test(test_a_child_keeps_what_stood_before),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_system_calls_go_on),
		cmocka_unit_test(test_a_blocked_signal_is_seen),
		cmocka_unit_test(test_no_such_handler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
