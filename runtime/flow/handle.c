#include "flow/handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "flow/background.h"
#include "flow/claim.h"
#include "flow/recycle.h"
#include "flow/words.h"
#include "sys/signals.h"

extern char **environ;

/*
 * Opening. Rank 0 looks at the environment and the folder; all learn what came
 * of it.
 */

static int read_options(struct rally *rp)
{
	rp_options_init(&rp->options);
	if (rp->comm.rank == 0)
		rp_options_env(&rp->options, environ, &rp->err);
	if (rp_comm_root(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	return rp_comm_bcast(&rp->comm, &rp->options, sizeof(rp->options),
			     &rp->err);
}

static int begin_io(struct rally *rp)
{
	const char *fault = rp->options.fault, *log = rp->options.fault_log;
	int rc = rp_io_begin(&rp->io, fault, log, rp->comm.rank, &rp->err);

	return rc ? rc : rp_io_begin_writer(&rp->writer_io, fault, log,
					    rp->comm.rank, &rp->err);
}

static void end_io(struct rally *rp)
{
	rp_io_end(&rp->io);
	rp_io_end(&rp->writer_io);
}

/* A requeue that is going to be tried again; rp_sched's tell. */
static void tell_away(void *arg, enum rp_answer answer, int64_t left_ms)
{
	struct rally *rp = arg;
	char text[400];

	snprintf(text, sizeof(text), "%s; %sthe requeue is tried again for "
		 "%lld s", rp_answer_text(answer),
		 rp->stop_saved ? "the state is saved, and " : "",
		 (long long)(left_ms / 1000));
	rp_words_warn(rp, text);
}

/* What of the options a backend that is open follows. */
static void tune_sched(struct rally *rp)
{
	rp->sched.timeout_ms = rp->options.requeue_timeout / 1000000;
	rp->sched.patience_ms = rp->options.requeue_patience / 1000000;
	rp->sched.patience_new_ms = rp->options.grace / 1000000;
}

static int open_sched(struct rally *rp)
{
	char choice[16] = "auto";
	const char *helper = *rp->options.helper ? rp->options.helper : NULL;
	int rc;

	rp_option_choice("requeue", rp->options.requeue, choice,
			 sizeof(choice));
	rc = rp_sched_open(&rp->sched, choice, helper,
			   rp->options.requeue_timeout / 1000000, &rp->err);
	rp->sched_open = rc == 0;
	tune_sched(rp);
	rp->sched.tell = tell_away;
	rp->sched.arg = rp;
	return rc;
}

/* What of the options the shards' writer follows. */
static void tune_writer(struct rally *rp)
{
	rp->staging.limit = (size_t)rp->options.memory;
}

/* Helper threads call no MPI, but MPI must have been told that there may be
 * some. */
static void allow_threads(struct rally *rp)
{
	int level = MPI_THREAD_SINGLE;

	if (MPI_Query_thread(&level) != MPI_SUCCESS)
		level = MPI_THREAD_SINGLE;
	rp->may_thread = level >= MPI_THREAD_FUNNELED;
	rp->threads = rp->may_thread && rp->options.threads != RP_NO &&
		      (rp->node.has_beside || rp->options.threads == RP_YES);
}

static int open_parts(struct rally *rp)
{
	int64_t signals;

	if (rp->comm.rank == 0 && !rp->comm.lengths)
		rp_fail(&rp->err, RALLY_ENOMEM, "open: no memory");
	if (rp_comm_settle_same(&rp->comm, rp->dir, RALLY_EMISMATCH,
				"the checkpoint folders differ",
				&rp->err) != 0 ||
	    read_options(rp) != 0)
		return rp->err.code;
	begin_io(rp);
	if (rp_comm_settle(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	rp_job_from_env(&rp->job);
	if (rp->comm.rank == 0)
		open_sched(rp);
	if (rp_comm_root(&rp->comm, &rp->err) != 0 ||
	    rp_node_open(&rp->node, &rp->comm, &rp->err) != 0 ||
	    rp_claim(rp) != 0)
		return rp->err.code;
	signals = rp->options.stop_signals | rp->options.save_signals;
	rp_signals_install(signals, &rp->err);
	/* A save signal from before this handle is not its business, a stop is:
	 * it may have come during the start. */
	rp->saves_seen = rp_signals_count(rp->options.save_signals);
	if (rp_comm_settle(&rp->comm, &rp->err) != 0)
		return rp->err.code;
	tune_writer(rp);
	allow_threads(rp);
	return 0;
}

/* While this rank waits for others; rp_comm's tell. */
static void tell_waiting(void *arg, int64_t waited_ns)
{
	rp_words_waiting(arg, waited_ns);
}

/* The lines about what does not come, and news that come without a signal. */
static void watch(struct rally *rp)
{
	int64_t after = rp->options.words == RP_NO ? 0 : rp->options.watch;
	int64_t every = rp->options.poll;

	rp_alarm_set(&rp->alarm, rp->options.stop_signals, after,
		     rp->options.grace);
	rp->comm.tell_after = after;
	if (rp->job.by_mpirun && rp->options.poll_mpirun < every)
		every = rp->options.poll_mpirun;
	if (every != rp->poll.every_ns)
		rp_poll_soon(&rp->poll);
	rp->poll.every_ns = every;
	if (every == 0)
		rp_poll_end(&rp->poll);
}

static void begin_watch(struct rally *rp)
{
	rp->comm.tell = tell_waiting;
	rp->comm.arg = rp;
	rp->alarm.rank = rp->comm.rank;
	rp->alarm.index = &rp->agree.index;
	rp->alarm.due = &rp->agree.due;
	rp_alarm_open(&rp->alarm);
	watch(rp);
}

/* On several nodes mpirun's daemons die of the first signal, and their ranks with
 * them: nothing is left to save then, so little may be lost. */
static void lean_on_periodic_saves(struct rally *rp)
{
	if (rp->options.every == 0 && rp->options.every_steps == 0)
		rp_option_set(&rp->options, "every", "10m", &rp->err);
}

static void warn_of_mpirun(struct rally *rp)
{
	char text[400];

	if (!rp->job.by_mpirun || rp->job.shielded)
		return;
	if (rp->node.nodes > 1)
		snprintf(text, sizeof(text), "started by mpirun on several "
			 "nodes of a Slurm job: at a preemption its daemons "
			 "die at once, and the ranks with them; only periodic "
			 "saves are left (%s). Start with srun, or with "
			 "rallypoint run mpirun",
			 rp->options.every || rp->options.every_steps
				 ? "option every"
				 : "but option every is 0");
	else
		snprintf(text, sizeof(text), "started by mpirun inside a Slurm "
			 "job: Slurm's signals do not reach these ranks, and "
			 "only the job's record tells them of a preemption; "
			 "start with srun");
	rp_words_warn(rp, text);
}

int rp_handle_open(struct rally **out, MPI_Comm comm, const char *dir)
{
	struct rally *rp = calloc(1, sizeof(*rp));

	*out = rp;
	if (!rp)
		return RALLY_ENOMEM;
	rp->keyval = MPI_KEYVAL_INVALID;
	rp->standing.sequence = -1;
	rp->standing.step = -1;
	rp->begun_step = -1;
	rp->origin.by = "option 'from'";
	rp->origin.path = rp->options.from;
	atomic_store(&rp->seen.save_ns, RP_PACE_UNKNOWN);
	rp->last_save = rp_now();
	rp_poll_init(&rp->poll);
	rp->dir = dir ? strdup(dir) : NULL;
	rp->meta = json_object();
	rp->regions.devices = rp_devices_new();
	if (rp_comm_open(&rp->comm, comm, &rp->err) == 0) {
		if (!dir || !*dir)
			rp_fail(&rp->err, RALLY_EARG,
				"dir is NULL or empty");
		else if (rp_agree_init(&rp->agree, &rp->err) == 0 &&
			 (!rp->dir || !rp->meta || !rp->regions.devices))
			rp_fail(&rp->err, RALLY_ENOMEM, "no memory");
		if (rp_comm_settle(&rp->comm, &rp->err) == 0)
			open_parts(rp);
	}
	if (rp->err.code) {
		rp->verdict = RALLY_BROKEN;
		rp_handle_leave(rp, -1);
		rp_words_refused(rp, &rp->err);
		return rp->err.code;
	}
	if (rp->job.by_mpirun && !rp->job.shielded && rp->node.nodes > 1)
		lean_on_periodic_saves(rp);
	rp->comm.patience = rp->options.patience;
	begin_watch(rp);
	rp_handle_leave(rp, -1);
	rp_words_open(rp);
	rp_claim_warn(rp);
	warn_of_mpirun(rp);
	return 0;
}

/* What an option means beyond its value: handlers, and rank 0's backend. */
static int apply_options(struct rally *rp, const struct rp_options *old)
{
	const struct rp_options *now = &rp->options;

	if (now->save_signals != old->save_signals)
		rp->saves_seen = rp_signals_count(now->save_signals);
	/* What came to ask for a save does not ask for a stop now. */
	if (now->stop_signals != old->stop_signals)
		rp->stops_seen = rp_signals_count(now->stop_signals &
						  old->save_signals &
						  ~old->stop_signals);
	rp_signals_install(now->stop_signals | now->save_signals, &rp->err);
	if (strcmp(now->fault, old->fault) != 0 ||
	    strcmp(now->fault_log, old->fault_log) != 0) {
		end_io(rp);
		begin_io(rp);
	}
	rp->comm.patience = now->patience;
	watch(rp);
	if (rp->comm.rank == 0 &&
	    (now->requeue != old->requeue ||
	     strcmp(now->helper, old->helper) != 0)) {
		rp_poll_end(&rp->poll);
		rp_sched_close(&rp->sched);
		open_sched(rp);
	}
	tune_sched(rp);
	tune_writer(rp);
	allow_threads(rp);
	if (now->async == 0)
		rp_stage_free(&rp->stage);
	if (strcmp(now->from, old->from) != 0)
		rp_origin_forget(&rp->origin);
	return rp->err.code;
}

int rp_handle_set(struct rally *rp, const char *key, const char *value)
{
	struct rp_options old = rp->options;
	char *text = rp_format("has %s=%s", key, value);

	if (rp_place_meet_in(rp, "rally_set()", 0) != 0 ||
	    rp_background_finish(rp, NULL) != 0) {
		free(text);
		return rp->err.code;
	}
	if (!text)
		rp_fail(&rp->err, RALLY_ENOMEM, "no memory");
	else
		rp_option_set(&rp->options, key, value, &rp->err);
	if (rp_comm_settle_same(&rp->comm, text, RALLY_EMISMATCH,
				"the ranks set an option differently",
				&rp->err) == 0) {
		apply_options(rp, &old);
		if (rp_comm_settle(&rp->comm, &rp->err) == 0 &&
		    strcmp(old.fallback, rp->options.fallback) != 0)
			rp_claim_second(rp);
	}
	free(text);
	if (rp->err.code == 0) {
		/* A boundary may be nearer than the round that is planned. */
		rp_agree_restart(&rp->agree);
		rp_handle_leave(rp, atomic_load(&rp->seen.step));
		return 0;
	}
	rp->options = old;
	tune_sched(rp);
	tune_writer(rp);
	if (rp->comm.rank == 0 && !rp->sched_open) {
		struct rp_err keep = rp->err;

		rp_err_clear(&rp->err);
		open_sched(rp);
		rp->err = keep;
	}
	return rp->err.code;
}

void rp_handle_refuse(struct rally *rp, const char *name)
{
	struct rp_refused *v;

	rp_handle_mend(rp, name);
	v = realloc(rp->refused, (rp->n_refused + 1) * sizeof(*v));
	if (v) {
		rp->refused = v;
		v += rp->n_refused;
		v->err = rp->err;
		v->name = strdup(name);
	}
	if (v && v->name)
		rp->n_refused++;
	else
		rp->lost_refusal = 1;
}

int rp_handle_mend(struct rally *rp, const char *name)
{
	for (size_t i = 0; i < rp->n_refused; i++) {
		if (strcmp(rp->refused[i].name, name) != 0)
			continue;
		free(rp->refused[i].name);
		rp->refused[i] = rp->refused[--rp->n_refused];
		return 1;
	}
	return 0;
}

int rp_handle_refused(struct rally *rp)
{
	const struct rp_err *first;

	if (rp->lost_refusal)
		return rp_fail(&rp->err, RALLY_ENOMEM,
			       "there was no memory to remember a registration "
			       "that was refused");
	if (rp->n_refused == 0)
		return 0;
	first = &rp->refused[0].err;
	return rp_fail(&rp->err, first->code, "%s", first->text);
}

void rp_handle_free(struct rally *rp)
{
	rp_alarm_close(&rp->alarm);
	rp_poll_end(&rp->poll);
	rp_background_close(rp);
	rp_recycle_close(rp);
	rp_owner_release(&rp->owner);
	rp_fallback_close(rp);
	rp_io_end(&rp->io);
	rp_staging_free(&rp->staging);
	rp_layout_free(&rp->layout);
	rp_shard_base_free(&rp->base);
	if (rp->sched_open)
		rp_sched_close(&rp->sched);
	rp_node_close(&rp->node);
	rp_agree_free(&rp->agree, &rp->comm);
	rp_comm_close(&rp->comm);
	rp_devices_free(rp->regions.devices);
	rp_regions_free(&rp->regions);
	rp_origin_forget(&rp->origin);
	free(rp->found_path);
	rp_manifest_free(&rp->found);
	rp_shard_free(&rp->found_shard);
	json_decref(rp->meta);
	json_decref(rp->restored_meta);
	free(rp->standing.doubts);
	while (rp->n_refused > 0)
		free(rp->refused[--rp->n_refused].name);
	free(rp->refused);
	free(rp->dir);
	free(rp);
}

int rp_handle_break(struct rally *rp)
{
	rp->verdict = RALLY_BROKEN;
	rp->agree.due = 0;
	rp_alarm_calm(&rp->alarm);
	atomic_store(&rp->seen.verdict, RALLY_BROKEN);
	rp_words_error(rp, "no agreement is possible any more", &rp->err);
	return RALLY_BROKEN;
}

void rp_handle_notice_death(struct rally *rp)
{
	if (!rp->comm.dead || rp->verdict == RALLY_BROKEN)
		return;
	rp_fail(&rp->err, RALLY_EMPI, "an MPI call failed before");
	rp_handle_break(rp);
}

static void show(struct rally *rp, int64_t step)
{
	struct rp_seen *seen = &rp->seen;

	atomic_store(&seen->step, step);
	atomic_store(&seen->sequence, rp->standing.sequence);
	atomic_store(&seen->saved_step, rp->standing.step);
	atomic_store(&seen->points, rp->agree.index);
	atomic_store(&seen->rounds, rp->agree.rounds);
	atomic_store(&seen->stride, rp->agree.stride);
	atomic_store(&seen->lag, rp->agree.lag);
	atomic_store(&seen->verdict, rp->verdict);
	atomic_store(&seen->saving, rp->saving.phase == RP_WRITING ||
					    rp->saving.phase == RP_COMMITTING);
}

void rp_handle_leave(struct rally *rp, int64_t step)
{
	rp_agree_leave(&rp->agree);
	if (rp->verdict || rp->stop_pending)
		rp->agree.due = 0;
	show(rp, step);
}
