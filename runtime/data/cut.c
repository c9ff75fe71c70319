#include "data/cut.h"

#include <stdlib.h>

#define FEW 64	/* boxes: they are held against each other */

struct cutting {
	const struct rp_box *boxes;
	rp_cut_part *fn;
	void *arg;
};

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The begin of a box in the middle of those that begin within the part; its own begin:
 * there is none. `room` is for n of them. */
static int64_t middle(const struct cutting *cutting, const struct rp_box *part, int d,
		      const size_t *which, size_t n, int64_t *room)
{
	size_t inside = 0;

	for (size_t i = 0; i < n; i++)
		if (cutting->boxes[which[i]].start[d] > part->start[d])
			room[inside++] = cutting->boxes[which[i]].start[d];
	if (inside == 0)
		return part->start[d];
	qsort(room, inside, sizeof(*room), by_size);
	/* Those that began before it count as well. */
	return room[inside > n / 2 ? inside - n / 2 : 0];
}

static size_t meeting(const struct cutting *cutting, const struct rp_box *part,
		      const size_t *which, size_t n, size_t *meet)
{
	struct rp_box both;
	size_t met = 0;

	for (size_t i = 0; i < n; i++)
		if (rp_box_meet(&cutting->boxes[which[i]], part, &both))
			meet[met++] = which[i];
	return met;
}

/* A part in two, and what meets each. */
struct halves {
	struct rp_box v[2];
	size_t *which[2], n[2];
};

/* Each meets far fewer, and not many are in both. The first dimension that will do: what
 * lies together in memory is cut last. */
static int halve(const struct cutting *cutting, const struct rp_box *part,
		 const size_t *which, size_t n, int64_t *room,
		 struct halves *halves)
{
	for (int d = 0; d < part->ndim; d++) {
		int64_t before = middle(cutting, part, d, which, n, room) -
				 part->start[d];

		halves->v[0] = halves->v[1] = *part;
		halves->v[0].size[d] = before;
		halves->v[1].start[d] += before;
		halves->v[1].size[d] -= before;
		for (int i = 0; i < 2; i++)
			halves->n[i] = meeting(cutting, &halves->v[i], which, n,
					       halves->which[i]);
		if (halves->n[0] <= n / 4 * 3 && halves->n[1] <= n / 4 * 3 &&
		    halves->n[0] + halves->n[1] <= n / 4 * 5)
			return 0;
	}
	return -1;
}

static int cut(const struct cutting *cutting, const struct rp_box *part,
	       const size_t *which, size_t n)
{
	struct halves halves = { .n = { 0, 0 } };
	int64_t *room = NULL;
	int rc;

	if (n > FEW) {
		room = calloc(n, sizeof(*room));
		halves.which[0] = calloc(n, sizeof(*which));
		halves.which[1] = calloc(n, sizeof(*which));
	}
	if (room && halves.which[0] && halves.which[1] &&
	    halve(cutting, part, which, n, room, &halves) == 0) {
		rc = cut(cutting, &halves.v[0], halves.which[0], halves.n[0]);
		if (rc == 0)
			rc = cut(cutting, &halves.v[1], halves.which[1],
				 halves.n[1]);
	} else {
		rc = cutting->fn(cutting->arg, part, which, n);
	}
	free(halves.which[0]);
	free(halves.which[1]);
	free(room);
	return rc;
}

int rp_cut(const struct rp_box *box, const struct rp_box *boxes, size_t n,
	   rp_cut_part *fn, void *arg)
{
	struct cutting cutting = { boxes, fn, arg };
	size_t *which = calloc(n + 1, sizeof(*which)), *all = which;
	int rc;

	if (!which)
		return -1;
	for (size_t i = 0; i < n; i++)
		all[i] = i;
	n = meeting(&cutting, box, all, n, which);
	rc = cut(&cutting, box, which, n);
	free(which);
	return rc;
}
