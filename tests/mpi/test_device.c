/*
 * test_device.c - regions on GPUs: saved, restored, and what fails on the way
 *
 * On the stand-in for libcuda (tests/lib/cuda), which lets the host touch nothing,
 * does everything late and fails any call; with MT_CUDA=libcuda.so.1 on a real GPU,
 * without the failures. tests/gpu/run_gpu does the latter where there is one.
 *
 * Calls of the driver fail, on the first rank and on the last: each with RUN_LONG=1,
 * else one in three on two ranks, from one that SEED chooses, and one in twelve on
 * others. With MT_SHARE=n one in 3n and 12n. tests/unit/test_device has each.
 *
 * ranks: 2 1 4
 * limit: 600
 * folder: memory
 */
#include "mpi_ranks.h"

#include "../lib/cuda/gpu.h"

#define MOST 16
#define MIB ((size_t)1 << 20)

/* A region, and what it holds: `memory` is the host's, or a GPU's. */
static struct part {
	char name[16];
	unsigned char *memory, *want;
	size_t size;
	int on_gpu;
} parts[MOST];
static int n_parts;
static struct standin_counts before;

static void add_part(unsigned char *memory, size_t size, int on_gpu)
{
	struct part *part = &parts[n_parts];

	snprintf(part->name, sizeof(part->name), "part%02d", n_parts++);
	part->memory = memory;
	part->want = malloc(size + 1);
	part->size = size;
	part->on_gpu = on_gpu;
	assert_non_null(part->want);
}

static void add_host(size_t size)
{
	unsigned char *memory = malloc(size + 1);

	assert_non_null(memory);
	add_part(memory, size, 0);
}

/* Host and GPU in turn, tiny and such that take several buffers, on two devices
 * where there are, in a pool, managed, in contexts that are not current. */
static void begin_parts(void)
{
	before = gpu_counts();
	n_parts = 0;
}

static void make_parts(void)
{
	int devices = gpu_devices();

	begin_parts();
	for (int i = 0; i < 12; i++) {
		size_t size = i == 4 ? 5 * MIB + 12345
			      : i == 7 ? 2 * MIB
				       : (size_t)(i * i * 100 + 1 + mt_rank);

		gpu_use((mt_rank + i / 2) % devices);
		if (i % 4 == 3)
			add_host(size);
		else
			add_part(gpu_alloc((enum gpu_kind)(i % 3), size), size,
				 1);
	}
	add_part(NULL, 0, 0);
	gpu_use(-1);
}

/* One of each, for many runs. */
static void make_few_parts(void)
{
	begin_parts();
	gpu_use(0);
	add_part(gpu_alloc(GPU_DEVICE, 2 * MIB + 1), 2 * MIB + 1, 1);
	add_host(100);
	gpu_use(gpu_devices() - 1);
	add_part(gpu_alloc(GPU_POOL, 100), 100, 1);
	add_part(gpu_alloc(GPU_MANAGED, 100), 100, 1);
	gpu_use(-1);
}

static void free_parts(void)
{
	struct standin_counts now;

	for (int i = 0; i < n_parts; i++) {
		if (parts[i].on_gpu)
			gpu_free(parts[i].memory);
		else
			free(parts[i].memory);
		free(parts[i].want);
	}
	now = gpu_counts();
	assert_int_equal(now.allocations, before.allocations);
	assert_int_equal(now.streams, before.streams);
	assert_int_equal(now.events, before.events);
	assert_int_equal(now.registered, before.registered);
	assert_int_equal(now.retained, before.retained);
	assert_null(gpu_current());
}

static void want(int64_t step)
{
	for (int i = 0; i < n_parts; i++) {
		unsigned char *bytes = parts[i].want;
		size_t size = parts[i].size;

		for (size_t j = 0; j < size; j++)
			bytes[j] = (unsigned char)(j * 7 + (j >> 8) * 31 +
						   (j >> 20) * 101 +
						   (size_t)(step * 64 + i * 8 +
							    mt_rank));
	}
}

static void fill(int64_t step)
{
	want(step);
	for (int i = 0; i < n_parts; i++)
		if (parts[i].on_gpu)
			gpu_put(parts[i].memory, parts[i].want, parts[i].size);
		else if (parts[i].size > 0)
			memcpy(parts[i].memory, parts[i].want, parts[i].size);
}

static void check(int64_t step)
{
	unsigned char *got = malloc(9 * MIB);

	assert_non_null(got);
	want(step);
	for (int i = 0; i < n_parts; i++) {
		const unsigned char *have = parts[i].memory;

		if (parts[i].on_gpu) {
			gpu_get(got, parts[i].memory, parts[i].size);
			have = got;
		}
		if (parts[i].size > 0)
			assert_memory_equal(have, parts[i].want, parts[i].size);
	}
	free(got);
}

/* As rows of one byte less than they have: arrays and private regions in turn. */
static void add_parts(rally_t *rp)
{
	for (int i = 0; i < n_parts; i++) {
		int64_t local[1] = { (int64_t)parts[i].size }, start[1] = { 0 };
		int64_t global[1] = { (int64_t)100 << 20 };

		start[0] = mt_rank * ((int64_t)10 << 20);
		if (i % 2)
			mt_code(rp, rally_add(rp, parts[i].name, parts[i].memory,
					      RALLY_U8, parts[i].size), 0);
		else
			mt_code(rp, rally_add_array(rp, parts[i].name,
						    parts[i].memory, RALLY_U8, 1,
						    global, start, local), 0);
	}
}

static rally_t *open_parts(const char *dir)
{
	rally_t *rp = mt_open(dir);

	add_parts(rp);
	return rp;
}

/* A new handle finds this step, whole. */
static void resumes(const char *dir, int64_t expected)
{
	rally_t *rp = open_parts(dir);
	int64_t step = -1;
	int how = -1;

	fill(99);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(how, RALLY_RESUMED);
	assert_int_equal(step, expected);
	check(step);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}

/*
 * Without a GPU
 */

/* A stream on one rank fails the save on all: nothing could be waited for. */
static void test_no_driver(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);
	int64_t value = 1, step;
	int how;

	(void)state;
	assert_int_equal(rally_stream(NULL, NULL), RALLY_EARG);
	mt_code(rp, rally_add(rp, "v", &value, RALLY_I64, 1), 0);
	mt_code(rp, rally_stream(rp, NULL), 0);
	mt_code(rp, rally_save(rp, 1), 0);
	mt_code(rp, rally_stream(rp, mt_rank == 0 ? &value : NULL), 0);
	mt_code(rp, rally_save(rp, 2), RALLY_EDEVICE);
	assert_non_null(strstr(rally_error(rp), "rally_stream()"));
	assert_non_null(strstr(rally_error(rp), "rank 0"));
	mt_code(rp, rally_restore(rp, &step, &how), RALLY_EDEVICE);
	mt_code(rp, rally_stream(rp, NULL), 0);
	mt_code(rp, rally_restore(rp, &step, &how), 0);
	assert_int_equal(step, 1);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 1);
}

static void test_load(void **state)
{
	const char *library = getenv("MT_CUDA"), *why;

	(void)state;
	why = gpu_load(library ? library : GPU_STANDIN);
	if (!why)
		why = gpu_init();
	if (why)
		fail_msg("no GPU: %s", why);
	/* The primary contexts of the program's own. */
	for (int i = 0; i < gpu_devices(); i++)
		gpu_use(i);
	gpu_use(-1);
}

/*
 * There and back
 */

static void test_saved(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp;

	(void)state;
	make_parts();
	rp = open_parts(dir);
	for (int64_t step = 1; step < 4; step++) {
		fill(step);
		mt_code(rp, rally_save(rp, step), 0);
		assert_int_equal(gpu_counts().streams, before.streams);
		check(step);
	}
	mt_code(rp, rally_close(rp), 0);
	resumes(dir, 3);
	free_parts();
}

/*
 * Other boxes
 */

#define TALL 40	/* rows that a rank writes */
#define WIDE 50000

static unsigned char byte_at(int64_t y, int64_t x)
{
	return (unsigned char)(y * 7 + x * 13 + (x >> 8) + (y >> 8));
}

/* A box of an array in a GPU's memory: saved, or restored, which must be right. */
static void with_box(const char *dir, int save, int64_t y, int64_t x, int64_t rows,
		     int64_t columns)
{
	int64_t global[] = { TALL * mt_size, WIDE }, start[] = { y, x };
	int64_t local[] = { rows, columns }, step;
	size_t size = (size_t)(rows * columns);
	unsigned char *got = malloc(size + 1);
	rally_t *rp = mt_open(dir);
	int how;

	assert_non_null(got);
	begin_parts();
	gpu_use(mt_rank % gpu_devices());
	add_part(gpu_alloc(GPU_DEVICE, size), size, 1);
	gpu_use(-1);
	for (size_t i = 0; i < size; i++)
		parts[0].want[i] = byte_at(y + (int64_t)i / columns,
					   x + (int64_t)i % columns);
	mt_code(rp, rally_add_array(rp, "A", parts[0].memory, RALLY_U8, 2, global,
				    start, local), 0);
	if (save) {
		gpu_put(parts[0].memory, parts[0].want, size);
		mt_code(rp, rally_save(rp, 1), 0);
	} else {
		mt_code(rp, rally_restore(rp, &step, &how), 0);
		gpu_get(got, parts[0].memory, size);
		assert_memory_equal(got, parts[0].want, size);
	}
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	free_parts();
	free(got);
}

/* Rows are had straight; columns, whose runs are short, and halos, which are compared,
 * by way of the host's memory. */
static void test_other_boxes(void **state)
{
	int64_t columns = WIDE / mt_size, last = mt_size - 1 - mt_rank;
	int64_t halo = mt_rank > 0;
	const char *dir = mt_dir();

	(void)state;
	with_box(dir, 1, TALL * mt_rank, 0, TALL, WIDE);
	with_box(dir, 0, TALL * mt_rank, 0, TALL, WIDE);
	with_box(dir, 0, TALL * last, 0, TALL, WIDE);
	with_box(dir, 0, TALL * last / 2, 0, TALL, WIDE);
	with_box(dir, 0, 0, columns * mt_rank, TALL * mt_size, columns);
	with_box(dir, 0, TALL * last / 2, 3, TALL, 1);
	dir = mt_dir();
	with_box(dir, 1, TALL * mt_rank - halo, 0, TALL + halo, WIDE);
	with_box(dir, 0, TALL * last, 0, TALL, WIDE);
	with_box(dir, 0, 0, columns * mt_rank, TALL * mt_size, columns);
}

static int same_file(const char *a, const char *b)
{
	FILE *files[2] = { fopen(a, "r"), fopen(b, "r") };
	int c, same = files[0] && files[1];

	while (same && (c = getc(files[0])) != EOF)
		same = getc(files[1]) == c;
	same = same && getc(files[1]) == EOF;
	for (int i = 0; i < 2; i++)
		if (files[i])
			fclose(files[i]);
	return same;
}

/* Where memory lies leaves no trace in a shard. */
static void test_same_shards(void **state)
{
	char shards[2][5000];
	unsigned char *gpu[MOST];

	(void)state;
	make_parts();
	for (int i = 0; i < 2; i++) {
		const char *dir = mt_dir();
		rally_t *rp;

		for (int k = 0; i == 1 && k < n_parts; k++) {
			gpu[k] = parts[k].memory;
			parts[k].memory = parts[k].want;
		}
		want(5);
		if (i == 0)
			fill(5);
		rp = open_parts(dir);
		mt_code(rp, rally_save(rp, 5), 0);
		mt_code(rp, rally_close(rp), 0);
		mt_barrier();
		snprintf(shards[i], sizeof(shards[i]),
			 "%s/rank-%05d-of-%05d.safetensors",
			 mt_checkpoint(dir, 0), mt_rank, mt_size);
	}
	assert_true(same_file(shards[0], shards[1]));
	for (int k = 0; k < n_parts; k++)
		parts[k].memory = gpu[k];
	free_parts();
}

/* Written with page cache and without, with a helper thread and without, and where
 * only what has changed is written. */
static void test_ways(void **state)
{
	static const char *const yes_no[] = { "yes", "no" };

	(void)state;
	for (int i = 0; i < 8; i++) {
		const char *dir = mt_dir();
		rally_t *rp;

		make_parts();
		rp = open_parts(dir);
		mt_code(rp, rally_set(rp, "direct", yes_no[i & 1]), 0);
		mt_code(rp, rally_set(rp, "threads", yes_no[i >> 1 & 1]), 0);
		mt_code(rp, rally_set(rp, "incremental", yes_no[i >> 2]), 0);
		fill(100 + i);
		mt_code(rp, rally_save(rp, 100 + i), 0);
		mt_code(rp, rally_save(rp, 200), 0);
		fill(i);
		mt_code(rp, rally_save(rp, i), 0);
		mt_code(rp, rally_close(rp), 0);
		resumes(dir, i);
		free_parts();
	}
}

/* In the background the buffers are the program's again at once: what it puts there is
 * not in the checkpoint. */
static void test_background(void **state)
{
	const char *dir = mt_dir();
	rally_t *rp;

	(void)state;
	make_parts();
	rp = open_parts(dir);
	mt_code(rp, rally_set(rp, "async", "yes"), 0);
	mt_code(rp, rally_set(rp, "keep", "9"), 0);
	for (int64_t step = 1; step < 4; step++) {
		fill(step);
		mt_code(rp, rally_save(rp, step), 0);
		assert_int_equal(mt_status(rp).saving, 1);
		fill(70 + step);
	}
	check(73);
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), 3);
	resumes(dir, 3);
	free_parts();
}

/* What the program has started before the safe point is in the checkpoint. */
static void test_stream(void **state)
{
	const char *dir = mt_dir();
	struct CUstream_st *stream;
	struct part *part;
	rally_t *rp;

	(void)state;
	make_parts();
	part = &parts[4];
	gpu_use((mt_rank + 2) % gpu_devices());
	stream = gpu_stream();
	gpu_use(-1);
	rp = open_parts(dir);
	for (int given = 0; given < 2; given++) {
		int64_t step = -1;
		int how, verdict = RALLY_GO;

		mt_code(rp, rally_stream(rp, given ? stream : NULL), 0);
		fill(given);
		gpu_set(part->memory, 7 + given, part->size, stream);
		if (mt_rank == 0)
			rally_request(rp, RALLY_WANT_SAVE);
		for (int i = 0; i < 9 && verdict == RALLY_GO; i++)
			verdict = rally_point(rp, 10 + given);
		assert_int_equal(verdict, RALLY_SAVED);
		/* Nor is what is restored overwritten by it. */
		gpu_set(part->memory, 99, part->size, stream);
		mt_code(rp, rally_restore(rp, &step, &how), 0);
		assert_int_equal(step, 10 + given);
		memset(part->want, 7 + given, part->size);
		{
			unsigned char *got = malloc(part->size);

			assert_non_null(got);
			gpu_get(got, part->memory, part->size);
			assert_memory_equal(got, part->want, part->size);
			free(got);
		}
	}
	mt_code(rp, rally_close(rp), 0);
	gpu_use((mt_rank + 2) % gpu_devices());
	gpu_stream_end(stream);
	gpu_use(-1);
	free_parts();
}

/* A stop, from GPU memory; its save is tried again where a call fails once. */
static void test_stop(void **state)
{
	const char *dir = mt_dir();
	int verdict = RALLY_GO;
	rally_t *rp;

	(void)state;
	make_parts();
	rp = open_parts(dir);
	fill(3);
	if (mt_rank == mt_size - 1)
		rally_request(rp, RALLY_WANT_STOP);
	if (mt_rank == 0)
		gpu_fail("cuMemcpyDtoHAsync", 1, 999, 0);
	for (int i = 0; i < 9 && verdict == RALLY_GO; i++)
		verdict = rally_point(rp, 3);
	gpu_fail(NULL, 0, 0, 0);
	assert_int_equal(verdict, RALLY_STOP);
	assert_int_equal(mt_status(rp).saved_step, 3);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	mt_barrier();
	resumes(dir, 3);
	free_parts();
}

/*
 * Failures
 */

/* What a save does without: pinning, the names of buses, and what it does after it
 * has all bytes. */
static void told(rally_t *rp, int rc, int failing)
{
	mt_same(rc);
	if (rc == 0)
		return;
	assert_int_equal(rc, RALLY_EDEVICE);
	if (failing && mt_size > 1) {
		char rank[20];

		snprintf(rank, sizeof(rank), "rank %d", mt_rank);
		assert_non_null(strstr(rally_error(rp), rank));
	}
	assert_non_null(strstr(rally_error(rp), "cu"));
}

/* A call fails in a save, then one in a restore: the code is everybody's, the
 * checkpoint before stands, and the run can go on. Tells whether one was left to
 * fail. */
static int fail_once(int rank, int nth, int lost, int *failures)
{
	const char *dir = mt_dir();
	int failing = mt_rank == rank, more, how;
	int64_t step = -1;
	rally_t *rp;
	int rc;

	make_few_parts();
	rp = open_parts(dir);
	fill(1);
	mt_code(rp, rally_save(rp, 1), 0);
	fill(2);
	if (failing)
		gpu_fail(NULL, nth, lost ? 214 : 999, lost);
	rc = rally_save(rp, 2);
	more = failing && *gpu_failed() != '\0';
	told(rp, rc, failing);
	*failures += rc != 0;
	gpu_fail(NULL, 0, 0, 0);
	mt_barrier();
	assert_int_equal(mt_checkpoints(dir), rc == 0 ? 2 : 1);
	assert_int_equal(mt_hidden(dir, ".partial-"), 0);
	fill(98);
	if (failing)
		gpu_fail(NULL, nth, lost ? 214 : 999, lost);
	rc = rally_restore(rp, &step, &how);
	more |= failing && *gpu_failed() != '\0';
	told(rp, rc, failing);
	*failures += rc != 0;
	gpu_fail(NULL, 0, 0, 0);
	assert_int_equal(gpu_counts().streams, before.streams);
	if (rc == 0)
		check(step);
	fill(3);
	mt_code(rp, rally_save(rp, 3), 0);
	mt_code(rp, rally_close(rp), 0);
	resumes(dir, 3);
	free_parts();
	if (mt_rank == 0)
		mt_remove(dir);
	MPI_Bcast(&more, 1, MPI_INT, rank, MPI_COMM_WORLD);
	return more;
}

static void test_faults(void **state)
{
	struct mt_campaign c = mt_campaign();
	int share = c.whole ? 1 : (mt_size == 2 ? 3 : 12) * c.share;
	int failures = 0, calls = 0;

	(void)state;
	if (!gpu_is_standin())
		skip();
	for (int rank = 0; rank < mt_size; rank += mt_size > 1 ? mt_size - 1 : 1)
		for (int lost = 0; lost < 2; lost++)
			for (int nth = 1 + (int)(c.seed % (uint64_t)share),
				 more = 1; more; nth += share) {
				more = fail_once(rank, nth, lost, &failures);
				calls++;
			}
	assert_true(failures > 0 || share > 12);
	if (mt_rank == 0)
		printf("%d calls failed, one in %d, %d saves and restores with "
		       "them, seed %llu\n", calls, share, failures,
		       (unsigned long long)c.seed);
}

/* A GPU that is lost for good: each save fails, a stop stops all the same, and
 * what was saved before is there. */
static void test_lost(void **state)
{
	const char *dir = mt_dir();
	int verdict = RALLY_GO;
	rally_t *rp;

	(void)state;
	if (!gpu_is_standin())
		skip();
	make_parts();
	rp = open_parts(dir);
	fill(1);
	mt_code(rp, rally_save(rp, 1), 0);
	if (mt_rank == mt_size - 1)
		gpu_fail(NULL, 1, 214, 1);
	mt_code(rp, rally_save(rp, 2), RALLY_EDEVICE);
	assert_non_null(strstr(rally_error(rp), "CUDA_ERROR_ECC_UNCORRECTABLE"));
	assert_non_null(strstr(rally_error(rp), "is lost"));
	if (mt_rank == 0)
		rally_request(rp, RALLY_WANT_STOP);
	for (int i = 0; i < 9 && verdict == RALLY_GO; i++)
		verdict = rally_point(rp, 3);
	assert_int_equal(verdict, RALLY_STOP);
	assert_int_equal(mt_status(rp).saved_step, 1);
	mt_code(rp, rally_close(rp), RALLY_EUNFINISHED);
	gpu_fail(NULL, 0, 0, 0);
	mt_barrier();
	resumes(dir, 1);
	/* Pinned memory that its driver would not let go is not counted. */
	before = gpu_counts();
	before.allocations -= 9;
	free_parts();
}

/*
 * On another number of ranks
 */

#define ALL 9000001	/* bytes of a replicated array: two slices */

static unsigned char pattern[ALL];

static void fill_pattern(int from)
{
	for (size_t i = 0; i < ALL; i++)
		pattern[i] = (unsigned char)((size_t)from + i * 5 + (i >> 8));
}

static void expect_pattern(unsigned char *memory, int from, size_t size)
{
	static unsigned char got[ALL];

	fill_pattern(from);
	gpu_get(got, memory, size);
	assert_memory_equal(got, pattern, size);
}

/* All of the memory, and the end of it: too little to be divided. */
#define FEW 777

static rally_t *open_replicated(const char *dir, unsigned char *memory)
{
	const int64_t shape[2] = { ALL - FEW, 1 }, few[1] = { FEW };
	rally_t *rp = mr_open(dir);

	mt_code(rp, rally_add_replicated(rp, "all", memory, RALLY_U8, 2, shape),
		0);
	mt_code(rp, rally_add_replicated(rp, "few", memory + ALL - FEW, RALLY_U8,
					 1, few), 0);
	return rp;
}

/* All of it is compared, a slice stored, all restored. */
static void test_replicated(void **state)
{
	const char *dir = mt_dir();
	unsigned char *memory, other = 1;
	rally_t *rp;

	(void)state;
	begin_parts();
	gpu_use(0);
	memory = gpu_alloc(GPU_DEVICE, ALL);
	gpu_use(-1);
	fill_pattern(1);
	if (mr_begin(mt_size)) {
		rp = open_replicated(dir, memory);
		gpu_put(memory, pattern, ALL);
		if (mt_rank == mt_size - 1)
			gpu_put(memory + 7, &other, 1);
		mt_code(rp, rally_save(rp, 1), mt_size > 1 ? RALLY_EMISMATCH : 0);
		gpu_put(memory, pattern, ALL);
		if (mt_rank == mt_size - 1)
			gpu_put(memory + ALL - 3, &other, 1);
		mt_code(rp, rally_save(rp, 1), mt_size > 1 ? RALLY_EMISMATCH : 0);
		gpu_put(memory, pattern, ALL);
		mt_code(rp, rally_save(rp, 2), 0);
		mr_close(rp);
	}
	mr_end();
	for (int n = 1; n <= mt_size; n++) {
		if (mr_begin(n)) {
			rp = open_replicated(dir, memory);
			fill_pattern(9);
			gpu_put(memory, pattern, ALL);
			mr_restore(rp, 2);
			expect_pattern(memory, 1, ALL);
			mr_close(rp);
		}
		mr_end();
	}
	gpu_free(memory);
	free_parts();
}

/* Other ranks' memory, of the host's or a GPU's, into memory of a GPU. */
static unsigned char *adopted[8];

static int adopt(const struct rally_old *old, void **into, void *arg)
{
	(void)arg;
	if (old->rank % mr_size != mr_rank)
		return 0;
	gpu_use(old->rank % gpu_devices());
	*into = adopted[old->rank] = gpu_alloc(GPU_DEVICE, old->count);
	gpu_use(-1);
	return 0;
}

static void test_adopted(void **state)
{
	const char *dir = mt_dir();
	unsigned char *memory;
	rally_t *rp;

	(void)state;
	begin_parts();
	gpu_use(0);
	memory = gpu_alloc(GPU_DEVICE, ALL);
	gpu_use(-1);
	if (mr_begin(mt_size)) {
		rp = mr_open(dir);
		fill_pattern(mt_rank);
		gpu_put(memory, pattern, ALL);
		mt_code(rp, rally_add(rp, "x", mt_rank % 2 ? memory : pattern,
				      RALLY_U8, ALL - (size_t)mt_rank), 0);
		mt_code(rp, rally_save(rp, 2), 0);
		mr_close(rp);
	}
	mr_end();
	for (int n = 1; n < mt_size; n++) {
		if (mr_begin(n)) {
			rp = mr_open(dir);
			mt_code(rp, rally_adopt(rp, adopt, NULL), 0);
			mr_restore(rp, 2);
			for (int i = mr_rank; i < mt_size; i += n) {
				expect_pattern(adopted[i], i, ALL - (size_t)i);
				gpu_free(adopted[i]);
			}
			mr_close(rp);
		}
		mr_end();
	}
	gpu_free(memory);
	free_parts();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_no_driver),
	cmocka_unit_test(test_load),
	cmocka_unit_test(test_saved),
	cmocka_unit_test(test_other_boxes),
	cmocka_unit_test(test_same_shards),
	cmocka_unit_test(test_ways),
	cmocka_unit_test(test_background),
	cmocka_unit_test(test_stream),
	cmocka_unit_test(test_stop),
	cmocka_unit_test(test_replicated),
	cmocka_unit_test(test_adopted),
	cmocka_unit_test(test_faults),
	cmocka_unit_test(test_lost),
};

MT_MAIN(tests)
