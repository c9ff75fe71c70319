#include "tool/starter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tool/line.h"

const char *rp_line_word(const struct rp_line *line)
{
	return line->at < line->n ? line->words[line->at] : "";
}

const char *rp_line_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int rp_line_is_one_of(const char *name, const char *const list[])
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return 1;
	return 0;
}

const char *rp_starter_name(enum rp_start kind)
{
	static const char *const names[] = {
		[RP_START_NONE] = "none",
		[RP_START_SRUN] = "srun",
		[RP_START_SRUN_EXEC] = "srun-exec",
		[RP_START_SRUN_SHELL] = "srun-shell",
		[RP_START_MPIRUN] = "mpirun",
		[RP_START_RUN_MPIRUN] = "run-mpirun",
		[RP_START_RUN_SRUN] = "run-srun",
		[RP_START_TORCHRUN] = "torchrun",
	};

	return names[kind];
}

static int is_assignment(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return n > 0 && !isdigit((unsigned char)*text) && text[n] == '=';
}

/* Passes over options; those of `valued` take the next word. */
static void skip_options(struct rp_line *line, const char *const valued[])
{
	while (*rp_line_word(line) == '-') {
		int takes = rp_line_is_one_of(rp_line_word(line), valued);

		line->at += takes ? 2 : 1;
	}
}

/* Words before a command that become it: "exec", "X=1", "env", "timeout 5m",
 * "numactl -N 0". */
void rp_line_skip(struct rp_line *line)
{
	static const char *const plain[] = { "exec", "command", "nohup", "time",
					     "env", "setsid", NULL };
	static const char *const with_options[] = { "numactl", "nice", "stdbuf",
						    "chrt", NULL };
	static const char *const valued[] = {
		"-n", "-N", "-m", "-C", "-i", "-o", "-e", "-u", "-k", "-s",
		"-p", "-a", NULL };

	for (;;) {
		const char *name = rp_line_base(rp_line_word(line));

		if (is_assignment(rp_line_word(line))) {
			line->at++;
		} else if (rp_line_is_one_of(name, plain)) {
			line->at++;
			skip_options(line, valued);
		} else if (rp_line_is_one_of(name, with_options)) {
			line->at++;
			skip_options(line, valued);
		} else if (strcmp(name, "timeout") == 0 ||
			   strcmp(name, "taskset") == 0) {
			line->at++;
			skip_options(line, valued);
			line->at++;
		} else {
			return;
		}
	}
}

/*
 * Words
 */

static char *join(char *const words[], size_t n)
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

char *rp_line_rest(const struct rp_line *line)
{
	return join(line->words + line->at,
		    line->at < line->n ? line->n - line->at : 0);
}

/*
 * srun
 */

/* Options of srun's that stand alone; any other long one without '=' takes the
 * next word. */
static const char *const srun_flags[] = {
	"--async", "--bcast", "--compress", "--contiguous", "--disable-status",
	"--exact", "--exclusive", "--help", "--hold", "--immediate",
	"--interactive", "--kill-on-bad-exit", "--label", "--multi-prog",
	"--nice", "--no-allocate", "--no-kill", "--overcommit", "--overlap",
	"--oversubscribe", "--preserve-env", "--propagate", "--pty", "--quiet",
	"--quit-on-interrupt", "--reboot", "--resv-ports", "--send-libs",
	"--spread-job", "--test-only", "--unbuffered", "--usage",
	"--use-min-nodes", "--verbose", "--version", "--wait-all-nodes",
	"--whole", "--x11", NULL
};
static const char srun_letters[] = "EHOQVXZhklqsuv";

static void set_count(int64_t *count, const char *text)
{
	char digits[16];
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n >= sizeof(digits))
		return;
	memcpy(digits, text, n);
	digits[n] = '\0';
	(void)rp_parse_int(digits, 1, INT32_MAX, count);
}

static void note_srun(struct rp_starter *launch, const char *key, size_t n,
		      const char *value)
{
	if ((n == 2 && strncmp(key, "-N", 2) == 0) ||
	    (n == 7 && strncmp(key, "--nodes", 7) == 0))
		set_count(&launch->nodes, value);
	if ((n == 2 && strncmp(key, "-n", 2) == 0) ||
	    (n == 8 && strncmp(key, "--ntasks", 8) == 0))
		set_count(&launch->tasks, value);
	if (n == 11 && strncmp(key, "--container", 11) == 0)
		launch->container = 1;
}

/* One option; what it is worth goes into launch. */
static void take_srun_option(struct rp_line *line, struct rp_starter *launch)
{
	const char *text = rp_line_word(line);
	size_t n = strcspn(text, "=");

	line->at++;
	if (text[1] == '-') {
		if (text[n])
			note_srun(launch, text, n, text + n + 1);
		else if (!rp_line_is_one_of(text, srun_flags))
			note_srun(launch, text, n, rp_line_word(line));
		else
			return;
		line->at += !text[n];
		return;
	}
	for (size_t i = 1; text[i]; i++) {
		char key[3] = { '-', text[i], '\0' };

		if (strchr("IK", text[i]))	/* "-K1": in the word, or none */
			return;
		if (strchr(srun_letters, text[i]))
			continue;
		note_srun(launch, key, 2, text[i + 1] ? text + i + 1
						      : rp_line_word(line));
		line->at += !text[i + 1];
		return;
	}
}

static void find_components(struct rp_line *line, struct rp_starter *launch)
{
	for (size_t i = line->at; i < line->n; i++)
		launch->het |= strcmp(line->words[i], ":") == 0;
}

/*
 * The line
 */

static int is_mpirun(const char *name)
{
	static const char *const names[] = { "mpirun", "mpiexec", "orterun",
					     "prterun", "prun", NULL };
	char plain[16];
	size_t n = strcspn(name, ".");	/* mpirun.openmpi, mpiexec.hydra */

	if (n >= sizeof(plain))
		return 0;
	memcpy(plain, name, n);
	plain[n] = '\0';
	return rp_line_is_one_of(plain, names);
}

/* Behind its options, as far as they are known. */
static void find_mpirun_program(struct rp_line *line, struct rp_starter *launch)
{
	static const char *const valued[] = {
		"-n", "-np", "-c", "-H", "-N", "-x", "-host", "--host",
		"-hostfile", "--hostfile", "-machinefile", "--machinefile",
		"--map-by", "-map-by", "--bind-to", "-bind-to", "--rank-by",
		"-npernode", "--npernode", "-ppn", "-wdir", "--wdir", NULL
	};

	line->at++;
	while (*rp_line_word(line) == '-') {
		const char *name = rp_line_word(line);

		if (strcmp(name + strspn(name, "-"), "mca") == 0)
			line->at += 3;
		else
			line->at += rp_line_is_one_of(name, valued) ? 2 : 1;
	}
	if (line->at < line->n)
		launch->program = rp_line_rest(line);
}

/* The line as it is written, with `rallypoint run` in front of a word. */
static char *with_run(const struct rp_line *line, size_t before)
{
	const char *source = line->command->source;
	size_t at = before < line->n ? line->command->at[before]
				     : strlen(source);

	return rp_format("%.*srallypoint run %s", (int)at, source, source + at);
}

/* Whether srun can start what the shell was to: the shell does nothing else with
 * it, as with its own variables or a "$1" behind the text. */
static int needs_no_shell(const struct rp_line *line, size_t program,
			  const struct rp_starter *launch)
{
	return launch->quoted && launch->program && line->at > program &&
	       line->at + 1 == line->n &&
	       !strpbrk(launch->program, "$`<>*?[{~=\n");
}

/* What the shell was to start, in place of the shell; else the shell hears
 * nothing. */
static void mend_shell(const struct rp_line *line, size_t program,
		       struct rp_starter *launch)
{
	if (needs_no_shell(line, program, launch))
		launch->mended = rp_format("%.*s%s",
					   (int)line->command->at[program],
					   line->command->source,
					   launch->program);
	else
		launch->mended = with_run(line, program);
}

static void look(struct rp_line *line, struct rp_starter *launch,
		 const struct rp_reader *reader, struct rp_err *err)
{
	int shim = 0;
	size_t begin;

	launch->direct = strcmp(rp_line_word(line), "exec") == 0;
	rp_line_skip(line);
	begin = line->at;
	if (rp_line_is_run(line)) {
		static const char *const none[] = { NULL };

		shim = launch->shielded = 1;
		line->at += 2;
		skip_options(line, none);
	}
	if (is_mpirun(rp_line_base(rp_line_word(line)))) {
		launch->kind = shim ? RP_START_RUN_MPIRUN : RP_START_MPIRUN;
		if (!shim)
			launch->mended = with_run(line, begin);
		find_mpirun_program(line, launch);
	} else if (rp_line_is_torchrun(line)) {
		launch->kind = RP_START_TORCHRUN;
	} else if (strcmp(rp_line_base(rp_line_word(line)), "srun") == 0) {
		size_t program;

		launch->in_step = 1;
		line->at++;
		while (*rp_line_word(line) == '-' && strcmp(rp_line_word(line), "--") != 0)
			take_srun_option(line, launch);
		line->at += strcmp(rp_line_word(line), "--") == 0;
		find_components(line, launch);
		program = line->at;
		launch->kind = rp_line_program(line, launch, reader, err);
		if (launch->kind == RP_START_SRUN_SHELL)
			mend_shell(line, program, launch);
		if (shim && launch->kind <= RP_START_SRUN_EXEC)
			launch->kind = RP_START_RUN_SRUN;
	}
}

int rp_starter_of(struct rp_starter *launch,
		  const struct rp_shell_command *command,
		  const struct rp_reader *reader, struct rp_err *err)
{
	struct rp_line line = { command, command->words, command->n, 0 };
	struct rp_err own = { 0 };

	memset(launch, 0, sizeof(*launch));
	launch->nodes = launch->tasks = -1;
	look(&line, launch, reader, &own);
	launch->command = strdup(command->source);
	if (own.code || !launch->command)
		return rp_fail(err, RALLY_ENOMEM, "no memory for a script");
	return 0;
}

void rp_starter_free(struct rp_starter *launch)
{
	free(launch->shell);
	free(launch->command);
	free(launch->mended);
	free(launch->program);
	memset(launch, 0, sizeof(*launch));
}
