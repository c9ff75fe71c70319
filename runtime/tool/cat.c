/*
 * tool/cat.c - `rallypoint cat`: the values of a part of an array
 *
 * One element a line, or, where more than one dimension is left, a row a line with
 * blanks in between, and an empty line between two planes.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dtype.h"
#include "tool/print.h"
#include "tool/read.h"
#include "tool/tool.h"
#include "tool/value.h"
#include "tool/walk.h"

struct printer {
	const struct rp_item *item;
	int json;
	int ndim;			/* what is left of the slice */
	int64_t shape[RALLY_MAX_DIMS];
	int64_t printed;		/* elements */
};

/* What stands before the next element. */
static const char *gap(const struct printer *p)
{
	int64_t row = p->ndim > 1 ? p->shape[p->ndim - 1] : 1;
	int64_t plane = p->ndim > 2 ? row * p->shape[p->ndim - 2] : 0;

	if (p->printed == 0)
		return "";
	if (p->json)
		return ", ";
	if (plane > 0 && p->printed % plane == 0)
		return "\n\n";
	return p->printed % row == 0 ? "\n" : " ";
}

/* Those of the last dimension of a box; -1 where nobody reads any more. */
static int print_row(struct printer *p, const unsigned char *element, int64_t n,
		     size_t stride)
{
	enum rally_type type = p->item->type;
	char text[RP_VALUE_TEXT];

	for (int64_t i = 0; i < n; i++, element += stride) {
		fputs(gap(p), stdout);
		fputs(p->json ? rp_value_json(type, element, text)
			      : rp_value_text(type, element, text), stdout);
		p->printed++;
	}
	return ferror(stdout) ? -1 : 0;
}

/* What the slice takes of a box: each step'th of each dimension. */
static int print_box(struct printer *p, const struct rp_walk *box,
		     const unsigned char *data)
{
	int last = p->item->ndim - 1;
	size_t size = rp_dtype_size(p->item->type);
	int64_t at[RALLY_MAX_DIMS] = { 0 };
	int dim = last;

	while (dim >= 0) {
		int64_t offset = 0;

		for (int i = 0; i <= last; i++)
			offset = offset * box->local[i] +
				 (i < last ? at[i] * box->slice.step[i] : 0);
		if (print_row(p, data + (size_t)offset * size, box->count[last],
			      size * (size_t)box->slice.step[last]) != 0)
			return -1;
		for (dim = last - 1; dim >= 0 && ++at[dim] == box->count[dim];
		     dim--)
			at[dim] = 0;
	}
	return 0;
}

static void print_begin(const struct printer *p, const struct rp_item *item)
{
	if (!p->json)
		return;
	printf("{\"name\": \"%s\", \"dtype\": \"%s\", \"shape\": [", item->name,
	       rp_dtype_name(item->type));
	for (int i = 0; i < p->ndim; i++)
		printf("%s%lld", i ? ", " : "", (long long)p->shape[i]);
	printf("], \"values\": [");
}

static void print_end(const struct printer *p)
{
	if (p->json)
		printf("]}\n");
	else if (p->printed > 0)
		putchar('\n');
}

/* What is read is printed at once: there may be more than fits into memory. */
static int print_slice(struct rp_reading *reading, struct printer *p,
		       const struct rp_slice *slice, size_t chunk,
		       struct rp_err *err)
{
	size_t size = rp_dtype_size(p->item->type);
	struct rp_walk walk;
	void *memory;
	int rc = 0, gone = 0;

	rp_walk_begin(&walk, slice, size, chunk);
	memory = malloc(rp_walk_room(&walk, size) + 1);
	if (!memory)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory for a piece",
			       p->item->name);
	while (rc == 0 && !gone && rp_walk_next(&walk)) {
		rc = rp_read_box(reading, p->item, walk.start, walk.local, memory,
				 err);
		if (rc == 0 && p->printed == 0)
			print_begin(p, p->item);
		if (rc == 0)
			gone = print_box(p, &walk, memory);
	}
	if (rc == 0 && !gone && p->printed == 0)
		print_begin(p, p->item);
	if (rc == 0 && !gone)
		print_end(p);
	free(memory);
	return rc;
}

/* "on rank 3" or "on 4 ranks, the first of them 0" */
static int which_rank(const struct rp_reading *reading, const char *name,
		      struct rp_err *err)
{
	const struct rp_item *first = rp_read_first(reading, name);
	int n = 0;

	for (const struct rp_item *item = first; item &&
	     item < reading->v + reading->n && !strcmp(item->name, name); item++)
		n++;
	return rp_fail(err, RALLY_EARG, "'%s' is private to %d rank%s, the first "
		       "of them %d: give --rank R", name, n, n == 1 ? "" : "s",
		       first->rank);
}

/* What a rank has under a name; NULL without an error where no rank has any. */
static const struct rp_item *find_private(struct rp_reading *reading,
					  const char *name, int64_t rank,
					  struct rp_err *err)
{
	const struct rp_item *item = NULL;

	if (!rp_read_first(reading, name))
		return NULL;
	if (rank < 0)
		which_rank(reading, name, err);
	else
		item = rp_read_find(reading, name, (int)rank);
	if (!item)
		rp_fail(err, RALLY_EABSENT, "rank %lld of %d has no '%s'",
			(long long)rank, reading->m.ranks, name);
	return item;
}

/* A name may end in "[...]" itself: then the whole word is one. Shards are looked into
 * only where neither is an array. */
static const struct rp_item *find(struct rp_reading *reading,
				  const struct rp_args *args, const char *name,
				  struct rp_err *err)
{
	const char *word = args->names[0];
	const struct rp_item *item = rp_read_find(reading, word, RP_GLOBAL);

	if (!item)
		item = rp_read_find(reading, name, RP_GLOBAL);
	if (item && args->rank >= 0) {
		rp_fail(err, RALLY_EARG, "'%s' is a global array: leave --rank "
			"out", item->name);
		return NULL;
	}
	if (item || rp_read_list_private(reading, err) != 0)
		return item;
	item = find_private(reading, word, args->rank, err);
	if (!item && err->code == 0)
		item = find_private(reading, name, args->rank, err);
	if (!item)
		rp_read_absent(reading, name, err);
	return item;
}

static int cat(struct rp_reading *reading, const struct rp_args *args,
	       const char *name, const char *text, struct rp_err *err)
{
	struct printer printer = { .json = args->json };
	struct rp_slice slice;
	struct rp_err why = { 0 };

	printer.item = find(reading, args, name, err);
	if (!printer.item)
		return err->code;
	if (strcmp(printer.item->name, name) != 0)
		text = NULL;
	if (rp_slice_parse(&slice, text, printer.item->ndim, printer.item->shape,
			   &why) != 0) {
		char shape[256];

		return rp_fail(err, why.code, "%s, %s: %s", name,
			       rp_dtype_shape_text(printer.item->type,
						   printer.item->ndim,
						   printer.item->shape, shape,
						   sizeof(shape)), why.text);
	}
	printer.ndim = rp_slice_shape(&slice, printer.shape);
	return print_slice(reading, &printer, &slice, (size_t)args->chunk, err);
}

int rp_tool_cat(const struct rp_args *args, struct rp_err *err)
{
	struct rp_reading reading = { 0 };
	char *name = NULL, *text = NULL;
	int rc = 0;

	/* `rallypoint cat ... | head` ends quietly, whoever started it. */
	signal(SIGPIPE, SIG_DFL);
	if (rp_slice_split(args->names[0], &name, &text) != 0)
		rc = rp_fail(err, RALLY_ENOMEM, "no memory for a name");
	if (rc == 0)
		rc = rp_read_open(&reading, args->dir, err);
	if (rc == 0)
		rc = cat(&reading, args, name, text, err);
	rp_read_close(&reading);
	free(name);
	free(text);
	return rc;
}
