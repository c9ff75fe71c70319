#include "flow/save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "flow/background.h"
#include "flow/claim.h"
#include "flow/files.h"
#include "flow/recycle.h"
#include "flow/replicated.h"
#include "flow/words.h"
#include "sys/folder.h"
#include "sys/signals.h"

/* All are here, with the same arrays and files, and there is room. */
static int check(struct rally *rp)
{
	char *common = rp_regions_common(&rp->regions);
	struct rp_replicated replicated = { .n = 0 };

	if (rp_handle_refused(rp) == 0 && (!common || !rp->saving.room))
		rp_fail(&rp->err, RALLY_ENOMEM, "save: no memory");
	if (rp->err.code == 0 && rp_replicated_hash(rp, &replicated) == 0)
		rp_devices_begin(rp->regions.devices, &rp->regions, rp->stream,
				 rp->node.topo, &rp->err);
	if (rp_comm_settle_same(&rp->comm, common, RALLY_EMISMATCH,
				"the registered arrays or files differ",
				&rp->err) != 0 ||
	    rp_replicated_same(rp, &replicated) != 0)
		goto out;
	rp->saving.bytes = rp_regions_bytes(&rp->regions);
	if (rp_comm_sum(&rp->comm, &rp->saving.bytes, 1, &rp->err) == 0)
		rp_plan_begin(rp, rp->saving.bytes);
out:
	rp_replicated_free(&replicated);
	free(common);
	return rp->err.code;
}

/* What rank 0 tells the others of the save that begins: names, "" for none. */
struct opening {
	struct rp_err err;
	char partial[RP_SAVE_NAME], pool[RP_SAVE_NAME];
};

/* Both are short by how they are made (sys/folder.h, sys/pool.h). */
static void tell_name(char *name, const char *path)
{
	snprintf(name, RP_SAVE_NAME, "%s", strrchr(path, '/') + 1);
}

/* Rank 0. Where the space can't be told the writes will. */
static void make_partial(struct rally *rp, struct opening *opening)
{
	struct rp_saving *s = &rp->saving;
	struct rp_err space = { 0 };
	char *path;

	if (rp_owner_check(rp_fallback_owner(rp), &rp->err) != 0)
		return;
	if (rp_folder_space(&rp->io, s->dir, rp->aside ? NULL : &rp->pool,
			    s->bytes + RP_SAVE_SPARE, &space) == RALLY_ENOSPC) {
		rp->err = space;
		return;
	}
	path = rp_folder_begin(&rp->io, s->dir, s->sequence, &rp->err);
	if (!path)
		return;
	tell_name(opening->partial, path);
	if (rp_files_any(&rp->regions))
		rp_files_begin(rp, path);
	free(path);
}

/* One message, and no memory that may be missing: nobody has to answer it. */
static int begin(struct rally *rp)
{
	struct rp_saving *s = &rp->saving;
	size_t size = strlen(s->dir) + 1 + RP_SAVE_NAME;
	struct opening opening = { .err = { 0 } };

	if (rp->comm.rank == 0) {
		make_partial(rp, &opening);
		opening.err = rp->err;
		if (rp->err.code == 0 && rp_recycle_offer(rp))
			tell_name(opening.pool, rp->pool.path);
	}
	if (rp_comm_bcast(&rp->comm, &opening, sizeof(opening), &rp->err) != 0)
		return rp->err.code;
	rp->err = opening.err;
	if (opening.partial[0]) {
		s->partial = s->room;
		snprintf(s->partial, size, "%s/%s", s->dir, opening.partial);
	}
	if (opening.pool[0]) {
		s->pool = s->room + size;
		snprintf(s->pool, size, "%s/%s", s->dir, opening.pool);
	}
	return rp->err.code;
}

/* What the stages are to know, as it is now. */
static void describe(struct rally *rp, const struct rp_place *place,
		     const char *cause, int64_t began)
{
	struct rp_saving *s = &rp->saving;

	rp_saving_clear(s);
	s->number++;
	s->sequence = rp->standing.next;
	s->step = place->step;
	s->cause = cause;
	s->began = began;
	s->rp = rp;
	s->dir = rp_fallback_dir(rp);
	s->room = malloc(2 * (strlen(s->dir) + 1 + RP_SAVE_NAME));
	s->job = &rp->job;
	s->rank = rp->comm.rank;
	s->ranks = rp->comm.size;
	s->how.direct = (enum rp_auto)rp->options.direct;
	s->how.staging = &rp->staging;
	s->how.layout = &rp->layout;
	s->how.base = rp->options.incremental ? &rp->base : NULL;
	s->progress = &rp->progress;
	s->meta = rp->comm.rank == 0 ? json_deep_copy(rp->meta) : NULL;
}

/* Which thread they run on, of what memory, and over what. */
static void choose_side(struct rally *rp, int background)
{
	struct rp_saving *s = &rp->saving;
	char *name = rp_shard_file_name(s->rank, s->ranks);

	s->background = background;
	/* The writer has that core already. */
	s->how.beside = rp->threads && !background ? &rp->node.beside : NULL;
	s->io = background ? &rp->writer_io : &rp->io;
	s->owner = *rp_fallback_owner(rp);
	s->owner.io = s->io;
	s->regions = background ? &rp->stage.regions : &rp->regions;
	s->how.lend = background;
	/* Without memory a new file is written. */
	if (name)
		s->how.reuse = rp_recycle_reuse(rp, s->pool, name);
	free(name);
}

static void write_inline(struct rally *rp)
{
	rp_words_bar_begin(rp, "saving");
	rp_save_start(rp, rp_saving_write);
	rp_words_bar_end(rp);
}

/* The program goes on behind this. A copy that fails is a write that failed. */
static void write_copy(struct rally *rp)
{
	struct rp_saving *s = &rp->saving;

	rp_progress_begin(&rp->progress, 0);
	if (rp_stage_fill(&rp->stage, &rp->regions, &s->err) == 0)
		rp_save_start(rp, rp_saving_write);
	else
		atomic_store(&s->ended, 1);
	rp_words_staged(rp, s->step, s->bytes, rp_now() - s->began);
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

/* Up to what may be done in the background: 0, or the partial directory is to go. */
static int build(struct rally *rp, const struct rp_place *place)
{
	int rc = check(rp);

	if (rc == 0)
		rc = rp_fallback_claim(rp);
	if (rc == 0)
		rc = begin(rp);
	if (rc == 0 && rp_files_any(&rp->regions)) {
		rp_files_write(rp, rp->saving.partial, place->step);
		rc = rp_place_vote(rp, place);
	}
	return rc;
}

/* To where all parts are durable or, in the background, the copy is taken. */
static int try(struct rally *rp, const struct rp_place *place,
	       enum rp_save_how how)
{
	int rc = build(rp, place), background = 0;

	if (rc == 0 && how == RP_SAVE_AS_OPTED)
		background = rp_background_possible(rp);
	rc = rp->err.code;
	if (rc != 0)
		return rc;
	choose_side(rp, background);
	rp->saving.phase = RP_WRITING;
	if (background) {
		write_copy(rp);
		return 0;
	}
	write_inline(rp);
	return rp_save_written(rp, place);
}

/* What the pool holds counts as free, but the program's files and shards that have
 * grown can't have it: then it goes, and the save begins anew. */
static int wants_another(struct rally *rp, int rc)
{
	char text[RP_ERR_TEXT];

	if (!rp->saving.pool || rp->comm.dead ||
	    (rc != RALLY_ENOSPC && rc != RALLY_EAPP))
		return 0;
	snprintf(text, sizeof(text), "the save begins anew without the pruned "
		 "shards that it was to write over, which take space: %.300s",
		 rp->err.text);
	rp_words_warn(rp, text);
	rp_save_clear_away(rp);
	rp_err_clear(&rp->err);
	return 1;
}

/* One try, in one folder. */
static int run(struct rally *rp, const struct rp_place *place, const char *cause,
	       enum rp_save_how how)
{
	int64_t began = rp_now();
	int rc;

	describe(rp, place, cause, began);
	rc = try(rp, place, how);
	if (wants_another(rp, rc)) {
		describe(rp, place, cause, began);
		rc = try(rp, place, how);
	}
	if (rc == 0 && !rp->saving.background)
		rc = rp_save_committed(rp, -1);
	if (rc != 0 && rc != RALLY_EUNCONFIRMED)
		rp_save_clear_away(rp);
	return rc;
}

/* In one folder or the other. */
static int make(struct rally *rp, const struct rp_place *place, const char *cause,
		enum rp_save_how how)
{
	int tries = 0, rc;

	rp_fallback_begin(rp, how == RP_SAVE_AND_STOP);
	do
		rc = run(rp, place, cause, how);
	while (rc != 0 && rc != RALLY_EUNCONFIRMED &&
	       rp_fallback_again(rp, &tries));
	if (rc != 0 && rc != RALLY_EUNCONFIRMED)
		rp_save_tell_failed(rp);
	rp_devices_end(rp->regions.devices);
	if (!rp->saving.background)
		rp_save_through(rp, place);
	return rc;
}

/* What was asked for until now is answered by this save. */
static void answer(struct rally *rp, const struct rp_place *place)
{
	rp->saves_seen = rp_signals_count(rp->options.save_signals);
	atomic_fetch_and(&rp->asked, ~RALLY_WANT_SAVE);
	rp->base_step = place->step;
	rp->has_base = 1;
}

int rp_save(struct rally *rp, const struct rp_place *place, const char *cause,
	    enum rp_save_how how)
{
	struct rp_tally tally;
	int rc;

	rp_err_clear(&rp->err);
	rc = rp_place_meet(rp, place, &tally);
	if (rc != 0)
		return rc;
	answer(rp, place);
	rc = rp_background_make_way(rp, place,
				    how == RP_SAVE_AND_STOP ? &tally : NULL);
	if (rc != 0)
		return rc;
	if (rp->standing.sequence >= 0 && rp->standing.step == place->step &&
	    rp->standing.confirmed) {
		rp_words_current(rp, place->step);
		rp->saved_here = 1;
	} else {
		warn_unrestored(rp);
		rc = make(rp, place, cause, how);
		rp_agree_restart(&rp->agree);
	}
	if (rc == 0 || rc == RALLY_EUNCONFIRMED)
		rp->saved_at = rp->agree.index;
	rp->last_save = rp_now();
	if (rp->comm.dead)
		rp_handle_break(rp);
	return rc;
}
