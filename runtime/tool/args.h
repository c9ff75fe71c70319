/*
 * tool/args.h - the command line of a subcommand
 */
#ifndef RP_TOOL_ARGS_H
#define RP_TOOL_ARGS_H

#include <stdint.h>

#include "base/err.h"

/* What a subcommand takes. */
enum rp_takes {
	RP_TAKES_DIR = 1,	/* DIR, which must be there */
	RP_TAKES_SEQ = 2,	/* [SEQ] behind it */
	RP_TAKES_PRUNE = 4,	/* --keep K, --keep-every N, --dry-run,
				   --verify */
};

struct rp_args {
	const char *dir;
	const char *which;	/* a sequence or a checkpoint's name, or NULL */
	int64_t keep, keep_every;	/* 0: not given */
	int json, help, dry_run, verify;
};

/* Parses argv[1..] in any order. -1 with a sentence in err (of code
 * RALLY_EARG) where it is not the usage of this subcommand. */
int rp_args_parse(struct rp_args *args, int takes, int argc, char **argv,
		  struct rp_err *err);

#endif
