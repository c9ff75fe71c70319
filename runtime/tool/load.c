#include "tool/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

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
		      const struct rp_manifest *m, const char *path,
		      struct rp_err *err)
{
	if (m->sequence == ckpt->sequence && m->step == ckpt->step)
		return 0;
	return rp_fail(err, RALLY_ECORRUPT,
		       "%s: it is the manifest of sequence %lld, step %lld",
		       path, (long long)m->sequence, (long long)m->step);
}

int rp_load(const struct rp_ckpt *ckpt, struct rp_manifest *manifest,
	    struct rp_err *err)
{
	char *path = rp_path(ckpt->path, RP_MANIFEST_FILE);
	size_t size = 0;
	char *text = NULL;
	int rc;

	if (!path)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory", ckpt->path);
	text = rp_read_file(NULL, path, RP_MANIFEST_MAX, &size, err);
	rc = text ? rp_manifest_decode(manifest, text, size, path, err)
		  : err->code;
	if (rc == 0) {
		rc = check_name(ckpt, manifest, path, err);
		if (rc != 0)
			rp_manifest_free(manifest);
	}
	free(text);
	free(path);
	return rc;
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
