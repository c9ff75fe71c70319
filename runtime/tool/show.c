/*
 * tool/show.c - `rallypoint show`: what one checkpoint holds
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "data/dtype.h"
#include "data/shard.h"
#include "tool/load.h"
#include "tool/print.h"
#include "tool/summary.h"
#include "tool/table.h"
#include "tool/tool.h"

#define SHARDS_SHOWN 16	/* of more only least and most are told */

static double gb_per_s(const struct rp_manifest *m)
{
	return m->elapsed_ns > 0 ? (double)m->bytes / (double)m->elapsed_ns
				 : 0;
}

/*
 * For tools
 */

static json_t *int_array(int n, const int64_t *v)
{
	json_t *array = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(array, json_integer(v[i]));
	return array;
}

static json_t *region_json(const struct rp_region_sum *r)
{
	const struct rp_stored *s = r->first;
	const char *type = r->mixed ? "mixed" : rp_dtype_name(s->type);

	if (s->kind == RP_ARRAY)
		return json_pack("{s:s,s:s,s:o,s:i,s:I}", "name", s->name,
				 "dtype", type, "shape",
				 int_array(s->ndim, s->shape), "boxes",
				 r->boxes, "bytes", (json_int_t)r->bytes);
	return json_pack("{s:s,s:s,s:I,s:I,s:i,s:I}", "name", s->name, "dtype",
			 type, "count_min", (json_int_t)r->least, "count_max",
			 (json_int_t)r->most, "ranks", r->ranks, "bytes",
			 (json_int_t)r->bytes);
}

static json_t *regions_json(const struct rp_summary *summary,
			    enum rp_kind kind)
{
	json_t *array = json_array();

	for (size_t i = 0; i < summary->n_regions; i++)
		if (summary->regions[i].first->kind == kind)
			json_array_append_new(array, region_json(
						&summary->regions[i]));
	return array;
}

static json_t *files_json(const struct rp_summary *summary)
{
	json_t *array = json_array();

	for (size_t i = 0; i < summary->n_files; i++) {
		const struct rp_file_sum *f = &summary->files[i];

		json_array_append_new(array,
			json_pack("{s:s,s:s,s:i,s:I}", "name", f->first->name,
				  "scope",
				  f->first->scope == RALLY_FILE_SHARED
					  ? "shared" : "private",
				  "files", f->count, "bytes",
				  (json_int_t)f->bytes));
	}
	return array;
}

static json_t *shards_json(const struct rp_manifest *m)
{
	json_t *array = json_array();

	for (int i = 0; i < m->ranks; i++) {
		char *name = rp_shard_file_name(i, m->ranks);

		json_array_append_new(array,
			json_pack("{s:i,s:s*,s:I}", "rank", i, "file", name,
				  "bytes", (json_int_t)m->pieces[i].bytes));
		free(name);
	}
	return array;
}

static int show_json(const struct rp_ckpt *ckpt, const struct rp_manifest *m,
		     const struct rp_summary *summary, struct rp_err *err)
{
	json_t *json = json_pack(
		"{s:o,s:s,s:I,s:I,s:i,s:s,s:s,s:I,s:s,s:I,s:I,s:I,s:O}",
		"path", rp_json_text(ckpt->path), "name", ckpt->name,
		"sequence", (json_int_t)m->sequence, "step",
		(json_int_t)m->step, "ranks", m->ranks, "cause", m->cause,
		"job", m->job, "restart", (json_int_t)m->restart, "version",
		m->version, "time", (json_int_t)m->time, "elapsed_ns",
		(json_int_t)m->elapsed_ns, "bytes", (json_int_t)m->bytes,
		"meta", m->meta);
	json_t *more = json_pack("{s:o,s:o,s:o,s:o}", "arrays",
				 regions_json(summary, RP_ARRAY), "private",
				 regions_json(summary, RP_PRIVATE), "files",
				 files_json(summary), "shards",
				 shards_json(m));
	int bad = !json || json_object_update(json, more) != 0;

	json_decref(more);
	if (bad) {
		json_decref(json);
		json = NULL;
	}
	return rp_json_print(json, 0, err);
}

/*
 * For people
 */

static void fact(struct rp_table *table, const char *key, const char *value)
{
	rp_table_cell(table, "%s", key);
	rp_table_cell(table, "%s", value);
}

static void number(struct rp_table *table, const char *key, int64_t value)
{
	rp_table_cell(table, "%s", key);
	rp_table_cell(table, "%lld", (long long)value);
}

static int show_header(const struct rp_ckpt *ckpt, const struct rp_manifest *m,
		       struct rp_err *err)
{
	char when[24], amount[24];
	struct rp_table table;
	const char *key;
	json_t *value;
	int rc;

	rp_wall_text(m->time, when, sizeof(when));
	rp_text_bytes(m->bytes, amount, sizeof(amount));
	rp_table_begin(&table, "|");
	fact(&table, "checkpoint", ckpt->path);
	number(&table, "sequence", m->sequence);
	number(&table, "step", m->step);
	number(&table, "ranks", m->ranks);
	fact(&table, "job", *m->job ? m->job : "outside of Slurm");
	number(&table, "restart", m->restart);
	fact(&table, "cause", m->cause);
	fact(&table, "saved at", when);
	rp_table_cell(&table, "saved in");
	rp_table_cell(&table, "%.2f s, %s at %.2f GB/s",
		      (double)m->elapsed_ns / 1e9, amount, gb_per_s(m));
	rp_table_cell(&table, "version");
	rp_table_cell(&table, "%s", m->version);
	rc = rp_table_end(&table, "", err);
	if (rc != 0 || json_object_size(m->meta) == 0)
		return rc;
	printf("\nThe program's own strings\n");
	rp_table_begin(&table, "|");
	json_object_foreach(m->meta, key, value) {
		fact(&table, key, json_string_value(value));
	}
	return rp_table_end(&table, "  ", err);
}

static void shape_cell(struct rp_table *table, const struct rp_stored *s)
{
	char text[256];

	/* "F64 [512,512]": the type has a column of its own. */
	rp_dtype_shape_text(s->type, s->ndim, s->shape, text, sizeof(text));
	rp_table_cell(table, "%s",
		      text + strlen(rp_dtype_name(s->type)) + 1);
}

static void region_row(struct rp_table *table, const struct rp_region_sum *r)
{
	const struct rp_stored *s = r->first;
	char amount[24];

	rp_table_cell(table, "%s", s->name);
	rp_table_cell(table, "%s", r->mixed ? "mixed"
					    : rp_dtype_name(s->type));
	if (s->kind == RP_ARRAY)
		shape_cell(table, s);
	else if (r->least == r->most)
		rp_table_cell(table, "%lld", (long long)r->least);
	else
		rp_table_cell(table, "%lld to %lld", (long long)r->least,
			      (long long)r->most);
	rp_table_cell(table, "%d", s->kind == RP_ARRAY ? r->boxes : r->ranks);
	rp_table_cell(table, "%s",
		      rp_text_bytes(r->bytes, amount, sizeof(amount)));
}

static int show_regions(const struct rp_summary *summary, enum rp_kind kind,
			struct rp_err *err)
{
	struct rp_table table;
	int any = 0;

	for (size_t i = 0; i < summary->n_regions; i++)
		any |= summary->regions[i].first->kind == kind;
	if (!any)
		return 0;
	printf("\n%s\n", kind == RP_ARRAY ? "Global arrays"
					  : "Private regions");
	rp_table_begin(&table, kind == RP_ARRAY
				       ? "NAME|TYPE|SHAPE|>BOXES|>BYTES"
				       : "NAME|TYPE|>COUNT|>RANKS|>BYTES");
	for (size_t i = 0; i < summary->n_regions; i++)
		if (summary->regions[i].first->kind == kind)
			region_row(&table, &summary->regions[i]);
	return rp_table_end(&table, "  ", err);
}

static int show_files(const struct rp_summary *summary, struct rp_err *err)
{
	struct rp_table table;
	char amount[24];

	if (summary->n_files == 0)
		return 0;
	printf("\nFiles of the program's own\n");
	rp_table_begin(&table, "NAME|SCOPE|>FILES|>BYTES");
	for (size_t i = 0; i < summary->n_files; i++) {
		const struct rp_file_sum *f = &summary->files[i];

		rp_table_cell(&table, "%s", f->first->name);
		rp_table_cell(&table, "%s",
			      f->first->scope == RALLY_FILE_SHARED
				      ? "shared" : "private");
		rp_table_cell(&table, "%d", f->count);
		rp_table_cell(&table, "%s", rp_text_bytes(f->bytes, amount,
							  sizeof(amount)));
	}
	return rp_table_end(&table, "  ", err);
}

static void say_extremes(const struct rp_manifest *m)
{
	int least = 0, most = 0;
	char small[24], big[24];

	for (int i = 1; i < m->ranks; i++) {
		if (m->pieces[i].bytes < m->pieces[least].bytes)
			least = i;
		if (m->pieces[i].bytes > m->pieces[most].bytes)
			most = i;
	}
	printf("  %d, from %s (rank %d) to %s (rank %d)\n", m->ranks,
	       rp_text_bytes(m->pieces[least].bytes, small, sizeof(small)),
	       least, rp_text_bytes(m->pieces[most].bytes, big, sizeof(big)),
	       most);
}

static int show_shards(const struct rp_manifest *m, struct rp_err *err)
{
	struct rp_table table;
	char amount[24];

	printf("\nShards\n");
	if (m->ranks > SHARDS_SHOWN) {
		say_extremes(m);
		return 0;
	}
	rp_table_begin(&table, "|>");
	for (int i = 0; i < m->ranks; i++) {
		char *name = rp_shard_file_name(i, m->ranks);

		rp_table_cell(&table, "%s", name ? name : "?");
		rp_table_cell(&table, "%s",
			      rp_text_bytes(m->pieces[i].bytes, amount,
					    sizeof(amount)));
		free(name);
	}
	return rp_table_end(&table, "  ", err);
}

static int show_text(const struct rp_ckpt *ckpt, const struct rp_manifest *m,
		     const struct rp_summary *summary, struct rp_err *err)
{
	int rc = show_header(ckpt, m, err);

	if (rc == 0)
		rc = show_regions(summary, RP_ARRAY, err);
	if (rc == 0)
		rc = show_regions(summary, RP_PRIVATE, err);
	if (rc == 0)
		rc = show_files(summary, err);
	return rc ? rc : show_shards(m, err);
}

int rp_tool_show(const struct rp_args *args, struct rp_err *err)
{
	struct rp_manifest m = { 0 };
	struct rp_summary summary = { 0 };
	struct rp_folder folder;
	const struct rp_ckpt *ckpt = NULL;

	if (rp_folder_list(NULL, &folder, args->dir, err) == 0)
		ckpt = rp_pick(&folder, args->dir, args->which, err);
	if (!ckpt || rp_load(ckpt, &m, err) != 0)
		goto out;
	rp_load_private(ckpt, &m, err);
	if (rp_summary_of(&summary, &m, err) == 0) {
		if (args->json)
			show_json(ckpt, &m, &summary, err);
		else
			show_text(ckpt, &m, &summary, err);
	}
out:
	rp_summary_free(&summary);
	rp_manifest_free(&m);
	rp_folder_free(&folder);
	return err->code;
}
