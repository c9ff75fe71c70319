#include "tool/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/text.h"
#include "tool/print.h"

#define NO_COMMAND 127
#define NOT_STARTED 126

/* Open MPI 4 cuts this value at blanks and knows no quotes. */
static void set_launch_agent(void)
{
	char self[PATH_MAX], *agent;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return;
	self[n] = '\0';
	if (strpbrk(self, " \t")) {
		rp_complain("run: mpirun can't start its daemons behind '%s', "
			    "whose path has blanks in it", self);
		return;
	}
	agent = rp_format("%s run orted", self);
	if (agent)
		setenv("OMPI_MCA_orte_launch_agent", agent, 0);
	free(agent);
}

/* A step that is named after the agent would count as another program's, for
 * whose sake the library does not requeue. Behind what the user gives to srun. */
static void name_daemon_step(void)
{
	static const char name[] = "OMPI_MCA_plm_slurm_args";
	const char *given = getenv(name);
	char *args = rp_format("%s%s--job-name=orted", given ? given : "",
			       given ? " " : "");

	if (args && !(given && strstr(given, "--job-name=orted")))
		setenv(name, args, 1);
	free(args);
}

/* mpirun kills the other ranks a second after one has ended with an error, as
 * all do that have stopped and are not requeued. It waits all that time where any
 * is left, so not longer either. */
static void set_environment(void)
{
	setenv("RALLYPOINT_RUN", "1", 1);
	setenv("OMPI_MCA_odls_base_sigkill_timeout", "5", 0);
	if (getenv("OMPI_MCA_orte_launch_agent"))
		return;
	set_launch_agent();
	name_daemon_step();
}

/* In the child: everything is as it was before but for the shield. The mask comes
 * last, so that no signal finds this process's handlers. */
static void become(const struct rp_launch *launch, const sigset_t *mask,
		   pid_t parent, int told)
{
	int why = ESRCH;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int number = 1; number < RP_LAUNCH_SIGNALS; number++)
		if (sigismember(&launch->caught, number) == 1)
			sigaction(number, &launch->before[number], NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (getppid() == parent) {
		execvp(launch->argv[0], launch->argv);
		why = errno;
	}
	if (write(told, &why, sizeof(why)) < 0) {
		/* nobody is left to tell */
	}
	_exit(NO_COMMAND);
}

static int fork_child(struct rp_launch *launch, int told)
{
	pid_t self = getpid();
	sigset_t all, before, shielded;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	sigorset(&shielded, &before, &launch->shield);
	launch->pid = fork();
	if (launch->pid == 0)
		become(launch, &shielded, self, told);
	/* Not what was inherited from a `rallypoint run` above. */
	sigprocmask(SIG_SETMASK, &before, NULL);
	sigprocmask(SIG_UNBLOCK, &launch->caught, NULL);
	return launch->pid > 0 ? 0 : -1;
}

/* 0 once it has become COMMAND, else errno. */
static int hear(int fd)
{
	int why = 0;
	ssize_t n;

	do
		n = read(fd, &why, sizeof(why));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(why) ? why : 0;
}

int rp_launch(struct rp_launch *launch, struct rp_err *err)
{
	int ends[2], why = 0;

	set_environment();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ||
	    pipe2(ends, O_CLOEXEC) != 0)
		return rp_fail_errno(err, "start", launch->argv[0]);
	if (fork_child(launch, ends[1]) != 0)
		why = errno;
	close(ends[1]);
	if (why == 0)
		why = hear(ends[0]);
	close(ends[0]);
	if (why == 0)
		return 0;
	rp_fail(err, RALLY_EIO, "%s can't be started: %s", launch->argv[0],
		strerror(why));
	return why == ENOENT ? NO_COMMAND : NOT_STARTED;
}
