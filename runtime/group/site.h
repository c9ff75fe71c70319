/*
 * group/site.h - the loops that a program has its safe points in
 *
 * A site is one call of rally_point() in the program's text. Training,
 * evaluation and warm-up each have theirs, and a stride that was measured in one
 * loop may be far too long for the next: 64 steps of a warm-up are nothing, 64
 * of what follows may be minutes. So each site's step time is remembered, from
 * reduced values, and a change to one that is unknown or much slower wants a
 * round at once. Loops that follow each other in every step share their
 * windows, are known to be as fast as each other, and want none.
 *
 * All ranks change sites at the same safe points, so they come to the same
 * answer; where they don't, the round that one of them starts tells so.
 */
#ifndef RP_GROUP_SITE_H
#define RP_GROUP_SITE_H

#include <stdint.h>

#define RP_SITES 32	/* that are remembered; the oldest is forgotten */

struct rp_site {
	const char *file;	/* the program's, valid as long as the handle */
	int line;
	int64_t step_ns;	/* mean of the last window that it was in; 0: not
				   known yet */
};

struct rp_sites {
	struct rp_site v[RP_SITES];
	unsigned count;		/* seen so far, forgotten ones included */
	uint32_t window;	/* those since the last round's start, a bit each */
	uint32_t before;	/* ... without the one that was entered last */
	uint32_t round;		/* those of the round's window */
	unsigned current;
	uint64_t entered;	/* the index at which */
	int64_t planned_ns;	/* the step time that the stride was made for */
};

/* Enters a site at a safe point. 1 where the stride was not made for steps of its
 * kind. */
int rp_sites_enter(struct rp_sites *sites, const char *file, int line,
		   uint64_t index);

/* A round starts at a safe point; what it will tell is of the window that ends
 * there, of which a site that is entered there is not part yet. */
void rp_sites_start(struct rp_sites *sites, uint64_t index);

/* ... and has told the mean step time of that window, 0: not known. */
void rp_sites_learn(struct rp_sites *sites, int64_t step_ns);

/* Whether the steps at the current site were ever measured. */
int rp_sites_known(const struct rp_sites *sites);

#endif
