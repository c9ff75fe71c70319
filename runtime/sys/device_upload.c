#include "sys/device_copy.h"

#include <stdlib.h>

#include "sys/device_lane.h"

/* A slot of a GPU's that was sent from, and the lane whose event tells when it is
 * free again. */
struct sent {
	const struct rp_gpu *gpu;
	const struct rp_lane *by[RP_SLOTS];
	struct sent *next;
};

_Static_assert(RP_UPLOAD_MAX <= RP_SLOT_BYTES, "a piece fits a slot");

struct rp_upload {
	struct rp_devices *devices;
	struct sent *sent;	/* one for each GPU */
	const struct rp_lane *lane;	/* of the slot that is being filled */
	unsigned slot;
	size_t used;		/* bytes of it that are sent */
};

struct rp_upload *rp_upload_open(struct rp_devices *devices, struct rp_err *err)
{
	struct rp_upload *up = calloc(1, sizeof(*up));

	if (!up) {
		rp_fail(err, RALLY_ENOMEM, "GPU: no memory");
		return NULL;
	}
	up->devices = devices;
	return up;
}

static struct sent *sent_of(struct rp_upload *up, const struct rp_gpu *gpu)
{
	struct sent *sent = up->sent;

	while (sent && sent->gpu != gpu)
		sent = sent->next;
	if (sent)
		return sent;
	sent = calloc(1, sizeof(*sent));
	if (!sent)
		return NULL;
	sent->gpu = gpu;
	sent->next = up->sent;
	up->sent = sent;
	return sent;
}

/* In a lane's context: the event of a slot is recorded, or waited for. */
static int on_event(const struct rp_upload *up, const struct rp_lane *lane,
		    unsigned slot, int wait, const char *region,
		    struct rp_err *err)
{
	const struct rp_cuda *cuda = &up->devices->cuda;
	int error, rc = rp_lane_enter(up->devices, lane, region, err);

	if (rc != 0)
		return rc;
	error = wait ? cuda->EventSynchronize(lane->events[slot])
		     : cuda->EventRecord(lane->events[slot], lane->stream);
	if (error != CUDA_OK)
		rc = rp_lane_fail(up->devices, lane, region,
				  wait ? "cuEventSynchronize" : "cuEventRecord",
				  error, err);
	return rp_lane_leave(up->devices, lane, region, rc, err);
}

/* The next slot of the lane's GPU, once what was sent from it has arrived. */
static int take_slot(struct rp_upload *up, const struct rp_lane *lane,
		     const char *region, struct rp_err *err)
{
	struct sent *sent = sent_of(up, lane->gpu);
	unsigned slot = lane->gpu->turn++ % RP_SLOTS;
	const struct rp_lane *by;

	if (!sent)
		return rp_fail(err, RALLY_ENOMEM, "GPU: no memory");
	by = sent->by[slot];
	if (by && on_event(up, by, slot, 1, region, err) != 0)
		return RALLY_EDEVICE;
	sent->by[slot] = lane;
	up->lane = lane;
	up->slot = slot;
	up->used = 0;
	return 0;
}

void *rp_upload_room(struct rp_upload *up, size_t i, size_t size,
		     struct rp_err *err)
{
	const struct rp_lane *lane = up->devices->of[i];
	const char *region = up->devices->regions->v[i].name;

	if (lane != up->lane || up->used + size > RP_SLOT_BYTES) {
		if (up->lane &&
		    on_event(up, up->lane, up->slot, 0, region, err) != 0)
			return NULL;
		if (take_slot(up, lane, region, err) != 0)
			return NULL;
	}
	return lane->gpu->memory + up->slot * RP_SLOT_BYTES + up->used;
}

int rp_upload_send(struct rp_upload *up, size_t i, uint64_t offset, size_t size,
		   struct rp_err *err)
{
	const struct rp_devices *devices = up->devices;
	const struct rp_region *region = &devices->regions->v[i];
	const struct rp_lane *lane = up->lane;
	int error, rc = rp_lane_enter(devices, lane, region->name, err);

	if (rc != 0)
		return rc;
	error = devices->cuda.MemcpyHtoDAsync(
		(uint64_t)(uintptr_t)region->data + offset,
		lane->gpu->memory + up->slot * RP_SLOT_BYTES + up->used, size,
		lane->stream);
	if (error != CUDA_OK)
		rc = rp_lane_fail(devices, lane, region->name,
				  "cuMemcpyHtoDAsync", error, err);
	up->used += (size + 63) & ~(size_t)63;
	return rp_lane_leave(devices, lane, region->name, rc, err);
}

int rp_upload_finish(struct rp_upload *up, struct rp_err *err)
{
	int rc = 0;

	for (const struct rp_lane *lane = up->devices->lanes; lane;
	     lane = lane->next) {
		int one = rp_lane_drain(up->devices, lane, NULL, err);

		rc = rc ? rc : one;
	}
	return rc;
}

void rp_upload_close(struct rp_upload *up)
{
	if (!up)
		return;
	while (up->sent) {
		struct sent *sent = up->sent;

		up->sent = sent->next;
		free(sent);
	}
	free(up);
}
