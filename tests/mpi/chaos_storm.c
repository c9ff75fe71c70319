#include "chaos.h"

#include <stdio.h>
#include <string.h>

/* Where a storm's signals go. */
enum aim { ANYWHERE, ONE_RANK, IN_TURN, AIMS };

struct draft {
	struct run *run;
	int way;		/* of all, or WAYS */
	int spread;		/* steps from the first to the last */
	enum aim aim;
	int mixed;		/* save signals before the stop, and after */
};

static const char *const ways[] = { "raise", "timer", "kill", "in save",
				    "outside" };

static enum way draw_way(const struct draft *draft, int i)
{
	struct run *run = draft->run;
	enum way some[WAYS] = { RAISE, TIMER, KILL };
	int n = 3;

	if (draft->way != WAYS)
		return (enum way)draft->way;
	/* Something else has to bring the save about. */
	if (i > 0 && run->plan->file)
		some[n++] = IN_SAVE;
	if (run->crew->outside)
		some[n++] = OUTSIDE;
	return some[chaos_below(&run->luck, n)];
}

static int draw_target(const struct draft *draft, int i)
{
	struct run *run = draft->run;
	int size = run->crew->size;

	if (draft->aim == IN_TURN)
		return i % size;
	if (draft->aim == ONE_RANK && i > 0)
		return run->storm.shots[0].to;
	return chaos_below(&run->luck, size);
}

/* From a microsecond to some milliseconds, which is what a save takes. */
static int64_t draw_delay(uint64_t *luck)
{
	int64_t least = (int64_t)1 << (10 + chaos_below(luck, 14));

	return least + chaos_below(luck, (int)least);
}

static void draw_shot(const struct draft *draft, int i)
{
	struct run *run = draft->run;
	struct storm *storm = &run->storm;
	struct shot *shot = &storm->shots[i];
	uint64_t *luck = &run->luck;

	if (i > 0 && chaos_below(luck, 4) == 0) {
		/* The same once more, as Slurm does it. */
		*shot = shot[-1];
		shot->delay += chaos_below(luck, 2000000);
	} else {
		shot->way = draw_way(draft, i);
		shot->to = draw_target(draft, i);
		shot->from = shot->to;
		if (shot->way == KILL)
			shot->from = chaos_below(luck, run->crew->size);
		shot->at = chaos_below(luck, draft->spread);
		shot->delay = draw_delay(luck);
	}
	/* The last one stops in any case. */
	shot->number = storm->stop ? run->plan->signal : SAVE_SIGNAL;
	if (draft->mixed && i < storm->n - 1 &&
	    (i == 0 || chaos_below(luck, 2) == 0))
		shot->number = SAVE_SIGNAL;
	if (draft->mixed && i == 0)
		shot->at = 0;
}

static struct draft draw_draft(struct run *run)
{
	struct draft draft = { .run = run, .way = WAYS, .spread = 1 };
	uint64_t *luck = &run->luck;

	if (chaos_below(luck, 2) == 0)
		draft.way = run->crew->outside ? OUTSIDE :
						 chaos_below(luck, IN_SAVE);
	switch (chaos_below(luck, 3)) {
	case 0:
		break;
	case 1:
		draft.spread = 2 + chaos_below(luck, 6);
		break;
	default:
		draft.spread = 8 + chaos_below(luck, 40);
	}
	/* These take some steps to come. */
	if (run->crew->outside)
		draft.spread += 60;
	draft.aim = (enum aim)chaos_below(luck, AIMS);
	draft.mixed = run->storm.stop && chaos_below(luck, 2) == 0;
	return draft;
}

static void count(struct crew *crew, const struct storm *storm)
{
	crew->stops += storm->stop;
	crew->saves += !storm->stop;
	crew->signals += storm->n;
	for (int i = 0; i < storm->n; i++) {
		const struct shot *shot = &storm->shots[i];

		crew->from_outside += shot->way == OUTSIDE;
		crew->kills += shot->way == KILL && shot->to == crew->rank;
	}
}

/* One that begins at the step or some time after it. */
static void draw_storm(struct run *run, int64_t step)
{
	struct storm *storm = &run->storm;
	uint64_t *luck = &run->luck;
	struct draft draft;

	memset(storm, 0, sizeof(*storm));
	storm->number = run->crew->storms++;
	storm->stop = run->storms_left-- == 0;
	storm->n = 1 + chaos_below(luck, chaos_below(luck, 3) ? SHOTS : 3);
	storm->begin = step + chaos_below(luck, chaos_below(luck, 2) ? 3 : 30);
	storm->quiet = -1;
	draft = draw_draft(run);
	storm->end = storm->begin + draft.spread;
	for (int i = 0; i < storm->n; i++)
		draw_shot(&draft, i);
	count(run->crew, storm);
}

/* A save at the first safe point would be of the step that was restored: it
 * writes nothing, and the file's function isn't called. */
void chaos_storm_first(struct run *run)
{
	run->storms_left = run->plan->saves;
	draw_storm(run, run->step + 1);
}

static int has_in_save(const struct storm *storm)
{
	for (int i = 0; i < storm->n; i++)
		if (storm->shots[i].way == IN_SAVE)
			return 1;
	return 0;
}

/* So long after the last of its signals that all are answered: from what is the
 * same on all ranks, so that they begin the next one at the same step. */
static int is_over(struct run *run)
{
	struct storm *storm = &run->storm;

	if (storm->quiet < 0)
		return 0;
	if (run->stride > storm->stride)
		storm->stride = run->stride;
	if (run->points - storm->quiet <= storm->stride)
		return 0;
	if (!storm->saved || (has_in_save(storm) && !storm->in_save))
		chaos_fail("the storm is over, and brought no save");
	if (storm->stop)
		chaos_fail("the storm is over, and brought no stop");
	return 1;
}

static void fall_quiet(struct run *run)
{
	run->storm.quiet = run->points;
	run->storm.stride = run->stride;
}

void chaos_storm(struct run *run)
{
	struct storm *storm = &run->storm;

	if (is_over(run))
		draw_storm(run, run->step);
	if (run->step == storm->begin)
		chaos_tell_outside(run);
	for (int i = 0; i < storm->n; i++) {
		const struct shot *shot = &storm->shots[i];

		if (shot->way < IN_SAVE && shot->from == run->crew->rank &&
		    run->step == storm->begin + shot->at)
			chaos_send(run, i);
	}
	if (run->step == storm->end) {
		chaos_await(run);
		fall_quiet(run);
	}
}

void chaos_storm_in_save(struct run *run)
{
	struct storm *storm = &run->storm;

	for (int i = 0; i < storm->n; i++)
		if (storm->shots[i].way == IN_SAVE && !storm->sent[i] &&
		    storm->shots[i].to == run->crew->rank &&
		    run->step >= storm->begin)
			chaos_send(run, i);
}

void chaos_storm_saved(struct run *run)
{
	struct storm *storm = &run->storm;

	if (run->step < storm->begin)
		return;
	storm->saved++;
	if (!run->in_file || storm->in_save++ > 0 || !has_in_save(storm))
		return;
	/* Its signals in the save are answered later still. */
	if (storm->quiet >= 0) {
		storm->quiet = run->points;
		storm->stride = 0;
	}
}

void chaos_storm_rest(struct run *run)
{
	struct storm *storm = &run->storm;

	for (int i = 0; i < storm->n; i++)
		if (storm->shots[i].way < OUTSIDE && !storm->sent[i] &&
		    storm->shots[i].from == run->crew->rank)
			chaos_send(run, i);
}

void chaos_storm_describe(const struct run *run, char *text, size_t size)
{
	const struct storm *storm = &run->storm;
	size_t n = (size_t)snprintf(text, size, "storm %d to %s at step %d:",
				    storm->number,
				    storm->stop ? "stop" : "save",
				    (int)storm->begin);

	for (int i = 0; i < storm->n && n < size; i++) {
		const struct shot *shot = &storm->shots[i];

		n += (size_t)snprintf(text + n, size - n, " %s %s %d>%d +%d",
				      ways[shot->way],
				      chaos_signal_name(shot->number),
				      shot->from, shot->to, shot->at);
	}
}
