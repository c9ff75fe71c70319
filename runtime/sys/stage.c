#include "sys/stage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/text.h"
#include "data/shard.h"
#include "sys/device_copy.h"
#include "sys/memory.h"

#define HUGE ((size_t)2 << 20)	/* the memory is a multiple of these pages */
#define PAGE 4096

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + RP_SHARD_ALIGN - 1) / RP_SHARD_ALIGN * RP_SHARD_ALIGN;
}

static void release_memory(struct rp_stage *stage)
{
	if (stage->memory)
		munmap(stage->memory, stage->size);
	stage->memory = NULL;
	stage->size = 0;
}

void rp_stage_free(struct rp_stage *stage)
{
	release_memory(stage);
	rp_regions_free(&stage->regions);
}

static int refuse(uint64_t wanted, uint64_t had, const char *why,
		  struct rp_err *err)
{
	char want[24], have[24];

	return rp_fail(err, RALLY_ENOMEM,
		       "a copy of what is registered wants %s of memory, and %s "
		       "are to be had%s", rp_text_bytes(wanted, want, sizeof(want)),
		       rp_text_bytes(had, have, sizeof(have)), why);
}

/* What is held already need not be found again. */
static int afford(const struct rp_stage *stage, uint64_t wanted, int sharers,
		  struct rp_err *err)
{
	uint64_t left;

	if (stage->size >= wanted)
		return 0;
	left = rp_memory_left("");
	if (left == UINT64_MAX)
		return 0;
	left = left / (uint64_t)(sharers > 0 ? sharers : 1) + stage->size;
	return wanted <= left ? 0 : refuse(wanted, left,
					   " for each rank of the node", err);
}

static int get_memory(struct rp_stage *stage, uint64_t wanted,
		      struct rp_err *err)
{
	size_t size = (size_t)(wanted + HUGE - 1) / HUGE * HUGE;
	void *memory;

	if (stage->size >= wanted)
		return 0;
	release_memory(stage);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return refuse(wanted, 0, " from the system", err);
	(void)madvise(memory, size, MADV_HUGEPAGE);
	stage->memory = memory;
	stage->size = size;
	return 0;
}

/* All but the names, which are the same. */
static void copy_anew(struct rp_regions *to, const struct rp_regions *from)
{
	for (size_t i = 0; i < from->n; i++) {
		char *name = to->v[i].name;

		to->v[i] = from->v[i];
		to->v[i].name = name;
	}
}

/* Files are among them, without data. */
static int copy_regions(struct rp_stage *stage,
			const struct rp_regions *regions, struct rp_err *err)
{
	int rc = 0;

	if (stage->regions.n == regions->n &&
	    stage->regions.layout == regions->layout) {
		copy_anew(&stage->regions, regions);
		return 0;
	}
	rp_regions_free(&stage->regions);
	for (size_t i = 0; rc == 0 && i < regions->n; i++)
		rc = rp_regions_put(&stage->regions, &regions->v[i], err);
	stage->regions.layout = regions->layout;
	return rc;
}

static uint64_t bytes_of(const struct rp_regions *regions)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < regions->n; i++)
		bytes += aligned(regions->v[i].bytes);
	return bytes;
}

int rp_stage_reserve(struct rp_stage *stage, const struct rp_regions *regions,
		     uint64_t limit, int sharers, struct rp_err *err)
{
	uint64_t wanted = bytes_of(regions);

	if (copy_regions(stage, regions, err) != 0) {
		rp_regions_free(&stage->regions);
		return err->code;
	}
	if (limit > 0 && wanted > limit) {
		release_memory(stage);
		return refuse(wanted, limit, " by option async_memory", err);
	}
	if (afford(stage, wanted, sharers, err) != 0)
		return err->code;
	return get_memory(stage, wanted, err);
}

void rp_stage_touch(void *arg)
{
	const struct rp_stage *stage = arg;
	volatile unsigned char *memory = stage->memory;

	for (size_t i = 0; i < stage->size; i += PAGE)
		memory[i] = 0;
}

/* The one place where data is copied. */
static int copy(unsigned char *to, const struct rp_regions *regions, size_t i,
		struct rp_err *err)
{
	const struct rp_region *region = &regions->v[i];

	if (rp_devices_hold(regions->devices, i))
		return rp_devices_copy(regions->devices, i, to, err);
	if (region->bytes > 0)
		memcpy(to, region->data, (size_t)region->bytes);
	return 0;
}

int rp_stage_fill(struct rp_stage *stage, const struct rp_regions *regions,
		  struct rp_err *err)
{
	unsigned char *to = stage->memory;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < regions->n; i++) {
		size_t bytes = (size_t)regions->v[i].bytes;
		size_t whole = (size_t)aligned(bytes);

		stage->regions.v[i].data = to;
		if (whole == 0)
			continue;
		rc = copy(to, regions, i, err);
		memset(to + bytes, 0, whole - bytes);
		to += whole;
	}
	return rc;
}
