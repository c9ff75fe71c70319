#include "tool/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/dtype.h"
#include "tool/load.h"

static int no_memory(const struct rp_reading *reading, struct rp_err *err)
{
	return rp_fail(err, RALLY_ENOMEM, "%s: no memory", reading->ckpt.path);
}

/* For one more: there is room for as many as the next power of two. Takes the
 * name. */
static struct rp_item *add(struct rp_reading *r, char *name, struct rp_err *err)
{
	size_t n = r->n;
	struct rp_item *v = r->v;

	if (name && (n & (n - 1)) == 0)
		v = realloc(v, (n > 0 ? 2 * n : 1) * sizeof(*v));
	if (!name || !v) {
		free(name);
		no_memory(r, err);
		return NULL;
	}
	r->v = v;
	memset(&v[n], 0, sizeof(*v));
	v[n].name = name;
	r->n++;
	return &v[n];
}

static int by_name(const void *a, const void *b)
{
	const struct rp_item *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

/*
 * Arrays
 */

static int differs(const struct rp_item *item, const struct rp_stored *s)
{
	return item->type != s->type || item->ndim != s->ndim ||
	       memcmp(item->shape, s->shape, sizeof(s->shape)) != 0;
}

static int add_array(struct rp_reading *r, const struct rp_stored *s,
		     struct rp_err *err)
{
	struct rp_item *item = add(r, strdup(s->name), err);

	if (!item)
		return err->code;
	item->rank = RP_GLOBAL;
	item->type = s->type;
	item->ndim = s->ndim;
	memcpy(item->shape, s->shape, sizeof(s->shape));
	item->bytes = (uint64_t)rp_dtype_bytes(s->type, s->ndim, s->shape);
	return 0;
}

/* Each name once. Most ranks have the same ones, so most are found. */
static int list_arrays(struct rp_reading *r, struct rp_err *err)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < r->m.ranks; i++) {
		const struct rp_piece *piece = &r->m.pieces[i];
		struct rp_reading before = { .v = r->v, .n = r->n };

		for (size_t k = 0; rc == 0 && k < piece->n_regions; k++) {
			const struct rp_stored *s = &piece->regions[k];
			const struct rp_item *old;

			if (s->kind != RP_ARRAY)
				continue;
			before.v = r->v;	/* the sorted part; it may move */
			old = rp_read_find(&before, s->name, RP_GLOBAL);
			if (old)
				r->v[old - r->v].mixed |= differs(old, s);
			else
				rc = add_array(r, s, err);
		}
		if (r->n > 0)
			qsort(r->v, r->n, sizeof(*r->v), by_name);
	}
	return rc;
}

int rp_read_open(struct rp_reading *reading, const char *path,
		 struct rp_err *err)
{
	int rc;

	memset(reading, 0, sizeof(*reading));
	rc = rp_load_path(path, &reading->ckpt, &reading->m, err);
	if (rc == 0) {
		reading->source = rp_source_open(NULL, reading->ckpt.path,
						 &reading->m, NULL, NULL, err);
		rc = reading->source ? list_arrays(reading, err) : err->code;
	}
	return rc;
}

/*
 * Private regions
 */

/* A name that the library would have refused comes from nobody we trust: it may
 * become a file's. */
static int add_tensor(struct rp_reading *r, struct rp_shard *shard, int rank,
		      const struct rp_tensor *t, struct rp_err *err)
{
	char *name = rp_load_private_name(t);
	struct rp_item *item;

	if (!name)
		return 0;
	if (rp_region_check_name(name, NULL) != 0 ||
	    rp_shard_find(shard, name, RP_PRIVATE) != t) {
		char safe[RALLY_MAX_NAME + 20];

		free(name);
		return rp_fail(err, RALLY_ECORRUPT, "%s: rank %d: header: '%s' "
			       "is no name of a private region",
			       r->ckpt.path, rank,
			       rp_text_ascii(t->name, safe, sizeof(safe)));
	}
	item = add(r, name, err);
	if (!item)
		return err->code;
	item->rank = rank;
	item->type = t->type;
	item->ndim = 1;
	item->shape[0] = t->shape[0];
	item->bytes = t->end - t->begin;
	return 0;
}

int rp_read_list_private(struct rp_reading *reading, struct rp_err *err)
{
	int rc = 0;

	for (int i = 0; !reading->listed && rc == 0 && i < reading->m.ranks;
	     i++) {
		struct rp_shard *shard = rp_source_shard(reading->source, i,
							 err);

		if (!shard)
			return err->code;
		for (size_t k = 0; rc == 0 && k < shard->n; k++)
			rc = add_tensor(reading, shard, i, &shard->v[k], err);
	}
	if (rc == 0)
		reading->listed = 1;
	if (reading->n > 0)
		qsort(reading->v, reading->n, sizeof(*reading->v), by_name);
	return rc;
}

int rp_read_list_for(struct rp_reading *reading, char *const *names, size_t n,
		     struct rp_err *err)
{
	int known = n > 0;

	for (size_t i = 0; i < n; i++)
		known &= rp_read_find(reading, names[i], RP_GLOBAL) != NULL;
	return known ? 0 : rp_read_list_private(reading, err);
}

/*
 * Looking
 */

const struct rp_item *rp_read_find(const struct rp_reading *reading,
				   const char *name, int rank)
{
	struct rp_item wanted = { .name = (char *)(uintptr_t)name,
				  .rank = rank };

	if (reading->n == 0)
		return NULL;
	return bsearch(&wanted, reading->v, reading->n, sizeof(*reading->v),
		       by_name);
}

const struct rp_item *rp_read_first(const struct rp_reading *reading,
				    const char *name)
{
	for (size_t i = 0; i < reading->n; i++)
		if (strcmp(reading->v[i].name, name) == 0)
			return &reading->v[i];
	return NULL;
}

int rp_read_absent(const struct rp_reading *reading, const char *name,
		   struct rp_err *err)
{
	return rp_fail(err, RALLY_EABSENT,
		       "%s holds nothing under the name '%s'; `rallypoint show` "
		       "lists what it holds", reading->ckpt.path, name);
}

/*
 * Reading
 */

static int check_mixed(const struct rp_reading *reading,
		       const struct rp_item *item, struct rp_err *err)
{
	if (!item->mixed)
		return 0;
	return rp_fail(err, RALLY_ECORRUPT,
		       "%s/" RP_MANIFEST_FILE ": '%s' has another type or shape "
		       "on one rank than on another", reading->ckpt.path,
		       item->name);
}

int rp_read_box(struct rp_reading *reading, const struct rp_item *item,
		const int64_t *start, const int64_t *local, void *memory,
		struct rp_err *err)
{
	size_t size = (size_t)item->ndim * sizeof(*start);
	struct rp_region region = {
		.name = item->name,
		.kind = item->rank == RP_GLOBAL ? RP_ARRAY : RP_PRIVATE,
		.data = memory, .type = item->type, .ndim = item->ndim
	};
	int rc = check_mixed(reading, item, err);

	memcpy(region.shape, item->shape, sizeof(region.shape));
	memcpy(region.start, start, size);
	memcpy(region.local, local, size);
	region.bytes = (uint64_t)rp_dtype_bytes(item->type, item->ndim, local);
	if (rc == 0 && item->rank == RP_GLOBAL)
		rc = rp_source_want_box(reading->source, &region, err);
	else if (rc == 0)
		rc = rp_source_want_private_of(reading->source, &region,
					       item->rank, err);
	while (rc == 0 && rp_source_left(reading->source) > 0)
		rc = rp_source_next(reading->source, UINT64_MAX, err);
	return rc;
}

void rp_read_close(struct rp_reading *reading)
{
	rp_source_close(reading->source);
	for (size_t i = 0; i < reading->n; i++)
		free(reading->v[i].name);
	free(reading->v);
	rp_manifest_free(&reading->m);
	free(reading->ckpt.path);
	memset(reading, 0, sizeof(*reading));
}
