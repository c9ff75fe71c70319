#include "sys/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sys/topo.h"

struct rp_worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;		/* of what follows */
	void (*fn)(void *arg);
	void *arg;
	int ends;
	atomic_int idle;		/* also read without the lock */
	struct rp_beside beside;
};

static void *work(void *arg)
{
	struct rp_worker *worker = arg;

	if (worker->beside.topo && worker->beside.core >= 0)
		(void)rp_topo_bind_thread(worker->beside.topo,
					  worker->beside.core, NULL);
	pthread_mutex_lock(&worker->lock);
	while (1) {
		while (atomic_load(&worker->idle) && !worker->ends)
			pthread_cond_wait(&worker->news, &worker->lock);
		if (atomic_load(&worker->idle))
			break;
		pthread_mutex_unlock(&worker->lock);
		worker->fn(worker->arg);
		pthread_mutex_lock(&worker->lock);
		atomic_store(&worker->idle, 1);
		pthread_cond_broadcast(&worker->news);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

static int start(struct rp_worker *worker)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&worker->thread, NULL, work, worker);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int rp_worker_open(struct rp_worker **out, const struct rp_beside *beside,
		   struct rp_err *err)
{
	struct rp_worker *worker = calloc(1, sizeof(*worker));
	int rc;

	*out = NULL;
	if (!worker)
		return rp_fail(err, RALLY_ENOMEM, "no memory");
	if (beside)
		worker->beside = *beside;
	atomic_store(&worker->idle, 1);
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->news, NULL);
	rc = start(worker);
	if (rc != 0) {
		pthread_cond_destroy(&worker->news);
		pthread_mutex_destroy(&worker->lock);
		free(worker);
		return rp_fail(err, RALLY_ENOMEM, "no thread can be had: %s",
			       strerror(rc));
	}
	*out = worker;
	return 0;
}

void rp_worker_close(struct rp_worker *worker)
{
	if (!worker)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->ends = 1;
	pthread_cond_broadcast(&worker->news);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	pthread_cond_destroy(&worker->news);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

void rp_worker_give(struct rp_worker *worker, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&worker->lock);
	worker->fn = fn;
	worker->arg = arg;
	atomic_store(&worker->idle, 0);
	pthread_cond_broadcast(&worker->news);
	pthread_mutex_unlock(&worker->lock);
}

int rp_worker_idle(const struct rp_worker *worker)
{
	return !worker || atomic_load(&worker->idle);
}

void rp_worker_wait(struct rp_worker *worker)
{
	if (!worker)
		return;
	pthread_mutex_lock(&worker->lock);
	while (!atomic_load(&worker->idle))
		pthread_cond_wait(&worker->news, &worker->lock);
	pthread_mutex_unlock(&worker->lock);
}
