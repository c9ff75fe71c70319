/*
 * store.h - what the benchmarks of saves and restores share
 *
 * All that are compared move the same bytes between the same memory and the same
 * folder, in turn: a round of all of them, then one in the opposite order, and so
 * on, after one for warmth. The time of one is from a barrier until the last rank is
 * through. What is cleared up between two of them is in nobody's time.
 */
#ifndef TESTS_BENCH_STORE_H
#define TESTS_BENCH_STORE_H

#include "bench.h"

#define PATH_SIZE 4400
#define RAW_REQUEST ((size_t)8 << 20)
#define RAW_DEPTH 8
#define RAW_FILES_MAX 64

struct store {
	const struct bench *bench;
	const char *where;	/* "disk" or "tmpfs" */
	char dir[4096];		/* of this benchmark alone */
	int direct;		/* O_DIRECT through io_uring can be had there */
	char *window;		/* raw's for O_DIRECT: its requests, huge pages */
	char *memory;		/* size and a little room, of a page's begin */
	char *data;		/* size bytes of it, the program's, 16 further on, as
				   malloc() has them (BENCH_OFFSET) */
	size_t size, room;	/* of this rank */
	int64_t total;		/* bytes of all ranks */
	int64_t step;		/* stamped into each page of the data */
};

/* One of those that are compared. `run` returns its seconds, or a negative number
 * where this system has not what it takes. */
struct way {
	const char *stem, *tail;	/* its line is STEM_WHERE_TAIL; NULL: no tail */
	double (*run)(struct store *store, void *arg);
	void *arg;
	double values[RUNS_MAX];	/* GB/s */
	int missing;
};

void store_open(struct store *store, const struct bench *bench,
		const char *where, const char *top);
void store_close(struct store *store);
/* Leaves the folder, for another launch. */
void store_leave(struct store *store);

/* Whether a part is asked for: BENCH_PARTS, where it is set, names those that are. */
int store_wants(const char *part);

/* Other bytes for each save; 1 where all of it has come back. */
void store_stamp(struct store *store, int64_t step);
int store_is_stamped(const struct store *store);

/* From the earliest rank's begin to the latest one's end; the clock is the node's. */
double store_span(double from, double to);

/* All ways in turn. `before` is called in front of each, untimed; NULL: nothing. */
void store_race(struct store *store, struct way *ways, int n,
		void (*before)(struct store *store, struct way *way));

/* The line of a way, against that of `base` (NULL: none). */
void store_report(const struct store *store, const struct way *way,
		  const struct way *base, const char *extra);

/* A file or folder below the store's, "" for itself, with this rank's number where
 * `mine`. */
void store_path(const struct store *store, const char *name, int mine,
		char path[PATH_SIZE]);
void store_remove(const struct store *store, const char *name);	/* rank 0 */
void store_remove_checkpoints(const char *folder);	/* all; by one rank */
void store_sync_folder(const char *path);

/* Out of the page cache, or into it; and what share of the file is in it. */
void store_evict(const char *path);
void store_load(struct store *store, const char *path);
double store_resident(const char *path);

/* The storage's own speed: see raw.c. */
double raw_write_fresh(struct store *store, void *arg);
double raw_write_place(struct store *store, void *arg);
struct raw_read {
	char (*paths)[PATH_SIZE];
	int n;			/* files, at most RAW_FILES_MAX */
	int share, shares;	/* of all their bytes: this rank's of so many */
	int direct;
};
double raw_read(struct store *store, void *arg);	/* of a struct raw_read */
int raw_takes_direct(const struct store *store);

/* This rank's part of an array of 8-byte elements, row-major. */
struct box {
	int64_t shape[2], start[2], local[2];
};

/* One shared file, written and read by all ranks together, of a struct box, or for
 * NULL of as many bytes by each: peer.c. */
double mpiio_write(struct store *store, void *arg);
double mpiio_read(struct store *store, void *arg);
double hdf5_write(struct store *store, void *arg);
double hdf5_read(struct store *store, void *arg);
#define MPIIO_FILE "mpiio"
#define HDF5_FILE "hdf5"

/* A handle on a folder of the store's, with the data registered, and one of its
 * saves. `keep` is the option. */
rally_t *ours_open(struct store *store, const char *name, const char *keep);
/* An option that this version may not have: 1 where it has. */
int ours_set(rally_t *rp, const char *key, const char *value);
double ours_save(struct store *store, void *arg);	/* of a handle */
double ours_restore(struct store *store, void *arg);
/* This rank's shard of the newest checkpoint in `name`, or the one of `rank`, written
 * by so many. */
void ours_shard_of(const struct store *store, const rally_t *rp,
		   const char *name, int rank, int ranks, char path[PATH_SIZE]);
void ours_shard(const struct store *store, const rally_t *rp, const char *name,
		char path[PATH_SIZE]);

#endif
