/*
 * tool/diff_hash.c - what can be told of two checkpoints without reading their data
 *
 * Two shards whose hash tables are the same hold the same bytes. That these mean the
 * same, too, their headers tell.
 */
#include <stdlib.h>
#include <string.h>

#include "data/box.h"
#include "tool/diff.h"

static int same_tensor(const struct rp_tensor *x, const struct rp_tensor *y)
{
	return x->type == y->type && x->ndim == y->ndim &&
	       x->begin == y->begin && x->end == y->end &&
	       memcmp(x->shape, y->shape,
		      (size_t)x->ndim * sizeof(*x->shape)) == 0 &&
	       strcmp(x->name, y->name) == 0;
}

static int same_header(const struct rp_shard *x, const struct rp_shard *y)
{
	if (x->n != y->n)
		return 0;
	for (size_t i = 0; i < x->n; i++)
		if (!same_tensor(&x->v[i], &y->v[i]))
			return 0;
	return 1;
}

static int same_hash(const struct rp_hash *x, const struct rp_hash *y)
{
	return memcmp(x->b, y->b, sizeof(x->b)) == 0;
}

/* 1, 0, or -1 on an error. The headers, which are verified, also show that the shards
 * are there; another step alone makes another one. */
static int same_shard(struct rp_diff *diff, int rank, struct rp_err *err)
{
	const struct rp_piece *x = &diff->a.m.pieces[rank];
	const struct rp_piece *y = &diff->b.m.pieces[rank];
	const struct rp_shard *header_x, *header_y;

	if (diff->shards[rank] >= 0)
		return diff->shards[rank];
	header_x = rp_source_shard(diff->a.source, rank, err);
	header_y = header_x ? rp_source_shard(diff->b.source, rank, err) : NULL;
	if (!header_y)
		return -1;
	diff->shards[rank] = same_hash(&x->content, &y->content) &&
			     same_header(header_x, header_y);
	return diff->shards[rank];
}

static int same_box(const struct rp_stored *x, const struct rp_stored *y)
{
	size_t size = (size_t)x->ndim * sizeof(*x->start);

	return x->kind == y->kind && x->type == y->type && x->ndim == y->ndim &&
	       memcmp(x->shape, y->shape, size) == 0 &&
	       memcmp(x->start, y->start, size) == 0 &&
	       memcmp(x->local, y->local, size) == 0 && x->owns == y->owns &&
	       (!x->owns || (memcmp(x->own_start, y->own_start, size) == 0 &&
			     memcmp(x->own_local, y->own_local, size) == 0));
}

static int meets(const struct rp_stored *s, const int64_t *start,
		 const int64_t *local)
{
	struct rp_box box = rp_box_of(s->ndim, s->start, s->local), part, common;

	if (!start)
		return !rp_box_is_empty(&box);
	part = rp_box_of(s->ndim, start, local);
	return rp_box_meet(&box, &part, &common);
}

static int same_array(struct rp_diff *diff, const char *name,
		      const int64_t *start, const int64_t *local,
		      struct rp_err *err)
{
	int same = 1;

	for (int i = 0; same > 0 && i < diff->a.m.ranks; i++) {
		const struct rp_stored *x = rp_manifest_find(&diff->a.m, i, name);
		const struct rp_stored *y = rp_manifest_find(&diff->b.m, i, name);

		if (!x && !y)
			continue;
		if (!x || !y || !same_box(x, y))
			same = 0;
		else if (meets(x, start, local))
			same = same_shard(diff, i, err);
	}
	return same;
}

int rp_diff_same_hash(struct rp_diff *diff, const struct rp_item *item,
		      const int64_t *start, const int64_t *local,
		      struct rp_err *err)
{
	if (!diff->shards || item->mixed)
		return 0;
	if (item->rank != RP_GLOBAL)
		return same_shard(diff, item->rank, err);
	return same_array(diff, item->name, start, local, err);
}

/*
 * Files of the program's
 */

struct file {
	const struct rp_stored_file *file;
	int rank;
};

static int by_name(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int order = strcmp(x->file->name, y->file->name);

	return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Those that are wanted, sorted; the caller's. NULL without memory. */
static struct file *list_files(const struct rp_manifest *m,
			       const struct rp_args *args, size_t *n)
{
	struct file *v;
	size_t most = 0;

	for (int i = 0; i < m->ranks; i++)
		most += m->pieces[i].n_files;
	v = calloc(most + 1, sizeof(*v));
	*n = 0;
	for (int i = 0; v && i < m->ranks; i++)
		for (size_t k = 0; k < m->pieces[i].n_files; k++) {
			const struct rp_stored_file *f = &m->pieces[i].files[k];
			int shared = f->scope == RALLY_FILE_SHARED;

			if (rp_args_name(args, f->name))
				v[(*n)++] = (struct file){
					f, shared ? RP_GLOBAL : i };
		}
	if (v)
		qsort(v, *n, sizeof(*v), by_name);
	return v;
}

static int add_pair(struct rp_diff *diff, const struct file *x,
		    const struct file *y, struct rp_err *err)
{
	const struct file *any = x ? x : y;
	enum rp_diff_state state = RP_DIFFERENT;

	if (!diff->shards && any->rank != RP_GLOBAL)
		state = RP_NOT_COMPARED;
	else if (!x || !y)
		state = x ? RP_ONLY_A : RP_ONLY_B;
	else if (x->file->bytes == y->file->bytes &&
		 same_hash(&x->file->hash, &y->file->hash))
		state = RP_SAME_HASH;
	return rp_diff_add(diff, any->file->name, any->rank, state, err)
		       ? 0
		       : err->code;
}

int rp_diff_files(struct rp_diff *diff, const struct rp_args *args,
		  struct rp_err *err)
{
	size_t n, m, i = 0, k = 0;
	struct file *x = list_files(&diff->a.m, args, &n);
	struct file *y = list_files(&diff->b.m, args, &m);
	int rc = 0;

	if (!x || !y)
		rc = rp_fail(err, RALLY_ENOMEM, "no memory for lists of files");
	while (rc == 0 && (i < n || k < m)) {
		int order = i == n ? 1 : k == m ? -1 : by_name(&x[i], &y[k]);

		rc = add_pair(diff, order <= 0 ? &x[i] : NULL,
			      order >= 0 ? &y[k] : NULL, err);
		i += order <= 0;
		k += order >= 0;
	}
	free(x);
	free(y);
	return rc;
}
