/*
 * standin_state.h - what the files of the stand-in share
 */
#ifndef TESTS_LIB_CUDA_STANDIN_STATE_H
#define TESTS_LIB_CUDA_STANDIN_STATE_H

#include "standin.h"

#define DEVICES 2

enum {
	OK = 0,
	INVALID_VALUE = 1,
	OUT_OF_MEMORY = 2,
	NOT_INITIALIZED = 3,
	INVALID_DEVICE = 101,
	INVALID_CONTEXT = 201,
	INVALID_HANDLE = 400,
	CONTEXT_IS_DESTROYED = 709,
	ALREADY_REGISTERED = 712,
	NOT_REGISTERED = 713,
};

/* What a stream has not done yet. */
struct work {
	struct work *next;
	enum { TO_HOST, TO_DEVICE, SET, MARK } kind;
	char *to;
	const char *from;
	size_t size;
	unsigned char value;
	struct CUevent_st *event;	/* MARK */
	uint64_t number;		/* of its recording */
};

struct CUstream_st {
	struct CUctx_st *ctx;
	struct work *first, **last;
	struct CUstream_st *next;	/* of its context */
};

struct CUevent_st {
	struct CUctx_st *ctx;
	struct CUstream_st *stream;	/* of the last recording, or NULL */
	uint64_t number;		/* of it */
};

struct CUctx_st {
	int device, primary, refs, dead;
	struct CUstream_st own;		/* the default stream */
	struct CUstream_st *streams;
	struct CUctx_st *next;
};

struct memory {
	struct memory *next;
	char *address, *view;		/* of the device, of the stand-in */
	size_t size;
	struct CUctx_st *ctx;		/* NULL: of a pool */
	int device, managed;
};

extern struct standin_counts counts;

/* Every function begins with enter(), which tells that it is to fail, and ends
 * with leave(). In between it has the stand-in for itself. */
int enter(const char *function);
int leave(int code);

struct CUctx_st *current(void);	/* NULL: none */
struct CUctx_st *new_ctx(int device);

/* The memory that holds so many bytes from there on, or NULL. */
struct memory *memory_at(uint64_t pointer, size_t size);

/* Does what is queued, up to that event's recording (NULL: all of it). */
void run_stream(struct CUstream_st *stream, const struct CUevent_st *until);
void run_ctx(struct CUctx_st *ctx);

#endif
