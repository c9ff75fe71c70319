#include "sys/mark.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "data/json.h"

#define MARK_MAX 4096

int rp_mark_write(struct rp_io *io, const char *dir, const char *name,
		  const struct rp_mark *mark, struct rp_err *err)
{
	char *text = rp_format("{\"job\":\"%s\",\"step\":%lld,"
			       "\"count\":%lld}\n", mark->job,
			       (long long)mark->step, (long long)mark->count);
	int rc;

	if (!text)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory", name);
	rc = rp_replace_file(io, dir, name, text, strlen(text), err);
	free(text);
	return rc;
}

static int parse(const char *text, size_t length, struct rp_mark *mark)
{
	json_t *json = rp_json_parse(text, length, NULL);
	const char *whose = json_string_value(json_object_get(json, "job"));
	const json_t *at = json_object_get(json, "step");
	int found = whose && strlen(whose) < sizeof(mark->job) &&
		    json_is_integer(at) &&
		    (!*whose || rp_job_id_valid(whose));

	if (found) {
		memcpy(mark->job, whose, strlen(whose) + 1);
		mark->step = json_integer_value(at);
		mark->count = json_integer_value(json_object_get(json,
								 "count"));
	}
	json_decref(json);
	return found;
}

int rp_mark_read(struct rp_io *io, const char *dir, const char *name,
		 struct rp_mark *mark, struct rp_err *err)
{
	char *path = rp_path(dir, name);
	struct rp_err why = { 0 };
	size_t length;
	char *text = path ? rp_read_file(io, path, MARK_MAX, &length, &why)
			  : NULL;
	int found = 0;

	if (text)
		found = parse(text, length, mark);
	else if (why.sys != ENOENT) {
		rp_fail(err, path ? why.code : RALLY_ENOMEM, "%s", why.text);
		found = -1;
	}
	free(text);
	free(path);
	return found;
}
