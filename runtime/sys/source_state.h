/*
 * sys/source_state.h - what is wanted of a checkpoint, between source.c, which reads,
 *                      source_want.c and source_find.c, which finds out who has it
 */
#ifndef RP_SYS_SOURCE_STATE_H
#define RP_SYS_SOURCE_STATE_H

#include "data/box.h"
#include "sys/shard_read.h"
#include "sys/source.h"

/* Memory that is filled. */
struct rp_target {
	const char *path;	/* of the checkpoint */
	char *name;
	enum rally_type type;
	struct rp_box box;	/* of the array; of private memory {0, count} */
	uint64_t bytes;
	unsigned char *memory;	/* of the host's; NULL: on a GPU, */
	unsigned char *aside;	/* where it is put together here first, */
	size_t region;		/* in this region, */
	uint64_t offset;	/* so many bytes behind its data (modulo 2^64) */
	struct rp_target *next;
};

/* What of it is in one shard. */
struct rp_share {
	struct rp_target *target;
	struct rp_box part;
	const struct rp_stored *stored;	/* an array's; of private memory NULL, */
	const struct rp_tensor *tensor;	/* and what was found in the header */
	int other;		/* it is compared with this rank's, < 0: copied */
};

struct rp_source_shard {
	char *path;
	struct rp_shard_reader *reader;	/* NULL: not opened yet */
	int asked;			/* its header is somebody's until the close */
	struct rp_share *shares;	/* in no begun reader yet */
	size_t n, room;
};

struct rp_source {
	struct rp_io *io;
	const char *path;
	const struct rp_manifest *manifest;
	struct rp_shard_how how;
	struct rp_progress *progress;
	int own;			/* rank, -1: of no rank that wrote */
	struct rp_source_shard *shards;	/* by rank */
	struct rp_target *targets;
	struct rp_devices *devices;	/* of the regions that are wanted, or NULL */
	struct rp_upload *up;		/* NULL: nothing is on a GPU */
	int reading;			/* this rank's shard, -1: none */
	int first;			/* the rank that is read first */
	int next;			/* so many behind it have no shares */
	struct rp_shard_reader *open;	/* that has a descriptor, or NULL */
	uint64_t waiting;		/* bytes of shares in no begun reader */
	uint64_t needed;		/* bytes that were wanted so far */
	uint64_t kept;			/* bytes of headers and tables of readers */
	uint64_t read;			/* by readers that are closed again */
};

/* The rank that is read as the i-th, from 0 on. */
static inline int rp_source_turn(const struct rp_source *source, int i)
{
	int left = source->manifest->ranks - source->first;

	return i < left ? source->first + i : i - left;
}

/* Adds a share of a rank's shard. */
int rp_source_share(struct rp_source *source, int rank,
		    const struct rp_share *share, struct rp_err *err);

/* Shares of all that is wanted of an array, out of what the manifest tells. `*aside`: a
 * GPU's box is put together in the host's memory first, since it is of many short runs,
 * or some of it is compared. */
int rp_source_find(struct rp_source *source, struct rp_target *target,
		   const struct rp_region *region, const struct rp_regions *regions,
		   int *aside, struct rp_err *err);

/* A rank's shard, opened: its header is verified. NULL on an error. */
struct rp_shard_reader *rp_source_reader(struct rp_source *source, int rank,
					 struct rp_err *err);

#endif
