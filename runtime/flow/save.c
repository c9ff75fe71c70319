#include "flow/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "data/shard.h"
#include "flow/words.h"
#include "sys/folder.h"
#include "sys/shard_io.h"
#include "sys/signals.h"

#define SPARE_BYTES ((uint64_t)1 << 20)	/* manifest, headers, folders */

/* One save on its way. */
struct save {
	struct rally *rp;
	const struct rp_place *place;
	const char *cause;
	int64_t began;
	uint64_t bytes;		/* of all ranks: memory, then shards and files */
	char *partial;		/* the directory that is being filled */
	struct rp_piece piece;	/* of this rank */
};

/* A vote of the save's: carries requests, and makes one rank's failure
 * everybody's. */
static int vote(struct save *save)
{
	struct rally *rp = save->rp;
	struct rp_ballot ballot;
	struct rp_tally tally;
	struct rp_err mpi = { 0 };

	rp_handle_ballot(rp, save->place, &ballot);
	ballot.failed = rp->err.code != 0;
	if (rp_vote(&rp->comm, &ballot, &tally, &mpi) != 0) {
		rp->err = mpi;
		return rp->err.code;
	}
	rp->stop_pending |= tally.want_stop;
	if (tally.failed_rank >= 0)
		return rp_comm_spread(&rp->comm, tally.failed_rank, &rp->err);
	return rp_handle_same_place(rp, save->place, &tally);
}

/* All are here, with the same arrays and files, and there is room. */
static int check(struct save *save)
{
	struct rally *rp = save->rp;
	char *common = rp_regions_common(&rp->regions);
	int rc;

	if (rp_handle_refused(rp) == 0 && !common)
		rp_fail(&rp->err, RALLY_ENOMEM, "save: no memory");
	if (rp_comm_settle(&rp->comm, &rp->err) != 0)
		goto out;
	rc = rp_comm_same(&rp->comm, common, RALLY_EMISMATCH,
			  "the registered arrays or files differ", &rp->err);
	if (rc != 0)
		goto out;
	save->bytes = rp_regions_bytes(&rp->regions);
	rp_comm_sum(&rp->comm, &save->bytes, &rp->err);
out:
	free(common);
	return rp->err.code;
}

static int make_dir(const char *dir, const char *name, struct rp_err *err)
{
	char *path = rp_path(dir, name);
	int rc = 0;

	if (!path)
		rc = rp_fail(err, RALLY_ENOMEM, "mkdir: no memory");
	else if (mkdir(path, 0777) != 0 && errno != EEXIST)
		rc = rp_fail_errno(err, "mkdir", path);
	free(path);
	return rc;
}

static int has_files(const struct rp_regions *regions)
{
	for (size_t i = 0; i < regions->n; i++)
		if (regions->v[i].kind == RP_FILE)
			return 1;
	return 0;
}

static int begin(struct save *save)
{
	struct rally *rp = save->rp;
	size_t size = 0;

	if (rp->comm.rank == 0 &&
	    rp_owner_check(&rp->owner, &rp->err) == 0 &&
	    rp_folder_space(rp->dir, save->bytes + SPARE_BYTES, &rp->err) == 0)
		save->partial = rp_folder_begin(rp->dir, rp->standing.next,
						&rp->err);
	if (save->partial && has_files(&rp->regions))
		make_dir(save->partial, "files", &rp->err);
	if (save->partial)
		size = strlen(save->partial);
	if (rp_comm_root(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	return rp_comm_bcast_text(&rp->comm, &save->partial, &size, &rp->err);
}

/* The path of a program's file in the partial directory; for a private one its
 * folder is made. */
static char *file_path(struct save *save, const struct rp_region *r)
{
	struct rally *rp = save->rp;
	char *relative = rp_manifest_file_path(r->name, r->scope,
					       rp->comm.rank);
	char *path = relative ? rp_path(save->partial, relative) : NULL;

	if (!path) {
		rp_fail(&rp->err, RALLY_ENOMEM, "file '%s': no memory",
			r->name);
	} else if (r->scope == RALLY_FILE_PRIVATE) {
		*strrchr(relative, '/') = '\0';
		make_dir(save->partial, relative, &rp->err);
	}
	free(relative);
	return path;
}

/* All functions are called on all ranks, whatever failed before: they may use
 * collective calls of the program's own. */
static int write_files(struct save *save)
{
	struct rally *rp = save->rp;

	for (size_t i = 0; i < rp->regions.n; i++) {
		const struct rp_region *r = &rp->regions.v[i];
		char *path;
		int answer;

		if (r->kind != RP_FILE)
			continue;
		path = file_path(save, r);
		answer = r->fn(path ? path : "", RALLY_FILE_WRITE,
			       save->place->step, r->arg);
		if (answer != 0)
			rp_fail(&rp->err, RALLY_EAPP,
				"the program's function for file '%s' returned "
				"%d", r->name, answer);
		free(path);
	}
	return has_files(&rp->regions) ? vote(save) : 0;
}

static int write_shard(struct save *save)
{
	struct rally *rp = save->rp;
	char *name = rp_shard_file_name(rp->comm.rank, rp->comm.size);
	char *path = name ? rp_path(save->partial, name) : NULL;
	struct rp_shard_sum sum;
	int rc;

	if (!path)
		rc = rp_fail(&rp->err, RALLY_ENOMEM, "save: no memory");
	else
		rc = rp_shard_write(path, &rp->regions, rp->comm.rank,
				    rp->comm.size, save->place->step,
				    rp->threads ? &rp->node.beside : NULL,
				    &rp->progress, &sum, &rp->err);
	if (rc == 0) {
		save->piece.bytes = sum.bytes;
		save->piece.hash = sum.hash;
		save->piece.content = sum.content;
	}
	free(name);
	free(path);
	return rc;
}

/* Private files by their rank, shared ones in turn. */
static int seal_files(struct save *save)
{
	struct rally *rp = save->rp;
	int turn = 0, rc = 0;

	for (size_t i = 0; rc == 0 && i < rp->regions.n; i++) {
		const struct rp_region *r = &rp->regions.v[i];
		struct rp_hash hash;
		uint64_t bytes;
		char *path;

		if (r->kind != RP_FILE)
			continue;
		if (r->scope == RALLY_FILE_SHARED &&
		    turn++ % rp->comm.size != rp->comm.rank)
			continue;
		path = file_path(save, r);
		rc = path ? rp_file_seal(path, &bytes, &hash, &rp->err)
			  : rp->err.code;
		if (rc == 0)
			rc = rp_piece_add_file(&save->piece, r->name, r->scope,
					       bytes, &hash, &rp->err);
		if (rc == 0 && r->scope == RALLY_FILE_PRIVATE) {
			*strrchr(path, '/') = '\0';
			rc = rp_sync_dir(path, &rp->err);
		}
		free(path);
	}
	return rc;
}

static int write_all(struct save *save)
{
	struct rally *rp = save->rp;

	if (write_files(save) != 0)
		return rp->err.code;
	rp_words_bar_begin(rp, "saving");
	if (rp_piece_init(&save->piece, &rp->regions, rp->comm.rank,
			  &rp->err) == 0 &&
	    write_shard(save) == 0)
		seal_files(save);
	rp_words_bar_end(rp);
	return vote(save);
}

/*
 * Rank 0's part: manifest and rename
 */

static int fill_manifest(struct save *save, struct rp_manifest *m,
			 const char *pieces)
{
	struct rally *rp = save->rp;

	m->sequence = rp->standing.next;
	m->step = save->place->step;
	m->ranks = rp->comm.size;
	m->cause = strdup(save->cause);
	m->job = strdup(rp->job.id);
	m->version = strdup(RALLY_VERSION);
	m->restart = rp->job.restarts;
	m->time = rp_wall();
	m->elapsed_ns = rp_now() - save->began;
	m->meta = json_incref(rp->meta);
	m->pieces = calloc((size_t)m->ranks, sizeof(*m->pieces));
	if (!m->cause || !m->job || !m->version || !m->pieces)
		return rp_fail(&rp->err, RALLY_ENOMEM, "manifest: no memory");
	for (int i = 0; i < m->ranks; i++) {
		struct rp_piece *piece = &m->pieces[i];
		size_t size = strlen(pieces);

		if (rp_piece_decode(piece, pieces, size, &rp->err) != 0)
			return rp->err.code;
		pieces += size + 1;
		m->bytes += piece->bytes;
		for (size_t k = 0; k < piece->n_files; k++)
			m->bytes += piece->files[k].bytes;
	}
	save->bytes = m->bytes;
	return 0;
}

/* The hash of all ranks' data, to notice a save of what was saved before. */
static int is_stale(struct rally *rp, const struct rp_manifest *m)
{
	struct rp_hasher *hasher = rp_hasher_new();
	struct rp_hash all;
	int stale;

	if (!hasher)
		return 0;
	for (int i = 0; i < m->ranks; i++) {
		rp_hasher_update(hasher, m->pieces[i].content.b,
				 RP_HASH_BYTES);
		for (size_t k = 0; k < m->pieces[i].n_files; k++)
			rp_hasher_update(hasher, m->pieces[i].files[k].hash.b,
					 RP_HASH_BYTES);
	}
	all = rp_hasher_final(hasher);
	rp_hasher_free(hasher);
	stale = memcmp(all.b, rp->standing.content.b, sizeof(all.b)) == 0 &&
		rp->standing.sequence >= 0;
	rp->standing.content = all;
	return stale;
}

static int write_manifest(struct save *save, const char *pieces)
{
	struct rally *rp = save->rp;
	struct rp_manifest m = { 0 };
	char *path = rp_path(save->partial, RP_MANIFEST_FILE);
	char *files = rp_path(save->partial, "files");
	char *text = NULL;
	size_t size;
	int rc;

	if (!path || !files)
		rp_fail(&rp->err, RALLY_ENOMEM, "manifest: no memory");
	rc = rp->err.code ? rp->err.code : fill_manifest(save, &m, pieces);
	if (rc == 0 && !(text = rp_manifest_encode(&m, &size, &rp->err)))
		rc = rp->err.code;
	if (rc == 0)
		rc = rp_write_file(path, text, size, &rp->err);
	if (rc == 0 && has_files(&rp->regions))
		rc = rp_sync_dir(files, &rp->err);
	if (rc == 0)
		rc = rp_sync_dir(save->partial, &rp->err);
	if (rc == 0 && is_stale(rp, &m))
		rp_words_stale(rp, m.step, rp->standing.step);
	rp_manifest_free(&m);
	free(text);
	free(path);
	free(files);
	return rc;
}

/* From the rename on the checkpoint is there; only whether it would survive a
 * power cut is open until the folder's fsync. */
static int publish(struct save *save)
{
	struct rally *rp = save->rp;
	struct rp_err sync = { 0 };
	char *final = rp_folder_final(rp->dir, rp->standing.next,
				      save->place->step);
	int rc = final ? 0 : rp_fail(&rp->err, RALLY_ENOMEM, "no memory");

	if (rc == 0)
		rc = rp_owner_check(&rp->owner, &rp->err);
	if (rc == 0)
		rc = rp_publish(save->partial, final, &rp->err);
	if (rc == 0 && rp_sync_dir(rp->dir, &sync) != 0)
		rc = rp_fail(&rp->err, RALLY_EUNCONFIRMED,
			     "%s is committed, but may not survive a power "
			     "cut: %s", final, sync.text);
	free(final);
	return rc;
}

static int commit(struct save *save)
{
	struct rally *rp = save->rp;
	char *mine = rp_piece_encode(&save->piece, &rp->err);
	char *all = NULL;

	if (rp_comm_settle(&rp->comm, &rp->err) == 0 &&
	    rp_comm_gather_text(&rp->comm, mine, &all, &rp->err) == 0 &&
	    rp->comm.rank == 0 && write_manifest(save, all) == 0)
		publish(save);
	free(mine);
	free(all);
	/* The gather's own failures are the same on all ranks already. */
	return rp->comm.dead ? rp->err.code : rp_comm_root(&rp->comm, &rp->err);
}

static void settle_down(struct save *save, int confirmed)
{
	struct rally *rp = save->rp;
	struct rp_err err = { 0 };
	size_t pruned = 0;
	int64_t elapsed = rp_now() - save->began;

	rp_words_saved(rp, rp->standing.next, save->place->step, save->bytes,
		       elapsed, save->cause);
	rp->standing.sequence = rp->standing.next++;
	rp->standing.step = save->place->step;
	rp->save_ns = elapsed;
	if (!confirmed)
		return;
	if (rp->comm.rank == 0 &&
	    rp_folder_prune(rp->dir, (size_t)rp->options.keep,
			    rp->standing.bad, rp->standing.n_bad, &pruned,
			    &err) != 0)
		rp_words_error(rp, "pruning", &err);
	rp->standing.n_bad = 0;
	rp_words_pruned(rp, pruned);
}

static void undo(struct save *save)
{
	struct rally *rp = save->rp;
	struct rp_err err = { 0 };

	if (rp->comm.rank == 0 && save->partial &&
	    rp_remove_tree(save->partial, &err) != 0)
		rp_words_error(rp, "removing the partial checkpoint", &err);
	rp_words_error(rp, "the save failed, the earlier checkpoint stands",
		       &rp->err);
}

static int run(struct save *save)
{
	struct rally *rp = save->rp;
	int rc;

	if (check(save) != 0 || begin(save) != 0 || write_all(save) != 0 ||
	    commit(save) != 0) {
		if (rp->err.code != RALLY_EUNCONFIRMED) {
			undo(save);
			return rp->err.code;
		}
		rp_words_error(rp, "unconfirmed", &rp->err);
	}
	rc = rp->err.code;
	settle_down(save, rc == 0);
	return rc;
}

/* The first vote: who is here, and what was asked for meanwhile. */
static int meet(struct save *save)
{
	struct rally *rp = save->rp;
	int rc = vote(save);

	if (rc == 0)
		return 0;
	if (rc == RALLY_ESITE || rc == RALLY_EUNEVEN || rc == RALLY_EOPTION ||
	    rc == RALLY_EMPI)
		rp_handle_break(rp);
	return rc;
}

int rp_save(struct rally *rp, const struct rp_place *place, const char *cause)
{
	struct save save = { .rp = rp, .place = place, .cause = cause,
			     .began = rp_now() };
	int rc;

	rp_err_clear(&rp->err);
	rc = meet(&save);
	if (rc != 0)
		return rc;
	/* What was asked for until now is answered by this save. */
	rp->saves_seen = rp_signals_count(rp->options.save_signals);
	atomic_fetch_and(&rp->asked, ~RALLY_WANT_SAVE);
	rp->base_step = place->step;
	rp->has_base = 1;
	if (rp->standing.sequence >= 0 && rp->standing.step == place->step) {
		rp_words_current(rp, place->step);
	} else {
		rc = run(&save);
		rp_agree_restart(&rp->agree);
	}
	rp->last_save = rp_now();
	if (rp->comm.dead)
		rp_handle_break(rp);
	free(save.partial);
	rp_piece_free(&save.piece);
	return rc;
}
