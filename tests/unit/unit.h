/*
 * unit.h - what the tests of the lower layers share: cmocka with the headers
 * it wants before it, and a folder of their own
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/text.h"

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

/* A new folder for each test, as its state: cmocka_unit_test_setup_teardown(
 * test, scratch_make, scratch_remove). */
static inline int scratch_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = rp_format("%s/rally-unit-XXXXXX", tmp ? tmp : "/tmp");

	*state = dir;
	return dir && mkdtemp(dir) ? 0 : -1;
}

static inline int scratch_remove(void **state)
{
	int rc = rp_remove_tree(NULL, *state, NULL);

	free(*state);
	return rc;
}

#define scratch_test(f) \
	cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

/* A path in the scratch folder. The next eight calls keep it. */
static inline const char *at(void **state, const char *name)
{
	static char paths[8][512];
	static int turn;
	char *path = paths[turn++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", (char *)*state, name);
	return path;
}

static inline void put_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) == EOF, 0);
	assert_int_equal(fclose(file), 0);
}

/* The caller's to free; fails the test where the file is not there. */
static inline char *get_text(const char *path)
{
	struct rp_err err = { 0 };
	size_t size;
	char *text = rp_read_file(NULL, path, (size_t)1 << 24, &size, &err);

	if (!text)
		print_error("%s\n", err.text);
	assert_non_null(text);
	return text;
}

static inline int exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* An error of that code whose sentence holds `part`. */
static inline void assert_fails(const struct rp_err *err, int code,
				const char *part)
{
	if (err->code != code || !strstr(err->text, part))
		print_error("%d: %s\n", err->code, err->text);
	assert_int_equal(err->code, code);
	assert_non_null(strstr(err->text, part));
}

#endif
