#include "tool/drill.h"

#include <ctype.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/text.h"
#include "tool/print.h"
#include "tool/tool.h"

#define TIMEOUT "600s"
#define LOOK_MS 20
#define ASK_NS 3000000000	/* between questions to Slurm */

enum { ALL = 256, RANK, REQUEUE, SIGNAL, TIME, FOLDER, JSON, DRY_RUN, FORCE,
       HERE };

static const struct option table[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "all", no_argument, NULL, ALL },
	{ "rank", required_argument, NULL, RANK },
	{ "requeue", no_argument, NULL, REQUEUE },
	{ "signal", required_argument, NULL, SIGNAL },
	{ "timeout", required_argument, NULL, TIME },
	{ "folder", required_argument, NULL, FOLDER },
	{ "json", no_argument, NULL, JSON },
	{ "dry-run", no_argument, NULL, DRY_RUN },
	{ "force", no_argument, NULL, FORCE },
	{ "here", no_argument, NULL, HERE },	/* on a node of the job */
	{ NULL, 0, NULL, 0 },
};

static void help(void)
{
	printf("usage: rallypoint drill [OPTION...] JOBID\n\n"
	       "Preempts a running job of your own, follows it until it has "
	       "resumed, and tells\nwhat came against what should have. The "
	       "exit status is 0 only if all is well.\n"
	       "  --all           SIGTERM to all tasks, as at a preemption (the "
	       "default)\n"
	       "  --rank N        to this rank only\n"
	       "  --requeue       no signal, but `scontrol requeue`\n"
	       "  --signal NAME   another signal than TERM\n"
	       "  --folder DIR    its checkpoint folder; else ckpt in its "
	       "working directory\n"
	       "  --timeout TIME  how long to follow it (" TIMEOUT ")\n"
	       "  --force         also one that Slurm can't start again\n"
	       "  --dry-run       only tell what would be done\n"
	       "  --json\n");
}

static int usage(const char *what, const char *which)
{
	rp_complain("drill: %s%s%s; see `rallypoint drill --help`", what,
		    which ? " " : "", which ? which : "");
	return EX_USAGE;
}

/* The number of "TERM" or "SIGTERM" in any case, 0 for none. */
static int signal_number(const char *name)
{
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (int n = 1; n < 32; n++)
		if (sigabbrev_np(n) && strcasecmp(sigabbrev_np(n), name) == 0)
			return n;
	return 0;
}

static int take(struct rp_drill *drill, int c, int *here)
{
	int number;

	switch (c) {
	case RANK:
		drill->how = RP_DRILL_RANK;
		if (rp_parse_int(optarg, 0, INT32_MAX, &drill->rank) != 0)
			return usage("--rank wants a number, not", optarg);
		break;
	case REQUEUE:
		drill->how = RP_DRILL_REQUEUE;
		break;
	case SIGNAL:
		number = signal_number(optarg);
		if (number == 0)
			return usage("there is no signal", optarg);
		snprintf(drill->signal, sizeof(drill->signal), "%s",
			 sigabbrev_np(number));
		break;
	case TIME:
		if (rp_parse_duration(optarg, &drill->timeout_ns) != 0)
			return usage("--timeout wants a time such as 10m, not",
				     optarg);
		break;
	case FOLDER:
		free(drill->dir);
		drill->dir = strdup(optarg);
		break;
	case JSON:
		drill->json = 1;
		break;
	case DRY_RUN:
		drill->dry_run = 1;
		break;
	case FORCE:
		drill->force = 1;
		break;
	case HERE:
		*here = 1;
	}
	return 0;
}

static int is_way(int c)
{
	return c == ALL || c == RANK || c == REQUEUE;
}

/* 0, or the exit status; -1 for --help. */
static int parse(struct rp_drill *drill, int argc, char **argv, int *here)
{
	int c, ways = 0, rc = 0;

	optind = 1;
	opterr = 0;	/* the sentence is ours */
	while (rc == 0 && (c = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		if (c == 'h')
			return -1;
		if (c == ':' || c == '?')
			return usage(c == ':' ? "there is no value behind"
					      : "there is no option",
				     argv[optind - 1]);
		ways += is_way(c);
		rc = take(drill, c, here);
	}
	if (rc != 0)
		return rc;
	if (ways > 1)
		return usage("--all, --rank and --requeue exclude each other",
			     NULL);
	if (optind == argc)
		return usage("which job?", NULL);
	if (optind + 1 < argc)
		return usage("one word too many:", argv[optind + 1]);
	if (!rp_job_id_valid(argv[optind]))
		return usage("a job's id looks like 12 or 12_3, not like",
			     argv[optind]);
	snprintf(drill->id, sizeof(drill->id), "%s", argv[optind]);
	return 0;
}

/* Until it has resumed, or never will. */
static int follow(struct rp_drill *drill, struct rp_err *err)
{
	int64_t asked = drill->begun;

	while (rp_drill_watch(drill, err) == 0 && !drill->over) {
		int64_t now = rp_now();

		if (now - drill->begun > drill->timeout_ns) {
			rp_drill_wrong(drill, "the time is up after %.0f s",
				       (double)drill->timeout_ns / 1e9);
			break;
		}
		if (now - asked > ASK_NS) {
			asked = now;
			drill->over = rp_drill_job_is_over(drill);
			if (drill->over)
				(void)rp_drill_watch(drill, err);
		}
		rp_sleep_ms(LOOK_MS);
	}
	return err->code;
}

static int drill_it(struct rp_drill *drill, struct rp_err *err)
{
	char *command;

	if (rp_drill_look(drill, err) != 0 ||
	    rp_drill_watch_begin(drill, err) != 0)
		return err->code;
	command = rp_drill_command(drill);
	if (drill->json && drill->dry_run)
		rp_json_print(json_pack("{s:s,s:o,s:o}", "job", drill->id,
					"folder", rp_json_text(drill->dir),
					"command",
					rp_json_text(command ? command : "")),
			      0, err);
	else if (!drill->json)
		printf("job %s: %s\n", drill->id, command ? command : "?");
	free(command);
	fflush(stdout);
	if (drill->dry_run)
		return err->code;
	drill->begun = rp_now();
	if (rp_drill_act(drill, err) != 0 || follow(drill, err) != 0 ||
	    rp_drill_report(drill, err) != 0)
		return err->code;
	return drill->wrongs ? RALLY_EUNFINISHED : 0;
}

static int on_node(const struct rp_drill *drill)
{
	int told = rp_drill_signal_rank(drill->id, drill->rank,
					signal_number(drill->signal));

	if (told > 0)
		printf("signalled %d\n", told);
	return 0;
}

static const struct rp_drill_mark none = { .at_ns = -1 };

int rp_tool_drill(int argc, char **argv)
{
	struct rp_drill drill = { .signal = "TERM", .agreed = none,
				  .saved = none, .requeued = none,
				  .started = none, .resumed = none };
	struct rp_err err = { 0 };
	int here = 0, rc;

	rp_parse_duration(TIMEOUT, &drill.timeout_ns);
	rc = parse(&drill, argc, argv, &here);
	if (rc < 0) {
		help();
		rc = 0;
	} else if (rc == 0 && here) {
		rc = on_node(&drill);
	} else if (rc == 0) {
		rc = drill_it(&drill, &err);
		if (err.code)
			rp_complain("drill: %s", err.text);
	}
	free(drill.dir);
	free(drill.work_dir);
	for (int i = 0; i < drill.wrongs; i++)
		free(drill.wrong[i]);
	return rc;
}
