/* sys/worker: does what it is given, one after the other, without signals. */
#include "sys/worker.h"

#include <pthread.h>
#include <signal.h>

#include "unit.h"

/* A gate that the test opens, so that nothing depends on time. */
struct task {
	pthread_mutex_t gate;
	int done;
	int blocked;
	pthread_t by;
};

static void look(void *arg)
{
	struct task *task = arg;
	sigset_t mask;

	pthread_mutex_lock(&task->gate);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	task->blocked = sigismember(&mask, SIGTERM) &&
			sigismember(&mask, SIGUSR1);
	task->by = pthread_self();
	task->done++;
	pthread_mutex_unlock(&task->gate);
}

static struct rp_worker *open_one(void)
{
	struct rp_err err = { 0 };
	struct rp_worker *worker;

	assert_int_equal(rp_worker_open(&worker, NULL, &err), 0);
	assert_true(rp_worker_idle(worker));
	return worker;
}

static void test_it_does_it(void **state)
{
	struct task task = { .gate = PTHREAD_MUTEX_INITIALIZER };
	struct rp_worker *worker = open_one();
	sigset_t mask;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		pthread_mutex_lock(&task.gate);
		rp_worker_give(worker, look, &task);
		assert_false(rp_worker_idle(worker));
		assert_int_equal(task.done, i - 1);
		pthread_mutex_unlock(&task.gate);
		rp_worker_wait(worker);
		assert_true(rp_worker_idle(worker));
		assert_int_equal(task.done, i);
	}
	assert_true(task.blocked);
	assert_false(pthread_equal(task.by, pthread_self()));
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM));
	rp_worker_close(worker);
}

/* What it was given is done before it ends. */
static void test_close_waits(void **state)
{
	struct task task = { .gate = PTHREAD_MUTEX_INITIALIZER };
	struct rp_worker *worker = open_one();

	(void)state;
	rp_worker_give(worker, look, &task);
	rp_worker_close(worker);
	assert_int_equal(task.done, 1);
}

static void test_none(void **state)
{
	(void)state;
	assert_true(rp_worker_idle(NULL));
	rp_worker_wait(NULL);
	rp_worker_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_does_it),
		cmocka_unit_test(test_close_waits),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
