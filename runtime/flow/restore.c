#include "flow/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "data/dtype.h"
#include "data/event.h"
#include "data/shard.h"
#include "flow/files.h"
#include "flow/words.h"
#include "sys/finish.h"
#include "sys/folder.h"
#include "sys/shard_io.h"

/* A checkpoint that is being tried. */
struct trial {
	struct rally *rp;
	char *path;		/* of the checkpoint, on all ranks */
	struct rp_manifest manifest;
	int64_t sequence;
};

static void trial_free(struct trial *trial)
{
	free(trial->path);
	rp_manifest_free(&trial->manifest);
	memset(trial, 0, sizeof(*trial));
}

static int is_passed_over(const struct rp_standing *standing, int64_t sequence)
{
	for (size_t i = 0; i < standing->n_doubts; i++)
		if (standing->doubts[i].sequence == sequence)
			return 1;
	return 0;
}

static int add_doubt(struct rp_standing *standing, int64_t sequence,
		     int damaged, struct rp_err *err)
{
	struct rp_doubt *v = realloc(standing->doubts,
				     (standing->n_doubts + 1) * sizeof(*v));

	if (!v)
		return rp_fail(err, RALLY_ENOMEM, "restore: no memory");
	standing->doubts = v;
	v[standing->n_doubts].sequence = sequence;
	v[standing->n_doubts++].damaged = damaged;
	return 0;
}

/* Rank 0: the newest checkpoint that was not found bad. Its path, or NULL with
 * or without an error; *listed tells how many there are in all. */
static char *newest(struct rally *rp, int64_t *sequence, size_t *listed)
{
	struct rp_folder folder;
	char *path = NULL;

	*sequence = -1;
	*listed = 0;
	if (rp_folder_list(&folder, rp->dir, &rp->err) == 0) {
		*listed = folder.n;
		for (size_t i = 0; !path && i < folder.n; i++)
			if (!is_passed_over(&rp->standing,
					    folder.v[i].sequence)) {
				path = strdup(folder.v[i].path);
				*sequence = folder.v[i].sequence;
			}
	}
	rp_folder_free(&folder);
	return path;
}

/* Rank 0, no checkpoint to try: a fresh start only where none ever was. */
static int explain_none(struct rally *rp, size_t listed)
{
	int committed;

	if (listed > 0)
		return rp_fail(&rp->err, RALLY_ECORRUPT,
			       "%s: none of its %zu checkpoints verifies; "
			       "`rallypoint verify` tells what is wrong with "
			       "each", rp->dir, listed);
	committed = rp_event_committed(rp->dir, &rp->err);
	if (committed > 0)
		return rp_fail(&rp->err, RALLY_EVANISHED,
			       "%s: " RP_EVENT_FILE " records a commit, but no "
			       "checkpoint is there; to start anew, remove "
			       "that file", rp->dir);
	return rp->err.code;
}

/* Rank 0: reads the manifest's text. */
static char *read_manifest(struct rally *rp, const char *path, size_t *size)
{
	char *file = rp_path(path, RP_MANIFEST_FILE);
	char *text = NULL;

	if (file)
		text = rp_read_file(file, RP_MANIFEST_MAX, size, &rp->err);
	else
		rp_fail(&rp->err, RALLY_ENOMEM, "restore: no memory");
	free(file);
	return text;
}

/* The manifest of the chosen checkpoint, read once, for all. */
static int share_manifest(struct trial *trial)
{
	struct rally *rp = trial->rp;
	size_t size = 0;
	char *text = NULL;

	if (rp->comm.rank == 0)
		text = read_manifest(rp, trial->path, &size);
	if (rp_comm_root(&rp->comm, &rp->err) == 0 &&
	    rp_comm_bcast_text(&rp->comm, &text, &size, &rp->err) == 0) {
		rp_manifest_decode(&trial->manifest, text, size, trial->path,
				   &rp->err);
		rp_comm_settle(&rp->comm, &rp->err);
	}
	free(text);
	if (rp->err.code == 0 && trial->manifest.sequence != trial->sequence)
		rp_fail(&rp->err, RALLY_ECORRUPT,
			"%s: its manifest is that of sequence %lld",
			trial->path, (long long)trial->manifest.sequence);
	return rp->err.code;
}

static int box_differs(struct trial *trial, const struct rp_region *r,
		       const struct rp_stored *s)
{
	char have[200], want[200];

	if (memcmp(s->shape, r->shape, sizeof(s->shape)) != 0) {
		rp_dtype_shape_text(s->type, s->ndim, s->shape, have,
				    sizeof(have));
		rp_dtype_shape_text(r->type, r->ndim, r->shape, want,
				    sizeof(want));
		return rp_fail(&trial->rp->err, RALLY_ELAYOUT,
			       "%s: array '%s' is stored as %s in all, but "
			       "registered as %s", trial->path, r->name, have,
			       want);
	}
	return rp_fail(&trial->rp->err, RALLY_ELAYOUT,
		       "%s: of array '%s' this rank stored another box than "
		       "it registered", trial->path, r->name);
}

/* A shard tells the shape of a box; where it lies, and in what, is the
 * manifest's to say. */
static int check_boxes(struct trial *trial)
{
	struct rally *rp = trial->rp;

	for (size_t i = 0; i < rp->regions.n; i++) {
		const struct rp_region *r = &rp->regions.v[i];
		const struct rp_stored *s;

		if (r->kind != RP_ARRAY)
			continue;
		s = rp_manifest_find(&trial->manifest, rp->comm.rank, r->name);
		if (!s || s->kind != RP_ARRAY || s->type != r->type ||
		    s->ndim != r->ndim)
			continue; /* told with the shard */
		if (memcmp(s->shape, r->shape, sizeof(s->shape)) != 0 ||
		    memcmp(s->start, r->start, sizeof(s->start)) != 0)
			return box_differs(trial, r, s);
	}
	return 0;
}

static int read_shard(struct trial *trial)
{
	struct rally *rp = trial->rp;
	const struct rp_piece *piece = &trial->manifest.pieces[rp->comm.rank];
	struct rp_shard_sum sum = { piece->bytes, piece->hash,
				    piece->content };
	char *name = rp_shard_file_name(rp->comm.rank, rp->comm.size);
	char *path = name ? rp_path(trial->path, name) : NULL;

	if (path)
		rp_shard_read(path, &rp->regions, rp->comm.rank, &sum,
			      &rp->progress, &rp->err);
	else
		rp_fail(&rp->err, RALLY_ENOMEM, "restore: no memory");
	free(name);
	free(path);
	return rp->err.code;
}

static int try_checkpoint(struct trial *trial)
{
	struct rally *rp = trial->rp;
	const struct rp_manifest *m = &trial->manifest;

	if (m->ranks != rp->comm.size)
		return rp_fail(&rp->err, RALLY_ELAYOUT,
			       "%s was written by %d ranks and can't be "
			       "restored on %d", trial->path, m->ranks,
			       rp->comm.size);
	/* No rank waits for another while it reads. */
	rp_words_bar_begin(rp, "restoring");
	if (rp_handle_refused(rp) == 0 && check_boxes(trial) == 0 &&
	    read_shard(trial) == 0)
		rp_files_verify(rp, trial->path, m);
	rp_words_bar_end(rp);
	if (rp_comm_settle(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	rp_files_read(rp, trial->path, m->step);
	return rp_comm_settle(&rp->comm, &rp->err);
}

static void accept(struct trial *trial, int64_t *step, int64_t began)
{
	struct rally *rp = trial->rp;

	*step = trial->manifest.step;
	rp->standing.sequence = trial->manifest.sequence;
	rp->standing.step = *step;
	rp->standing.confirmed = 1;
	rp->base_step = *step;
	rp->has_base = 1;
	rp->last_save = rp_now();
	rp->save_ns = trial->manifest.elapsed_ns;
	json_decref(rp->restored_meta);
	rp->restored_meta = json_incref(trial->manifest.meta);
	rp_words_resumed(rp, trial->manifest.sequence, *step,
			 trial->manifest.bytes, rp_now() - began);
}

/* What a lack of this process or of rights made unreadable is no fault of the
 * checkpoint's: an older one would be no better, only older. */
static int is_ours(const struct rp_err *err)
{
	return err->sys == EMFILE || err->sys == ENFILE || err->sys == EACCES ||
	       err->sys == EPERM;
}

/* Damage is told and passed over, for the next older one; anything else is the
 * program's to know. 1 where the next may be tried. */
static int pass_over(struct trial *trial)
{
	struct rally *rp = trial->rp;
	struct rp_err why = rp->err;
	int damaged = why.code == RALLY_ECORRUPT || why.sys == ENOENT;

	if (!trial->path || is_ours(&why) ||
	    (why.code != RALLY_ECORRUPT && why.code != RALLY_EIO))
		return 0;
	rp_words_passed_over(rp, strrchr(trial->path, '/') + 1, why.text);
	rp_err_clear(&rp->err);
	if (rp->comm.rank == 0)
		add_doubt(&rp->standing, trial->sequence, damaged, &rp->err);
	return rp_comm_root(&rp->comm, &rp->err) == 0;
}

/* Rank 0 chooses the next checkpoint to try; all learn which, or that there is
 * none (path NULL) and whether that is an error. */
static int choose(struct trial *trial)
{
	struct rally *rp = trial->rp;
	size_t listed = 0, length = 0;

	if (rp->comm.rank == 0) {
		trial->path = newest(rp, &trial->sequence, &listed);
		if (!trial->path && rp->err.code == 0)
			explain_none(rp, listed);
	}
	if (rp_comm_root(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	length = trial->path ? strlen(trial->path) : 0;
	if (rp_comm_bcast(&rp->comm, &trial->sequence, sizeof(trial->sequence),
			  &rp->err) != 0)
		return rp->err.code;
	return rp_comm_bcast_text(&rp->comm, &trial->path, &length, &rp->err);
}

static int restore_newest(struct rally *rp, int64_t *step, int *how)
{
	int64_t began = rp_now();
	int again;

	do {
		struct trial trial = { .rp = rp };

		if (choose(&trial) == 0 && !trial.path) {
			rp_words_fresh(rp);
		} else if (rp->err.code == 0 && share_manifest(&trial) == 0 &&
			   try_checkpoint(&trial) == 0) {
			*how = RALLY_RESUMED;
			accept(&trial, step, began);
		}
		again = rp->err.code != 0 && pass_over(&trial);
		trial_free(&trial);
	} while (again);
	return rp->err.code;
}

/* Rank 0 looks whether this job has finished already. */
static int was_finished(struct rally *rp, int64_t *step)
{
	int64_t found[2] = { 0, 0 };

	if (rp->comm.rank == 0)
		found[0] = rp_finish_read(rp->dir, rp->job.id, &found[1]);
	if (rp_comm_bcast(&rp->comm, found, sizeof(found), &rp->err) != 0 ||
	    !found[0])
		return 0;
	*step = found[1];
	return 1;
}

int rp_restore(struct rally *rp, int64_t *step, int *how)
{
	*how = RALLY_FRESH;
	if (was_finished(rp, step)) {
		*how = RALLY_FINISHED;
		rp_words_was_finished(rp, *step);
		return 0;
	}
	if (rp->err.code == 0)
		restore_newest(rp, step, how);
	if (rp->err.code != 0)
		rp_words_error(rp, "restore", &rp->err);
	rp_agree_restart(&rp->agree);
	return rp->err.code;
}

int rp_finish(struct rally *rp, int64_t step)
{
	if (rp->comm.rank == 0)
		rp_finish_write(rp->dir, rp->job.id, step, &rp->err);
	if (rp_comm_root(&rp->comm, &rp->err) != 0) {
		rp_words_error(rp, "finish", &rp->err);
		return rp->err.code;
	}
	rp->finished = 1;
	rp_words_finished(rp, step);
	return 0;
}

/* The newest manifest is kept for the next call: a program asks for one name
 * after the other. */
static int load_found(struct rally *rp)
{
	int again;

	do {
		struct trial trial = { .rp = rp };

		if (choose(&trial) == 0 && !trial.path) {
			rp_fail(&rp->err, RALLY_EABSENT,
				"%s holds no checkpoint yet", rp->dir);
		} else if (rp->err.code == 0 &&
			   trial.sequence != rp->found.sequence &&
			   share_manifest(&trial) == 0) {
			rp_manifest_free(&rp->found);
			rp->found = trial.manifest;
			memset(&trial.manifest, 0, sizeof(trial.manifest));
		}
		again = rp->err.code != 0 && pass_over(&trial);
		trial_free(&trial);
	} while (again);
	return rp->err.code;
}

int rp_find(struct rally *rp, const char *name, struct rally_info *info)
{
	const struct rp_stored *s;
	int same;

	if (load_found(rp) != 0)
		return rp->err.code;
	same = rp->found.ranks == rp->comm.size;
	s = rp_manifest_find(&rp->found, same ? rp->comm.rank : 0, name);
	if (!s || (s->kind == RP_PRIVATE && !same))
		rp_fail(&rp->err, RALLY_EABSENT,
			"nothing is stored as '%s' for this rank", name);
	if (rp_comm_settle(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	memset(info, 0, sizeof(*info));
	info->type = s->type;
	info->is_array = s->kind == RP_ARRAY;
	info->ndim = s->ndim;
	memcpy(info->shape, s->shape, sizeof(info->shape));
	if (same) {
		memcpy(info->start, s->start, sizeof(info->start));
		memcpy(info->local, s->local, sizeof(info->local));
	}
	info->step = rp->found.step;
	info->ranks = rp->found.ranks;
	return 0;
}
