/*
 * gpu.c - saves and restores of memory on a GPU, one at a time, for gpu_bench.py
 *
 *     gpu FOLDER [BYTES [LIBRARY]]
 *
 * BYTES (8 GiB) lie in eight regions. Reads commands from the standard input, one
 * a line, and answers each with the seconds that it took:
 *
 *     copy       all bytes to pinned memory of the host's, and nothing else
 *     back       the same bytes from there
 *     save       a durable checkpoint in FOLDER
 *     restore    from it
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mpi.h>

#include "../lib/cuda/gpu.h"
#include "rallypoint.h"

#define REGIONS 8
#define WINDOW ((size_t)256 << 20)	/* of pinned memory, used again and again */

static unsigned char *regions[REGIONS], *window;
static size_t each, window_size;

static void fail(const char *what)
{
	fprintf(stderr, "gpu: %s\n", what);
	exit(EXIT_FAILURE);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Other bytes in each page, so that nothing can be left out. */
static void make_regions(void)
{
	uint64_t x = 88172645463325252u;

	window_size = each < WINDOW ? each : WINDOW;
	window = aligned_alloc(4096, window_size);
	if (!window)
		fail("no memory");
	for (size_t i = 0; i + 8 <= window_size; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(window + i, &x, 8);
	}
	gpu_pin(window, window_size);
	for (int i = 0; i < REGIONS; i++) {
		regions[i] = gpu_alloc(GPU_DEVICE, each);
		window[0] = (unsigned char)i;
		for (size_t at = 0; at < each; at += window_size)
			gpu_put(regions[i] + at, window, each - at < window_size
								 ? each - at
								 : window_size);
	}
}

static void copy(int back)
{
	for (int i = 0; i < REGIONS; i++)
		for (size_t at = 0; at < each; at += window_size) {
			size_t n = each - at < window_size ? each - at
							   : window_size;

			if (back)
				gpu_put(regions[i] + at, window, n);
			else
				gpu_get(window, regions[i] + at, n);
		}
}

static rally_t *open_folder(const char *dir)
{
	char name[16];
	rally_t *rp;

	if (rally_open(MPI_COMM_WORLD, dir, &rp) != 0 ||
	    rally_set(rp, "keep", "1") != 0)
		fail(rally_error(rp));
	for (int i = 0; i < REGIONS; i++) {
		snprintf(name, sizeof(name), "region%d", i);
		if (rally_add(rp, name, regions[i], RALLY_U8, each) != 0)
			fail(rally_error(rp));
	}
	return rp;
}

/* 0 where there is no such command. */
static int run(rally_t *rp, const char *command, int64_t *step)
{
	int64_t found;
	int how, rc = 0;

	if (strcmp(command, "copy") == 0)
		copy(0);
	else if (strcmp(command, "back") == 0)
		copy(1);
	else if (strcmp(command, "save") == 0)
		rc = rally_save(rp, ++*step);
	else if (strcmp(command, "restore") == 0)
		rc = rally_restore(rp, &found, &how);
	else
		return 0;
	if (rc != 0)
		fail(rally_error(rp));
	return 1;
}

int main(int argc, char **argv)
{
	const char *library = argc > 3 ? argv[3] : "libcuda.so.1", *why;
	int64_t step = 0;
	char line[64];
	rally_t *rp;

	if (argc < 2)
		fail("usage: gpu FOLDER [BYTES [LIBRARY]]");
	each = (size_t)(argc > 2 ? atoll(argv[2]) : 8LL << 30) / REGIONS;
	why = gpu_load(library);
	if (!why)
		why = gpu_init();
	if (why)
		fail(why);
	MPI_Init(&argc, &argv);
	gpu_use(0);
	make_regions();
	rp = open_folder(argv[1]);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		double from = now();

		line[strcspn(line, "\n")] = '\0';
		if (!run(rp, line, &step))
			break;
		printf("%.6f\n", now() - from);
		fflush(stdout);
	}
	rally_close(rp);
	for (int i = 0; i < REGIONS; i++)
		gpu_free(regions[i]);
	gpu_unpin(window);
	free(window);
	MPI_Finalize();
	return 0;
}
