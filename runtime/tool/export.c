/*
 * tool/export.c - `rallypoint export`: arrays as files that others read
 */
#include "tool/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "data/dtype.h"
#include "tool/bar.h"
#include "tool/print.h"
#include "tool/tool.h"

/*
 * What the formats share
 */

int rp_export_append(struct rp_export *export, const void *data, size_t bytes,
		     struct rp_err *err)
{
	int rc = rp_write_all(NULL, export->fd, data, bytes,
			      (int64_t)export->at, export->output.path, err);

	/* The disk writes this piece while the next one is read. */
	if (rc == 0)
		rp_io_begin_writeback(NULL, export->fd, (off_t)export->at,
				      (off_t)bytes);
	export->at += bytes;
	return rc;
}

int rp_export_close(struct rp_export *export, struct rp_err *err)
{
	int fd = export->fd;

	export->fd = -1;
	export->at = 0;
	return fd < 0 ? 0 : rp_sync_close(NULL, fd, export->output.path, err);
}

void rp_export_drop(struct rp_export *export)
{
	if (export->fd >= 0)
		rp_close_read(NULL, export->fd);
	export->fd = -1;
}

json_t *rp_export_facts(const struct rp_export *export)
{
	const struct rp_manifest *m = &export->reading.m;
	json_t *facts = json_pack("{s:o,s:s,s:s,s:s}", "checkpoint",
				  rp_json_text(export->reading.ckpt.name),
				  "version", m->version, "job", m->job, "cause",
				  m->cause);
	const char *key;
	json_t *value;
	int bad = !facts;

	json_object_foreach(m->meta, key, value) {
		char *name = rp_format("meta.%s", key);

		bad |= !name || json_object_set(facts, name, value) != 0;
		free(name);
	}
	if (!bad)
		return facts;
	json_decref(facts);
	return NULL;
}

/*
 * What is exported
 */

static int add(struct rp_export *export, const struct rp_item *item,
	       struct rp_err *err)
{
	struct rp_export_item *to = &export->v[export->n];

	to->item = item;
	to->name = item->rank == RP_GLOBAL
			   ? strdup(item->name)
			   : rp_format("%s.rank-%05d", item->name, item->rank);
	if (!to->name)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory", item->name);
	export->n++;
	return 0;
}

/* A private region is asked for by its name, or with all others. */
static int is_wanted(const struct rp_args *args, const struct rp_item *item)
{
	if (!rp_args_name(args, item->name))
		return 0;
	return item->rank == RP_GLOBAL || args->n_names > 0 || args->private;
}

static int check_names(const struct rp_export *export,
		       const struct rp_args *args, struct rp_err *err)
{
	for (size_t i = 0; i < args->n_names; i++)
		if (!rp_read_first(&export->reading, args->names[i]))
			return rp_read_absent(&export->reading, args->names[i],
					      err);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rp_export_item *)a)->name,
		      ((const struct rp_export_item *)b)->name);
}

static int check_unique(const struct rp_export *export, struct rp_err *err)
{
	for (size_t i = 1; i < export->n; i++)
		if (strcmp(export->v[i - 1].name, export->v[i].name) == 0)
			return rp_fail(err, RALLY_EARG, "an array is named '%s', "
				       "as a private region would be: export "
				       "them one by one", export->v[i].name);
	return 0;
}

static int select_items(struct rp_export *export, const struct rp_args *args,
			struct rp_err *err)
{
	struct rp_reading *reading = &export->reading;
	int rc = rp_read_list_for(reading, args->names, args->n_names, err);

	if (rc == 0)
		rc = check_names(export, args, err);
	if (rc != 0)
		return rc;
	export->v = calloc(reading->n + 1, sizeof(*export->v));
	if (!export->v)
		return rp_fail(err, RALLY_ENOMEM, "no memory for %zu names",
			       reading->n);
	for (size_t i = 0; rc == 0 && i < reading->n; i++)
		if (is_wanted(args, &reading->v[i]))
			rc = add(export, &reading->v[i], err);
	if (rc == 0 && export->n == 0)
		rc = rp_fail(err, RALLY_EABSENT, "%s holds no global array%s",
			     reading->ckpt.path, reading->n > 0
			     ? "; --private exports what is private to ranks"
			     : "");
	qsort(export->v, export->n, sizeof(*export->v), by_name);
	return rc ? rc : check_unique(export, err);
}

/*
 * Where to
 */

static int ends_in(const char *text, const char *ending)
{
	size_t n = strlen(text), m = strlen(ending);

	return n > m && strcmp(text + n - m, ending) == 0;
}

/* By the ending; a folder has a slash there, or no dot in its name. */
static const struct rp_export_format *format_of(const char *out)
{
	const char *slash = strrchr(out, '/');
	const char *name = slash ? slash + 1 : out;

	if (ends_in(name, ".npy"))
		return &rp_export_npy;
	if (ends_in(name, ".safetensors"))
		return &rp_export_safetensors;
	if (ends_in(name, ".h5") || ends_in(name, ".hdf5"))
		return &rp_export_h5;
	return strchr(name, '.') ? NULL : &rp_export_npy_folder;
}

/*
 * Export
 */

static int export_item(struct rp_export *export,
		       const struct rp_export_format *format,
		       const struct rp_export_item *to, size_t chunk,
		       struct rp_bar *bar, struct rp_err *err)
{
	const struct rp_item *item = to->item;
	size_t size = rp_dtype_size(item->type);
	struct rp_slice all;
	struct rp_walk walk;
	void *memory;
	int rc = rp_slice_parse(&all, NULL, item->ndim, item->shape, err);

	rp_walk_begin(&walk, &all, size, chunk);
	memory = malloc(rp_walk_room(&walk, size) + 1);
	if (!memory)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory for a piece",
			       item->name);
	if (rc == 0)
		rc = format->array(export, to, err);
	while (rc == 0 && rp_walk_next(&walk)) {
		size_t bytes = (size_t)walk.elements * size;

		rc = rp_read_box(&export->reading, item, walk.start, walk.local,
				 memory, err);
		if (rc == 0)
			rc = rp_output_stopped(&export->output, err);
		if (rc == 0)
			rc = format->put(export, to, &walk, memory, bytes, err);
		rp_progress_add(&bar->progress, bytes);
	}
	free(memory);
	return rc;
}

static int export_all(struct rp_export *export,
		      const struct rp_export_format *format, size_t chunk,
		      struct rp_err *err)
{
	struct rp_bar bar;
	uint64_t total = 0;
	int rc = format->begin(export, err);

	for (size_t i = 0; i < export->n; i++)
		total += export->v[i].item->bytes;
	rp_bar_begin(&bar, "exporting", total);
	for (size_t i = 0; rc == 0 && i < export->n; i++)
		rc = export_item(export, format, &export->v[i], chunk, &bar,
				 err);
	if (rc == 0)
		rc = format->finish(export, err);
	rp_bar_clear(&bar);
	return rc ? rc : rp_output_publish(&export->output, err);
}

/* Different names of private regions that were there and not asked for. */
static size_t count_left(const struct rp_export *export,
			 const struct rp_args *args)
{
	const struct rp_item *v = export->reading.v;
	size_t n = 0;

	for (size_t i = 0; i < export->reading.n; i++)
		n += args->n_names == 0 && v[i].rank != RP_GLOBAL &&
		     !args->private &&
		     (i == 0 || strcmp(v[i - 1].name, v[i].name) != 0);
	return n;
}

static json_t *item_json(const struct rp_export_item *to)
{
	const struct rp_item *item = to->item;
	json_t *shape = json_array();
	json_t *json;

	for (int i = 0; i < item->ndim; i++)
		json_array_append_new(shape, json_integer(item->shape[i]));
	json = json_pack("{s:s,s:s,s:s,s:o,s:I}", "name", item->name, "as",
			 to->name, "dtype", rp_dtype_name(item->type), "shape",
			 shape, "bytes", (json_int_t)item->bytes);
	if (item->rank != RP_GLOBAL)
		json_object_set_new(json, "rank", json_integer(item->rank));
	return json;
}

static int tell(const struct rp_export *export, const char *format,
		const struct rp_args *args, struct rp_err *err)
{
	size_t left = count_left(export, args);
	json_t *items = json_array();
	uint64_t bytes = 0;
	char amount[24], *safe;

	for (size_t i = 0; i < export->n; i++) {
		bytes += export->v[i].item->bytes;
		json_array_append_new(items, item_json(&export->v[i]));
	}
	if (args->json)
		return rp_json_print(json_pack("{s:o,s:o,s:s,s:o,s:I}",
					       "checkpoint", rp_json_text(
						export->reading.ckpt.path),
					       "out", rp_json_text(args->out),
					       "format", format, "items", items,
					       "left_out", (json_int_t)left),
				     0, err);
	json_decref(items);
	safe = rp_escape(args->out);
	printf("%s: %zu array%s, %s, of %s\n", safe ? safe : "?", export->n,
	       export->n == 1 ? "" : "s",
	       rp_text_bytes(bytes, amount, sizeof(amount)),
	       export->reading.ckpt.name);
	free(safe);
	if (left > 0)
		printf("left out: %zu name%s private to ranks (--private exports "
		       "%s)\n", left, left == 1 ? "" : "s",
		       left == 1 ? "it" : "them");
	return 0;
}

static void free_export(struct rp_export *export)
{
	for (size_t i = 0; i < export->n; i++)
		free(export->v[i].name);
	free(export->v);
	rp_read_close(&export->reading);
}

int rp_tool_export(const struct rp_args *args, struct rp_err *err)
{
	const struct rp_export_format *format = format_of(args->out);
	struct rp_export export = { .fd = -1 };
	int rc;

	if (!format)
		return rp_fail(err, RALLY_EARG, "%s: what is it to be? Let it end "
			       "in .npy, .h5 or .safetensors, or in / for a folder "
			       "of .npy", args->out);
	rc = rp_read_open(&export.reading, args->dir, err);
	if (rc == 0)
		rc = select_items(&export, args, err);
	if (rc == 0)
		rc = rp_output_begin(&export.output, args->out, format->kind,
				     format->ending, args->force, err);
	if (rc == 0)
		rc = format->check(&export, err);
	if (rc == 0)
		rc = export_all(&export, format, (size_t)args->chunk, err);
	format->drop(&export);
	rp_output_end(&export.output);
	if (rc == 0)
		rc = tell(&export, format->name, args, err);
	free_export(&export);
	return rc;
}
