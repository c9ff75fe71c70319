#include "tool/shell.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Words that stand before a command, or for themselves. */
static const char *const keywords[] = {
	"if", "then", "elif", "else", "fi", "while", "until", "do", "done",
	"esac", "!", "{", "}", "time",
};

struct parser {
	struct rp_shell *shell;
	const char *p;
	size_t line;
	const char *begin, *end;	/* of the command, as it is written */
	const char *from;	/* of the word's */
	char *word;		/* the one that grows, or NULL */
	size_t length;
	int quoted;		/* some of it was: no keyword */
	int drop;		/* the next word is a redirection's */
	char *here;		/* a here-document's end, or NULL */
	int no_memory;
	int fresh;		/* the next word begins a command */
};

static void add_char(struct parser *in, char c)
{
	char *more;

	if ((in->length & 63) == 0) {
		more = realloc(in->word, in->length + 65);
		if (!more) {
			in->no_memory = 1;
			return;
		}
		in->word = more;
	}
	in->word[in->length++] = c;
	in->word[in->length] = '\0';
}

/* So that an empty pair of quotes is a word, too. */
static void begin_word(struct parser *in, const char *from)
{
	if (in->word)
		return;
	in->from = from;
	in->word = calloc(1, 65);
	in->no_memory |= !in->word;
}

static int is_keyword(const char *word)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(keywords[i], word) == 0)
			return 1;
	return 0;
}

static struct rp_shell_command *add_command(struct parser *in)
{
	struct rp_shell *shell = in->shell;
	struct rp_shell_command *more =
		realloc(shell->v, (shell->n + 1) * sizeof(*more));

	if (!more) {
		in->no_memory = 1;
		return NULL;
	}
	shell->v = more;
	memset(&more[shell->n], 0, sizeof(*more));
	more[shell->n].line = in->line;
	return &more[shell->n++];
}

static void keep_word(struct parser *in)
{
	struct rp_shell_command *command;
	size_t *at = NULL;
	char **more;

	command = in->fresh ? add_command(in)
			    : &in->shell->v[in->shell->n - 1];
	if (!command)
		return;
	if (in->fresh)
		in->begin = in->from;
	in->fresh = 0;
	more = realloc(command->words, (command->n + 2) * sizeof(*more));
	if (more) {
		command->words = more;
		at = realloc(command->at, (command->n + 1) * sizeof(*at));
	}
	if (!at) {
		in->no_memory = 1;
		return;
	}
	command->at = at;
	at[command->n] = (size_t)(in->from - in->begin);
	more[command->n++] = in->word;
	more[command->n] = NULL;
	in->word = NULL;
}

static void end_word(struct parser *in)
{
	if (!in->word)
		return;
	in->end = in->p;
	if (in->drop == 2 && !in->here) {
		in->here = in->word;
		in->word = NULL;
	} else if (!in->drop &&
		   !(in->fresh && !in->quoted && is_keyword(in->word))) {
		keep_word(in);
	}
	free(in->word);
	in->word = NULL;
	in->length = 0;
	in->drop = 0;
	in->quoted = 0;
}

/* As long as it is in the text, so that offsets hold: where a line goes on there
 * are blanks. Line ends in quotes are the word's own. */
static char *copy_source(const char *from, const char *to)
{
	char *copy = strndup(from, (size_t)(to - from)), quote = '\0';

	for (char *p = copy; p && *p; p++) {
		if (*p == '\\' && p[1] && quote != '\'') {
			if (!quote && p[1] == '\n')
				p[0] = p[1] = ' ';
			p++;
		} else if (*p == quote) {
			quote = '\0';
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
		}
	}
	return copy;
}

static void end_command(struct parser *in, enum rp_shell_end end)
{
	end_word(in);
	if (!in->fresh) {
		struct rp_shell_command *last =
			&in->shell->v[in->shell->n - 1];

		last->end = end;
		last->source = copy_source(in->begin, in->end);
		in->no_memory |= !last->source;
	}
	in->fresh = 1;
	in->drop = 0;
}

/* Up to the closing sign of what begins at p, quotes and nesting included. In
 * double quotes an apostrophe is one, and in "${...}" too. */
static const char *skip_nested(const char *p, char open, char close, int quoted)
{
	int depth = 0;

	for (; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == '\'' && !quoted && strchr(p + 1, '\''))
			p = strchr(p + 1, '\'');
		else if (*p == open)
			depth++;
		else if (*p == close && --depth == 0)
			return p;
	}
	return p - 1;
}

/* "$(...)", "${...}", "`...`": kept as they are written. */
static int take_substitution(struct parser *in, int quoted)
{
	const char *end;

	if (*in->p == '$' && in->p[1] == '(')
		end = skip_nested(in->p + 1, '(', ')', 0);
	else if (*in->p == '$' && in->p[1] == '{')
		end = skip_nested(in->p + 1, '{', '}', quoted);
	else if (*in->p == '`' && strchr(in->p + 1, '`'))
		end = strchr(in->p + 1, '`');
	else
		return 0;
	begin_word(in, in->p);
	for (; in->p <= end; in->p++) {
		in->line += *in->p == '\n';
		add_char(in, *in->p);
	}
	return 1;
}

static void take_quoted(struct parser *in)
{
	char quote = *in->p;

	begin_word(in, in->p++);
	in->quoted = 1;
	while (*in->p && *in->p != quote) {
		if (quote == '"' && take_substitution(in, 1))
			continue;
		if (quote == '"' && *in->p == '\\' && in->p[1] &&
		    strchr("\"\\$`\n", in->p[1])) {
			in->p++;
			if (*in->p == '\n') {
				in->line++;
				in->p++;
				continue;
			}
		}
		in->line += *in->p == '\n';
		add_char(in, *in->p++);
	}
	in->p += *in->p == quote;
}

/* "2>", ">>", "<<EOF", "&>", "2>&1"; a number before it goes with it. */
static void take_redirection(struct parser *in)
{
	int digits = in->word && !in->quoted &&
		     strspn(in->word, "0123456789") == in->length;
	int here = strncmp(in->p, "<<", 2) == 0 && in->p[2] != '<';

	if (digits) {
		free(in->word);
		in->word = NULL;
		in->length = 0;
	}
	end_word(in);
	if (!in->fresh)
		in->shell->v[in->shell->n - 1].redirected = 1;
	in->p += strspn(in->p, "&");
	in->p += strspn(in->p, "<>|");
	if (here && *in->p == '-')
		in->p++;
	if (*in->p == '&') {
		in->p++;
		in->p += strspn(in->p, "0123456789-");
		in->end = in->p;
		return;
	}
	in->drop = here ? 2 : 1;
}

/* Passes over the body of a here-document, from the line's end on. */
static void skip_here(struct parser *in)
{
	size_t n = strlen(in->here);

	while (*in->p) {
		const char *line = in->p + strspn(in->p, "\t");
		size_t length = strcspn(line, "\n");

		in->p = line + length + (line[length] == '\n');
		in->line++;
		if (length == n && memcmp(line, in->here, n) == 0)
			break;
	}
	free(in->here);
	in->here = NULL;
}

static void take_newline(struct parser *in)
{
	end_command(in, RP_SHELL_END);
	in->p++;
	in->line++;
	if (in->here)
		skip_here(in);
}

/* "((i << 2))" is no command, and its signs are not the shell's. */
static int take_arithmetic(struct parser *in)
{
	const char *end;

	if (in->word || strncmp(in->p, "((", 2) != 0)
		return 0;
	end = skip_nested(in->p, '(', ')', 0);
	if (*end != ')' || end[-1] != ')')
		return 0;
	for (; in->p <= end; in->p++)
		in->line += *in->p == '\n';
	return 1;
}

/* Signs between commands; 0 where there is none. */
static int take_separator(struct parser *in)
{
	const char *p = in->p;

	if (*p == '\n') {
		take_newline(in);
		return 1;
	}
	if (strncmp(p, "&&", 2) == 0 || strncmp(p, "||", 2) == 0) {
		end_command(in, *p == '&' ? RP_SHELL_AND : RP_SHELL_OR);
		in->p += 2;
	} else if (*p == '|') {
		end_command(in, RP_SHELL_PIPE);
		in->p += p[1] == '&' ? 2 : 1;
	} else if (*p == '&') {
		end_command(in, RP_SHELL_BACKGROUND);
		in->p++;
	} else if (strchr(";()", *p)) {
		end_command(in, RP_SHELL_END);
		in->p++;
	} else {
		return 0;
	}
	/* The next command may stand on the next line. */
	if (*p == '&' || *p == '|')
		while (p[1] == *p && isspace((unsigned char)*in->p)) {
			in->line += *in->p == '\n';
			in->p++;
		}
	return 1;
}

static void take(struct parser *in)
{
	const char *p = in->p;

	if (*p == '\\' && p[1] == '\n') {
		in->p += 2;
		in->line++;
	} else if (*p == '\\' && p[1]) {
		begin_word(in, p);
		in->quoted = 1;
		add_char(in, p[1]);
		in->p += 2;
	} else if (*p == '#' && !in->word) {
		in->p += strcspn(p, "\n");
	} else if (*p == '\'' || *p == '"') {
		take_quoted(in);
	} else if (*p == '<' || *p == '>' || (*p == '&' && p[1] == '>')) {
		take_redirection(in);
	} else if (take_substitution(in, 0) || take_arithmetic(in) ||
		   take_separator(in)) {
		/* done */
	} else if (isspace((unsigned char)*p)) {
		end_word(in);
		in->p++;
	} else {
		begin_word(in, p);
		add_char(in, *p);
		in->p++;
	}
}

int rp_shell_parse(struct rp_shell *shell, const char *text,
		   struct rp_err *err)
{
	struct parser in = { .shell = shell, .p = text, .line = 1, .fresh = 1 };

	memset(shell, 0, sizeof(*shell));
	while (*in.p && !in.no_memory)
		take(&in);
	if (!in.no_memory)
		end_command(&in, RP_SHELL_END);
	free(in.word);
	free(in.here);
	if (in.no_memory)
		return rp_fail(err, RALLY_ENOMEM, "no memory for a script");
	return 0;
}

void rp_shell_free(struct rp_shell *shell)
{
	for (size_t i = 0; i < shell->n; i++) {
		for (size_t k = 0; k < shell->v[i].n; k++)
			free(shell->v[i].words[k]);
		free(shell->v[i].words);
		free(shell->v[i].at);
		free(shell->v[i].source);
	}
	free(shell->v);
	memset(shell, 0, sizeof(*shell));
}

char *rp_shell_quote(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./+:,@%=-";
	char *copy = malloc(4 * strlen(word) + 3);
	char *to = copy;

	if (!copy)
		return NULL;
	if (*word && strspn(word, plain) == strlen(word))
		return strcpy(copy, word);
	*to++ = '\'';
	for (; *word; word++) {
		if (*word == '\'') {
			memcpy(to, "'\\''", 4);
			to += 4;
		} else {
			*to++ = *word;
		}
	}
	*to++ = '\'';
	*to = '\0';
	return copy;
}
