#include "flow/save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "data/shard.h"
#include "flow/claim.h"
#include "flow/commit.h"
#include "flow/files.h"
#include "flow/recycle.h"
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
	int64_t largest;	/* of one rank; rank 0 */
	int tries;		/* that have failed */
	char *partial;		/* the directory that is being filled */
	char *pool;		/* whose shards are written over, or NULL */
	struct rp_piece piece;	/* of this rank */
	struct rp_hash content;	/* of all data; rank 0 */
};

/* All are here, with the same arrays and files, and there is room. */
static int check(struct save *save)
{
	struct rally *rp = save->rp;
	char *common = rp_regions_common(&rp->regions);
	int rc;

	if (rp_handle_refused(rp) == 0 && !common)
		rp_fail(&rp->err, RALLY_ENOMEM, "save: no memory");
	if (rp->err.code == 0)
		rp_devices_begin(rp->regions.devices, &rp->regions, rp->stream,
				 rp->node.topo, &rp->err);
	if (rp_comm_settle(&rp->comm, &rp->err) != 0)
		goto out;
	rc = rp_comm_same(&rp->comm, common, RALLY_EMISMATCH,
			  "the registered arrays or files differ", &rp->err);
	if (rc != 0)
		goto out;
	save->bytes = rp_regions_bytes(&rp->regions);
	if (rp_comm_sum(&rp->comm, &save->bytes, &rp->err) == 0)
		rp_plan_begin(rp, save->bytes);
out:
	free(common);
	return rp->err.code;
}

/* Rank 0. Where the space can't be told the writes will. */
static void make_partial(struct save *save)
{
	struct rally *rp = save->rp;
	const char *dir = rp_fallback_dir(rp);
	struct rp_err space = { 0 };

	if (rp_owner_check(rp_fallback_owner(rp), &rp->err) != 0)
		return;
	if (rp_folder_space(&rp->io, dir, rp->aside ? NULL : &rp->pool,
			    save->bytes + SPARE_BYTES, &space) ==
	    RALLY_ENOSPC) {
		rp->err = space;
		return;
	}
	save->partial = rp_folder_begin(&rp->io, dir, rp->standing.next,
					&rp->err);
	if (save->partial && rp_files_any(&rp->regions))
		rp_files_begin(rp, save->partial);
}

static int begin(struct save *save)
{
	struct rally *rp = save->rp;
	size_t size = 0;
	int rc;

	if (rp->comm.rank == 0)
		make_partial(save);
	if (save->partial)
		size = strlen(save->partial);
	if (rp_comm_root(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	rc = rp_comm_bcast_text(&rp->comm, &save->partial, &size, &rp->err);
	return rc ? rc : rp_recycle_begin(rp, &save->pool);
}

static int write_shard(struct save *save)
{
	struct rally *rp = save->rp;
	char *name = rp_shard_file_name(rp->comm.rank, rp->comm.size);
	char *path = name ? rp_path(save->partial, name) : NULL;
	struct rp_shard_how how = { rp->threads ? &rp->node.beside : NULL,
				    (enum rp_auto)rp->options.direct,
				    &rp->staging, &rp->layout,
				    rp->options.incremental ? &rp->base : NULL,
				    rp_recycle_reuse(rp, save->pool, name) };
	struct rp_shard_sum sum = { 0 };
	int rc;

	if (!path)
		rc = rp_fail(&rp->err, RALLY_ENOMEM, "save: no memory");
	else
		rc = rp_shard_write(&rp->io, path, &rp->regions, rp->comm.rank,
				    rp->comm.size, save->place->step, &how,
				    &rp->progress, &sum, &rp->err);
	if (rc == 0) {
		save->piece.bytes = sum.bytes;
		save->piece.hash = sum.hash;
		save->piece.content = sum.content;
	}
	free(how.reuse.old);
	free(name);
	free(path);
	return rc;
}

static int write_all(struct save *save)
{
	struct rally *rp = save->rp;

	if (rp_files_any(&rp->regions)) {
		rp_files_write(rp, save->partial, save->place->step);
		if (rp_place_vote(rp, save->place) != 0)
			return rp->err.code;
	}
	rp_words_bar_begin(rp, "saving");
	if (rp_piece_init(&save->piece, &rp->regions, rp->comm.rank,
			  &rp->err) == 0 &&
	    write_shard(save) == 0)
		rp_files_seal(rp, save->partial, &save->piece);
	rp_words_bar_end(rp);
	return rp_place_vote(rp, save->place);
}

static int commit(struct save *save)
{
	struct rally *rp = save->rp;
	struct rp_commit commit = { save->partial, save->place->step,
				    save->cause, save->began, 0, 0, { { 0 } } };
	char *mine = rp_piece_encode(&save->piece, &rp->err);
	char *all = NULL;

	if (rp_comm_settle(&rp->comm, &rp->err) == 0 &&
	    rp_comm_gather_text(&rp->comm, mine, &all, &rp->err) == 0 &&
	    rp->comm.rank == 0) {
		rp_commit(rp, &commit, all);
		save->bytes = commit.bytes;
		save->largest = commit.largest;
		save->content = commit.content;
	}
	free(mine);
	free(all);
	/* The gather's own failures are the same on all ranks already. */
	return rp->comm.dead ? rp->err.code : rp_comm_root(&rp->comm, &rp->err);
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
static void keep_base(struct save *save)
{
	struct rally *rp = save->rp;
	char *dir = rp_folder_final(rp_fallback_dir(rp), rp->standing.next,
				    save->place->step);
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

static void settle_down(struct save *save, int confirmed)
{
	struct rally *rp = save->rp;
	struct rp_standing *standing = &rp->standing;
	int64_t elapsed = rp_now() - save->began;
	struct rp_pace measured = { save->bytes, elapsed, save->largest };

	rp_words_saved(rp, standing->next, save->place->step, save->bytes,
		       elapsed, save->cause);
	if (rp->comm.rank == 0 && standing->sequence >= 0 &&
	    standing->step != save->place->step &&
	    memcmp(save->content.b, standing->content.b, RP_HASH_BYTES) == 0)
		rp_words_stale(rp, save->place->step, standing->step);
	keep_base(save);
	warn_unshared(rp);
	standing->content = save->content;
	standing->sequence = standing->next++;
	standing->step = save->place->step;
	standing->confirmed = confirmed;
	standing->aside = rp->aside;
	rp_plan_end(rp, &save->piece, &measured);
	rp_recycle_end(rp);
	if (confirmed && rp->comm.rank == 0)
		rp_fallback_prune(rp);
	rp_claim_warn_space(rp, save->bytes + SPARE_BYTES);
}

static void undo(struct save *save)
{
	struct rally *rp = save->rp;
	struct rp_err err = { 0 };

	rp_shard_base_drop(&rp->base);
	if (rp->comm.rank == 0 && save->partial &&
	    rp_remove_tree(&rp->io, save->partial, &err) != 0)
		rp_words_error(rp, "removing the partial checkpoint", &err);
	rp_recycle_end(rp);
	free(save->partial);
	free(save->pool);
	save->partial = save->pool = NULL;
	rp_piece_free(&save->piece);
}

static void give_up(struct rally *rp)
{
	rp_words_error(rp, rp->standing.sequence < 0
				       ? "the save failed"
				       : "the save failed, the earlier "
					 "checkpoint stands",
		       &rp->err);
}

/* A program that begins anew beside the checkpoints of an earlier run would
 * push them out, one save after the other: they stay. */
static void warn_unrestored(struct rally *rp)
{
	if (rp->comm.rank == 0 && !rp->restored && rp->standing.first > 0 &&
	    rp->standing.next == rp->standing.first)
		rp_words_warn(rp, "there are checkpoints of an earlier run, but "
				  "rally_restore() was not called: they are "
				  "kept, beside those of this run");
}

/* Up to the rename: 0, or the partial directory is to go. */
static int build_once(struct save *save)
{
	int rc = check(save);

	if (rc == 0)
		rc = rp_fallback_claim(save->rp);
	if (rc == 0)
		rc = begin(save);
	return rc ? rc : write_all(save);
}

/* What the pool holds counts as free, but the program's files and shards that have
 * grown can't have it: then it goes, and the save begins anew. */
static int build(struct save *save)
{
	struct rally *rp = save->rp;
	int rc = build_once(save);
	char text[RP_ERR_TEXT];

	if (!save->pool || rp->comm.dead ||
	    (rc != RALLY_ENOSPC && rc != RALLY_EAPP))
		return rc;
	snprintf(text, sizeof(text), "the save begins anew without the pruned "
		 "shards that it was to write over, which take space: %.300s",
		 rp->err.text);
	rp_words_warn(rp, text);
	undo(save);
	rp_err_clear(&rp->err);
	return build_once(save);
}

/* One try, in one folder. */
static int run(struct save *save)
{
	struct rally *rp = save->rp;
	int rc;

	save->began = rp_now();
	rc = build(save);
	if (rc == 0) {
		rc = commit(save);
		/* A rename that was told to have failed may have been done: its
		 * number is not used again. */
		if (rc != 0 && rc != RALLY_EUNCONFIRMED)
			rp->standing.next++;
	}
	if (rc != 0 && rc != RALLY_EUNCONFIRMED) {
		undo(save);
		return rc;
	}
	if (rc != 0)
		rp_words_error(rp, "unconfirmed", &rp->err);
	settle_down(save, rc == 0);
	return rc;
}

/* Rank 0 prunes, or clears, alone: where waiting has a limit the others wait
 * here, where it has none. */
static void wait_for_rank_0(struct rally *rp)
{
	struct rp_err none = { 0 };

	if (rp->comm.patience > 0 && !rp->comm.dead)
		rp_comm_settle(&rp->comm, &none);
}

int rp_save(struct rally *rp, const struct rp_place *place, const char *cause)
{
	struct save save = { .rp = rp, .place = place, .cause = cause };
	int rc;

	rp_err_clear(&rp->err);
	rc = rp_place_meet(rp, place);
	if (rc != 0)
		return rc;
	/* What was asked for until now is answered by this save. */
	rp->saves_seen = rp_signals_count(rp->options.save_signals);
	atomic_fetch_and(&rp->asked, ~RALLY_WANT_SAVE);
	rp->base_step = place->step;
	rp->has_base = 1;
	if (rp->standing.sequence >= 0 && rp->standing.step == place->step &&
	    rp->standing.confirmed) {
		rp_words_current(rp, place->step);
	} else {
		warn_unrestored(rp);
		rp_fallback_begin(rp, strcmp(cause, "stop") == 0);
		do
			rc = run(&save);
		while (rc != 0 && rc != RALLY_EUNCONFIRMED &&
		       rp_fallback_again(rp, &save.tries));
		if (rc != 0 && rc != RALLY_EUNCONFIRMED)
			give_up(rp);
		rp_devices_end(rp->regions.devices);
		wait_for_rank_0(rp);
		rp_agree_restart(&rp->agree);
	}
	if (rc == 0 || rc == RALLY_EUNCONFIRMED)
		rp->saved_at = rp->agree.index;
	rp->last_save = rp_now();
	if (rp->comm.dead)
		rp_handle_break(rp);
	free(save.partial);
	free(save.pool);
	rp_piece_free(&save.piece);
	return rc;
}
