/*
 * base/text.h - strings that grow, and amounts for people
 */
#ifndef RP_BASE_TEXT_H
#define RP_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* As asprintf(), but returns the string (the caller's), or NULL. */
char *rp_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "1.2 GB" (powers of 1000), "12 B"; into buf, which is returned. */
char *rp_text_bytes(uint64_t bytes, char *buf, size_t size);

/* What a file holds, for a sentence on a terminal: all but printable ASCII is a
 * '?', and what does not fit is cut. Into buf, which is returned. */
char *rp_text_ascii(const char *text, char *buf, size_t size);

/* "10m", "1h30m", "90s", "2.5" (seconds) to nanoseconds. 0, or -1 where the
 * text is not a duration. */
int rp_parse_duration(const char *text, int64_t *ns);

/* "64m", "1.5g", "4096" (bytes), "4k" to bytes; the units are powers of 1024. 0, or
 * -1 where the text is not a size. */
int rp_parse_size(const char *text, int64_t *bytes);

/* A decimal integer in full, within [min, max]. 0, or -1. */
int rp_parse_int(const char *text, int64_t min, int64_t max, int64_t *value);

#endif
