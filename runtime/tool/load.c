#include "tool/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "sys/shard_io.h"

const struct rp_ckpt *rp_pick(const struct rp_folder *folder, const char *dir,
			      const char *which, struct rp_err *err)
{
	int64_t sequence = -1;

	if (folder->n == 0) {
		rp_fail(err, RALLY_EABSENT, "%s holds no checkpoint", dir);
		return NULL;
	}
	if (!which)
		return &folder->v[0];
	if (rp_parse_int(which, 0, INT64_MAX, &sequence) != 0)
		sequence = -1;
	for (size_t i = 0; i < folder->n; i++)
		if (folder->v[i].sequence == sequence ||
		    strcmp(folder->v[i].name, which) == 0)
			return &folder->v[i];
	rp_fail(err, RALLY_EABSENT,
		"%s holds no checkpoint '%s'; `rallypoint ls` lists them", dir,
		which);
	return NULL;
}

static int check_name(const struct rp_ckpt *ckpt,
		      const struct rp_manifest *m, struct rp_err *err)
{
	if (m->sequence == ckpt->sequence && m->step == ckpt->step)
		return 0;
	return rp_fail(err, RALLY_ECORRUPT,
		       "%s/" RP_MANIFEST_FILE ": it is the manifest of sequence "
		       "%lld, step %lld", ckpt->path, (long long)m->sequence,
		       (long long)m->step);
}

static int read_manifest(const char *dir, struct rp_manifest *manifest,
			 struct rp_err *err)
{
	char *path = rp_path(dir, RP_MANIFEST_FILE);
	size_t size = 0;
	char *text = NULL;
	int rc;

	if (!path)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory", dir);
	text = rp_read_file(NULL, path, RP_MANIFEST_MAX, &size, err);
	rc = text ? rp_manifest_decode(manifest, text, size, path, err)
		  : err->code;
	free(text);
	free(path);
	return rc;
}

int rp_load(const struct rp_ckpt *ckpt, struct rp_manifest *manifest,
	    struct rp_err *err)
{
	int rc = read_manifest(ckpt->path, manifest, err);

	if (rc == 0) {
		rc = check_name(ckpt, manifest, err);
		if (rc != 0)
			rp_manifest_free(manifest);
	}
	return rc;
}

/* Whether a directory holds a manifest, of whatever kind. */
static int is_checkpoint(const char *path)
{
	char *file = rp_path(path, RP_MANIFEST_FILE);
	struct stat st;
	int found = file && lstat(file, &st) == 0;

	free(file);
	return found;
}

/* One that was moved away may have any name, but not another checkpoint's. */
static int load_moved(struct rp_ckpt *ckpt, struct rp_manifest *manifest,
		      struct rp_err *err)
{
	struct rp_ckpt named;
	int rc;

	if (rp_folder_parse(ckpt->name, &named) == 0) {
		ckpt->sequence = named.sequence;
		ckpt->step = named.step;
		return rp_load(ckpt, manifest, err);
	}
	rc = read_manifest(ckpt->path, manifest, err);
	if (rc == 0) {
		ckpt->sequence = manifest->sequence;
		ckpt->step = manifest->step;
	}
	return rc;
}

static int load_newest(const char *dir, struct rp_ckpt *ckpt,
		       struct rp_manifest *manifest, struct rp_err *err)
{
	const struct rp_ckpt *newest = NULL;
	struct rp_folder folder;

	if (rp_folder_list(NULL, &folder, dir, err) == 0)
		newest = rp_pick(&folder, dir, NULL, err);
	if (newest) {
		*ckpt = *newest;
		ckpt->path = strdup(newest->path);
		if (!ckpt->path)
			rp_fail(err, RALLY_ENOMEM, "%s: no memory", dir);
		else
			ckpt->name = strrchr(ckpt->path, '/') + 1;
	}
	rp_folder_free(&folder);
	return ckpt->path ? rp_load(ckpt, manifest, err) : err->code;
}

int rp_load_path(const char *path, struct rp_ckpt *ckpt,
		 struct rp_manifest *manifest, struct rp_err *err)
{
	size_t length = strlen(path);
	const char *slash;

	memset(ckpt, 0, sizeof(*ckpt));
	if (!is_checkpoint(path))
		return load_newest(path, ckpt, manifest, err);
	while (length > 1 && path[length - 1] == '/')
		length--;
	ckpt->path = strndup(path, length);
	if (!ckpt->path)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
	slash = strrchr(ckpt->path, '/');
	ckpt->name = slash && slash[1] ? slash + 1 : ckpt->path;
	return load_moved(ckpt, manifest, err);
}

/* Manifests once had them all. */
static int has_private(const struct rp_piece *piece)
{
	for (size_t i = 0; i < piece->n_regions; i++)
		if (piece->regions[i].kind == RP_PRIVATE)
			return 1;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rp_stored *)a)->name,
		      ((const struct rp_stored *)b)->name);
}

/* The library's own names begin with an '@', and the program's hold none. */
char *rp_load_private_name(const struct rp_tensor *t)
{
	const char *at = strchr(t->name, '@');

	return t->ndim == 1 && at && at > t->name
		       ? strndup(t->name, (size_t)(at - t->name))
		       : NULL;
}

static int add_private(struct rp_piece *piece, const struct rp_shard *shard,
		       struct rp_err *err)
{
	struct rp_stored *v = realloc(piece->regions,
				      (piece->n_regions + shard->n + 1) *
					      sizeof(*v));

	if (!v)
		return rp_fail(err, RALLY_ENOMEM, "no memory for %zu regions",
			       shard->n);
	piece->regions = v;
	for (size_t i = 0; i < shard->n; i++) {
		const struct rp_tensor *t = &shard->v[i];
		char *name = rp_load_private_name(t);

		if (!name)
			continue;
		v[piece->n_regions++] = (struct rp_stored){
			.name = name, .kind = RP_PRIVATE, .type = t->type,
			.ndim = 1, .shape = { t->shape[0] },
			.local = { t->shape[0] }
		};
	}
	qsort(v, piece->n_regions, sizeof(*v), by_name);
	return 0;
}

static int load_one(const struct rp_ckpt *ckpt, struct rp_piece *piece, int ranks,
		    struct rp_err *err)
{
	struct rp_shard_sum sum = { piece->bytes, piece->hash, piece->content };
	char *name = rp_shard_file_name(piece->rank, ranks);
	char *path = name ? rp_path(ckpt->path, name) : NULL;
	struct rp_shard shard = { 0 };
	int rc;

	if (!path)
		rc = rp_fail(err, RALLY_ENOMEM, "%s: no memory", ckpt->path);
	else
		rc = rp_shard_look(NULL, path, piece->rank, &sum, &shard, err);
	if (rc == 0)
		rc = add_private(piece, &shard, err);
	rp_shard_free(&shard);
	free(name);
	free(path);
	return rc;
}

int rp_load_private(const struct rp_ckpt *ckpt, struct rp_manifest *m,
		    struct rp_err *err)
{
	for (int i = 0; i < m->ranks; i++) {
		struct rp_err why = { 0 };

		if (!has_private(&m->pieces[i]) &&
		    load_one(ckpt, &m->pieces[i], m->ranks, &why) != 0 &&
		    err->code == 0)
			*err = why;
	}
	return err->code;
}

uint64_t rp_load_bytes(const struct rp_ckpt *v, size_t n)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		struct rp_manifest m = { 0 };
		struct rp_err quiet = { 0 };

		if (rp_load(&v[i], &m, &quiet) == 0)
			bytes += m.bytes;
		rp_manifest_free(&m);
	}
	return bytes;
}
