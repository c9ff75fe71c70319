#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *rp_format(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return text;
}

char *rp_text_bytes(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "B",  "kB", "MB", "GB",
					     "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.95 && unit < 6) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, size, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return buf;
}

char *rp_text_ascii(const char *text, char *buf, size_t size)
{
	size_t i = 0;

	for (; i + 1 < size && text[i]; i++)
		buf[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
	buf[i] = '\0';
	return buf;
}

static int64_t unit_ns(char c)
{
	switch (c) {
	case 's':
		return 1000000000;
	case 'm':
		return 60ll * 1000000000;
	case 'h':
		return 3600ll * 1000000000;
	case 'd':
		return 86400ll * 1000000000;
	default:
		return 0;
	}
}

/* Digits with a point, whatever the program's locale has for one: strtod()
 * would want a comma in some, and take "0x10" and "1e3" in all. Returns what
 * follows. */
static const char *parse_decimal(const char *text, double *value)
{
	double place = 1;

	for (*value = 0; isdigit((unsigned char)*text); text++)
		*value = *value * 10 + (*text - '0');
	if (*text != '.')
		return text;
	for (text++; isdigit((unsigned char)*text); text++) {
		place /= 10;
		*value += place * (*text - '0');
	}
	return text;
}

int rp_parse_duration(const char *text, int64_t *ns)
{
	double sum = 0;

	if (!isdigit((unsigned char)*text))
		return -1;
	while (*text) {
		double value;

		if (!isdigit((unsigned char)*text))
			return -1;
		text = parse_decimal(text, &value);
		if (*text == '\0') {
			sum += value * 1e9;
			break;
		}
		if (unit_ns(*text) == 0)
			return -1;
		sum += value * (double)unit_ns(*text);
		text++;
	}
	if (!isfinite(sum) || sum > 9e18)
		return -1;
	*ns = (int64_t)sum;
	return 0;
}

int rp_parse_size(const char *text, int64_t *bytes)
{
	static const char units[] = "kmgt";
	const char *unit;
	double value;

	if (!isdigit((unsigned char)*text))
		return -1;
	text = parse_decimal(text, &value);
	if (*text != '\0') {
		unit = strchr(units, tolower((unsigned char)*text));
		if (!unit || text[1] != '\0')
			return -1;
		value = ldexp(value, 10 * (int)(unit - units + 1));
	}
	if (!isfinite(value) || value > 9e18)
		return -1;
	*bytes = (int64_t)value;
	return 0;
}

int rp_parse_int(const char *text, int64_t min, int64_t max, int64_t *value)
{
	char *end;
	long long n;

	if (!isdigit((unsigned char)*text) && *text != '-')
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || n < min || n > max)
		return -1;
	*value = n;
	return 0;
}
