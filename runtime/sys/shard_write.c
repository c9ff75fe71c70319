#include "sys/shard_io.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/file.h"
#include "data/shard.h"
#include "sys/shard_job.h"
#include "sys/topo.h"

/*
 * What has not changed is not written: block by block, hash first
 */

/* Sets *done where the block is in the new file now. Whatever is wrong with the old
 * one, it is written instead. */
static int share_block(struct rp_shard_job *job, int from, uint64_t at, size_t size,
		       int *done)
{
	uint64_t i = at / RP_HASH_BLOCK;
	int64_t where = rp_shard_base_find(job->base, job->regions, i,
					   job->table + i * RP_HASH_BYTES);
	int rc;

	*done = 0;
	if (where < 0)
		return 0;
	rc = rp_out_clone(job->out, from, where, size, done, job->err);
	if (rc != 0)
		return rc;
	if (*done > 0) {
		job->base->shared += size;
	} else {
		job->base->refused = *done < 0;
		rp_shard_base_forget(job->base);
	}
	return 0;
}

static int write_changed(struct rp_shard_job *job, struct rp_hasher *hasher, int from)
{
	struct rp_shard_cursor hashed = { 0, 0 }, written = { 0, 0 };
	uint64_t total = job->shard->hashed_bytes;
	int rc = 0;

	while (rc == 0 && hashed.at < total) {
		uint64_t at = hashed.at, end = at + RP_HASH_BLOCK;
		int done = 0;

		end = end < total ? end : total;
		rc = rp_shard_walk_on(job, &hashed, end, hasher, rp_shard_hash_step);
		if (rc == 0)
			rc = share_block(job, from, at, (size_t)(end - at),
					 &done);
		if (rc == 0 && done > 0) {
			rp_progress_add(job->progress, end - at);
			written = hashed;
		} else if (rc == 0) {
			rc = rp_shard_walk_on(job, &written, end, NULL, rp_shard_write_step);
		}
	}
	return rc;
}

/* The file of the base, or -1: it is gone, or there is none, and all is written. */
static int open_base(struct rp_shard_job *job)
{
	int64_t length;

	if (!job->base)
		return -1;
	job->base->shared = 0;
	if (!job->base->path || job->base->refused ||
	    job->base->now.layout != job->regions->layout)
		return -1;
	return rp_open_read(job->io, job->base->path, &length, NULL);
}

/*
 * Hash and write of all of it
 */

struct hashing {
	struct rp_shard_job *job;
	struct rp_hasher *hasher;
	const struct rp_beside *beside;
};

/* Only for what is going to be a file: a save that is given up has to end soon. */
static int hash_beside(struct rp_shard_job *job, struct rp_hasher *hasher,
		       const unsigned char *data, size_t size, uint64_t at,
		       size_t *taken)
{
	if (atomic_load_explicit(&job->failed, memory_order_relaxed))
		return -1;
	return rp_shard_hash_step(job, hasher, data,
				  size < RP_HASH_BLOCK ? size : RP_HASH_BLOCK, at,
				  taken);
}

static void *hash_thread(void *arg)
{
	struct hashing *hashing = arg;

	if (hashing->beside->core >= 0)
		(void)rp_topo_bind_thread(hashing->beside->topo,
					  hashing->beside->core, NULL);
	rp_shard_walk(hashing->job, hashing->hasher, hash_beside);
	return NULL;
}

/* The thread gets no signals: they belong to the program's. */
static int start_thread(pthread_t *thread, struct hashing *hashing)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(thread, NULL, hash_thread, hashing);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

/* What is on a GPU begins to be copied with the first step, in the shard's order. */
static int open_download(struct rp_shard_job *job)
{
	const struct rp_shard *s = job->shard;
	struct rp_devices *devices = job->regions->devices;
	size_t n = 0;

	job->order = calloc(s->n + 1, sizeof(*job->order));
	if (!job->order)
		return rp_fail(job->err, RALLY_ENOMEM, "%s: no memory",
			       job->path);
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].region >= 0 &&
		    rp_devices_hold(devices, (size_t)s->v[i].region))
			job->order[n++] = (size_t)s->v[i].region;
	if (n == 0)
		return 0;
	if (job->base && !(job->block = malloc(RP_HASH_BLOCK)))
		return rp_fail(job->err, RALLY_ENOMEM, "%s: no memory",
			       job->path);
	job->down = rp_download_open(devices, job->order, n, job->err);
	return job->down ? 0 : job->err->code;
}

/* Hash and write read the same memory, and the table is written last: beside a
 * free core neither waits for the other. What comes from a GPU is there for one
 * of them to see at a time, and its copies are what goes on beside. */
static int write_hashed_part(struct rp_shard_job *job, const struct rp_beside *beside)
{
	struct hashing hashing = { job, rp_hasher_new(), beside };
	int base = open_base(job);
	pthread_t thread;
	int rc;

	if (!hashing.hasher) {
		rc = rp_fail(job->err, RALLY_ENOMEM, "%s: no memory", job->path);
	} else if (base >= 0) {
		rc = write_changed(job, hashing.hasher, base);
	} else if (beside && !job->down &&
		   start_thread(&thread, &hashing) == 0) {
		rc = rp_shard_walk(job, NULL, rp_shard_write_step);
		atomic_store(&job->failed, rc != 0);
		pthread_join(thread, NULL);
	} else {
		rc = rp_shard_walk(job, hashing.hasher, rp_shard_write_step);
	}
	rp_hasher_free(hashing.hasher);
	if (base >= 0)
		rp_close_read(job->io, base);
	return rc;
}

static int write_shard(struct rp_shard_job *job, const struct rp_beside *beside)
{
	int rc = rp_out_put(job->out, job->header, job->shard->header_bytes,
			    job->err);

	if (rc == 0)
		rc = write_hashed_part(job, beside);
	if (rc == 0)
		rc = rp_out_put(job->out, job->table, job->tail_bytes,
				job->err);
	return rc;
}

static int sum_up(const struct rp_shard_job *job, struct rp_shard_sum *sum)
{
	struct rp_hasher *hasher = rp_hasher_new();

	if (!hasher)
		return rp_fail(job->err, RALLY_ENOMEM, "%s: no memory",
			       job->path);
	sum->bytes = job->shard->header_bytes + job->shard->data_bytes;
	sum->content = rp_hash_of(job->table, job->table_bytes);
	rp_hasher_update(hasher, job->header, job->shard->header_bytes);
	rp_hasher_update(hasher, job->table, job->tail_bytes);
	sum->hash = rp_hasher_final(hasher);
	rp_hasher_free(hasher);
	return 0;
}

static int prepare(struct rp_shard_job *job, struct rp_layout *layout, int rank,
		   int ranks, int64_t step)
{
	struct rp_shard *s = rp_layout_take(layout, job->regions, rank, ranks,
					    step, job->err);

	job->shard = s;
	if (!s)
		return job->err->code;
	job->header = rp_shard_encode(s, job->regions, job->err);
	if (!job->header)
		return job->err->code;
	job->tail_bytes = (size_t)(s->data_bytes - s->hashed_bytes);
	job->table_bytes = (size_t)rp_hash_blocks(s->hashed_bytes) *
			   RP_HASH_BYTES;
	job->table = calloc(1, job->tail_bytes + 1);
	if (!job->table)
		return rp_fail(job->err, RALLY_ENOMEM, "%s: no memory",
			       job->path);
	rp_progress_begin(job->progress, s->hashed_bytes);
	return 0;
}

int rp_shard_write(struct rp_io *io, const char *path,
		   const struct rp_regions *regions, int rank, int ranks,
		   int64_t step, const struct rp_shard_how *how,
		   struct rp_progress *progress, struct rp_shard_sum *sum,
		   struct rp_err *err)
{
	struct rp_shard_how plain = { .direct = RP_AUTO };
	struct rp_layout once = { .made = 0 };
	struct rp_err own = { 0 };
	struct rp_shard_job job = { .io = io, .path = path, .regions = regions,
			   .progress = progress, .err = err ? err : &own };
	int rc;

	err = job.err;
	how = how ? how : &plain;
	job.base = how->base;
	job.lend = how->lend;
	rc = prepare(&job, how->layout ? how->layout : &once, rank, ranks, step);
	if (rc == 0) {
		job.out = rp_out_create(io, path, job.shard->header_bytes +
					job.shard->data_bytes, &how->reuse,
					how->direct, how->staging, err);
		rc = job.out ? open_download(&job) : err->code;
		if (rc == 0)
			rc = write_shard(&job, how->beside);
		rp_download_close(job.down);
	}
	if (rc == 0) {
		rc = rp_out_finish(job.out, err);
		if (rc == 0)
			rc = sum_up(&job, sum);
		if (rc == 0 && job.base) {
			rp_shard_base_wrote(job.base, job.shard, regions,
					    job.table, job.table_bytes);
			job.table = NULL;
		}
	} else {
		rp_out_abandon(job.out);
	}
	free(job.order);
	free(job.block);
	free(job.header);
	free(job.table);
	rp_layout_free(&once);
	return rc;
}
