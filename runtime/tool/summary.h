/*
 * tool/summary.h - what all ranks together have under each name
 */
#ifndef RP_TOOL_SUMMARY_H
#define RP_TOOL_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/manifest.h"

/* Memory under one name. The first rank's type and shape stand for all. */
struct rp_region_sum {
	const struct rp_stored *first;
	int mixed;		/* types differ between ranks */
	int ranks;		/* that have it */
	int boxes;		/* that have some of it: not empty */
	int64_t least, most;	/* elements of a rank */
	uint64_t bytes;		/* of all ranks */
};

/* Files under one name: one, or one a rank. */
struct rp_file_sum {
	const struct rp_stored_file *first;
	int count;
	uint64_t bytes;
};

/* Both live as long as the manifest. */
struct rp_summary {
	struct rp_region_sum *regions;	/* by name */
	size_t n_regions;
	struct rp_file_sum *files;	/* by name */
	size_t n_files;
};

/* Free in any case. */
int rp_summary_of(struct rp_summary *summary, const struct rp_manifest *m,
		  struct rp_err *err);
void rp_summary_free(struct rp_summary *summary);

#endif
