#include "tool/slice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define PART 64	/* bytes of one dimension's text; numbers have 20 at most */

int rp_slice_split(const char *word, char **name, char **text)
{
	size_t length = strlen(word);
	const char *open = strrchr(word, '[');

	*text = NULL;
	if (!open || open == word || word[length - 1] != ']') {
		*name = strdup(word);
		return *name ? 0 : -1;
	}
	*name = strndup(word, (size_t)(open - word));
	*text = strndup(open + 1, length - (size_t)(open + 1 - word) - 1);
	if (*name && *text)
		return 0;
	free(*name);
	free(*text);
	*name = *text = NULL;
	return -1;
}

static int malformed(const char *part, struct rp_err *err)
{
	return rp_fail(err, RALLY_EARG, "'%.*s' is neither an index nor "
		       "begin:end:step", PART, part);
}

/* Takes blanks and a number; *given is 0 where there is none. */
static int take(const char **p, int64_t *value, int *given)
{
	char *end;

	*p += strspn(*p, " ");
	*given = **p != '\0' && strchr("+-0123456789", **p);
	if (!*given)
		return 0;
	errno = 0;
	*value = strtoll(*p, &end, 10);
	if (errno || end == *p)
		return -1;
	*p = end + strspn(end, " ");
	return 0;
}

/* From the end where it is negative, then cut to what there is. */
static int64_t clip(int64_t value, int64_t extent)
{
	if (value < 0)
		value += extent;
	return value < 0 ? 0 : value > extent ? extent : value;
}

static int take_index(struct rp_slice *slice, int dim, int64_t index,
		      int64_t extent, struct rp_err *err)
{
	int64_t at = index < 0 ? index + extent : index;

	if (at < 0 || at >= extent)
		return rp_fail(err, RALLY_EARG,
			       "index %lld of dimension %d, which is %lld long",
			       (long long)index, dim, (long long)extent);
	slice->start[dim] = at;
	slice->count[dim] = slice->step[dim] = slice->dropped[dim] = 1;
	return 0;
}

static void take_range(struct rp_slice *slice, int dim, int64_t begin,
		       int64_t end, int64_t step)
{
	int64_t length = end > begin ? end - begin : 0;

	slice->start[dim] = begin;
	slice->count[dim] = length > 0 ? (length - 1) / step + 1 : 0;
	slice->step[dim] = step;
	slice->dropped[dim] = 0;
}

/* One dimension: "3", "1:2", ":", "::5". */
static int parse_part(struct rp_slice *slice, int dim, const char *part,
		      int64_t extent, struct rp_err *err)
{
	int64_t v[3] = { 0, extent, 1 };
	int given[3] = { 0 }, n = 1;
	const char *p = part;
	int bad = take(&p, &v[0], &given[0]);

	for (; !bad && *p == ':' && n < 3; n++) {
		p++;
		bad = take(&p, &v[n], &given[n]);
	}
	if (bad || *p != '\0' || (n == 1 && !given[0]))
		return malformed(part, err);
	if (v[2] < 1)
		return rp_fail(err, RALLY_EARG, "'%s': the step is %lld, not 1 "
			       "or more", part, (long long)v[2]);
	if (n == 1)
		return take_index(slice, dim, v[0], extent, err);
	take_range(slice, dim, clip(v[0], extent), clip(v[1], extent), v[2]);
	return 0;
}

static int count_parts(const char *text)
{
	int n = 1;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

static int is_dots(const char *part)
{
	part += strspn(part, " ");
	return strncmp(part, "...", 3) == 0 &&
	       part[3 + strspn(part + 3, " ")] == '\0';
}

static int too_many(const char *text, int ndim, struct rp_err *err)
{
	return rp_fail(err, RALLY_EARG, "'[%s]' is of more than the %d "
		       "dimension%s that it has", text, ndim,
		       ndim == 1 ? "" : "s");
}

static int parse_parts(struct rp_slice *slice, const char *text,
		       const int64_t *shape, struct rp_err *err)
{
	int parts = count_parts(text), dim = 0, dots = 0, rc = 0;
	const char *p = text;

	for (int i = 0; rc == 0 && i < parts; i++) {
		size_t length = strcspn(p, ",");
		char part[PART];

		if (length >= sizeof(part))
			return malformed(p, err);
		memcpy(part, p, length);
		part[length] = '\0';
		p += length + 1;
		if (is_dots(part)) {
			/* All but as many as are told behind it. */
			if (dots++)
				return malformed(text, err);
			dim = slice->ndim - (parts - i - 1);
			if (dim < i)
				return too_many(text, slice->ndim, err);
		} else if (dim == slice->ndim) {
			return too_many(text, slice->ndim, err);
		} else {
			rc = parse_part(slice, dim, part, shape[dim], err);
			dim++;
		}
	}
	return rc;
}

int rp_slice_parse(struct rp_slice *slice, const char *text, int ndim,
		   const int64_t *shape, struct rp_err *err)
{
	memset(slice, 0, sizeof(*slice));
	slice->ndim = ndim;
	for (int i = 0; i < ndim; i++)
		take_range(slice, i, 0, shape[i], 1);
	return text ? parse_parts(slice, text, shape, err) : 0;
}

int rp_slice_shape(const struct rp_slice *slice, int64_t *shape)
{
	int n = 0;

	for (int i = 0; i < slice->ndim; i++)
		if (!slice->dropped[i])
			shape[n++] = slice->count[i];
	return n;
}
