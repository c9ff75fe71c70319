/*
 * sys/worker.h - one helper thread, and what it is given to do
 *
 *     rp_worker_open(&worker, beside, &err);
 *     rp_worker_give(worker, write_it, &what);    returns at once
 *     ... rp_worker_idle(worker) tells whether it is through ...
 *     rp_worker_wait(worker);
 *     rp_worker_close(worker);
 *
 * The thread has all signals blocked: they belong to the program's. What it is
 * given may not call MPI. Whatever the giving thread wrote before is seen by it,
 * and what it wrote is seen by who found it idle. Only one thread may give and
 * wait.
 */
#ifndef RP_SYS_WORKER_H
#define RP_SYS_WORKER_H

#include "base/err.h"
#include "sys/shard_io.h"

struct rp_worker;

/* Starts the thread, on the core of `beside` where that is known (NULL: where this
 * thread may run). On success `*worker` is the caller's.
 * Errors: RALLY_ENOMEM, also where no thread can be had. */
int rp_worker_open(struct rp_worker **worker, const struct rp_beside *beside,
		   struct rp_err *err);

/* Waits, ends the thread and frees. NULL is allowed. */
void rp_worker_close(struct rp_worker *worker);

/* Has the thread call fn(arg). It must be idle. */
void rp_worker_give(struct rp_worker *worker, void (*fn)(void *arg), void *arg);

/* 1 where it has nothing to do. NULL has nothing to do. */
int rp_worker_idle(const struct rp_worker *worker);
void rp_worker_wait(struct rp_worker *worker);

#endif
