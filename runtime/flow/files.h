/*
 * flow/files.h - the files that the program writes itself, in a save and in a
 *                restore
 *
 * The program's functions are called on all ranks in the order of the names,
 * whatever failed before: they may use collective calls of the program's own.
 * Private files are sealed and verified by their rank, shared ones by the ranks
 * in turn.
 */
#ifndef RP_FLOW_FILES_H
#define RP_FLOW_FILES_H

#include "flow/handle.h"

/* Whether any file is registered. */
int rp_files_any(const struct rp_regions *regions);

/* Makes dir/files, for the folders of the ranks to be made in. Rank 0 only. */
int rp_files_begin(struct rally *rp, const char *dir);

/* Has the program write all files under the checkpoint `dir`. Errors are in
 * rp->err of this rank; the vote is the caller's. */
void rp_files_write(struct rally *rp, const char *dir, int64_t step);

/* Makes the part of `rank` of the files in `regions` durable and adds it to its
 * piece. Every rank must have written by then. Not collective. */
int rp_files_seal(struct rp_io *io, const char *dir,
		  const struct rp_regions *regions, int rank, int ranks,
		  struct rp_piece *piece, struct rp_err *err);

/* What a checkpoint holds of a file that is registered, or NULL; a private one of
 * another number of ranks: what any of them had. */
const struct rp_stored_file *rp_files_find(const struct rally *rp,
					   const struct rp_manifest *manifest,
					   const struct rp_region *region);

/* ELAYOUT where a file is not in the checkpoint, or is another number of ranks'. */
int rp_files_check(struct rally *rp, const char *dir,
		   const struct rp_manifest *manifest,
		   const struct rp_region *region);

/* Checks the next of the registered files against the manifest, if it is this
 * rank's to check, so that ranks can tell each other in between. 0 where there
 * was none left. Not collective. */
struct rp_files_walk {
	size_t next;
	int turn;	/* of the shared ones: the ranks in turn */
};
int rp_files_verify(struct rally *rp, const char *dir,
		    const struct rp_manifest *manifest,
		    struct rp_files_walk *walk);

/* Has the program read all files that are there; errors as in rp_files_write(). */
void rp_files_read(struct rally *rp, const char *dir,
		   const struct rp_manifest *manifest);

#endif
