/*
 * sys/device_copy.h - bytes of regions that are on a GPU, to the host and back
 *
 * Through a few pinned buffers, on a stream of the library's: while the host
 * hashes and writes one, or fills one, the copies of the others are under way.
 * All of it between rp_devices_begin() and rp_devices_end(), of regions that
 * rp_devices_hold(); one download or one upload at a time. Errors: EDEVICE.
 *
 *     down = rp_download_open(devices, order, n, &err);
 *     data = rp_download_next(down, most, &size, &err);      until all are there
 *     rp_download_close(down);
 *
 *     up = rp_upload_open(devices, &err);
 *     room = rp_upload_room(up, i, size, &err);       ... fill it ...
 *     rc = rp_upload_send(up, i, offset, size, &err);
 *     rc = rp_upload_finish(up, &err);
 *     rp_upload_close(up);
 */
#ifndef RP_SYS_DEVICE_COPY_H
#define RP_SYS_DEVICE_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sys/device.h"

/* The bytes of the regions order[0] to order[n-1], one after the other: copies
 * are begun in that order, also past a region's end. `order` is borrowed. NULL on
 * an error. */
struct rp_download;
struct rp_download *rp_download_open(struct rp_devices *devices,
				     const size_t *order, size_t n,
				     struct rp_err *err);

/* The next bytes, of one region: `*size` of them, 1 to `most`. Pinned; valid until
 * the next call. NULL on an error. */
const void *rp_download_next(struct rp_download *down, size_t most, size_t *size,
			     struct rp_err *err);

/* Frees it. After an error copies may be under way until rp_devices_end(), to and
 * from memory that stays. NULL is allowed. */
void rp_download_close(struct rp_download *down);

/* The largest piece of an upload. */
#define RP_UPLOAD_MAX ((size_t)2 << 20)

struct rp_upload;
struct rp_upload *rp_upload_open(struct rp_devices *devices, struct rp_err *err);

/* Pinned memory for `size` bytes of region i, to be filled, as far as there is
 * something to fill it with, and sent before the next call. NULL on an error. */
void *rp_upload_room(struct rp_upload *up, size_t i, size_t size,
		     struct rp_err *err);

/* Begins the copy of the first `size` bytes that room() gave into region i, from byte
 * `offset` on. What was written past the cache must have arrived. */
int rp_upload_send(struct rp_upload *up, size_t i, uint64_t offset, size_t size,
		   struct rp_err *err);

/* Waits until all of it is there. */
int rp_upload_finish(struct rp_upload *up, struct rp_err *err);

/* Frees it, likewise. */
void rp_upload_close(struct rp_upload *up);

/* All of region i to memory of the host's. A download of its own; the copy from a
 * buffer goes on beside those into the others. */
int rp_devices_copy(struct rp_devices *devices, size_t i, void *to,
		    struct rp_err *err);

#endif
