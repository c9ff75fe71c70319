#include "tool/bar.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define SECOND 1000000000
#define WIDTH 30

/* Called for each piece of a file; draws ten times a second. */
static void draw(void *arg)
{
	static const char full[] = "##############################";
	struct rp_bar *bar = arg;
	uint64_t done = bar->before + atomic_load(&bar->progress.done);
	int64_t now = rp_now();
	char line[160], amount[24];
	double part;
	int n;

	if (now - bar->from < SECOND || now - bar->last < SECOND / 10)
		return;
	bar->last = now;
	part = bar->total ? (double)done / (double)bar->total : 1;
	if (part > 1)
		part = 1;
	n = snprintf(line, sizeof(line),
		     "\rrallypoint: %s [%-*.*s] %3.0f %% of %s ", bar->what,
		     WIDTH, (int)(part * WIDTH), full, part * 100,
		     rp_text_bytes(bar->total, amount, sizeof(amount)));
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		bar->progress.tick = NULL;
}

void rp_bar_begin(struct rp_bar *bar, const char *what, uint64_t total)
{
	memset(bar, 0, sizeof(*bar));
	bar->what = what;
	bar->total = total;
	bar->from = rp_now();
	bar->progress.arg = bar;
	bar->progress.tick = isatty(STDERR_FILENO) ? draw : NULL;
}

void rp_bar_file_done(struct rp_bar *bar, uint64_t bytes)
{
	bar->before += bytes;
	rp_progress_begin(&bar->progress, 0);
}

void rp_bar_clear(struct rp_bar *bar)
{
	static const char clear[] = "\r\033[K";

	if (bar->last != 0 &&
	    write(STDERR_FILENO, clear, sizeof(clear) - 1) < 0)
		bar->progress.tick = NULL;
	bar->last = 0;
}
