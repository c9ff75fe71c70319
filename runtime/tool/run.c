/*
 * tool/run.c - `rallypoint run`: shields launchers from signals meant for ranks
 *
 * COMMAND is a child whose mask blocks SIGTERM, SIGUSR1 and SIGUSR2; it hands the
 * mask down to all that it starts. A launcher then lives through the start of a
 * preemption's grace, and the ranks unblock the signals that the library
 * catches. What comes to this process goes to them: tool/relay.h.
 *
 * This process itself keeps the signals unblocked and caught, so that another
 * `rallypoint run` above it knows it as one that hears.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "tool/launch.h"
#include "tool/print.h"
#include "tool/relay.h"
#include "tool/tool.h"

#define PATIENCE "10s"
#define KILL_AFTER_NS 5000000000	/* from the end's first signal */

/* The same as without `rallypoint run`, when they come from one process and not
 * from the terminal, which sends them to COMMAND itself. */
static const int plain[] = { SIGINT, SIGHUP, SIGQUIT };
static const int relayed[] = { SIGTERM, SIGUSR1, SIGUSR2 };

#define PLAIN (sizeof(plain) / sizeof(plain[0]))
#define RELAYED (sizeof(relayed) / sizeof(relayed[0]))

/* For the handler: which signals came from whom, and the pipe that wakes. */
enum { NOT, FROM_TERMINAL, FROM_PROCESS };
static volatile sig_atomic_t came[RP_LAUNCH_SIGNALS];
static int wake[2];

struct run {
	struct rp_launch launch;
	struct rp_relay relay[RELAYED];
	int ended;		/* COMMAND has; status is its */
	int status;
	int64_t ending;		/* rp_now() at which it was told to end, or 0 */
	int killed;		/* ... and was not, in time */
};

static void on_signal(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	came[number] = info->si_code == SI_KERNEL ? FROM_TERMINAL
						  : FROM_PROCESS;
	if (write(wake[1], "", 1) < 0) {
		/* full: it wakes anyway */
	}
	errno = saved;
}

static int take(int number)
{
	int how = came[number];

	if (how)
		came[number] = NOT;
	return how;
}

/* Keeps what stood before for COMMAND. */
static void catch(struct run *run, int number)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_signal;
	action.sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP;
	sigemptyset(&action.sa_mask);
	sigaction(number, &action, &run->launch.before[number]);
	sigaddset(&run->launch.caught, number);
}

static int catch_all(struct run *run, struct rp_err *err)
{
	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
		return rp_fail_errno(err, "pipe", "run");
	sigemptyset(&run->launch.caught);
	sigemptyset(&run->launch.shield);
	for (size_t i = 0; i < PLAIN; i++)
		catch(run, plain[i]);
	for (size_t i = 0; i < RELAYED; i++) {
		catch(run, relayed[i]);
		sigaddset(&run->launch.shield, relayed[i]);
	}
	catch(run, SIGCHLD);
	return 0;
}

/* Orphans come here too. */
static void reap(struct run *run)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != run->launch.pid)
			continue;
		run->ended = 1;
		run->status = status;
	}
}

/* Whoever blocks SIGTERM does so because of us. SIGHUP means the same to
 * launchers and shells. */
static void signal_all(int kill_them)
{
	struct rp_family family;

	if (rp_family_list(getpid(), &family, NULL) != 0)
		return;
	for (size_t i = 0; i < family.n; i++) {
		int blocks = rp_relative_blocks(&family.v[i], SIGTERM);

		if (!kill_them)
			kill(family.v[i].pid, blocks ? SIGHUP : SIGTERM);
		else if (blocks)
			kill(family.v[i].pid, SIGKILL);
	}
	rp_family_free(&family);
}

static void look(struct run *run, struct rp_relay *relay)
{
	if (rp_relay_look(relay) != RP_RELAY_UNHEARD)
		return;
	if (relay->number != SIGTERM) {
		rp_complain("run: no process of %s catches SIG%s; it is "
			    "dropped", run->launch.argv[0],
			    sigabbrev_np(relay->number));
	} else if (!run->ending) {
		rp_complain("run: no process of %s catches SIGTERM; it is "
			    "ended", run->launch.argv[0]);
		run->ending = rp_now();
		signal_all(0);
	}
}

static void end_in_time(struct run *run)
{
	if (!run->ending || run->killed ||
	    rp_now() - run->ending < KILL_AFTER_NS)
		return;
	run->killed = 1;
	signal_all(1);
}

/* How long to wait for a signal, in milliseconds. The end of an orphan is one,
 * but for such as have a wrapper of their own. */
static int pause_of(const struct run *run)
{
	for (size_t i = 0; i < RELAYED; i++)
		if (run->relay[i].active)
			return RP_RELAY_MS;
	return run->ended || (run->ending && !run->killed) ? 1000 : -1;
}

static void rest(const struct run *run)
{
	struct pollfd fd = { .fd = wake[0], .events = POLLIN };
	char drain[256];

	(void)poll(&fd, 1, pause_of(run));
	while (read(wake[0], drain, sizeof(drain)) > 0) {
		/* what came stands in `came` */
	}
}

static void handle_signals(struct run *run)
{
	for (size_t i = 0; i < PLAIN; i++)
		if (take(plain[i]) == FROM_PROCESS && !run->ended)
			kill(run->launch.pid, plain[i]);
	for (size_t i = 0; i < RELAYED; i++) {
		if (take(relayed[i]))
			rp_relay_begin(&run->relay[i]);
		look(run, &run->relay[i]);
	}
	end_in_time(run);
}

/* Ranks whose launcher has gone may be saving. */
static int is_over(const struct run *run)
{
	int awaited = 0;

	for (size_t i = 0; run->ended && i < RELAYED; i++)
		awaited |= rp_relay_is_awaited(&run->relay[i]);
	return run->ended && !awaited;
}

static int supervise(struct run *run)
{
	while (!is_over(run)) {
		rest(run);
		reap(run);
		handle_signals(run);
	}
	if (WIFEXITED(run->status))
		return WEXITSTATUS(run->status);
	return 128 + (run->ending ? SIGTERM : WTERMSIG(run->status));
}

static int run_command(char **argv, int64_t patience)
{
	struct run run = { .launch = { .argv = argv } };
	struct rp_err err = { 0 };
	int rc = catch_all(&run, &err);

	for (size_t i = 0; i < RELAYED; i++) {
		run.relay[i].number = relayed[i];
		run.relay[i].patience_ns = patience;
	}
	if (rc == 0)
		rc = rp_launch(&run.launch, &err);
	if (rc == 0)
		rc = supervise(&run);
	else
		rp_complain("run: %s", err.text);
	for (size_t i = 0; i < RELAYED; i++)
		rp_relay_end(&run.relay[i]);
	return rc;
}

static void help(void)
{
	printf("usage: rallypoint run [--patience TIME] [--] COMMAND "
	       "[ARGUMENT...]\n\n"
	       "Runs COMMAND (mpirun, a shell, torchrun ...) shielded from "
	       "SIGTERM, SIGUSR1 and\nSIGUSR2, and hands these signals to the "
	       "processes below it that catch them.\nThe exit status is "
	       "COMMAND's, 128+N where signal N ended it.\n"
	       "  --patience TIME  how long processes that start may take until "
	       "they catch\n                   SIGTERM (" PATIENCE "); then "
	       "COMMAND is ended by it\n");
}

static int usage(const char *what, const char *which)
{
	rp_complain("run: %s%s%s; see `rallypoint run --help`", what,
		    which ? " " : "", which ? which : "");
	return EX_USAGE;
}

int rp_tool_run(int argc, char **argv)
{
	static const struct option table[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "patience", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	const char *patience = PATIENCE;
	int64_t ns;
	int c;

	optind = 1;
	opterr = 0;	/* the sentence is ours */
	/* '+': COMMAND's own options are its own. */
	while ((c = getopt_long(argc, argv, "+:h", table, NULL)) != -1) {
		if (c == 'h') {
			help();
			return 0;
		}
		if (c != 'p')
			return usage(c == ':' ? "there is no value behind"
					      : "there is no option",
				     argv[optind - 1]);
		patience = optarg;
	}
	if (rp_parse_duration(patience, &ns) != 0)
		return usage("--patience wants a time such as 10s or 1m, not",
			     patience);
	if (optind == argc)
		return usage("which command?", NULL);
	return run_command(argv + optind, ns);
}
