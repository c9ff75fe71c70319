#include "flow/commit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "flow/files.h"
#include "sys/folder.h"

static int fill_manifest(struct rp_saving *s, struct rp_manifest *m)
{
	const char *text = s->pieces;

	m->sequence = s->sequence;
	m->step = s->step;
	m->ranks = s->ranks;
	m->cause = strdup(s->cause);
	m->job = strdup(s->job->id);
	m->version = strdup(RALLY_VERSION);
	m->restart = s->job->restarts;
	m->time = rp_wall();
	m->elapsed_ns = rp_now() - s->began - s->between_ns;
	m->meta = json_incref(s->meta);
	m->pieces = calloc((size_t)m->ranks, sizeof(*m->pieces));
	if (!m->cause || !m->job || !m->version || !m->pieces || !m->meta)
		return rp_fail(&s->err, RALLY_ENOMEM, "manifest: no memory");
	for (int i = 0; i < m->ranks; i++) {
		struct rp_piece *piece = &m->pieces[i];
		size_t size = strlen(text);

		if (rp_piece_decode(piece, text, size, &s->err) != 0)
			return s->err.code;
		text += size + 1;
		m->bytes += piece->bytes;
		for (size_t k = 0; k < piece->n_files; k++)
			m->bytes += piece->files[k].bytes;
	}
	m->bandwidth = rp_plan_bandwidth(s->rp, m->bytes, m->elapsed_ns);
	s->bytes = m->bytes;
	s->largest = rp_pace_largest(m);
	return 0;
}

int rp_commit_content(const struct rp_manifest *m, struct rp_hash *content,
		      struct rp_err *err)
{
	struct rp_hasher *hasher = rp_hasher_new();

	if (!hasher)
		return rp_fail(err, RALLY_ENOMEM, "manifest: no memory");
	for (int i = 0; i < m->ranks; i++) {
		rp_hasher_update(hasher, m->pieces[i].content.b,
				 RP_HASH_BYTES);
		for (size_t k = 0; k < m->pieces[i].n_files; k++)
			rp_hasher_update(hasher, m->pieces[i].files[k].hash.b,
					 RP_HASH_BYTES);
	}
	*content = rp_hasher_final(hasher);
	rp_hasher_free(hasher);
	return 0;
}

static int write_manifest(struct rp_saving *s)
{
	struct rp_manifest m = { 0 };
	char *path = rp_path(s->partial, RP_MANIFEST_FILE);
	char *files = rp_path(s->partial, "files");
	char *text = NULL;
	size_t size;
	int rc;

	if (!path || !files)
		rp_fail(&s->err, RALLY_ENOMEM, "manifest: no memory");
	rc = s->err.code;
	if (rc == 0)
		rc = fill_manifest(s, &m);
	if (rc == 0)
		rc = rp_commit_content(&m, &s->content, &s->err);
	if (rc == 0 && !(text = rp_manifest_encode(&m, &size, &s->err)))
		rc = s->err.code;
	if (rc == 0)
		rc = rp_write_file(s->io, path, text, size, &s->err);
	if (rc == 0 && rp_files_any(s->regions))
		rc = rp_sync_dir(s->io, files, &s->err);
	if (rc == 0)
		rc = rp_sync_dir(s->io, s->partial, &s->err);
	rp_manifest_free(&m);
	free(text);
	free(path);
	free(files);
	return rc;
}

/* From the rename on the checkpoint is there; only whether it would survive a
 * power cut is open until the folder's fsync. */
static int publish(struct rp_saving *s)
{
	struct rp_err sync = { 0 };
	char *final = rp_folder_final(s->dir, s->sequence, s->step);
	int rc = final ? 0 : rp_fail(&s->err, RALLY_ENOMEM, "no memory");

	if (rc == 0)
		rc = rp_owner_check(&s->owner, &s->err);
	if (rc == 0)
		rc = rp_publish(s->io, s->partial, final, &s->err);
	if (rc == 0 && rp_sync_dir(s->io, s->dir, &sync) != 0)
		rc = rp_fail(&s->err, RALLY_EUNCONFIRMED,
			     "%s is committed, but may not survive a power "
			     "cut: %s", final, sync.text);
	free(final);
	return rc;
}

int rp_commit(struct rp_saving *s)
{
	int rc = write_manifest(s);

	return rc ? rc : publish(s);
}
