/*
 * test_adopt.c - private memory on another number of ranks: refused, unless the
 *                program says who takes what
 *
 * ranks: 1 4
 */
#include "mpi_ranks.h"

#include <fcntl.h>
#include <unistd.h>

#define MOST 3000	/* particles of a rank */

static double x[MOST];
static uint16_t seeds[8];
static int64_t whole[64];	/* an array beside them */

static size_t count_of(int rank)
{
	return rank == 2 ? 0 : (size_t)(700 * (rank + 1));
}

static double particle(int64_t step, int rank, size_t i)
{
	return (double)(step * 1000000 + rank * 10000) + (double)i;
}

static void add(rally_t *rp, size_t particles)
{
	int64_t global[1] = { 64 }, start[1], local[1];

	start[0] = mr_first(64);
	local[0] = mr_rows(64);
	mt_code(rp, rally_add(rp, "x", x, RALLY_F64, particles), 0);
	mt_code(rp, rally_add(rp, "seeds", seeds, RALLY_U16, 8), 0);
	mt_code(rp, rally_add_array(rp, "whole", whole, RALLY_I64, 1, global,
				    start, local), 0);
}

static void fill(int64_t step)
{
	for (size_t i = 0; i < count_of(mr_rank); i++)
		x[i] = particle(step, mr_rank, i);
	for (int i = 0; i < 8; i++)
		seeds[i] = (uint16_t)(step * 100 + mr_rank * 10 + i);
	for (int64_t i = 0; i < mr_rows(64); i++)
		whole[i] = step * 1000 + mr_first(64) + i;
}

/* Checkpoints of the steps 1 to `steps`, by n ranks. Collective. */
static const char *make(int n, int steps)
{
	const char *dir = mt_dir();
	rally_t *rp;

	if (mr_begin(n)) {
		rp = mr_open(dir);
		add(rp, count_of(mr_rank));
		for (int64_t step = 1; step <= steps; step++) {
			fill(step);
			mt_code(rp, rally_save(rp, step), 0);
		}
		mr_close(rp);
	}
	mr_end();
	return dir;
}

/*
 * A program that adopts
 */

#define TOLD 200

static struct taken {
	int rank;
	size_t count;
	double *x;
} taken[TOLD];
static int n_taken, n_told, answers, orphan;
static struct rally_old told[TOLD];
static char names[TOLD][16];

static void begin_adopting(void)
{
	for (int i = 0; i < n_taken; i++)
		free(taken[i].x);
	n_taken = n_told = answers = 0;
	orphan = -1;
}

static int adopt(const struct rally_old *old, void **into, void *arg)
{
	assert_ptr_equal(arg, taken);
	assert_null(*into);
	assert_true(n_told < TOLD);
	if (old->index == 0)
		for (n_told = 0; n_taken > 0; n_taken--)
			free(taken[n_taken - 1].x);
	assert_int_equal(old->index, n_told);
	snprintf(names[n_told], sizeof(names[0]), "%s", old->name);
	told[n_told++] = *old;
	if (strcmp(old->name, "x") != 0)
		return answers && mr_rank == mr_size - 1 ? 7 : 0;
	if (old->rank % mr_size != mr_rank || old->rank == orphan)
		return 0;
	taken[n_taken].rank = old->rank;
	taken[n_taken].count = old->count;
	taken[n_taken].x = calloc(old->count + 1, sizeof(double));
	*into = taken[n_taken++].x;
	return 0;
}

static void check_told(int ranks, int64_t step)
{
	assert_int_equal(n_told, 2 * ranks);
	for (int i = 0; i < n_told; i++) {
		assert_int_equal(told[i].rank, i / 2);
		assert_int_equal(told[i].ranks, ranks);
		assert_int_equal(told[i].step, step);
		assert_string_equal(names[i], i % 2 ? "x" : "seeds");
		assert_int_equal(told[i].type, i % 2 ? RALLY_F64 : RALLY_U16);
		assert_int_equal(told[i].count, i % 2 ? count_of(i / 2) : 8);
	}
}

static void check_taken(int ranks, int64_t step)
{
	int n = 0;

	for (int rank = mr_rank; rank < ranks; rank += mr_size)
		n += rank != orphan;
	assert_int_equal(n_taken, n);
	for (int k = 0; k < n_taken; k++)
		for (size_t i = 0; i < taken[k].count; i++)
			assert_true(taken[k].x[i] ==
				    particle(step, taken[k].rank, i));
	for (int64_t i = 0; i < mr_rows(64); i++)
		assert_int_equal(whole[i], step * 1000 + mr_first(64) + i);
}

static rally_t *open_adopting(const char *dir)
{
	rally_t *rp = mr_open(dir);

	begin_adopting();
	mt_code(rp, rally_adopt(rp, adopt, taken), 0);
	add(rp, 5);
	memset(whole, 0, sizeof(whole));
	for (int i = 0; i < 5; i++)
		x[i] = -i;
	return rp;
}

static void restore(const char *dir, int from, int to)
{
	rally_t *rp;

	if (mr_begin(to)) {
		rp = open_adopting(dir);
		mr_restore(rp, 1);
		check_told(from, 1);
		check_taken(from, 1);
		for (int i = 0; i < 5; i++)
			assert_true(x[i] == -i);
		mr_close(rp);
		begin_adopting();
	}
	mr_end();
}

static void test_any_number(void **state)
{
	(void)state;
	for (int from = 1; from <= mt_size; from++) {
		const char *dir = make(from, 1);

		for (int to = 1; to <= mt_size; to++)
			if (from != to)
				restore(dir, from, to);
	}
}

/* On the ranks that wrote it each has its own. */
static void test_same_number(void **state)
{
	const char *dir = make(mt_size, 1);
	rally_t *rp;

	(void)state;
	if (mr_begin(mt_size)) {
		rp = open_adopting(dir);
		add(rp, count_of(mr_rank));
		memset(x, 0, sizeof(x));
		mr_restore(rp, 1);
		assert_int_equal(n_told, 0);
		for (size_t i = 0; i < count_of(mr_rank); i++)
			assert_true(x[i] == particle(1, mr_rank, i));
		mr_close(rp);
	}
	mr_end();
}

static void refuse(const char *dir, rally_adopt_fn *fn, int code,
		   const char *words)
{
	rally_t *rp;

	if (mr_begin(mt_size - 1)) {
		rp = mr_open(dir);
		begin_adopting();
		answers = 1;
		mt_code(rp, rally_adopt(rp, adopt, taken), 0);
		mt_code(rp, rally_adopt(rp, fn, taken), 0);
		add(rp, 5);
		mr_refuse(rp, code, words);
		if (fn)
			assert_int_equal(n_told, 2 * mt_size);
		mr_close(rp);
		begin_adopting();
	}
	mr_end();
}

static void test_refused(void **state)
{
	const char *dir;
	char words[100];

	(void)state;
	if (mt_size == 1)
		return;
	dir = make(mt_size, 1);
	refuse(dir, NULL, RALLY_ELAYOUT, "'seeds'");
	refuse(dir, NULL, RALLY_ELAYOUT, "rally_adopt()");
	snprintf(words, sizeof(words), "%d ranks that wrote it, and these are %d",
		 mt_size, mt_size - 1);
	refuse(dir, NULL, RALLY_ELAYOUT, words);
	refuse(dir, adopt, RALLY_EAPP,
	       "rally_adopt() returned 7 for 'seeds' of rank 0");
	assert_int_equal(mt_checkpoints(dir), 1);
}

static rally_t *inside;

static int call_inside(const struct rally_old *old, void **into, void *arg)
{
	(void)old;
	(void)into;
	(void)arg;
	n_told++;
	return rally_drop(inside, "x") == RALLY_EORDER ? 0 : 1;
}

static void test_calls_inside(void **state)
{
	const char *dir;

	(void)state;
	if (mt_size == 1)
		return;
	dir = make(mt_size, 1);
	if (mr_begin(mt_size - 1)) {
		inside = mr_open(dir);
		begin_adopting();
		mt_code(inside, rally_adopt(inside, call_inside, NULL), 0);
		add(inside, 5);
		mr_refuse(inside, RALLY_EORDER, "'seeds' of rank 0");
		mr_close(inside);
		begin_adopting();
	}
	mr_end();
}

/* What nobody takes is lost, with a warning; what is empty is no loss. */
static void test_orphans(void **state)
{
	const char *dir;
	rally_t *rp;

	(void)state;
	if (mt_size == 1)
		return;
	dir = make(mt_size, 1);
	restore(dir, mt_size, mt_size - 1);
	assert_true(mt_contains(dir, "events.jsonl", "adopted 'seeds' of rank 0 "
				"(8 elements), nor 3 more"));
	if (mr_begin(mt_size - 1)) {
		rp = open_adopting(dir);
		orphan = 1;
		mr_restore(rp, 1);
		check_taken(mt_size, 1);
		mr_close(rp);
		begin_adopting();
	}
	mr_end();
	assert_true(mt_contains(dir, "events.jsonl", "nor 4 more"));
}

/* A name that is not wanted any more is left out, one that is new must be optional. */
static void test_names(void **state)
{
	static int64_t fresh = 5;
	const char *dir;
	rally_t *rp;

	(void)state;
	if (mt_size == 1)
		return;
	dir = make(mt_size, 1);
	if (mr_begin(mt_size - 1)) {
		rp = mr_open(dir);
		add(rp, 5);
		mt_code(rp, rally_drop(rp, "x"), 0);
		mt_code(rp, rally_drop(rp, "seeds"), 0);
		mr_restore(rp, 1);
		for (int64_t i = 0; i < mr_rows(64); i++)
			assert_int_equal(whole[i], 1000 + mr_first(64) + i);
		mt_code(rp, rally_add(rp, "fresh", &fresh, RALLY_I64, 1), 0);
		mr_refuse(rp, RALLY_ELAYOUT, "nothing is stored as 'fresh'");
		mt_code(rp, rally_optional(rp, "fresh"), 0);
		mr_restore(rp, 1);
		assert_int_equal(fresh, 5);
		mr_close(rp);
	}
	mr_end();
	assert_true(mt_contains(dir, "events.jsonl", "\"names\":[\"fresh\"]"));
}

static void flip(const char *dir)
{
	unsigned char byte = 0xa5;
	char path[6000];
	int fd;

	snprintf(path, sizeof(path), "%s/rank-%05d-of-%05d.safetensors",
		 mt_checkpoint(dir, 0), 1, mt_size);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	/* In the particles, which lie behind the header and the small ones. */
	assert_int_equal(pwrite(fd, &byte, 1, 4096 + 500), 1);
	close(fd);
}

/* The older one's are told from the beginning. */
static void test_damaged(void **state)
{
	const char *dir;
	rally_t *rp;

	(void)state;
	if (mt_size == 1)
		return;
	dir = make(mt_size, 2);
	if (mt_rank == 0)
		flip(dir);
	if (mr_begin(mt_size - 1)) {
		rp = open_adopting(dir);
		mr_restore(rp, 1);
		check_told(mt_size, 1);
		check_taken(mt_size, 1);
		mr_close(rp);
		begin_adopting();
	}
	mr_end();
	assert_true(mt_contains(dir, "events.jsonl", "passed_over"));
}

/* A program that has begun to adopt goes on with what it adopts, also of an older
 * checkpoint of its own number of ranks. */
static void test_damaged_before_same_number(void **state)
{
	const char *dir;
	rally_t *rp;

	(void)state;
	if (mt_size == 1)
		return;
	dir = make(mt_size - 1, 1);
	if (mr_begin(mt_size)) {
		rp = mr_open(dir);
		add(rp, count_of(mr_rank));
		fill(2);
		mt_code(rp, rally_save(rp, 2), 0);
		mr_close(rp);
	}
	mr_end();
	if (mt_rank == 0)
		flip(dir);
	if (mr_begin(mt_size - 1)) {
		rp = open_adopting(dir);
		mr_restore(rp, 1);
		check_told(mt_size - 1, 1);
		check_taken(mt_size - 1, 1);
		for (int i = 0; i < 5; i++)
			assert_true(x[i] == -i);
		/* The next one meets no damage any more. */
		add(rp, count_of(mr_rank));
		n_told = 0;
		mr_restore(rp, 1);
		assert_int_equal(n_told, 0);
		mr_close(rp);
		begin_adopting();
	}
	mr_end();
}

static int32_t got[8][1000];

static int adopt_many(const struct rally_old *old, void **into, void *arg)
{
	char name[20];

	(void)arg;
	/* In the order of old ranks, then of names. */
	snprintf(name, sizeof(name), "a b, %03d", (int)old->index % 1000);
	assert_string_equal(old->name, name);
	assert_int_equal(old->rank, old->index / 1000);
	*into = &got[old->rank][old->index % 1000];
	return 0;
}

/* A thousand regions a rank, which all ranks take. */
static void test_many(void **state)
{
	static int32_t v[1000];
	const char *dir = mt_dir();
	char name[20];
	rally_t *rp = mt_open(dir);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		v[i] = mt_rank * 1000 + i;
		snprintf(name, sizeof(name), "a b, %03d", i);
		mt_code(rp, rally_add(rp, name, &v[i], RALLY_I32, 1), 0);
	}
	mt_code(rp, rally_save(rp, 1), 0);
	mt_code(rp, rally_close(rp), 0);
	if (mt_size > 1 && mr_begin(2)) {
		rp = mr_open(dir);
		mt_code(rp, rally_adopt(rp, adopt_many, NULL), 0);
		mr_restore(rp, 1);
		for (int i = 0; i < 1000 * mt_size; i++)
			assert_int_equal(got[i / 1000][i % 1000], i);
		mr_close(rp);
	}
	if (mt_size > 1)
		mr_end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_any_number),
	cmocka_unit_test(test_same_number),
	cmocka_unit_test(test_refused),
	cmocka_unit_test(test_calls_inside),
	cmocka_unit_test(test_orphans),
	cmocka_unit_test(test_names),
	cmocka_unit_test(test_damaged),
	cmocka_unit_test(test_damaged_before_same_number),
	cmocka_unit_test(test_many),
};

MT_MAIN(tests)
