#include "sys/owner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "data/json.h"
#include "sys/job.h"

#define OWNER_MAX 4096
#define VISIBLE_MS 2000	/* how long a new file may take to show over NFS */
#define POLL_MS 50
#define HALF_WRITTEN_S 10	/* an owner file that stays empty this long was
				   left by a crash between create and write */

struct claim {
	char *job;
	char *host;
	int64_t restart, pid, started;
};

/* Start time of a process in clock ticks since boot: field 22 of
 * /proc/PID/stat, counted behind the name's closing parenthesis. With the pid
 * it tells a process from a later one of the same number. 0: not running; one
 * that ended and waits for a parent to ask for its status writes no more. */
static int64_t started_at(int64_t pid)
{
	char path[40], line[1024];
	char *p = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file))
		p = strrchr(line, ')');
	fclose(file);
	if (p && (strncmp(p, ") Z", 3) == 0 || strncmp(p, ") X", 3) == 0))
		return 0;
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoll(p + 1, NULL, 10) : 0;
}

static char *own_text(const char *job, int64_t restart)
{
	char host[256] = "";
	int64_t pid = (int64_t)getpid();
	json_t *json;
	char *text, *line = NULL;

	gethostname(host, sizeof(host) - 1);
	json = json_pack("{s:s,s:I,s:s,s:I,s:I}", "job", job, "restart",
			 (json_int_t)restart, "host", host, "pid",
			 (json_int_t)pid, "started",
			 (json_int_t)started_at(pid));
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (text)
		line = rp_format("%s\n", text);
	free(text);
	return line;
}

/* What no run writes is no claim: the job goes onto a command line, and all of
 * it to a terminal. */
static int is_sound(const struct claim *claim)
{
	for (const char *p = claim->host; *p; p++)
		if (*p <= ' ' || *p > '~')
			return 0;
	return (!*claim->job || rp_job_id_valid(claim->job)) &&
	       claim->restart >= 0 && claim->pid > 0 && claim->started >= 0;
}

static int parse_claim(const char *text, size_t size, struct claim *claim)
{
	json_t *json = rp_json_parse(text, size, NULL);
	const char *job, *host;
	json_int_t restart, pid, started;
	int rc;

	rc = json ? json_unpack(json, "{s:s,s:I,s:s,s:I,s:I}", "job", &job,
				"restart", &restart, "host", &host, "pid",
				&pid, "started", &started)
		  : -1;
	if (rc == 0) {
		claim->job = strdup(job);
		claim->host = strdup(host);
		claim->restart = restart;
		claim->pid = pid;
		claim->started = started;
		rc = claim->job && claim->host && is_sound(claim) ? 0 : -1;
	}
	json_decref(json);
	return rc;
}

/* 1: the process runs, 0: it is gone, -1: it is on another host. */
static int process_lives(const struct claim *claim)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (strcmp(host, claim->host) != 0)
		return -1;
	return started_at(claim->pid) == claim->started;
}

/* Whether this claim can be taken over; where not, why not. */
static int is_stale(const struct claim *claim, const char *job,
		    int64_t restart, rp_job_active_fn *active, void *arg)
{
	int same = *job && strcmp(claim->job, job) == 0;
	int lives = process_lives(claim);

	if (same && claim->restart < restart)
		return 1;
	if (lives == 0)
		return 1;
	if (lives == 1 || same || !*claim->job)
		return 0;
	return active && active(arg, claim->job) == 0;
}

static int refuse(const char *dir, const struct claim *claim,
		  struct rp_err *err)
{
	return rp_fail(err, RALLY_EOWNED,
		       "%s belongs to %s%s on %s (pid %lld), which may still "
		       "write to it; give this run a folder of its own, or, if "
		       "that one is over, remove %s/" RP_OWNER_FILE, dir,
		       *claim->job ? "job " : "a run", claim->job, claim->host,
		       (long long)claim->pid, dir);
}

static int64_t age(struct rp_io *io, const char *path)
{
	struct stat st;

	return rp_lstat(io, path, &st) == 0 ? rp_wall() - st.st_mtime : 0;
}

/* Somebody's file is there: 0 where ours may stand in its place. */
static int judge(struct rp_io *io, const char *dir, const char *path,
		 const char *job, int64_t restart, rp_job_active_fn *active, void *arg,
		 struct rp_err *err)
{
	struct claim claim = { 0 };
	struct rp_err quiet = { 0 };
	size_t size;
	char *text = rp_read_file(io, path, OWNER_MAX, &size, &quiet);
	int rc;

	if (!text && quiet.sys == ENOENT)
		rc = 0;	/* released a moment ago */
	else if (!text && (quiet.sys != 0 || quiet.code == RALLY_ENOMEM))
		rc = rp_fail_as(err, &quiet);
	else if (!text || parse_claim(text, size, &claim) != 0)
		rc = age(io, path) > HALF_WRITTEN_S
			     ? 0
			     : rp_fail(err, RALLY_EOWNED,
				       "%s is being claimed by another run; "
				       "if there is none, remove it", path);
	else if (is_stale(&claim, job, restart, active, arg))
		rc = 0;
	else
		rc = refuse(dir, &claim, err);
	free(claim.job);
	free(claim.host);
	free(text);
	return rc;
}

int rp_owner_take(struct rp_io *io, struct rp_owner *owner, const char *dir,
		  const char *job, int64_t restart, rp_job_active_fn *active,
		  void *arg, struct rp_err *err)
{
	struct rp_err first = { 0 };
	char *path = rp_path(dir, RP_OWNER_FILE);
	char *text = own_text(job, restart);
	int ours = 0, rc;

	owner->io = io;
	owner->dir = strdup(dir);
	owner->text = NULL;
	if (!path || !text || !owner->dir) {
		rc = rp_fail(err, RALLY_ENOMEM, "%s: no memory", dir);
		goto out;
	}
	rc = rp_write_file(io, path, text, strlen(text), &first);
	if (rc != 0 && first.sys != EEXIST) {
		rc = rp_fail_as(err, &first);
	} else if (rc != 0) {
		rc = judge(io, dir, path, job, restart, active, arg, err);
		/* From the rename on it is ours to release, whatever fails
		 * after that. */
		ours = rc == 0;
		if (rc == 0)
			rc = rp_replace_file(io, dir, RP_OWNER_FILE, text,
					     strlen(text), err);
	}
	if (rc == 0 || ours) {
		owner->text = text;
		text = NULL;
	}
out:
	free(text);
	free(path);
	return rc;
}

int rp_owner_check(const struct rp_owner *owner, struct rp_err *err)
{
	char *path = rp_path(owner->dir, RP_OWNER_FILE);
	struct rp_err why = { 0 };
	size_t size = 0;
	char *text = path ? rp_read_file(owner->io, path, OWNER_MAX, &size,
					 &why)
			  : NULL;
	int rc = 0;

	if (!path)
		rc = rp_fail(err, RALLY_ENOMEM, "%s: no memory", owner->dir);
	else if (!text && why.sys != ENOENT)
		rc = rp_fail_as(err, &why);
	else if (!text || strcmp(text, owner->text) != 0)
		rc = rp_fail(err, RALLY_EOWNED,
			     "%s was taken by another run%s%s: this one may "
			     "not commit there any more", owner->dir,
			     text ? "" : ", or ", text ? "" : why.text);
	free(text);
	free(path);
	return rc;
}

int rp_owner_await(struct rp_io *io, const char *dir, const char *text,
		   struct rp_err *err)
{
	char *path = rp_path(dir, RP_OWNER_FILE);
	int same = 0;

	if (!path)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory", dir);
	for (int waited = 0; !same && waited <= VISIBLE_MS; waited += POLL_MS) {
		struct rp_err quiet = { 0 };
		size_t size;
		char *found;

		if (waited > 0)
			rp_sleep_ms(POLL_MS);
		found = rp_read_file(io, path, OWNER_MAX, &size, &quiet);
		same = found && strcmp(found, text) == 0;
		free(found);
	}
	free(path);
	if (same)
		return 0;
	return rp_fail(err, RALLY_EIO,
		       "%s is not the folder that rank 0 sees under this name: "
		       "give one on a file system that all nodes share", dir);
}

/* Tried twice: what stays behind keeps the folder from the next handle of this
 * very process, which lives. */
static int remove_own(const struct rp_owner *owner)
{
	char *path = rp_path(owner->dir, RP_OWNER_FILE);
	int rc = RALLY_ENOMEM;

	for (int tries = 0; path && rc != 0 && tries < 2; tries++) {
		rc = rp_owner_check(owner, NULL);
		if (rc == 0)
			rc = rp_remove(owner->io, path, NULL);
	}
	free(path);
	return rc;
}

void rp_owner_release(struct rp_owner *owner)
{
	if (owner->text)
		(void)remove_own(owner);
	free(owner->dir);
	free(owner->text);
	memset(owner, 0, sizeof(*owner));
}
