/*
 * tool/check.h - whether a checkpoint is whole
 */
#ifndef RP_TOOL_CHECK_H
#define RP_TOOL_CHECK_H

#include <stddef.h>

#include "base/err.h"
#include "data/manifest.h"
#include "sys/folder.h"
#include "tool/bar.h"

/* Sentences, one a finding. */
struct rp_findings {
	char **v;
	size_t n;
};

struct rp_check {
	struct rp_findings bad;	/* what makes it useless */
	struct rp_findings odd;	/* what the manifest does not know of */
	int code;		/* the first failure's, 0: it is whole */
	int unreadable;		/* a failure that says nothing about the
				   checkpoint: permissions, the disk */
	int gone;		/* pruned while it was looked at */
	uint64_t bytes;		/* that the manifest counts */
	int ranks;
};

enum rp_depth {
	RP_CHECK_LENGTHS,	/* the manifest, and each file's length */
	RP_CHECK_BYTES,		/* every byte of every file */
};

/* Looks at all of it, also behind the first damage. Free in any case. Fails
 * only without memory; what is found is in `*check`. */
int rp_check_run(struct rp_check *check, const struct rp_ckpt *ckpt,
		 enum rp_depth depth, struct rp_bar *bar, struct rp_err *err);
void rp_check_free(struct rp_check *check);

#endif
