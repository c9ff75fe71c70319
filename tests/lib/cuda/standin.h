/*
 * standin.h - a libcuda.so.1 without a GPU, for the tests of GPU memory
 *
 * It has the functions of the driver that the library calls and those that a
 * program needs to have memory. What it is strict about:
 *
 * - memory of a device, managed memory too, is mapped without rights: who reads
 *   or writes it from the host dies of SIGSEGV;
 * - what is asynchronous happens as late as it may: when its stream, its event or
 *   its context is waited for. A copy to the host leaves rubbish at its target
 *   until then, a copy from the host reads its source only then;
 * - memory, streams and events are used in their own context alone, which must be
 *   current in the calling thread;
 * - any call can be made to fail, once or from then on, as a GPU that is lost
 *   does; what frees something frees it even then, as the driver's does.
 *
 * Besides these functions standin_fail() and standin_counts() are for tests.
 */
#ifndef TESTS_LIB_CUDA_STANDIN_H
#define TESTS_LIB_CUDA_STANDIN_H

#include <stddef.h>
#include <stdint.h>

/* What exists, and calls so far. */
struct standin_counts {
	int allocations, streams, events, registered, retained;
	int calls;
	int forsaken;	/* streams that were destroyed before their work was done */
};
void standin_counts(struct standin_counts *counts);

/* The nth call (from 1 on, of any function or, where it is not NULL, of this one)
 * from now on returns `code`, and with `lost` all that follow. nth 0: none
 * does. Counts the calls from 0 again. */
void standin_fail(const char *function, int nth, int code, int lost);

/* The name of the function that failed last, or "". */
const char *standin_failed(void);

struct CUctx_st;
struct CUstream_st;
struct CUevent_st;

int cuInit(unsigned int flags);
int cuGetErrorName(int error, const char **name);
int cuGetErrorString(int error, const char **text);
int cuDeviceGetCount(int *count);
int cuDeviceGet(int *device, int ordinal);
int cuDeviceGetPCIBusId(char *id, int size, int device);
int cuDevicePrimaryCtxRetain(struct CUctx_st **ctx, int device);
int cuDevicePrimaryCtxRelease_v2(int device);
int cuCtxCreate_v2(struct CUctx_st **ctx, unsigned int flags, int device);
int cuCtxDestroy_v2(struct CUctx_st *ctx);
int cuCtxPushCurrent_v2(struct CUctx_st *ctx);
int cuCtxPopCurrent_v2(struct CUctx_st **ctx);
int cuCtxSetCurrent(struct CUctx_st *ctx);
int cuCtxGetCurrent(struct CUctx_st **ctx);
int cuCtxSynchronize(void);
int cuMemAlloc_v2(uint64_t *pointer, size_t size);
int cuMemAllocManaged(uint64_t *pointer, size_t size, unsigned int flags);
int cuMemAllocAsync(uint64_t *pointer, size_t size, struct CUstream_st *stream);
int cuMemFree_v2(uint64_t pointer);
int cuMemFreeAsync(uint64_t pointer, struct CUstream_st *stream);
int cuMemHostRegister_v2(void *memory, size_t size, unsigned int flags);
int cuMemHostUnregister(void *memory);
int cuPointerGetAttributes(unsigned int n, const int *which,
			   void *const *values, uint64_t pointer);
int cuStreamCreate(struct CUstream_st **stream, unsigned int flags);
int cuStreamDestroy_v2(struct CUstream_st *stream);
int cuStreamSynchronize(struct CUstream_st *stream);
int cuStreamGetCtx(struct CUstream_st *stream, struct CUctx_st **ctx);
int cuEventCreate(struct CUevent_st **event, unsigned int flags);
int cuEventDestroy_v2(struct CUevent_st *event);
int cuEventRecord(struct CUevent_st *event, struct CUstream_st *stream);
int cuEventSynchronize(struct CUevent_st *event);
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size,
			 struct CUstream_st *stream);
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size,
			 struct CUstream_st *stream);
int cuMemsetD8Async(uint64_t to, unsigned char value, size_t size,
		    struct CUstream_st *stream);

#endif
