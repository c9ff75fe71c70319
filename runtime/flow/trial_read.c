/*
 * flow/trial_read.c - a restore's reading: the registered memory, then the program's
 *                     files
 */
#include "flow/files.h"
#include "flow/trial.h"
#include "flow/want.h"
#include "flow/words.h"
#include "sys/source.h"

#define BETWEEN_VOTES ((uint64_t)24 << 20)	/* bytes of shards */

static int has_same_ranks(const struct rp_trial *trial)
{
	return trial->manifest.ranks == trial->rp->comm.size;
}

/* Of those that wrote, where ranks have their boxes in the same order. */
static int nearest_rank(const struct rp_trial *trial)
{
	const struct rp_comm *comm = &trial->rp->comm;

	return (int)((int64_t)comm->rank * trial->manifest.ranks / comm->size);
}

static struct rp_source *open_source(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;
	struct rp_shard_how how = {
		.beside = rp->threads ? &rp->node.beside : NULL,
		.direct = (enum rp_auto)rp->options.direct,
		.staging = &rp->staging,
	};
	struct rp_source *source;

	if (rp_handle_refused(rp) != 0)
		return NULL;
	source = rp_source_open(&rp->io, trial->path, &trial->manifest, &how,
				&rp->progress, &rp->err);
	if (source && has_same_ranks(trial))
		rp_source_own(source, rp->comm.rank);
	if (source)
		rp_source_begin_with(source, nearest_rank(trial));
	return source;
}

/* No rank touches its memory before all have found what they want. Then a vote after
 * each part, until all are through or one has given up. It goes on while the next part
 * is read: a rank waits only for one that is a whole part behind, and reads no more than
 * two parts in vain. */
static void read_parts(struct rp_trial *trial, struct rp_source *source)
{
	struct rally *rp = trial->rp;
	int more = rp_comm_settle(&rp->comm, &rp->err) == 0;

	while (more) {
		int mine = rp->err.code == 0 && rp_source_left(source) > 0;

		if (rp_comm_settle_begin(&rp->comm, mine, &rp->err) != 0)
			return;
		if (mine)
			rp_source_next(source, BETWEEN_VOTES, &rp->err);
		if (rp_comm_settle_end(&rp->comm, &more, &rp->err) != 0)
			return;
	}
}

static int read_regions(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;
	struct rp_want want = { .rank = NULL };
	struct rp_source *source = open_source(trial);

	if (rp_want_gather(trial, source, &want) == 0) {
		if (rp_devices_begin(rp->regions.devices, &want.regions,
				     rp->stream, rp->node.topo, &rp->err) == 0)
			rp_want_from(&want, source, &rp->err);
		read_parts(trial, source);
	}
	if (source) {
		struct rp_source_count count = rp_source_counted(source);

		atomic_store(&rp->seen.needed, count.needed);
		atomic_store(&rp->seen.read, count.read);
	}
	rp_source_close(source);
	rp_devices_end(rp->regions.devices);
	rp_want_free(&want);
	return rp->err.code;
}

/* Likewise, a file and a vote. */
static void verify_files(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;
	struct rp_files_walk walk = { 0, 0 };
	int more;

	do
		more = rp_files_verify(rp, trial->path, &trial->manifest,
				       &walk);
	while (rp_comm_settle_more(&rp->comm, more, &more, &rp->err) == 0 &&
	       more);
}

/* What it took, on all ranks together. */
static void add_up(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;
	uint64_t sums[] = { atomic_load(&rp->progress.done),
			    atomic_load(&rp->seen.needed),
			    atomic_load(&rp->seen.read) };

	if (rp_comm_sum(&rp->comm, sums, 3, &rp->err) != 0)
		return;
	trial->taken.verified = sums[0];
	trial->taken.needed = sums[1];
	trial->taken.read = sums[2];
}

int rp_trial_read(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;

	rp_words_bar_begin(rp, "restoring");
	if (read_regions(trial) == 0)
		verify_files(trial);
	rp_words_bar_end(rp);
	if (rp->err.code != 0)
		return rp->err.code;
	rp_files_read(rp, trial->path, &trial->manifest);
	if (rp_comm_settle(&rp->comm, &rp->err) == 0)
		add_up(trial);
	return rp->err.code;
}
