#include "data/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#define COMMIT "\"event\":\"" RP_EVENT_COMMIT "\""

/* The file grows with each event: the older half goes. */
static void turn_over(struct rp_io *io, const char *dir, const char *path)
{
	char *old = rp_path(dir, RP_EVENT_OLD);

	if (old)
		(void)rp_publish(io, path, old, NULL);
	free(old);
}

static int write_line(struct rp_io *io, int fd, const char *line,
		      const char *path, struct rp_err *err)
{
	size_t left = strlen(line);

	while (left > 0) {
		ssize_t n = rp_io_write(io, fd, line, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return rp_fail_errno(err, "write", path);
		line += n;
		left -= (size_t)n;
	}
	return 0;
}

static int append_line(struct rp_io *io, const char *dir, const char *path,
		       const char *line, struct rp_err *err)
{
	struct stat st;
	int fd, rc;

	do
		fd = rp_io_open(io, AT_FDCWD, path,
				O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW |
					O_NONBLOCK);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return rp_fail_errno(err, "open", path);
	rc = write_line(io, fd, line, path, err);
	if (rc == 0 && rp_io_fstat(io, fd, &st) == 0 &&
	    st.st_size > RP_EVENT_MAX)
		turn_over(io, dir, path);
	rp_close_read(io, fd);
	return rc;
}

int rp_event_append(struct rp_io *io, const char *dir, const char *event,
		    const char *job, int64_t restart, json_t *fields,
		    struct rp_err *err)
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
	rc = path && whole ? append_line(io, dir, path, whole, err)
			   : rp_fail(err, RALLY_ENOMEM, "event: no memory");
	json_decref(line);
	json_decref(fields);
	free(text);
	free(whole);
	free(path);
	return rc;
}

/* 1 where the file holds the text, 0, or -1 and errno. Lines are not told
 * apart, and a piece of a fixed size is looked at at a time: after a crash of
 * the machine NULs may stand where the end of the file was, and a line without
 * an end must not fill the memory. */
static int holds(struct rp_io *io, int fd, const char *text)
{
	size_t length = strlen(text), kept = 0;
	char piece[4096];
	off_t at = 0;

	for (;;) {
		ssize_t n = rp_io_pread(io, fd, piece + kept,
					sizeof(piece) - kept, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		at += n;
		kept += (size_t)n;
		if (memmem(piece, kept, text, length))
			return 1;
		if (kept < length)
			continue;
		memmove(piece, piece + kept - (length - 1), length - 1);
		kept = length - 1;
	}
}

/* 1 where `name` records a commit, 0 where it does not or is not there. */
static int records_commit(struct rp_io *io, const char *dir, const char *name,
			  struct rp_err *err)
{
	char *path = rp_path(dir, name);
	struct rp_err why = { 0 };
	int64_t size;
	int fd, found = 0;

	if (!path) {
		rp_fail(err, RALLY_ENOMEM, "event: no memory");
		return -1;
	}
	fd = rp_open_read(io, path, &size, &why);
	if (fd >= 0) {
		found = holds(io, fd, COMMIT);
		if (found < 0)
			rp_fail_errno(err, "read", path);
		rp_close_read(io, fd);
	} else if (why.sys != ENOENT) {
		rp_fail(err, why.code, "%s", why.text);
		found = -1;
	}
	free(path);
	return found;
}

int rp_event_committed(struct rp_io *io, const char *dir, struct rp_err *err)
{
	int found = records_commit(io, dir, RP_EVENT_FILE, err);

	return found ? found : records_commit(io, dir, RP_EVENT_OLD, err);
}
