#include "chaos.h"

static void begin(struct watch *watch, int number)
{
	watch->answered = chaos_heard(number);
	watch->known = -1;
}

void chaos_judge_begin(rally_t *rp, struct run *run)
{
	struct rally_status status;

	begin(&run->saves, SAVE_SIGNAL);
	begin(&run->stops, run->plan->signal);
	rally_status(rp, &status);
	run->sequence = status.sequence;
}

static void look(const struct run *run, struct watch *watch, int number)
{
	watch->before = chaos_heard(number);
	if (watch->known < 0 && watch->before != watch->answered) {
		watch->known = run->points;
		watch->stride = run->stride;
	} else if (run->stride > watch->stride) {
		watch->stride = run->stride;
	}
}

void chaos_look(struct run *run)
{
	look(run, &run->saves, SAVE_SIGNAL);
	look(run, &run->stops, run->plan->signal);
	run->in_file = 0;
}

/* Answered at the S+1st safe point after it was known, or before. */
static void in_time(const rally_t *rp, struct run *run,
		    const struct watch *watch, const char *what)
{
	int64_t took = run->points - watch->known;
	int answered = run->verdict != RALLY_GO;

	if (watch->known < 0)
		return;
	if (took > watch->stride + answered)
		chaos_fail("a signal to %s was known after %lld safe points, "
			   "and %s after %lld, stride %lld: %s", what,
			   (long long)watch->known,
			   answered ? "answered" : "not answered",
			   (long long)run->points, (long long)watch->stride,
			   rally_error(rp));
	if (answered && took > run->crew->longest)
		run->crew->longest = took;
}

/* All ranks are told the same at the same place, and one of them had cause. */
static void agreed(const struct run *run, int cause)
{
	enum { POINTS = 0, STEP = 2, VERDICT = 4, CAUSE = 6, FIELDS };
	int64_t mine[FIELDS] = { run->points, -run->points, run->step,
				 -run->step, run->verdict, -run->verdict,
				 cause };
	int64_t all[FIELDS];

	chaos_mpi(MPI_Allreduce(mine, all, FIELDS, MPI_INT64_T, MPI_MAX,
				MPI_COMM_WORLD),
		  "MPI_Allreduce");
	for (int i = POINTS; i < CAUSE; i += 2)
		if (all[i] != -all[i + 1])
			chaos_fail("%s is %lld here, %lld to %lld on all",
				   i == POINTS ? "the safe point" :
				   i == STEP   ? "the step" :
						 "the verdict",
				   (long long)mine[i], (long long)-all[i + 1],
				   (long long)all[i]);
	if (!all[CAUSE])
		chaos_fail("verdict %d, and nobody has asked for it",
			   run->verdict);
}

static void is_saved(const rally_t *rp, struct run *run)
{
	struct rally_status status;

	rally_status(rp, &status);
	if (status.saved_step != run->step || status.sequence <= run->sequence)
		chaos_fail("saved is step %lld, sequence %lld; this is step "
			   "%lld, and before it was sequence %lld",
			   (long long)status.saved_step,
			   (long long)status.sequence, (long long)run->step,
			   (long long)run->sequence);
	run->sequence = status.sequence;
	run->crew->commits++;
	chaos_check_sum(run, run->sum, run->step, "at");
}

static int has_cause(const struct watch *watch, int number)
{
	return watch->known >= 0 || watch->maybe ||
	       watch->before != chaos_heard(number);
}

/* A stop that was known before this save's last vote. */
static int stop_known(const struct run *run)
{
	return run->stops.known >= 0 ||
	       (run->in_file && run->file_stops != run->stops.answered);
}

/* Where the program wrote its file in this save, its request had been taken
 * down before: what came later wants a save of its own. */
static void judge_saved(rally_t *rp, struct run *run)
{
	struct watch *saves = &run->saves;

	agreed(run, has_cause(saves, SAVE_SIGNAL));
	in_time(rp, run, saves, "save");
	if (stop_known(run))
		chaos_fail("a save where a stop was known");
	is_saved(rp, run);
	saves->answered = run->in_file ? run->file_saves :
					 chaos_heard(SAVE_SIGNAL);
	saves->maybe = saves->answered != saves->before;
	saves->known = -1;
	chaos_storm_saved(run);
}

static void judge_stop(rally_t *rp, struct run *run)
{
	agreed(run, has_cause(&run->stops, run->plan->signal));
	in_time(rp, run, &run->stops, "stop");
	in_time(rp, run, &run->saves, "save");
	is_saved(rp, run);
}

void chaos_judge(rally_t *rp, struct run *run)
{
	switch (run->verdict) {
	case RALLY_GO:
		in_time(rp, run, &run->stops, "stop");
		in_time(rp, run, &run->saves, "save");
		break;
	case RALLY_SAVED:
		judge_saved(rp, run);
		break;
	case RALLY_STOP:
		judge_stop(rp, run);
		break;
	default:
		chaos_fail("verdict %d: %s", run->verdict, rally_error(rp));
	}
}
