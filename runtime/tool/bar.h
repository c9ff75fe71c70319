/*
 * tool/bar.h - a progress bar over several files, on stderr
 *
 * It shows only on a terminal, and only for what lasts over a second.
 */
#ifndef RP_TOOL_BAR_H
#define RP_TOOL_BAR_H

#include <stdint.h>

#include "base/progress.h"

struct rp_bar {
	struct rp_progress progress;	/* of the file that is being read */
	const char *what;
	uint64_t before;		/* bytes of the files before it */
	uint64_t total;			/* bytes of all files */
	int64_t from, last;		/* rp_now() of begin and last drawing */
};

void rp_bar_begin(struct rp_bar *bar, const char *what, uint64_t total);

/* A file of `bytes` is done, whatever was read of it. */
void rp_bar_file_done(struct rp_bar *bar, uint64_t bytes);

/* Clears the line, so that others can be printed; it comes back. */
void rp_bar_clear(struct rp_bar *bar);

#endif
