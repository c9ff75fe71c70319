#include "tool/script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sys/conf.h"
#include "tool/line.h"

#define FOLDER_MARK "# rallypoint: folder "	/* as `rallypoint sbatch` writes */

/*
 * #SBATCH
 */

enum key { REQUEUE, NO_REQUEUE, OPEN_MODE, SIGNAL, TIME, PARTITION, NODES,
	   TASKS, ARRAY, CHDIR, OUTPUT };

static const struct option_row {
	enum key key;
	const char *name;
	char letter;
	int takes;
} rows[] = {
	{ REQUEUE, "requeue", 0, 0 },	{ NO_REQUEUE, "no-requeue", 0, 0 },
	{ OPEN_MODE, "open-mode", 0, 1 }, { SIGNAL, "signal", 0, 1 },
	{ TIME, "time", 't', 1 },	{ PARTITION, "partition", 'p', 1 },
	{ NODES, "nodes", 'N', 1 },	{ TASKS, "ntasks", 'n', 1 },
	{ ARRAY, "array", 'a', 1 },	{ CHDIR, "chdir", 'D', 1 },
	{ OUTPUT, "output", 'o', 1 },
};

static void replace(char **field, const char *value)
{
	free(*field);
	*field = strdup(value);
}

static void set_count(int64_t *count, const char *text)
{
	char *digits = strndup(text, strspn(text, "0123456789"));

	if (digits)
		(void)rp_parse_int(digits, 1, INT32_MAX, count);
	free(digits);
}

static void set_option(struct rp_script *script, enum key key,
		       const char *value)
{
	switch (key) {
	case REQUEUE:
		script->requeue = 1;
		break;
	case NO_REQUEUE:
		script->requeue = 0;
		break;
	case OPEN_MODE:
		script->append = *value == 'a';
		break;
	case SIGNAL:
		replace(&script->signal, value);
		break;
	case TIME:
		if (rp_conf_time(value, &script->time_s) != 0)
			script->time_s = -1;
		break;
	case PARTITION:
		replace(&script->partition, value);
		break;
	case NODES:
		set_count(&script->nodes, value);
		break;
	case TASKS:
		set_count(&script->tasks, value);
		break;
	case ARRAY:
		replace(&script->array, value);
		break;
	case CHDIR:
		replace(&script->chdir, value);
		break;
	case OUTPUT:
		replace(&script->output, value);
		break;
	}
}

static const struct option_row *find_option(const char *word, size_t *length)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].name);

		if (strncmp(word, "--", 2) == 0 &&
		    strncmp(word + 2, rows[i].name, n) == 0 &&
		    (word[n + 2] == '\0' || word[n + 2] == '=')) {
			*length = n + 2;
			return &rows[i];
		}
		if (rows[i].letter && word[0] == '-' &&
		    word[1] == rows[i].letter) {
			*length = 2;
			return &rows[i];
		}
	}
	return NULL;
}

/* "--time=5", "--time 5", "-t5", "-t 5"; of others' values nothing is taken,
 * as they do not begin with '-'. */
static void take_options(struct rp_script *script,
			 const struct rp_shell_command *line)
{
	for (size_t i = 0; i < line->n; i++) {
		const char *word = line->words[i], *value;
		size_t length = 0;
		const struct option_row *row = find_option(word, &length);

		if (!row)
			continue;
		value = word + length + (word[length] == '=');
		if (row->takes && word[length] == '\0') {
			if (i + 1 == line->n)
				return;
			value = line->words[++i];
		}
		set_option(script, row->key, value);
	}
}

static int take_sbatch(struct rp_script *script, const char *text,
		       struct rp_err *err)
{
	struct rp_shell shell;
	int rc = rp_shell_parse(&shell, text, err);

	/* Several where a value has a shell's signs in it: "-C a|b". */
	for (size_t i = 0; rc == 0 && i < shell.n; i++) {
		if (strcmp(shell.v[i].words[0], "hetjob") == 0 ||
		    strcmp(shell.v[i].words[0], "packjob") == 0)
			script->het = 1;
		else if (!script->het)	/* the first component's */
			take_options(script, &shell.v[i]);
	}
	rp_shell_free(&shell);
	return rc;
}

/* sbatch reads comments up to the first command. */
static int read_comments(struct rp_script *script, const char *text,
			 struct rp_err *err)
{
	int rc = 0, commands = 0;
	size_t number = 1;

	for (const char *p = text; *p && rc == 0; number++) {
		size_t n = strcspn(p, "\n");
		char *line = strndup(p, n);

		if (!line)
			return rp_fail(err, RALLY_ENOMEM,
				       "no memory for a script");
		if (strncmp(line, "#SBATCH", 7) == 0 &&
		    isspace((unsigned char)line[7])) {
			if (commands && !script->late)
				script->late = number;
			else if (!commands)
				rc = take_sbatch(script, line + 8, err);
		} else if (strncmp(line, FOLDER_MARK, strlen(FOLDER_MARK)) ==
			   0) {
			replace(&script->folder, line + strlen(FOLDER_MARK));
		} else if (*line != '#' && strspn(line, " \t\r") < n) {
			commands = 1;
		}
		free(line);
		p += n + (p[n] == '\n');
	}
	return rc;
}

/*
 * Variables
 */

const char *rp_script_variable(const struct rp_script *script, const char *name)
{
	for (size_t i = script->n_variables; i > 0; i--)
		if (strcmp(script->variables[i - 1].name, name) == 0)
			return script->variables[i - 1].value;
	return NULL;
}

/* With the script's own variables in it; "$SLURM_JOB_ID" stays. */
static char *resolve(const struct rp_script *script, const char *text)
{
	char *out = strdup("");

	while (out && *text) {
		size_t n = strcspn(text, "$"), brace, length;
		const char *value = NULL;
		char *name, *more;

		if (n > 0 || !text[1]) {
			n += n == 0;
			more = rp_format("%s%.*s", out, (int)n, text);
			text += n;
		} else {
			brace = text[1] == '{';
			length = strspn(text + 1 + brace,
					"abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"_0123456789");
			name = strndup(text + 1 + brace, length);
			n = 1 + brace + length + (brace && length &&
				text[1 + brace + length] == '}');
			if (name && length)
				value = rp_script_variable(script, name);
			more = value ? rp_format("%s%s", out, value)
				     : rp_format("%s%.*s", out, (int)n, text);
			free(name);
			text += n;
		}
		free(out);
		out = more;
	}
	return out;
}

static void set_variable(struct rp_script *script, const char *word)
{
	size_t n = strcspn(word, "=");
	struct rp_variable *more;

	if (!word[n] || n == 0 ||
	    strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "_0123456789") != n)
		return;
	more = realloc(script->variables,
		       (script->n_variables + 1) * sizeof(*more));
	if (!more)
		return;
	script->variables = more;
	more += script->n_variables;
	more->name = strndup(word, n);
	more->value = resolve(script, word + n + 1);
	if (more->name && more->value) {
		script->n_variables++;
		return;
	}
	free(more->name);
	free(more->value);
}

static void take_variables(struct rp_script *script,
			   const struct rp_shell_command *command)
{
	size_t i = strcmp(command->words[0], "export") == 0 ||
		   strcmp(command->words[0], "declare") == 0;

	for (; i < command->n && strchr(command->words[i], '='); i++)
		set_variable(script, command->words[i]);
}

/*
 * Commands
 */

/* The argument that names the checkpoint folder: behind -c or --ckpt..., or the
 * one that is called so. */
static const char *folder_of(char *const words[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *word = words[i];

		if (strcmp(word, "-c") == 0 ||
		    (strncmp(word, "--ckpt", 6) == 0 && !strchr(word, '=')) ||
		    (strncmp(word, "--checkpoint", 12) == 0 &&
		     !strchr(word, '=')))
			return i + 1 < n && *words[i + 1] != '-' ? words[i + 1]
								 : NULL;
		if (strncmp(word, "--ckpt", 6) == 0 ||
		    strncmp(word, "--checkpoint", 12) == 0)
			return strchr(word, '=') + 1;
		if (*word != '-' && !strchr(word, '=') && !strchr(word, ' ') &&
		    (strstr(word, "ckpt") || strstr(word, "checkpoint")))
			return word;
	}
	return NULL;
}

/* Of the program's own words: srun's -c and the shell's is something else. */
static void take_folder(struct rp_script *script)
{
	char *old = script->folder;
	struct rp_shell inner;
	const char *word = NULL;

	if (old) {	/* a comment told it */
		script->folder = resolve(script, old);
		free(old);
		return;
	}
	if (!script->launch.program)
		return;
	if (rp_shell_parse(&inner, script->launch.program, NULL) == 0 &&
	    inner.n > 0)
		word = folder_of(inner.v[0].words + 1, inner.v[0].n - 1);
	if (word)
		script->folder = resolve(script, word);
	rp_shell_free(&inner);
}

void rp_script_arguments(struct rp_script *script, char *const words[],
			 size_t n)
{
	const char *word = script->folder ? NULL : folder_of(words, n);

	if (word)
		script->folder = strdup(word);
}

/* "srun hostname" before the real one. */
static int is_little(const struct rp_starter *launch)
{
	static const char *const names[] = {
		"cat", "chmod", "cp", "date", "df", "echo", "env", "free",
		"hostname", "id", "ls", "lscpu", "lstopo", "mkdir", "mv",
		"nproc", "nvidia-smi", "printenv", "pwd", "rm", "rsync",
		"sbcast", "sleep", "tar", "touch", "true", "uname", NULL };
	const char *program = launch->program ? launch->program : "";
	char first[32];

	if (strcspn(program, " ") >= sizeof(first))
		return 0;
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(program, " "),
		 program);
	return rp_line_is_one_of(rp_line_base(first), names);
}

static void take_launch(struct rp_script *script, struct rp_starter *launch,
			const struct rp_shell_command *command)
{
	/* In a subshell exec replaces only that. */
	if (launch->direct && (command->end == RP_SHELL_PIPE ||
			       command->end == RP_SHELL_BACKGROUND)) {
		launch->direct = 0;
		memmove(launch->command, launch->command + 5,
			strlen(launch->command + 5) + 1);
	}
	if (script->launches == 1 && is_little(&script->launch)) {
		rp_starter_free(&script->launch);
		script->launches = 0;
		script->goes_on = 0;
	}
	if (script->launches++ == 0) {
		script->launch = *launch;
		script->launch.line = command->line;
		script->after = command->end;
		take_folder(script);
		return;
	}
	script->together |= script->after == RP_SHELL_BACKGROUND;
	rp_starter_free(launch);
}

static int take_command(struct rp_script *script,
			const struct rp_shell_command *command,
			const struct rp_reader *reader, struct rp_err *err)
{
	const char *name = command->words[0];
	struct rp_starter launch;

	take_variables(script, command);
	if (strcmp(name, "cd") == 0 && command->n > 1 && !script->launches)
		replace(&script->cd, command->words[1]);
	if (strcmp(name, "set") == 0)
		for (size_t i = 1; i < command->n; i++) {
			script->pipefail |=
				strcmp(command->words[i], "pipefail") == 0;
			script->errexit |=
				strcmp(command->words[i], "errexit") == 0;
			script->errexit |= *command->words[i] == '-' &&
					   strchr(command->words[i], 'e');
		}
	if (rp_starter_of(&launch, command, reader, err))
		return err->code;
	if (launch.kind != RP_START_NONE) {
		take_launch(script, &launch, command);
		return 0;
	}
	rp_starter_free(&launch);
	/* "|| exit 1", "rc=$?": what it returns is looked at. */
	if (script->launches && !script->goes_on &&
	    (strstr(name, "=$?") ||
	     (script->after == RP_SHELL_OR && strcmp(name, "exit") == 0)))
		script->errexit = 1;
	if (script->launches && strcmp(name, "wait") != 0 &&
	    strcmp(name, "exit") != 0)
		script->goes_on = 1;
	return 0;
}

/* What is the script's last command may take its place, and then hears what
 * Slurm tells the script. */
static void prefer_exec(struct rp_script *script)
{
	struct rp_starter *launch = &script->launch;
	char *better;

	if (launch->kind != RP_START_MPIRUN || script->launches > 1 ||
	    script->goes_on || script->after != RP_SHELL_END ||
	    strncmp(launch->mended, "rallypoint ", 11) != 0)
		return;
	better = rp_format("exec %s", launch->mended);
	if (better) {
		free(launch->mended);
		launch->mended = better;
	}
}

int rp_script_parse(struct rp_script *script, const char *text,
		    const struct rp_reader *reader, struct rp_err *err)
{
	struct rp_shell shell = { NULL, 0 };
	int rc;

	memset(script, 0, sizeof(*script));
	script->nodes = script->tasks = script->time_s = -1;
	script->requeue = script->append = -1;
	if (strncmp(text, "#!", 2) != 0)
		return rp_fail(err, RALLY_EARG,
			       "it is no script: its first line does not begin "
			       "with #!, as sbatch wants it");
	if (strstr(text, "\r\n"))
		return rp_fail(err, RALLY_EARG,
			       "it has DOS line ends, which sbatch refuses; run "
			       "dos2unix on it");
	rc = read_comments(script, text, err);
	if (rc == 0)
		rc = rp_shell_parse(&shell, text, err);
	for (size_t i = 0; rc == 0 && i < shell.n; i++)
		rc = take_command(script, &shell.v[i], reader, err);
	rp_shell_free(&shell);
	if (rc == 0)
		prefer_exec(script);
	return rc;
}

void rp_script_free(struct rp_script *script)
{
	char *texts[] = { script->partition, script->output, script->chdir,
			  script->signal, script->array, script->cd,
			  script->folder };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	for (size_t i = 0; i < script->n_variables; i++) {
		free(script->variables[i].name);
		free(script->variables[i].value);
	}
	free(script->variables);
	rp_starter_free(&script->launch);
	memset(script, 0, sizeof(*script));
}
