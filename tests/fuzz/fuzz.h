/*
 * fuzz.h - what the fuzz targets share
 *
 * A target feeds its input to one parser and checks what callers rely on where
 * the parser took it. Whatever it does, the memory that lives at one time is
 * bounded by the input: jansson needs up to 72 bytes for one of JSON (a long
 * list of "{},": an object of 8 buckets for three bytes; the list doubles), and
 * the decoders' own structures come on top. A target says
 *
 *     fuzz_begin(size, extra);
 *     ... parse ...
 *     fuzz_end();
 *
 * and a breach, as every failed FUZZ_CHECK, ends in abort().
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define FUZZ_PER_BYTE 96
#define FUZZ_FLOOR (64 << 10)

#define FUZZ_CHECK(condition) \
	do { \
		if (!(condition)) \
			fuzz_broken(__FILE__, __LINE__, #condition); \
	} while (0)

_Noreturn void fuzz_broken(const char *file, int line, const char *what);

/* From here to fuzz_end() at most FUZZ_PER_BYTE * size + FUZZ_FLOOR + extra
 * bytes may live that were not there before. */
void fuzz_begin(size_t size, size_t extra);
void fuzz_end(void);

/* A copy with a NUL behind it and nothing more, so that a read past its end is
 * seen. */
char *fuzz_text(const uint8_t *data, size_t size);

/* A folder of this process's own in TMPDIR or /tmp, which goes at exit, and a
 * path in it. */
const char *fuzz_dir(void);
char *fuzz_path(const char *name);

/* Puts bytes into a file of the folder, in place of what it held. */
void fuzz_put(const char *name, const void *data, size_t size);

/* The error of a failed call: this code, and a sentence that names `part`
 * (where it is not NULL) and holds nothing that a terminal would obey. */
void fuzz_failed(const struct rp_err *err, int rc, int code, const char *part);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
