#include "sys/device_copy.h"

#include <stdlib.h>
#include <string.h>

#include "sys/device_lane.h"

/* What is in one slot of pinned memory: bytes of one region, or of several small
 * ones. */
struct flight {
	const struct rp_lane *lane;
	struct CUevent_st *event;	/* after its last copy */
	const unsigned char *memory;
	const char *region;	/* the first one */
	size_t size, taken;
	int landed;
};

struct rp_download {
	struct rp_devices *devices;
	const size_t *order;
	size_t n;
	size_t next;		/* the region whose copies begin next, */
	uint64_t at;		/* from here */
	size_t reading;		/* the region that is given out, */
	uint64_t given;		/* up to here */
	struct flight flights[RP_SLOTS];	/* a ring */
	unsigned first, count;
};

struct rp_download *rp_download_open(struct rp_devices *devices,
				     const size_t *order, size_t n,
				     struct rp_err *err)
{
	struct rp_download *down = calloc(1, sizeof(*down));

	if (!down) {
		rp_fail(err, RALLY_ENOMEM, "GPU: no memory");
		return NULL;
	}
	down->devices = devices;
	down->order = order;
	down->n = n;
	return down;
}

static const struct rp_region *region_at(const struct rp_download *down,
					 size_t i)
{
	return &down->devices->regions->v[down->order[i]];
}

/* As many copies as fit into a slot, in one context. */
static int fill(struct rp_download *down, struct flight *flight,
		unsigned char *memory, struct rp_err *err)
{
	const struct rp_devices *devices = down->devices;

	while (down->next < down->n && flight->size < RP_SLOT_BYTES &&
	       devices->of[down->order[down->next]] == flight->lane) {
		const struct rp_region *region = region_at(down, down->next);
		uint64_t left = region->bytes - down->at;
		size_t room = RP_SLOT_BYTES - flight->size;
		size_t n = left < room ? (size_t)left : room;
		int error = devices->cuda.MemcpyDtoHAsync(
			memory + flight->size,
			(uint64_t)(uintptr_t)region->data + down->at, n,
			flight->lane->stream);

		if (error != CUDA_OK)
			return rp_lane_fail(devices, flight->lane, region->name,
					    "cuMemcpyDtoHAsync", error, err);
		flight->size += n;
		down->at += n;
		if (down->at == region->bytes) {
			down->next++;
			down->at = 0;
		}
	}
	return 0;
}

/* Begins the copies of one more slot. Of a GPU's slots the one whose turn it is
 * is free: there are no more flights than it has slots. */
static int begin_flight(struct rp_download *down, struct rp_err *err)
{
	const struct rp_devices *devices = down->devices;
	const struct rp_lane *lane = devices->of[down->order[down->next]];
	unsigned slot = lane->gpu->turn++ % RP_SLOTS;
	unsigned char *memory = lane->gpu->memory + slot * RP_SLOT_BYTES;
	struct flight *flight =
		&down->flights[(down->first + down->count) % RP_SLOTS];
	int rc, error;

	memset(flight, 0, sizeof(*flight));
	flight->lane = lane;
	flight->event = lane->events[slot];
	flight->memory = memory;
	flight->region = region_at(down, down->next)->name;
	rc = rp_lane_enter(devices, lane, flight->region, err);
	if (rc != 0)
		return rc;
	rc = fill(down, flight, memory, err);
	if (rc == 0) {
		error = devices->cuda.EventRecord(flight->event, lane->stream);
		if (error != CUDA_OK)
			rc = rp_lane_fail(devices, lane, flight->region,
					  "cuEventRecord", error, err);
	}
	rc = rp_lane_leave(devices, lane, flight->region, rc, err);
	if (rc == 0)
		down->count++;
	return rc;
}

static int land(const struct rp_download *down, struct flight *flight,
		struct rp_err *err)
{
	const struct rp_devices *devices = down->devices;
	int rc = rp_lane_enter(devices, flight->lane, flight->region, err);
	int error;

	if (rc != 0)
		return rc;
	error = devices->cuda.EventSynchronize(flight->event);
	if (error != CUDA_OK)
		rc = rp_lane_fail(devices, flight->lane, flight->region,
				  "cuEventSynchronize", error, err);
	rc = rp_lane_leave(devices, flight->lane, flight->region, rc, err);
	flight->landed = rc == 0;
	return rc;
}

/* Gives back the slot that was read, and keeps the others busy. */
static int turn(struct rp_download *down, struct rp_err *err)
{
	struct flight *flight = &down->flights[down->first];
	int rc = 0;

	if (down->count > 0 && flight->taken == flight->size) {
		down->first = (down->first + 1) % RP_SLOTS;
		down->count--;
	}
	while (rc == 0 && down->count < RP_SLOTS && down->next < down->n)
		rc = begin_flight(down, err);
	flight = &down->flights[down->first];
	if (rc == 0 && down->count > 0 && !flight->landed)
		rc = land(down, flight, err);
	return rc;
}

const void *rp_download_next(struct rp_download *down, size_t most, size_t *size,
			     struct rp_err *err)
{
	struct flight *flight;
	const unsigned char *data;
	uint64_t left;

	if (down->reading == down->n) {
		rp_fail(err, RALLY_EDEVICE, "more is read from a GPU than its "
			"regions have");
		return NULL;
	}
	if (turn(down, err) != 0)
		return NULL;
	flight = &down->flights[down->first];
	left = region_at(down, down->reading)->bytes - down->given;
	*size = flight->size - flight->taken;
	if (*size > left)
		*size = (size_t)left;
	if (*size > most)
		*size = most;
	data = flight->memory + flight->taken;
	flight->taken += *size;
	down->given += *size;
	if (*size == left) {
		down->reading++;
		down->given = 0;
	}
	return data;
}

void rp_download_close(struct rp_download *down)
{
	free(down);
}

/*
 * A region as a whole
 */

int rp_devices_copy(struct rp_devices *devices, size_t i, void *to,
		    struct rp_err *err)
{
	uint64_t bytes = devices->regions->v[i].bytes;
	struct rp_download *down;
	unsigned char *at = to;
	int rc = 0;

	down = rp_download_open(devices, &i, 1, err);
	if (!down)
		return RALLY_ENOMEM;
	while (bytes > 0 && rc == 0) {
		size_t size;
		const void *data = rp_download_next(down, RP_SLOT_BYTES, &size,
						    err);

		if (!data) {
			rc = RALLY_EDEVICE;
		} else {
			memcpy(at, data, size);
			at += size;
			bytes -= size;
		}
	}
	rp_download_close(down);
	return rc;
}
