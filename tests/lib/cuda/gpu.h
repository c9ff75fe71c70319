/*
 * gpu.h - memory on a GPU for tests: the stand-in's, or a real one's
 *
 * The driver is loaded as a program would have it loaded: the library under test
 * finds it in the process. What goes wrong here ends the test program.
 */
#ifndef TESTS_LIB_CUDA_GPU_H
#define TESTS_LIB_CUDA_GPU_H

#include "standin.h"

/* STANDIN, or "libcuda.so.1": NULL, or why there is no GPU (static). */
#define GPU_STANDIN STANDIN_PATH
const char *gpu_load(const char *library);
const char *gpu_init(void);
int gpu_devices(void);
int gpu_is_standin(void);

/* Makes the primary context of a device current; -1: none. */
void gpu_use(int device);

/* A context of the program's own; enter makes it current. */
struct CUctx_st *gpu_context(int device);
void gpu_enter(struct CUctx_st *ctx);
void gpu_context_end(struct CUctx_st *ctx);
struct CUctx_st *gpu_current(void);

/* In the current context. */
enum gpu_kind { GPU_DEVICE, GPU_MANAGED, GPU_POOL };
void *gpu_alloc(enum gpu_kind kind, size_t size);
void gpu_free(void *memory);
void gpu_pin(void *memory, size_t size);
void gpu_unpin(void *memory);
struct CUstream_st *gpu_stream(void);
void gpu_stream_end(struct CUstream_st *stream);

/* Begins to set memory, in a stream of its context's (NULL: the default one). */
void gpu_set(void *memory, int value, size_t size, struct CUstream_st *stream);

/* Between host and device, at once, whatever is current. */
void gpu_put(void *memory, const void *from, size_t size);
void gpu_get(void *to, const void *memory, size_t size);

/* The stand-in's; a real GPU fails nothing and counts nothing. */
void gpu_fail(const char *function, int nth, int code, int lost);
const char *gpu_failed(void);
struct standin_counts gpu_counts(void);

#endif
