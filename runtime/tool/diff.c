/*
 * tool/diff.c - `rallypoint diff`: two checkpoints, by hash, then by value
 */
#include "tool/diff.h"

#include <stdlib.h>
#include <string.h>

#include "data/dtype.h"
#include "tool/bar.h"
#include "tool/tool.h"
#include "tool/walk.h"

#define DIFFERENT 1	/* the exit status, as diff(1)'s */

int rp_diff_counts(const struct rp_diff_entry *entry)
{
	return entry->state != RP_SAME_HASH && entry->state != RP_SAME_VALUES &&
	       entry->state != RP_NOT_COMPARED;
}

struct rp_diff_entry *rp_diff_add(struct rp_diff *diff, const char *name, int rank,
				  enum rp_diff_state state, struct rp_err *err)
{
	struct rp_diff_entry *v = diff->v;

	if (diff->n == diff->room) {
		size_t room = diff->room ? 2 * diff->room : 64;

		v = realloc(v, room * sizeof(*v));
		if (!v) {
			rp_fail(err, RALLY_ENOMEM, "no memory for %zu names",
				room);
			return NULL;
		}
		diff->v = v;
		diff->room = room;
	}
	v[diff->n] = (struct rp_diff_entry){ .name = name, .rank = rank,
					     .state = state };
	return &v[diff->n++];
}

/*
 * One item
 */

static int compare_box(struct rp_diff *diff, struct rp_diff_entry *entry,
		       const struct rp_walk *box, unsigned char *memory,
		       size_t room, struct rp_err *err)
{
	uint64_t n = (uint64_t)box->elements, at = entry->difference.elements;
	int same = rp_diff_same_hash(diff, entry->a, box->start, box->local, err);
	int rc = same < 0 ? err->code : 0;

	if (same > 0) {
		entry->difference.elements += n;
		return 0;
	}
	if (rc == 0)
		rc = rp_read_box(&diff->a, entry->a, box->start, box->local,
				 memory, err);
	if (rc == 0)
		rc = rp_read_box(&diff->b, entry->b, box->start, box->local,
				 memory + room, err);
	if (rc == 0)
		rp_compare(&entry->difference, entry->a->type, memory,
			   memory + room, (size_t)n, at);
	return rc;
}

static int compare_values(struct rp_diff *diff, struct rp_diff_entry *entry,
			  size_t chunk, struct rp_bar *bar, struct rp_err *err)
{
	const struct rp_item *item = entry->a;
	size_t size = rp_dtype_size(item->type), room;
	unsigned char *memory;
	struct rp_slice all;
	struct rp_walk walk;
	int rc = rp_slice_parse(&all, NULL, item->ndim, item->shape, err);

	rp_walk_begin(&walk, &all, size, chunk);
	room = rp_walk_room(&walk, size);
	memory = malloc(2 * room + 1);
	if (!memory)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory for a piece",
			       item->name);
	while (rc == 0 && rp_walk_next(&walk)) {
		rc = compare_box(diff, entry, &walk, memory, room, err);
		rp_progress_add(&bar->progress,
				(uint64_t)walk.elements * size);
	}
	free(memory);
	entry->state = entry->difference.differing > 0 ? RP_DIFFERENT
						       : RP_SAME_VALUES;
	return rc;
}

static int same_layout(const struct rp_item *a, const struct rp_item *b)
{
	return a->type == b->type && a->ndim == b->ndim &&
	       memcmp(a->shape, b->shape,
		      (size_t)a->ndim * sizeof(*a->shape)) == 0;
}

static int compare_items(struct rp_diff *diff, const struct rp_item *a,
			 const struct rp_item *b, size_t chunk,
			 struct rp_bar *bar, struct rp_err *err)
{
	const struct rp_item *any = a ? a : b;
	enum rp_diff_state state = !a ? RP_ONLY_B : !b ? RP_ONLY_A
						       : RP_OTHER_LAYOUT;
	struct rp_diff_entry *entry = rp_diff_add(diff, any->name, any->rank,
						  state, err);
	int same;

	if (!entry)
		return err->code;
	entry->a = a;
	entry->b = b;
	if (!a || !b || !same_layout(a, b))
		return 0;
	same = rp_diff_same_hash(diff, a, NULL, NULL, err);
	if (same < 0)
		return err->code;
	if (same == 0)
		return compare_values(diff, entry, chunk, bar, err);
	entry->state = RP_SAME_HASH;
	entry->difference.elements = a->bytes / rp_dtype_size(a->type);
	return 0;
}

/*
 * All
 */

/* Once for each name, whatever the ranks. */
static int pass_over(struct rp_diff *diff, const struct rp_item *item,
		     struct rp_err *err)
{
	struct rp_diff_entry *last = diff->n > 0 ? &diff->v[diff->n - 1] : NULL;

	if (last && last->state == RP_NOT_COMPARED &&
	    strcmp(last->name, item->name) == 0)
		return 0;
	last = rp_diff_add(diff, item->name, item->rank, RP_NOT_COMPARED, err);
	if (last)
		last->a = last->b = item;
	return last ? 0 : err->code;
}

static int order_of(const struct rp_item *a, const struct rp_item *b)
{
	int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);

	return order ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

static int compare_all(struct rp_diff *diff, const struct rp_args *args,
		       struct rp_bar *bar, struct rp_err *err)
{
	size_t i = 0, k = 0;
	int rc = 0;

	while (rc == 0 && (i < diff->a.n || k < diff->b.n)) {
		const struct rp_item *a = i < diff->a.n ? &diff->a.v[i] : NULL;
		const struct rp_item *b = k < diff->b.n ? &diff->b.v[k] : NULL;
		int order = order_of(a, b);
		const struct rp_item *any = order <= 0 ? a : b;

		i += order <= 0;
		k += order >= 0;
		if (!rp_args_name(args, any->name))
			continue;
		if (any->rank != RP_GLOBAL && !diff->shards)
			rc = pass_over(diff, any, err);
		else
			rc = compare_items(diff, order <= 0 ? a : NULL,
					   order >= 0 ? b : NULL,
					   (size_t)args->chunk, bar, err);
	}
	return rc ? rc : rp_diff_files(diff, args, err);
}

/* A name must be there in one of them, and be something that can be compared. */
static int check_names(const struct rp_diff *diff, const struct rp_args *args,
		       struct rp_err *err)
{
	for (size_t i = 0; i < args->n_names; i++) {
		const struct rp_diff_entry *found = NULL;

		for (size_t k = 0; k < diff->n; k++)
			if (strcmp(diff->v[k].name, args->names[i]) == 0)
				found = &diff->v[k];
		if (!found)
			return rp_fail(err, RALLY_EABSENT, "neither %s nor %s "
				       "holds anything under the name '%s'",
				       diff->a.ckpt.path, diff->b.ckpt.path,
				       args->names[i]);
		if (found->state == RP_NOT_COMPARED)
			return rp_fail(err, RALLY_ELAYOUT, "'%s' is private to "
				       "ranks, of which there are %d and %d: it "
				       "can't be compared", args->names[i],
				       diff->a.m.ranks, diff->b.m.ranks);
	}
	return 0;
}

static int open_both(struct rp_diff *diff, const struct rp_args *args,
		     struct rp_err *err)
{
	int rc = rp_read_open(&diff->a, args->dir, err);

	if (rc == 0)
		rc = rp_read_open(&diff->b, args->other, err);
	if (rc == 0)
		rc = rp_read_list_for(&diff->a, args->names, args->n_names, err);
	if (rc == 0)
		rc = rp_read_list_for(&diff->b, args->names, args->n_names, err);
	if (rc != 0 || diff->a.m.ranks != diff->b.m.ranks)
		return rc;
	diff->shards = malloc((size_t)diff->a.m.ranks);
	if (!diff->shards)
		return rp_fail(err, RALLY_ENOMEM, "no memory for %d ranks",
			       diff->a.m.ranks);
	memset(diff->shards, -1, (size_t)diff->a.m.ranks);
	return 0;
}

static void close_both(struct rp_diff *diff)
{
	rp_read_close(&diff->a);
	rp_read_close(&diff->b);
	free(diff->v);
	free(diff->shards);
}

int rp_tool_diff(const struct rp_args *args, struct rp_err *err)
{
	struct rp_diff diff = { 0 };
	struct rp_bar bar;
	uint64_t total = 0;
	int rc = open_both(&diff, args, err);

	for (size_t i = 0; i < diff.a.n; i++)
		total += rp_args_name(args, diff.a.v[i].name)
				 ? diff.a.v[i].bytes : 0;
	rp_bar_begin(&bar, "comparing", total);
	if (rc == 0)
		rc = compare_all(&diff, args, &bar, err);
	rp_bar_clear(&bar);
	if (rc == 0)
		rc = check_names(&diff, args, err);
	if (rc == 0)
		rc = rp_diff_report(&diff, args->json, err);
	for (size_t i = 0; rc == 0 && i < diff.n; i++)
		rc = rp_diff_counts(&diff.v[i]) ? DIFFERENT : 0;
	close_both(&diff);
	return rc;
}
