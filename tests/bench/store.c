/*
 * store.c - what store.h promises
 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u
#define ROOM ((size_t)8 << 20)	/* a shard is longer than its data */

int store_wants(const char *part)
{
	const char *parts = getenv("BENCH_PARTS");
	size_t length = strlen(part);

	for (const char *at = parts; at && *at; at += strspn(at, " ,")) {
		size_t n = strcspn(at, " ,");

		if (n == length && strncmp(at, part, n) == 0)
			return 1;
		at += n;
	}
	return !parts || !*parts;
}

/*
 * Data
 */

static void fill(char *data, size_t size, int rank)
{
	uint64_t x = UINT64_C(88172645463325252) + (unsigned)rank;

	for (size_t i = 0; i + 8 <= size; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(data + i, &x, 8);
	}
}

void store_stamp(struct store *store, int64_t step)
{
	for (size_t i = 0; i < store->size; i += PAGE)
		memcpy(store->data + i, &step, sizeof(step));
	store->step = step;
}

int store_is_stamped(const struct store *store)
{
	for (size_t i = 0; i < store->size; i += PAGE)
		if (memcmp(store->data + i, &store->step,
			   sizeof(store->step)) != 0)
			return 0;
	return 1;
}

#define WINDOW (RAW_DEPTH * RAW_REQUEST)

static int64_t total(size_t mine)
{
	int64_t all = (int64_t)mine;

	bench_mpi(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT64_T, MPI_SUM,
				MPI_COMM_WORLD));
	return all;
}

void store_open(struct store *store, const struct bench *bench,
		const char *where, const char *top)
{
	const char *offset = getenv("BENCH_OFFSET");

	memset(store, 0, sizeof(*store));
	store->bench = bench;
	store->where = where;
	store->size = bench->size;
	store->total = total(bench->size);
	store->room = bench->size + ROOM;
	snprintf(store->dir, sizeof(store->dir), "%s/store-%s", top, where);
	if (bench->rank == 0 && mkdir(store->dir, 0777) != 0 && errno != EEXIST)
		bench_fail(store->dir);
	bench_barrier();
	store->memory = mmap(NULL, store->room, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (store->memory == MAP_FAILED)
		bench_fail("mmap");
	store->window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (store->window == MAP_FAILED)
		bench_fail("mmap");
	(void)madvise(store->window, WINDOW, MADV_HUGEPAGE);
	memset(store->memory, 1, store->room);
	store->data = store->memory + (offset && *offset ? atoi(offset) : 16);
	fill(store->data, store->size, bench->rank);
	fill(store->window, WINDOW, bench->rank + 1000);
	store->direct = raw_takes_direct(store);
}

void store_leave(struct store *store)
{
	bench_barrier();
	munmap(store->memory, store->room);
	munmap(store->window, WINDOW);
}

void store_close(struct store *store)
{
	bench_barrier();
	store_remove(store, "");
	store_leave(store);
}

/*
 * Files
 */

void store_path(const struct store *store, const char *name, int mine,
		char path[PATH_SIZE])
{
	if (mine)
		snprintf(path, PATH_SIZE, "%s/%s-%d", store->dir, name,
			 store->bench->rank);
	else
		snprintf(path, PATH_SIZE, "%s%s%s", store->dir,
			 *name ? "/" : "", name);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void store_remove(const struct store *store, const char *name)
{
	char path[PATH_SIZE];

	if (store->bench->rank != 0)
		return;
	store_path(store, name, 0, path);
	if (access(path, F_OK) == 0 &&
	    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		bench_fail(path);
}

/* The library's own files in the folder stay. */
void store_remove_checkpoints(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[PATH_SIZE + 300];

	while (dir && (entry = readdir(dir)) != NULL) {
		if (!strstr(entry->d_name, "-step-"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
			bench_fail(path);
	}
	if (dir)
		closedir(dir);
}

void store_sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || fsync(fd) != 0)
		bench_fail(path);
	close(fd);
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		bench_fail(path);
	return fd;
}

/* Only what is on the disk already can leave the cache. */
void store_evict(const char *path)
{
	int fd = open_file(path);

	if (fsync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		bench_fail(path);
	close(fd);
}

void store_load(struct store *store, const char *path)
{
	size_t piece = (size_t)1 << 20, at = 0;
	char *scratch = store->memory + store->room - piece;
	int fd = open_file(path);
	ssize_t n;

	while ((n = pread(fd, scratch, piece, (off_t)at)) > 0)
		at += (size_t)n;
	close(fd);
}

double store_resident(const char *path)
{
	int fd = open_file(path);
	unsigned char *there;
	size_t pages, n = 0;
	struct stat st;
	void *map;

	if (fstat(fd, &st) != 0)
		bench_fail(path);
	pages = ((size_t)st.st_size + PAGE - 1) / PAGE;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	there = malloc(pages);
	if (map == MAP_FAILED || !there ||
	    mincore(map, (size_t)st.st_size, there) != 0)
		bench_fail("mincore");
	for (size_t i = 0; i < pages; i++)
		n += there[i] & 1;
	munmap(map, (size_t)st.st_size);
	free(there);
	close(fd);
	return (double)n / (double)pages;
}

/*
 * The race
 */

double store_span(double from, double to)
{
	double mine[2] = { -from, to }, all[2];

	bench_mpi(MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_MAX,
				MPI_COMM_WORLD));
	return all[1] + all[0];
}

static void run_way(struct store *store, struct way *way, int run,
		    void (*before)(struct store *store, struct way *way))
{
	double seconds;

	if (way->missing)
		return;
	if (before)
		before(store, way);
	seconds = way->run(store, way->arg);
	way->missing = seconds < 0;
	way->values[run < 0 ? 0 : run] = (double)store->total / seconds / 1e9;
}

void store_race(struct store *store, struct way *ways, int n,
		void (*before)(struct store *store, struct way *way))
{
	for (int run = -1; run < store->bench->runs; run++)
		for (int i = 0; i < n; i++)
			run_way(store, &ways[run & 1 ? n - 1 - i : i], run,
				before);
}

static void name_way(const struct store *store, const struct way *way,
		     char *name, size_t size)
{
	snprintf(name, size, "%s_%s%s%s", way->stem, store->where,
		 way->tail ? "_" : "", way->tail ? way->tail : "");
}

void store_report(const struct store *store, const struct way *way,
		  const struct way *base, const char *extra)
{
	char name[80], against[80] = "";

	if (way->missing)
		return;
	name_way(store, way, name, sizeof(name));
	if (base)
		name_way(store, base, against, sizeof(against));
	bench_line(store->bench, name, store->total, way->values, 1, "GB/s",
		   base ? base->values : NULL, against, extra);
}
