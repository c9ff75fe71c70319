/*
 * sys/source, at random: arrays of 1 to 8 dimensions and of all types, cut into boxes
 * for 1 to 8 ranks, with halos and without, read into other boxes by 1 to 8 ranks: what
 * comes back is what was written, and no block is read but those that hold some of it.
 * CASES=n: as many; SEED=n: those again.
 */
#include "sys/source.h"

#include "ckpt.h"
#include "unit.h"

#include "random.h"

#define ARRAYS 2

/* How the boxes of an array are held by those that write it. */
enum halo {
	NONE,	/* cut without overlap */
	AGREE,	/* what overlaps is the same everywhere */
	OWNED,	/* each rank declares its part; beside it is something else */
	HALOS
};

struct array {
	char name[8];
	enum rally_type type;
	size_t width;
	int ndim;
	int64_t shape[RALLY_MAX_DIMS];
	enum halo halo;
	uint64_t key;
	struct rp_box own[MOST_RANKS], stored[MOST_RANKS];
	unsigned char *data[MOST_RANKS];
};

struct world {
	struct ckpt ckpt;
	struct array arrays[ARRAYS];
	int n_arrays;
	unsigned char *privates[MOST_RANKS];
};

static struct {
	uint64_t boxes, read, needed, several;
} seen;

/*
 * Values
 */

/* What an element of an array holds. */
static void value_of(const struct array *a, const int64_t *at, unsigned char *value)
{
	uint64_t i = a->key;

	for (int d = 0; d < a->ndim; d++)
		i = (i ^ (uint64_t)at[d]) * 0x9e3779b97f4a7c15u;
	i ^= i >> 29;
	memcpy(value, &i, a->width);
}

static int step_in(const struct rp_box *box, int64_t *at)
{
	for (int d = box->ndim - 1; d >= 0; d--) {
		if (++at[d] < box->start[d] + box->size[d])
			return 1;
		at[d] = box->start[d];
	}
	return 0;
}

static int holds(const struct rp_box *box, const int64_t *at)
{
	for (int d = 0; d < box->ndim; d++)
		if (at[d] < box->start[d] ||
		    at[d] >= box->start[d] + box->size[d])
			return 0;
	return 1;
}

/* The elements of a box; those outside of `own` are wrong. */
static unsigned char *new_data(const struct array *a, const struct rp_box *box,
			       const struct rp_box *own)
{
	size_t bytes = (size_t)rp_box_count(box) * a->width;
	unsigned char *data = malloc(bytes + 1), *p = data;
	int64_t at[RALLY_MAX_DIMS];

	assert_non_null(data);
	memcpy(at, box->start, sizeof(at));
	for (; p < data + bytes; p += a->width) {
		value_of(a, at, p);
		if (own && !holds(own, at))
			*p ^= 0xff;
		step_in(box, at);
	}
	return data;
}

/*
 * Writing
 */

/* A shape of about `most` elements at most. */
static void choose_shape(struct array *a, int64_t most)
{
	a->ndim = 1 + (int)random_below(RALLY_MAX_DIMS);
	for (int d = 0; d < a->ndim; d++)
		a->shape[d] = 1;
	for (int tries = 0; tries < 4 * a->ndim; tries++) {
		int64_t factor = 2 + random_below(a->ndim < 3 ? 60 : 5);

		if (factor > most)
			continue;
		a->shape[random_below(a->ndim)] *= factor;
		most /= factor;
	}
}

/* Most are small; some have many blocks. */
static int64_t choose_size(void)
{
	int64_t dice = random_below(100);

	return dice < 70 ? 500 : dice < 92 ? 20000 : dice < 97 ? 300000 : 1500000;
}

static struct rp_box grown(const struct array *a, const struct rp_box *own)
{
	struct rp_box box = *own;

	for (int d = 0; d < a->ndim; d++) {
		int64_t before = random_below(3), after = random_below(3);
		int64_t end = box.start[d] + box.size[d];

		before = before > box.start[d] ? box.start[d] : before;
		after = after > a->shape[d] - end ? a->shape[d] - end : after;
		box.start[d] -= before;
		box.size[d] += before + after;
	}
	return box;
}

static void make_array(struct world *w, struct array *a, int ranks)
{
	snprintf(a->name, sizeof(a->name), "A%d", (int)(a - w->arrays));
	a->type = (enum rally_type)(1 + random_below(RALLY_F64));
	a->width = rp_dtype_size(a->type);
	a->key = random_next();
	a->halo = (enum halo)random_below(HALOS);
	choose_shape(a, choose_size());
	random_split(a->ndim, a->shape, ranks, a->own);
	for (int rank = 0; rank < ranks; rank++) {
		struct rp_box *own = &a->own[rank], *box = &a->stored[rank];
		struct rp_region *region;

		*box = a->halo == NONE ? *own : grown(a, own);
		a->data[rank] = new_data(a, box, a->halo == OWNED ? own : NULL);
		region = ckpt_add(&w->ckpt, rank, a->name, a->type, a->shape, box,
				  a->data[rank]);
		if (a->halo != OWNED)
			continue;
		region->owns = 1;
		memcpy(region->own_start, own->start, sizeof(own->start));
		memcpy(region->own_local, own->size, sizeof(own->size));
	}
}

static void make_world(struct world *w, const char *path)
{
	int ranks = 1 + (int)random_below(MOST_RANKS);

	memset(w, 0, sizeof(*w));
	ckpt_begin(&w->ckpt, path, ranks);
	w->n_arrays = 1 + (int)random_below(ARRAYS);
	for (int i = 0; i < w->n_arrays; i++)
		make_array(w, &w->arrays[i], ranks);
	/* What stands before them. */
	for (int rank = 0; rank < ranks; rank++) {
		size_t size = (size_t)random_below(random_below(8) ? 100 : 1200000);

		w->privates[rank] = calloc(1, size + 1);
		ckpt_add_private(&w->ckpt, rank, "p", RALLY_U8, size,
				 w->privates[rank]);
	}
	ckpt_write(&w->ckpt);
}

static void end_world(struct world *w)
{
	for (int i = 0; i < w->n_arrays; i++)
		for (int rank = 0; rank < w->ckpt.ranks; rank++)
			free(w->arrays[i].data[rank]);
	for (int rank = 0; rank < w->ckpt.ranks; rank++)
		free(w->privates[rank]);
	ckpt_end(&w->ckpt);
}

/*
 * Reading
 */

/* Marks the blocks that hold some of `box` of what a rank stored of an array. */
static int touch(const struct array *a, const struct rp_tensor *t, int rank,
		 const struct rp_box *box, unsigned char *blocks)
{
	const struct rp_box *stored = &a->stored[rank];
	struct rp_box part, rows;
	int64_t at[RALLY_MAX_DIMS];
	int last = a->ndim - 1;

	if (!rp_box_meet(stored, box, &part))
		return 0;
	rows = part;
	rows.size[last] = 1;
	memcpy(at, rows.start, sizeof(at));
	do {
		uint64_t offset = 0, end;

		for (int d = 0; d < a->ndim; d++)
			offset = offset * (uint64_t)stored->size[d] +
				 (uint64_t)(at[d] - stored->start[d]);
		offset = t->begin + offset * a->width;
		end = offset + (uint64_t)part.size[last] * a->width;
		for (uint64_t i = offset / RP_HASH_BLOCK;
		     i <= (end - 1) / RP_HASH_BLOCK; i++)
			blocks[i] = 1;
	} while (step_in(&rows, at));
	return 1;
}

/* Bytes of header, table and blocks of a shard that hold some of the boxes. */
static uint64_t most_of(struct world *w, struct rp_source *source, int rank,
			const struct rp_box *boxes)
{
	struct rp_shard *shard = rp_source_shard(source, rank, NULL);
	uint64_t bytes = shard->header_bytes + shard->data_bytes -
			 shard->hashed_bytes;
	unsigned char *blocks = calloc(1, (size_t)rp_hash_blocks(
						  shard->hashed_bytes) + 1);
	int touched = 0;

	for (int i = 0; i < w->n_arrays; i++)
		touched |= touch(&w->arrays[i],
				 rp_shard_find(shard, w->arrays[i].name, RP_ARRAY),
				 rank, &boxes[i], blocks);
	for (uint64_t i = 0; i < rp_hash_blocks(shard->hashed_bytes); i++) {
		uint64_t begin = i * RP_HASH_BLOCK, end = begin + RP_HASH_BLOCK;

		if (end > shard->hashed_bytes)
			end = shard->hashed_bytes;
		bytes += blocks[i] ? end - begin : 0;
		seen.several += blocks[i] && i > 0;
	}
	free(blocks);
	return touched ? bytes : 0;
}

static void check_count(struct world *w, struct rp_source *source, int own,
			const struct rp_box *boxes, uint64_t needed)
{
	struct rp_source_count count = rp_source_counted(source);
	uint64_t most = 0;
	int exact = 1;

	for (int rank = 0; rank < w->ckpt.ranks; rank++)
		if (own < 0 || rank == own)
			most += most_of(w, source, rank, boxes);
	for (int i = 0; i < w->n_arrays; i++)
		exact &= w->arrays[i].halo != OWNED || own >= 0;
	assert_int_equal(count.needed, needed);
	if (exact)
		assert_int_equal(count.read, most);
	assert_true(count.read <= most);
	seen.boxes += (uint64_t)w->n_arrays;
	seen.read += count.read;
	seen.needed += count.needed;
}

/* One rank's boxes. `own`: this rank wrote just those, and gets them as they were. */
static void read_boxes(struct world *w, int own, const struct rp_box *boxes)
{
	struct rp_progress progress = { 0 };
	struct rp_err err = { 0 };
	struct rp_source *source = rp_source_open(NULL, w->ckpt.path,
						  &w->ckpt.manifest, NULL,
						  &progress, &err);
	unsigned char *got[ARRAYS], *right;
	uint64_t needed = 0;
	int rc = 0;

	assert_non_null(source);
	if (own >= 0)
		rp_source_own(source, own);
	rp_source_begin_with(source, (int)random_below(w->ckpt.ranks));
	for (int i = 0; rc == 0 && i < w->n_arrays; i++) {
		const struct array *a = &w->arrays[i];
		struct rp_region region;

		got[i] = malloc((size_t)rp_box_count(&boxes[i]) * a->width + 1);
		assert_int_equal(rp_region_array(&region, a->name, got[i],
						 a->type, a->ndim, a->shape,
						 boxes[i].start, boxes[i].size,
						 NULL), 0);
		needed += region.bytes;
		rc = rp_source_want_box(source, &region, &err);
	}
	while (rc == 0 && rp_source_left(source) > 0)
		rc = rp_source_next(source, 1 + (uint64_t)random_below(3000000),
				    &err);
	if (rc != 0)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
	assert_int_equal(progress.done, progress.total);
	check_count(w, source, own, boxes, needed);
	for (int i = 0; i < w->n_arrays; i++) {
		const struct array *a = &w->arrays[i];
		size_t bytes = (size_t)rp_box_count(&boxes[i]) * a->width;

		right = own >= 0 ? a->data[own] : new_data(a, &boxes[i], NULL);
		assert_memory_equal(got[i], right, bytes);
		if (own < 0)
			free(right);
		free(got[i]);
	}
	rp_source_close(source);
}

/* The number of ranks that wrote, each its boxes. */
static void read_as_written(struct world *w)
{
	for (int rank = 0; rank < w->ckpt.ranks; rank++) {
		struct rp_box boxes[ARRAYS];

		for (int i = 0; i < w->n_arrays; i++)
			boxes[i] = w->arrays[i].stored[rank];
		read_boxes(w, rank, boxes);
	}
}

/* Another number, or the same with other boxes. */
static void read_otherwise(struct world *w)
{
	int ranks = 1 + (int)random_below(MOST_RANKS), halo = random_below(2) == 0;
	struct rp_box split[ARRAYS][MOST_RANKS];

	for (int i = 0; i < w->n_arrays; i++)
		random_split(w->arrays[i].ndim, w->arrays[i].shape, ranks,
			     split[i]);
	for (int rank = 0; rank < ranks; rank++) {
		struct rp_box boxes[ARRAYS];

		for (int i = 0; i < w->n_arrays; i++) {
			const struct array *a = &w->arrays[i];

			boxes[i] = halo ? grown(a, &split[i][rank])
					: split[i][rank];
			if (random_below(10) == 0)
				boxes[i] = random_box(a->ndim, a->shape);
		}
		read_boxes(w, -1, boxes);
	}
}

static int cases(void)
{
	const char *text = getenv("CASES");

	return text ? atoi(text) : 2000;
}

static void test_cases(void **state)
{
	(void)state;
	random_begin();
	for (int i = 0; i < cases(); i++) {
		struct world w;

		make_world(&w, at(state, "c"));
		if (random_below(5) == 0)
			read_as_written(&w);
		else
			read_otherwise(&w);
		end_world(&w);
	}
	print_message("%d cases, %llu boxes: %llu bytes read for %llu, %llu blocks "
		      "behind a first one\n", cases(),
		      (unsigned long long)seen.boxes,
		      (unsigned long long)seen.read,
		      (unsigned long long)seen.needed,
		      (unsigned long long)seen.several);
	assert_true(seen.several > 0 || cases() < 2000);
}

/* Thousands of files that are synced: not on a disk. */
static int make_in_memory(void **state)
{
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	return scratch_make(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cases, make_in_memory,
						scratch_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
