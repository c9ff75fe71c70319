/*
 * write_types.c - a checkpoint with every type, for readers that are not ours
 *
 *     mpirun -n 4 write_types FOLDER [each]
 *
 * With "each" also a folder for each type, FOLDER-TYPE, which has nothing but it.
 *
 * Private region "p_TYPE" of rank r: 50 + 7 r elements, element i is
 * pattern(i + 5 r). Array "a_TYPE", 7 x 10 split by rows, element (i, j) is
 * pattern(10 i + j). Array "cube", 5 x 4 x 3 of F64 split along its middle over
 * all but the last rank, which has an empty box. "even" (F64 [12000,100], element (i, j)
 * is 100 i + j + 0.25) and "small" (I32 [6], 3 i - 5) are replicated. "owned" (I16 [12],
 * 7 i) is split, with one element more on either side where there is one, which the rank
 * does not answer for: those hold -1. Private region "large" is
 * 3 MiB and 5 bytes, more than one block of hashes. pattern(k) = k % 100 as a
 * number; of types that C has not, the bits of that number; for F32 and F64 a
 * quarter more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include "keep_loaded.h"
#include "rallypoint.h"

#define PRIVATE(r) (50 + 7 * (size_t)(r))
#define LARGE (3 * 1048576 + 5)

static const struct {
	const char *name;
	enum rally_type type;
	size_t size;
} types[] = {
	{ "BOOL", RALLY_BOOL, 1 },	 { "U8", RALLY_U8, 1 },
	{ "I8", RALLY_I8, 1 },		 { "U16", RALLY_U16, 2 },
	{ "I16", RALLY_I16, 2 },	 { "U32", RALLY_U32, 4 },
	{ "I32", RALLY_I32, 4 },	 { "U64", RALLY_U64, 8 },
	{ "I64", RALLY_I64, 8 },	 { "F8_E4M3", RALLY_F8_E4M3, 1 },
	{ "F8_E5M2", RALLY_F8_E5M2, 1 }, { "F16", RALLY_F16, 2 },
	{ "BF16", RALLY_BF16, 2 },	 { "F32", RALLY_F32, 4 },
	{ "F64", RALLY_F64, 8 },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

static void fail(const char *what, rally_t *rp)
{
	fprintf(stderr, "write_types: %s: %s\n", what, rally_error(rp));
	MPI_Abort(MPI_COMM_WORLD, 1);
	abort();
}

static void put(char *to, size_t t, size_t k)
{
	uint64_t bits = k % 100;
	float f = (float)bits + 0.25f;
	double d = (double)bits + 0.25;

	if (types[t].type == RALLY_BOOL)
		bits %= 2;
	if (types[t].type == RALLY_F32)
		memcpy(to, &f, sizeof(f));
	else if (types[t].type == RALLY_F64)
		memcpy(to, &d, sizeof(d));
	else
		memcpy(to, &bits, types[t].size);	/* little-endian */
}

static char *owns[TYPES], *boxes[TYPES];

static void add_type(rally_t *rp, size_t t, int rank, int ranks)
{
	int64_t global[2] = { 7, 10 }, start[2] = { 0, 0 }, local[2] = { 0, 10 };
	char *own = owns[t] = malloc(PRIVATE(rank) * types[t].size);
	char *box = boxes[t] = malloc(70 * types[t].size), name[16];

	if (!own || !box)
		fail("malloc", rp);
	start[0] = 7 * rank / ranks;
	local[0] = 7 * (rank + 1) / ranks - start[0];
	for (size_t i = 0; i < PRIVATE(rank); i++)
		put(own + i * types[t].size, t, i + 5 * (size_t)rank);
	for (size_t i = 0; i < (size_t)(10 * local[0]); i++)
		put(box + i * types[t].size, t, (size_t)(10 * start[0]) + i);
	snprintf(name, sizeof(name), "p_%s", types[t].name);
	if (rally_add(rp, name, own, types[t].type, PRIVATE(rank)) != 0)
		fail("rally_add", rp);
	snprintf(name, sizeof(name), "a_%s", types[t].name);
	if (rally_add_array(rp, name, box, types[t].type, 2, global, start,
			    local) != 0)
		fail("rally_add_array", rp);
}

static void add_cube(rally_t *rp, int rank, int ranks)
{
	static double cube[60];
	int64_t global[3] = { 5, 4, 3 }, start[3] = { 0 }, local[3] = { 5, 0, 3 };
	int parts = ranks > 1 ? ranks - 1 : 1;
	double *p = cube;

	if (rank < parts) {
		start[1] = 4 * rank / parts;
		local[1] = 4 * (rank + 1) / parts - start[1];
	}
	for (int64_t i = 0; i < 5; i++)
		for (int64_t j = start[1]; j < start[1] + local[1]; j++)
			for (int64_t k = 0; k < 3; k++)
				*p++ = (double)(12 * i + 3 * j + k) + 0.25;
	if (rally_add_array(rp, "cube", cube, RALLY_F64, 3, global, start,
			    local) != 0)
		fail("rally_add_array", rp);
}

static void add_replicated(rally_t *rp)
{
	static const int64_t shape[2] = { 12000, 100 }, six = 6;
	static double even[1200000];	/* in two slices */
	static int32_t small[6];

	for (int i = 0; i < 1200000; i++)
		even[i] = i + 0.25;
	for (int i = 0; i < 6; i++)
		small[i] = 3 * i - 5;
	if (rally_add_replicated(rp, "even", even, RALLY_F64, 2, shape) != 0 ||
	    rally_add_replicated(rp, "small", small, RALLY_I32, 1, &six) != 0)
		fail("rally_add_replicated", rp);
}

static void add_owned(rally_t *rp, int rank, int ranks)
{
	static int16_t box[12];
	int64_t global = 12, own = global * rank / ranks;
	int64_t end = global * (rank + 1) / ranks, n = end - own;
	int64_t start = own - (own > 0), local = end + (end < global) - start;

	for (int64_t i = start; i < start + local; i++)
		box[i - start] = (int16_t)(i < own || i >= end ? -1 : 7 * i);
	if (rally_add_array(rp, "owned", box, RALLY_I16, 1, &global, &start,
			    &local) != 0 ||
	    rally_own(rp, "owned", &own, &n) != 0)
		fail("rally_own", rp);
}

static void add_large(rally_t *rp, int rank)
{
	static unsigned char large[LARGE];

	for (size_t i = 0; i < LARGE; i++)
		large[i] = (unsigned char)(i * 7 + i / 1000 + (size_t)rank);
	if (rally_add(rp, "large", large, RALLY_U8, LARGE) != 0 ||
	    rally_add(rp, "empty", NULL, RALLY_F32, 0) != 0)
		fail("rally_add", rp);
}

/* The types from first on, before end; all of them have company. */
static void write_folder(const char *dir, size_t first, size_t end, int rank,
			 int ranks)
{
	rally_t *rp = NULL;

	if (rally_open(MPI_COMM_WORLD, dir, &rp) != 0)
		fail("rally_open", rp);
	for (size_t t = first; t < end; t++)
		add_type(rp, t, rank, ranks);
	if (end - first == TYPES) {
		add_cube(rp, rank, ranks);
		add_replicated(rp);
		add_owned(rp, rank, ranks);
		add_large(rp, rank);
	}
	if (rally_save(rp, 120) != 0)
		fail("rally_save", rp);
	if (rally_close(rp) != 0)
		fail("rally_close", NULL);
	for (size_t t = first; t < end; t++) {
		free(owns[t]);
		free(boxes[t]);
	}
}

int main(int argc, char **argv)
{
	char dir[4096];
	int rank, ranks;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	if (argc < 2)
		fail("usage: write_types FOLDER [each]", NULL);
	write_folder(argv[1], 0, TYPES, rank, ranks);
	for (size_t t = 0; argc > 2 && t < TYPES; t++) {
		snprintf(dir, sizeof(dir), "%s-%s", argv[1], types[t].name);
		write_folder(dir, t, t + 1, rank, ranks);
	}
	MPI_Finalize();
	return 0;
}
