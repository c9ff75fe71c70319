#include "flow/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/event.h"
#include "data/shard.h"
#include "flow/words.h"
#include "sys/folder.h"
#include "sys/shard_io.h"

void rp_trial_free(struct rp_trial *trial)
{
	free(trial->path);
	free(trial->lacks);
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

static int add_doubt(struct rp_doubt **doubts, size_t *n, int64_t sequence,
		     int damaged, struct rp_err *err)
{
	struct rp_doubt *v = realloc(*doubts, (*n + 1) * sizeof(*v));

	if (!v)
		return rp_fail(err, RALLY_ENOMEM, "restore: no memory");
	*doubts = v;
	v[*n].sequence = sequence;
	v[(*n)++].damaged = damaged;
	return 0;
}

static int explain_vanished(struct rally *rp, const char *dir)
{
	if (rp_event_committed(&rp->io, dir, &rp->err) > 0)
		return rp_fail(&rp->err, RALLY_EVANISHED,
			       "%s: " RP_EVENT_FILE " records a commit, but no "
			       "checkpoint is there; to start anew, remove "
			       "that file", dir);
	return rp->err.code;
}

/* Rank 0, no checkpoint to try: a fresh start only where none ever was. */
static int explain_none(struct rally *rp, const struct rp_folder *folder)
{
	if (folder->n > 0)
		return rp_fail(&rp->err, RALLY_ECORRUPT,
			       "%s: none of its %zu checkpoints verifies; "
			       "`rallypoint verify` tells what is wrong with "
			       "each", rp->dir, folder->n);
	if (folder->last >= 0)
		return rp_fail(&rp->err, RALLY_ECORRUPT,
			       "%s: what has the name of checkpoint %lld is "
			       "not a folder, but a link or a file: nothing "
			       "is read from it; to start anew, remove it",
			       rp->dir, (long long)folder->last);
	if (explain_vanished(rp, rp->dir) == 0 && rp->second.dir)
		explain_vanished(rp, rp->second.dir);
	return rp->err.code;
}

/* Rank 0: the newest checkpoint that was not found bad, if there is one. */
static void choose_newest(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;
	struct rp_folder folder;
	const struct rp_ckpt *ckpt = NULL;

	if (rp_fallback_list(rp, &folder, &rp->err) != 0)
		goto out;
	for (size_t i = 0; i < folder.n && !ckpt; i++)
		if (!is_passed_over(&rp->standing, folder.v[i].sequence))
			ckpt = &folder.v[i];
	if (!ckpt) {
		explain_none(rp, &folder);
		goto out;
	}
	trial->path = strdup(ckpt->path);
	trial->sequence = ckpt->sequence;
	trial->step = ckpt->step;
	if (!trial->path)
		rp_fail(&rp->err, RALLY_ENOMEM, "restore: no memory");
out:
	rp_folder_free(&folder);
}

/* Rank 0: elsewhere. */
static void choose_origin(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;
	struct rp_ckpt ckpt;

	if (rp_origin_choose(&rp->io, trial->origin, &ckpt, &trial->single,
			     &rp->err) != 0)
		return;
	trial->path = ckpt.path;
	trial->sequence = ckpt.sequence;
	trial->step = ckpt.step;
}

static void choose(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;

	if (!trial->origin) {
		choose_newest(trial);
		if (trial->path || rp->err.code != 0 || !*rp->options.from)
			return;
		trial->origin = &rp->origin;
	}
	choose_origin(trial);
}

int rp_trial_choose(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;
	int64_t name[4] = { -1, 0, 0, 0 };
	size_t length;

	if (rp->comm.rank == 0) {
		choose(trial);
		name[0] = trial->sequence;
		name[1] = trial->step;
		name[2] = trial->origin != NULL;
		name[3] = trial->single;
	}
	if (rp_comm_root(&rp->comm, &rp->err) != 0 ||
	    rp_comm_bcast(&rp->comm, name, sizeof(name), &rp->err) != 0)
		return rp->err.code;
	trial->sequence = name[0];
	trial->step = name[1];
	trial->single = (int)name[3];
	if (name[2] && !trial->origin)
		trial->origin = &rp->origin;
	length = trial->path ? strlen(trial->path) : 0;
	return rp_comm_bcast_text(&rp->comm, &trial->path, &length, &rp->err);
}

/* A manifest that is sound in itself may be another checkpoint's; one that was asked
 * for by its path may have been given any name. */
static int check_name(struct rp_trial *trial, const char *file)
{
	const struct rp_manifest *m = &trial->manifest;

	if (trial->single) {
		trial->sequence = m->sequence;
		trial->step = m->step;
	}
	if (m->sequence == trial->sequence && m->step == trial->step)
		return 0;
	return rp_fail(&trial->rp->err, RALLY_ECORRUPT,
		       "%s: it is the manifest of sequence %lld, step %lld",
		       file, (long long)m->sequence, (long long)m->step);
}

int rp_trial_manifest(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;
	char *file = rp_path(trial->path, RP_MANIFEST_FILE);
	size_t size = 0;
	char *text = NULL;

	if (!file)
		rp_fail(&rp->err, RALLY_ENOMEM, "restore: no memory");
	else if (rp->comm.rank == 0)
		text = rp_read_file(&rp->io, file, RP_MANIFEST_MAX, &size,
				    &rp->err);
	if (rp_comm_settle(&rp->comm, &rp->err) == 0 &&
	    rp_comm_bcast_text(&rp->comm, &text, &size, &rp->err) == 0) {
		if (rp_manifest_decode(&trial->manifest, text, size, file,
				       &rp->err) == 0)
			check_name(trial, file);
		rp_comm_settle(&rp->comm, &rp->err);
	}
	free(text);
	free(file);
	return rp->err.code;
}

static struct rp_shard_sum my_sum(const struct rp_trial *trial)
{
	const struct rp_piece *piece =
		&trial->manifest.pieces[trial->rp->comm.rank];

	return (struct rp_shard_sum){ piece->bytes, piece->hash,
				      piece->content };
}

/* The caller's. */
static char *my_shard(const struct rp_trial *trial)
{
	const struct rp_comm *comm = &trial->rp->comm;
	char *name = rp_shard_file_name(comm->rank, comm->size);
	char *path = name ? rp_path(trial->path, name) : NULL;

	free(name);
	if (!path)
		rp_fail(&trial->rp->err, RALLY_ENOMEM, "restore: no memory");
	return path;
}

int rp_trial_look(struct rp_trial *trial, struct rp_shard *shard)
{
	struct rally *rp = trial->rp;
	struct rp_shard_sum sum;
	char *path;

	memset(shard, 0, sizeof(*shard));
	if (trial->manifest.ranks != rp->comm.size)
		return 0;
	path = my_shard(trial);
	sum = my_sum(trial);
	if (path)
		rp_shard_look(&rp->io, path, rp->comm.rank, &sum, shard,
			      &rp->err);
	free(path);
	return rp_comm_settle(&rp->comm, &rp->err);
}

/* What a lack of this process or of rights made unreadable is no fault of the
 * checkpoint's: an older one would be no better, only older. */
static int is_ours(const struct rp_err *err)
{
	return err->sys == EMFILE || err->sys == ENFILE || err->sys == EACCES ||
	       err->sys == EPERM;
}

/* What is gone, a link, a fifo or too short is so for good. What a system call
 * could not read may be there the next time. */
static int is_damage(const struct rp_err *err)
{
	return err->code == RALLY_ECORRUPT || err->sys == ENOENT ||
	       err->sys == ELOOP || err->sys == 0;
}

int rp_trial_pass_over(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;
	struct rp_err why = rp->err;

	if (!trial->path || trial->single || is_ours(&why) ||
	    (why.code != RALLY_ECORRUPT && why.code != RALLY_EIO))
		return 0;
	rp_words_passed_over(rp, strrchr(trial->path, '/') + 1, why.text);
	rp_err_clear(&rp->err);
	/* It may be the one whose blocks the next save would share. */
	rp_shard_base_forget(&rp->base);
	if (rp->comm.rank == 0 && trial->origin)
		add_doubt(&trial->origin->doubts, &trial->origin->n_doubts,
			  trial->sequence, is_damage(&why), &rp->err);
	else if (rp->comm.rank == 0)
		add_doubt(&rp->standing.doubts, &rp->standing.n_doubts,
			  trial->sequence, is_damage(&why), &rp->err);
	return rp_comm_root(&rp->comm, &rp->err) == 0;
}
