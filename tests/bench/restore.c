/*
 * restore.c - verified restores beside plain reads of the same files
 */
#include "store.h"

#include <stdio.h>
#include <string.h>

#define FOLDER "restore"

enum { RAW, RAW_DIRECT, OURS, MPIIO, HDF5, WAYS };

struct restore {
	struct store store;	/* first: store_race() passes it on */
	rally_t *rp;
	struct raw_read plain, direct;
	char shard[1][PATH_SIZE];
	double resident;	/* the most, or the least, that was seen */
	int no_hdf5;
};

static const char *file_of(struct restore *restore, const struct way *way,
			   char path[PATH_SIZE])
{
	if (strncmp(way->stem, "mpiio", 5) == 0)
		store_path(&restore->store, MPIIO_FILE, 0, path);
	else if (strncmp(way->stem, "hdf5", 4) == 0)
		store_path(&restore->store, HDF5_FILE, 0, path);
	else
		return restore->shard[0];
	return path;
}

static void make_cold(struct store *store, struct way *way)
{
	struct restore *restore = (struct restore *)store;
	char path[PATH_SIZE];
	const char *file = file_of(restore, way, path);
	double resident;

	store_evict(file);
	bench_barrier();
	resident = store_resident(file);
	if (resident > restore->resident)
		restore->resident = resident;
}

/* Into the cache where it is not: reading past it leaves it as it is. */
static void make_warm(struct store *store, struct way *way)
{
	struct restore *restore = (struct restore *)store;
	char path[PATH_SIZE];
	const char *file = file_of(restore, way, path);
	double resident = store_resident(file);

	if (resident < 1)
		store_load(store, file);
	bench_barrier();
	resident = store_resident(file);
	if (resident < restore->resident)
		restore->resident = resident;
}

/* Raw is the faster one of its two ways. */
static const struct way *better(const struct restore *restore,
				const struct way *ways)
{
	int runs = restore->store.bench->runs;

	if (ways[RAW_DIRECT].missing ||
	    bench_median(ways[RAW].values, runs) >
		    bench_median(ways[RAW_DIRECT].values, runs))
		return &ways[RAW];
	return &ways[RAW_DIRECT];
}

static void compare(struct restore *restore, const char *tail, int cold)
{
	struct way ways[WAYS] = {
		[RAW] = { .stem = "raw_read", .run = raw_read,
			  .arg = &restore->plain },
		[RAW_DIRECT] = { .stem = "raw_read_direct", .run = raw_read,
				 .arg = &restore->direct },
		[OURS] = { .stem = "restore", .run = ours_restore,
			   .arg = restore->rp },
		[MPIIO] = { .stem = "mpiio_read", .run = mpiio_read },
		[HDF5] = { .stem = "hdf5_read", .run = hdf5_read },
	};
	const struct way *base;
	char extra[80];

	for (int i = 0; i < WAYS; i++)
		ways[i].tail = tail;
	restore->resident = cold ? 0 : 1;
	ways[RAW_DIRECT].missing = !cold;
	ways[HDF5].missing = restore->no_hdf5;
	store_race(&restore->store, ways, WAYS, cold ? make_cold : make_warm);
	restore->resident = cold ? bench_slowest(restore->resident)
				 : -bench_slowest(-restore->resident);
	snprintf(extra, sizeof(extra), "\"in_page_cache\":%.3g",
		 restore->resident);
	base = better(restore, ways);
	store_report(&restore->store, &ways[RAW], NULL, NULL);
	store_report(&restore->store, &ways[RAW_DIRECT], NULL, NULL);
	for (int i = OURS; i < WAYS; i++)
		store_report(&restore->store, &ways[i], base,
			     i == OURS ? extra : NULL);
}

void bench_restore(const struct bench *bench, const char *where,
		   const char *top)
{
	struct restore restore;
	struct store *store = &restore.store;

	memset(&restore, 0, sizeof(restore));
	store_open(store, bench, where, top);
	restore.rp = ours_open(store, FOLDER, "1");
	ours_save(store, restore.rp);
	ours_shard(store, restore.rp, FOLDER, restore.shard[0]);
	restore.plain = (struct raw_read){ restore.shard, 1, 0, 1, 0 };
	restore.direct = (struct raw_read){ restore.shard, 1, 0, 1, 1 };
	mpiio_write(store, NULL);
	restore.no_hdf5 = hdf5_write(store, NULL) < 0;
	if (strcmp(where, "tmpfs") == 0) {
		compare(&restore, NULL, 0);
	} else {
		compare(&restore, "cold", 1);
		compare(&restore, "warm", 0);
	}
	bench_rally(NULL, rally_close(restore.rp));
	store_close(store);
}
