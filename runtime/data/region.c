#include "data/region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/dtype.h"

int rp_region_check_name(const char *name, struct rp_err *err)
{
	size_t length = name ? strlen(name) : 0;

	if (length == 0)
		return rp_fail(err, RALLY_EARG, "a region needs a name");
	if (length > RALLY_MAX_NAME)
		return rp_fail(err, RALLY_EARG,
			       "the name '%.40s...' is %zu bytes long, more "
			       "than %d", name, length, RALLY_MAX_NAME);
	if (name[0] == '.')
		return rp_fail(err, RALLY_EARG,
			       "the name '%s' begins with a dot", name);
	/* A shard's header says under it what the file is. */
	if (strcmp(name, "__metadata__") == 0)
		return rp_fail(err, RALLY_EARG,
			       "the name '%s' is the safetensors format's own",
			       name);
	for (const char *p = name; *p; p++)
		if (*p < ' ' || *p > '~' || strchr("/@\"\\", *p))
			return rp_fail(err, RALLY_EARG,
				       "the name '%s' holds a byte that is not "
				       "printable ASCII, or one of / @ \" \\",
				       name);
	return 0;
}

static int check_memory(const struct rp_region *region, struct rp_err *err)
{
	int64_t bytes = rp_dtype_bytes(region->type, region->ndim,
				       region->local);

	if (rp_dtype_size(region->type) == 0)
		return rp_fail(err, RALLY_EARG, "region '%s': %d is no type",
			       region->name, (int)region->type);
	if (bytes < 0)
		return rp_fail(err, RALLY_EARG,
			       "region '%s': more bytes than memory can hold",
			       region->name);
	if (bytes > 0 && !region->data)
		return rp_fail(err, RALLY_EARG,
			       "region '%s': %lld bytes at a NULL pointer",
			       region->name, (long long)bytes);
	return 0;
}

int rp_region_private(struct rp_region *region, const char *name, void *data,
		      enum rally_type type, size_t count, struct rp_err *err)
{
	int rc = rp_region_check_name(name, err);

	if (rc)
		return rc;
	memset(region, 0, sizeof(*region));
	region->name = (char *)(uintptr_t)name;
	region->kind = RP_PRIVATE;
	region->data = data;
	region->type = type;
	region->ndim = 1;
	region->local[0] = count > INT64_MAX ? -1 : (int64_t)count;
	region->shape[0] = region->local[0];
	rc = check_memory(region, err);
	if (rc == 0)
		region->bytes = (uint64_t)rp_dtype_bytes(type, 1,
							 region->local);
	return rc;
}

static int check_box(const struct rp_region *region, struct rp_err *err)
{
	for (int i = 0; i < region->ndim; i++) {
		int64_t global = region->shape[i];
		int64_t start = region->start[i];
		int64_t local = region->local[i];

		if (global < 0 || start < 0 || local < 0 || start > global ||
		    local > global - start)
			return rp_fail(err, RALLY_EARG,
				       "array '%s', dimension %d: the box "
				       "starts at %lld and is %lld long, the "
				       "array is %lld", region->name, i,
				       (long long)start, (long long)local,
				       (long long)global);
	}
	return 0;
}

int rp_region_array(struct rp_region *region, const char *name, void *data,
		    enum rally_type type, int ndim, const int64_t *global,
		    const int64_t *start, const int64_t *local,
		    struct rp_err *err)
{
	int rc = rp_region_check_name(name, err);

	if (rc)
		return rc;
	if (ndim < 1 || ndim > RALLY_MAX_DIMS)
		return rp_fail(err, RALLY_EARG,
			       "array '%s': %d dimensions, not 1 to %d", name,
			       ndim, RALLY_MAX_DIMS);
	if (!global || !start || !local)
		return rp_fail(err, RALLY_EARG,
			       "array '%s': global, start or local is NULL",
			       name);
	memset(region, 0, sizeof(*region));
	region->name = (char *)(uintptr_t)name;
	region->kind = RP_ARRAY;
	region->data = data;
	region->type = type;
	region->ndim = ndim;
	memcpy(region->shape, global, (size_t)ndim * sizeof(*global));
	memcpy(region->start, start, (size_t)ndim * sizeof(*start));
	memcpy(region->local, local, (size_t)ndim * sizeof(*local));
	rc = check_box(region, err);
	if (rc == 0)
		rc = check_memory(region, err);
	if (rc == 0 && rp_dtype_bytes(type, ndim, global) < 0)
		rc = rp_fail(err, RALLY_EARG,
			     "array '%s': the global array has more than 2^63 "
			     "bytes", name);
	if (rc == 0)
		region->bytes = (uint64_t)rp_dtype_bytes(type, ndim, local);
	return rc;
}

int rp_region_file(struct rp_region *region, const char *name,
		   enum rally_file_scope scope, rally_file_fn *fn, void *arg,
		   struct rp_err *err)
{
	int rc = rp_region_check_name(name, err);

	if (rc)
		return rc;
	if (!fn)
		return rp_fail(err, RALLY_EARG, "file '%s': fn is NULL", name);
	if (scope != RALLY_FILE_SHARED && scope != RALLY_FILE_PRIVATE)
		return rp_fail(err, RALLY_EARG, "file '%s': %d is no scope",
			       name, (int)scope);
	memset(region, 0, sizeof(*region));
	region->name = (char *)(uintptr_t)name;
	region->kind = RP_FILE;
	region->scope = scope;
	region->fn = fn;
	region->arg = arg;
	return 0;
}

/* Index of the first region whose name is not below `name`. */
static size_t lower_bound(const struct rp_regions *regions, const char *name)
{
	size_t low = 0, high = regions->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(regions->v[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct rp_region *rp_regions_find(const struct rp_regions *regions,
				  const char *name)
{
	size_t i = lower_bound(regions, name);

	if (i < regions->n && strcmp(regions->v[i].name, name) == 0)
		return &regions->v[i];
	return NULL;
}

static int same_layout(const struct rp_region *a, const struct rp_region *b)
{
	return a->kind == b->kind && a->type == b->type && a->ndim == b->ndim &&
	       a->replicated == b->replicated &&
	       memcmp(a->shape, b->shape, sizeof(a->shape)) == 0 &&
	       memcmp(a->start, b->start, sizeof(a->start)) == 0 &&
	       memcmp(a->local, b->local, sizeof(a->local)) == 0;
}

static void replace(struct rp_region *old, const struct rp_region *region)
{
	struct rp_region before = *old;

	*old = *region;
	old->name = before.name;
	old->optional = before.optional;
	if (old->owns || !same_layout(old, &before))
		return;
	old->owns = before.owns;
	memcpy(old->own_start, before.own_start, sizeof(old->own_start));
	memcpy(old->own_local, before.own_local, sizeof(old->own_local));
}

int rp_regions_put(struct rp_regions *regions, const struct rp_region *region,
		   struct rp_err *err)
{
	struct rp_region *old = rp_regions_find(regions, region->name);
	size_t i = lower_bound(regions, region->name);
	struct rp_region *v;
	char *name;

	if (old) {
		regions->layout += !same_layout(old, region);
		regions->bytes += region->bytes - old->bytes;
		replace(old, region);
		return 0;
	}
	name = strdup(region->name);
	v = realloc(regions->v, (regions->n + 1) * sizeof(*v));
	if (v)
		regions->v = v;
	if (!name || !v) {
		free(name);
		return rp_fail(err, RALLY_ENOMEM, "region '%s': no memory",
			       region->name);
	}
	memmove(&v[i + 1], &v[i], (regions->n - i) * sizeof(*v));
	v[i] = *region;
	v[i].name = name;
	regions->bytes += region->bytes;
	regions->n++;
	regions->layout++;
	return 0;
}

int rp_regions_drop(struct rp_regions *regions, const char *name,
		    struct rp_err *err)
{
	struct rp_region *old = rp_regions_find(regions, name);
	size_t i;

	if (!old)
		return rp_fail(err, RALLY_EABSENT,
			       "nothing is registered as '%s'", name);
	i = (size_t)(old - regions->v);
	regions->bytes -= old->bytes;
	free(old->name);
	memmove(old, old + 1, (regions->n - i - 1) * sizeof(*old));
	regions->n--;
	regions->layout++;
	return 0;
}

uint64_t rp_regions_bytes(const struct rp_regions *regions)
{
	return regions->bytes;
}

static void print_common(FILE *out, const struct rp_region *r, const char *comma)
{
	char shape[256] = "private file";
	const char *how = "";

	if (r->kind == RP_ARRAY) {
		rp_dtype_shape_text(r->type, r->ndim, r->shape, shape,
				    sizeof(shape));
		how = r->replicated ? " replicated" : r->owns ? " owned" : "";
	} else if (r->scope == RALLY_FILE_SHARED) {
		strcpy(shape, "shared file");
	}
	fprintf(out, "%s%s %s%s", comma, r->name, shape, how);
}

char *rp_regions_common(const struct rp_regions *regions)
{
	const char *comma = "";
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int bad;

	if (!out)
		return NULL;
	for (size_t i = 0; i < regions->n; i++) {
		if (regions->v[i].kind == RP_PRIVATE)
			continue;
		print_common(out, &regions->v[i], comma);
		comma = ", ";
	}
	bad = ferror(out);
	if (fclose(out) != 0 || bad) {
		free(text);
		return NULL;
	}
	return text;
}

void rp_regions_free(struct rp_regions *regions)
{
	for (size_t i = 0; i < regions->n; i++)
		free(regions->v[i].name);
	free(regions->v);
	regions->v = NULL;
	regions->n = 0;
	regions->layout++;
	regions->bytes = 0;
}
