/*
 * tool/export_safetensors.c - one .safetensors file of whole arrays
 *
 * Those of the widest types come first, and of one width by name: so each begins at
 * a multiple of its element's size, without pads.
 * Format: https://github.com/huggingface/safetensors#format
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dtype.h"
#include "data/shard.h"
#include "tool/export.h"

#define ALIGN 8	/* of the data's begin, as the widest type */

static int check(const struct rp_export *export, struct rp_err *err)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < export->n; i++)
		if (__builtin_add_overflow(bytes, export->v[i].item->bytes,
					   &bytes) || bytes > INT64_MAX)
			return rp_fail(err, RALLY_EARG, "%s: more than 2^63 bytes "
				       "in all", export->output.path);
	return 0;
}

static int widest_first(const void *a, const void *b)
{
	const struct rp_export_item *x = a, *y = b;
	size_t m = rp_dtype_size(x->item->type), n = rp_dtype_size(y->item->type);

	return m != n ? (m < n) - (m > n) : strcmp(x->name, y->name);
}

static json_t *entry(const struct rp_item *item, int64_t at)
{
	json_t *shape = json_array();

	for (int i = 0; i < item->ndim; i++)
		json_array_append_new(shape, json_integer(item->shape[i]));
	return json_pack("{s:s,s:o,s:[I,I]}", "dtype", rp_dtype_name(item->type),
			 "shape", shape, "data_offsets", (json_int_t)at,
			 (json_int_t)(at + (int64_t)item->bytes));
}

/* The format's metadata are strings, numbers too. NULL without memory. */
static json_t *metadata(const struct rp_export *export)
{
	const struct rp_manifest *m = &export->reading.m;
	const struct {
		const char *key;
		long long value;
	} numbers[] = { { "step", m->step }, { "sequence", m->sequence },
			{ "ranks", m->ranks } };
	json_t *facts = rp_export_facts(export);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char text[24];

		snprintf(text, sizeof(text), "%lld", numbers[i].value);
		if (json_object_set_new(facts, numbers[i].key,
					json_string(text)) != 0) {
			json_decref(facts);
			return NULL;
		}
	}
	return facts;
}

/* The caller's, NULL without memory. */
static char *header_text(const struct rp_export *export)
{
	json_t *root = json_object();
	int bad = json_object_set_new(root, "__metadata__", metadata(export));
	int64_t at = 0;
	char *text;

	for (size_t i = 0; i < export->n; i++) {
		const struct rp_item *item = export->v[i].item;

		bad |= json_object_set_new(root, export->v[i].name,
					   entry(item, at));
		at += (int64_t)item->bytes;
	}
	text = bad ? NULL : json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

static int write_header(struct rp_export *export, const char *text,
			struct rp_err *err)
{
	static const char blanks[ALIGN] = "        ";
	size_t length = strlen(text);
	uint64_t n = (length + ALIGN - 1) / ALIGN * ALIGN;
	int rc;

	if (n > RP_SHARD_HEADER_MAX)
		return rp_fail(err, RALLY_EARG, "%s: its header would be %" PRIu64
			       " bytes long, the format allows %d: name fewer "
			       "arrays", export->output.path, n,
			       RP_SHARD_HEADER_MAX);
	export->fd = rp_output_create(&export->output, NULL, err);
	if (export->fd < 0)
		return err->code;
	rc = rp_export_append(export, &n, sizeof(n), err);
	if (rc == 0)
		rc = rp_export_append(export, text, length, err);
	return rc ? rc : rp_export_append(export, blanks, (size_t)n - length,
					  err);
}

static int begin(struct rp_export *export, struct rp_err *err)
{
	char *text;
	int rc;

	qsort(export->v, export->n, sizeof(*export->v), widest_first);
	text = header_text(export);
	rc = text ? write_header(export, text, err)
		  : rp_fail(err, RALLY_ENOMEM, "%s: no memory for its header",
			    export->output.path);
	free(text);
	return rc;
}

static int begin_array(struct rp_export *export,
		       const struct rp_export_item *item, struct rp_err *err)
{
	(void)export, (void)item, (void)err;
	return 0;
}

static int put(struct rp_export *export, const struct rp_export_item *item,
	       const struct rp_walk *box, const void *data, size_t bytes,
	       struct rp_err *err)
{
	(void)item, (void)box;
	return rp_export_append(export, data, bytes, err);
}

const struct rp_export_format rp_export_safetensors = {
	.name = "safetensors", .ending = ".safetensors", .kind = RP_OUTPUT_FILE,
	.check = check, .begin = begin, .array = begin_array, .put = put,
	.finish = rp_export_close, .drop = rp_export_drop,
};
