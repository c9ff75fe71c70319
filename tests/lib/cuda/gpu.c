#include "gpu.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *library;

/* One of the driver's functions, or of the stand-in's; the types are those of
 * standin.h. */
static void *find(const char *name)
{
	void *found = library ? dlsym(library, name) : NULL;

	if (!found) {
		fprintf(stderr, "gpu: no %s\n", name);
		abort();
	}
	return found;
}

#define CU(name) ((__typeof__(&name))find(#name))

static void must(int error, const char *what)
{
	if (error == 0)
		return;
	fprintf(stderr, "gpu: %s: error %d\n", what, error);
	abort();
}
#define MUST(name, ...) must(CU(name)(__VA_ARGS__), #name)

const char *gpu_load(const char *path)
{
	library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	return library ? NULL : dlerror();
}

const char *gpu_init(void)
{
	const char *name = "cuInit failed";
	int n = 0, error = CU(cuInit)(0);

	if (error == 0)
		error = CU(cuDeviceGetCount)(&n);
	if (error == 0 && n > 0)
		return NULL;
	if (error != 0)
		CU(cuGetErrorName)(error, &name);
	return error != 0 ? name : "the driver has no device";
}

int gpu_devices(void)
{
	int n = 0;

	MUST(cuDeviceGetCount, &n);
	return n;
}

int gpu_is_standin(void)
{
	return library && dlsym(library, "standin_fail") != NULL;
}

void gpu_use(int device)
{
	static struct CUctx_st *primary[64];

	if (device >= 0 && !primary[device])
		MUST(cuDevicePrimaryCtxRetain, &primary[device], device);
	MUST(cuCtxSetCurrent, device < 0 ? NULL : primary[device]);
}

struct CUctx_st *gpu_context(int device)
{
	struct CUctx_st *ctx;

	MUST(cuCtxCreate_v2, &ctx, 0, device);
	MUST(cuCtxPopCurrent_v2, &ctx);
	return ctx;
}

void gpu_enter(struct CUctx_st *ctx)
{
	MUST(cuCtxSetCurrent, ctx);
}

void gpu_context_end(struct CUctx_st *ctx)
{
	MUST(cuCtxDestroy_v2, ctx);
}

struct CUctx_st *gpu_current(void)
{
	struct CUctx_st *ctx;

	MUST(cuCtxGetCurrent, &ctx);
	return ctx;
}

void *gpu_alloc(enum gpu_kind kind, size_t size)
{
	uint64_t pointer = 0;

	if (kind == GPU_DEVICE)
		MUST(cuMemAlloc_v2, &pointer, size);
	else if (kind == GPU_MANAGED)
		MUST(cuMemAllocManaged, &pointer, size, 1);
	else
		MUST(cuMemAllocAsync, &pointer, size, NULL);
	MUST(cuCtxSynchronize);
	return (void *)(uintptr_t)pointer;
}

void gpu_free(void *memory)
{
	MUST(cuMemFree_v2, (uint64_t)(uintptr_t)memory);
}

void gpu_pin(void *memory, size_t size)
{
	MUST(cuMemHostRegister_v2, memory, size, 0);
}

void gpu_unpin(void *memory)
{
	MUST(cuMemHostUnregister, memory);
}

struct CUstream_st *gpu_stream(void)
{
	struct CUstream_st *stream;

	MUST(cuStreamCreate, &stream, 1);
	return stream;
}

void gpu_stream_end(struct CUstream_st *stream)
{
	MUST(cuStreamDestroy_v2, stream);
}

/* Makes the memory's context current, or its device's primary one. */
static void enter_context_of(const void *memory)
{
	static const int which[] = { 1, 9 };
	struct CUctx_st *ctx = NULL, *old = gpu_current();
	int device = 0;
	void *values[] = { &ctx, &device };

	MUST(cuPointerGetAttributes, 2, which, values,
	     (uint64_t)(uintptr_t)memory);
	if (!ctx) {
		gpu_use(device);
		ctx = gpu_current();
		MUST(cuCtxSetCurrent, old);
	}
	MUST(cuCtxPushCurrent_v2, ctx);
}

static void leave_context(void)
{
	struct CUctx_st *ctx;

	MUST(cuCtxPopCurrent_v2, &ctx);
}

void gpu_set(void *memory, int value, size_t size, struct CUstream_st *stream)
{
	enter_context_of(memory);
	MUST(cuMemsetD8Async, (uint64_t)(uintptr_t)memory,
	     (unsigned char)value, size, stream);
	leave_context();
}

void gpu_put(void *memory, const void *from, size_t size)
{
	enter_context_of(memory);
	MUST(cuMemcpyHtoDAsync_v2, (uint64_t)(uintptr_t)memory, from, size,
	     NULL);
	MUST(cuCtxSynchronize);
	leave_context();
}

void gpu_get(void *to, const void *memory, size_t size)
{
	enter_context_of(memory);
	MUST(cuMemcpyDtoHAsync_v2, to, (uint64_t)(uintptr_t)memory, size, NULL);
	MUST(cuCtxSynchronize);
	leave_context();
}

void gpu_fail(const char *function, int nth, int code, int lost)
{
	if (gpu_is_standin())
		CU(standin_fail)(function, nth, code, lost);
}

const char *gpu_failed(void)
{
	return gpu_is_standin() ? CU(standin_failed)() : "";
}

struct standin_counts gpu_counts(void)
{
	struct standin_counts counts = { 0 };

	if (gpu_is_standin())
		CU(standin_counts)(&counts);
	return counts;
}
