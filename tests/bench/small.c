/*
 * small.c - many small regions beside one large one, and the memory that a save
 *           takes
 */
#include "store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REGIONS 10000
#define REGION 1024

/* Two handles with the same bytes: in one as many regions, in one as one. */
static rally_t *open_regions(struct store *store, const char *folder, int regions)
{
	size_t bytes = (size_t)REGIONS * REGION / (size_t)regions;
	char path[PATH_SIZE], name[32];
	rally_t *rp;

	store_path(store, folder, 0, path);
	rp = bench_open(MPI_COMM_WORLD, path);
	for (int i = 0; i < regions; i++) {
		snprintf(name, sizeof(name), "region-%d", i);
		bench_rally(rp, rally_add(rp, name, store->data + (size_t)i * bytes,
					  RALLY_U8, bytes));
	}
	return rp;
}

void bench_small(const struct bench *bench, const char *where, const char *top)
{
	double many_s[RUNS_MAX], one_s[RUNS_MAX];
	struct bench sized = *bench;
	struct store store;
	rally_t *many, *one;
	char name[40], against[40];
	int64_t bytes = (int64_t)REGIONS * REGION * bench->ranks;

	sized.size = (size_t)REGIONS * REGION;
	store_open(&store, &sized, where, top);
	many = open_regions(&store, "many", REGIONS);
	one = open_regions(&store, "one", 1);
	for (int run = -1; run < bench->runs; run++) {
		int at = run < 0 ? 0 : run;

		if (run & 1)
			many_s[at] = ours_save(&store, many);
		one_s[at] = ours_save(&store, one);
		if (!(run & 1))
			many_s[at] = ours_save(&store, many);
	}
	snprintf(name, sizeof(name), "small_regions%s",
		 strcmp(where, "disk") == 0 ? "" : "_tmpfs");
	snprintf(against, sizeof(against), "one_region%s",
		 strcmp(where, "disk") == 0 ? "" : "_tmpfs");
	bench_line(bench, against, bytes, one_s, 1e3, "ms", NULL, NULL, NULL);
	bench_line(bench, name, bytes, many_s, 1e3, "ms", one_s, against,
		   "\"goal\":1.3");
	bench_rally(NULL, rally_close(many));
	bench_rally(NULL, rally_close(one));
	store_close(&store);
}

/*
 * Memory
 */

/* A line of /proc/self/status, in bytes. */
static double memory_of(const char *key)
{
	FILE *file = fopen("/proc/self/status", "r");
	double kib = -1;
	char line[200];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtod(line + strlen(key) + 1, NULL);
	if (file)
		fclose(file);
	if (kib < 0)
		bench_fail(key);
	return kib * 1024;
}

static void reset_peak(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);

	if (fd < 0 || write(fd, "5", 1) != 1)
		bench_fail("/proc/self/clear_refs");
	close(fd);
}

/* Before, there is all that the program has, the registered data and the open handle
 * included. The first save counts, which gets what the later ones keep. */
void bench_memory(const struct bench *bench, const char *where, const char *top)
{
	double peak[RUNS_MAX], bound[RUNS_MAX];
	struct store store;
	char extra[64], name[40];
	int has_bound = 0;

	store_open(&store, bench, where, top);
	for (int run = 0; run < bench->runs; run++) {
		rally_t *rp = ours_open(&store, "memory", "1");
		double before;

		has_bound = ours_set(rp, "memory", "64m");
		store_stamp(&store, store.step + 1);
		reset_peak();
		before = memory_of("VmRSS");
		ours_save(&store, rp);
		ours_save(&store, rp);
		peak[run] = bench_slowest(memory_of("VmHWM") - before);
		bound[run] = 64 << 20;
		bench_rally(NULL, rally_close(rp));
		store_remove(&store, "memory");
		bench_barrier();
	}
	snprintf(extra, sizeof(extra), "\"goal\":1,\"bound_set\":%s",
		 has_bound ? "true" : "false");
	snprintf(name, sizeof(name), "save_memory%s",
		 strcmp(where, "disk") == 0 ? "" : "_tmpfs");
	bench_line(bench, name, (int64_t)store.size * bench->ranks, peak,
		   1.0 / (1 << 20), "MiB", bound, "bound_64_mib", extra);
	store_close(&store);
}
