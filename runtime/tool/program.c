/*
 * What srun starts; see line.h.
 */
#include "tool/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const shells[] = { "bash", "sh", "dash", "ksh", "zsh",
				      NULL };
static const char *const containers[] = {
	"singularity", "apptainer", "shifter", "podman", "podman-hpc", "docker",
	"enroot", "sarus", "ch-run", NULL
};

/* One simple command and nothing around it: no "time", "{" or redirection, for
 * each of which the shell stays. */
static int is_simple(const struct rp_shell *shell, const char *text)
{
	const struct rp_shell_command *only = &shell->v[0];

	return shell->n == 1 && !only->redirected &&
	       strncmp(text + strspn(text, " \t\n"), only->source,
		       strcspn(only->source, " \t\n")) == 0;
}

/* The last of a text's commands decides: with exec the shell goes away. bash
 * does so by itself where its -c TEXT is one simple command. */
static enum rp_start judge_text(struct rp_starter *launch, const char *text,
				   int is_bash, struct rp_err *err)
{
	struct rp_shell shell;
	enum rp_start kind = RP_START_SRUN_SHELL;

	if (rp_shell_parse(&shell, text, err) == 0 && shell.n > 0) {
		const struct rp_shell_command *last = &shell.v[shell.n - 1];

		if (last->end == RP_SHELL_END &&
		    (strcmp(last->words[0], "exec") == 0 ||
		     (is_bash && is_simple(&shell, text))))
			kind = RP_START_SRUN_EXEC;
		if (shell.n == 1 && launch->quoted)
			launch->program = strdup(last->source);
	}
	rp_shell_free(&shell);
	return kind;
}

/* "#!/bin/sh -e", "#!/usr/bin/env bash" */
static int is_shell_script(const char *text)
{
	char first[256], *rest, *name;

	if (strncmp(text, "#!", 2) != 0)
		return 0;
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, "\n"), text);
	name = strtok_r(first + 2, " \t", &rest);
	while (name && (strcmp(rp_line_base(name), "env") == 0 || *name == '-'))
		name = strtok_r(NULL, " \t", &rest);
	return name && rp_line_is_one_of(rp_line_base(name), shells);
}

/* bash -c TEXT, bash -lc TEXT, bash FILE */
static enum rp_start judge_shell(struct rp_line *line, struct rp_starter *launch,
				    const struct rp_reader *reader,
				    struct rp_err *err)
{
	const char *name = rp_line_word(line);
	enum rp_start kind = RP_START_SRUN_SHELL;
	char *text = NULL;

	launch->shell = strdup(name);
	line->at++;
	while (*rp_line_word(line) == '-') {
		const char *option = rp_line_word(line);

		line->at++;
		if (option[1] != '-' && strchr(option, 'c')) {
			launch->quoted = 1;
			return judge_text(launch, rp_line_word(line),
					  strcmp(rp_line_base(name), "bash") == 0,
					  err);
		}
		/* "-eo pipefail" */
		if (option[1] != '-' && strpbrk(option, "oO"))
			line->at++;
	}
	if (!*rp_line_word(line))
		return kind;
	text = reader ? reader->read(reader->arg, rp_line_word(line)) : NULL;
	free(launch->shell);
	launch->shell = strdup(rp_line_word(line));
	if (text)
		kind = judge_text(launch, text, 0, err);
	free(text);
	return kind;
}

static enum rp_start judge_file(struct rp_line *line, struct rp_starter *launch,
				   const struct rp_reader *reader,
				   struct rp_err *err)
{
	enum rp_start kind = RP_START_SRUN;
	char *text = reader ? reader->read(reader->arg, rp_line_word(line)) : NULL;

	if (text && is_shell_script(text)) {
		launch->shell = strdup(rp_line_word(line));
		kind = judge_text(launch, text, 0, err);
	}
	free(text);
	return kind;
}

int rp_line_is_torchrun(const struct rp_line *line)
{
	const char *name = rp_line_base(rp_line_word(line));

	if (strcmp(name, "torchrun") == 0 || strcmp(name, "deepspeed") == 0)
		return 1;
	if (strcmp(name, "accelerate") == 0)
		return line->at + 1 < line->n &&
		       strcmp(line->words[line->at + 1], "launch") == 0;
	if (strncmp(name, "python", 6) != 0)
		return 0;
	for (size_t i = line->at + 1; i + 1 < line->n; i++)
		if (strcmp(line->words[i], "-m") == 0)
			return strncmp(line->words[i + 1],
				       "torch.distributed.", 18) == 0;
	return 0;
}

int rp_line_is_run(const struct rp_line *line)
{
	return strcmp(rp_line_base(rp_line_word(line)), "rallypoint") == 0 &&
	       line->at + 1 < line->n &&
	       strcmp(line->words[line->at + 1], "run") == 0;
}

enum rp_start rp_line_program(struct rp_line *line,
				      struct rp_starter *launch,
				      const struct rp_reader *reader,
				      struct rp_err *err)
{
	size_t begin = line->at;
	enum rp_start kind;

	if (strcmp(rp_line_base(rp_line_word(line)), "time") == 0) {
		launch->shell = strdup(rp_line_word(line));
		launch->quoted = 1;
		launch->program = rp_line_rest(line);
		return RP_START_SRUN_SHELL;
	}
	rp_line_skip(line);
	if (rp_line_is_run(line))
		return RP_START_RUN_SRUN;
	if (rp_line_is_torchrun(line))
		return RP_START_TORCHRUN;
	if (rp_line_is_one_of(rp_line_base(rp_line_word(line)), containers)) {
		launch->container = 1;
		return RP_START_SRUN;
	}
	if (rp_line_is_one_of(rp_line_base(rp_line_word(line)), shells))
		return judge_shell(line, launch, reader, err);
	kind = judge_file(line, launch, reader, err);
	line->at = begin;
	launch->program = rp_line_rest(line);
	return kind;
}
