/* sys/device and its copies, on the stand-in for libcuda: every byte comes over
 * whatever the sizes, kinds and contexts, nothing is taken before its time, and
 * each call that fails is an error with a name, and leaves nothing behind. */
#include "sys/device.h"

#include "../lib/cuda/gpu.h"
#include "sys/device_copy.h"
#include "sys/topo.h"
#include "unit.h"

#define MIB ((size_t)1 << 20)
#define MOST 64

/* Regions, what they hold, and the ranks' view of both. */
struct set {
	struct rp_regions regions;
	struct rp_devices *devices;
	unsigned char *want[MOST];
	size_t order[MOST];
	size_t n;
};

static void begin_set(struct set *set)
{
	memset(set, 0, sizeof(*set));
	set->devices = rp_devices_new();
	assert_non_null(set->devices);
}

static void add(struct set *set, void *memory, size_t size)
{
	struct rp_region r;
	char name[8];
	uint32_t x = (uint32_t)set->n * 7919 + 1;

	snprintf(name, sizeof(name), "r%02zu", set->n);
	assert_int_equal(rp_region_private(&r, name, memory, RALLY_U8, size,
					   NULL), 0);
	assert_int_equal(rp_regions_put(&set->regions, &r, NULL), 0);
	set->want[set->n] = malloc(size + 1);
	assert_non_null(set->want[set->n]);
	for (size_t i = 0; i < size; i++) {
		x = x * 1664525 + 1013904223;
		set->want[set->n][i] = (unsigned char)(x >> 24);
	}
	set->order[set->n] = set->n;
	set->n++;
}

static void add_gpu(struct set *set, enum gpu_kind kind, size_t size)
{
	add(set, gpu_alloc(kind, size), size);
	gpu_put(set->regions.v[set->n - 1].data, set->want[set->n - 1], size);
}

static void end_set(struct set *set)
{
	rp_devices_free(set->devices);
	rp_regions_free(&set->regions);
	for (size_t i = 0; i < set->n; i++)
		free(set->want[i]);
}

static void free_memory(struct set *set)
{
	for (size_t i = 0; i < set->n; i++)
		gpu_free(set->regions.v[i].data);
}

static int begin(struct set *set, struct CUstream_st *stream, struct rp_err *err)
{
	return rp_devices_begin(set->devices, &set->regions, stream, NULL, err);
}

/* Reads all of it, in pieces of at most `most`: 0, or the error's code. */
static int download(struct set *set, size_t most, struct rp_err *err)
{
	struct rp_download *down = rp_download_open(set->devices, set->order,
						    set->n, err);
	int rc = down ? 0 : err->code;

	for (size_t i = 0; i < set->n && rc == 0; i++) {
		size_t size = 0;

		for (size_t at = 0; at < set->regions.v[i].bytes && rc == 0;
		     at += size) {
			const void *data = rp_download_next(down, most, &size,
							    err);

			rc = data ? 0 : err->code;
			if (!data)
				break;
			assert_true(size > 0 && size <= most);
			assert_memory_equal(data, set->want[i] + at, size);
		}
	}
	rp_download_close(down);
	return rc;
}

static int upload(struct set *set, size_t most, struct rp_err *err)
{
	struct rp_upload *up = rp_upload_open(set->devices, err);
	int rc = up ? 0 : err->code;

	for (size_t i = 0; i < set->n && rc == 0; i++)
		for (size_t at = 0; at < set->regions.v[i].bytes && rc == 0;) {
			size_t left = set->regions.v[i].bytes - at;
			size_t size = left < most ? left : most;
			void *room = rp_upload_room(up, i, size, err);

			rc = room ? 0 : err->code;
			if (!room)
				break;
			memcpy(room, set->want[i] + at, size);
			rc = rp_upload_send(up, i, at, size, err);
			at += size;
		}
	if (rc == 0)
		rc = rp_upload_finish(up, err);
	rp_upload_close(up);
	return rc;
}

static void clear(struct set *set)
{
	unsigned char *zeros = calloc(1, 16 * MIB);

	assert_non_null(zeros);
	for (size_t i = 0; i < set->n; i++)
		gpu_put(set->regions.v[i].data, zeros, set->regions.v[i].bytes);
	free(zeros);
}

static void check(struct set *set)
{
	unsigned char *got = malloc(16 * MIB);

	assert_non_null(got);
	for (size_t i = 0; i < set->n; i++) {
		gpu_get(got, set->regions.v[i].data, set->regions.v[i].bytes);
		assert_memory_equal(got, set->want[i], set->regions.v[i].bytes);
	}
	free(got);
}

/* The program's own are left, and nothing else. */
static void nothing_left(const struct standin_counts *before)
{
	struct standin_counts now = gpu_counts();

	assert_int_equal(now.streams, before->streams);
	assert_int_equal(now.events, before->events);
	assert_int_equal(now.registered, before->registered);
	assert_int_equal(now.retained, before->retained);
	assert_int_equal(now.allocations, before->allocations);
}

/*
 * Without a GPU
 */

static void test_no_driver(void **state)
{
	int value = 1, stream;
	struct rp_err err = { 0 };
	struct set set;

	(void)state;
	begin_set(&set);
	add(&set, &value, sizeof(value));
	assert_int_equal(begin(&set, NULL, &err), 0);
	assert_int_equal(rp_devices_hold(set.devices, 0), 0);
	assert_int_equal(rp_devices_hold(NULL, 0), 0);
	rp_devices_end(set.devices);
	assert_int_equal(begin(&set, (struct CUstream_st *)&stream, &err),
			 RALLY_EDEVICE);
	assert_fails(&err, RALLY_EDEVICE, "rally_stream()");
	end_set(&set);
	rp_devices_end(NULL);
	rp_devices_free(NULL);
}

/* Loaded by some library, and never begun with. */
static void test_not_initialized(void **state)
{
	int value = 1;
	struct rp_err err = { 0 };
	struct set set;

	(void)state;
	assert_null(gpu_load(GPU_STANDIN));
	begin_set(&set);
	add(&set, &value, sizeof(value));
	assert_int_equal(begin(&set, NULL, &err), 0);
	assert_int_equal(rp_devices_hold(set.devices, 0), 0);
	end_set(&set);
	assert_null(gpu_init());
	gpu_use(0);
	gpu_use(1);
	gpu_use(-1);
}

/*
 * Kinds and contexts
 */

static void test_kinds(void **state)
{
	struct standin_counts before = gpu_counts();
	unsigned char host[100], *pinned = aligned_alloc(4096, 4096);
	struct rp_err err = { 0 };
	struct set set;

	(void)state;
	assert_non_null(pinned);
	begin_set(&set);
	gpu_use(1);
	gpu_pin(pinned, 4096);
	add(&set, host, sizeof(host));
	add(&set, pinned + 8, 100);
	add(&set, NULL, 0);
	add_gpu(&set, GPU_DEVICE, 100);
	add_gpu(&set, GPU_MANAGED, 100);
	add_gpu(&set, GPU_POOL, 100);
	add(&set, (char *)set.regions.v[3].data + 40, 60);
	gpu_use(-1);
	assert_int_equal(begin(&set, NULL, &err), 0);
	for (size_t i = 0; i < set.n; i++)
		assert_int_equal(rp_devices_hold(set.devices, i), i > 2);
	assert_int_equal(rp_devices_hold(set.devices, set.n), 0);
	rp_devices_end(set.devices);
	for (size_t i = 0; i < set.n; i++)
		assert_int_equal(rp_devices_hold(set.devices, i), 0);
	gpu_use(1);
	gpu_unpin(pinned);
	for (size_t i = 3; i < 6; i++)
		gpu_free(set.regions.v[i].data);
	gpu_use(-1);
	end_set(&set);
	nothing_left(&before);
	free(pinned);
}

/* Both ways, with pieces that fit the buffers and such that do not. */
static void there_and_back(struct set *set)
{
	static const size_t pieces[] = { 1000, 128 << 10, MIB };
	struct CUctx_st *current = gpu_current();
	struct rp_err err = { 0 };

	for (size_t p = 0; p < COUNT(pieces); p++) {
		assert_int_equal(begin(set, NULL, &err), 0);
		assert_int_equal(download(set, pieces[p], &err), 0);
		rp_devices_end(set->devices);
		clear(set);
		assert_int_equal(begin(set, NULL, &err), 0);
		assert_int_equal(upload(set, pieces[p], &err), 0);
		rp_devices_end(set->devices);
		check(set);
		assert_ptr_equal(gpu_current(), current);
	}
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 1, 100, 4096, MIB + 1, 2 * MIB - 1,
					2 * MIB, 9 * MIB + 77, 3 };
	struct standin_counts before = gpu_counts();
	struct set set;

	(void)state;
	begin_set(&set);
	gpu_use(0);
	for (size_t i = 0; i < COUNT(sizes); i++)
		add_gpu(&set, (enum gpu_kind)(i % 3), sizes[i]);
	there_and_back(&set);
	gpu_use(-1);
	there_and_back(&set);
	gpu_use(1);
	there_and_back(&set);
	free_memory(&set);
	gpu_use(-1);
	end_set(&set);
	nothing_left(&before);
}

/* Two devices, contexts of the program's own, and small regions of all of them in
 * turn. */
static void test_contexts(void **state)
{
	struct standin_counts before = gpu_counts();
	struct CUctx_st *own[2] = { gpu_context(0), gpu_context(1) };
	struct set set;

	(void)state;
	begin_set(&set);
	for (int i = 0; i < 40; i++) {
		int device = i / 3 % 2, ours = i % 7 == 3;

		if (ours)
			gpu_enter(own[device]);
		else
			gpu_use(device);
		add_gpu(&set, i % 5 == 0 && !ours ? GPU_POOL : GPU_DEVICE,
			(size_t)(i * i) * 700 + 1);
	}
	gpu_use(-1);
	there_and_back(&set);
	free_memory(&set);
	end_set(&set);
	gpu_context_end(own[0]);
	gpu_context_end(own[1]);
	nothing_left(&before);
}

static void test_copy(void **state)
{
	struct rp_err err = { 0 };
	unsigned char *to = malloc(9 * MIB);
	struct set set;

	(void)state;
	assert_non_null(to);
	begin_set(&set);
	gpu_use(0);
	add_gpu(&set, GPU_DEVICE, 9 * MIB - 5);
	add_gpu(&set, GPU_MANAGED, 10);
	gpu_use(-1);
	assert_int_equal(begin(&set, NULL, &err), 0);
	for (size_t i = 0; i < set.n; i++) {
		assert_int_equal(rp_devices_copy(set.devices, i, to, &err), 0);
		assert_memory_equal(to, set.want[i], set.regions.v[i].bytes);
	}
	rp_devices_end(set.devices);
	free_memory(&set);
	end_set(&set);
	free(to);
}

/*
 * Time
 */

/* What the program has started is done before anything is read: all of it, or
 * with a stream what is in there. */
static void test_waits(void **state)
{
	struct CUstream_st *stream, *other;
	struct rp_err err = { 0 };
	struct set set;

	(void)state;
	begin_set(&set);
	gpu_use(1);
	stream = gpu_stream();
	other = gpu_stream();
	add_gpu(&set, GPU_DEVICE, 5000);
	for (int way = 0; way < 4; way++) {
		struct CUstream_st *given = way == 0 ? NULL
					    : way == 1 ? stream
					    : (struct CUstream_st *)
						      (uintptr_t)(way - 1);

		gpu_use(1);
		gpu_set(set.regions.v[0].data, way + 1, 5000,
			way == 0 ? other : way == 1 ? stream : NULL);
		memset(set.want[0], way + 1, 5000);
		gpu_use(-1);
		assert_int_equal(begin(&set, given, &err), 0);
		assert_int_equal(download(&set, MIB, &err), 0);
		rp_devices_end(set.devices);
	}
	/* What else is under way is not waited for then. */
	gpu_set(set.regions.v[0].data, 77, 5000, other);
	assert_int_equal(begin(&set, stream, &err), 0);
	assert_int_equal(download(&set, MIB, &err), 0);
	rp_devices_end(set.devices);
	gpu_use(1);
	gpu_stream_end(stream);
	gpu_stream_end(other);
	free_memory(&set);
	gpu_use(-1);
	end_set(&set);
}

/* Pinned once, kept, and away at the end; also where the context has ended. */
static void test_kept(void **state)
{
	struct standin_counts before = gpu_counts();
	struct CUctx_st *own = gpu_context(0);
	struct rp_err err = { 0 };
	struct set set;

	(void)state;
	begin_set(&set);
	gpu_enter(own);
	add_gpu(&set, GPU_DEVICE, 3 * MIB);
	gpu_fail("cuMemHostRegister", 0, 0, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(begin(&set, NULL, &err), 0);
		assert_int_equal(download(&set, MIB, &err), 0);
		rp_devices_end(set.devices);
	}
	assert_int_equal(gpu_counts().calls, 1);
	free_memory(&set);
	gpu_use(0);
	gpu_context_end(own);
	set.regions.v[0].data = gpu_alloc(GPU_DEVICE, 3 * MIB);
	gpu_put(set.regions.v[0].data, set.want[0], 3 * MIB);
	gpu_use(-1);
	assert_int_equal(begin(&set, NULL, &err), 0);
	assert_int_equal(download(&set, MIB, &err), 0);
	rp_devices_end(set.devices);
	free_memory(&set);
	end_set(&set);
	nothing_left(&before);
}

/*
 * Failures
 */

/* `calls`: so many of the driver's can fail with somebody to be told. */
static int both_ways(struct set *set, int *calls, struct rp_err *err)
{
	int rc = begin(set, NULL, err);

	if (rc == 0)
		rc = download(set, MIB, err);
	if (rc == 0)
		rc = upload(set, MIB, err);
	*calls = gpu_counts().calls;
	rp_devices_end(set->devices);
	return rc;
}

/* What a save can do without: pinning, and the names of buses. */
static int is_harmless(const char *function)
{
	return strcmp(function, "cuMemHostRegister") == 0 ||
	       strcmp(function, "cuDeviceGet") == 0 ||
	       strcmp(function, "cuDeviceGetPCIBusId") == 0;
}

static void fault(int nth, int code, int lost, int *told, int *more)
{
	struct standin_counts before = gpu_counts();
	struct rp_err err = { 0 };
	struct set set;
	int rc, calls;

	begin_set(&set);
	gpu_use(0);
	add_gpu(&set, GPU_DEVICE, 5 * MIB);
	gpu_use(1);
	add_gpu(&set, GPU_POOL, 100);
	add_gpu(&set, GPU_MANAGED, 3 * MIB);
	gpu_use(-1);
	gpu_fail(NULL, nth, code, lost);
	rc = both_ways(&set, &calls, &err);
	*more = *gpu_failed() != '\0';
	if (rc != 0)
		assert_fails(&err, RALLY_EDEVICE, "cu");
	else if (nth <= calls && !is_harmless(gpu_failed()))
		fail_msg("%s failed as call %d, unheard", gpu_failed(), nth);
	if (rc != 0 && !strstr(err.text, "region 'r0"))
		assert_non_null(strstr(err.text, "GPU "));
	*told += rc != 0;
	/* A program may go on. */
	gpu_fail(NULL, 0, 0, 0);
	rp_err_clear(&err);
	if (both_ways(&set, &calls, &err) != 0)
		fail_msg("after call %d failed: %s", nth, err.text);
	assert_null(gpu_current());
	free_memory(&set);
	end_set(&set);
	nothing_left(&before);
}

/* Each call fails once, and as the first of many. */
static void test_faults(void **state)
{
	static const int codes[] = { 999, 214, 400, 1 };
	int told = 0;

	(void)state;
	for (int lost = 0; lost < 2; lost++)
		for (int nth = 1, more = 1; more; nth++)
			fault(nth, codes[nth % 4], lost, &told, &more);
	assert_true(told > 100);
}

/* A driver that can't let go is asked again in another context, and memory that
 * stays pinned is not given back. */
static void test_free_fails(void **state)
{
	struct rp_err err = { 0 };

	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		struct standin_counts before = gpu_counts(), now;
		struct set set;
		int calls;

		begin_set(&set);
		gpu_use(0);
		add_gpu(&set, GPU_DEVICE, 100);
		assert_int_equal(both_ways(&set, &calls, &err), 0);
		free_memory(&set);
		gpu_fail("cuMemHostUnregister", 1, 999, lost);
		end_set(&set);
		gpu_fail(NULL, 0, 0, 0);
		gpu_use(-1);
		now = gpu_counts();
		assert_int_equal(now.registered, before.registered + lost);
		assert_int_equal(now.retained, before.retained);
	}
}

/* A save that fails elsewhere leaves its download in the middle: what is under way
 * then ends before the memory may go. */
static void test_forsaken(void **state)
{
	int before = gpu_counts().forsaken;
	struct rp_err err = { 0 };
	struct rp_download *down;
	struct set set;
	size_t size;

	(void)state;
	begin_set(&set);
	gpu_use(0);
	add_gpu(&set, GPU_DEVICE, 9 * MIB);
	gpu_use(-1);
	assert_int_equal(begin(&set, NULL, &err), 0);
	down = rp_download_open(set.devices, set.order, 1, &err);
	assert_non_null(rp_download_next(down, 100, &size, &err));
	rp_download_close(down);
	rp_devices_end(set.devices);
	assert_int_equal(gpu_counts().forsaken, before);
	free_memory(&set);
	end_set(&set);
}

/* What is said: region, GPU, bus, call, the driver's name, what to do. */
static void test_words(void **state)
{
	struct rp_err err = { 0 };
	struct set set;
	int calls;

	(void)state;
	begin_set(&set);
	gpu_use(1);
	add_gpu(&set, GPU_DEVICE, 5 * MIB);
	gpu_fail("cuEventSynchronize", 2, 214, 1);
	assert_int_equal(both_ways(&set, &calls, &err), RALLY_EDEVICE);
	gpu_fail(NULL, 0, 0, 0);
	assert_fails(&err, RALLY_EDEVICE, "region 'r00' on GPU 1 (0000:3C:00.0): "
		     "cuEventSynchronize: CUDA_ERROR_ECC_UNCORRECTABLE (214: "
		     "uncorrectable ECC error encountered); the GPU is lost");
	rp_err_clear(&err);
	gpu_fail("cuCtxSynchronize", 1, 700, 0);
	assert_int_equal(both_ways(&set, &calls, &err), RALLY_EDEVICE);
	assert_fails(&err, RALLY_EDEVICE, "a kernel of the program's");
	rp_err_clear(&err);
	gpu_fail("cuPointerGetAttributes", 1, 12345, 0);
	assert_int_equal(both_ways(&set, &calls, &err), RALLY_EDEVICE);
	assert_fails(&err, RALLY_EDEVICE, "'r00': cuPointerGetAttributes: CUDA's "
					  "error (12345)");
	gpu_fail(NULL, 0, 0, 0);
	free_memory(&set);
	gpu_use(-1);
	end_set(&set);
}

/* The stand-in is what it says: memory of its devices is not the host's. */
static void test_standin(void **state)
{
	unsigned char *memory;

	(void)state;
	gpu_use(0);
	for (int kind = GPU_DEVICE; kind <= GPU_POOL; kind++) {
		memory = gpu_alloc((enum gpu_kind)kind, 4096);
		assert_int_equal(write(STDERR_FILENO, memory, 1), -1);
		gpu_free(memory);
	}
	gpu_use(-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_driver),
		cmocka_unit_test(test_not_initialized),
		cmocka_unit_test(test_standin),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_free_fails),
		cmocka_unit_test(test_forsaken),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
