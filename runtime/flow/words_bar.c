/*
 * flow/words_bar.c - a progress bar on rank 0's terminal
 */
#include "flow/words.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define SECOND 1000000000
#define BAR_WIDTH 30

/* rp_progress's tick: called for each piece, draws ten times a second. */
static void draw(void *arg)
{
	struct rally *rp = arg;
	int64_t now = rp_now();
	uint64_t done, total;
	int filled, n;
	char line[128], amount[24];

	if (now - rp->bar_from < SECOND || now - rp->bar_last < SECOND / 10)
		return;
	rp->bar_last = now;
	done = atomic_load(&rp->progress.done);
	total = atomic_load(&rp->progress.total);
	if (total == 0)
		return;
	if (done > total)
		done = total;
	filled = (int)(done * BAR_WIDTH / total);
	n = snprintf(line, sizeof(line),
		     "\rrallypoint: %s [%.*s%*s] %3d %% of %s a rank ",
		     rp->bar_what, filled, "##############################",
		     BAR_WIDTH - filled, "", (int)(done * 100 / total),
		     rp_text_bytes(total, amount, sizeof(amount)));
	if (n < 0 || (size_t)n >= sizeof(line))
		return;
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		rp->progress.tick = NULL;
}

void rp_words_bar_begin(struct rally *rp, const char *what)
{
	int wanted = rp->options.progress == RP_YES ||
		     (rp->options.progress == RP_AUTO &&
		      isatty(STDERR_FILENO));

	rp->bar_from = rp_now();
	rp->bar_last = 0;
	rp->bar_what = what;
	rp->progress.arg = rp;
	rp->progress.tick = rp->comm.rank == 0 && wanted ? draw : NULL;
}

void rp_words_bar_end(struct rally *rp)
{
	static const char clear[] = "\r\033[K";

	if (rp->progress.tick && rp->bar_last != 0 &&
	    write(STDERR_FILENO, clear, sizeof(clear) - 1) < 0)
		rp->bar_last = 0;
	rp->progress.tick = NULL;
}
