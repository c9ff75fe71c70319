#include "data/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/json.h"
#include "data/piece.h"

#define CHECKSUM_KEY "\n, \"checksum\": \""
#define CHECKSUM_END "\" }\n"

char *rp_manifest_file_path(const char *name, enum rally_file_scope scope,
			    int rank)
{
	if (scope == RALLY_FILE_SHARED)
		return rp_format("files/%s", name);
	return rp_format("files/rank-%05d/%s", rank, name);
}

static json_t *header_json(const struct rp_manifest *m)
{
	return json_pack("{s:i,s:s,s:s,s:I,s:I,s:I,s:i,s:s,s:s,s:I,s:I,s:I,"
			 "s:I,s:I,s:O}",
			 "format", RP_MANIFEST_FORMAT, "version", m->version,
			 "hash", RP_HASH_NAME, "block",
			 (json_int_t)RP_HASH_BLOCK, "sequence",
			 (json_int_t)m->sequence, "step", (json_int_t)m->step,
			 "ranks", m->ranks, "cause", m->cause, "job", m->job,
			 "restart", (json_int_t)m->restart, "time",
			 (json_int_t)m->time, "elapsed_ns",
			 (json_int_t)m->elapsed_ns, "bytes",
			 (json_int_t)m->bytes, "bandwidth",
			 (json_int_t)m->bandwidth, "meta", m->meta);
}

/* The document without its closing brace, so that the checksum can follow. */
static char *open_document(const struct rp_manifest *m)
{
	json_t *root = header_json(m);
	json_t *shards = json_array();
	char *text = NULL;
	int bad = !root;

	for (int i = 0; i < m->ranks; i++)
		bad |= json_array_append_new(shards,
					     rp_piece_to_json(&m->pieces[i]));
	if (!bad)
		bad = json_object_set(root, "shards", shards);
	if (!bad)
		text = json_dumps(root, JSON_INDENT(1));
	json_decref(shards);
	json_decref(root);
	/* json_dumps() ends an indented object with a newline and a brace. */
	if (text)
		text[strlen(text) - 2] = '\0';
	return text;
}

char *rp_manifest_encode(const struct rp_manifest *manifest, size_t *size,
			 struct rp_err *err)
{
	char *body = open_document(manifest);
	char hex[RP_HASH_HEX];
	struct rp_hash hash;
	char *text = NULL;

	if (body) {
		hash = rp_hash_of(body, strlen(body));
		rp_hash_hex(&hash, hex);
		text = rp_format("%s" CHECKSUM_KEY "%s" CHECKSUM_END, body,
				 hex);
		free(body);
	}
	if (!text) {
		rp_fail(err, RALLY_ENOMEM, "manifest: no memory");
		return NULL;
	}
	*size = strlen(text);
	if (*size <= RP_MANIFEST_MAX)
		return text;
	/* Nobody would read it, and what can be read would be pruned behind it. */
	rp_fail(err, RALLY_EARG,
		"the manifest would be %zu bytes long, more than %zu: register "
		"fewer arrays, or have shorter strings", *size, RP_MANIFEST_MAX);
	free(text);
	return NULL;
}

static int corrupt(struct rp_err *err, const char *path, const char *what)
{
	return rp_fail(err, RALLY_ECORRUPT, "%s: %s", path, what);
}

static int check_sum(const char *text, size_t size, const char *path,
		     struct rp_err *err)
{
	const size_t key = strlen(CHECKSUM_KEY);
	const size_t tail = key + RP_HASH_HEX - 1 + strlen(CHECKSUM_END);
	struct rp_hash hash, stored;
	char hex[RP_HASH_HEX];
	const char *end;

	if (size < tail || strlen(text) != size)
		return corrupt(err, path, "it is empty or cut short");
	end = text + size - tail;
	memcpy(hex, end + key, RP_HASH_HEX - 1);
	hex[RP_HASH_HEX - 1] = '\0';
	if (memcmp(end, CHECKSUM_KEY, key) != 0 ||
	    strcmp(end + key + RP_HASH_HEX - 1, CHECKSUM_END) != 0 ||
	    rp_hash_parse(hex, &stored) != 0)
		return corrupt(err, path, "its checksum is missing");
	hash = rp_hash_of(text, size - tail);
	if (memcmp(hash.b, stored.b, sizeof(hash.b)) != 0)
		return corrupt(err, path, "its checksum does not match");
	return 0;
}

static const char *string_of(const json_t *root, const char *key)
{
	return json_string_value(json_object_get(root, key));
}

static int int_of(const json_t *root, const char *key, int64_t min,
		  int64_t max, int64_t *value)
{
	const json_t *json = json_object_get(root, key);

	if (!json_is_integer(json))
		return -1;
	*value = json_integer_value(json);
	return *value < min || *value > max ? -1 : 0;
}

/* These helpers return 0, -1 where the JSON is malformed, or RALLY_ENOMEM. */
static int decode_strings(struct rp_manifest *m, json_t *root)
{
	const char *cause = string_of(root, "cause");
	const char *job = string_of(root, "job");
	const char *version = string_of(root, "version");
	const char *key;
	json_t *value;

	m->meta = json_incref(json_object_get(root, "meta"));
	if (!cause || !job || !version || !json_is_object(m->meta))
		return -1;
	json_object_foreach(m->meta, key, value)
		if (!json_is_string(value))
			return -1;
	m->cause = strdup(cause);
	m->job = strdup(job);
	m->version = strdup(version);
	return m->cause && m->job && m->version ? 0 : RALLY_ENOMEM;
}

static int decode_header(struct rp_manifest *m, json_t *root)
{
	const json_t *bandwidth = json_object_get(root, "bandwidth");
	int64_t ranks, bytes, block;
	const char *hash = string_of(root, "hash");

	if (int_of(root, "sequence", 0, INT64_MAX, &m->sequence) ||
	    int_of(root, "step", INT64_MIN, INT64_MAX, &m->step) ||
	    int_of(root, "ranks", 1, INT32_MAX, &ranks) ||
	    int_of(root, "restart", 0, INT64_MAX, &m->restart) ||
	    int_of(root, "time", 0, INT64_MAX, &m->time) ||
	    int_of(root, "elapsed_ns", 0, INT64_MAX, &m->elapsed_ns) ||
	    int_of(root, "bytes", 0, INT64_MAX, &bytes) ||
	    (bandwidth &&
	     int_of(root, "bandwidth", 0, INT64_MAX, &m->bandwidth)) ||
	    int_of(root, "block", RP_HASH_BLOCK, RP_HASH_BLOCK, &block) ||
	    !hash || strcmp(hash, RP_HASH_NAME) != 0)
		return -1;
	m->ranks = (int)ranks;
	m->bytes = (uint64_t)bytes;
	return decode_strings(m, root);
}

/* Adds a piece's shard and files to *sum. -1 where they are more bytes than
 * there can be. */
static int add_bytes(const struct rp_piece *piece, int64_t *sum)
{
	int bad = __builtin_add_overflow(*sum, piece->bytes, sum);

	for (size_t i = 0; i < piece->n_files; i++)
		bad |= __builtin_add_overflow(*sum, piece->files[i].bytes,
					      sum);
	return bad ? -1 : 0;
}

static int decode_pieces(struct rp_manifest *m, const json_t *shards)
{
	size_t ranks = (size_t)m->ranks;
	int64_t bytes = 0;
	int rc = 0;

	if (!json_is_array(shards) || json_array_size(shards) != ranks)
		return -1;
	m->pieces = calloc(ranks, sizeof(*m->pieces));
	if (!m->pieces)
		return RALLY_ENOMEM;
	for (size_t i = 0; rc == 0 && i < ranks; i++) {
		rc = rp_piece_from_json(&m->pieces[i],
					json_array_get(shards, i));
		if (rc == 0 && (m->pieces[i].rank != (int)i ||
				add_bytes(&m->pieces[i], &bytes) != 0))
			rc = -1;
	}
	return rc == 0 && (uint64_t)bytes != m->bytes ? -1 : rc;
}

static int decode_root(struct rp_manifest *m, json_t *root, const char *path,
		       struct rp_err *err)
{
	const char *part = "its header is malformed";
	int64_t format;
	int rc;

	if (int_of(root, "format", 1, INT64_MAX, &format) != 0)
		return corrupt(err, path, "it is no manifest");
	if (format > RP_MANIFEST_FORMAT)
		return rp_fail(err, RALLY_EVERSION,
			       "%s: format %lld is newer than %d, which this "
			       "version of rallypoint reads", path,
			       (long long)format, RP_MANIFEST_FORMAT);
	rc = decode_header(m, root);
	if (rc == 0) {
		part = "its list of shards is malformed";
		rc = decode_pieces(m, json_object_get(root, "shards"));
	}
	return rc < 0 ? corrupt(err, path, part) : rc;
}

int rp_manifest_decode(struct rp_manifest *manifest, const char *text,
		       size_t size, const char *path, struct rp_err *err)
{
	int rc = check_sum(text, size, path, err);
	json_error_t why;
	json_t *root;

	memset(manifest, 0, sizeof(*manifest));
	if (rc != 0)
		return rc;
	root = rp_json_parse(text, size, &why);
	if (root)
		rc = decode_root(manifest, root, path, err);
	else
		rc = *why.text ? corrupt(err, path, "it is no manifest")
			       : RALLY_ENOMEM;
	if (rc == RALLY_ENOMEM)
		rp_fail(err, rc, "%s: no memory", path);
	json_decref(root);
	if (rc != 0)
		rp_manifest_free(manifest);
	return rc;
}

const struct rp_stored *rp_manifest_find(const struct rp_manifest *manifest,
					 int rank, const char *name)
{
	const struct rp_piece *piece = &manifest->pieces[rank];
	size_t low = 0, high = piece->n_regions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(piece->regions[middle].name, name);

		if (order == 0)
			return &piece->regions[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void rp_manifest_free(struct rp_manifest *manifest)
{
	for (int i = 0; manifest->pieces && i < manifest->ranks; i++)
		rp_piece_free(&manifest->pieces[i]);
	free(manifest->pieces);
	json_decref(manifest->meta);
	free(manifest->cause);
	free(manifest->job);
	free(manifest->version);
	memset(manifest, 0, sizeof(*manifest));
}
