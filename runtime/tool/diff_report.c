/*
 * tool/diff_report.c - how two checkpoints differ, for people and for tools
 */
#include <stdio.h>
#include <stdlib.h>

#include "data/dtype.h"
#include "tool/diff.h"
#include "tool/print.h"

/* The index of an element, by its number. */
static void index_of(const struct rp_item *item, uint64_t number, int64_t *index)
{
	for (int i = item->ndim - 1; i >= 0; i--) {
		uint64_t extent = (uint64_t)item->shape[i];

		index[i] = extent ? (int64_t)(number % extent) : 0;
		number = extent ? number / extent : 0;
	}
}

static int is_file(const struct rp_diff_entry *entry)
{
	return !entry->a && !entry->b;
}

/*
 * For tools
 */

static const char *const states[] = {
	[RP_SAME_HASH] = "same", [RP_SAME_VALUES] = "same",
	[RP_DIFFERENT] = "different", [RP_ONLY_A] = "only_a",
	[RP_ONLY_B] = "only_b", [RP_OTHER_LAYOUT] = "layout",
	[RP_NOT_COMPARED] = "not_compared",
};

static json_t *int_array(int n, const int64_t *v)
{
	json_t *array = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(array, json_integer(v[i]));
	return array;
}

static json_t *layout_json(const struct rp_item *item)
{
	return json_pack("{s:s,s:o}", "dtype", rp_dtype_name(item->type),
			 "shape", int_array(item->ndim, item->shape));
}

static json_t *difference_json(const struct rp_diff_entry *entry)
{
	const struct rp_difference *d = &entry->difference;
	int64_t index[RALLY_MAX_DIMS];

	index_of(entry->a, d->first, index);
	return json_pack("{s:I,s:I,s:f,s:f,s:o}", "differing",
			 (json_int_t)d->differing, "not_finite",
			 (json_int_t)d->not_finite, "max_abs", d->max_abs,
			 "max_rel", d->max_rel, "first",
			 int_array(entry->a->ndim, index));
}

static int merge(json_t *json, json_t *more)
{
	int bad = json_object_update(json, more);

	json_decref(more);
	return bad;
}

/* NULL without memory. */
static json_t *entry_json(const struct rp_diff_entry *entry)
{
	int compared = !is_file(entry) && entry->state <= RP_DIFFERENT, bad = 0;
	json_t *json = json_pack(
		"{s:s,s:s,s:s}", "name", entry->name, "kind",
		is_file(entry) ? "file" : entry->rank == RP_GLOBAL ? "array"
								  : "private",
		"state", states[entry->state]);

	if (entry->rank != RP_GLOBAL && entry->state != RP_NOT_COMPARED)
		bad |= json_object_set_new(json, "rank",
					   json_integer(entry->rank));
	if (entry->state <= RP_DIFFERENT)
		bad |= json_object_set_new(
			json, "by", json_string(is_file(entry) ||
						entry->state == RP_SAME_HASH
							? "hash" : "value"));
	if (entry->a && entry->state != RP_NOT_COMPARED)
		bad |= json_object_set_new(json, "a", layout_json(entry->a));
	if (entry->b && entry->state != RP_NOT_COMPARED)
		bad |= json_object_set_new(json, "b", layout_json(entry->b));
	if (compared)
		bad |= json_object_set_new(
			json, "elements",
			json_integer((json_int_t)entry->difference.elements));
	if (compared && entry->state == RP_DIFFERENT)
		bad |= merge(json, difference_json(entry));
	if (!bad)
		return json;
	json_decref(json);
	return NULL;
}

static json_t *side_json(const struct rp_reading *r)
{
	return json_pack("{s:o,s:I,s:I,s:i}", "path",
			 rp_json_text(r->ckpt.path), "sequence",
			 (json_int_t)r->m.sequence, "step",
			 (json_int_t)r->m.step, "ranks", r->m.ranks);
}

static int report_json(const struct rp_diff *diff, struct rp_err *err)
{
	json_t *list = json_array();
	int bad = 0, same = 1;

	for (size_t i = 0; i < diff->n; i++) {
		bad |= json_array_append_new(list, entry_json(&diff->v[i]));
		same &= !rp_diff_counts(&diff->v[i]);
	}
	if (bad) {
		json_decref(list);
		return rp_fail(err, RALLY_ENOMEM, "no memory for the list");
	}
	return rp_json_print(json_pack("{s:o,s:o,s:b,s:o}", "a",
				       side_json(&diff->a), "b",
				       side_json(&diff->b), "same", same,
				       "entries", list),
			     0, err);
}

/*
 * For people
 */

static void say_side(const char *which, const struct rp_reading *r)
{
	char *safe = rp_escape(r->ckpt.path);

	printf("%s: %s, step %lld, %d rank%s\n", which, safe ? safe : "?",
	       (long long)r->m.step, r->m.ranks, r->m.ranks == 1 ? "" : "s");
	free(safe);
}

static void say_difference(const struct rp_diff_entry *entry)
{
	const struct rp_difference *d = &entry->difference;
	int64_t index[RALLY_MAX_DIMS];

	index_of(entry->a, d->first, index);
	printf("%llu of %llu elements differ, the first at [",
	       (unsigned long long)d->differing,
	       (unsigned long long)d->elements);
	for (int i = 0; i < entry->a->ndim; i++)
		printf("%s%lld", i ? "," : "", (long long)index[i]);
	printf("]");
	if (d->differing > d->not_finite)
		printf(", max abs %.9g, max rel %.3g", d->max_abs, d->max_rel);
	if (d->not_finite > 0)
		printf(", %llu with an infinity or a NaN",
		       (unsigned long long)d->not_finite);
	putchar('\n');
}

static void say_layouts(const struct rp_diff_entry *entry)
{
	char a[256], b[256];

	printf("%s in a, %s in b\n",
	       rp_dtype_shape_text(entry->a->type, entry->a->ndim,
				   entry->a->shape, a, sizeof(a)),
	       rp_dtype_shape_text(entry->b->type, entry->b->ndim,
				   entry->b->shape, b, sizeof(b)));
}

/* "log, a file of rank 1: " */
static void say_name(const struct rp_diff_entry *entry)
{
	printf("%s", entry->name);
	if (is_file(entry))
		printf(", a file");
	if (entry->rank != RP_GLOBAL && entry->state != RP_NOT_COMPARED)
		printf("%s of rank %d", is_file(entry) ? "" : ",", entry->rank);
	printf(": ");
}

static void say_entry(const struct rp_diff *diff,
		      const struct rp_diff_entry *entry)
{
	if (entry->state == RP_SAME_HASH || entry->state == RP_SAME_VALUES)
		return;
	say_name(entry);
	if (entry->state == RP_ONLY_A || entry->state == RP_ONLY_B)
		printf("in %s alone\n", entry->state == RP_ONLY_A ? "a" : "b");
	else if (entry->state == RP_OTHER_LAYOUT)
		say_layouts(entry);
	else if (entry->state == RP_NOT_COMPARED)
		printf("private to ranks, of which there are %d and %d: not "
		       "compared\n", diff->a.m.ranks, diff->b.m.ranks);
	else if (is_file(entry))
		printf("the content differs\n");
	else
		say_difference(entry);
}

static void report_text(const struct rp_diff *diff)
{
	size_t differ = 0, hashed = 0, passed = 0;

	say_side("a", &diff->a);
	say_side("b", &diff->b);
	for (size_t i = 0; i < diff->n; i++) {
		say_entry(diff, &diff->v[i]);
		differ += rp_diff_counts(&diff->v[i]) != 0;
		hashed += diff->v[i].state == RP_SAME_HASH;
		passed += diff->v[i].state == RP_NOT_COMPARED;
	}
	if (differ > 0)
		printf("different: %zu of %zu\n", differ, diff->n - passed);
	else
		printf("the same: %zu of %zu, %zu of them by their hashes\n",
		       diff->n - passed, diff->n - passed, hashed);
}

int rp_diff_report(const struct rp_diff *diff, int json, struct rp_err *err)
{
	if (json)
		return report_json(diff, err);
	report_text(diff);
	return 0;
}
