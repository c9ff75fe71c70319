#include "tool/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "data/dtype.h"

int rp_value_is_float(enum rally_type type)
{
	return type >= RALLY_F8_E4M3 && type <= RALLY_F64;
}

/* Sign, exponent and mantissa of `bits` together, all exponents of all ones
 * included: infinities and NaNs are the caller's. */
static double assemble(uint32_t bits, int exponent_bits, int mantissa_bits)
{
	int bias = (1 << (exponent_bits - 1)) - 1;
	uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
	int exponent = (int)(bits >> mantissa_bits) &
		       ((1 << exponent_bits) - 1);
	int negative = (bits >> (exponent_bits + mantissa_bits)) & 1;
	double value;

	if (exponent > 0)
		mantissa |= 1u << mantissa_bits;
	else
		exponent = 1;	/* subnormal */
	value = ldexp(mantissa, exponent - bias - mantissa_bits);
	return negative ? -value : value;
}

/* Those after IEEE 754: all ones are infinity, or NaN. */
static double small_float(uint32_t bits, int exponent_bits, int mantissa_bits)
{
	uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
	uint32_t ones = (1u << exponent_bits) - 1;
	int negative = (bits >> (exponent_bits + mantissa_bits)) & 1;

	if (((bits >> mantissa_bits) & ones) != ones)
		return assemble(bits, exponent_bits, mantissa_bits);
	if (mantissa)
		return NAN;
	return negative ? -INFINITY : INFINITY;
}

/* It has no infinities, and one NaN of each sign. */
static double e4m3(uint32_t bits)
{
	return (bits & 0x7f) == 0x7f ? NAN : assemble(bits, 4, 3);
}

double rp_value_float(enum rally_type type, const void *element)
{
	uint8_t byte;
	uint16_t half;
	uint32_t bits;
	float single;
	double value;

	switch (type) {
	case RALLY_F8_E4M3:
		memcpy(&byte, element, sizeof(byte));
		return e4m3(byte);
	case RALLY_F8_E5M2:
		memcpy(&byte, element, sizeof(byte));
		return small_float(byte, 5, 2);
	case RALLY_F16:
		memcpy(&half, element, sizeof(half));
		return small_float(half, 5, 10);
	case RALLY_BF16:
		memcpy(&half, element, sizeof(half));
		bits = (uint32_t)half << 16;
		memcpy(&single, &bits, sizeof(single));
		return (double)single;
	case RALLY_F32:
		memcpy(&single, element, sizeof(single));
		return (double)single;
	default:
		memcpy(&value, element, sizeof(value));
		return value;
	}
}

int rp_value_is_signed(enum rally_type type)
{
	return type == RALLY_I8 || type == RALLY_I16 || type == RALLY_I32 ||
	       type == RALLY_I64;
}

uint64_t rp_value_integer(enum rally_type type, const void *element)
{
	size_t size = rp_dtype_size(type);
	uint64_t bits = 0, sign = (uint64_t)1 << (8 * size - 1);

	memcpy(&bits, element, size);
	return rp_value_is_signed(type) ? (bits ^ sign) - sign : bits;
}

static char *integer_text(enum rally_type type, const void *element, char *buf)
{
	uint64_t value = rp_value_integer(type, element);

	if (rp_value_is_signed(type))
		snprintf(buf, RP_VALUE_TEXT, "%" PRId64, (int64_t)value);
	else
		snprintf(buf, RP_VALUE_TEXT, "%" PRIu64, value);
	return buf;
}

char *rp_value_text(enum rally_type type, const void *element, char *buf)
{
	double value;

	if (!rp_value_is_float(type))
		return integer_text(type, element, buf);
	value = rp_value_float(type, element);
	if (isnan(value))
		return strcpy(buf, "nan");
	snprintf(buf, RP_VALUE_TEXT, "%.*g", type == RALLY_F64 ? 17 : 9, value);
	return buf;
}

char *rp_value_json(enum rally_type type, const void *element, char *buf)
{
	char text[RP_VALUE_TEXT];

	if (!rp_value_is_float(type) ||
	    isfinite(rp_value_float(type, element)))
		return rp_value_text(type, element, buf);
	snprintf(buf, RP_VALUE_TEXT, "\"%.20s\"",
		 rp_value_text(type, element, text));
	return buf;
}
