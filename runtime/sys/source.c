#include "sys/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/dtype.h"
#include "sys/source_state.h"

#define PIECE ((size_t)1 << 20)	/* of what goes to a GPU from memory of the host's */
#define KEPT ((uint64_t)16 << 20)	/* bytes of headers, where there is no limit */

struct rp_source *rp_source_open(struct rp_io *io, const char *path,
				 const struct rp_manifest *manifest,
				 const struct rp_shard_how *how,
				 struct rp_progress *progress,
				 struct rp_err *err)
{
	struct rp_source *source = calloc(1, sizeof(*source));

	if (source)
		source->shards = calloc((size_t)manifest->ranks,
					sizeof(*source->shards));
	if (!source || !source->shards) {
		free(source);
		rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
		return NULL;
	}
	source->io = io;
	source->path = path;
	source->manifest = manifest;
	source->progress = progress;
	source->own = source->reading = -1;
	if (how)
		source->how = *how;
	rp_progress_begin(progress, 0);
	return source;
}

void rp_source_own(struct rp_source *source, int rank)
{
	source->own = rank;
}

void rp_source_begin_with(struct rp_source *source, int rank)
{
	source->first = rank;
}

static void free_targets(struct rp_source *source)
{
	while (source->targets) {
		struct rp_target *target = source->targets;

		source->targets = target->next;
		free(target->aside);
		free(target->name);
		free(target);
	}
}

void rp_source_close(struct rp_source *source)
{
	if (!source)
		return;
	for (int i = 0; i < source->manifest->ranks; i++) {
		rp_shard_close(source->shards[i].reader);
		free(source->shards[i].shares);
		free(source->shards[i].path);
	}
	rp_upload_close(source->up);
	free_targets(source);
	free(source->shards);
	free(source);
}

/*
 * Shards
 */

static char *shard_path(const struct rp_source *source, int rank)
{
	char *name = rp_shard_file_name(rank, source->manifest->ranks);
	char *path = name ? rp_path(source->path, name) : NULL;

	free(name);
	return path;
}

/* One descriptor is kept, besides that of the shard that is being read. */
static void hold(struct rp_source *source, struct rp_shard_reader *reader)
{
	const struct rp_shard_reader *busy =
		source->reading < 0 ? NULL
				    : source->shards[source->reading].reader;

	if (source->open && source->open != reader && source->open != busy)
		rp_shard_park(source->open);
	source->open = reader;
}

static uint64_t frame_bytes(const struct rp_source_shard *shard)
{
	const struct rp_shard *header = rp_shard_header(shard->reader);

	return header->header_bytes + header->data_bytes - header->hashed_bytes;
}

static struct rp_shard_reader *open_reader(struct rp_source *source, int rank,
					   struct rp_err *err)
{
	struct rp_source_shard *shard = &source->shards[rank];
	const struct rp_piece *piece = &source->manifest->pieces[rank];
	struct rp_shard_sum sum = { piece->bytes, piece->hash, piece->content };

	if (!shard->path)
		shard->path = shard_path(source, rank);
	if (!shard->path) {
		rp_fail(err, RALLY_ENOMEM, "%s: no memory", source->path);
		return NULL;
	}
	hold(source, NULL);
	shard->reader = rp_shard_open(source->io, shard->path, rank, &sum,
				      &source->how, source->progress, err);
	hold(source, shard->reader);
	if (shard->reader)
		source->kept += frame_bytes(shard);
	return shard->reader;
}

struct rp_shard_reader *rp_source_reader(struct rp_source *source, int rank,
					 struct rp_err *err)
{
	if (rank < 0 || rank >= source->manifest->ranks) {
		rp_fail(err, RALLY_EARG, "%s: %d ranks wrote it, there is no "
			"rank %d", source->path, source->manifest->ranks, rank);
		return NULL;
	}
	if (source->shards[rank].reader)
		return source->shards[rank].reader;
	return open_reader(source, rank, err);
}

/* There may be ten thousand of them, each with the names of a thousand tensors: some
 * are kept for what may be wanted next, and the others are had again. */
static void let_go(struct rp_source *source, struct rp_source_shard *shard)
{
	const struct rp_staging *staging = source->how.staging;
	uint64_t most = staging && staging->limit ? staging->limit / 4 : KEPT;

	if (source->kept <= most || shard->asked || shard->n > 0)
		return;
	source->kept -= frame_bytes(shard);
	source->read += rp_shard_count(shard->reader);
	rp_shard_close(shard->reader);
	shard->reader = NULL;
}

struct rp_shard *rp_source_shard(struct rp_source *source, int rank,
				 struct rp_err *err)
{
	struct rp_shard_reader *reader = rp_source_reader(source, rank, err);

	if (!reader)
		return NULL;
	source->shards[rank].asked = 1;
	return rp_shard_header(reader);
}

static uint64_t bytes_of(const struct rp_share *share)
{
	return rp_box_count(&share->part) * rp_dtype_size(share->target->type);
}

int rp_source_share(struct rp_source *source, int rank,
		    const struct rp_share *share, struct rp_err *err)
{
	struct rp_source_shard *shard = &source->shards[rank];
	int turn = rank - source->first;

	if (shard->n == shard->room) {
		size_t room = shard->room ? 2 * shard->room : 4;
		struct rp_share *v = realloc(shard->shares, room * sizeof(*v));

		if (!v)
			return rp_fail(err, RALLY_ENOMEM, "%s: no memory",
				       source->path);
		shard->shares = v;
		shard->room = room;
	}
	shard->shares[shard->n++] = *share;
	source->waiting += bytes_of(share);
	rp_progress_extend(source->progress, bytes_of(share));
	turn += turn < 0 ? source->manifest->ranks : 0;
	if (turn < source->next)
		source->next = turn;
	return 0;
}

/*
 * Reading
 */

/* Which element of the array lies at byte `to` of a target. */
static char *element_at(const struct rp_target *target, uint64_t to, char *buf,
			size_t size)
{
	uint64_t i = to / rp_dtype_size(target->type);
	int64_t at[RALLY_MAX_DIMS];
	size_t used = (size_t)snprintf(buf, size, "[");

	for (int d = target->box.ndim - 1; d >= 0; d--) {
		at[d] = target->box.start[d] +
			(int64_t)(i % (uint64_t)target->box.size[d]);
		i /= (uint64_t)target->box.size[d];
	}
	for (int d = 0; d < target->box.ndim && used < size; d++)
		used += (size_t)snprintf(buf + used, size - used, "%s%lld",
					 d ? "," : "", (long long)at[d]);
	if (used < size)
		snprintf(buf + used, size - used, "]");
	return buf;
}

static int differs(const struct rp_part *part, uint64_t to, struct rp_err *err)
{
	const struct rp_target *target = part->arg;
	char element[200];

	return rp_fail(err, RALLY_ELAYOUT,
		       "%s: of array '%s' ranks %d and %d stored different "
		       "values for element %s; have the program declare with "
		       "rally_own() which part each rank answers for, or "
		       "restore on the ranks and boxes that wrote it",
		       target->path, target->name, part->other, part->rank,
		       element_at(target, to, element, sizeof(element)));
}

static int header_differs(const struct rp_source_shard *shard,
			  const struct rp_share *share,
			  const struct rp_tensor *t, struct rp_err *err)
{
	const struct rp_stored *s = share->stored;
	char have[200] = "nothing", want[200];

	if (t)
		rp_dtype_shape_text(t->type, t->ndim, t->shape, have,
				    sizeof(have));
	rp_dtype_shape_text(share->target->type, share->target->box.ndim,
			    s ? s->local : share->target->box.size, want,
			    sizeof(want));
	return rp_fail(err, RALLY_ECORRUPT,
		       "%s: it holds %s as '%s', the manifest says %s",
		       shard->path, have, share->target->name, want);
}

/* The header must say of the box what the manifest does. */
static int add_part(struct rp_source *source, struct rp_source_shard *shard,
		    const struct rp_share *share, struct rp_err *err)
{
	const struct rp_target *target = share->target;
	const struct rp_stored *s = share->stored;
	const struct rp_tensor *t = share->tensor;
	struct rp_box from = s ? rp_box_of(s->ndim, s->start, s->local)
			       : rp_box_whole(t->ndim, t->shape);
	struct rp_part part = {
		.memory = target->aside ? target->aside : target->memory,
		.up = source->up, .region = target->region,
		.offset = target->offset,
		.differs = share->other < 0 ? NULL : differs,
		.rank = (int)(shard - source->shards), .other = share->other,
		.arg = share->target,
	};

	if (!t)
		t = rp_shard_find(rp_shard_header(shard->reader), target->name,
				  RP_ARRAY);
	if (!t || t->type != target->type || t->ndim != from.ndim ||
	    memcmp(t->shape, from.size,
		   (size_t)t->ndim * sizeof(*t->shape)) != 0 ||
	    rp_runs_begin(&part.runs, rp_dtype_size(t->type), &share->part,
			  &from, &target->box) != 0)
		return header_differs(shard, share, t, err);
	return rp_shard_add(shard->reader, t, &part, err);
}

/* The next shard that has something: in their order, so that what is compared is
 * there. */
static int begin_shard(struct rp_source *source, struct rp_err *err)
{
	struct rp_shard_reader *reader;
	struct rp_source_shard *shard;
	uint64_t bytes = 0;
	int rank = rp_source_turn(source, source->next), rc = 0;

	while (source->shards[rank].n == 0)
		rank = rp_source_turn(source, ++source->next);
	shard = &source->shards[rank];
	reader = rp_source_reader(source, rank, err);
	if (!reader)
		return err->code;
	for (size_t i = 0; rc == 0 && i < shard->n; i++) {
		bytes += bytes_of(&shard->shares[i]);
		rc = add_part(source, shard, &shard->shares[i], err);
	}
	if (rc == 0)
		rc = rp_shard_begin(reader, err);
	if (rc != 0)
		return rc;
	source->reading = rank;
	hold(source, reader);
	source->waiting -= bytes;
	/* Whole blocks, and each once, though several may want it. */
	rp_progress_extend(source->progress, rp_shard_left(reader) - bytes);
	free(shard->shares);
	shard->shares = NULL;
	shard->n = shard->room = 0;
	return 0;
}

static void end_shard(struct rp_source *source)
{
	struct rp_source_shard *shard = &source->shards[source->reading];

	rp_shard_park(shard->reader);
	if (source->open == shard->reader)
		source->open = NULL;
	source->reading = -1;
	let_go(source, shard);
}

/* What was put together in the host's memory. */
static int upload(struct rp_source *source, const struct rp_target *target,
		  struct rp_err *err)
{
	int rc = 0;

	for (uint64_t at = 0; rc == 0 && at < target->bytes; at += PIECE) {
		uint64_t rest = target->bytes - at;
		size_t n = rest < PIECE ? (size_t)rest : PIECE;
		void *room = rp_upload_room(source->up, target->region, n, err);

		if (!room)
			return err->code;
		memcpy(room, target->aside + at, n);
		rc = rp_upload_send(source->up, target->region,
				    target->offset + at, n, err);
	}
	return rc;
}

static int finish(struct rp_source *source, struct rp_err *err)
{
	int rc = 0;

	for (const struct rp_target *target = source->targets;
	     rc == 0 && target; target = target->next)
		if (target->aside)
			rc = upload(source, target, err);
	if (rc == 0 && source->up)
		rc = rp_upload_finish(source->up, err);
	if (rc == 0)
		free_targets(source);
	return rc;
}

int rp_source_next(struct rp_source *source, uint64_t bytes, struct rp_err *err)
{
	struct rp_err own = { 0 };
	int rc = 0;

	if (!err)
		err = &own;
	while (rc == 0 && bytes > 0 && rp_source_left(source) > 0) {
		struct rp_shard_reader *reader;
		uint64_t before;

		if (source->reading < 0 && (rc = begin_shard(source, err)) != 0)
			break;
		reader = source->shards[source->reading].reader;
		before = rp_shard_left(reader);
		rc = rp_shard_next(reader, bytes, err);
		before -= rp_shard_left(reader);
		bytes -= before < bytes ? before : bytes;
		if (rc == 0 && rp_shard_left(reader) == 0)
			end_shard(source);
	}
	if (rc == 0 && rp_source_left(source) == 0)
		rc = finish(source, err);
	return rc;
}

uint64_t rp_source_left(const struct rp_source *source)
{
	return source->waiting +
	       (source->reading < 0
			? 0
			: rp_shard_left(source->shards[source->reading].reader));
}

struct rp_source_count rp_source_counted(const struct rp_source *source)
{
	struct rp_source_count count = { source->needed, source->read };

	for (int i = 0; i < source->manifest->ranks; i++)
		if (source->shards[i].reader)
			count.read += rp_shard_count(source->shards[i].reader);
	return count;
}
