#include "sys/finish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "data/json.h"
#include "sys/job.h"

#define FINISH_MAX 4096

int rp_finish_write(struct rp_io *io, const char *dir, const char *job,
		    int64_t step, struct rp_err *err)
{
	char *text = rp_format("{\"job\":\"%s\",\"step\":%lld}\n", job,
			       (long long)step);
	int rc;

	if (!text)
		return rp_fail(err, RALLY_ENOMEM, "finish: no memory");
	rc = rp_replace_file(io, dir, RP_FINISH_FILE, text, strlen(text), err);
	free(text);
	return rc;
}

/* A mark that is not ours to understand is none. */
static int parse(const char *text, size_t length, char *job, size_t size,
		 int64_t *step)
{
	json_t *json = rp_json_parse(text, length, NULL);
	const char *whose = json_string_value(json_object_get(json, "job"));
	const json_t *at = json_object_get(json, "step");
	int found = whose && strlen(whose) < size && json_is_integer(at) &&
		    (!*whose || rp_job_id_valid(whose));

	if (found) {
		memcpy(job, whose, strlen(whose) + 1);
		*step = json_integer_value(at);
	}
	json_decref(json);
	return found;
}

int rp_finish_look(struct rp_io *io, const char *dir, char *job, size_t size,
		   int64_t *step, struct rp_err *err)
{
	char *path = rp_path(dir, RP_FINISH_FILE);
	struct rp_err why = { 0 };
	size_t length;
	char *text = path ? rp_read_file(io, path, FINISH_MAX, &length, &why)
			  : NULL;
	int found = 0;

	if (text)
		found = parse(text, length, job, size, step);
	else if (why.sys != ENOENT) {
		rp_fail(err, path ? why.code : RALLY_ENOMEM, "%s", why.text);
		found = -1;
	}
	free(text);
	free(path);
	return found;
}

int rp_finish_read(struct rp_io *io, const char *dir, const char *job,
		   int64_t *step, struct rp_err *err)
{
	char whose[RP_JOB_ID];
	int64_t at;
	int found = rp_finish_look(io, dir, whose, sizeof(whose), &at, err);

	if (found <= 0 || !*job || strcmp(whose, job) != 0)
		return found < 0 ? -1 : 0;
	*step = at;
	return 1;
}
