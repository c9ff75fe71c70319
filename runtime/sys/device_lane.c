#include "sys/device_lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "sys/topo.h"

#define MEMORY (RP_SLOTS * RP_SLOT_BYTES)

int rp_lane_fail(const struct rp_devices *devices, const struct rp_lane *lane,
		 const char *region, const char *what, int error,
		 struct rp_err *err)
{
	const char *bus_id = lane->gpu->bus_id;
	char of[RALLY_MAX_NAME + 60];

	snprintf(of, sizeof(of), "%s%s%sGPU %d%s%s%s", region ? "region '" : "",
		 region ? region : "", region ? "' on " : "",
		 lane->gpu->ordinal, *bus_id ? " (" : "", bus_id,
		 *bus_id ? ")" : "");
	return rp_cuda_fail(&devices->cuda, err, what, of, error);
}

int rp_lane_enter(const struct rp_devices *devices, const struct rp_lane *lane,
		  const char *region, struct rp_err *err)
{
	int error = devices->cuda.CtxPushCurrent(lane->ctx);

	if (error == CUDA_OK)
		return 0;
	return rp_lane_fail(devices, lane, region, "cuCtxPushCurrent", error,
			    err);
}

int rp_lane_leave(const struct rp_devices *devices, const struct rp_lane *lane,
		  const char *region, int rc, struct rp_err *err)
{
	struct CUctx_st *ctx;
	int error = devices->cuda.CtxPopCurrent(&ctx);

	if (rc != 0 || error == CUDA_OK)
		return rc;
	return rp_lane_fail(devices, lane, region, "cuCtxPopCurrent", error,
			    err);
}

int rp_lane_drain(const struct rp_devices *devices, const struct rp_lane *lane,
		  const char *region, struct rp_err *err)
{
	int rc = rp_lane_enter(devices, lane, region, err);
	int error;

	if (rc != 0)
		return rc;
	error = devices->cuda.StreamSynchronize(lane->stream);
	if (error != CUDA_OK)
		rc = rp_lane_fail(devices, lane, region, "cuStreamSynchronize",
				  error, err);
	return rp_lane_leave(devices, lane, region, rc, err);
}

/*
 * Pinned memory
 */

/* On the GPU's own NUMA node: the other way round each byte crosses the link
 * between the nodes twice. Pinning faults the pages in, there. */
static unsigned char *get_memory(const struct rp_gpu *gpu,
				 const struct rp_topo *topo)
{
	void *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	(void)madvise(memory, MEMORY, MADV_HUGEPAGE);
	if (topo && *gpu->bus_id)
		rp_topo_place(topo, memory, MEMORY,
			      rp_topo_numa_of_pci(RP_TOPO_PCI, gpu->bus_id));
	return memory;
}

/* Memory that can't be pinned (a limit, a container) is slower and does as well;
 * what else is wrong will be told by the copies. */
static int pin(const struct rp_devices *devices, struct rp_gpu *gpu,
	       const struct rp_topo *topo, struct rp_err *err)
{
	if (!gpu->memory)
		gpu->memory = get_memory(gpu, topo);
	if (!gpu->memory)
		return rp_fail(err, RALLY_ENOMEM, "GPU %d: no memory for its "
			       "copies", gpu->ordinal);
	if (!gpu->pinned)
		gpu->pinned = devices->cuda.MemHostRegister(
				      gpu->memory, MEMORY,
				      CUDA_REGISTER_PORTABLE) == CUDA_OK;
	return 0;
}

/* Any context will do, and the primary one is there even where the program has
 * ended its own. */
static int unpin_in_primary(const struct rp_devices *devices,
			    const struct rp_gpu *gpu)
{
	const struct rp_cuda *cuda = &devices->cuda;
	struct CUctx_st *ctx;
	int device, error = cuda->DeviceGet(&device, gpu->ordinal);

	if (error != CUDA_OK)
		return error;
	error = cuda->DevicePrimaryCtxRetain(&ctx, device);
	if (error != CUDA_OK)
		return error;
	error = cuda->CtxPushCurrent(ctx);
	if (error == CUDA_OK) {
		error = cuda->MemHostUnregister(gpu->memory);
		(void)cuda->CtxPopCurrent(&ctx);
	}
	(void)cuda->DevicePrimaryCtxRelease(device);
	return error;
}

void rp_gpu_free(const struct rp_devices *devices, struct rp_gpu *gpu)
{
	int error = CUDA_OK;

	if (gpu->pinned)
		error = devices->cuda.MemHostUnregister(gpu->memory);
	if (error != CUDA_OK && error != CUDA_NOT_REGISTERED)
		error = unpin_in_primary(devices, gpu);
	/* Memory that the driver takes for pinned stays: what would be mapped in
	 * its place would not be what the GPU then reads. */
	if (gpu->memory && (error == CUDA_OK || error == CUDA_NOT_REGISTERED ||
			    error == CUDA_DEINITIALIZED))
		munmap(gpu->memory, MEMORY);
	free(gpu);
}

/*
 * Stream and events
 */

static int create(struct rp_devices *devices, struct rp_lane *lane,
		  struct rp_err *err)
{
	const struct rp_cuda *cuda = &devices->cuda;
	int error = cuda->StreamCreate(&lane->stream, CUDA_STREAM_NON_BLOCKING);

	if (error != CUDA_OK) {
		lane->stream = NULL;
		return rp_lane_fail(devices, lane, NULL, "cuStreamCreate", error,
				    err);
	}
	for (int i = 0; i < RP_SLOTS; i++) {
		error = cuda->EventCreate(&lane->events[i],
					  CUDA_EVENT_DISABLE_TIMING);
		if (error != CUDA_OK) {
			lane->events[i] = NULL;
			return rp_lane_fail(devices, lane, NULL,
					    "cuEventCreate", error, err);
		}
	}
	return 0;
}

int rp_lane_open(struct rp_devices *devices, struct rp_lane *lane,
		 const struct rp_topo *topo, struct rp_err *err)
{
	int rc = rp_lane_enter(devices, lane, NULL, err);

	if (rc != 0)
		return rc;
	rc = create(devices, lane, err);
	if (rc == 0)
		rc = pin(devices, lane->gpu, topo, err);
	return rp_lane_leave(devices, lane, NULL, rc, err);
}

/* All is tried, whatever fails: a context that is lost frees what it can. */
static void destroy(const struct rp_devices *devices, struct rp_lane *lane)
{
	const struct rp_cuda *cuda = &devices->cuda;
	int entered = rp_lane_enter(devices, lane, NULL, NULL) == 0;

	if (entered)
		(void)cuda->StreamSynchronize(lane->stream);
	for (int i = 0; i < RP_SLOTS; i++)
		if (lane->events[i])
			(void)cuda->EventDestroy(lane->events[i]);
	(void)cuda->StreamDestroy(lane->stream);
	if (entered)
		rp_lane_leave(devices, lane, NULL, 0, NULL);
}

void rp_lane_close(struct rp_devices *devices, struct rp_lane *lane)
{
	if (lane->stream)
		destroy(devices, lane);
	if (lane->retained)
		(void)devices->cuda.DevicePrimaryCtxRelease(lane->device);
	free(lane);
}
