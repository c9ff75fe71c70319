#include "sys/child_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

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

int rp_child_pipe(int ends[2])
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

int rp_child_exec(const char *const argv[], const char *const set[], int out,
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
