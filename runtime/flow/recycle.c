#include "flow/recycle.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "flow/words.h"
#include "sys/pool.h"

/* The same on all ranks. What other nodes have open or mapped no lease tells, and
 * blocks that checkpoints share are not written in place. */
static int is_wanted(const struct rally *rp)
{
	return rp->options.recycle == RP_YES ||
	       (rp->options.recycle == RP_AUTO && rp->node.nodes == 1 &&
		!rp->options.incremental);
}

struct rp_pool *rp_recycle_pool(struct rally *rp)
{
	if (!is_wanted(rp) ||
	    (rp->options.recycle == RP_AUTO && !rp_pool_suits(rp->dir)))
		return NULL;
	return &rp->pool;
}

int rp_recycle_offer(struct rally *rp)
{
	/* The option may have changed since; or it is another folder's. */
	if (rp->aside || !is_wanted(rp))
		rp_recycle_end(rp);
	return rp->pool.path != NULL;
}

struct rp_reuse rp_recycle_reuse(const struct rally *rp, const char *pool,
				 const char *name)
{
	struct rp_reuse reuse = { pool ? rp_path(pool, name) : NULL,
				  rp->options.recycle != RP_YES };

	return reuse;
}

void rp_recycle_end(struct rally *rp)
{
	struct rp_err err = { 0 };

	if (rp_pool_drop(&rp->io, &rp->pool, &err) != 0)
		rp_words_error(rp, "removing pruned shards", &err);
}

void rp_recycle_close(struct rally *rp)
{
	if (rp->requeued || rp->may_exit)
		rp_pool_forget(&rp->pool);
	else
		rp_recycle_end(rp);
}
