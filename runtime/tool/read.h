/*
 * tool/read.h - one checkpoint, opened to read what it holds
 *
 *     rc = rp_read_open(&reading, path, &err);
 *     item = rp_read_find(&reading, "T", RP_GLOBAL);
 *     rc = rp_read_box(&reading, item, start, local, memory, &err);
 *     rp_read_close(&reading);
 *
 * Global arrays are known by the manifest alone; what is private to a rank stands in
 * its shard's header, which is read when it is asked for.
 */
#ifndef RP_TOOL_READ_H
#define RP_TOOL_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/manifest.h"
#include "sys/folder.h"
#include "sys/source.h"

#define RP_GLOBAL (-1)

/* A global array, or what a rank has under a name. */
struct rp_item {
	char *name;
	int rank;		/* that it is private to, or RP_GLOBAL */
	int mixed;		/* an array whose type or shape differs between ranks */
	enum rally_type type;
	int ndim;
	int64_t shape[RALLY_MAX_DIMS];
	uint64_t bytes;
};

struct rp_reading {
	struct rp_ckpt ckpt;
	struct rp_manifest m;
	struct rp_source *source;
	struct rp_item *v;	/* by name, then rank */
	size_t n;
	int listed;		/* what is private is among them */
};

/* Opens what `path` stands for (tool/load.h), with its arrays. Close in any case. */
int rp_read_open(struct rp_reading *reading, const char *path,
		 struct rp_err *err);

/* Adds what is private to the ranks. Earlier items move. */
int rp_read_list_private(struct rp_reading *reading, struct rp_err *err);

/* The same, but only where that is needed to know all of these names, or, without any,
 * what there is. */
int rp_read_list_for(struct rp_reading *reading, char *const *names, size_t n,
		     struct rp_err *err);

/* NULL where nothing is stored under the name: that array, or of that rank. */
const struct rp_item *rp_read_find(const struct rp_reading *reading,
				   const char *name, int rank);

/* The first item of that name, of any kind, or NULL. */
const struct rp_item *rp_read_first(const struct rp_reading *reading,
				    const char *name);

/* Fills memory with a box of an item, each byte of it verified. */
int rp_read_box(struct rp_reading *reading, const struct rp_item *item,
		const int64_t *start, const int64_t *local, void *memory,
		struct rp_err *err);

/* RALLY_EABSENT, with what to do. */
int rp_read_absent(const struct rp_reading *reading, const char *name,
		   struct rp_err *err);

void rp_read_close(struct rp_reading *reading);

#endif
