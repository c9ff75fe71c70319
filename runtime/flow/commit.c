#include "flow/commit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "flow/files.h"
#include "sys/folder.h"

static int fill_manifest(struct rally *rp, struct rp_commit *commit,
			 struct rp_manifest *m, const char *pieces)
{
	m->sequence = rp->standing.next;
	m->step = commit->step;
	m->ranks = rp->comm.size;
	m->cause = strdup(commit->cause);
	m->job = strdup(rp->job.id);
	m->version = strdup(RALLY_VERSION);
	m->restart = rp->job.restarts;
	m->time = rp_wall();
	m->elapsed_ns = rp_now() - commit->began;
	m->meta = json_incref(rp->meta);
	m->pieces = calloc((size_t)m->ranks, sizeof(*m->pieces));
	if (!m->cause || !m->job || !m->version || !m->pieces)
		return rp_fail(&rp->err, RALLY_ENOMEM, "manifest: no memory");
	for (int i = 0; i < m->ranks; i++) {
		struct rp_piece *piece = &m->pieces[i];
		size_t size = strlen(pieces);

		if (rp_piece_decode(piece, pieces, size, &rp->err) != 0)
			return rp->err.code;
		pieces += size + 1;
		m->bytes += piece->bytes;
		for (size_t k = 0; k < piece->n_files; k++)
			m->bytes += piece->files[k].bytes;
	}
	m->bandwidth = rp_plan_bandwidth(rp, m->bytes, m->elapsed_ns);
	commit->bytes = m->bytes;
	commit->largest = rp_pace_largest(m);
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

static int write_manifest(struct rally *rp, struct rp_commit *commit,
			  const char *pieces)
{
	struct rp_manifest m = { 0 };
	char *path = rp_path(commit->partial, RP_MANIFEST_FILE);
	char *files = rp_path(commit->partial, "files");
	char *text = NULL;
	size_t size;
	int rc;

	if (!path || !files)
		rp_fail(&rp->err, RALLY_ENOMEM, "manifest: no memory");
	rc = rp->err.code;
	if (rc == 0)
		rc = fill_manifest(rp, commit, &m, pieces);
	if (rc == 0)
		rc = rp_commit_content(&m, &commit->content, &rp->err);
	if (rc == 0 && !(text = rp_manifest_encode(&m, &size, &rp->err)))
		rc = rp->err.code;
	if (rc == 0)
		rc = rp_write_file(&rp->io, path, text, size, &rp->err);
	if (rc == 0 && rp_files_any(&rp->regions))
		rc = rp_sync_dir(&rp->io, files, &rp->err);
	if (rc == 0)
		rc = rp_sync_dir(&rp->io, commit->partial, &rp->err);
	rp_manifest_free(&m);
	free(text);
	free(path);
	free(files);
	return rc;
}

/* From the rename on the checkpoint is there; only whether it would survive a
 * power cut is open until the folder's fsync. */
static int publish(struct rally *rp, struct rp_commit *commit)
{
	struct rp_err sync = { 0 };
	const char *dir = rp_fallback_dir(rp);
	char *final = rp_folder_final(dir, rp->standing.next, commit->step);
	int rc = final ? 0 : rp_fail(&rp->err, RALLY_ENOMEM, "no memory");

	if (rc == 0)
		rc = rp_owner_check(rp_fallback_owner(rp), &rp->err);
	if (rc == 0)
		rc = rp_publish(&rp->io, commit->partial, final, &rp->err);
	if (rc == 0 && rp_sync_dir(&rp->io, dir, &sync) != 0)
		rc = rp_fail(&rp->err, RALLY_EUNCONFIRMED,
			     "%s is committed, but may not survive a power "
			     "cut: %s", final, sync.text);
	free(final);
	return rc;
}

int rp_commit(struct rally *rp, struct rp_commit *commit, const char *pieces)
{
	int rc = write_manifest(rp, commit, pieces);

	return rc ? rc : publish(rp, commit);
}
