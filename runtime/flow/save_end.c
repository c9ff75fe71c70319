#include "flow/save.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "flow/claim.h"
#include "flow/recycle.h"
#include "flow/words.h"
#include "sys/folder.h"

void rp_save_start(struct rally *rp, rp_stage_fn *stage)
{
	struct rp_saving *s = &rp->saving;

	/* It tells that a stage has ended a moment before it is idle. */
	rp_worker_wait(rp->worker);
	rp_err_clear(&s->err);
	atomic_store(&s->ended, 0);
	if (s->background)
		rp_worker_give(rp->worker, stage, s);
	else
		stage(s);
}

/* Rank 0 prunes, or clears, alone: where waiting has a limit the others wait
 * here, where it has none. */
static void wait_for_rank_0(struct rally *rp)
{
	struct rp_err none = { 0 };

	if (rp->comm.patience > 0 && !rp->comm.dead)
		rp_comm_settle(&rp->comm, &none);
}

/* Once; rank 0's file system is that of all. */
static void warn_unshared(struct rally *rp)
{
	if (rp->comm.rank == 0 && rp->base.refused && !rp->told_unshared)
		rp_words_warn(rp, "option incremental does nothing here: this "
				  "file system shares no blocks between files "
				  "(XFS and btrfs do)");
	rp->told_unshared |= rp->base.refused;
}

/* This rank's shard, from which the next save may take blocks. */
static void keep_base(struct rally *rp)
{
	const struct rp_saving *s = &rp->saving;
	char *dir = rp_folder_final(s->dir, s->sequence, s->step);
	char *name = rp_shard_file_name(rp->comm.rank, rp->comm.size);
	char *path = dir && name ? rp_path(dir, name) : NULL;

	if (path)
		rp_shard_base_keep(&rp->base, path);
	else
		rp_shard_base_drop(&rp->base);
	free(dir);
	free(name);
	free(path);
}

void rp_save_clear_away(struct rally *rp)
{
	struct rp_saving *s = &rp->saving;
	struct rp_err err = { 0 };

	s->phase = RP_IDLE;
	rp_shard_base_drop(&rp->base);
	if (rp->comm.rank == 0 && s->partial &&
	    rp_remove_tree(&rp->io, s->partial, &err) != 0)
		rp_words_error(rp, "removing the partial checkpoint", &err);
	rp_recycle_end(rp);
}

void rp_save_tell_failed(struct rally *rp)
{
	rp_words_error(rp, rp->standing.sequence < 0
				       ? "the save failed"
				       : "the save failed, the earlier "
					 "checkpoint stands",
		       &rp->err);
	wait_for_rank_0(rp);
}

/* The data of then is gone. Where another try may help (in the other folder, or
 * without the pool), the next save has the program wait, so that it may have one. */
static int fail_behind(struct rally *rp)
{
	rp->foreground = rp_fallback_helps(&rp->err) &&
			 (rp->second.dir || rp->saving.pool);
	rp_save_clear_away(rp);
	rp_save_tell_failed(rp);
	return rp->err.code;
}

static int vote(struct rally *rp, const struct rp_place *place)
{
	return place ? rp_place_vote(rp, place)
		     : rp_comm_settle(&rp->comm, &rp->err);
}

int rp_save_written(struct rally *rp, const struct rp_place *place)
{
	struct rp_saving *s = &rp->saving;
	char *mine = NULL;

	rp_worker_wait(rp->worker);
	if (s->err.code)
		rp->err = s->err;
	else
		mine = rp_piece_encode(&s->piece, &rp->err);
	if (vote(rp, place) == 0)
		rp_comm_gather_text(&rp->comm, mine, &s->pieces, &rp->err);
	free(mine);
	if (rp->err.code)
		return rp->err.code;
	s->phase = RP_COMMITTING;
	if (rp->comm.rank == 0)
		rp_save_start(rp, rp_saving_commit);
	return 0;
}

static void settle_down(struct rally *rp, int confirmed)
{
	struct rp_saving *s = &rp->saving;
	struct rp_standing *standing = &rp->standing;
	struct rp_pace measured;

	if (!s->background)
		s->elapsed_ns = rp_now() - s->began;
	measured = (struct rp_pace){ s->bytes, s->elapsed_ns, s->largest };
	rp_words_saved(rp, s->sequence, s->step, s->bytes, s->elapsed_ns,
		       s->cause);
	if (rp->comm.rank == 0 && standing->sequence >= 0 &&
	    standing->step != s->step &&
	    memcmp(s->content.b, standing->content.b, RP_HASH_BYTES) == 0)
		rp_words_stale(rp, s->step, standing->step);
	keep_base(rp);
	warn_unshared(rp);
	standing->content = s->content;
	standing->sequence = s->sequence;
	standing->step = s->step;
	standing->confirmed = confirmed;
	standing->aside = rp->aside;
	rp_plan_end(rp, &s->piece, &measured);
	rp->foreground &= s->background || rp->aside;
	rp->saved_here |= confirmed;
	rp->untold = 0;
	if (s->background && confirmed)
		rp_err_clear(&rp->kept);
	s->phase = confirmed ? RP_COMMITTED : RP_IDLE;
	if (!confirmed)
		rp_recycle_end(rp);
}

int rp_save_committed(struct rally *rp, int code)
{
	struct rp_saving *s = &rp->saving;

	if (code != 0) {
		rp_worker_wait(rp->worker);
		if (rp->comm.rank == 0)
			rp->err = s->err;
		rp_comm_root(&rp->comm, &rp->err);
		code = rp->err.code;
	}
	/* A rename that was told to have failed may have been done: its number
	 * is not used again. */
	rp->standing.next = s->sequence + 1;
	if (code != 0 && code != RALLY_EUNCONFIRMED)
		return code;
	if (code != 0)
		rp_words_error(rp, "unconfirmed", &rp->err);
	settle_down(rp, code == 0);
	return code;
}

int rp_save_on(struct rally *rp, const struct rp_place *place, int code)
{
	int rc = rp->saving.phase == RP_WRITING ? rp_save_written(rp, place)
						: rp_save_committed(rp, code);

	if (rc != 0 && rc != RALLY_EUNCONFIRMED)
		return fail_behind(rp);
	return rc;
}

void rp_save_tell_pruned(struct rally *rp)
{
	struct rp_saving *s = &rp->saving;

	if (!s->pruning || !atomic_load(&s->ended))
		return;
	s->pruning = 0;
	if (s->err.code)
		rp_words_error(rp, "pruning", &s->err);
	rp_words_pruned(rp, s->pruned);
	rp_claim_warn_space(rp, s->bytes + RP_SAVE_SPARE);
}

void rp_save_known(struct rally *rp)
{
	struct rp_saving *s = &rp->saving;

	s->phase = RP_IDLE;
	if (rp->comm.rank != 0)
		return;
	s->pruning = 1;
	rp_save_start(rp, rp_saving_prune);
}

int rp_save_through(struct rally *rp, const struct rp_place *place)
{
	struct rp_saving *s = &rp->saving;
	int rc = 0;

	if (s->phase == RP_WRITING || s->phase == RP_COMMITTING)
		rc = rp_save_on(rp, place, -1);
	if (rc == 0 && s->phase == RP_COMMITTING)
		rc = rp_save_on(rp, place, -1);
	if (s->phase == RP_COMMITTED)
		rp_save_known(rp);
	rp_worker_wait(rp->worker);
	rp_save_tell_pruned(rp);
	wait_for_rank_0(rp);
	return rc;
}
