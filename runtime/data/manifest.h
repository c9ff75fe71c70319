/*
 * data/manifest.h - manifest.json: what a checkpoint holds
 *
 * Each rank describes its shard and files in a *piece*; rank 0 puts all pieces
 * under one header. The same JSON travels between the ranks and stands in the
 * file. The last member, "checksum", is the XXH3-128 of all bytes before it:
 *
 *     { "format": 1, "sequence": 7, ..., "shards": [ piece, ... ]
 *     , "checksum": "5f..." }
 */
#ifndef RP_DATA_MANIFEST_H
#define RP_DATA_MANIFEST_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "data/region.h"

#define RP_MANIFEST_FORMAT 1
#define RP_MANIFEST_FILE "manifest.json"
#define RP_MANIFEST_MAX ((size_t)1 << 31)

/* A box of an array as it was stored; in manifests of before 0.1.0 also private
 * memory, which is the shard's to tell now: there may be a lot of it. */
struct rp_stored {
	char *name;
	enum rp_kind kind;		/* RP_ARRAY or RP_PRIVATE */
	enum rally_type type;
	int ndim;
	int64_t shape[RALLY_MAX_DIMS];	/* global */
	int64_t start[RALLY_MAX_DIMS];
	int64_t local[RALLY_MAX_DIMS];
	/* arrays */
	int owns;			/* as in struct rp_region */
	int64_t own_start[RALLY_MAX_DIMS];
	int64_t own_local[RALLY_MAX_DIMS];
	int replicated;			/* each rank had all of it */
};

/* A file that the program wrote itself. */
struct rp_stored_file {
	char *name;			/* as in rally_file() */
	enum rally_file_scope scope;
	uint64_t bytes;
	struct rp_hash hash;		/* of its block hashes */
};

struct rp_piece {
	int rank;
	uint64_t bytes;			/* of the shard */
	struct rp_hash hash;		/* of header, hash table and tail */
	struct rp_hash content;		/* of the hash table alone */
	struct rp_stored *regions;
	size_t n_regions;
	struct rp_stored_file *files;
	size_t n_files;
};

struct rp_manifest {
	int64_t sequence, step;
	int ranks;
	char *cause;			/* why it was saved */
	char *job;			/* Slurm's id, "" outside of Slurm */
	int64_t restart;		/* SLURM_RESTART_COUNT */
	char *version;			/* of the library that wrote it */
	int64_t time;			/* seconds since the epoch */
	int64_t elapsed_ns;		/* from the verdict to this manifest */
	uint64_t bytes;			/* shards and files */
	int64_t bandwidth;		/* bytes a second, of this save and those
					   before it; 0: an older version's */
	json_t *meta;			/* the program's strings, or NULL */
	struct rp_piece *pieces;	/* by rank, `ranks` of them */
};

/* A piece of the arrays of `rank`, its shard's hashes still to be filled in; files
 * are added with rp_piece_add_file(). */
int rp_piece_init(struct rp_piece *piece, const struct rp_regions *regions,
		  int rank, struct rp_err *err);
int rp_piece_add_file(struct rp_piece *piece, const char *name,
		      enum rally_file_scope scope, uint64_t bytes,
		      const struct rp_hash *hash, struct rp_err *err);
void rp_piece_free(struct rp_piece *piece);

/* One line of JSON, the caller's. */
char *rp_piece_encode(const struct rp_piece *piece, struct rp_err *err);
int rp_piece_decode(struct rp_piece *piece, const char *text, size_t size,
		    struct rp_err *err);

/* The manifest's bytes, checksum included, the caller's. EARG: they would be more than
 * RP_MANIFEST_MAX. */
char *rp_manifest_encode(const struct rp_manifest *manifest, size_t *size,
			 struct rp_err *err);

/* Reads and checks a manifest; `path` is for the sentence. Errors: ECORRUPT,
 * EVERSION, ENOMEM. */
int rp_manifest_decode(struct rp_manifest *manifest, const char *text,
		       size_t size, const char *path, struct rp_err *err);

/* What a rank (one of manifest->ranks) stored under a name, or NULL. */
const struct rp_stored *rp_manifest_find(const struct rp_manifest *manifest,
					 int rank, const char *name);

/* The relative path of a program's file inside a checkpoint, the caller's:
 * "files/NAME" or "files/rank-00003/NAME". */
char *rp_manifest_file_path(const char *name, enum rally_file_scope scope,
			    int rank);

void rp_manifest_free(struct rp_manifest *manifest);

#endif
