/*
 * sys/source_find.c - which ranks' shards have what is wanted of an array
 */
#include <stdlib.h>
#include <string.h>

#include "data/cover.h"
#include "data/cut.h"
#include "data/dtype.h"
#include "sys/source_state.h"

/* Runs into the memory of a GPU that are shorter and more than these are put together
 * in the host's first: each would be a copy of its own. */
#define SHORT ((uint64_t)64 << 10)
#define MANY 16

static int no_memory(const struct rp_source *source, struct rp_err *err)
{
	return rp_fail(err, RALLY_ENOMEM, "%s: no memory", source->path);
}

/*
 * What is stored under a name
 */

static int is_as_wanted(const struct rp_stored *s, const struct rp_region *r)
{
	return s->kind == RP_ARRAY && s->type == r->type && s->ndim == r->ndim &&
	       memcmp(s->shape, r->shape,
		      (size_t)s->ndim * sizeof(*s->shape)) == 0;
}

/* An array that is stored, not registered, and like this one otherwise. */
static const struct rp_stored *find_alike(const struct rp_source *source,
					  const struct rp_region *region,
					  const struct rp_regions *regions)
{
	for (int rank = 0; rank < source->manifest->ranks; rank++) {
		const struct rp_piece *piece = &source->manifest->pieces[rank];

		for (size_t i = 0; i < piece->n_regions; i++)
			if (is_as_wanted(&piece->regions[i], region) &&
			    !(regions && rp_regions_find(regions,
							 piece->regions[i].name)))
				return &piece->regions[i];
	}
	return NULL;
}

static int is_absent(const struct rp_source *source,
		     const struct rp_region *region,
		     const struct rp_regions *regions, struct rp_err *err)
{
	const struct rp_stored *alike = find_alike(source, region, regions);
	char shape[200];

	if (!alike)
		return rp_fail(err, RALLY_ELAYOUT,
			       "%s: no array is stored as '%s'; `rallypoint "
			       "show` tells what is", source->path, region->name);
	rp_dtype_shape_text(alike->type, alike->ndim, alike->shape, shape,
			    sizeof(shape));
	return rp_fail(err, RALLY_ELAYOUT,
		       "%s: no array is stored as '%s'; '%s' is one of the same "
		       "type and shape, %s: was it renamed?", source->path,
		       region->name, alike->name, shape);
}

static int shape_differs(const struct rp_source *source,
			 const struct rp_region *region,
			 const struct rp_stored *s, struct rp_err *err)
{
	char have[200], want[200];

	rp_dtype_shape_text(s->type, s->ndim, s->shape, have, sizeof(have));
	rp_dtype_shape_text(region->type, region->ndim, region->shape, want,
			    sizeof(want));
	return rp_fail(err, RALLY_ELAYOUT,
		       "%s: array '%s' is stored as %s in all, but registered as "
		       "%s; register it as it is stored, or under another name",
		       source->path, region->name, have, want);
}

/* A manifest that was decoded is so; one rank's word against another's is not
 * looked at there. */
static int is_sound(const struct rp_stored *s, const struct rp_stored *first)
{
	struct rp_box whole = rp_box_whole(s->ndim, s->shape);
	struct rp_box box = rp_box_of(s->ndim, s->start, s->local);
	struct rp_box own = rp_box_of(s->ndim, s->own_start, s->own_local);

	return s->type == first->type && s->ndim == first->ndim &&
	       memcmp(s->shape, first->shape,
		      (size_t)s->ndim * sizeof(*s->shape)) == 0 &&
	       rp_box_is_sound(&whole) && rp_box_is_sound(&box) &&
	       rp_box_inside(&box, &whole) &&
	       (!s->owns ||
		(rp_box_is_sound(&own) && rp_box_inside(&own, &box)));
}

/* A box that a rank stored, and of which something is wanted. */
struct holder {
	int rank;
	const struct rp_stored *stored;
};

struct search {
	struct rp_source *source;
	struct rp_target *target;
	struct holder *holders;
	struct rp_box *boxes;	/* that they stored */
	size_t n;
	/* a part of what is wanted */
	struct rp_box part;
	struct rp_cover cover;	/* what is still to be had of it */
	/* Parts that are copied, of the line that is looked through. */
	struct { int rank; struct rp_box part; } *copies;
	size_t n_copies, room;
	int aside;	/* a GPU's box is put together in the host's memory */
	struct rp_err *err;
};

/* What a rank stored under a name: most have it in the same place of their lists. */
static const struct rp_stored *find_near(const struct rp_manifest *m, int rank,
					 const char *name, size_t *place)
{
	const struct rp_piece *piece = &m->pieces[rank];
	const struct rp_stored *s;

	if (*place < piece->n_regions &&
	    strcmp(piece->regions[*place].name, name) == 0)
		return &piece->regions[*place];
	s = rp_manifest_find(m, rank, name);
	if (s)
		*place = (size_t)(s - piece->regions);
	return s;
}

/* All that have some of it, in the order of reading. */
static int find_holders(struct search *search, const struct rp_region *region,
			const struct rp_regions *regions,
			const struct rp_box *wanted)
{
	const struct rp_source *source = search->source;
	const struct rp_manifest *m = source->manifest;
	const struct rp_stored *first = NULL;
	size_t place = 0;

	search->holders = calloc((size_t)m->ranks, sizeof(*search->holders));
	search->boxes = calloc((size_t)m->ranks, sizeof(*search->boxes));
	if (!search->holders || !search->boxes)
		return no_memory(source, search->err);
	for (int i = 0; i < m->ranks; i++) {
		int rank = rp_source_turn(source, i);
		const struct rp_stored *s = find_near(m, rank, region->name,
						      &place);
		struct rp_box box, part;

		if (!s || s->kind != RP_ARRAY)
			continue;
		first = first ? first : s;
		if (!is_sound(s, first))
			return rp_fail(search->err, RALLY_ECORRUPT,
				       "%s: of array '%s' the manifest tells "
				       "something else for rank %d than before",
				       source->path, region->name, rank);
		box = rp_box_of(s->ndim, s->start, s->local);
		if (s->ndim != wanted->ndim || !rp_box_meet(&box, wanted, &part))
			continue;
		search->boxes[search->n] = box;
		search->holders[search->n++] = (struct holder){ rank, s };
	}
	if (!first)
		return is_absent(source, region, regions, search->err);
	if (!is_as_wanted(first, region))
		return shape_differs(source, region, first, search->err);
	return 0;
}

/*
 * Who has it
 */

static int share(struct search *search, const struct holder *holder,
		 const struct rp_box *part, int other)
{
	struct rp_share share = { search->target, *part, holder->stored, NULL,
				  other };

	return rp_source_share(search->source, holder->rank, &share,
			       search->err);
}

static int remember(struct search *search, int rank, const struct rp_box *part)
{
	if (search->n_copies == search->room) {
		size_t room = search->room ? 2 * search->room : 16;
		void *v = realloc(search->copies,
				  room * sizeof(*search->copies));

		if (!v)
			return no_memory(search->source, search->err);
		search->copies = v;
		search->room = room;
	}
	search->copies[search->n_copies].rank = rank;
	search->copies[search->n_copies++].part = *part;
	return 0;
}

static int is_scattered(const struct search *search,
			const struct rp_stored *stored,
			const struct rp_box *part)
{
	struct rp_box from = rp_box_of(stored->ndim, stored->start,
				       stored->local);
	struct rp_runs runs;

	return rp_runs_begin(&runs, rp_dtype_size(stored->type), part, &from,
			     &search->target->box) == 0 &&
	       runs.size < SHORT && runs.left > MANY;
}

/* What of `box` is still to be had comes from this holder. */
static int copy(struct search *search, const struct holder *holder,
		const struct rp_box *box, uint64_t *copied)
{
	const struct rp_cover *cover = &search->cover;
	struct rp_box part;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < cover->n; i++) {
		if (!rp_box_meet(&cover->v[i], box, &part))
			continue;
		*copied += rp_box_count(&part);
		search->aside |= is_scattered(search, holder->stored, &part);
		rc = share(search, holder, &part, -1);
		if (rc == 0)
			rc = remember(search, holder->rank, &part);
	}
	if (rc != 0 || rp_cover_take(&search->cover, box) == 0)
		return rc;
	if (cover->n == RP_COVER_MAX)
		return rp_fail(search->err, RALLY_ECORRUPT,
			       "%s: the boxes of array '%s' overlap in too many "
			       "ways", search->source->path,
			       search->target->name);
	return no_memory(search->source, search->err);
}

/* What one before it gave in the same line must be the same here. */
static int compare(struct search *search, const struct holder *holder,
		   const struct rp_box *box)
{
	struct rp_box part;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < search->n_copies; i++) {
		if (search->copies[i].rank == holder->rank ||
		    !rp_box_meet(&search->copies[i].part, box, &part))
			continue;
		search->aside = 1;
		rc = share(search, holder, &part, search->copies[i].rank);
	}
	return rc;
}

/* The lines that sys/source.h tells of. */
enum line { OWNED, UNDECLARED, BESIDE, LINES };

static int box_in_line(const struct rp_stored *s, enum line line,
		       const struct rp_box *wanted, struct rp_box *box)
{
	struct rp_box all;

	if (!s->owns != (line == UNDECLARED))
		return 0;
	all = line == OWNED ? rp_box_of(s->ndim, s->own_start, s->own_local)
			    : rp_box_of(s->ndim, s->start, s->local);
	return rp_box_meet(&all, wanted, box);
}

static int look_through(struct search *search, enum line line, const size_t *which,
			size_t n)
{
	int rc = 0;

	search->n_copies = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct holder *holder = &search->holders[which[i]];
		uint64_t copied = 0;
		struct rp_box box;

		if (!box_in_line(holder->stored, line, &search->part, &box))
			continue;
		rc = copy(search, holder, &box, &copied);
		if (rc == 0 && copied < rp_box_count(&box))
			rc = compare(search, holder, &box);
	}
	return rc;
}

static int find_part(void *arg, const struct rp_box *part, const size_t *which,
		     size_t n)
{
	struct search *search = arg;
	const struct rp_source *source = search->source;
	char all[200];
	struct rp_box hole;
	int rc = 0;

	search->part = *part;
	rp_cover_free(&search->cover);
	if (rp_cover_begin(&search->cover, part) != 0)
		return no_memory(source, search->err);
	for (int line = 0; rc == 0 && search->cover.n > 0 && line < LINES; line++)
		rc = look_through(search, (enum line)line, which, n);
	if (rc == 0 && rp_cover_hole(&search->cover, &hole))
		rc = rp_fail(search->err, RALLY_ELAYOUT,
			     "%s: of array '%s' no rank stored the box %s: it is "
			     "a hole; register a box without it", source->path,
			     search->target->name,
			     rp_box_text(&hole, all, sizeof(all)));
	return rc;
}

/* Part by part, since each box is held against those before it. */
static int find_all(struct search *search)
{
	int rc = rp_cut(&search->target->box, search->boxes, search->n, find_part,
			search);

	return rc < 0 ? no_memory(search->source, search->err) : rc;
}

/* This rank's own box, if it is just what is wanted. */
static const struct rp_stored *own_box(const struct rp_source *source,
				       const struct rp_region *region,
				       const struct rp_box *wanted)
{
	const struct rp_stored *s = NULL;
	struct rp_box box;

	if (source->own >= 0 && source->own < source->manifest->ranks)
		s = rp_manifest_find(source->manifest, source->own,
				     region->name);
	if (!s || !is_as_wanted(s, region))
		return NULL;
	box = rp_box_of(s->ndim, s->start, s->local);
	return rp_box_same(&box, wanted) ? s : NULL;
}

/* All in one, where this rank has it; else of whoever does. */
static int search_for(struct search *search, const struct rp_region *region,
		      const struct rp_regions *regions)
{
	const struct rp_box *wanted = &search->target->box;
	struct holder own = { search->source->own,
			      own_box(search->source, region, wanted) };
	int rc = own.stored ? 0
			    : find_holders(search, region, regions, wanted);

	if (rc != 0 || rp_box_is_empty(wanted))
		return rc;
	return own.stored ? share(search, &own, wanted, -1) : find_all(search);
}

int rp_source_find(struct rp_source *source, struct rp_target *target,
		   const struct rp_region *region, const struct rp_regions *regions,
		   int *aside, struct rp_err *err)
{
	struct search search = { .source = source, .target = target, .err = err };
	int rc = search_for(&search, region, regions);

	*aside = search.aside;
	rp_cover_free(&search.cover);
	free(search.holders);
	free(search.boxes);
	free(search.copies);
	return rc;
}
