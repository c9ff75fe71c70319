#include "flow/adopt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/lacks.h"
#include "flow/words.h"

/* Of one old rank. */
struct old {
	int rank;
	enum rally_type type;
	uint64_t count;
	const char *name;
};

struct olds {
	struct old *v;	/* by rank, then name */
	size_t n;
	unsigned char *taken;	/* by any rank, for each; behind them: that there is
				   a function */
};

/*
 * The list: a line for each in a text that all ranks share
 */

/* The length of the region's name in a tensor's, 0 where the tensor is none of the
 * rank's private ones. */
static int name_length(const struct rp_tensor *t, int rank)
{
	const char *at = strchr(t->name, '@');
	char suffix[24], name[RALLY_MAX_NAME + 1];
	size_t length = at ? (size_t)(at - t->name) : 0;

	snprintf(suffix, sizeof(suffix), "@rank-%05d", rank);
	if (length == 0 || length > RALLY_MAX_NAME || strcmp(at, suffix) != 0 ||
	    t->ndim != 1)
		return 0;
	memcpy(name, t->name, length);
	name[length] = '\0';
	return rp_region_check_name(name, NULL) == 0 ? (int)length : 0;
}

static int write_lines(struct rp_trial *trial, struct rp_source *source, int rank,
		       FILE *out)
{
	struct rp_shard *shard = rp_source_shard(source, rank, &trial->rp->err);

	for (size_t i = 0; shard && i < shard->n; i++) {
		const struct rp_tensor *t = &shard->v[i];
		int length = name_length(t, rank);

		if (length > 0)
			fprintf(out, "%d %d %" PRId64 " %.*s\n", rank,
				(int)t->type, t->shape[0], length, t->name);
	}
	return trial->rp->err.code;
}

/* Of every ranks-th old one; the caller's, NULL on an error. */
static char *my_lines(struct rp_trial *trial, struct rp_source *source)
{
	struct rally *rp = trial->rp;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int bad;

	for (int i = rp->comm.rank; out && i < trial->manifest.ranks;
	     i += rp->comm.size)
		if (write_lines(trial, source, i, out) != 0)
			break;
	bad = !out || ferror(out);
	if (out && fclose(out) != 0)
		bad = 1;
	if (bad)
		rp_fail(&rp->err, RALLY_ENOMEM, "restore: no memory");
	if (rp->err.code != 0) {
		free(text);
		text = NULL;
	}
	return text;
}

static int by_rank_and_name(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* A text for each rank, which are cut into lines. */
static int parse(struct olds *olds, char *all, int ranks, struct rp_err *err)
{
	size_t lines = 0;
	char *p = all, *end;

	for (int i = 0; i < ranks; i++, p++)
		for (; *p; p++)
			lines += *p == '\n';
	olds->v = calloc(lines + 1, sizeof(*olds->v));
	olds->taken = calloc(lines + 1, 1);
	if (!olds->v || !olds->taken)
		return rp_fail(err, RALLY_ENOMEM, "restore: no memory");
	for (p = all; olds->n < lines; p = end + 1) {
		struct old *old = &olds->v[olds->n];

		if (*p == '\0') {
			end = p;
			continue;
		}
		old->rank = (int)strtol(p, &p, 10);
		old->type = (enum rally_type)strtol(p, &p, 10);
		old->count = strtoull(p, &p, 10);
		old->name = p + 1;
		end = strchr(p, '\n');
		*end = '\0';
		olds->n++;
	}
	qsort(olds->v, olds->n, sizeof(*olds->v), by_rank_and_name);
	return 0;
}

static int list(struct rp_trial *trial, struct rp_source *source,
		struct rp_want *want, struct olds *olds)
{
	struct rally *rp = trial->rp;
	char *mine = my_lines(trial, source);

	if (rp_comm_settle(&rp->comm, &rp->err) == 0 &&
	    rp_comm_share_text(&rp->comm, mine, &want->names, &rp->err) == 0)
		parse(olds, want->names, rp->comm.size, &rp->err);
	free(mine);
	return rp_comm_settle(&rp->comm, &rp->err);
}

/*
 * What the program makes of it
 */

static int stored(const struct olds *olds, const char *name)
{
	for (size_t i = 0; i < olds->n; i++)
		if (strcmp(olds->v[i].name, name) == 0)
			return 1;
	return 0;
}

static int registered(const struct rp_regions *regions)
{
	for (size_t i = 0; i < regions->n; i++)
		if (regions->v[i].kind == RP_PRIVATE)
			return 1;
	return 0;
}

/* Without a function for it. */
static void refuse(struct rp_trial *trial, const struct olds *olds)
{
	struct rally *rp = trial->rp;

	for (size_t i = 0; rp->err.code == 0 && i < rp->regions.n; i++) {
		const struct rp_region *r = &rp->regions.v[i];

		if (r->kind != RP_PRIVATE)
			continue;
		if (stored(olds, r->name))
			rp_fail(&rp->err, RALLY_ELAYOUT,
				"%s: '%s' is private memory of each of the %d "
				"ranks that wrote it, and these are %d: start as "
				"many, or tell with rally_adopt() who takes what",
				trial->path, r->name, trial->manifest.ranks,
				rp->comm.size);
		else if (r->optional)
			rp_lacks_add(trial, r->name);
		else
			rp_fail(&rp->err, RALLY_ELAYOUT,
				"%s: nothing is stored as '%s'", trial->path,
				r->name);
	}
}

/* Also after an error: the program's function may use collective calls of its own. */
static void offer(struct rp_trial *trial, struct olds *olds, size_t i,
		  struct rp_want *want)
{
	struct rally *rp = trial->rp;
	const struct old *old = &olds->v[i];
	struct rally_old told = { old->rank, trial->manifest.ranks, old->name,
				  old->type, (size_t)old->count,
				  trial->manifest.step, i };
	char what[RALLY_MAX_NAME + 40];
	struct rp_region region;
	void *into = NULL;
	int answer;

	snprintf(what, sizeof(what), "'%s' of rank %d, which it adopts", old->name,
		 old->rank);
	rp->in_program = what;
	rp->agree.due = 0;	/* a safe point in there is to be noticed */
	answer = rp->adopt(&told, &into, rp->adopt_arg);
	rp->in_program = NULL;
	if (answer != 0)
		rp_fail(&rp->err, RALLY_EAPP,
			"the program's function of rally_adopt() returned %d for "
			"'%s' of rank %d", answer, old->name, old->rank);
	if (!into || rp->err.code != 0)
		return;
	olds->taken[i] = 1;
	if (rp_region_private(&region, old->name, into, old->type,
			      (size_t)old->count, &rp->err) == 0)
		rp_want_add(want, &region, old->rank, &rp->err);
}

static void warn_orphans(struct rally *rp, const struct olds *olds)
{
	const struct old *first = NULL;
	char text[RP_ERR_TEXT], more[80] = "";
	size_t n = 0;

	for (size_t i = 0; i < olds->n; i++) {
		if (olds->taken[i] || olds->v[i].count == 0)
			continue;
		first = first ? first : &olds->v[i];
		n++;
	}
	if (n == 0)
		return;
	if (n > 1)
		snprintf(more, sizeof(more), ", nor %zu more regions of private "
			 "memory", n - 1);
	snprintf(text, sizeof(text), "no rank has adopted '%s' of rank %d (%" PRIu64
		 " elements)%s", first->name, first->rank, first->count, more);
	rp_words_warn(rp, text);
}

static int offer_all(struct rp_trial *trial, struct olds *olds,
		     struct rp_want *want)
{
	struct rally *rp = trial->rp;

	if (!rp->adopt)
		refuse(trial, olds);
	for (size_t i = 0; rp->adopt && i < olds->n; i++)
		offer(trial, olds, i, want);
	olds->taken[olds->n] = rp->adopt && olds->n > 0;
	if (rp_comm_settle(&rp->comm, &rp->err) == 0 &&
	    rp_comm_any(&rp->comm, olds->taken, olds->n + 1, &rp->err) == 0) {
		rp->adopting |= olds->taken[olds->n];
		warn_orphans(rp, olds);
	}
	return rp->err.code;
}

int rp_adopt_gather(struct rp_trial *trial, struct rp_source *source,
		    struct rp_want *want)
{
	struct rally *rp = trial->rp;
	struct olds olds = { .n = 0 };
	int any = rp->adopt || registered(&rp->regions);

	if (rp_comm_settle_more(&rp->comm, any, &any, &rp->err) == 0 && any &&
	    list(trial, source, want, &olds) == 0)
		offer_all(trial, &olds, want);
	free(olds.v);
	free(olds.taken);
	return rp->err.code;
}
