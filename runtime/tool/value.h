/*
 * tool/value.h - one element of any type, as a number and as text
 */
#ifndef RP_TOOL_VALUE_H
#define RP_TOOL_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "rallypoint.h"

/* Whether a type is of floating point; the others are integers, and BOOL is a
 * byte. */
int rp_value_is_float(enum rally_type type);

/* The value of a floating-point element, exactly. */
double rp_value_float(enum rally_type type, const void *element);

/* The same for integers; negative ones are as in two's complement. */
int rp_value_is_signed(enum rally_type type);
uint64_t rp_value_integer(enum rally_type type, const void *element);

/* Text that gives the same element when it is read again: 17 digits of an F64, 9
 * of the other floating-point types, which are told as the F32 of the same value;
 * "nan" whatever its bits. Into buf, which is returned. */
#define RP_VALUE_TEXT 32
char *rp_value_text(enum rally_type type, const void *element, char *buf);

/* An element as JSON: as above, but what JSON has no number for is a string. */
char *rp_value_json(enum rally_type type, const void *element, char *buf);

#endif
