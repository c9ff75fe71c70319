#include "flow/fallback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/claim.h"
#include "flow/handle.h"
#include "flow/recycle.h"
#include "flow/words.h"
#include "sys/retain.h"

const char *rp_fallback_dir(const struct rally *rp)
{
	return rp->aside ? rp->second.dir : rp->dir;
}

struct rp_owner *rp_fallback_owner(struct rally *rp)
{
	return rp->aside ? &rp->second.owner : &rp->owner;
}

/* Storage that fails, or a server of it that is away, in the words of local and
 * of network file systems. A lack of rights is a mistake, to be told. */
int rp_fallback_helps(const struct rp_err *err)
{
	static const int failures[] = { EIO,	   EROFS,  ENODEV,
					ENXIO,	   ESTALE, ETIMEDOUT,
					ESHUTDOWN, EREMOTEIO, ENOTCONN,
					EHOSTDOWN };

	if (err->code == RALLY_ENOSPC)
		return 1;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (err->code == RALLY_EIO && err->sys == failures[i])
			return 1;
	return 0;
}

void rp_fallback_begin(struct rally *rp, int stop)
{
	rp->aside = rp->second.dir && stop && rp->standing.aside;
}

int rp_fallback_claim(struct rally *rp)
{
	int *unclaimed = rp->aside ? &rp->second.unclaimed : &rp->unclaimed;
	struct rp_owner *owner = rp_fallback_owner(rp);

	if (!*unclaimed)
		return 0;
	if (rp->comm.rank == 0)
		rp_owner_release(owner);
	if (rp_claim_folder(rp, rp_fallback_dir(rp), owner) == 0)
		*unclaimed = 0;
	return rp->err.code;
}

int rp_fallback_again(struct rally *rp, int *tries)
{
	const char *from = rp_fallback_dir(rp);

	if (!rp->second.dir || rp->comm.dead || *tries > 1 ||
	    !rp_fallback_helps(&rp->err))
		return 0;
	if (rp->err.code == RALLY_EIO && rp->err.sys == EIO && *tries == 0) {
		*tries = 1;
	} else {
		*tries = 2;
		rp->aside = !rp->aside;
	}
	rp_words_fallback(rp, from, rp_fallback_dir(rp), rp->err.text);
	rp_err_clear(&rp->err);
	return 1;
}

static int list(struct rally *rp, struct rp_io *io, struct rp_folder *both,
		struct rp_err *err)
{
	int rc = rp_folder_list(io, both, rp->dir, err);

	if (rc == 0 && rp->second.dir)
		rc = rp_folder_add(io, both, rp->second.dir, err);
	return rc;
}

int rp_fallback_list(struct rally *rp, struct rp_folder *both,
		     struct rp_err *err)
{
	return list(rp, &rp->io, both, err);
}

int rp_fallback_holds(const struct rally *rp, const char *path)
{
	const char *dir = rp->second.dir;
	const char *name = strrchr(path, '/');

	return dir && name && (size_t)(name - path) == strlen(dir) &&
	       strncmp(path, dir, strlen(dir)) == 0;
}

static struct rp_retention retention_of(const struct rally *rp)
{
	const struct rp_standing *standing = &rp->standing;
	struct rp_retention retention = { (size_t)rp->options.keep,
					  rp->options.keep_every,
					  rp->restored ? 0 : standing->first,
					  standing->doubts,
					  standing->n_doubts };

	return retention;
}

/* How many of the newest checkpoints that stay are in the first and in the second
 * folder. */
static int share_keep(struct rally *rp, struct rp_io *io, size_t keep[2],
		      struct rp_err *err)
{
	struct rp_retention retention = retention_of(rp);
	enum rp_stay *stays = NULL;
	struct rp_folder both;
	int rc = list(rp, io, &both, err);

	if (rc == 0 && !(stays = calloc(both.n + 1, sizeof(*stays))))
		rc = rp_fail(err, RALLY_ENOMEM, "prune: no memory");
	if (rc == 0)
		rc = rp_retain(io, &both, &retention, stays, err);
	keep[0] = keep[1] = 0;
	for (size_t i = 0; rc == 0 && i < both.n; i++)
		if (stays[i] == RP_STAYS &&
		    both.v[i].sequence >= retention.from &&
		    !rp_retain_doubts(&retention, both.v[i].sequence))
			keep[rp_fallback_holds(rp, both.v[i].path)]++;
	free(stays);
	rp_folder_free(&both);
	return rc;
}

static void prune_in(struct rally *rp, struct rp_io *io, const char *dir,
		     struct rp_owner owner, size_t keep, struct rp_pool *pool,
		     size_t *pruned, struct rp_err *err)
{
	struct rp_retention retention = retention_of(rp);
	size_t count = 0;

	retention.keep = keep;
	owner.io = io;
	if (rp_owner_check(&owner, err) == 0)
		rp_folder_prune(io, dir, &retention, pool, &count, err);
	*pruned += count;
}

void rp_fallback_prune(struct rally *rp, struct rp_io *io, size_t *pruned,
		       struct rp_err *err)
{
	size_t keep[2] = { (size_t)rp->options.keep, 0 };
	const struct rp_second *second = &rp->second;

	*pruned = 0;
	if (second->dir && share_keep(rp, io, keep, err) != 0)
		return;
	if (!rp->unclaimed)
		prune_in(rp, io, rp->dir, rp->owner, keep[0],
			 rp_recycle_pool(rp), pruned, err);
	if (second->dir && !second->unclaimed)
		prune_in(rp, io, second->dir, second->owner, keep[1], NULL,
			 pruned, err);
}

void rp_fallback_close(struct rally *rp)
{
	rp_owner_release(&rp->second.owner);
	free(rp->second.dir);
	memset(&rp->second, 0, sizeof(rp->second));
}
