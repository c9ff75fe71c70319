#include "flow/files.h"

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

static int make_dir(const char *dir, const char *name, struct rp_err *err)
{
	char *path = rp_path(dir, name);
	int rc = path ? rp_mkdir(path, err)
		      : rp_fail(err, RALLY_ENOMEM, "mkdir: no memory");

	free(path);
	return rc;
}

int rp_files_begin(const char *dir, struct rp_err *err)
{
	return make_dir(dir, "files", err);
}

/* The path of a file below a checkpoint; NULL with rp->err set. */
static char *path_of(struct rally *rp, const char *dir,
		     const struct rp_region *r)
{
	char *relative = rp_manifest_file_path(r->name, r->scope,
					       rp->comm.rank);
	char *path = relative ? rp_path(dir, relative) : NULL;

	if (!path)
		rp_fail(&rp->err, RALLY_ENOMEM, "file '%s': no memory",
			r->name);
	free(relative);
	return path;
}

/* "files/rank-00003", once for all private files of this rank. */
static void make_own_dir(struct rally *rp, const char *dir)
{
	char *relative = rp_manifest_file_path("", RALLY_FILE_PRIVATE,
					       rp->comm.rank);

	if (relative)
		make_dir(dir, relative, &rp->err);
	else
		rp_fail(&rp->err, RALLY_ENOMEM, "files: no memory");
	free(relative);
}

static void call(struct rally *rp, const char *dir, const struct rp_region *r,
		 enum rally_file_op op, int64_t step)
{
	char *path = path_of(rp, dir, r);
	int answer = r->fn(path ? path : "", op, step, r->arg);

	if (answer != 0)
		rp_fail(&rp->err, RALLY_EAPP,
			"the program's function for file '%s' returned %d",
			r->name, answer);
	free(path);
}

void rp_files_write(struct rally *rp, const char *dir, int64_t step)
{
	int own_dir = 0;

	for (size_t i = 0; i < rp->regions.n; i++) {
		const struct rp_region *r = &rp->regions.v[i];

		if (r->kind != RP_FILE)
			continue;
		if (r->scope == RALLY_FILE_PRIVATE && !own_dir++)
			make_own_dir(rp, dir);
		call(rp, dir, r, RALLY_FILE_WRITE, step);
	}
}

void rp_files_read(struct rally *rp, const char *dir, int64_t step)
{
	for (size_t i = 0; i < rp->regions.n; i++)
		if (rp->regions.v[i].kind == RP_FILE)
			call(rp, dir, &rp->regions.v[i], RALLY_FILE_READ,
			     step);
}

/* Whether this rank has to look after a file: each private one, and every
 * comm.size-th shared one. */
static int is_mine(const struct rally *rp, const struct rp_region *r,
		   int *turn)
{
	if (r->kind != RP_FILE)
		return 0;
	if (r->scope == RALLY_FILE_PRIVATE)
		return 1;
	return (*turn)++ % rp->comm.size == rp->comm.rank;
}

static int seal(struct rally *rp, const char *path, const struct rp_region *r,
		struct rp_piece *piece)
{
	struct rp_hash hash;
	uint64_t bytes;
	int rc = rp_file_seal(path, &bytes, &hash, &rp->err);

	if (rc == 0)
		rc = rp_piece_add_file(piece, r->name, r->scope, bytes, &hash,
				       &rp->err);
	return rc;
}

/* The names in this rank's own folder; rank 0 syncs the shared one. */
static int sync_own_dir(struct rally *rp, const char *dir)
{
	char *relative = rp_manifest_file_path("", RALLY_FILE_PRIVATE,
					       rp->comm.rank);
	char *path = relative ? rp_path(dir, relative) : NULL;
	int rc = path ? rp_sync_dir(path, &rp->err)
		      : rp_fail(&rp->err, RALLY_ENOMEM, "files: no memory");

	free(relative);
	free(path);
	return rc;
}

int rp_files_seal(struct rally *rp, const char *dir, struct rp_piece *piece)
{
	int turn = 0, own = 0, rc = 0;

	for (size_t i = 0; rc == 0 && i < rp->regions.n; i++) {
		const struct rp_region *r = &rp->regions.v[i];
		char *path;

		if (!is_mine(rp, r, &turn))
			continue;
		own |= r->scope == RALLY_FILE_PRIVATE;
		path = path_of(rp, dir, r);
		rc = path ? seal(rp, path, r, piece) : rp->err.code;
		free(path);
	}
	return rc == 0 && own ? sync_own_dir(rp, dir) : rc;
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
static const struct rp_stored_file *find(const struct rally *rp,
					 const struct rp_manifest *m,
					 const struct rp_region *r)
{
	const struct rp_stored_file *found = NULL;

	if (r->scope == RALLY_FILE_PRIVATE)
		return find_in(&m->pieces[rp->comm.rank], r);
	for (int i = 0; !found && i < m->ranks; i++)
		found = find_in(&m->pieces[i], r);
	return found;
}

int rp_files_verify(struct rally *rp, const char *dir,
		    const struct rp_manifest *manifest)
{
	int turn = 0;

	for (size_t i = 0; rp->err.code == 0 && i < rp->regions.n; i++) {
		const struct rp_region *r = &rp->regions.v[i];
		const struct rp_stored_file *stored;
		char *path;

		if (!is_mine(rp, r, &turn))
			continue;
		stored = find(rp, manifest, r);
		if (!stored)
			return rp_fail(&rp->err, RALLY_ELAYOUT,
				       "%s: there is no file '%s' in it", dir,
				       r->name);
		path = path_of(rp, dir, r);
		rp_progress_extend(&rp->progress, stored->bytes);
		if (path)
			rp_file_verify(path, stored->bytes, &stored->hash,
				       &rp->progress, &rp->err);
		free(path);
	}
	return rp->err.code;
}
