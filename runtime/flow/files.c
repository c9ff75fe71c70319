#include "flow/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sys/shard_io.h"

int rp_files_any(const struct rp_regions *regions)
{
	for (size_t i = 0; i < regions->n; i++)
		if (regions->v[i].kind == RP_FILE)
			return 1;
	return 0;
}

/* Does `what` (makes, awaits, syncs) to a folder below a checkpoint: "files", or
 * the rank's own in it. */
typedef int dir_fn(struct rp_io *io, const char *path, struct rp_err *err);

static int with_dir_of(struct rp_io *io, int rank, const char *dir,
		       enum rally_file_scope scope, dir_fn *what,
		       struct rp_err *err)
{
	char *own = rp_manifest_file_path("", RALLY_FILE_PRIVATE, rank);
	char *path = own ? rp_path(dir, scope == RALLY_FILE_PRIVATE ? own
								    : "files")
			 : NULL;
	int rc = path ? what(io, path, err)
		      : rp_fail(err, RALLY_ENOMEM, "files: no memory");

	free(own);
	free(path);
	return rc;
}

static int with_dir(struct rally *rp, const char *dir,
		    enum rally_file_scope scope, dir_fn *what)
{
	return with_dir_of(&rp->io, rp->comm.rank, dir, scope, what, &rp->err);
}

int rp_files_begin(struct rally *rp, const char *dir)
{
	return with_dir(rp, dir, RALLY_FILE_SHARED, rp_mkdir);
}

/* The path of a file below a checkpoint; NULL with err set. */
static char *path_of(int rank, const char *dir, const struct rp_region *r,
		     struct rp_err *err)
{
	char *relative = rp_manifest_file_path(r->name, r->scope, rank);
	char *path = relative ? rp_path(dir, relative) : NULL;

	if (!path)
		rp_fail(err, RALLY_ENOMEM, "file '%s': no memory", r->name);
	free(relative);
	return path;
}

static void call(struct rally *rp, const char *dir, const struct rp_region *r,
		 enum rally_file_op op, int64_t step)
{
	char *path = path_of(rp->comm.rank, dir, r, &rp->err);
	char what[RALLY_MAX_NAME + 20];
	int answer;

	snprintf(what, sizeof(what), "file '%s'", r->name);
	rp->in_program = what;
	rp->agree.due = 0;	/* a safe point in there is to be noticed */
	answer = r->fn(path ? path : "", op, step, r->arg);
	rp->in_program = NULL;
	if (answer != 0)
		rp_fail(&rp->err, RALLY_EAPP,
			"the program's function for file '%s' returned %d",
			r->name, answer);
	free(path);
}

void rp_files_write(struct rally *rp, const char *dir, int64_t step)
{
	int own_dir = 0;

	/* Rank 0 made it a moment ago. */
	with_dir(rp, dir, RALLY_FILE_SHARED, rp_await_dir);
	for (size_t i = 0; i < rp->regions.n; i++) {
		const struct rp_region *r = &rp->regions.v[i];

		if (r->kind != RP_FILE)
			continue;
		if (r->scope == RALLY_FILE_PRIVATE && !own_dir++)
			with_dir(rp, dir, RALLY_FILE_PRIVATE, rp_mkdir);
		call(rp, dir, r, RALLY_FILE_WRITE, step);
	}
}

/* Whether a rank has to look after a file: each private one, and every ranks-th
 * shared one. */
static int is_mine(const struct rp_region *r, int rank, int ranks, int *turn)
{
	if (r->kind != RP_FILE)
		return 0;
	if (r->scope == RALLY_FILE_PRIVATE)
		return 1;
	return (*turn)++ % ranks == rank;
}

static int seal(struct rp_io *io, const char *path, const struct rp_region *r,
		struct rp_piece *piece, struct rp_err *err)
{
	struct rp_hash hash;
	uint64_t bytes;
	int rc = rp_file_seal(io, path, &bytes, &hash, err);

	if (rc == 0)
		rc = rp_piece_add_file(piece, r->name, r->scope, bytes, &hash,
				       err);
	return rc;
}

int rp_files_seal(struct rp_io *io, const char *dir,
		  const struct rp_regions *regions, int rank, int ranks,
		  struct rp_piece *piece, struct rp_err *err)
{
	int turn = 0, own = 0, rc = 0;

	for (size_t i = 0; rc == 0 && i < regions->n; i++) {
		const struct rp_region *r = &regions->v[i];
		char *path;

		if (!is_mine(r, rank, ranks, &turn))
			continue;
		own |= r->scope == RALLY_FILE_PRIVATE;
		path = path_of(rank, dir, r, err);
		rc = path ? seal(io, path, r, piece, err) : err->code;
		free(path);
	}
	/* Rank 0 syncs the shared one. */
	if (rc == 0 && own)
		rc = with_dir_of(io, rank, dir, RALLY_FILE_PRIVATE, rp_sync_dir,
				 err);
	return rc;
}

static const struct rp_stored_file *
find_in(const struct rp_piece *piece, const struct rp_region *r)
{
	for (size_t i = 0; i < piece->n_files; i++)
		if (piece->files[i].scope == r->scope &&
		    strcmp(piece->files[i].name, r->name) == 0)
			return &piece->files[i];
	return NULL;
}

/* A shared file is in the piece of whichever rank sealed it. */
const struct rp_stored_file *rp_files_find(const struct rally *rp,
					   const struct rp_manifest *m,
					   const struct rp_region *r)
{
	const struct rp_stored_file *found = NULL;

	if (r->scope == RALLY_FILE_PRIVATE && m->ranks == rp->comm.size)
		return find_in(&m->pieces[rp->comm.rank], r);
	for (int i = 0; !found && i < m->ranks; i++)
		found = find_in(&m->pieces[i], r);
	return found;
}

int rp_files_check(struct rally *rp, const char *dir,
		   const struct rp_manifest *m, const struct rp_region *r)
{
	if (!rp_files_find(rp, m, r))
		return rp_fail(&rp->err, RALLY_ELAYOUT,
			       "%s: there is no file '%s' in it", dir, r->name);
	if (r->scope == RALLY_FILE_PRIVATE && m->ranks != rp->comm.size)
		return rp_fail(&rp->err, RALLY_ELAYOUT,
			       "%s: file '%s' is a private one of each of the %d "
			       "ranks that wrote it, and these are %d: start as "
			       "many, or make it a shared file", dir, r->name,
			       m->ranks, rp->comm.size);
	return 0;
}

void rp_files_read(struct rally *rp, const char *dir,
		   const struct rp_manifest *m)
{
	for (size_t i = 0; i < rp->regions.n; i++) {
		const struct rp_region *r = &rp->regions.v[i];

		if (r->kind == RP_FILE && rp_files_find(rp, m, r))
			call(rp, dir, r, RALLY_FILE_READ, m->step);
	}
}

static void verify(struct rally *rp, const char *dir,
		   const struct rp_manifest *manifest,
		   const struct rp_region *r)
{
	const struct rp_stored_file *stored = rp_files_find(rp, manifest, r);
	char *path;

	/* It is optional, or the checkpoint would have been refused. */
	if (!stored)
		return;
	/* A link that was planted must not lead elsewhere. */
	if (with_dir(rp, dir, RALLY_FILE_SHARED, rp_await_dir) != 0 ||
	    (r->scope == RALLY_FILE_PRIVATE &&
	     with_dir(rp, dir, RALLY_FILE_PRIVATE, rp_await_dir) != 0))
		return;
	path = path_of(rp->comm.rank, dir, r, &rp->err);
	rp_progress_extend(&rp->progress, stored->bytes);
	if (path)
		rp_file_verify(&rp->io, path, stored->bytes, &stored->hash,
			       &rp->progress, &rp->err);
	free(path);
}

int rp_files_verify(struct rally *rp, const char *dir,
		    const struct rp_manifest *manifest,
		    struct rp_files_walk *walk)
{
	while (walk->next < rp->regions.n) {
		const struct rp_region *r = &rp->regions.v[walk->next++];

		if (r->kind != RP_FILE)
			continue;
		if (is_mine(r, rp->comm.rank, rp->comm.size, &walk->turn))
			verify(rp, dir, manifest, r);
		return 1;
	}
	return 0;
}
