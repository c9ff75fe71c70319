#include "flow/restore.h"

#include <string.h>

#include "base/clock.h"
#include "flow/background.h"
#include "flow/claim.h"
#include "flow/commit.h"
#include "flow/lacks.h"
#include "flow/trial.h"
#include "flow/words.h"
#include "sys/finish.h"

/* Rank 0 knows what the data is, so that a save of the same is noticed. */
static void stand_on(struct rally *rp, const struct rp_manifest *m,
		     const char *path)
{
	struct rp_err quiet = { 0 };

	rp->standing.aside = rp_fallback_holds(rp, path);
	rp->aside = rp->standing.aside;

	rp->standing.sequence = m->sequence;
	rp->standing.step = m->step;
	rp->standing.confirmed = 1;
	if (rp_commit_content(m, &rp->standing.content, &quiet) != 0)
		memset(&rp->standing.content, 0, sizeof(rp->standing.content));
}

/* What was restored is not the handle's own: another run may remove it. So the next
 * save is made, also of the same step, and a stop's too. */
static void stand_nowhere(struct rally *rp)
{
	rp->standing.sequence = -1;
	rp->standing.step = -1;
	rp->standing.aside = 0;
	rp->standing.confirmed = 0;
}

static void accept(struct rp_trial *trial, int64_t *step, int64_t began)
{
	struct rally *rp = trial->rp;
	const struct rp_manifest *m = &trial->manifest;

	*step = m->step;
	rp->base_step = *step;
	rp->has_base = 1;
	rp->last_save = rp_now();
	/* How fast another folder was does not tell of this one. */
	if (trial->origin) {
		stand_nowhere(rp);
	} else {
		stand_on(rp, m, trial->path);
		rp_plan_restore(rp, m);
	}
	json_decref(rp->restored_meta);
	rp->restored_meta = json_incref(m->meta);
	rp_words_resumed(rp, m, trial->origin ? trial->path : NULL,
			 &trial->taken, rp_now() - began);
	rp_claim_warn_space(rp, m->bytes);
}

/* By option 'from', and not for the first time. */
static void warn_again(const struct rp_trial *trial)
{
	struct rally *rp = trial->rp;

	if (trial->origin == &rp->origin && rp->job.restarts > 0)
		rp_words_warn(rp, "this job was started before, and nothing was "
				  "saved here: it begins from option 'from' "
				  "again; is it the same folder?");
}

/* The origin is where to look, NULL: in the own folders. */
static int restore_newest(struct rally *rp, struct rp_origin *origin,
			  int64_t *step, int *how)
{
	int64_t began = rp_now();
	int again;

	rp->adopting = 0;
	do {
		struct rp_trial trial = { .rp = rp, .origin = origin };

		if (rp_trial_choose(&trial) == 0 && !trial.path) {
			rp_words_fresh(rp);
			if (rp->job.restarts > 0)
				rp_words_warn(rp, "this job was started before, "
						  "and nothing was saved here: "
						  "is it the same folder?");
		} else if (rp->err.code == 0 &&
			   rp_trial_manifest(&trial) == 0 &&
			   rp_trial_read(&trial) == 0) {
			*how = RALLY_RESUMED;
			accept(&trial, step, began);
			warn_again(&trial);
			rp_lacks_tell(&trial);
		}
		again = rp->err.code != 0 && rp_trial_pass_over(&trial);
		rp_trial_free(&trial);
	} while (again);
	return rp->err.code;
}

static int read_mark(struct rally *rp, int64_t *step)
{
	int found = rp_finish_read(&rp->io, rp->dir, rp->job.id, step,
				   &rp->err);

	if (found == 0 && rp->second.dir)
		found = rp_finish_read(&rp->io, rp->second.dir, rp->job.id,
				       step, &rp->err);
	return found;
}

/* Rank 0 looks whether this job has finished already. */
static int was_finished(struct rally *rp, int64_t *step)
{
	int64_t found[2] = { 0, 0 };

	if (rp->comm.rank == 0)
		found[0] = read_mark(rp, &found[1]);
	if (rp_comm_root(&rp->comm, &rp->err) != 0 ||
	    rp_comm_bcast(&rp->comm, found, sizeof(found), &rp->err) != 0 ||
	    found[0] <= 0)
		return 0;
	*step = found[1];
	return 1;
}

/* What could not be read the last time may be read now. */
static void forget_unread(struct rp_doubt *doubts, size_t *n)
{
	size_t damaged = 0;

	for (size_t i = 0; i < *n; i++)
		if (doubts[i].damaged)
			doubts[damaged++] = doubts[i];
	*n = damaged;
}

int rp_restore(struct rally *rp, int64_t *step, int *how)
{
	*how = RALLY_FRESH;
	if (rp_place_meet_in(rp, "rally_restore()", 0) != 0 ||
	    rp_background_finish(rp, NULL) != 0)
		return rp->err.code;
	/* Not before: what prunes behind a save in the background reads them. */
	forget_unread(rp->standing.doubts, &rp->standing.n_doubts);
	forget_unread(rp->origin.doubts, &rp->origin.n_doubts);
	if (was_finished(rp, step)) {
		*how = RALLY_FINISHED;
		rp_words_was_finished(rp, *step);
		return 0;
	}
	if (rp->err.code == 0)
		restore_newest(rp, NULL, step, how);
	rp->restored = rp->err.code == 0;
	rp->begun_step = rp->standing.step;
	if (rp->err.code != 0)
		rp_words_error(rp, "restore", &rp->err);
	rp_agree_restart(&rp->agree);
	return rp->err.code;
}

int rp_restore_from(struct rally *rp, const char *path, int64_t *step)
{
	struct rp_origin origin = { .by = "rally_restore_from", .path = path };
	int how;

	if (rp_place_meet_in(rp, "rally_restore_from()", 0) != 0 ||
	    rp_background_finish(rp, NULL) != 0)
		return rp->err.code;
	if (rp_comm_same(&rp->comm, path, RALLY_EMISMATCH,
			 "the ranks restore from different places",
			 &rp->err) == 0)
		restore_newest(rp, &origin, step, &how);
	rp_origin_forget(&origin);
	if (rp->err.code == 0)
		rp->begun_step = rp->standing.step;
	else
		rp_words_error(rp, "restore", &rp->err);
	rp_agree_restart(&rp->agree);
	return rp->err.code;
}

/* As a checkpoint: in the second folder where the first can't take it. */
static void write_mark(struct rally *rp, int64_t step)
{
	const char *second = rp->second.unclaimed ? NULL : rp->second.dir;

	if (!rp->unclaimed)
		rp_finish_write(&rp->io, rp->dir, rp->job.id, step, &rp->err);
	if (!second || !(rp->unclaimed || rp_fallback_helps(&rp->err)))
		return;
	rp_err_clear(&rp->err);
	rp_finish_write(&rp->io, second, rp->job.id, step, &rp->err);
}

int rp_finish(struct rally *rp, int64_t step)
{
	if (rp_place_meet_in(rp, "rally_finish()", step) != 0 ||
	    rp_background_finish(rp, NULL) != 0)
		return rp->err.code;
	if (rp->comm.rank == 0)
		write_mark(rp, step);
	if (rp_comm_root(&rp->comm, &rp->err) != 0) {
		rp_words_error(rp, "finish", &rp->err);
		return rp->err.code;
	}
	rp->finished = 1;
	rp_words_finished(rp, step);
	return 0;
}
