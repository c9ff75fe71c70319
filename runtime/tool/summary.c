#include "tool/summary.h"

#include <stdlib.h>
#include <string.h>

#include "data/dtype.h"

/* The manifest was checked: a box's elements do not overflow. */
static int64_t elements(const struct rp_stored *s)
{
	return rp_dtype_bytes(s->type, s->ndim, s->local) /
	       (int64_t)rp_dtype_size(s->type);
}

static int by_region(const void *a, const void *b)
{
	const struct rp_stored *x = *(struct rp_stored *const *)a;
	const struct rp_stored *y = *(struct rp_stored *const *)b;

	return strcmp(x->name, y->name);
}

static int by_file(const void *a, const void *b)
{
	const struct rp_stored_file *x = *(struct rp_stored_file *const *)a;
	const struct rp_stored_file *y = *(struct rp_stored_file *const *)b;

	return strcmp(x->name, y->name);
}

static void add_region(struct rp_summary *summary, const struct rp_stored *s)
{
	struct rp_region_sum *sum = &summary->regions[summary->n_regions];
	int64_t n = elements(s);

	if (summary->n_regions > 0 &&
	    strcmp(sum[-1].first->name, s->name) == 0) {
		sum--;
	} else {
		summary->n_regions++;
		sum->first = s;
		sum->least = sum->most = n;
	}
	sum->mixed |= s->type != sum->first->type;
	sum->ranks++;
	sum->boxes += n > 0;
	sum->least = n < sum->least ? n : sum->least;
	sum->most = n > sum->most ? n : sum->most;
	sum->bytes += (uint64_t)n * rp_dtype_size(s->type);
}

static void add_file(struct rp_summary *summary,
		     const struct rp_stored_file *f)
{
	struct rp_file_sum *sum = &summary->files[summary->n_files];

	if (summary->n_files > 0 &&
	    strcmp(sum[-1].first->name, f->name) == 0) {
		sum--;
	} else {
		summary->n_files++;
		sum->first = f;
	}
	sum->count++;
	sum->bytes += f->bytes;
}

static void list_all(const struct rp_manifest *m,
		     const struct rp_stored **regions,
		     const struct rp_stored_file **files)
{
	for (int i = 0; i < m->ranks; i++) {
		const struct rp_piece *piece = &m->pieces[i];

		for (size_t k = 0; k < piece->n_regions; k++)
			*regions++ = &piece->regions[k];
		for (size_t k = 0; k < piece->n_files; k++)
			*files++ = &piece->files[k];
	}
}

int rp_summary_of(struct rp_summary *summary, const struct rp_manifest *m,
		  struct rp_err *err)
{
	const struct rp_stored **regions;
	const struct rp_stored_file **files;
	size_t n = 0, n_files = 0;
	int rc = 0;

	memset(summary, 0, sizeof(*summary));
	for (int i = 0; i < m->ranks; i++) {
		n += m->pieces[i].n_regions;
		n_files += m->pieces[i].n_files;
	}
	regions = calloc(n + 1, sizeof(*regions));
	files = calloc(n_files + 1, sizeof(*files));
	summary->regions = calloc(n + 1, sizeof(*summary->regions));
	summary->files = calloc(n_files + 1, sizeof(*summary->files));
	if (!regions || !files || !summary->regions || !summary->files) {
		rc = rp_fail(err, RALLY_ENOMEM, "no memory for %zu regions",
			     n);
		goto out;
	}
	list_all(m, regions, files);
	qsort(regions, n, sizeof(*regions), by_region);
	qsort(files, n_files, sizeof(*files), by_file);
	for (size_t i = 0; i < n; i++)
		add_region(summary, regions[i]);
	for (size_t i = 0; i < n_files; i++)
		add_file(summary, files[i]);
out:
	free(regions);
	free(files);
	return rc;
}

void rp_summary_free(struct rp_summary *summary)
{
	free(summary->regions);
	free(summary->files);
	memset(summary, 0, sizeof(*summary));
}
