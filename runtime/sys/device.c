#include "sys/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/device_lane.h"

struct rp_devices *rp_devices_new(void)
{
	return calloc(1, sizeof(struct rp_devices));
}

void rp_devices_free(struct rp_devices *devices)
{
	if (!devices)
		return;
	rp_devices_end(devices);
	while (devices->gpus) {
		struct rp_gpu *gpu = devices->gpus;

		devices->gpus = gpu->next;
		rp_gpu_free(devices, gpu);
	}
	rp_cuda_drop(&devices->cuda);
	free(devices);
}

void rp_devices_end(struct rp_devices *devices)
{
	if (!devices)
		return;
	while (devices->lanes) {
		struct rp_lane *lane = devices->lanes;

		devices->lanes = lane->next;
		rp_lane_close(devices, lane);
	}
	free(devices->of);
	devices->of = NULL;
	devices->n = 0;
	devices->regions = NULL;
}

int rp_devices_hold(const struct rp_devices *devices, size_t i)
{
	return devices && i < devices->n && devices->of[i];
}

/*
 * Where a region lies
 */

/* What the driver knows of a pointer; all zeros is memory of the host's that it
 * does not know. Each value has room for any of its types. */
struct place {
	uint64_t ctx, type, managed, ordinal;
};

static int is_host(const struct place *place)
{
	return (uint8_t)place->managed == 0 &&
	       ((uint32_t)place->type == 0 ||
		(uint32_t)place->type == CUDA_MEMORY_HOST);
}

static int look(const struct rp_devices *devices, const struct rp_region *region,
		struct place *place, struct rp_err *err)
{
	static const int which[] = { CUDA_POINTER_CONTEXT,
				     CUDA_POINTER_MEMORY_TYPE,
				     CUDA_POINTER_IS_MANAGED,
				     CUDA_POINTER_DEVICE_ORDINAL };
	void *values[] = { &place->ctx, &place->type, &place->managed,
			   &place->ordinal };
	char of[RALLY_MAX_NAME + 20];
	int error;

	memset(place, 0, sizeof(*place));
	error = devices->cuda.PointerGetAttributes(
		4, which, values, (uint64_t)(uintptr_t)region->data);
	/* A program that has not begun with CUDA, or has ended it, has nothing
	 * there. */
	if (error == CUDA_NOT_INITIALIZED || error == CUDA_DEINITIALIZED) {
		memset(place, 0, sizeof(*place));
		return 0;
	}
	if (error == CUDA_OK)
		return 0;
	snprintf(of, sizeof(of), "region '%s'", region->name);
	return rp_cuda_fail(&devices->cuda, err, "cuPointerGetAttributes", of,
			    error);
}

static struct rp_gpu *gpu_of(struct rp_devices *devices, int ordinal)
{
	const struct rp_cuda *cuda = &devices->cuda;
	struct rp_gpu *gpu;
	int device;

	for (gpu = devices->gpus; gpu; gpu = gpu->next)
		if (gpu->ordinal == ordinal)
			return gpu;
	gpu = calloc(1, sizeof(*gpu));
	if (!gpu)
		return NULL;
	gpu->ordinal = ordinal;
	if (cuda->DeviceGet(&device, ordinal) != CUDA_OK ||
	    cuda->DeviceGetPCIBusId(gpu->bus_id, sizeof(gpu->bus_id), device) !=
		    CUDA_OK)
		gpu->bus_id[0] = '\0';
	gpu->next = devices->gpus;
	devices->gpus = gpu;
	return gpu;
}

/* Memory of a pool belongs to no context: that of its device which programs
 * share will do. */
static int retain(struct rp_devices *devices, struct rp_lane *lane,
		  struct rp_err *err)
{
	const struct rp_cuda *cuda = &devices->cuda;
	int error = cuda->DeviceGet(&lane->device, lane->gpu->ordinal);

	if (error != CUDA_OK)
		return rp_lane_fail(devices, lane, NULL, "cuDeviceGet", error,
				    err);
	error = cuda->DevicePrimaryCtxRetain(&lane->ctx, lane->device);
	if (error != CUDA_OK)
		return rp_lane_fail(devices, lane, NULL,
				    "cuDevicePrimaryCtxRetain", error, err);
	lane->retained = 1;
	return 0;
}

static struct rp_lane *find_lane(const struct rp_devices *devices,
				 const struct CUctx_st *ctx, int ordinal)
{
	struct rp_lane *lane = devices->lanes;

	while (lane && (ctx ? lane->ctx != ctx
			    : !lane->retained || lane->gpu->ordinal != ordinal))
		lane = lane->next;
	return lane;
}

static int add_lane(struct rp_devices *devices, const struct place *place,
		    const struct rp_topo *topo, struct rp_lane **lane,
		    struct rp_err *err)
{
	struct rp_lane *new = calloc(1, sizeof(*new));
	int rc = 0;

	if (new)
		new->gpu = gpu_of(devices, (int)(int32_t)place->ordinal);
	if (!new || !new->gpu) {
		free(new);
		return rp_fail(err, RALLY_ENOMEM, "GPU: no memory");
	}
	new->ctx = (struct CUctx_st *)(uintptr_t)place->ctx;
	new->next = devices->lanes;
	devices->lanes = new;
	if (!new->ctx)
		rc = retain(devices, new, err);
	*lane = new;
	return rc == 0 ? rp_lane_open(devices, new, topo, err) : rc;
}

static int check_driver(const struct rp_devices *devices, const char *region,
			struct rp_err *err)
{
	if (!devices->cuda.missing)
		return 0;
	return rp_fail(err, RALLY_EDEVICE, "%s is on a GPU, but its driver is too "
		       "old: libcuda.so.1 has no %s", region,
		       devices->cuda.missing);
}

static int place_region(struct rp_devices *devices, size_t i,
			const struct rp_topo *topo, struct rp_err *err)
{
	const struct rp_region *region = &devices->regions->v[i];
	struct rp_lane *lane;
	struct place place;
	int rc;

	if (region->kind == RP_FILE || region->bytes == 0)
		return 0;
	rc = look(devices, region, &place, err);
	if (rc != 0 || is_host(&place))
		return rc;
	rc = check_driver(devices, region->name, err);
	if (rc != 0)
		return rc;
	lane = find_lane(devices, (struct CUctx_st *)(uintptr_t)place.ctx,
			 (int)(int32_t)place.ordinal);
	if (!lane)
		rc = add_lane(devices, &place, topo, &lane, err);
	devices->of[i] = lane;
	return rc;
}

/*
 * What the program has started
 */

/* The default streams have no context of their own but that which is current. */
static int is_default(const struct CUstream_st *stream)
{
	return (uintptr_t)stream <= 2;
}

static int wait_in_lane(const struct rp_devices *devices,
			const struct rp_lane *lane, struct CUstream_st *stream,
			struct rp_err *err)
{
	int rc = rp_lane_enter(devices, lane, NULL, err);
	int error;

	if (rc != 0)
		return rc;
	error = stream ? devices->cuda.StreamSynchronize(stream)
		       : devices->cuda.CtxSynchronize();
	if (error != CUDA_OK)
		rc = rp_lane_fail(devices, lane, NULL, stream
					? "cuStreamSynchronize"
					: "cuCtxSynchronize", error, err);
	return rp_lane_leave(devices, lane, NULL, rc, err);
}

static int wait_for_stream(const struct rp_devices *devices,
			   struct CUstream_st *stream, struct rp_err *err)
{
	static const char of[] = "the stream of rally_stream()";
	const struct rp_cuda *cuda = &devices->cuda;
	const char *what = "cuStreamGetCtx";
	struct CUctx_st *ctx;
	int error = cuda->StreamGetCtx(stream, &ctx);

	if (error == CUDA_OK) {
		what = "cuCtxPushCurrent";
		error = cuda->CtxPushCurrent(ctx);
	}
	if (error == CUDA_OK) {
		int popped;

		what = "cuStreamSynchronize";
		error = cuda->StreamSynchronize(stream);
		popped = cuda->CtxPopCurrent(&ctx);
		if (error == CUDA_OK && popped != CUDA_OK) {
			what = "cuCtxPopCurrent";
			error = popped;
		}
	}
	return error == CUDA_OK ? 0 : rp_cuda_fail(cuda, err, what, of, error);
}

static int wait_for_program(const struct rp_devices *devices,
			    struct CUstream_st *stream, struct rp_err *err)
{
	int rc = 0;

	if (!is_default(stream)) {
		rc = check_driver(devices, "the stream of rally_stream()", err);
		return rc ? rc : wait_for_stream(devices, stream, err);
	}
	for (const struct rp_lane *lane = devices->lanes; lane && rc == 0;
	     lane = lane->next)
		rc = wait_in_lane(devices, lane, stream, err);
	return rc;
}

int rp_devices_begin(struct rp_devices *devices,
		     const struct rp_regions *regions, void *stream,
		     const struct rp_topo *topo, struct rp_err *err)
{
	int rc = 0;

	rp_devices_end(devices);
	if (!rp_cuda_find(&devices->cuda) ||
	    !devices->cuda.PointerGetAttributes) {
		if (!stream)
			return 0;
		return rp_fail(err, RALLY_EDEVICE, "rally_stream() was given a "
			       "stream, but this process has loaded no "
			       "libcuda.so.1 that knows of streams");
	}
	devices->of = calloc(regions->n + 1, sizeof(*devices->of));
	if (!devices->of)
		return rp_fail(err, RALLY_ENOMEM, "GPU: no memory");
	devices->regions = regions;
	devices->n = regions->n;
	for (size_t i = 0; i < regions->n && rc == 0; i++)
		rc = place_region(devices, i, topo, err);
	return rc == 0 ? wait_for_program(devices, stream, err) : rc;
}
