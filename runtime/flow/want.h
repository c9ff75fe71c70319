/*
 * flow/want.h - what a restore is to fill: this rank's memory, and who stored it
 *
 *     rc = rp_want_gather(&trial, source, &want);
 *     rc = rp_devices_begin(devices, &want.regions, ...);
 *     rc = rp_want_from(&want, source, &err);
 *     ... rp_source_next() ...
 *     rp_want_free(&want);
 *
 * Replicated arrays are among it whole; optional names that the checkpoint lacks are
 * not, and the trial knows them; private memory of another number of ranks is where
 * the program has adopted it (flow/adopt.h).
 */
#ifndef RP_FLOW_WANT_H
#define RP_FLOW_WANT_H

#include "flow/trial.h"
#include "sys/source.h"

/* All zeros is empty. */
struct rp_want {
	struct rp_regions regions;	/* a name may come more than once */
	int *rank;		/* who stored a private one; -1: it is an array */
	char *names;		/* of those that were adopted */
};

/* Finds out what is wanted, unless a rank has an error in rp->err. Nothing is read but
 * headers. Collective. */
int rp_want_gather(struct rp_trial *trial, struct rp_source *source,
		   struct rp_want *want);

/* Adds one; its name and memory are borrowed. Not collective, nor are the others. */
int rp_want_add(struct rp_want *want, const struct rp_region *region, int rank,
		struct rp_err *err);

/* Has the source read all of it. */
int rp_want_from(const struct rp_want *want, struct rp_source *source,
		 struct rp_err *err);

void rp_want_free(struct rp_want *want);

#endif
