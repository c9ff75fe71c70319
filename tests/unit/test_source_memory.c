/*
 * sys/source, where there is no memory: each allocation of a read fails once, which is
 * told as it is. What is taken for damage would be passed over for an older checkpoint.
 */
#include "sys/source.h"

#include "ckpt.h"
#include "unit.h"

#define RANKS 3
#define BYTES 1000	/* of each rank, and a halo on both sides */
#define HALO 20

/*
 * The linker has the library call these
 */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);

static long before = -1;	/* so many go well first; < 0: all */
static int failed;

static int fails(void)
{
	if (before < 0 || before-- > 0)
		return 0;
	failed = 1;
	return 1;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

/*
 * Reading
 */

static const int64_t shape[] = { RANKS * BYTES };
static unsigned char stored[RANKS][BYTES + 2 * HALO], got[RANKS * BYTES];
static int32_t own[4] = { 1, 2, 3, 4 }, back[4];

static unsigned char value_at(int64_t i)
{
	return (unsigned char)(i * 7 + i / 256);
}

static void write_ckpt(struct ckpt *ckpt)
{
	for (int rank = 0; rank < RANKS; rank++) {
		int64_t start = rank * BYTES - (rank > 0 ? HALO : 0);
		int64_t end = (rank + 1) * BYTES + (rank < RANKS - 1 ? HALO : 0);
		int64_t size = end - start;
		struct rp_box box = rp_box_of(1, &start, &size);

		for (int64_t i = 0; i < size; i++)
			stored[rank][i] = value_at(start + i);
		ckpt_add(ckpt, rank, "A", RALLY_U8, shape, &box, stored[rank]);
		ckpt_add_private(ckpt, rank, "p", RALLY_I32, 4, own);
	}
	ckpt_write(ckpt);
}

static int read_all(const struct ckpt *ckpt, struct rp_err *err)
{
	static const int64_t zero[] = { 0 };
	struct rp_region all, private;
	struct rp_source *source;
	int rc = 0;

	rp_region_array(&all, "A", got, RALLY_U8, 1, shape, zero, shape, NULL);
	rp_region_private(&private, "p", back, RALLY_I32, 4, NULL);
	source = rp_source_open(NULL, ckpt->path, &ckpt->manifest, NULL, NULL,
				err);
	if (!source)
		return err->code;
	rc = rp_source_want_private_of(source, &private, RANKS - 1, err);
	if (rc == 0)
		rc = rp_source_want_box(source, &all, err);
	while (rc == 0 && rp_source_left(source) > 0)
		rc = rp_source_next(source, BYTES, err);
	rp_source_close(source);
	return rc;
}

static void expect_read(void)
{
	for (int64_t i = 0; i < shape[0]; i++)
		assert_int_equal(got[i], value_at(i));
	assert_memory_equal(back, own, sizeof(own));
}

static void test_each(void **state)
{
	struct ckpt ckpt;
	long n = 0;

	ckpt_begin(&ckpt, at(state, "c"), RANKS);
	write_ckpt(&ckpt);
	do {
		struct rp_err err = { 0 };
		int rc;

		memset(got, 0, sizeof(got));
		memset(back, 0, sizeof(back));
		failed = 0;
		before = n++;
		rc = read_all(&ckpt, &err);
		before = -1;
		if (rc == 0)
			expect_read();	/* it did without */
		else
			assert_fails(&err, RALLY_ENOMEM, "no memory");
	} while (failed);
	assert_in_range(n, 20, 100000);
	ckpt_end(&ckpt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
