#include "standin_state.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct standin_counts counts;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int initialized;
static struct {
	char function[64];
	int nth, code, lost;
	char failed[64];
} fault;

static struct CUctx_st *primary[DEVICES];
static struct CUctx_st *all;	/* contexts, the dead ones too */

static _Thread_local struct CUctx_st *stack[16];
static _Thread_local int depth;

/*
 * Faults
 */

void standin_counts(struct standin_counts *out)
{
	pthread_mutex_lock(&lock);
	*out = counts;
	pthread_mutex_unlock(&lock);
}

void standin_fail(const char *function, int nth, int code, int lost)
{
	pthread_mutex_lock(&lock);
	snprintf(fault.function, sizeof(fault.function), "%s",
		 function ? function : "");
	fault.nth = nth;
	fault.code = code;
	fault.lost = lost;
	fault.failed[0] = '\0';
	counts.calls = 0;
	pthread_mutex_unlock(&lock);
}

const char *standin_failed(void)
{
	return fault.failed;
}

int enter(const char *function)
{
	pthread_mutex_lock(&lock);
	if (*fault.function == '\0' || strcmp(fault.function, function) == 0)
		counts.calls++;
	if (fault.nth > 0 &&
	    (fault.lost ? counts.calls >= fault.nth
			: counts.calls == fault.nth &&
				  *fault.failed == '\0')) {
		snprintf(fault.failed, sizeof(fault.failed), "%s", function);
		return fault.code;
	}
	return initialized ? OK : NOT_INITIALIZED;
}

int leave(int code)
{
	pthread_mutex_unlock(&lock);
	return code;
}

static const struct {
	int code;
	const char *name, *text;
} errors[] = {
	{ INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument" },
	{ 46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are "
					       "busy or unavailable" },
	{ 214, "CUDA_ERROR_ECC_UNCORRECTABLE",
	  "uncorrectable ECC error encountered" },
	{ INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE",
	  "invalid resource handle" },
	{ 700, "CUDA_ERROR_ILLEGAL_ADDRESS",
	  "an illegal memory access was encountered" },
	{ CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED",
	  "context is destroyed" },
	{ 999, "CUDA_ERROR_UNKNOWN", "unknown error" },
};

/* These know no faults: a test that looks for a name would not find it. */
int cuGetErrorName(int error, const char **name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == error) {
			*name = errors[i].name;
			return OK;
		}
	return INVALID_VALUE;
}

int cuGetErrorString(int error, const char **text)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == error) {
			*text = errors[i].text;
			return OK;
		}
	return INVALID_VALUE;
}

/*
 * Devices and contexts
 */

int cuInit(unsigned int flags)
{
	int rc = enter("cuInit");

	if (rc == NOT_INITIALIZED)
		rc = OK;
	initialized |= rc == OK && flags == 0;
	return leave(rc);
}

int cuDeviceGetCount(int *count)
{
	int rc = enter("cuDeviceGetCount");

	*count = DEVICES;
	return leave(rc);
}

int cuDeviceGet(int *device, int ordinal)
{
	int rc = enter("cuDeviceGet");

	if (rc == OK && (ordinal < 0 || ordinal >= DEVICES))
		rc = INVALID_DEVICE;
	if (rc == OK)
		*device = ordinal;
	return leave(rc);
}

int cuDeviceGetPCIBusId(char *id, int size, int device)
{
	int rc = enter("cuDeviceGetPCIBusId");

	if (rc == OK)
		snprintf(id, (size_t)size, "0000:%02X:00.0", 0x3b + device);
	return leave(rc);
}

struct CUctx_st *new_ctx(int device)
{
	struct CUctx_st *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		abort();
	ctx->device = device;
	ctx->own.ctx = ctx;
	ctx->own.last = &ctx->own.first;
	ctx->next = all;
	all = ctx;
	return ctx;
}

int cuDevicePrimaryCtxRetain(struct CUctx_st **ctx, int device)
{
	int rc = enter("cuDevicePrimaryCtxRetain");

	if (rc == OK && (device < 0 || device >= DEVICES))
		rc = INVALID_DEVICE;
	if (rc == OK) {
		if (!primary[device])
			primary[device] = new_ctx(device);
		primary[device]->primary = 1;
		primary[device]->refs++;
		counts.retained++;
		*ctx = primary[device];
	}
	return leave(rc);
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
	int rc = enter("cuDevicePrimaryCtxRelease");

	if (device < 0 || device >= DEVICES || !primary[device] ||
	    primary[device]->refs == 0)
		return leave(INVALID_CONTEXT);
	primary[device]->refs--;
	counts.retained--;
	return leave(rc);
}

int cuCtxCreate_v2(struct CUctx_st **ctx, unsigned int flags, int device)
{
	int rc = enter("cuCtxCreate");

	(void)flags;
	if (rc == OK && (depth == 16 || device < 0 || device >= DEVICES))
		rc = INVALID_DEVICE;
	if (rc == OK)
		stack[depth++] = *ctx = new_ctx(device);
	return leave(rc);
}

/* It may still be current somewhere: it is only marked. */
int cuCtxDestroy_v2(struct CUctx_st *ctx)
{
	int rc = enter("cuCtxDestroy");

	ctx->dead = 1;
	if (depth > 0 && stack[depth - 1] == ctx)
		depth--;
	return leave(rc);
}

static int usable(const struct CUctx_st *ctx)
{
	if (!ctx || (ctx->primary && ctx->refs == 0))
		return INVALID_CONTEXT;
	return ctx->dead ? CONTEXT_IS_DESTROYED : OK;
}

int cuCtxPushCurrent_v2(struct CUctx_st *ctx)
{
	int rc = enter("cuCtxPushCurrent");

	if (rc == OK)
		rc = usable(ctx);
	if (rc == OK && depth == 16)
		rc = INVALID_CONTEXT;
	if (rc == OK)
		stack[depth++] = ctx;
	return leave(rc);
}

int cuCtxPopCurrent_v2(struct CUctx_st **ctx)
{
	int rc = enter("cuCtxPopCurrent");

	if (depth == 0)
		return leave(INVALID_CONTEXT);
	depth--;
	if (ctx)
		*ctx = stack[depth];
	return leave(rc);
}

int cuCtxSetCurrent(struct CUctx_st *ctx)
{
	int rc = enter("cuCtxSetCurrent");

	if (rc == OK && depth > 0)
		depth--;
	if (rc == OK && ctx)
		stack[depth++] = ctx;
	return leave(rc);
}

struct CUctx_st *current(void)
{
	return depth > 0 && usable(stack[depth - 1]) == OK ? stack[depth - 1]
							   : NULL;
}

int cuCtxGetCurrent(struct CUctx_st **ctx)
{
	int rc = enter("cuCtxGetCurrent");

	if (rc == OK)
		*ctx = depth > 0 ? stack[depth - 1] : NULL;
	return leave(rc);
}

int cuCtxSynchronize(void)
{
	int rc = enter("cuCtxSynchronize");

	if (rc == OK && !current())
		rc = INVALID_CONTEXT;
	if (rc == OK)
		run_ctx(current());
	return leave(rc);
}
