/*
 * reshard.c - restores on another number of ranks than the one that saved
 *
 * Two launches on one folder. The first saves an array on as many ranks as it has, as
 * a checkpoint and as the peers' files. The second reads it on as many as it has, in
 * turn with a plain read of the checkpoint's files, of whose bytes each rank has an
 * equal share, and with the peers, whose file is the whole array row by row. After
 * each, outside of its time, all elements are checked.
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "checkpoints"
#define STEP 1
#define COLUMNS 16384		/* rows of 128 KiB */
#define ELEMENT 8		/* bytes */

enum { RAW, RAW_DIRECT, OURS, MPIIO, HDF5, WAYS };

struct reshard {
	struct store store;	/* first: store_race() passes it on */
	struct bench bench;	/* with the size of this rank's box */
	const char *split;
	int from;		/* ranks that saved */
	int cold;
	struct box box;
	rally_t *rp;
	char shards[RAW_FILES_MAX][PATH_SIZE];
	double resident;	/* the most that was seen of a file */
	/* Bytes of the last restore: as the library counts them, and what the disk
	 * gave, as the kernel does. */
	struct count {
		double needed, read, storage;
	} count;
};

/*
 * The array
 */

static void cut(struct box *box, const char *split, int rank, int ranks)
{
	int grid[2] = { ranks, 1 }, place[2];

	if (strcmp(split, "columns") == 0) {
		grid[0] = 1;
		grid[1] = ranks;
	} else if (strcmp(split, "blocks") == 0) {
		grid[0] = grid[1] = 0;
		bench_mpi(MPI_Dims_create(ranks, 2, grid));
	} else if (strcmp(split, "rows") != 0) {
		bench_fail(split);
	}
	place[0] = rank / grid[1];
	place[1] = rank % grid[1];
	for (int i = 0; i < 2; i++) {
		int64_t end = box->shape[i] * (place[i] + 1) / grid[i];

		box->start[i] = box->shape[i] * place[i] / grid[i];
		box->local[i] = end - box->start[i];
	}
}

/* Each element tells where it belongs. */
static uint64_t element(const struct box *box, int64_t i, int64_t j)
{
	int64_t at = (box->start[0] + i) * box->shape[1] + box->start[1] + j;

	return (uint64_t)at * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static void fill(const struct reshard *reshard)
{
	const struct box *box = &reshard->box;
	char *at = reshard->store.data;

	for (int64_t i = 0; i < box->local[0]; i++)
		for (int64_t j = 0; j < box->local[1]; j++, at += ELEMENT) {
			uint64_t x = element(box, i, j);

			memcpy(at, &x, ELEMENT);
		}
}

static void check(const struct reshard *reshard)
{
	const struct box *box = &reshard->box;
	const char *at = reshard->store.data;
	uint64_t wrong = 0, x;

	for (int64_t i = 0; i < box->local[0]; i++)
		for (int64_t j = 0; j < box->local[1]; j++, at += ELEMENT) {
			memcpy(&x, at, ELEMENT);
			wrong |= x ^ element(box, i, j);
		}
	if (wrong)
		bench_fail("reshard: not what was saved");
}

/*
 * The ways
 */

/* Nothing of the run before is taken for this one's. */
static double checked(struct store *store, void *arg,
		      double (*run)(struct store *store, void *arg))
{
	double took;

	memset(store->data, 0, store->size);
	took = run(store, arg);
	if (took >= 0)
		check((struct reshard *)store);
	return took;
}

/* Read by this process and its threads; 0 where the kernel does not count. */
static double storage_bytes(void)
{
	FILE *file = fopen("/proc/self/io", "r");
	double bytes = 0;
	char line[80];

	while (file && fgets(line, sizeof(line), file))
		(void)sscanf(line, "read_bytes: %lf", &bytes);
	if (file)
		fclose(file);
	return bytes;
}

/* Of all ranks. */
static struct count count_bytes(rally_t *rp, double storage)
{
	struct rally_status status;
	double all[3];

	bench_rally(rp, rally_status(rp, &status));
	all[0] = (double)status.restored_needed;
	all[1] = (double)status.restored_read;
	all[2] = storage;
	bench_mpi(MPI_Allreduce(MPI_IN_PLACE, all, 3, MPI_DOUBLE, MPI_SUM,
				MPI_COMM_WORLD));
	return (struct count){ all[0], all[1], all[2] };
}

static double restore(struct store *store, void *arg)
{
	struct reshard *reshard = (struct reshard *)store;
	rally_t *rp = arg;
	int64_t step = -1;
	double from, took, before;
	int how;

	bench_barrier();
	before = storage_bytes();
	from = bench_now();
	bench_rally(rp, rally_restore(rp, &step, &how));
	took = store_span(from, bench_now());
	reshard->count = count_bytes(rp, storage_bytes() - before);
	if (how != RALLY_RESUMED || step != STEP)
		bench_fail("reshard: restore");
	return took;
}

static double run_restore(struct store *store, void *arg)
{
	return checked(store, arg, restore);
}

static double run_mpiio(struct store *store, void *arg)
{
	return checked(store, arg, mpiio_read);
}

static double run_hdf5(struct store *store, void *arg)
{
	return checked(store, arg, hdf5_read);
}

/*
 * Around them
 */

static void make_cold(struct reshard *reshard, const char *path)
{
	double resident;

	store_evict(path);
	resident = store_resident(path);
	if (resident > reshard->resident)
		reshard->resident = resident;
}

static void prepare(struct store *store, struct way *way)
{
	struct reshard *reshard = (struct reshard *)store;
	const struct bench *bench = store->bench;
	char path[PATH_SIZE];

	bench_barrier();
	if (!reshard->cold)
		return;
	if (way->run == run_mpiio || way->run == run_hdf5) {
		store_path(store, way->run == run_hdf5 ? HDF5_FILE : MPIIO_FILE,
			   0, path);
		if (bench->rank == 0)
			make_cold(reshard, path);
	} else {
		for (int i = bench->rank; i < reshard->from; i += bench->ranks)
			make_cold(reshard, reshard->shards[i]);
	}
	bench_barrier();
}

static void report(struct reshard *reshard, const struct way *ways)
{
	const struct store *store = &reshard->store;
	const struct bench *bench = store->bench;
	const struct way *raw = &ways[RAW];
	char common[200], extra[400];

	if (!ways[RAW_DIRECT].missing &&
	    bench_median(ways[RAW_DIRECT].values, bench->runs) >
		    bench_median(raw->values, bench->runs))
		raw = &ways[RAW_DIRECT];
	snprintf(common, sizeof(common), "\"from\":%d,\"to\":%d,"
		 "\"split\":\"%s\",\"where\":\"%s\",\"in_page_cache\":%.3g",
		 reshard->from, bench->ranks, reshard->split, store->where,
		 reshard->cold ? reshard->resident : 1);
	snprintf(extra, sizeof(extra), "%s,\"read_amplification\":%.5g,"
		 "\"from_storage\":%.4g", common,
		 reshard->count.read / reshard->count.needed,
		 reshard->count.storage / reshard->count.needed);
	for (int i = 0; i < WAYS; i++)
		if (!ways[i].missing)
			bench_line(bench, ways[i].stem, store->total,
				   ways[i].values, 1, "GB/s",
				   i < OURS ? NULL : raw->values, raw->stem,
				   i == OURS ? extra : common);
}

/* The one checkpoint there is; which files it has is known from a restore. */
static void find_shards(struct reshard *reshard)
{
	(void)run_restore(&reshard->store, reshard->rp);
	for (int i = 0; i < reshard->from; i++)
		ours_shard_of(&reshard->store, reshard->rp, FOLDER, i,
			      reshard->from, reshard->shards[i]);
}

static void compare(struct reshard *reshard)
{
	const struct bench *bench = reshard->store.bench;
	struct raw_read plain = { reshard->shards, reshard->from, bench->rank,
				  bench->ranks, 0 };
	struct raw_read direct = plain;
	struct way ways[WAYS] = {
		[RAW] = { .stem = "reshard_raw_read", .run = raw_read,
			  .arg = &plain },
		[RAW_DIRECT] = { .stem = "reshard_raw_read_direct",
				 .run = raw_read, .arg = &direct },
		[OURS] = { .stem = "reshard", .run = run_restore,
			   .arg = reshard->rp },
		[MPIIO] = { .stem = "reshard_mpiio", .run = run_mpiio,
			    .arg = &reshard->box },
		[HDF5] = { .stem = "reshard_hdf5", .run = run_hdf5,
			   .arg = &reshard->box },
	};

	direct.direct = 1;
	ways[RAW_DIRECT].missing = !reshard->store.direct;
	find_shards(reshard);
	store_race(&reshard->store, ways, WAYS, prepare);
	reshard->resident = bench_slowest(reshard->resident);
	report(reshard, ways);
}

static void save(struct reshard *reshard)
{
	fill(reshard);
	bench_rally(reshard->rp, rally_save(reshard->rp, STEP));
	mpiio_write(&reshard->store, &reshard->box);
	hdf5_write(&reshard->store, &reshard->box);
}

void bench_reshard(const struct bench *bench, const char *where,
		   const char *top, const struct bench_reshard *what)
{
	struct reshard *reshard = calloc(1, sizeof(*reshard));
	char folder[PATH_SIZE];
	struct box *box;

	if (!reshard || what->from < 1 || what->from > RAW_FILES_MAX)
		bench_fail("reshard");
	box = &reshard->box;
	box->shape[0] = (int64_t)bench->size / (COLUMNS * ELEMENT);
	box->shape[1] = COLUMNS;
	cut(box, what->split, bench->rank, bench->ranks);
	reshard->bench = *bench;
	reshard->bench.size = (size_t)(box->local[0] * box->local[1]) *
			      ELEMENT;
	reshard->split = what->split;
	reshard->from = what->from;
	reshard->cold = strcmp(where, "tmpfs") != 0;
	store_open(&reshard->store, &reshard->bench, where, top);
	store_path(&reshard->store, FOLDER, 0, folder);
	reshard->rp = bench_open(MPI_COMM_WORLD, folder);
	bench_rally(reshard->rp,
		    rally_add_array(reshard->rp, "field", reshard->store.data,
				    RALLY_U64, 2, box->shape, box->start,
				    box->local));
	if (what->restores)
		compare(reshard);
	else
		save(reshard);
	bench_rally(NULL, rally_close(reshard->rp));
	store_leave(&reshard->store);
	free(reshard);
}
