/*
 * tool/args.h - the command line of a subcommand
 */
#ifndef RP_TOOL_ARGS_H
#define RP_TOOL_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What a subcommand takes. */
enum rp_takes {
	RP_TAKES_DIR = 1,	/* DIR, which must be there */
	RP_TAKES_SEQ = 2,	/* [SEQ] behind it */
	RP_TAKES_PRUNE = 4,	/* --keep K, --keep-every N, --dry-run,
				   --verify */
	RP_TAKES_OTHER = 8,	/* a second DIR behind it */
	RP_TAKES_NAMES = 16,	/* [NAME...] behind these */
	RP_TAKES_OUT = 32,	/* -o OUT, which must be there, --force,
				   --private */
	RP_TAKES_RANK = 64,	/* --rank R */
	RP_TAKES_CHUNK = 128,	/* --chunk SIZE */
	RP_TAKES_NAME = 256,	/* one NAME behind these */
};

#define RP_CHUNK ((int64_t)64 << 20)	/* bytes: --chunk's default and ... */
#define RP_CHUNK_MIN ((int64_t)1 << 10)
#define RP_CHUNK_MAX ((int64_t)96 << 20)	/* ... bounds: beside it there is
						   what reading takes */

struct rp_args {
	const char *dir;
	const char *which;	/* a sequence or a checkpoint's name, or NULL */
	const char *other;
	char *const *names;
	size_t n_names;
	const char *out;
	int64_t keep, keep_every;	/* 0: not given */
	int64_t rank;			/* -1: not given */
	int64_t chunk;
	int json, help, dry_run, verify, force, private;
};

/* Parses argv[1..] in any order. -1 with a sentence in err (of code
 * RALLY_EARG) where it is not the usage of this subcommand. */
int rp_args_parse(struct rp_args *args, int takes, int argc, char **argv,
		  struct rp_err *err);

/* Whether a name is one of those given; without any all are. */
int rp_args_name(const struct rp_args *args, const char *name);

#endif
