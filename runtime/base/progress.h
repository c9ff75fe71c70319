/*
 * base/progress.h - where a transfer stands
 */
#ifndef RP_BASE_PROGRESS_H
#define RP_BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

/* Written by the thread that transfers, read by any. */
struct rp_progress {
	_Atomic uint64_t done, total;	/* bytes of this rank */
	void (*tick)(void *arg);	/* called now and then, or NULL */
	void *arg;
};

static inline void rp_progress_begin(struct rp_progress *progress,
				     uint64_t total)
{
	if (!progress)
		return;
	atomic_store(&progress->done, 0);
	atomic_store(&progress->total, total);
}

/* More is to come than was said. */
static inline void rp_progress_extend(struct rp_progress *progress,
				      uint64_t bytes)
{
	if (progress)
		atomic_fetch_add(&progress->total, bytes);
}

static inline void rp_progress_add(struct rp_progress *progress,
				   uint64_t bytes)
{
	if (!progress)
		return;
	atomic_fetch_add_explicit(&progress->done, bytes,
				  memory_order_relaxed);
	if (progress->tick)
		progress->tick(progress->arg);
}

#endif
