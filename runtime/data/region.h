/*
 * data/region.h - what a rank has registered, sorted by name
 *
 * A region is private memory, a box of a global array, or a file that the
 * program writes itself. Ranks that registered the same names have them in the
 * same order, whatever the order of their calls.
 */
#ifndef RP_DATA_REGION_H
#define RP_DATA_REGION_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

enum rp_kind { RP_PRIVATE = 0, RP_ARRAY = 1, RP_FILE = 2 };

struct rp_region {
	char *name;
	enum rp_kind kind;
	/* memory: private regions are arrays of one dimension */
	void *data;
	enum rally_type type;
	int ndim;
	int64_t shape[RALLY_MAX_DIMS];	/* global */
	int64_t start[RALLY_MAX_DIMS];	/* this rank's box */
	int64_t local[RALLY_MAX_DIMS];
	uint64_t bytes;			/* of the box */
	int owns;			/* the part of the box that this rank
					   answers for is declared: */
	int64_t own_start[RALLY_MAX_DIMS], own_local[RALLY_MAX_DIMS];
	/* An array that every rank holds all of, at `whole`: the box is the slice of
	 * it that this rank stores, and `data` its memory; a restore fills all. */
	int replicated;
	void *whole;
	int optional;			/* a checkpoint may lack it */
	/* file */
	enum rally_file_scope scope;
	rally_file_fn *fn;
	void *arg;
};

/* `devices` tells which of them are on a GPU, NULL: none. */
struct rp_devices;
struct rp_regions {
	struct rp_region *v;
	size_t n;
	uint64_t layout;	/* another one each time that a name, type, shape or
				   box changes; memory may move */
	uint64_t bytes;			/* of their memory */
	struct rp_devices *devices;	/* sys/device.h; borrowed */
};

/* Fill a region from the arguments of rally_add(), rally_add_array() and
 * rally_file(), which they check. The name is borrowed. */
int rp_region_private(struct rp_region *region, const char *name, void *data,
		      enum rally_type type, size_t count, struct rp_err *err);
int rp_region_array(struct rp_region *region, const char *name, void *data,
		    enum rally_type type, int ndim, const int64_t *global,
		    const int64_t *start, const int64_t *local,
		    struct rp_err *err);
int rp_region_file(struct rp_region *region, const char *name,
		   enum rally_file_scope scope, rally_file_fn *fn, void *arg,
		   struct rp_err *err);

/* 0 where `name` may name a region, else RALLY_EARG and the reason. */
int rp_region_check_name(const char *name, struct rp_err *err);

/* Adds a copy, in place of one of the same name. What was declared of that stays:
 * that it is optional, and of a box that is the same who owns what. */
int rp_regions_put(struct rp_regions *regions, const struct rp_region *region,
		   struct rp_err *err);

/* Takes one out: 0, or RALLY_EABSENT. */
int rp_regions_drop(struct rp_regions *regions, const char *name,
		    struct rp_err *err);

struct rp_region *rp_regions_find(const struct rp_regions *regions,
				  const char *name);

/* Bytes of memory registered. */
uint64_t rp_regions_bytes(const struct rp_regions *regions);

/* What must be the same on all ranks (arrays with type and global shape, files
 * with scope), as text for people and to compare; the caller's, NULL without
 * memory. */
char *rp_regions_common(const struct rp_regions *regions);

void rp_regions_free(struct rp_regions *regions);

#endif
