#include "sys/finish.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "sys/job.h"

#define FINISH_MAX 4096

int rp_finish_write(const char *dir, const char *job, int64_t step,
		    struct rp_err *err)
{
	char *text = rp_format("{\"job\":\"%s\",\"step\":%lld}\n", job,
			       (long long)step);
	int rc;

	if (!text)
		return rp_fail(err, RALLY_ENOMEM, "finish: no memory");
	rc = rp_replace_file(dir, RP_FINISH_FILE, text, strlen(text), err);
	free(text);
	return rc;
}

int rp_finish_look(const char *dir, char *job, size_t size, int64_t *step)
{
	char *path = rp_path(dir, RP_FINISH_FILE);
	struct rp_err quiet = { 0 };
	size_t length;
	char *text = path ? rp_read_file(path, FINISH_MAX, &length, &quiet)
			  : NULL;
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;
	const char *whose = json_string_value(json_object_get(json, "job"));
	const json_t *at = json_object_get(json, "step");
	int found = whose && strlen(whose) < size && json_is_integer(at);

	if (found) {
		memcpy(job, whose, strlen(whose) + 1);
		*step = json_integer_value(at);
	}
	json_decref(json);
	free(text);
	free(path);
	return found;
}

int rp_finish_read(const char *dir, const char *job, int64_t *step)
{
	char whose[RP_JOB_ID];
	int64_t at;

	if (!rp_finish_look(dir, whose, sizeof(whose), &at) || !*job ||
	    strcmp(whose, job) != 0)
		return 0;
	*step = at;
	return 1;
}
