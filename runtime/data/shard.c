#include "data/shard.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/dtype.h"

char *rp_shard_file_name(int rank, int ranks)
{
	return rp_format("rank-%05d-of-%05d.safetensors", rank, ranks);
}

void rp_shard_free(struct rp_shard *shard)
{
	for (size_t i = 0; i < shard->n; i++)
		free(shard->v[i].name);
	free(shard->v);
	free(shard->rest);
	free(shard->by_name);
	memset(shard, 0, sizeof(*shard));
}

static char *tensor_name(const char *region, enum rp_kind kind, int rank)
{
	return kind == RP_ARRAY ? strdup(region)
				: rp_format("%s@rank-%05d", region, rank);
}

/* For one more: there is room for as many as the next power of two. */
static int make_room(struct rp_shard *shard)
{
	size_t n = shard->n;
	struct rp_tensor *v;

	if (n > 0 && (n & (n - 1)) != 0)
		return 0;
	v = realloc(shard->v, (n > 0 ? 2 * n : 1) * sizeof(*v));
	if (!v)
		return -1;
	shard->v = v;
	return 0;
}

/* Appends a tensor behind the last one; takes the name. */
static int append(struct rp_shard *shard, char *name, enum rally_type type,
		  int ndim, const int64_t *shape, struct rp_err *err)
{
	struct rp_tensor *t;

	if (!name || make_room(shard) != 0) {
		free(name);
		return rp_fail(err, RALLY_ENOMEM, "shard header: no memory");
	}
	t = &shard->v[shard->n++];
	memset(t, 0, sizeof(*t));
	t->name = name;
	t->type = type;
	t->ndim = ndim;
	memcpy(t->shape, shape, (size_t)ndim * sizeof(*shape));
	t->begin = shard->data_bytes;
	t->end = t->begin + (uint64_t)rp_dtype_bytes(type, ndim, shape);
	t->region = -1;
	shard->data_bytes = t->end;
	return 0;
}

static int append_pad(struct rp_shard *shard, struct rp_err *err)
{
	uint64_t rest = shard->data_bytes % RP_SHARD_ALIGN;
	int64_t size = (int64_t)(RP_SHARD_ALIGN - rest);

	if (rest == 0)
		return 0;
	return append(shard,
		      rp_format("@pad-%05zu@rank-%05d", shard->n, shard->rank),
		      RALLY_U8, 1, &size, err);
}

static int append_hash_table(struct rp_shard *shard, struct rp_err *err)
{
	int64_t shape[2];

	shard->hashed_bytes = shard->data_bytes;
	shape[0] = (int64_t)rp_hash_blocks(shard->hashed_bytes);
	shape[1] = RP_HASH_BYTES;
	return append(shard, rp_format("@hash@rank-%05d", shard->rank),
		      RALLY_U8, 2, shape, err);
}

static int append_region(struct rp_shard *shard, const struct rp_regions *regions,
			 size_t i, struct rp_err *err)
{
	const struct rp_region *r = &regions->v[i];
	int rc = append(shard, tensor_name(r->name, r->kind, shard->rank),
			r->type, r->ndim, r->local, err);

	if (rc == 0)
		shard->v[shard->n - 1].region = (int)i;
	return rc;
}

static int is_small(const struct rp_region *r)
{
	return r->kind != RP_FILE && r->bytes < RP_SHARD_SMALL;
}

/* The widest types first. */
static int append_small(struct rp_shard *shard, const struct rp_regions *regions,
			struct rp_err *err)
{
	int rc = 0;

	for (size_t width = 8; rc == 0 && width > 0; width /= 2)
		for (size_t i = 0; rc == 0 && i < regions->n; i++)
			if (is_small(&regions->v[i]) &&
			    rp_dtype_size(regions->v[i].type) == width)
				rc = append_region(shard, regions, i, err);
	return rc ? rc : append_pad(shard, err);
}

static int append_large(struct rp_shard *shard, const struct rp_regions *regions,
			struct rp_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < regions->n; i++) {
		if (regions->v[i].kind == RP_FILE || is_small(&regions->v[i]))
			continue;
		rc = append_region(shard, regions, i, err);
		if (rc == 0)
			rc = append_pad(shard, err);
	}
	return rc;
}

int rp_shard_plan(struct rp_shard *shard, const struct rp_regions *regions,
		  int rank, int ranks, int64_t step, struct rp_err *err)
{
	int rc;

	memset(shard, 0, sizeof(*shard));
	shard->rank = rank;
	shard->ranks = ranks;
	shard->step = step;
	rc = append_small(shard, regions, err);
	if (rc == 0)
		rc = append_large(shard, regions, err);
	if (rc == 0)
		rc = append_hash_table(shard, err);
	if (rc == 0)
		rc = append_pad(shard, err);
	return rc;
}

static json_t *int_array(int n, const int64_t *v)
{
	json_t *array = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(array, json_integer(v[i]));
	return array;
}

/* Where a box lies. PyTorch's reader knows the parts of an array by their offsets,
 * and takes the last part that it sees at one: an empty box is put behind the end,
 * where no other begins and nothing is read. */
static json_t *box_offsets(const struct rp_region *r)
{
	int64_t at[RALLY_MAX_DIMS];

	for (int i = 0; i < r->ndim; i++)
		at[i] = r->local[i] > 0 ? r->start[i] : r->shape[i];
	return int_array(r->ndim, at);
}

/* What PyTorch's DCP wants to know of a tensor: the box it holds. */
static json_t *sharding_info(const struct rp_tensor *t,
			     const struct rp_regions *regions)
{
	static const int64_t zero[RALLY_MAX_DIMS];
	const struct rp_region *r = t->region < 0 ? NULL
						  : &regions->v[t->region];
	int box = r && r->kind == RP_ARRAY;

	return json_pack("{s:o,s:o,s:s}", "saved_offsets",
			 box ? box_offsets(r) : int_array(t->ndim, zero),
			 "global_shape",
			 int_array(t->ndim, box ? r->shape : t->shape),
			 "logical_fqn", t->name);
}

/* __metadata__ maps strings to strings, so the sharding info is JSON in JSON.
 */
static json_t *metadata(const struct rp_shard *shard,
			const struct rp_regions *regions)
{
	json_t *info = json_object();
	json_t *meta = NULL;
	char *text, rank[12], ranks[12];

	for (size_t i = 0; i < shard->n; i++)
		json_object_set_new(info, shard->v[i].name,
				    sharding_info(&shard->v[i], regions));
	text = json_dumps(info, JSON_COMPACT);
	snprintf(rank, sizeof(rank), "%d", shard->rank);
	snprintf(ranks, sizeof(ranks), "%d", shard->ranks);
	if (text)
		meta = json_pack("{s:s,s:s,s:s,s:s}", "step", "0", "rank",
				 rank, "ranks", ranks, "DCP_SHARDING_INFO",
				 text);
	free(text);
	json_decref(info);
	return meta;
}

static json_t *tensor_json(const struct rp_tensor *t)
{
	int64_t offsets[2] = { (int64_t)t->begin, (int64_t)t->end };

	return json_pack("{s:s,s:o,s:o}", "dtype", rp_dtype_name(t->type),
			 "shape", int_array(t->ndim, t->shape), "data_offsets",
			 int_array(2, offsets));
}

/* Of the step alone the header is another one in each save, so it stands in
 * front. */
#define BEGIN "{\"__metadata__\":{\"step\":\""

/* u64 length, text, spaces up to the alignment. */
static char *frame(struct rp_shard *shard, struct rp_err *err)
{
	char begin[sizeof(BEGIN) + 24];
	size_t first = (size_t)snprintf(begin, sizeof(begin), BEGIN "%" PRId64,
					shard->step);
	size_t second = strlen(shard->rest);
	size_t total = (8 + first + second + RP_SHARD_ALIGN - 1) /
		       RP_SHARD_ALIGN * RP_SHARD_ALIGN;
	uint64_t n = total - 8;
	char *bytes;

	if (n > RP_SHARD_HEADER_MAX) {
		rp_fail(err, RALLY_EARG,
			"the shard's header would be %" PRIu64 " bytes long, "
			"the format allows %d: register fewer regions", n,
			RP_SHARD_HEADER_MAX);
		return NULL;
	}
	bytes = malloc(total);
	if (!bytes) {
		rp_fail(err, RALLY_ENOMEM, "shard header: no memory");
		return NULL;
	}
	memcpy(bytes, &n, 8);
	memcpy(bytes + 8, begin, first);
	memcpy(bytes + 8 + first, shard->rest, second);
	memset(bytes + 8 + first + second, ' ', total - 8 - first - second);
	shard->header_bytes = total;
	return bytes;
}

static int encode_rest(struct rp_shard *shard, const struct rp_regions *regions,
		       struct rp_err *err)
{
	static const char begin[] = BEGIN "0";
	json_t *root = json_object();
	char *text;
	int bad;

	bad = json_object_set_new(root, "__metadata__",
				  metadata(shard, regions));
	for (size_t i = 0; i < shard->n; i++)
		bad |= json_object_set_new(root, shard->v[i].name,
					   tensor_json(&shard->v[i]));
	text = bad ? NULL : json_dumps(root, JSON_COMPACT);
	json_decref(root);
	if (text && strncmp(text, begin, strlen(begin)) == 0)
		shard->rest = strdup(text + strlen(begin));
	free(text);
	return shard->rest ? 0 : rp_fail(err, RALLY_ENOMEM,
					 "shard header: no memory");
}

char *rp_shard_encode(struct rp_shard *shard, const struct rp_regions *regions,
		      struct rp_err *err)
{
	if (!shard->rest && encode_rest(shard, regions, err) != 0)
		return NULL;
	return frame(shard, err);
}

struct rp_shard *rp_layout_take(struct rp_layout *layout,
				const struct rp_regions *regions, int rank,
				int ranks, int64_t step, struct rp_err *err)
{
	if (!layout->made || layout->layout != regions->layout) {
		rp_layout_free(layout);
		if (rp_shard_plan(&layout->shard, regions, rank, ranks, step,
				  err) != 0)
			return NULL;
		layout->layout = regions->layout;
		layout->made = 1;
	}
	layout->shard.step = step;
	return &layout->shard;
}

void rp_layout_free(struct rp_layout *layout)
{
	rp_shard_free(&layout->shard);
	layout->made = 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(const struct rp_tensor *const *)a)->name,
		      (*(const struct rp_tensor *const *)b)->name);
}

static int sort_names(struct rp_shard *shard)
{
	shard->by_name = calloc(shard->n + 1, sizeof(*shard->by_name));
	if (!shard->by_name)
		return -1;
	for (size_t i = 0; i < shard->n; i++)
		shard->by_name[i] = &shard->v[i];
	qsort(shard->by_name, shard->n, sizeof(*shard->by_name), compare_names);
	return 0;
}

/* Without memory too: a name that is not found is taken for damage. */
const struct rp_tensor *rp_shard_find(struct rp_shard *shard,
				      const char *region, enum rp_kind kind)
{
	char private[RALLY_MAX_NAME + sizeof("@rank-2147483647")];
	struct rp_tensor wanted = { .name = private };
	const struct rp_tensor *key = &wanted, **at;

	if (strlen(region) > RALLY_MAX_NAME)
		return NULL;
	if (kind == RP_ARRAY)
		wanted.name = (char *)(uintptr_t)region;
	else
		snprintf(private, sizeof(private), "%s@rank-%05d", region,
			 shard->rank);
	if (shard->by_name || sort_names(shard) == 0) {
		at = bsearch(&key, shard->by_name, shard->n,
			     sizeof(*shard->by_name), compare_names);
		return at ? *at : NULL;
	}
	for (size_t i = 0; i < shard->n; i++)
		if (strcmp(shard->v[i].name, wanted.name) == 0)
			return &shard->v[i];
	return NULL;
}
