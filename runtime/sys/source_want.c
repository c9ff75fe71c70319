/*
 * sys/source_want.c - what is wanted, and where it goes
 */
#include <stdlib.h>
#include <string.h>

#include "data/dtype.h"
#include "sys/source_state.h"

static int no_memory(const struct rp_source *source, struct rp_err *err)
{
	return rp_fail(err, RALLY_ENOMEM, "%s: no memory", source->path);
}

/*
 * Targets
 */

static int is_on_gpu(const struct rp_regions *regions, size_t index)
{
	return regions && rp_devices_hold(regions->devices, index);
}

/* The memory that `region` is to have `box` in; regions NULL: the host's. */
static struct rp_target *new_target(struct rp_source *source,
				    const struct rp_region *region,
				    const struct rp_box *box,
				    const struct rp_regions *regions, size_t index,
				    struct rp_err *err)
{
	struct rp_target *target = calloc(1, sizeof(*target));
	unsigned char *memory = region->replicated ? region->whole : region->data;

	if (!target || !(target->name = strdup(region->name))) {
		free(target);
		no_memory(source, err);
		return NULL;
	}
	target->path = source->path;
	target->type = region->type;
	target->box = *box;
	target->bytes = (uint64_t)rp_dtype_bytes(region->type, box->ndim,
						 box->size);
	target->next = source->targets;
	source->targets = target;
	source->needed += target->bytes;
	if (!is_on_gpu(regions, index)) {
		target->memory = memory;
		return target;
	}
	target->region = index;
	target->offset = (uint64_t)((uintptr_t)memory - (uintptr_t)region->data);
	if (!source->up)
		source->up = rp_upload_open(regions->devices, err);
	return source->up ? target : NULL;
}

/*
 * Arrays
 */

static int check_wanted(const struct rp_source *source,
			const struct rp_region *region, enum rp_kind kind,
			const struct rp_box *wanted, struct rp_err *err)
{
	struct rp_box whole = rp_box_whole(region->ndim, region->shape);

	if (region->kind == kind && rp_box_is_sound(wanted) &&
	    rp_box_is_sound(&whole) && rp_box_inside(wanted, &whole) &&
	    rp_dtype_bytes(region->type, wanted->ndim, wanted->size) >= 0)
		return 0;
	return rp_fail(err, RALLY_EARG, "%s: what is wanted of '%s' is no part "
		       "of it", source->path, region->name);
}

static int want_array(struct rp_source *source, const struct rp_region *region,
		      const struct rp_regions *regions, size_t index,
		      struct rp_err *err)
{
	struct rp_box wanted =
		region->replicated
			? rp_box_whole(region->ndim, region->shape)
			: rp_box_of(region->ndim, region->start, region->local);
	struct rp_target *target;
	int aside, rc;

	if (check_wanted(source, region, RP_ARRAY, &wanted, err) != 0)
		return err->code;
	target = new_target(source, region, &wanted, regions, index, err);
	if (!target)
		return err->code;
	rc = rp_source_find(source, target, region, regions, &aside, err);
	if (rc == 0 && aside && !target->memory &&
	    !(target->aside = malloc(target->bytes)))
		rc = no_memory(source, err);
	return rc;
}

int rp_source_want(struct rp_source *source, const struct rp_regions *regions,
		   size_t index, struct rp_err *err)
{
	struct rp_err own = { 0 };

	return want_array(source, &regions->v[index], regions, index,
			  err ? err : &own);
}

int rp_source_want_box(struct rp_source *source, const struct rp_region *region,
		       struct rp_err *err)
{
	struct rp_err own = { 0 };

	return want_array(source, region, NULL, 0, err ? err : &own);
}

/*
 * Private memory
 */

static int want_private(struct rp_source *source, const struct rp_region *region,
			const struct rp_regions *regions, size_t index, int rank,
			struct rp_err *err)
{
	struct rp_box part = rp_box_of(1, region->start, region->local);
	struct rp_share share = { .part = part, .other = -1 };
	struct rp_shard_reader *reader;

	if (check_wanted(source, region, RP_PRIVATE, &part, err) != 0)
		return err->code;
	reader = rp_source_reader(source, rank, err);
	if (!reader)
		return err->code;
	share.tensor = rp_shard_match(reader, region, err);
	if (!share.tensor)
		return err->code;
	share.target = new_target(source, region, &part, regions, index, err);
	if (!share.target)
		return err->code;
	return region->bytes > 0 ? rp_source_share(source, rank, &share, err) : 0;
}

int rp_source_want_private(struct rp_source *source,
			   const struct rp_regions *regions, size_t index,
			   int rank, struct rp_err *err)
{
	struct rp_err own = { 0 };

	return want_private(source, &regions->v[index], regions, index, rank,
			    err ? err : &own);
}

int rp_source_want_private_of(struct rp_source *source,
			      const struct rp_region *region, int rank,
			      struct rp_err *err)
{
	struct rp_err own = { 0 };

	return want_private(source, region, NULL, 0, rank, err ? err : &own);
}
