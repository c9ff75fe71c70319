#include "data/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

static int append_line(const char *path, const char *line, struct rp_err *err)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK |
			      O_CLOEXEC,
		      0666);
	size_t length = strlen(line);
	ssize_t n;

	if (fd < 0)
		return rp_fail_errno(err, "open", path);
	do
		n = write(fd, line, length);
	while (n < 0 && errno == EINTR);
	close(fd);
	if (n < 0)
		return rp_fail_errno(err, "write", path);
	return 0;
}

int rp_event_append(const char *dir, const char *event, const char *job,
		    int64_t restart, json_t *fields, struct rp_err *err)
{
	char when[24];
	json_t *line;
	char *path = rp_path(dir, RP_EVENT_FILE), *text = NULL, *whole = NULL;
	int rc;

	rp_wall_text(rp_wall(), when, sizeof(when));
	line = json_pack("{s:s,s:s,s:s,s:I}", "time", when, "event", event,
			 "job", job, "restart", (json_int_t)restart);
	if (line && fields)
		json_object_update(line, fields);
	if (line)
		text = json_dumps(line, JSON_COMPACT);
	if (text)
		whole = rp_format("%s\n", text);
	rc = path && whole ? append_line(path, whole, err)
			   : rp_fail(err, RALLY_ENOMEM, "event: no memory");
	json_decref(line);
	json_decref(fields);
	free(text);
	free(whole);
	free(path);
	return rc;
}

int rp_event_committed(const char *dir, struct rp_err *err)
{
	char *path = rp_path(dir, RP_EVENT_FILE);
	int fd = path ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	char *line = NULL;
	size_t size = 0;
	int found = 0;

	if (!file && path && errno == ENOENT) {
		free(path);
		return 0;
	}
	if (!file) {
		rp_fail_errno(err, "open", path ? path : RP_EVENT_FILE);
		free(path);
		return -1;
	}
	while (!found && getline(&line, &size, file) > 0)
		found = strstr(line, "\"event\":\"" RP_EVENT_COMMIT "\"") !=
			NULL;
	free(line);
	fclose(file);
	free(path);
	return found;
}
