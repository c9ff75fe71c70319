/*
 * save.c - durable saves beside the same bytes without a library
 */
#include "store.h"

#include <stdio.h>
#include <string.h>

#define FRESH "fresh"
#define PLACE "recycled"

enum { RAW_FRESH, OURS_FRESH, RAW_PLACE, OURS_PLACE, MPIIO, HDF5, WAYS };

/* What a way left behind goes before the next one: into fresh files means into a
 * folder that is empty, and nobody is to find the disk fuller than others. */
static void clear(struct store *store, struct way *way)
{
	char path[PATH_SIZE];

	(void)way;
	store_remove(store, MPIIO_FILE);
	store_remove(store, HDF5_FILE);
	store_path(store, FRESH, 0, path);
	if (store->bench->rank == 0)
		store_remove_checkpoints(path);
	bench_barrier();
}

/* The way of a folder whose shards are those of the checkpoint before the last. */
static int has_recycling(rally_t *rp)
{
	return ours_set(rp, "recycle", "yes");
}

void bench_save(const struct bench *bench, const char *where, const char *top)
{
	struct store store;
	struct way ways[WAYS] = {
		[RAW_FRESH] = { .stem = "raw_write", .tail = "fresh",
			.run = raw_write_fresh },
		[OURS_FRESH] = { .stem = "save", .tail = "fresh",
			.run = ours_save },
		[RAW_PLACE] = { .stem = "raw_write", .tail = "recycled",
			.run = raw_write_place },
		[OURS_PLACE] = { .stem = "save", .tail = "recycled",
			.run = ours_save },
		[MPIIO] = { .stem = "mpiio_write", .run = mpiio_write },
		[HDF5] = { .stem = "hdf5_write", .run = hdf5_write },
	};
	rally_t *fresh, *place;
	const char *extra;

	store_open(&store, bench, where, top);
	fresh = ours_open(&store, FRESH, "1000");
	ours_set(fresh, "recycle", "no");
	place = ours_open(&store, PLACE, "1");
	extra = has_recycling(place) ? "\"recycles\":true"
				     : "\"recycles\":false";
	ways[OURS_FRESH].arg = fresh;
	ways[OURS_PLACE].arg = place;
	/* Into files of the last checkpoint but one, of which there is none yet. */
	ours_save(&store, place);
	ours_save(&store, place);
	store_race(&store, ways, WAYS, clear);
	store_report(&store, &ways[RAW_FRESH], NULL, NULL);
	store_report(&store, &ways[RAW_PLACE], NULL, NULL);
	store_report(&store, &ways[OURS_FRESH], &ways[RAW_FRESH], NULL);
	store_report(&store, &ways[OURS_PLACE], &ways[RAW_PLACE], extra);
	store_report(&store, &ways[MPIIO], &ways[RAW_FRESH], NULL);
	store_report(&store, &ways[HDF5], &ways[RAW_FRESH], NULL);
	if (ways[HDF5].missing && bench->rank == 0)
		fprintf(stderr, "bench: hdf5_write_%s: left out, no parallel "
			"HDF5 (libhdf5-openmpi-dev) was there at configure\n",
			where);
	bench_rally(NULL, rally_close(fresh));
	bench_rally(NULL, rally_close(place));
	store_close(&store);
}
