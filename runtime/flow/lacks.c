#include "flow/lacks.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "flow/words.h"

int rp_lacks_add(struct rp_trial *trial, const char *name)
{
	const char *before = trial->lacks ? trial->lacks : "";
	char *lacks = rp_format("%s%s\n", before, name);

	if (!lacks)
		return rp_fail(&trial->rp->err, RALLY_ENOMEM,
			       "restore: no memory");
	free(trial->lacks);
	trial->lacks = lacks;
	return 0;
}

/* Whether a list of names, each with a newline, has this line. */
static int has(const char *list, const char *line, size_t length)
{
	for (; *list; list = strchr(list, '\n') + 1)
		if (strncmp(list, line, length) == 0)
			return 1;
	return 0;
}

/* All lines of the ranks' texts, each once, with commas; the caller's. */
static char *merge(const char *all, int ranks)
{
	char *merged = calloc(1, 1);

	for (int i = 0; merged && i < ranks; i++, all++)
		while (merged && *all) {
			size_t length = (size_t)(strchr(all, '\n') + 1 - all);
			char *longer = merged;

			if (!has(merged, all, length)) {
				longer = rp_format("%s%.*s", merged, (int)length,
						   all);
				free(merged);
			}
			merged = longer;
			all += length;
		}
	return merged;
}

static void tell(struct rally *rp, const char *all)
{
	char *names = merge(all, rp->comm.size);
	json_t *array = json_array();
	char *end;

	for (char *p = names; p && (end = strchr(p, '\n')); p = end + 1) {
		json_array_append_new(array, json_stringn(p, (size_t)(end - p)));
		*end = end[1] ? ',' : '\0';
	}
	if (names)
		rp_words_absent(rp, array, names);
	else
		json_decref(array);
	free(names);
}

int rp_lacks_tell(struct rp_trial *trial)
{
	struct rally *rp = trial->rp;
	int any = trial->lacks != NULL;
	char *all = NULL;

	if (rp_comm_settle_more(&rp->comm, any, &any, &rp->err) != 0 || !any)
		return rp->err.code;
	if (rp_comm_gather_text(&rp->comm, trial->lacks ? trial->lacks : "",
				&all, &rp->err) == 0 && rp->comm.rank == 0)
		tell(rp, all);
	free(all);
	return rp->err.code;
}
