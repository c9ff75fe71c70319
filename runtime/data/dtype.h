/*
 * data/dtype.h - element types: safetensors' name and size of each
 */
#ifndef RP_DATA_DTYPE_H
#define RP_DATA_DTYPE_H

#include <stddef.h>
#include <stdint.h>

#include "rallypoint.h"

/* Bytes of one element, 0 where `type` is none. */
size_t rp_dtype_size(enum rally_type type);

/* "F64"; NULL where `type` is none. */
const char *rp_dtype_name(enum rally_type type);

/* The type of a name, 0 where it is none of ours. */
enum rally_type rp_dtype_parse(const char *name);

/* Bytes of ndim dimensions of `type`; -1 where an extent is negative or the
 * product is over INT64_MAX. */
int64_t rp_dtype_bytes(enum rally_type type, int ndim, const int64_t *shape);

/* "F64 [512,512]" into buf, which is returned. */
char *rp_dtype_shape_text(enum rally_type type, int ndim, const int64_t *shape,
			  char *buf, size_t size);

#endif
