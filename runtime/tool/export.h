/*
 * tool/export.h - one export, and the formats that it can be of
 *
 * An array is handed on in pieces, in row-major order and none twice, so that a format
 * can write them one behind the other.
 */
#ifndef RP_TOOL_EXPORT_H
#define RP_TOOL_EXPORT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tool/output.h"
#include "tool/read.h"
#include "tool/walk.h"

/* An item under the name that it gets: "T", "seeds.rank-00003". */
struct rp_export_item {
	const struct rp_item *item;
	char *name;
};

struct rp_export {
	struct rp_reading reading;
	struct rp_export_item *v;	/* sorted by name */
	size_t n;
	struct rp_output output;
	int fd;				/* the file that is being written, or -1 */
	uint64_t at;			/* bytes of it so far */
	void *own;			/* the format's */
};

/* Failures leave all to drop(), which is called in any case. */
struct rp_export_format {
	const char *name;
	const char *ending;		/* of files, ".npy" */
	enum rp_output_kind kind;
	/* Before anything is read: what it can't do. Also warns. */
	int (*check)(const struct rp_export *export, struct rp_err *err);
	int (*begin)(struct rp_export *export, struct rp_err *err);
	int (*array)(struct rp_export *export, const struct rp_export_item *item,
		     struct rp_err *err);
	int (*put)(struct rp_export *export, const struct rp_export_item *item,
		   const struct rp_walk *box, const void *data, size_t bytes,
		   struct rp_err *err);
	/* Behind the last array: all is complete and durable. */
	int (*finish)(struct rp_export *export, struct rp_err *err);
	void (*drop)(struct rp_export *export);
};

extern const struct rp_export_format rp_export_npy;
extern const struct rp_export_format rp_export_npy_folder;
extern const struct rp_export_format rp_export_safetensors;
extern const struct rp_export_format rp_export_h5;

/* What those share that write one behind the other. */
int rp_export_append(struct rp_export *export, const void *data, size_t bytes,
		     struct rp_err *err);
int rp_export_close(struct rp_export *export, struct rp_err *err);
void rp_export_drop(struct rp_export *export);

/* Where it came from ("checkpoint", "version", "job", "cause") and the program's own
 * strings as "meta.KEY", but no numbers: an object of strings, the caller's. NULL
 * without memory. */
json_t *rp_export_facts(const struct rp_export *export);

#endif
