#include "sys/child.h"

#include "base/clock.h"
#include "sys/child_exec.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS 1000000ll	       /* nanoseconds */
#define SLICE_MS 20	       /* how often the child's end is looked for */
#define QUIET_MS 2	       /* the same once both pipes are closed */
#define KILL_WAIT_NS (1000 * MS) /* for a killed child to be gone */

struct stream {
	int fd; /* -1 once at its end */
	char *buf;
	size_t len;
};

struct rp_child {
	pid_t pid;
	int gone;
	int64_t end;	    /* rp_now() at which patience ends */
	struct stream s[2]; /* stdout, stderr */
	struct rp_spawned got;
};

/* Takes what is there; past RP_SPAWN_MAX it is read and thrown away, so that
 * the child is never stuck in a full pipe. A child that writes without end is
 * left after a few rounds, so that the deadline is looked at. */
static void drain(struct rp_child *c, struct stream *s)
{
	char waste[4096];

	for (int round = 0; s->fd >= 0 && round < 64; round++) {
		size_t room = RP_SPAWN_MAX - s->len;
		ssize_t n;

		if (room)
			n = read(s->fd, s->buf + s->len, room);
		else
			n = read(s->fd, waste, sizeof(waste));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0) {
			close(s->fd);
			s->fd = -1;
		} else if (room) {
			s->len += (size_t)n;
		} else {
			c->got.cut = 1;
		}
	}
}

static void reap(struct rp_child *c)
{
	struct rp_spawned *got = &c->got;
	int status;
	pid_t pid = waitpid(c->pid, &status, WNOHANG);

	if (pid == 0 || (pid < 0 && errno == EINTR))
		return;
	c->gone = 1;
	if (pid < 0)
		return; /* ECHILD: reaped by the host, status unknown */
	got->reaped = 1;
	if (WIFEXITED(status))
		got->status = WEXITSTATUS(status);
	else if (WIFSIGNALED(status))
		got->signal = WTERMSIG(status);
}

static void kill_group(struct rp_child *c)
{
	c->got.timed_out = 1;
	kill(-c->pid, SIGKILL);
	c->end = rp_now() + KILL_WAIT_NS;
}

int rp_child_look(struct rp_child *c)
{
	drain(c, &c->s[0]);
	drain(c, &c->s[1]);
	if (!c->gone)
		reap(c);
	if (c->gone || rp_now() < c->end)
		return c->gone;
	if (c->got.timed_out)
		return 1; /* unkillable: not waited for */
	kill_group(c);
	return 0;
}

void rp_child_pause(struct rp_child *c)
{
	int64_t left = c->end - rp_now();
	struct pollfd fds[2];
	nfds_t n = 0;
	int ms;

	for (int i = 0; i < 2; i++)
		if (c->s[i].fd >= 0)
			fds[n++] = (struct pollfd){ .fd = c->s[i].fd,
						    .events = POLLIN };
	ms = n ? SLICE_MS : QUIET_MS;
	if (left < ms * MS)
		ms = left > 0 ? (int)(left / MS) + 1 : 0;
	poll(fds, n, ms); /* EINTR is as good as news */
}

static struct rp_child *reserve(void)
{
	struct rp_child *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->s[0].fd = c->s[1].fd = -1;
	c->got.out = c->s[0].buf = malloc(RP_SPAWN_MAX + 1);
	c->got.err = c->s[1].buf = malloc(RP_SPAWN_MAX + 1);
	if (c->got.out && c->got.err)
		return c;
	rp_spawned_free(&c->got);
	free(c);
	return NULL;
}

static int fail_start(struct rp_err *err, int rc, const char *name)
{
	if (rc == ENOENT || rc == EACCES || rc == ENOTDIR)
		return rp_fail(err, RALLY_EABSENT, "run %s: %s", name,
			       strerror(rc));
	errno = rc;
	return rp_fail_errno(err, "run", name);
}

static void close_streams(struct rp_child *c)
{
	for (int i = 0; i < 2; i++)
		if (c->s[i].fd >= 0)
			close(c->s[i].fd);
}

/* Returns 0 or an errno. */
static int start_child(struct rp_child *c, const char *const argv[],
		       const char *const set[])
{
	int out[2], er[2], rc;

	if (rp_child_pipe(out) < 0)
		return errno;
	c->s[0].fd = out[0];
	if (rp_child_pipe(er) < 0) {
		rc = errno;
		close(out[1]);
		return rc;
	}
	c->s[1].fd = er[0];
	rc = rp_child_exec(argv, set, out[1], er[1], &c->pid);
	close(out[1]);
	close(er[1]);
	return rc;
}

int rp_child_start(const char *const argv[], const char *const set[],
		   int64_t timeout_ms, struct rp_child **child,
		   struct rp_err *err)
{
	struct rp_child *c = reserve();
	int rc;

	*child = NULL;
	if (!c)
		return rp_fail(err, RALLY_ENOMEM, "no memory to run %s",
			       argv[0]);
	rc = start_child(c, argv, set);
	if (rc != 0) {
		close_streams(c);
		rp_spawned_free(&c->got);
		free(c);
		return fail_start(err, rc, argv[0]);
	}
	c->end = rp_now() + timeout_ms * MS;
	*child = c;
	return 0;
}

void rp_child_end(struct rp_child *c, struct rp_spawned *got)
{
	if (!c)
		return;
	if (!rp_child_look(c) && !c->got.timed_out)
		kill_group(c);
	while (!rp_child_look(c))
		rp_child_pause(c);
	/* A process that it left in the background may hold the pipes open:
	 * only what is there by now is taken. */
	drain(c, &c->s[0]);
	drain(c, &c->s[1]);
	close_streams(c);
	c->got.out_len = c->s[0].len;
	c->got.err_len = c->s[1].len;
	c->got.out[c->got.out_len] = '\0';
	c->got.err[c->got.err_len] = '\0';
	if (got)
		*got = c->got;
	else
		rp_spawned_free(&c->got);
	free(c);
}
