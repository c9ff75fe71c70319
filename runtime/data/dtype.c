#include "data/dtype.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	size_t size;
} types[] = {
	[RALLY_BOOL] = { "BOOL", 1 },	    [RALLY_U8] = { "U8", 1 },
	[RALLY_I8] = { "I8", 1 },	    [RALLY_U16] = { "U16", 2 },
	[RALLY_I16] = { "I16", 2 },	    [RALLY_U32] = { "U32", 4 },
	[RALLY_I32] = { "I32", 4 },	    [RALLY_U64] = { "U64", 8 },
	[RALLY_I64] = { "I64", 8 },	    [RALLY_F8_E4M3] = { "F8_E4M3", 1 },
	[RALLY_F8_E5M2] = { "F8_E5M2", 1 }, [RALLY_F16] = { "F16", 2 },
	[RALLY_BF16] = { "BF16", 2 },	    [RALLY_F32] = { "F32", 4 },
	[RALLY_F64] = { "F64", 8 },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

size_t rp_dtype_size(enum rally_type type)
{
	return (size_t)type < TYPES ? types[type].size : 0;
}

const char *rp_dtype_name(enum rally_type type)
{
	return (size_t)type < TYPES ? types[type].name : NULL;
}

enum rally_type rp_dtype_parse(const char *name)
{
	for (size_t i = 1; i < TYPES; i++)
		if (strcmp(types[i].name, name) == 0)
			return (enum rally_type)i;
	return (enum rally_type)0;
}

int64_t rp_dtype_bytes(enum rally_type type, int ndim, const int64_t *shape)
{
	int64_t bytes = (int64_t)rp_dtype_size(type);

	if (bytes == 0)
		return -1;
	/* An empty array has no bytes, however large its other extents. */
	for (int i = 0; i < ndim; i++)
		if (shape[i] < 0)
			return -1;
	for (int i = 0; i < ndim; i++)
		if (shape[i] == 0)
			return 0;
	for (int i = 0; i < ndim; i++)
		if (__builtin_mul_overflow(bytes, shape[i], &bytes))
			return -1;
	return bytes;
}

char *rp_dtype_shape_text(enum rally_type type, int ndim, const int64_t *shape,
			  char *buf, size_t size)
{
	const char *name = rp_dtype_name(type);
	size_t used = (size_t)snprintf(buf, size, "%s [", name ? name : "?");

	for (int i = 0; i < ndim && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%lld",
					 i ? "," : "", (long long)shape[i]);
	if (used < size)
		snprintf(buf + used, size - used, "]");
	return buf;
}
