/*
 * data/shard_decode.c - the header of a shard that somebody else wrote
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/dtype.h"
#include "data/json.h"
#include "data/shard.h"

static int corrupt(struct rp_err *err, const char *path, const char *what,
		   const char *name)
{
	char safe[200] = "";

	return rp_fail(err, RALLY_ECORRUPT, "%s: header: %s%s%s", path, what,
		       name ? " " : "",
		       name ? rp_text_ascii(name, safe, sizeof(safe)) : "");
}

static int no_memory(struct rp_err *err, const char *path)
{
	return rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
}

static int decode_shape(const json_t *array, struct rp_tensor *t)
{
	size_t n = json_array_size(array);

	if (!json_is_array(array) || n > RALLY_MAX_DIMS)
		return -1;
	t->ndim = (int)n;
	for (size_t i = 0; i < n; i++) {
		const json_t *extent = json_array_get(array, i);

		if (!json_is_integer(extent))
			return -1;
		t->shape[i] = json_integer_value(extent);
	}
	return 0;
}

static int decode_tensor(const json_t *json, struct rp_tensor *t)
{
	const json_t *offsets = json_object_get(json, "data_offsets");
	const char *dtype = json_string_value(json_object_get(json, "dtype"));
	int64_t begin, end;

	if (!dtype || !(t->type = rp_dtype_parse(dtype)) ||
	    decode_shape(json_object_get(json, "shape"), t) != 0 ||
	    json_array_size(offsets) != 2 ||
	    !json_is_integer(json_array_get(offsets, 0)) ||
	    !json_is_integer(json_array_get(offsets, 1)))
		return -1;
	begin = json_integer_value(json_array_get(offsets, 0));
	end = json_integer_value(json_array_get(offsets, 1));
	if (begin < 0 || end < begin ||
	    end - begin != rp_dtype_bytes(t->type, t->ndim, t->shape))
		return -1;
	t->begin = (uint64_t)begin;
	t->end = (uint64_t)end;
	t->region = -1;
	return 0;
}

static int by_begin(const void *a, const void *b)
{
	const struct rp_tensor *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

static int decode_meta(struct rp_shard *shard, const json_t *meta)
{
	const char *rank = json_string_value(json_object_get(meta, "rank"));
	const char *ranks = json_string_value(json_object_get(meta, "ranks"));
	const char *step = json_string_value(json_object_get(meta, "step"));
	int64_t r, n;

	if (!rank || !ranks || !step ||
	    rp_parse_int(ranks, 1, INT32_MAX, &n) != 0 ||
	    rp_parse_int(rank, 0, n - 1, &r) != 0 ||
	    rp_parse_int(step, INT64_MIN, INT64_MAX, &shard->step) != 0)
		return -1;
	shard->rank = (int)r;
	shard->ranks = (int)n;
	return 0;
}

/* The table of the hashes of all blocks before it. */
static int is_table(const struct rp_tensor *t, const char *name)
{
	return strcmp(t->name, name) == 0 && t->ndim == 2 &&
	       t->type == RALLY_U8 && t->shape[1] == RP_HASH_BYTES &&
	       (uint64_t)t->shape[0] == rp_hash_blocks(t->begin);
}

/* Contiguous from 0 to the end of the file, and behind the hash table only a
 * pad: a tensor there would have no hash of its own, and is not read. */
static int check_layout(struct rp_shard *shard, const char *path,
			struct rp_err *err)
{
	char *table = rp_format("@hash@rank-%05d", shard->rank);
	uint64_t at = 0, end = 0;
	int found = 0, holes = 0, behind = 0;

	if (!table)
		return no_memory(err, path);
	for (size_t i = 0; i < shard->n; i++) {
		struct rp_tensor *t = &shard->v[i];

		holes |= t->begin != at;
		at = t->end;
		if (found && t->end > t->begin)
			behind |= strncmp(t->name, "@pad-", 5) != 0;
		if (!found && is_table(t, table)) {
			shard->hashed_bytes = t->begin;
			end = t->end;
			found = 1;
		}
	}
	free(table);
	if (holes || at != shard->data_bytes)
		return corrupt(err, path,
			       "the tensors do not fill the file", NULL);
	if (!found)
		return corrupt(err, path, "there is no hash table", NULL);
	if (behind || at - end >= RP_SHARD_ALIGN)
		return corrupt(err, path, "there is data behind the hash table",
			       NULL);
	return 0;
}

static int decode_root(struct rp_shard *shard, json_t *root, const char *path,
		       struct rp_err *err)
{
	struct rp_tensor *t;
	const char *key;
	json_t *value;

	if (decode_meta(shard, json_object_get(root, "__metadata__")) != 0)
		return corrupt(err, path, "rank, ranks or step is missing",
			       NULL);
	shard->v = calloc(json_object_size(root), sizeof(*shard->v));
	if (!shard->v)
		return no_memory(err, path);
	json_object_foreach(root, key, value) {
		if (strcmp(key, "__metadata__") == 0)
			continue;
		t = &shard->v[shard->n];
		if (decode_tensor(value, t) != 0)
			return corrupt(err, path, "a malformed entry for", key);
		t->name = strdup(key);
		if (!t->name)
			return no_memory(err, path);
		shard->n++;
	}
	qsort(shard->v, shard->n, sizeof(*shard->v), by_begin);
	return check_layout(shard, path, err);
}

int rp_shard_decode(struct rp_shard *shard, const char *json, size_t size,
		    uint64_t file_bytes, const char *path, struct rp_err *err)
{
	json_error_t where;
	json_t *root;
	int rc;

	memset(shard, 0, sizeof(*shard));
	if (size == 0 || json[0] != '{' || size + 8 > file_bytes)
		return corrupt(err, path, "it is not a JSON object", NULL);
	shard->header_bytes = size + 8;
	shard->data_bytes = file_bytes - shard->header_bytes;
	root = rp_json_parse(json, size, &where);
	if (!root)
		return *where.text ? corrupt(err, path, "malformed JSON:",
					     where.text)
				   : no_memory(err, path);
	rc = decode_root(shard, root, path, err);
	json_decref(root);
	if (rc != 0)
		rp_shard_free(shard);
	return rc;
}
