/*
 * tool/diff.h - what two checkpoints have in common, and what not
 */
#ifndef RP_TOOL_DIFF_H
#define RP_TOOL_DIFF_H

#include <stddef.h>

#include "base/err.h"
#include "tool/args.h"
#include "tool/compare.h"
#include "tool/read.h"

enum rp_diff_state {
	RP_SAME_HASH,		/* no data were read */
	RP_SAME_VALUES,
	RP_DIFFERENT,
	RP_ONLY_A,
	RP_ONLY_B,
	RP_OTHER_LAYOUT,	/* another type or shape */
	RP_NOT_COMPARED,	/* private, and the numbers of ranks differ */
};

/* An array, or what one rank has under a name, or a file of the program's: then
 * both items are NULL. */
struct rp_diff_entry {
	const char *name;
	int rank;		/* RP_GLOBAL: an array, or a shared file */
	enum rp_diff_state state;
	const struct rp_item *a, *b;
	struct rp_difference difference;
};

struct rp_diff {
	struct rp_reading a, b;
	struct rp_diff_entry *v;
	size_t n, room;
	signed char *shards;	/* by rank: 1 the same, 0 not, -1 not known; NULL
				   where the numbers of ranks differ */
};

/* Whether it makes the two checkpoints different ones. */
int rp_diff_counts(const struct rp_diff_entry *entry);

/* Appends; NULL without memory, which is told in err. */
struct rp_diff_entry *rp_diff_add(struct rp_diff *diff, const char *name, int rank,
				  enum rp_diff_state state, struct rp_err *err);

/* tool/diff_hash.c: what the hashes alone tell. All boxes of an item lie in the same
 * places of both, and those that meet `part` (start, local; NULL: all) in shards that
 * are the same. -1 on an error. */
int rp_diff_same_hash(struct rp_diff *diff, const struct rp_item *item,
		      const int64_t *start, const int64_t *local,
		      struct rp_err *err);
int rp_diff_files(struct rp_diff *diff, const struct rp_args *args,
		  struct rp_err *err);

/* tool/diff_report.c: prints. */
int rp_diff_report(const struct rp_diff *diff, int json, struct rp_err *err);

#endif
