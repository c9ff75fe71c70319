/*
 * sys/device_lane.h - contexts that hold regions, for device*.c
 */
#ifndef RP_SYS_DEVICE_LANE_H
#define RP_SYS_DEVICE_LANE_H

#include "sys/device.h"
#include "sys/device_cuda.h"

/* Pinned memory of each GPU: so many copies are under way, or wait to be taken,
 * at a time. Half a MiB is what a bus wants for its full speed. */
#define RP_SLOTS 4
#define RP_SLOT_BYTES ((size_t)2 << 20)

/* A GPU: kept from save to save, as its pinned memory is slow to have. */
struct rp_gpu {
	struct rp_gpu *next;
	int ordinal;
	char bus_id[16];	/* "0000:3b:00.0", "": not known */
	unsigned char *memory;	/* RP_SLOTS of RP_SLOT_BYTES */
	int pinned;
	unsigned turn;		/* slots taken so far */
};

/* A context, from begin to end: streams die with it, and programs may end it
 * between two saves. */
struct rp_lane {
	struct rp_lane *next;
	struct rp_gpu *gpu;
	struct CUctx_st *ctx;
	int retained;		/* it is the primary one of */
	int device;		/* this device, and held */
	struct CUstream_st *stream;
	struct CUevent_st *events[RP_SLOTS];	/* a slot's copies are through */
};

struct rp_devices {
	struct rp_cuda cuda;
	struct rp_gpu *gpus;
	struct rp_lane *lanes;
	const struct rp_regions *regions;
	struct rp_lane **of;	/* by region, NULL: host memory */
	size_t n;
};

/* Makes the lane's context current, and the thread's own again. leave() returns
 * rc, or its own error where that is 0. `region` is a name, or NULL. */
int rp_lane_enter(const struct rp_devices *devices, const struct rp_lane *lane,
		  const char *region, struct rp_err *err);
int rp_lane_leave(const struct rp_devices *devices, const struct rp_lane *lane,
		  const char *region, int rc, struct rp_err *err);

/* RALLY_EDEVICE for the driver's call `what`. */
int rp_lane_fail(const struct rp_devices *devices, const struct rp_lane *lane,
		 const char *region, const char *what, int error,
		 struct rp_err *err);

/* Stream, events and pinned memory; and away with the first two. */
int rp_lane_open(struct rp_devices *devices, struct rp_lane *lane,
		 const struct rp_topo *topo, struct rp_err *err);
void rp_lane_close(struct rp_devices *devices, struct rp_lane *lane);

/* Waits until no copy reads or writes memory of the host's any more. */
int rp_lane_drain(const struct rp_devices *devices, const struct rp_lane *lane,
		  const char *region, struct rp_err *err);

/* Unpins and frees. */
void rp_gpu_free(const struct rp_devices *devices, struct rp_gpu *gpu);

#endif
