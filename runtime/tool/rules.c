#include "tool/rules.h"

#include <string.h>

static int can_be_preempted(const struct rp_facts *f)
{
	enum rp_mode mode = rp_facts_mode(f);

	return mode == RP_MODE_REQUEUE || mode == RP_MODE_CANCEL;
}

static int saved_at(const struct rp_facts *f, enum rp_doctor_event event)
{
	return rp_outcome_of(f, event).saved == RP_SAVED_YES;
}

/*
 * When they apply. Those of the job only where there is one.
 */

static int not_batch(const struct rp_facts *f)
{
	return f->known && !f->batch;
}

static int no_requeue(const struct rp_facts *f)
{
	return f->known && f->batch && !rp_facts_may_requeue(f);
}

static int mpirun_several(const struct rp_facts *f)
{
	return f->launcher == RP_START_MPIRUN && f->nodes > 1;
}

/* Where the save is not too long anyway. */
static int told_late(const struct rp_facts *f)
{
	return rp_facts_warned(f) == RP_HEARS_LATER &&
	       f->launcher != RP_START_NONE && f->part.grace_time > 0 &&
	       can_be_preempted(f) && !saved_at(f, RP_EVENT_PREEMPTION);
}

static int mpirun_at_once(const struct rp_facts *f)
{
	return f->launcher == RP_START_MPIRUN && f->nodes <= 1 &&
	       can_be_preempted(f) && f->part.grace_time == 0;
}

static int mpirun_polled(const struct rp_facts *f)
{
	return f->launcher == RP_START_MPIRUN && f->nodes <= 1 &&
	       !told_late(f) && !mpirun_at_once(f);
}

static int batch_dies(const struct rp_facts *f)
{
	return (f->launcher == RP_START_RUN_MPIRUN ||
		(f->launcher == RP_START_TORCHRUN && !f->in_step)) &&
	       rp_facts_ended(f) == RP_DIES;
}

static int batch_dies_at_once(const struct rp_facts *f)
{
	return batch_dies(f) && can_be_preempted(f) && f->part.grace_time == 0;
}

static int batch_dies_later(const struct rp_facts *f)
{
	return batch_dies(f) && !batch_dies_at_once(f);
}

static int shell_dies(const struct rp_facts *f)
{
	return f->launcher == RP_START_SRUN_SHELL &&
	       rp_facts_warned(f) == RP_DIES && f->quoted;
}

static int wrapper_dies(const struct rp_facts *f)
{
	return f->launcher == RP_START_SRUN_SHELL &&
	       rp_facts_warned(f) == RP_DIES && !f->quoted;
}

static int shell_stays(const struct rp_facts *f)
{
	return f->launcher == RP_START_SRUN_SHELL &&
	       rp_facts_warned(f) != RP_DIES;
}

static int torchrun(const struct rp_facts *f)
{
	return f->launcher == RP_START_TORCHRUN && !f->shielded;
}

static int no_launch(const struct rp_facts *f)
{
	return f->known && f->launcher == RP_START_NONE;
}

static int container(const struct rp_facts *f)
{
	return f->container;
}

static int suspend(const struct rp_facts *f)
{
	return rp_facts_mode(f) == RP_MODE_SUSPEND;
}

static int cancel_mode(const struct rp_facts *f)
{
	return rp_facts_mode(f) == RP_MODE_CANCEL;
}

static int by_qos(const struct rp_facts *f)
{
	return strcmp(f->conf.preempt_type, "preempt/qos") == 0;
}

static int grace_zero(const struct rp_facts *f)
{
	return can_be_preempted(f) && f->part.grace_time == 0;
}

static int grace_short(const struct rp_facts *f)
{
	return can_be_preempted(f) && !rp_facts_fits(f, rp_facts_left(f));
}

static int kill_wait_short(const struct rp_facts *f)
{
	return !grace_short(f) && !rp_facts_fits(f, f->conf.kill_wait);
}

static int truncates(const struct rp_facts *f)
{
	return f->known && f->batch &&
	       (f->append == 0 || (f->append < 0 && f->conf.file_append != 1));
}

static int folder_local(const struct rp_facts *f)
{
	return f->doubt != NULL;
}

static int folder_relative(const struct rp_facts *f)
{
	return f->folder && f->relative && !f->array;
}

static int nothing_to_ask_with(const struct rp_facts *f)
{
	return !f->can_ask && !*f->part.name;
}

static int cannot_tell(const struct rp_facts *f)
{
	return f->known && f->can_ask && !f->has_helper &&
	       rp_facts_mode(f) == RP_MODE_CANCEL && f->part.grace_time == 0;
}

static int told_not_to_ask(const struct rp_facts *f)
{
	return f->known && !f->can_ask && *f->part.name;
}

static int array_shares(const struct rp_facts *f)
{
	return f->array && f->folder && !f->by_task;
}

static int array_unknown(const struct rp_facts *f)
{
	return f->array && !f->folder && !f->by_task;
}

static int het(const struct rp_facts *f)
{
	return f->het;
}

static int together(const struct rp_facts *f)
{
	return f->together;
}

static int status_lost(const struct rp_facts *f)
{
	return f->known && !f->errexit &&
	       (f->after == RP_SHELL_OR ||
		(f->after == RP_SHELL_END && f->goes_on));
}

static int waits_for_end(const struct rp_facts *f)
{
	return f->after == RP_SHELL_AND;
}

static int piped(const struct rp_facts *f)
{
	return f->after == RP_SHELL_PIPE && !f->pipefail;
}

static int late(const struct rp_facts *f)
{
	return f->late > 0;
}

static int signal_to_shell(const struct rp_facts *f)
{
	int number, shell_only;
	int64_t seconds;

	return rp_facts_signal(f, &number, &seconds, &shell_only) == 0 &&
	       shell_only;
}

static int signal_kills(const struct rp_facts *f)
{
	int number, shell_only;
	int64_t seconds;

	return rp_facts_signal(f, &number, &seconds, &shell_only) == 0 &&
	       !shell_only &&
	       !((f->stop_signals | f->save_signals) >> (number - 1) & 1);
}

static int limit_short(const struct rp_facts *f)
{
	double save = f->save_s > 0 ? f->save_s : 0;

	return f->known && f->limit_s >= 0 && f->limit_s != RP_TIME_UNLIMITED &&
	       (double)f->limit_s <= 2 * (f->margin_s + 2 * save);
}

static int limit_over(const struct rp_facts *f)
{
	return f->known && f->part.max_time >= 0 &&
	       f->limit_s > f->part.max_time;
}

static int never_polls(const struct rp_facts *f)
{
	return f->known && !f->signal && f->limit_s != RP_TIME_UNLIMITED &&
	       (f->poll_s <= 0 || f->margin_s <= 0);
}

static int bad_option(const struct rp_facts *f)
{
	return f->option != NULL;
}

static int not_periodic(const struct rp_facts *f)
{
	return f->known && !f->every;
}

static int waits(const struct rp_facts *f)
{
	return f->known && rp_facts_may_requeue(f) && f->conf.cred_expire > 0;
}

const struct rp_rule rp_rules[] = {
	{ "not-batch", RP_PROBLEM, not_batch,
	  "The job was started with salloc or a bare srun. Only a batch job can "
	  "be requeued: a stop is saved, and nothing starts it again.",
	  "sbatch JOB.sbatch" },
	{ "no-requeue", RP_PROBLEM, no_requeue,
	  "Slurm may not put this job back into the queue: a stop is saved, and "
	  "nothing starts it again.",
	  "#SBATCH --requeue" },
	{ "sbatch-late", RP_PROBLEM, late,
	  "The #SBATCH in line {late} stands behind the script's first command, "
	  "and sbatch passes over it.",
	  "move line {late} up, above every command" },
	{ "option", RP_PROBLEM, bad_option,
	  "rally_open() refuses to begin: {option}.",
	  "rallypoint options" },
	{ "mpirun-nodes", RP_PROBLEM, mpirun_several,
	  "mpirun on {nodes} nodes (line {line}): the begin of GraceTime ends its "
	  "daemons on the other nodes, and the ranks there two seconds later.",
	  "{mended}" },
	{ "mpirun-at-once", RP_PROBLEM, mpirun_at_once,
	  "mpirun (line {line}), and no GraceTime in partition {partition}: at a "
	  "preemption mpirun gets SIGTERM itself, and kills the ranks one or two "
	  "seconds later.",
	  "{mended}" },
	{ "told-late", RP_PROBLEM, told_late,
	  "No signal of Slurm's reaches what the batch script starts (line "
	  "{line}) before all are killed. Rank 0 looks into the job's record "
	  "every {poll}, and {left} of GraceTime are too short for that and a "
	  "save.",
	  "export RALLY_POLL=2s RALLY_POLL_MPIRUN=2s" },
	{ "batch-shell", RP_PROBLEM, batch_dies_at_once,
	  "There is no GraceTime in partition {partition}: at a preemption the "
	  "batch script's shell gets SIGTERM, and no other process of it. It dies, "
	  "and all that it started is killed.",
	  "exec {command}" },
	{ "batch-shell", RP_WARNING, batch_dies_later,
	  "At scancel and at an operator's requeue the batch script's shell gets "
	  "SIGTERM, and no other process of it. It dies, and all that it started "
	  "is killed unsaved.",
	  "exec {command}" },
	{ "mpirun", RP_WARNING, mpirun_polled,
	  "mpirun (line {line}): no signal of Slurm's reaches the ranks before "
	  "all are killed. They hear of a preemption and of the time limit only "
	  "through the job's record, which rank 0 reads every {poll}; at scancel "
	  "and at an operator's requeue they are ended unsaved.",
	  "{mended}" },
	{ "shell-between", RP_PROBLEM, shell_dies,
	  "{shell} stands between srun and the program (line {line}). Slurm's "
	  "signal reaches only that shell: it dies, and the step, with the ranks, "
	  "before anything is saved.",
	  "{mended}" },
	{ "wrapper-stays", RP_PROBLEM, wrapper_dies,
	  "The wrapper {shell} (line {line}) stays between srun and the program. "
	  "Slurm's signal reaches only the wrapper's shell: it dies, and the step, "
	  "with the ranks, before anything is saved.",
	  "exec in front of the last command of {shell}, or {mended}" },
	{ "shell-stays", RP_WARNING, shell_stays,
	  "{shell} stays between srun and the program (line {line}). Slurm's "
	  "signal reaches both here; the shell dies of it at once, so that "
	  "srun's exit status is the shell's 143 and not the program's.",
	  "{mended}" },
	{ "no-launch", RP_WARNING, no_launch,
	  "No line starts ranks with srun, mpirun or torchrun, as far as one can "
	  "see. What the batch script starts itself hears of a preemption only "
	  "through the job's record.",
	  "srun PROGRAM" },
	{ "torchrun", RP_NOTE, torchrun,
	  "torchrun's agent (line {line}) passes SIGTERM on to its workers, and "
	  "kills them 30 s later, whatever GraceTime is.",
	  "rallypoint run in front of torchrun" },
	{ "container", RP_NOTE, container,
	  "The program runs in a container (line {line}). For the requeue it "
	  "needs scontrol, or rallypoint's helper, and munge's socket in there.",
	  NULL },
	{ "no-slurm-commands", RP_PROBLEM, nothing_to_ask_with,
	  "There is neither scontrol on PATH nor the helper over libslurm: a stop "
	  "is saved, but nobody asks for the requeue.",
	  "export PATH=$PATH:/path/of/slurm/bin" },
	{ "no-helper", RP_PROBLEM, cannot_tell,
	  "Without GraceTime, and PreemptMode {mode}, a preempted job looks like a "
	  "cancelled one in what scontrol prints, and is left alone. Only the "
	  "helper over libslurm can tell, and it is not here.",
	  "export RALLY_HELPER=/path/of/rallypoint-slurm" },
	{ "requeue-none", RP_PROBLEM, told_not_to_ask,
	  "RALLY_REQUEUE is none: a stop is saved, but nobody asks for the "
	  "requeue.",
	  "unset RALLY_REQUEUE" },
	{ "suspend", RP_WARNING, suspend,
	  "Preemption in partition {partition} is {mode}: a job is stopped in "
	  "memory, hears nothing, and nothing is saved. If a node goes down "
	  "meanwhile, all since the last checkpoint is lost.",
	  "export RALLY_EVERY=30m" },
	{ "preempt-cancel", RP_NOTE, cancel_mode,
	  "PreemptMode is {mode} in partition {partition}: Slurm never requeues a "
	  "preempted job by itself, --requeue or not. The library asks for it once "
	  "it has saved, so a save that fails or comes late ends the job.", NULL },
	{ "preempt-qos", RP_NOTE, by_qos,
	  "The site preempts by QOS, which may have another PreemptMode and "
	  "GraceTime than the partition; see sacctmgr show qos.", NULL },
	{ "grace-zero", RP_WARNING, grace_zero,
	  "GraceTime is 0 in partition {partition}: between SIGTERM and SIGKILL "
	  "there is only KillWait, {kill_wait}.", NULL },
	{ "grace-short", RP_PROBLEM, grace_short,
	  "The last save took {save}, and {left} are all there is between SIGTERM "
	  "and SIGKILL at a preemption.",
	  "export RALLY_EVERY=10m" },
	{ "kill-wait-short", RP_WARNING, kill_wait_short,
	  "The last save took {save}, and KillWait is {kill_wait}: at scancel and "
	  "at an operator's requeue it does not come to its end.",
	  "export RALLY_EVERY=10m" },
	{ "open-mode", RP_WARNING, truncates,
	  "The script starts again from its top, and the second start truncates "
	  "the output of the first.",
	  "#SBATCH --open-mode=append" },
	{ "folder-local", RP_PROBLEM, folder_local,
	  "The checkpoint folder {folder} {doubt}.",
	  "a folder on a file system that all nodes share" },
	{ "array-one-folder", RP_PROBLEM, array_shares,
	  "All tasks of the array would write to one checkpoint folder, {folder}; "
	  "all but one are refused.",
	  "{folder}-$SLURM_ARRAY_TASK_ID" },
	{ "array-folder", RP_WARNING, array_unknown,
	  "The job is an array, and each of its tasks needs a checkpoint folder "
	  "of its own. Which one the program takes can't be seen.",
	  "ckpt-$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID" },
	{ "folder-relative", RP_NOTE, folder_relative,
	  "The checkpoint folder {folder} is relative: a job submitted from "
	  "another directory begins anew.", NULL },
	{ "het", RP_WARNING, het,
	  "The job is heterogeneous: the library does not requeue it by itself, "
	  "as that ends all components.",
	  "rally_requeue() in the program" },
	{ "several-steps", RP_WARNING, together,
	  "Several steps run at the same time. The library waits for the others "
	  "where Slurm ends the job, and then has it requeued; at a signal of "
	  "--signal's, or scancel -s, it does not, as that would end them.",
	  "rally_requeue() in the program, or scontrol requeue $SLURM_JOB_ID "
	  "in the script where one of them returns 81" },
	{ "exit-status", RP_WARNING, status_lost,
	  "Commands behind the launch (line {line}) run whatever it returns: a "
	  "run that was stopped for good (exit code 81) is taken for a finished "
	  "one.",
	  "{command} && ..." },
	{ "and-then", RP_NOTE, waits_for_end,
	  "What stands behind && (line {line}) runs once the run is finished, as "
	  "one that is stopped does not return 0. If it is preempted itself, the "
	  "script starts again from its top: there the program ends at once, if "
	  "it has called rally_finish().", NULL },
	{ "pipe", RP_WARNING, piped,
	  "The launch (line {line}) is the head of a pipe: its exit status is "
	  "lost, and a run that was stopped for good is taken for a finished one.",
	  "set -o pipefail" },
	{ "signal-shell", RP_WARNING, signal_to_shell,
	  "--signal={signal} goes to the batch shell alone, which dies of it or "
	  "passes it over; the ranks hear nothing.",
	  "#SBATCH --signal=TERM@120" },
	{ "signal-kills", RP_PROBLEM, signal_kills,
	  "--signal={signal} sends a signal that the library does not take "
	  "(RALLY_STOP_SIGNALS): it ends the ranks at once.",
	  "#SBATCH --signal=TERM@120" },
	{ "time-short", RP_WARNING, limit_short,
	  "The time limit of {limit} is not much more than what a stop before it "
	  "takes, {margin} (RALLY_MARGIN) and twice a save: the job comes to "
	  "little else.",
	  "#SBATCH --time=60" },
	{ "time-over", RP_PROBLEM, limit_over,
	  "The time limit of {limit} is above that of partition {partition}, "
	  "{most}: the job would not start.",
	  "#SBATCH --time={most_minutes}" },
	{ "no-poll", RP_WARNING, never_polls,
	  "RALLY_POLL or RALLY_MARGIN is 0 and there is no --signal: nothing tells "
	  "the ranks before the time limit.",
	  "#SBATCH --signal=TERM@120" },
	{ "not-periodic", RP_NOTE, not_periodic,
	  "RALLY_EVERY is not set: unless the program saves now and then itself, "
	  "a node that fails costs all work since the last start.",
	  "export RALLY_EVERY=30m" },
	{ "requeue-wait", RP_NOTE, waits,
	  "A requeued job waits {cred} or more before it starts again "
	  "(cred_expire).", NULL },
	{ NULL, RP_NOTE, NULL, NULL, NULL },
};
