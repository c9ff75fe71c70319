/*
 * ours.c - the library's saves and restores, as the benchmarks call them
 */
#include "store.h"

#include <stdio.h>

rally_t *ours_open(struct store *store, const char *name, const char *keep)
{
	char path[PATH_SIZE];
	rally_t *rp;

	store_path(store, name, 0, path);
	rp = bench_open(MPI_COMM_WORLD, path);
	bench_rally(rp, rally_set(rp, "keep", keep));
	bench_rally(rp, rally_add(rp, "data", store->data, RALLY_U8,
				  store->size));
	return rp;
}

int ours_set(rally_t *rp, const char *key, const char *value)
{
	int rc = rally_set(rp, key, value);

	if (rc != 0 && rc != RALLY_EOPTION)
		bench_rally(rp, rc);
	return rc == 0;
}

double ours_save(struct store *store, void *arg)
{
	rally_t *rp = arg;
	double from;

	store_stamp(store, store->step + 1);
	bench_barrier();
	from = bench_now();
	bench_rally(rp, rally_save(rp, store->step));
	return store_span(from, bench_now());
}

/* Other bytes before it, so that it has something to do. */
double ours_restore(struct store *store, void *arg)
{
	rally_t *rp = arg;
	int64_t step = -1, saved = store->step;
	double from, took;
	int how;

	store_stamp(store, -1);
	store->step = saved;
	bench_barrier();
	from = bench_now();
	bench_rally(rp, rally_restore(rp, &step, &how));
	took = store_span(from, bench_now());
	if (step != saved || !store_is_stamped(store))
		bench_fail("restore");
	return took;
}

void ours_shard_of(const struct store *store, const rally_t *rp,
		   const char *name, int rank, int ranks, char path[PATH_SIZE])
{
	struct rally_status status;
	char folder[PATH_SIZE];

	bench_rally(NULL, rally_status(rp, &status));
	store_path(store, name, 0, folder);
	if (snprintf(path, PATH_SIZE,
		     "%s/%04d-step-%d/rank-%05d-of-%05d.safetensors", folder,
		     (int)status.sequence, (int)status.saved_step, rank,
		     ranks) >= PATH_SIZE)
		bench_fail(folder);
}

void ours_shard(const struct store *store, const rally_t *rp, const char *name,
		char path[PATH_SIZE])
{
	ours_shard_of(store, rp, name, store->bench->rank, store->bench->ranks,
		      path);
}
