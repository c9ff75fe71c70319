/*
 * data/piece.c - the part of a manifest that one rank describes
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/dtype.h"
#include "data/json.h"
#include "data/manifest.h"
#include "data/piece.h"

static int no_memory(struct rp_err *err)
{
	return rp_fail(err, RALLY_ENOMEM, "manifest: no memory");
}

int rp_piece_init(struct rp_piece *piece, const struct rp_regions *regions,
		  int rank, struct rp_err *err)
{
	memset(piece, 0, sizeof(*piece));
	piece->rank = rank;
	piece->regions = calloc(regions->n + 1, sizeof(*piece->regions));
	if (!piece->regions)
		return no_memory(err);
	for (size_t i = 0; i < regions->n; i++) {
		const struct rp_region *r = &regions->v[i];
		struct rp_stored *s = &piece->regions[piece->n_regions];

		if (r->kind != RP_ARRAY)
			continue;
		s->name = strdup(r->name);
		if (!s->name)
			return no_memory(err);
		s->kind = r->kind;
		s->type = r->type;
		s->ndim = r->ndim;
		memcpy(s->shape, r->shape, sizeof(s->shape));
		memcpy(s->start, r->start, sizeof(s->start));
		memcpy(s->local, r->local, sizeof(s->local));
		s->owns = r->owns;
		memcpy(s->own_start, r->own_start, sizeof(s->own_start));
		memcpy(s->own_local, r->own_local, sizeof(s->own_local));
		s->replicated = r->replicated;
		piece->n_regions++;
	}
	return 0;
}

int rp_piece_add_file(struct rp_piece *piece, const char *name,
		      enum rally_file_scope scope, uint64_t bytes,
		      const struct rp_hash *hash, struct rp_err *err)
{
	struct rp_stored_file *files =
		realloc(piece->files, (piece->n_files + 1) * sizeof(*files));

	if (!files)
		return no_memory(err);
	piece->files = files;
	files += piece->n_files;
	files->name = strdup(name);
	if (!files->name)
		return no_memory(err);
	files->scope = scope;
	files->bytes = bytes;
	files->hash = *hash;
	piece->n_files++;
	return 0;
}

void rp_piece_free(struct rp_piece *piece)
{
	for (size_t i = 0; i < piece->n_regions; i++)
		free(piece->regions[i].name);
	for (size_t i = 0; i < piece->n_files; i++)
		free(piece->files[i].name);
	free(piece->regions);
	free(piece->files);
	memset(piece, 0, sizeof(*piece));
}

static json_t *int_array(int n, const int64_t *v)
{
	json_t *array = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(array, json_integer(v[i]));
	return array;
}

static json_t *array_json(const struct rp_stored *s)
{
	json_t *own = NULL;

	if (s->owns &&
	    !(own = json_pack("{s:o,s:o}", "start",
			      int_array(s->ndim, s->own_start), "local",
			      int_array(s->ndim, s->own_local))))
		return NULL;
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o*,s:o*}", "array", s->name,
			 "dtype", rp_dtype_name(s->type), "shape",
			 int_array(s->ndim, s->shape), "start",
			 int_array(s->ndim, s->start), "local",
			 int_array(s->ndim, s->local), "own", own,
			 "replicated", s->replicated ? json_true() : NULL);
}

static json_t *region_json(const struct rp_stored *s)
{
	if (s->kind == RP_ARRAY)
		return array_json(s);
	return json_pack("{s:s,s:s,s:I}", "private", s->name, "dtype",
			 rp_dtype_name(s->type), "count",
			 (json_int_t)s->local[0]);
}

static json_t *file_json(const struct rp_stored_file *f)
{
	char hex[RP_HASH_HEX];

	rp_hash_hex(&f->hash, hex);
	return json_pack("{s:s,s:b,s:I,s:s}", "name", f->name, "shared",
			 f->scope == RALLY_FILE_SHARED, "bytes",
			 (json_int_t)f->bytes, "hash", hex);
}

json_t *rp_piece_to_json(const struct rp_piece *piece)
{
	json_t *regions = json_array(), *files = json_array();
	char hash[RP_HASH_HEX], content[RP_HASH_HEX];

	for (size_t i = 0; i < piece->n_regions; i++)
		json_array_append_new(regions,
				      region_json(&piece->regions[i]));
	for (size_t i = 0; i < piece->n_files; i++)
		json_array_append_new(files, file_json(&piece->files[i]));
	rp_hash_hex(&piece->hash, hash);
	rp_hash_hex(&piece->content, content);
	return json_pack("{s:i,s:I,s:s,s:s,s:o,s:o}", "rank", piece->rank,
			 "bytes", (json_int_t)piece->bytes, "hash", hash,
			 "content", content, "regions", regions, "files",
			 files);
}

char *rp_piece_encode(const struct rp_piece *piece, struct rp_err *err)
{
	json_t *json = rp_piece_to_json(piece);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!text)
		no_memory(err);
	return text;
}

/*
 * Reading. A helper returns 0, -1 where something is malformed, which the
 * caller says, or RALLY_ENOMEM.
 */

static int get_int(const json_t *object, const char *key, int64_t min,
		   int64_t max, int64_t *value)
{
	const json_t *json = json_object_get(object, key);

	if (!json_is_integer(json))
		return -1;
	*value = json_integer_value(json);
	return *value < min || *value > max ? -1 : 0;
}

static int get_hash(const json_t *object, const char *key,
		    struct rp_hash *hash)
{
	const char *hex = json_string_value(json_object_get(object, key));

	return hex ? rp_hash_parse(hex, hash) : -1;
}

static int get_extents(const json_t *object, const char *key, int ndim,
		       int64_t *v)
{
	const json_t *array = json_object_get(object, key);

	if (!json_is_array(array) || json_array_size(array) != (size_t)ndim)
		return -1;
	for (int i = 0; i < ndim; i++) {
		const json_t *extent = json_array_get(array, (size_t)i);

		if (!json_is_integer(extent) || json_integer_value(extent) < 0)
			return -1;
		v[i] = json_integer_value(extent);
	}
	return 0;
}

/* What a rank declared of its box, if it did: a part of it. */
static int own_from_json(const json_t *json, struct rp_stored *s)
{
	const json_t *own = json_object_get(json, "own");
	const json_t *replicated = json_object_get(json, "replicated");

	if (replicated && !json_is_boolean(replicated))
		return -1;
	s->replicated = json_is_true(replicated);
	if (!own)
		return 0;
	s->owns = 1;
	if (get_extents(own, "start", s->ndim, s->own_start) != 0 ||
	    get_extents(own, "local", s->ndim, s->own_local) != 0)
		return -1;
	for (int i = 0; i < s->ndim; i++) {
		int64_t before = s->own_start[i] - s->start[i];

		if (before < 0 || before > s->local[i] ||
		    s->own_local[i] > s->local[i] - before)
			return -1;
	}
	return 0;
}

/* The same checks as for a registration; its data pointer stands for memory
 * that is not there yet. */
static int region_from_json(const json_t *json, struct rp_stored *s)
{
	const char *name = json_string_value(json_object_get(json, "array"));
	const char *dtype = json_string_value(json_object_get(json, "dtype"));
	static char nowhere;
	struct rp_region r;
	int rc;

	s->kind = name ? RP_ARRAY : RP_PRIVATE;
	if (!name)
		name = json_string_value(json_object_get(json, "private"));
	if (!name || !dtype || !(s->type = rp_dtype_parse(dtype)))
		return -1;
	s->ndim = 1;
	if (s->kind == RP_PRIVATE) {
		rc = get_int(json, "count", 0, INT64_MAX, &s->local[0]);
		s->shape[0] = s->local[0];
		if (rc == 0)
			rc = rp_region_private(&r, name, &nowhere, s->type,
					       (size_t)s->local[0], NULL);
	} else {
		size_t n = json_array_size(json_object_get(json, "shape"));

		s->ndim = n > RALLY_MAX_DIMS ? 0 : (int)n;
		rc = get_extents(json, "shape", s->ndim, s->shape) |
		     get_extents(json, "start", s->ndim, s->start) |
		     get_extents(json, "local", s->ndim, s->local);
		if (rc == 0)
			rc = rp_region_array(&r, name, &nowhere, s->type,
					     s->ndim, s->shape, s->start,
					     s->local, NULL);
		if (rc == 0)
			rc = own_from_json(json, s);
	}
	if (rc != 0)
		return -1;
	s->name = strdup(name);
	return s->name ? 0 : RALLY_ENOMEM;
}

static int file_from_json(const json_t *json, struct rp_stored_file *f)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const json_t *shared = json_object_get(json, "shared");
	int64_t bytes;

	if (!name || rp_region_check_name(name, NULL) != 0 ||
	    !json_is_boolean(shared) ||
	    get_int(json, "bytes", 0, INT64_MAX, &bytes) != 0 ||
	    get_hash(json, "hash", &f->hash) != 0)
		return -1;
	f->scope = json_is_true(shared) ? RALLY_FILE_SHARED
					: RALLY_FILE_PRIVATE;
	f->bytes = (uint64_t)bytes;
	f->name = strdup(name);
	return f->name ? 0 : RALLY_ENOMEM;
}

/* Room comes with what is found: a list of nothing that is long is to take no more
 * memory than its text. */
static int regions_from_json(struct rp_piece *piece, const json_t *array)
{
	size_t n = json_array_size(array), room = 0;
	int rc = json_is_array(array) ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (i == room) {
			struct rp_stored *v;

			room = room ? 2 * room : 4;
			v = realloc(piece->regions, room * sizeof(*v));
			if (!v)
				return RALLY_ENOMEM;
			piece->regions = v;
		}
		memset(&piece->regions[i], 0, sizeof(*piece->regions));
		rc = region_from_json(json_array_get(array, i),
				      &piece->regions[i]);
		if (rc == 0)
			piece->n_regions++;
	}
	return rc;
}

static int files_from_json(struct rp_piece *piece, const json_t *array)
{
	size_t n = json_array_size(array);
	int rc = 0;

	if (!json_is_array(array))
		return -1;
	piece->files = calloc(n + 1, sizeof(*piece->files));
	if (!piece->files)
		return RALLY_ENOMEM;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = file_from_json(json_array_get(array, i),
				    &piece->files[i]);
		if (rc == 0)
			piece->n_files++;
	}
	return rc;
}

/* Regions come sorted by name, as they are registered, so that none comes
 * twice; and the shard has room for all of them. */
static int check_lists(const struct rp_piece *piece)
{
	uint64_t room = piece->bytes;

	for (size_t i = 0; i < piece->n_regions; i++) {
		const struct rp_stored *s = &piece->regions[i];
		uint64_t bytes = (uint64_t)rp_dtype_bytes(s->type, s->ndim,
							  s->local);

		if (bytes > room || (i > 0 && strcmp(s[-1].name, s->name) >= 0))
			return -1;
		room -= bytes;
	}
	for (size_t i = 1; i < piece->n_files; i++)
		if (strcmp(piece->files[i - 1].name, piece->files[i].name) >= 0)
			return -1;
	return 0;
}

int rp_piece_from_json(struct rp_piece *piece, const json_t *json)
{
	int64_t rank, bytes;
	int rc;

	memset(piece, 0, sizeof(*piece));
	if (get_int(json, "rank", 0, INT32_MAX, &rank) != 0 ||
	    get_int(json, "bytes", 0, INT64_MAX, &bytes) != 0 ||
	    get_hash(json, "hash", &piece->hash) != 0 ||
	    get_hash(json, "content", &piece->content) != 0)
		return -1;
	piece->rank = (int)rank;
	piece->bytes = (uint64_t)bytes;
	rc = regions_from_json(piece, json_object_get(json, "regions"));
	if (rc == 0)
		rc = files_from_json(piece, json_object_get(json, "files"));
	if (rc == 0)
		rc = check_lists(piece);
	if (rc != 0)
		rp_piece_free(piece);
	return rc;
}

int rp_piece_decode(struct rp_piece *piece, const char *text, size_t size,
		    struct rp_err *err)
{
	json_error_t why;
	json_t *json = rp_json_parse(text, size, &why);
	int rc;

	memset(piece, 0, sizeof(*piece));
	if (json)
		rc = rp_piece_from_json(piece, json);
	else
		rc = *why.text ? -1 : RALLY_ENOMEM;
	json_decref(json);
	if (rc == RALLY_ENOMEM)
		return no_memory(err);
	return rc ? rp_fail(err, RALLY_ECORRUPT,
			    "a rank's part of the manifest is malformed")
		  : 0;
}
