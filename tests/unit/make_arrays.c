/*
 * make_arrays DIR SEQUENCE STEP RANKS [CHANGE...] - commits a checkpoint of arrays of
 * all types and splits, for the tests of what reads them
 *
 *     a_TYPE   each type's, [7,10], split by rows
 *     cube     F64 [5,4,3], split in the middle dimension
 *     wide     F64 [3,4001], by columns
 *     grid     I32 [9,8], by rows and columns
 *     halo     F32 [12,5], by rows, each with one of its neighbours' on both sides
 *     odd      F64 [6]: nan, inf, -inf, -0, 5e-324, 0.1; rank 0's alone
 *     none     F32 [0,4]
 *     seeds    U64, private: 2 + rank elements, 1000 * rank + i
 *     one      I16 [1], private to the last rank: -7
 *
 * Element k (row-major) is k + 0.25 in F32 and F64, k as an integer (modulo 100 in
 * types of a byte, in BOOL modulo 2), and in the other floating-point types it has the
 * bits of k modulo 100. STEP changes nothing. Changes:
 *
 *     NAME[K]=VALUE     element K has another value, wherever it is stored
 *     NAME[K]=VALUE@R   but only where rank R stored it
 *     NAME=drop         it is not there
 *     NAME=TYPE         it is of another type
 *     NAME=as:NEW       it has another name
 *     NAME=less         it has one row less
 *     NAME=hole         its last row is stored by nobody
 *     huge=ROWS         and an array huge, F64 [ROWS,65536], by rows
 *     own=yes           halo's ranks answer for the part without the halo
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "data/dtype.h"
#include "data/manifest.h"
#include "data/shard.h"
#include "sys/folder.h"
#include "sys/shard_io.h"

#define HUGE_COLUMNS 65536

enum split { ROWS, MIDDLE, GRID, HALO, FIRST };	/* FIRST: rank 0 has all of it */

struct array {
	char name[16];
	enum rally_type type;
	int ndim;
	int64_t shape[3];
	enum split split;
	int dropped, hole;
};

struct making {
	char *path;
	struct rp_manifest m;
	struct array arrays[24];
	size_t n;
	char **changes;
	int n_changes;
	int owns;
	struct rp_err err;
};

static void must(const struct making *making, int good)
{
	if (good)
		return;
	fprintf(stderr, "make_arrays: %s\n",
		making->err.code ? making->err.text : "failed");
	exit(1);
}

/*
 * What there is
 */

static struct array *add(struct making *making, const char *name,
			 enum rally_type type, enum split split, int64_t x,
			 int64_t y, int64_t z)
{
	struct array *array = &making->arrays[making->n++];

	must(making, making->n < sizeof(making->arrays) / sizeof(*array));
	snprintf(array->name, sizeof(array->name), "%s", name);
	array->type = type;
	array->split = split;
	array->ndim = z >= 0 ? 3 : y >= 0 ? 2 : 1;
	array->shape[0] = x;
	array->shape[1] = y;
	array->shape[2] = z;
	return array;
}

static void list_arrays(struct making *making)
{
	for (int type = RALLY_BOOL; type <= RALLY_F64; type++) {
		char name[16];

		snprintf(name, sizeof(name), "a_%s",
			 rp_dtype_name((enum rally_type)type));
		add(making, name, (enum rally_type)type, ROWS, 7, 10, -1);
	}
	add(making, "cube", RALLY_F64, MIDDLE, 5, 4, 3);
	add(making, "wide", RALLY_F64, MIDDLE, 3, 4001, -1);
	add(making, "grid", RALLY_I32, GRID, 9, 8, -1);
	add(making, "halo", RALLY_F32, HALO, 12, 5, -1);
	add(making, "odd", RALLY_F64, FIRST, 6, -1, -1);
	add(making, "none", RALLY_F32, ROWS, 0, 4, -1);
}

/* Of one dimension that is cut into `parts`. */
static void cut(int64_t extent, int part, int parts, int64_t halo,
		int64_t *start, int64_t *local)
{
	int64_t end = extent * (part + 1) / parts + halo;

	*start = extent * part / parts - halo;
	if (*start < 0)
		*start = 0;
	*local = (end > extent ? extent : end) - *start;
}

static void box_of(const struct array *array, int rank, int ranks, int64_t halo,
		   int64_t *start, int64_t *local)
{
	int across = ranks % 2 == 0 ? 2 : 1;

	for (int i = 0; i < array->ndim; i++)
		cut(array->shape[i], 0, 1, 0, &start[i], &local[i]);
	if (array->split == ROWS || array->split == HALO)
		cut(array->shape[0], rank, ranks, halo, &start[0], &local[0]);
	if (array->split == MIDDLE)
		cut(array->shape[1], rank, ranks, 0, &start[1], &local[1]);
	if (array->split == GRID) {
		cut(array->shape[0], rank / across, ranks / across, 0, &start[0],
		    &local[0]);
		cut(array->shape[1], rank % across, across, 0, &start[1],
		    &local[1]);
	}
	if (array->split == FIRST && rank > 0)
		local[0] = 0;
	if (array->hole && start[0] + local[0] == array->shape[0] && local[0] > 0)
		local[0]--;
}

/*
 * Values
 */

static void put_value(enum rally_type type, unsigned char *element, double value)
{
	float f32 = (float)value;
	int64_t integer;

	if (type == RALLY_F64) {
		memcpy(element, &value, sizeof(value));
	} else if (type == RALLY_F32) {
		memcpy(element, &f32, sizeof(f32));
	} else {
		integer = (int64_t)value;
		memcpy(element, &integer, rp_dtype_size(type));
	}
}

static double value_of(const struct array *array, int64_t k)
{
	static const double odd[] = { NAN, INFINITY, -INFINITY, -0.0, 5e-324,
				      0.1 };
	enum rally_type type = array->type;

	if (strcmp(array->name, "odd") == 0)
		return odd[k];
	if (type == RALLY_F32 || type == RALLY_F64)
		return (double)k + 0.25;
	if (type == RALLY_BOOL)
		return (double)(k % 2);
	if (rp_dtype_size(type) == 1 || type == RALLY_F16 || type == RALLY_BF16)
		return (double)(k % 100);
	return (double)k;
}

/* "NAME[K]=VALUE@R" */
static void change_element(const struct making *making, const struct array *array,
			   int rank, int64_t k, unsigned char *element)
{
	size_t length = strlen(array->name);

	for (int i = 0; i < making->n_changes; i++) {
		const char *text = making->changes[i];
		long long at;
		double value;
		int only = rank;

		if (strncmp(text, array->name, length) == 0 &&
		    text[length] == '[' &&
		    sscanf(text + length, "[%lld]=%lf@%d", &at, &value,
			   &only) >= 2 && at == k && only == rank)
			put_value(array->type, element, value);
	}
}

/* Memory of the box, filled: the caller's. */
static unsigned char *fill(const struct making *making, const struct array *array,
			   int rank, const int64_t *start, const int64_t *local)
{
	int64_t bytes = rp_dtype_bytes(array->type, array->ndim, local);
	size_t size = rp_dtype_size(array->type);
	int64_t n = bytes / (int64_t)size;
	unsigned char *data = calloc((size_t)bytes + 1, 1);

	must(making, data != NULL);
	for (int64_t i = 0; i < n; i++) {
		int64_t rest = i, index[3] = { 0 }, k = 0;

		for (int d = array->ndim - 1; d >= 0; d--) {
			index[d] = start[d] + rest % local[d];
			rest /= local[d];
		}
		for (int d = 0; d < array->ndim; d++)
			k = k * array->shape[d] + index[d];
		put_value(array->type, data + (size_t)i * size,
			  value_of(array, k));
		if (making->n_changes > 0)
			change_element(making, array, rank, k,
				       data + (size_t)i * size);
	}
	return data;
}

static void change_array(struct array *array, const char *value)
{
	if (strcmp(value, "drop") == 0)
		array->dropped = 1;
	else if (strcmp(value, "less") == 0)
		array->shape[0]--;
	else if (strcmp(value, "hole") == 0)
		array->hole = 1;
	else if (strncmp(value, "as:", 3) == 0)
		snprintf(array->name, sizeof(array->name), "%s", value + 3);
	else if (rp_dtype_parse(value))
		array->type = rp_dtype_parse(value);
}

static void change_arrays(struct making *making)
{
	for (int i = 0; i < making->n_changes; i++) {
		const char *text = making->changes[i];
		const char *value = strchr(text, '=');

		must(making, value != NULL);
		making->owns |= strcmp(text, "own=yes") == 0;
		for (size_t k = 0; k < making->n; k++) {
			struct array *array = &making->arrays[k];
			size_t length = strlen(array->name);

			if (length == (size_t)(value - text) &&
			    strncmp(array->name, text, length) == 0)
				change_array(array, value + 1);
		}
		if (strncmp(text, "huge=", 5) == 0)
			add(making, "huge", RALLY_F64, ROWS, atoll(value + 1),
			    HUGE_COLUMNS, -1);
	}
}

/*
 * Writing
 */

static void put_array(struct making *making, struct rp_regions *regions,
		      const struct array *array, int rank)
{
	int64_t start[3], local[3];
	struct rp_region region;
	unsigned char *data;

	box_of(array, rank, making->m.ranks, array->split == HALO, start, local);
	data = fill(making, array, rank, start, local);
	must(making, !rp_region_array(&region, array->name, data, array->type,
				      array->ndim, array->shape, start, local,
				      &making->err));
	if (making->owns && array->split == HALO) {
		region.owns = 1;
		box_of(array, rank, making->m.ranks, 0, region.own_start,
		       region.own_local);
	}
	must(making, !rp_regions_put(regions, &region, &making->err));
}

static void put_private(struct making *making, struct rp_regions *regions, int rank)
{
	static int16_t one = -7;
	size_t n = (size_t)rank + 2;
	uint64_t *seeds = calloc(n, sizeof(*seeds));
	struct rp_region region;

	must(making, seeds != NULL);
	for (size_t i = 0; i < n; i++)
		seeds[i] = (uint64_t)rank * 1000 + i;
	must(making, !rp_region_private(&region, "seeds", seeds, RALLY_U64, n,
					&making->err) &&
			     !rp_regions_put(regions, &region, &making->err));
	if (rank == making->m.ranks - 1)
		must(making, !rp_region_private(&region, "one", &one, RALLY_I16,
						1, &making->err) &&
				     !rp_regions_put(regions, &region,
						     &making->err));
}

static void write_rank(struct making *making, int rank)
{
	struct rp_piece *piece = &making->m.pieces[rank];
	char *name = rp_shard_file_name(rank, making->m.ranks);
	char *path = rp_path(making->path, name);
	struct rp_regions regions = { 0 };
	struct rp_shard_sum sum;

	for (size_t i = 0; i < making->n; i++)
		if (!making->arrays[i].dropped)
			put_array(making, &regions, &making->arrays[i], rank);
	put_private(making, &regions, rank);
	must(making, !rp_shard_write(NULL, path, &regions, rank, making->m.ranks,
				     making->m.step, NULL, NULL, &sum,
				     &making->err));
	must(making, !rp_piece_init(piece, &regions, rank, &making->err));
	piece->bytes = sum.bytes;
	piece->hash = sum.hash;
	piece->content = sum.content;
	making->m.bytes += sum.bytes;
	for (size_t i = 0; i < regions.n; i++)
		if (strcmp(regions.v[i].name, "one") != 0)
			free(regions.v[i].data);
	rp_regions_free(&regions);
	free(name);
	free(path);
}

static void commit(struct making *making, const char *dir)
{
	char *path = rp_path(making->path, RP_MANIFEST_FILE);
	char *final = rp_folder_final(dir, making->m.sequence, making->m.step);
	size_t size;
	char *text = rp_manifest_encode(&making->m, &size, &making->err);

	must(making, text && !rp_write_file(NULL, path, text, size, &making->err));
	must(making, !rp_publish(NULL, making->path, final, &making->err));
	free(path);
	free(final);
	free(text);
}

int main(int argc, char **argv)
{
	struct making making = { 0 };
	struct rp_manifest *m = &making.m;

	must(&making, argc >= 5);
	m->sequence = atoll(argv[2]);
	m->step = atoll(argv[3]);
	m->ranks = atoi(argv[4]);
	m->cause = strdup("request");
	m->job = strdup("4711");
	m->version = strdup(RALLY_VERSION);
	m->time = rp_wall();
	m->meta = json_pack("{s:s}", "case", "tube \xc3\xa4");
	m->pieces = calloc((size_t)m->ranks, sizeof(*m->pieces));
	making.changes = argv + 5;
	making.n_changes = argc - 5;
	list_arrays(&making);
	change_arrays(&making);
	must(&making, !rp_folder_make(NULL, argv[1], &making.err));
	making.path = rp_folder_begin(NULL, argv[1], m->sequence, &making.err);
	must(&making, making.path != NULL);
	for (int rank = 0; rank < m->ranks; rank++)
		write_rank(&making, rank);
	commit(&making, argv[1]);
	free(making.path);
	rp_manifest_free(m);
	return 0;
}
