/*
 * sys/device_cuda.h - the CUDA driver, as far as it is used
 *
 * Nothing of CUDA is needed to build or to run: types and numbers are the
 * driver's ABI, written down here, and its functions are looked up in the
 * libcuda that the program has loaded already. A process without one has no
 * memory on a GPU. CUDA is never initialised from here.
 */
#ifndef RP_SYS_DEVICE_CUDA_H
#define RP_SYS_DEVICE_CUDA_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* CUcontext, CUstream, CUevent point to these; CUdevice is an int, CUdeviceptr
 * 64 bits, CUresult an int. */
struct CUctx_st;
struct CUstream_st;
struct CUevent_st;

enum {
	CUDA_OK = 0,
	CUDA_NOT_INITIALIZED = 3,
	CUDA_DEINITIALIZED = 4,
	CUDA_DEVICE_UNAVAILABLE = 46,
	CUDA_ECC_UNCORRECTABLE = 214,
	CUDA_NVLINK_UNCORRECTABLE = 220,
	CUDA_ILLEGAL_ADDRESS = 700,
	CUDA_LAUNCH_TIMEOUT = 702,
	CUDA_ASSERT = 710,
	CUDA_NOT_REGISTERED = 713,
	CUDA_HARDWARE_STACK_ERROR = 714,
	CUDA_LAUNCH_FAILED = 719,
	CUDA_UNKNOWN = 999,
};

enum {
	CUDA_POINTER_CONTEXT = 1,
	CUDA_POINTER_MEMORY_TYPE = 2,
	CUDA_POINTER_IS_MANAGED = 8,
	CUDA_POINTER_DEVICE_ORDINAL = 9,
	CUDA_MEMORY_HOST = 1,
	CUDA_REGISTER_PORTABLE = 1,	/* for all contexts */
	CUDA_STREAM_NON_BLOCKING = 1,	/* no waiting for the default stream */
	CUDA_EVENT_DISABLE_TIMING = 2,
};

/* The functions, named as the driver's without cu. */
struct rp_cuda {
	void *library;		/* NULL: none is loaded */
	const char *missing;	/* a function that this driver lacks, or NULL */
	int (*PointerGetAttributes)(unsigned int n, const int *which,
				    void *const *values, uint64_t pointer);
	int (*DeviceGet)(int *device, int ordinal);
	int (*DeviceGetPCIBusId)(char *id, int size, int device);
	int (*DevicePrimaryCtxRetain)(struct CUctx_st **ctx, int device);
	int (*DevicePrimaryCtxRelease)(int device);
	int (*CtxPushCurrent)(struct CUctx_st *ctx);
	int (*CtxPopCurrent)(struct CUctx_st **ctx);
	int (*CtxSynchronize)(void);
	int (*StreamCreate)(struct CUstream_st **stream, unsigned int flags);
	int (*StreamDestroy)(struct CUstream_st *stream);
	int (*StreamSynchronize)(struct CUstream_st *stream);
	int (*StreamGetCtx)(struct CUstream_st *stream, struct CUctx_st **ctx);
	int (*EventCreate)(struct CUevent_st **event, unsigned int flags);
	int (*EventDestroy)(struct CUevent_st *event);
	int (*EventRecord)(struct CUevent_st *event,
			   struct CUstream_st *stream);
	int (*EventSynchronize)(struct CUevent_st *event);
	int (*MemHostRegister)(void *memory, size_t size, unsigned int flags);
	int (*MemHostUnregister)(void *memory);
	int (*MemcpyDtoHAsync)(void *to, uint64_t from, size_t size,
			       struct CUstream_st *stream);
	int (*MemcpyHtoDAsync)(uint64_t to, const void *from, size_t size,
			       struct CUstream_st *stream);
	int (*GetErrorName)(int error, const char **name);
	int (*GetErrorString)(int error, const char **text);
};

/* Finds the libcuda that this process has loaded. 1 where there is one, with
 * its functions; asked again it costs nothing where there is, and a look where
 * there is none. */
int rp_cuda_find(struct rp_cuda *cuda);
void rp_cuda_drop(struct rp_cuda *cuda);

/* RALLY_EDEVICE for the call `what` about `of` ("region 'T' on GPU 0") that
 * returned `error`, with the driver's words for it and what is to be done. */
int rp_cuda_fail(const struct rp_cuda *cuda, struct rp_err *err,
		 const char *what, const char *of, int error);

#endif
