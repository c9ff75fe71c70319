#include "sys/device_cuda.h"

#include <dlfcn.h>
#include <string.h>

/* Each with the newest name that is needed, and an older one for older drivers
 * where they do the same. */
#define AT(field) offsetof(struct rp_cuda, field)
static const struct {
	size_t offset;
	const char *name, *older;
} functions[] = {
	{ AT(PointerGetAttributes), "cuPointerGetAttributes", NULL },
	{ AT(DeviceGet), "cuDeviceGet", NULL },
	{ AT(DeviceGetPCIBusId), "cuDeviceGetPCIBusId", NULL },
	{ AT(DevicePrimaryCtxRetain), "cuDevicePrimaryCtxRetain", NULL },
	{ AT(DevicePrimaryCtxRelease), "cuDevicePrimaryCtxRelease_v2",
	  "cuDevicePrimaryCtxRelease" },
	{ AT(CtxPushCurrent), "cuCtxPushCurrent_v2", NULL },
	{ AT(CtxPopCurrent), "cuCtxPopCurrent_v2", NULL },
	{ AT(CtxSynchronize), "cuCtxSynchronize", NULL },
	{ AT(StreamCreate), "cuStreamCreate", NULL },
	{ AT(StreamDestroy), "cuStreamDestroy_v2", NULL },
	{ AT(StreamSynchronize), "cuStreamSynchronize", NULL },
	{ AT(StreamGetCtx), "cuStreamGetCtx", NULL },
	{ AT(EventCreate), "cuEventCreate", NULL },
	{ AT(EventDestroy), "cuEventDestroy_v2", NULL },
	{ AT(EventRecord), "cuEventRecord", NULL },
	{ AT(EventSynchronize), "cuEventSynchronize", NULL },
	{ AT(MemHostRegister), "cuMemHostRegister_v2", "cuMemHostRegister" },
	{ AT(MemHostUnregister), "cuMemHostUnregister", NULL },
	{ AT(MemcpyDtoHAsync), "cuMemcpyDtoHAsync_v2", NULL },
	{ AT(MemcpyHtoDAsync), "cuMemcpyHtoDAsync_v2", NULL },
	{ AT(GetErrorName), "cuGetErrorName", NULL },
	{ AT(GetErrorString), "cuGetErrorString", NULL },
};

int rp_cuda_find(struct rp_cuda *cuda)
{
	if (cuda->library)
		return 1;
	/* RTLD_NOLOAD: what has no GPU is not to start a driver. */
	cuda->library = dlopen("libcuda.so.1",
			       RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
	if (!cuda->library)
		return 0;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *found = dlsym(cuda->library, functions[i].name);

		if (!found && functions[i].older)
			found = dlsym(cuda->library, functions[i].older);
		if (!found && !cuda->missing)
			cuda->missing = functions[i].name;
		memcpy((char *)cuda + functions[i].offset, &found,
		       sizeof(found));
	}
	return 1;
}

void rp_cuda_drop(struct rp_cuda *cuda)
{
	if (cuda->library)
		dlclose(cuda->library);
	memset(cuda, 0, sizeof(*cuda));
}

/* What follows from an error, where the driver's own words do not say. */
static const char *advice(int error)
{
	switch (error) {
	case CUDA_DEVICE_UNAVAILABLE:
	case CUDA_ECC_UNCORRECTABLE:
	case CUDA_NVLINK_UNCORRECTABLE:
	case CUDA_UNKNOWN:
		return "; the GPU is lost to this process, and what it held: start "
		       "again from the checkpoint before";
	default:
		if (error == CUDA_ILLEGAL_ADDRESS ||
		    error == CUDA_LAUNCH_TIMEOUT || error == CUDA_ASSERT ||
		    (error >= CUDA_HARDWARE_STACK_ERROR &&
		     error <= CUDA_LAUNCH_FAILED))
			return "; a kernel of the program's has failed before, and "
			       "its context with it: mend it and start again from "
			       "the checkpoint before";
		return "";
	}
}

int rp_cuda_fail(const struct rp_cuda *cuda, struct rp_err *err,
		 const char *what, const char *of, int error)
{
	const char *name = NULL, *text = NULL;

	if (cuda->GetErrorName && cuda->GetErrorName(error, &name) != CUDA_OK)
		name = NULL;
	if (cuda->GetErrorString &&
	    cuda->GetErrorString(error, &text) != CUDA_OK)
		text = NULL;
	return rp_fail(err, RALLY_EDEVICE, "%s: %s: %s (%d%s%s)%s", of, what,
		       name ? name : "CUDA's error", error, text ? ": " : "",
		       text ? text : "", advice(error));
}
