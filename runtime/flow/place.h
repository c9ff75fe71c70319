/*
 * flow/place.h - where ranks are, what they say there, and whether they are at
 *                one place
 */
#ifndef RP_FLOW_PLACE_H
#define RP_FLOW_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "group/agree.h"

struct rally;

/* Where a rank is in its program. */
struct rp_place {
	const char *file;	/* or the name of a call */
	int line;		/* 0: it is a call */
	int64_t step;
	int leaving;
	uint64_t point;		/* safe points passed */
};

/* "is at solver.c:41 step 7 (safe point 8)". */
void rp_place_describe(const struct rp_place *place, char *text, size_t size);

/* What this rank says in a round or a vote. */
void rp_place_ballot(struct rally *rp, const struct rp_place *place,
		     struct rp_ballot *ballot);

/* Whether all ranks are at one place, by a tally: 0, or ESITE, EUNEVEN or
 * EOPTION, on all ranks and with the places of two of them. Collective. */
int rp_place_same(struct rally *rp, const struct rp_place *place,
		  const struct rp_tally *tally);

/* A vote: makes one rank's rp->err everybody's, and remembers a stop that others
 * want. Collective. */
int rp_place_vote(struct rally *rp, const struct rp_place *place);

/* The first vote of a call that waits for all ranks, at `place` (tally, which may
 * be NULL, has what comes of it), or in `call` at the step. It waits for the round
 * in flight, and meets ranks that are elsewhere too: then the handle is broken, on
 * all of them, and the error tells who is where. Collective. */
int rp_place_meet(struct rally *rp, const struct rp_place *place,
		  struct rp_tally *tally);
int rp_place_meet_in(struct rally *rp, const char *call, int64_t step);

#endif
