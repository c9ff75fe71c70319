/*
 * sys/device.h - regions whose memory is on a GPU
 *
 *     devices = rp_devices_new();
 *     rc = rp_devices_begin(devices, &regions, stream, topo, &err);
 *     if (rc == 0 && rp_devices_hold(devices, i))
 *             ... region i is reached by sys/device_copy.h alone ...
 *     rp_devices_end(devices);
 *     rp_devices_free(devices);
 *
 * The driver is asked about each pointer anew, since memory comes and goes behind
 * an address. Device and managed memory are copied, in the context that they were
 * had in (pools have none: their device's primary one), whatever is current in
 * the calling thread, which finds its own again. Managed memory is copied too,
 * although the host could read it: its pages would move there, one fault after
 * the other, and back in the program's next step; and on GPUs without concurrent
 * access the host may not touch it at all while a kernel runs. Pinned host memory
 * is host memory.
 *
 * What is lost with a GPU is told as RALLY_EDEVICE, with the region, the GPU and
 * the driver's name for the error.
 */
#ifndef RP_SYS_DEVICE_H
#define RP_SYS_DEVICE_H

#include <stddef.h>

#include "base/err.h"
#include "data/region.h"

struct rp_devices;
struct rp_topo;

/* NULL without memory. free unpins and frees what was kept from save to save; it
 * takes NULL. */
struct rp_devices *rp_devices_new(void);
void rp_devices_free(struct rp_devices *devices);

/* Looks where each region lies, and waits for what the program has started:
 * in `stream` (a CUstream), or where that is NULL in all of the contexts that
 * hold regions. Nothing but a look where the process has no libcuda. `topo` may
 * be NULL. Errors: EDEVICE, ENOMEM. rp_devices_end() is due after an error too. */
int rp_devices_begin(struct rp_devices *devices,
		     const struct rp_regions *regions, void *stream,
		     const struct rp_topo *topo, struct rp_err *err);

/* Waits for the copies that are under way, and lets go of streams and contexts; keeps
 * the pinned memory. */
void rp_devices_end(struct rp_devices *devices);

/* 1 where region i is on a GPU; `devices` may be NULL. 0 outside of begin and
 * end. */
int rp_devices_hold(const struct rp_devices *devices, size_t i);

#endif
