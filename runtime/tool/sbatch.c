/*
 * tool/sbatch.c - `rallypoint sbatch`: a script for a command line
 *
 * What it writes is looked at as `rallypoint doctor` does, and what is not right
 * then is told on stderr. Exit status: as doctor's.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/text.h"
#include "tool/diagnose.h"
#include "tool/gather.h"
#include "tool/print.h"
#include "tool/tool.h"

#define PROBLEMS 1

struct wish {
	const char *partition, *time, *nodes, *tasks, *folder, *output;
	int force;
	char *const *words;
	size_t n;
};

enum { PARTITION = 256, TIME, NODES, TASKS, FOLDER, FORCE };

static const struct option table[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "partition", required_argument, NULL, 'p' },
	{ "time", required_argument, NULL, 't' },
	{ "nodes", required_argument, NULL, 'N' },
	{ "ntasks", required_argument, NULL, 'n' },
	{ "folder", required_argument, NULL, FOLDER },
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, FORCE },
	{ NULL, 0, NULL, 0 },
};

static void help(void)
{
	printf("usage: rallypoint sbatch [--partition P] [--time T] [--nodes N] "
	       "[--ntasks N]\n"
	       "                         [--folder DIR] [-o FILE [--force]] -- "
	       "COMMAND [ARGS]\n\n"
	       "Write a script that starts COMMAND on all tasks, and again after "
	       "a stop.\n"
	       "  --folder DIR  the checkpoint folder of the program, for the "
	       "doctor\n"
	       "  -o FILE       the script, in place of stdout\n"
	       "  --force       also where FILE is there\n");
}

static int refuse(const char *what, const char *which)
{
	rp_complain("sbatch: %s%s%s; see `rallypoint sbatch --help`", what,
		    which ? " " : "", which ? which : "");
	return EX_USAGE;
}

static int is_count(const char *text)
{
	int64_t value;

	return !text || rp_parse_int(text, 1, INT32_MAX, &value) == 0;
}

/* One line each, as a line's end in them would be a line of the script. */
static int is_word(const char *text)
{
	return !text || (*text && !strpbrk(text, "\r\n"));
}

static int check(const struct wish *wish)
{
	int64_t seconds;

	if (wish->n == 0)
		return refuse("which command? Put it behind --", NULL);
	if (!is_count(wish->nodes))
		return refuse("--nodes wants a number from 1 up, not",
			      wish->nodes);
	if (!is_count(wish->tasks))
		return refuse("--ntasks wants a number from 1 up, not",
			      wish->tasks);
	if (wish->time && rp_conf_time(wish->time, &seconds) != 0)
		return refuse("--time wants minutes or D-HH:MM:SS, not",
			      wish->time);
	if (!is_word(wish->partition) ||
	    (wish->partition && strpbrk(wish->partition, " \t#'\"\\")))
		return refuse("that is no partition's name:", wish->partition);
	if (!is_word(wish->folder) || !is_word(wish->output))
		return refuse("a path is empty or has several lines", NULL);
	return 0;
}

static int parse(int argc, char **argv, struct wish *wish, int *done)
{
	int c;

	optind = 0;	/* "+" is looked at anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:hp:t:N:n:o:", table, NULL)) !=
	       -1)
		switch (c) {
		case 'h':
			help();
			*done = 1;
			return 0;
		case 'p':
			wish->partition = optarg;
			break;
		case 't':
			wish->time = optarg;
			break;
		case 'N':
			wish->nodes = optarg;
			break;
		case 'n':
			wish->tasks = optarg;
			break;
		case FOLDER:
			wish->folder = optarg;
			break;
		case 'o':
			wish->output = optarg;
			break;
		case FORCE:
			wish->force = 1;
			break;
		case ':':
			return refuse("there is no value behind",
				      argv[optind - 1]);
		default:
			return refuse("there is no option", argv[optind - 1]);
		}
	wish->words = argv + optind;
	wish->n = (size_t)(argc - optind);
	return check(wish);
}

/*
 * The script
 */

static char *join(char *const *words, size_t n)
{
	char *text = strdup("");

	for (size_t i = 0; text && i < n; i++) {
		char *quoted = rp_shell_quote(words[i]);
		char *more = quoted ? rp_format("%s%s%s", text, i ? " " : "",
						quoted) : NULL;

		free(quoted);
		free(text);
		text = more;
	}
	return text;
}

/* What a line starts; NULL for the line itself where no better one is known,
 * else that, the caller's. */
static char *better(const char *line, enum rp_start *kind)
{
	struct rp_starter launch = { 0 };
	struct rp_shell shell = { NULL, 0 };
	char *mended = NULL;

	*kind = RP_START_NONE;
	if (rp_shell_parse(&shell, line, NULL) == 0 && shell.n > 0 &&
	    rp_starter_of(&launch, &shell.v[0], NULL, NULL) == 0) {
		*kind = launch.kind;
		if (launch.mended)
			mended = strdup(launch.mended);
	}
	rp_starter_free(&launch);
	rp_shell_free(&shell);
	return mended;
}

/* Steals the line. */
static char *mend(char *line, enum rp_start *kind)
{
	char *mended = line ? better(line, kind) : NULL;

	if (!mended)
		return line;
	free(line);
	free(better(mended, kind));
	return mended;
}

static int wants_pmix(const struct rp_conf *conf)
{
	return strcmp(conf->mpi_default, "none") == 0;
}

/* srun in front, unless the user's words have a launcher. */
static char *launch_line(const struct wish *wish, const struct rp_conf *conf,
			 enum rp_start *kind)
{
	int sets = strcspn(*wish->words, "=") < strcspn(*wish->words, "/");
	char *line = join(wish->words, wish->n);
	char *with = line && sets ? rp_format("env %s", line) : NULL;

	/* "X=1 ./solver" is a shell's, and srun is none. */
	if (sets) {
		free(line);
		line = with;
	}
	line = mend(line, kind);
	if (!line || (*kind != RP_START_NONE && *kind != RP_START_TORCHRUN))
		return line;
	with = rp_format("srun %s%s", wants_pmix(conf) ? "--mpi=pmix " : "",
			 line);
	free(line);
	return mend(with, kind);
}

static void put_option(FILE *out, const char *name, const char *value)
{
	if (value)
		fprintf(out, "#SBATCH --%s=%s\n", name, value);
}

static void put_reasons(FILE *out, const struct rp_facts *f)
{
	char *words = rp_facts_say(f, *f->part.name
		? "# For partition {partition}: preemption {mode}, GraceTime "
		  "{grace}, KillWait {kill_wait}.\n"
		: "");

	fprintf(out, "#!/bin/bash\n# Written by `rallypoint sbatch`. Slurm runs "
		"it again from its first line at each\n# start, with the same "
		"job id.\n%s\n", words ? words : "");
	free(words);
}

/* mpirun hears of the job's end only in the place of the script's shell; srun
 * would make SIGKILL of it. */
static void put_launch(FILE *out, const char *line, enum rp_start kind)
{
	int exec = kind == RP_START_RUN_MPIRUN &&
		   strncmp(line, "rallypoint ", 11) == 0;

	if (kind == RP_START_RUN_MPIRUN)
		fprintf(out, "# `rallypoint run` hands Slurm's signals on to "
			"the ranks, and keeps mpirun from\n# dying of them; "
			"exec, so that it hears what Slurm tells the script.\n");
	else
		fprintf(out, "# Slurm signals what srun starts: the program "
			"itself, with no shell in between.\n");
	fprintf(out, "# It is the last line, so that its exit status is the "
		"job's: 81 where a stopped\n# run can't start again.%s\n%s%s\n",
		exec ? "" : " Write `... && post` for what needs the result.",
		exec ? "exec " : "", line);
}

static void put_script(FILE *out, const struct wish *wish,
		       const struct rp_facts *f, const char *line,
		       enum rp_start kind)
{
	put_reasons(out, f);
	put_option(out, "partition", wish->partition);
	put_option(out, "nodes", wish->nodes);
	put_option(out, "ntasks", wish->tasks);
	put_option(out, "time", wish->time);
	fprintf(out, "# It may be put back into the queue; the library asks for "
		"that after its save.\n#SBATCH --requeue\n"
		"# The second start would truncate what the first one said.\n"
		"#SBATCH --open-mode=append\n#SBATCH --output=%%x-%%j.out\n"
		"# No --signal: the library sees the time limit in the job's "
		"record.\n\n");
	if (wish->folder)
		fprintf(out, "# Where the program keeps its checkpoints, for "
			"`rallypoint doctor`:\n# rallypoint: folder %s\n\n",
			wish->folder);
	fprintf(out, "# A node that fails takes what was not saved with it.\n"
		"export RALLY_EVERY=30m\n\n");
	put_launch(out, line, kind);
}

/* The caller's, NULL without memory. */
static char *make_script(const struct wish *wish, const struct rp_facts *f)
{
	enum rp_start kind;
	char *line = launch_line(wish, &f->conf, &kind), *text = NULL;
	size_t size;
	FILE *out = line ? open_memstream(&text, &size) : NULL;

	if (out) {
		put_script(out, wish, f, line, kind);
		if (ferror(out) | fclose(out)) {
			free(text);
			text = NULL;
		}
	}
	free(line);
	return text;
}

/* An old one stays where the new one can't be written in full. */
static int write_file(const char *path, const char *text, int force,
		      struct rp_err *err)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL);
	int fd = open(path, flags, 0666), bad;
	FILE *out;

	if (fd < 0 && errno == EEXIST)
		return rp_fail(err, RALLY_EARG, "%s is there already: give "
			       "--force, or another name", path);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		rp_fail_errno(err, "create", path);
		if (fd >= 0)
			close(fd);
		return err->code;
	}
	bad = fputs(text, out) == EOF;
	bad |= fclose(out) != 0;
	return bad ? rp_fail_errno(err, "write", path) : 0;
}

/* What the doctor has to say of it. */
static int look(const char *text, const struct wish *wish, struct rp_err *err)
{
	struct rp_gather_from from = { .script = wish->output ? wish->output
							      : "the script",
				       .text = text };
	struct rp_diagnosis d = { 0 };
	struct rp_gathered all;
	int rc = rp_gather(&all, &from, err);

	if (rc == 0)
		rc = rp_diagnose(&d, &all.facts, err);
	for (size_t i = 0; i < d.n_findings; i++)
		if (d.findings[i].severity != RP_NOTE)
			rp_complain("%s: %s",
				    rp_severity_name(d.findings[i].severity),
				    d.findings[i].text);
	if (rc == 0 && d.problems)
		rc = PROBLEMS;
	rp_diagnosis_free(&d);
	rp_gathered_free(&all);
	return rc;
}

static int write_script(const struct wish *wish, struct rp_err *err)
{
	struct rp_gather_from site = { .partition = wish->partition };
	struct rp_gathered all;
	char *text = NULL;
	int rc = rp_gather(&all, &site, err);

	if (rc == 0) {
		text = make_script(wish, &all.facts);
		if (!text)
			rc = rp_fail(err, RALLY_ENOMEM,
				     "no memory for a script");
	}
	rp_gathered_free(&all);
	if (rc == 0 && wish->output)
		rc = write_file(wish->output, text, wish->force, err);
	else if (rc == 0)
		fputs(text, stdout);
	if (rc == 0)
		rc = look(text, wish, err);
	free(text);
	return rc;
}

int rp_tool_sbatch(int argc, char **argv)
{
	struct rp_err err = { 0 };
	struct wish wish = { 0 };
	int done = 0, rc = parse(argc, argv, &wish, &done);

	if (rc != 0 || done)
		return rc;
	rc = write_script(&wish, &err);
	if (err.code)
		rp_complain("%s", err.text);
	return rc;
}
