/*
 * tool/main.c - the command `rallypoint`
 *
 * Exit status: 0, EX_USAGE (64) for a wrong command line, else a code of enum
 * rally_error. `doctor`: see tool/doctor.c.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "tool/print.h"
#include "tool/tool.h"

static const struct command {
	const char *name;
	const char *operands;
	const char *doc;
	const char *details;
	int takes;
	int (*run)(const struct rp_args *args, struct rp_err *err);
	int (*own)(int argc, char **argv);	/* in place of it */
} commands[] = {
	{ "ls", " DIR", "list the checkpoints of a folder, newest first",
	  "Below the list: partial directories that crashes left, and whether "
	  "the run\nis marked as finished.\n",
	  RP_TAKES_DIR, rp_tool_ls, NULL },
	{ "show", " DIR [SEQ]", "show what a checkpoint holds",
	  "SEQ is a sequence (7) or a name (0007-step-120); without it the "
	  "newest.\n",
	  RP_TAKES_DIR | RP_TAKES_SEQ, rp_tool_show, NULL },
	{ "verify", " DIR [SEQ]", "read every byte again and compare hashes",
	  "Without SEQ all checkpoints. Goes on behind a bad one; the exit "
	  "status is 75\nwhere there was any.\n",
	  RP_TAKES_DIR | RP_TAKES_SEQ, rp_tool_verify, NULL },
	{ "prune", " DIR --keep K", "remove old checkpoints and leftovers",
	  "  --keep K   the newest K that are whole stay (K from 1 up)\n"
	  "  --keep-every N  and the first of each N steps, which is pinned\n"
	  "  --dry-run  only tell what would go\n"
	  "  --verify   read every byte of those that stay, first; else only\n"
	  "             their manifests and the lengths of their files\n"
	  "Pinned checkpoints stay, and do not count. Refused while a run may write to the folder.\n",
	  RP_TAKES_DIR | RP_TAKES_PRUNE, rp_tool_prune, NULL },
	{ "pin", " DIR [SEQ]", "have a checkpoint stay for good",
	  "SEQ is a sequence (7) or a name (0007-step-120); without it the "
	  "newest. No\nsave and no `rallypoint prune` removes it. At any time, "
	  "also while a job runs.\n",
	  RP_TAKES_DIR | RP_TAKES_SEQ, rp_tool_pin, NULL },
	{ "unpin", " DIR [SEQ]", "let it go with the others again",
	  "The next save removes it, or the next `rallypoint prune`, if its turn "
	  "is past.\n",
	  RP_TAKES_DIR | RP_TAKES_SEQ, rp_tool_unpin, NULL },
	{ "export", " CKPT [NAME...] -o OUT", "write arrays as .npy, .h5 or .safetensors",
	  "CKPT is a folder, for its newest checkpoint, or the directory of one. "
	  "Without a\nNAME all global arrays.\n"
	  "  -o OUT       .npy for one array, DIR/ for a .npy each, .h5, "
	  ".safetensors\n"
	  "  --force      OUT may be there\n"
	  "  --private    what is private to ranks too, as NAME.rank-R\n"
	  "  --chunk SIZE memory for a piece of an array (64m)\n",
	  RP_TAKES_DIR | RP_TAKES_NAMES | RP_TAKES_OUT | RP_TAKES_CHUNK,
	  rp_tool_export, NULL },
	{ "diff", " A B [NAME...]", "compare two checkpoints",
	  "By their hashes, then, where these differ, by value; on any numbers of "
	  "ranks.\nExit status 0: the same, 1: different, above: trouble.\n"
	  "  --chunk SIZE memory for a piece of an array, twice (64m)\n",
	  RP_TAKES_DIR | RP_TAKES_OTHER | RP_TAKES_NAMES | RP_TAKES_CHUNK,
	  rp_tool_diff, NULL },
	{ "cat", " CKPT NAME[SLICE]", "print values of an array",
	  "SLICE is numpy's: T[10:20,3], T[:,0], T[-1], T[::10].\n"
	  "  --rank R     what is private to rank R\n"
	  "  --chunk SIZE memory for a piece of an array (64m)\n",
	  RP_TAKES_DIR | RP_TAKES_NAME | RP_TAKES_RANK | RP_TAKES_CHUNK,
	  rp_tool_cat, NULL },
	{ "topo", "", "tell this process's cores and NUMA nodes",
	  "Also inside of srun: `srun rallypoint topo`, a line for each "
	  "task.\n",
	  0, rp_tool_topo, NULL },
	{ "options", "", "list the options of rally_set() and RALLY_*", "", 0,
	  rp_tool_options, NULL },
	{ "run", " COMMAND ...", "run a launcher, and hand signals to its ranks",
	  "", 0, NULL, rp_tool_run },
	{ "drill", " JOBID", "preempt a job of one's own, and tell what came",
	  "", 0, NULL, rp_tool_drill },
	{ "doctor", " [SCRIPT]", "tell what will happen to a job, and what is wrong",
	  "", 0, NULL, rp_tool_doctor },
	{ "sbatch", " -- COMMAND", "write a script for a command line", "", 0,
	  NULL, rp_tool_sbatch },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(void)
{
	printf("usage: rallypoint COMMAND [--json] ...\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s%-22s  %s\n", commands[i].name,
		       commands[i].operands, commands[i].doc);
	printf("\n  --json     one JSON document instead of text\n"
	       "  --help     this, or behind a command what it takes\n"
	       "  --version\n");
}

static void help_on(const struct command *command)
{
	printf("usage: rallypoint %s%s [--json]\n\n%c%s.\n%s", command->name,
	       command->operands, command->doc[0] - 'a' + 'A',
	       command->doc + 1, command->details);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct rp_err err = { 0 };
	struct rp_args args;
	int rc;

	if (rp_args_parse(&args, command->takes, argc, argv, &err) != 0) {
		rp_complain("%s: %s; see `rallypoint %s --help`",
			    command->name, err.text, command->name);
		return EX_USAGE;
	}
	if (args.help) {
		help_on(command);
		return 0;
	}
	rc = command->run(&args, &err);
	if (err.code)
		rp_complain("%s", err.text);
	return rc;
}

static int dispatch(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	const struct command *command = find(word);

	if (command && command->own)
		return command->own(argc - 1, argv + 1);
	if (command)
		return run(command, argc - 1, argv + 1);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	    strcmp(word, "help") == 0) {
		help();
	} else if (strcmp(word, "--version") == 0) {
		printf("rallypoint %s\n", RALLY_VERSION);
	} else {
		rp_complain("%s%s; see `rallypoint --help`",
			    *word ? "there is no command " : "which command?",
			    word);
		return EX_USAGE;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int rc = dispatch(argc, argv);

	/* A full disk or a closed pipe must not look like success. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && rc == 0) {
		rp_complain("the answer could not be written to stdout");
		rc = RALLY_EIO;
	}
	return rc;
}
