#include "flow/saving.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "data/shard.h"
#include "flow/commit.h"
#include "flow/files.h"

static int write_shard(struct rp_saving *s)
{
	char *name = rp_shard_file_name(s->rank, s->ranks);
	char *path = name ? rp_path(s->partial, name) : NULL;
	struct rp_shard_sum sum = { 0 };
	int rc;

	if (!path)
		rc = rp_fail(&s->err, RALLY_ENOMEM, "save: no memory");
	else
		rc = rp_shard_write(s->io, path, s->regions, s->rank, s->ranks,
				    s->step, &s->how, s->progress, &sum,
				    &s->err);
	if (rc == 0) {
		s->piece.bytes = sum.bytes;
		s->piece.hash = sum.hash;
		s->piece.content = sum.content;
	}
	free(name);
	free(path);
	return rc;
}

void rp_saving_write(void *saving)
{
	struct rp_saving *s = saving;

	if (rp_piece_init(&s->piece, s->regions, s->rank, &s->err) == 0 &&
	    write_shard(s) == 0)
		rp_files_seal(s->io, s->partial, s->regions, s->rank, s->ranks,
			      &s->piece, &s->err);
	s->written = rp_now();
	s->elapsed_ns = s->written - s->began;
	atomic_store(&s->ended, 1);
}

void rp_saving_commit(void *saving)
{
	struct rp_saving *s = saving;

	if (s->background)
		s->between_ns = rp_now() - s->written;
	rp_commit(s);
	s->elapsed_ns = rp_now() - s->began - s->between_ns;
	atomic_store(&s->ended, 1);
}

void rp_saving_prune(void *saving)
{
	struct rp_saving *s = saving;

	s->pruned = 0;
	rp_pool_drop(s->io, &s->rp->pool, &s->err);
	rp_fallback_prune(s->rp, s->io, &s->pruned, &s->err);
	atomic_store(&s->ended, 1);
}

void rp_saving_clear(struct rp_saving *s)
{
	int64_t number = s->number;

	rp_piece_free(&s->piece);
	json_decref(s->meta);
	free(s->pieces);
	free(s->room);
	free(s->how.reuse.old);
	memset(s, 0, sizeof(*s));
	s->number = number;
}
