/*
 * data/pace.h - from what one save took to what the next one will take
 *
 *     rp_pace_learn(&pace, bytes, ns);
 *     ns = rp_pace_predict(&pace, more);
 *
 * Each measurement counts for half of what is expected next: storage that others
 * use too is not the same from save to save. Of little data it is the fixed costs
 * that are measured, fsyncs and renames: it tells nothing of the speed of a large
 * save, and a prediction for one is "not known".
 */
#ifndef RP_DATA_PACE_H
#define RP_DATA_PACE_H

#include <stdint.h>

#include "data/manifest.h"

#define RP_PACE_UNKNOWN (-1)
#define RP_PACE_LITTLE ((uint64_t)32 << 20)

struct rp_pace {
	uint64_t bytes;		/* of all ranks */
	int64_t ns;		/* that a save of them takes; 0: not known */
	int64_t largest;	/* bytes of the rank that had most */
};

/* Nanoseconds, or RP_PACE_UNKNOWN. */
int64_t rp_pace_predict(const struct rp_pace *pace, uint64_t bytes);

/* Takes a measurement in. */
void rp_pace_learn(struct rp_pace *pace, uint64_t bytes, int64_t ns);

/* Bytes a second, for the manifest of a save that was taken in. */
int64_t rp_pace_bandwidth(const struct rp_pace *pace);

/* What a manifest tells, also an older version's. */
void rp_pace_read(struct rp_pace *pace, const struct rp_manifest *m);

/* Bytes of a piece's files; of the piece with most, files and all. */
int64_t rp_pace_files(const struct rp_piece *piece);
int64_t rp_pace_largest(const struct rp_manifest *m);

#endif
