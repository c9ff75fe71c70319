#include "tool/print.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* Length of the UTF-8 sequence at p and its code point; 0 where it is none. */
static size_t decode(const unsigned char *p, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3
				 : *p >> 3 == 30 ? 4 : 0;

	if (n == 0)
		return 0;
	*point = n == 1 ? *p : *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		*point = *point << 6 | (p[i] & 0x3f);
	}
	if (*point < least[n] || *point > 0x10ffff ||
	    (*point >= 0xd800 && *point < 0xe000))
		return 0;
	return n;
}

/* Controls (C0, DEL, C1), line separators, marks that turn or hide text. */
static int is_harmless(uint32_t point)
{
	if (point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xad)
		return 0;
	if ((point >= 0x200b && point <= 0x200f) ||
	    (point >= 0x2028 && point <= 0x202e) ||
	    (point >= 0x2060 && point <= 0x206f))
		return 0;
	return point != 0x061c && point != 0xfeff &&
	       !(point >= 0xe0000 && point <= 0xe0fff);
}

char *rp_escape(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)text;
	char *copy = malloc(4 * strlen(text) + 1);
	char *to = copy;

	while (copy && *p) {
		uint32_t point = 0;
		size_t n = decode(p, &point);
		int keep = n > 0 && is_harmless(point) && point != '\\';

		if (n == 0)
			n = 1;
		for (; n > 0; n--, p++) {
			if (keep) {
				*to++ = (char)*p;
			} else if (*p == '\\') {
				*to++ = '\\';
				*to++ = '\\';
			} else {
				*to++ = '\\';
				*to++ = 'x';
				*to++ = digits[*p >> 4];
				*to++ = digits[*p & 15];
			}
		}
	}
	if (copy)
		*to = '\0';
	return copy;
}

void rp_complain(const char *fmt, ...)
{
	char *text = NULL, *safe = NULL, *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		safe = rp_escape(text);
	if (safe)
		line = rp_format("rallypoint: %s\n", safe);
	if (line && write(STDERR_FILENO, line, strlen(line)) < 0) {
		/* nobody is left to tell */
	}
	free(text);
	free(safe);
	free(line);
}

json_t *rp_json_text(const char *text)
{
	json_t *json = json_string(text);
	char *safe;

	if (json)
		return json;
	safe = rp_escape(text);
	json = safe ? json_string(safe) : NULL;
	free(safe);
	return json;
}

int rp_json_print(json_t *document, int one_line, struct rp_err *err)
{
	size_t flags = one_line ? JSON_ENSURE_ASCII
				: JSON_INDENT(2) | JSON_ENSURE_ASCII;
	int bad = !document || json_dumpf(document, stdout, flags) != 0 ||
		  putchar('\n') == EOF;

	json_decref(document);
	return bad ? rp_fail(err, RALLY_EIO, "the JSON document could not be "
			     "written to stdout") : 0;
}
