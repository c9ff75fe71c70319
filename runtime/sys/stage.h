/*
 * sys/stage.h - a copy of what is registered, for a save that goes on while the
 *               program does
 *
 *     rp_stage_reserve(&stage, &regions, limit, sharers, &err);
 *     rp_stage_touch(&stage);      ahead of time, on another thread
 *     rp_stage_fill(&stage, &regions, &err);
 *     ... stage.regions is what was registered, with the data of that moment ...
 *     rp_stage_free(&stage);
 *
 * The memory is one block in huge pages, kept from save to save: its first touch
 * costs more than the copy. Regions lie in it as in a shard, each at a multiple
 * of RP_SHARD_ALIGN with zeros behind it.
 */
#ifndef RP_SYS_STAGE_H
#define RP_SYS_STAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "data/region.h"

/* All zeros is empty. */
struct rp_stage {
	unsigned char *memory;
	size_t size;
	struct rp_regions regions;	/* names too are its own */
};

/* Makes room for `regions`. Refused with RALLY_ENOMEM, and how much is wanted and
 * to be had, where that is more than `limit` bytes (0: no such limit), or than the
 * part of this process, one of `sharers`, in what the node has left. */
int rp_stage_reserve(struct rp_stage *stage, const struct rp_regions *regions,
		     uint64_t limit, int sharers, struct rp_err *err);

/* Touches the memory, so that the first copy need not; takes a struct rp_stage. */
void rp_stage_touch(void *stage);

/* Copies the data of the regions that room was made for. */
int rp_stage_fill(struct rp_stage *stage, const struct rp_regions *regions,
		  struct rp_err *err);

void rp_stage_free(struct rp_stage *stage);

#endif
