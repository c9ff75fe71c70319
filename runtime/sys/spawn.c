#include "sys/spawn.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS 1000000ll	       /* nanoseconds */
#define SLICE_MS 20	       /* how often the child's end is looked for */
#define QUIET_MS 2	       /* the same once both pipes are closed */
#define KILL_WAIT_NS (1000 * MS) /* for a killed child to be gone */

extern char **environ;

struct stream {
	int fd; /* -1 once at its end */
	char *buf;
	size_t len;
};

struct child {
	pid_t pid;
	int gone;
	struct stream s[2]; /* stdout, stderr */
	int cut;
};

/* A descriptor above stdio: in a program that has closed its own, another
 * thread that writes to 1 or 2 must not write into the pipes, and the child's
 * dup2 onto 0 to 2 not hit one. */
static int above_stdio(int fd)
{
	int high;

	if (fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high;
}

static int open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	ends[0] = above_stdio(ends[0]);
	ends[1] = above_stdio(ends[1]);
	if (ends[0] >= 0 && ends[1] >= 0 &&
	    fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	if (ends[0] >= 0)
		close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return -1;
}

static int same_key(const char *entry, const char *set)
{
	const char *eq = strchr(set, '=');

	return eq && strncmp(entry, set, (size_t)(eq - set) + 1) == 0;
}

static int wanted(const char *entry, const char *const set[])
{
	static const char *const drop[] = { "PMIX_", "PMI_", "OMPI_", "PRTE_",
					    "ORTE_" };

	for (size_t i = 0; i < sizeof(drop) / sizeof(drop[0]); i++)
		if (strncmp(entry, drop[i], strlen(drop[i])) == 0)
			return 0;
	for (; set && *set; set++)
		if (same_key(entry, *set))
			return 0;
	return 1;
}

/* The child's environment; the array is the caller's, the strings are not. */
static char **make_env(const char *const set[])
{
	size_t n = 1;
	char **env;

	for (char **e = environ; e && *e; e++)
		n++;
	for (size_t i = 0; set && set[i]; i++)
		n++;
	env = calloc(n, sizeof(*env));
	if (!env)
		return NULL;
	n = 0;
	for (char **e = environ; e && *e; e++)
		if (wanted(*e, set))
			env[n++] = *e;
	for (size_t i = 0; set && set[i]; i++)
		env[n++] = (char *)(uintptr_t)set[i];
	return env;
}

static int set_attr(posix_spawnattr_t *attr)
{
	static const int meant_for_us[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT,
					    SIGUSR1, SIGUSR2, SIGXCPU };
	sigset_t all, blocked;
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
		      POSIX_SPAWN_SETPGROUP;
	int rc;

	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(meant_for_us) / sizeof(int); i++)
		sigaddset(&blocked, meant_for_us[i]);
	if ((rc = posix_spawnattr_setsigdefault(attr, &all)) != 0 ||
	    (rc = posix_spawnattr_setsigmask(attr, &blocked)) != 0 ||
	    (rc = posix_spawnattr_setpgroup(attr, 0)) != 0)
		return rc;
	return posix_spawnattr_setflags(attr, flags);
}

static int set_files(posix_spawn_file_actions_t *files, int out, int err)
{
	int rc;

	if ((rc = posix_spawn_file_actions_addopen(files, 0, "/dev/null",
						   O_RDONLY, 0)) != 0 ||
	    (rc = posix_spawn_file_actions_adddup2(files, out, 1)) != 0 ||
	    (rc = posix_spawn_file_actions_adddup2(files, err, 2)) != 0)
		return rc;
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
	/* The host's sockets may not be close-on-exec. */
	rc = posix_spawn_file_actions_addclosefrom_np(files, 3);
#endif
#endif
	return rc;
}

/* Returns 0 or an errno. */
static int start(const char *const argv[], const char *const set[], int out,
		 int err, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	char **env = make_env(set);
	int rc;

	if (!env)
		return ENOMEM;
	rc = posix_spawnattr_init(&attr);
	if (rc)
		goto out_env;
	rc = posix_spawn_file_actions_init(&files);
	if (rc)
		goto out_attr;
	rc = set_attr(&attr);
	if (!rc)
		rc = set_files(&files, out, err);
	if (!rc)
		rc = posix_spawnp(pid, argv[0], &files, &attr,
				  (char *const *)(uintptr_t)argv, env);
	posix_spawn_file_actions_destroy(&files);
out_attr:
	posix_spawnattr_destroy(&attr);
out_env:
	free(env);
	return rc;
}

/* Takes what is there; past RP_SPAWN_MAX it is read and thrown away, so that
 * the child is never stuck in a full pipe. A child that writes without end is
 * left after a few rounds, so that the deadline is looked at. */
static void drain(struct child *c, struct stream *s)
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
			c->cut = 1;
		}
	}
}

static void look(struct child *c, struct rp_spawned *got)
{
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

static void pause_for_news(struct child *c, int64_t left_ns)
{
	struct pollfd fds[2];
	nfds_t n = 0;
	int ms;

	for (int i = 0; i < 2; i++)
		if (c->s[i].fd >= 0)
			fds[n++] = (struct pollfd){ .fd = c->s[i].fd,
						    .events = POLLIN };
	ms = n ? SLICE_MS : QUIET_MS;
	if (left_ns < ms * MS)
		ms = (int)(left_ns / MS) + 1;
	poll(fds, n, ms); /* EINTR is as good as news */
}

static void listen_to(struct child *c, int64_t timeout_ms,
		      struct rp_spawned *got)
{
	int64_t end = rp_now() + timeout_ms * MS;

	for (;;) {
		int64_t now;

		drain(c, &c->s[0]);
		drain(c, &c->s[1]);
		look(c, got);
		if (c->gone)
			break;
		now = rp_now();
		if (now >= end) {
			if (got->timed_out)
				break; /* unkillable: not waited for */
			got->timed_out = 1;
			kill(-c->pid, SIGKILL);
			end = now + KILL_WAIT_NS;
		}
		pause_for_news(c, end - now);
	}
	/* A process that it left in the background may hold the pipes open:
	 * only what is there by now is taken. */
	drain(c, &c->s[0]);
	drain(c, &c->s[1]);
}

static int reserve(struct rp_spawned *got)
{
	memset(got, 0, sizeof(*got));
	got->out = malloc(RP_SPAWN_MAX + 1);
	got->err = malloc(RP_SPAWN_MAX + 1);
	if (got->out && got->err)
		return 0;
	rp_spawned_free(got);
	return -1;
}

static int fail_start(struct rp_err *err, int rc, const char *name)
{
	if (rc == ENOENT || rc == EACCES || rc == ENOTDIR)
		return rp_fail(err, RALLY_EABSENT, "run %s: %s", name,
			       strerror(rc));
	errno = rc;
	return rp_fail_errno(err, "run", name);
}

int rp_spawn(const char *const argv[], const char *const set[],
	     int64_t timeout_ms, struct rp_spawned *got, struct rp_err *err)
{
	int out[2], er[2], rc;
	struct child c = { 0 };

	if (reserve(got) < 0)
		return rp_fail(err, RALLY_ENOMEM, "no memory to run %s",
			       argv[0]);
	if (open_pipe(out) < 0) {
		rc = errno;
		goto fail;
	}
	if (open_pipe(er) < 0) {
		rc = errno;
		close(out[0]);
		close(out[1]);
		goto fail;
	}
	rc = start(argv, set, out[1], er[1], &c.pid);
	close(out[1]);
	close(er[1]);
	c.s[0] = (struct stream){ .fd = out[0], .buf = got->out };
	c.s[1] = (struct stream){ .fd = er[0], .buf = got->err };
	if (!rc)
		listen_to(&c, timeout_ms, got);
	for (int i = 0; i < 2; i++)
		if (c.s[i].fd >= 0)
			close(c.s[i].fd);
	if (rc)
		goto fail;
	got->out_len = c.s[0].len;
	got->err_len = c.s[1].len;
	got->out[got->out_len] = '\0';
	got->err[got->err_len] = '\0';
	got->cut = c.cut;
	return 0;
fail:
	rp_spawned_free(got);
	return fail_start(err, rc, argv[0]);
}

void rp_spawned_free(struct rp_spawned *got)
{
	free(got->out);
	free(got->err);
	memset(got, 0, sizeof(*got));
}

static int is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

int rp_spawn_finds(const char *name)
{
	const char *dir = getenv("PATH");
	int found = 0;

	if (strchr(name, '/'))
		return is_program(name);
	while (dir && *dir && !found) {
		size_t len = strcspn(dir, ":");
		char *path = rp_format("%.*s/%s", (int)len, len ? dir : ".",
				       name);

		found = path && is_program(path);
		free(path);
		dir += len + (dir[len] == ':');
	}
	return found;
}
