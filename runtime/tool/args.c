#include "tool/args.h"

#include <getopt.h>
#include <string.h>

#include "base/text.h"

enum { JSON = 256, KEEP, KEEP_EVERY, DRY_RUN, VERIFY, FORCE, PRIVATE, RANK,
       CHUNK };

static const struct option table[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, JSON },
	{ "keep", required_argument, NULL, KEEP },
	{ "keep-every", required_argument, NULL, KEEP_EVERY },
	{ "dry-run", no_argument, NULL, DRY_RUN },
	{ "verify", no_argument, NULL, VERIFY },
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, FORCE },
	{ "private", no_argument, NULL, PRIVATE },
	{ "rank", required_argument, NULL, RANK },
	{ "chunk", required_argument, NULL, CHUNK },
	{ NULL, 0, NULL, 0 },
};

static int refuse(struct rp_err *err, const char *what, const char *which)
{
	rp_fail(err, RALLY_EARG, "%s%s%s", what, which ? " " : "",
		which ? which : "");
	return -1;
}

/* What a subcommand must take for an option; 0: all do. */
static int belongs_to(int c)
{
	switch (c) {
	case KEEP:
	case KEEP_EVERY:
	case DRY_RUN:
	case VERIFY:
		return RP_TAKES_PRUNE;
	case 'o':
	case FORCE:
	case PRIVATE:
		return RP_TAKES_OUT;
	case RANK:
		return RP_TAKES_RANK;
	case CHUNK:
		return RP_TAKES_CHUNK;
	default:
		return 0;
	}
}

static int take_chunk(struct rp_args *args, struct rp_err *err)
{
	if (rp_parse_size(optarg, &args->chunk) != 0 ||
	    args->chunk < RP_CHUNK_MIN || args->chunk > RP_CHUNK_MAX)
		return refuse(err, "--chunk wants a size from 1k to 96m, not",
			      optarg);
	return 0;
}

/* Those with a value of their own. */
static int take_value(struct rp_args *args, int c, struct rp_err *err)
{
	if (c == 'o') {
		args->out = optarg;
		return *optarg ? 0 : refuse(err, "-o wants a name", NULL);
	}
	if (c == CHUNK)
		return take_chunk(args, err);
	if (c == RANK && rp_parse_int(optarg, 0, INT32_MAX, &args->rank) != 0)
		return refuse(err, "--rank wants a rank, not", optarg);
	if (c == KEEP && rp_parse_int(optarg, 1, INT32_MAX, &args->keep) != 0)
		return refuse(err, "--keep wants a number from 1 up, not",
			      optarg);
	if (c == KEEP_EVERY &&
	    rp_parse_int(optarg, 1, INT32_MAX, &args->keep_every) != 0)
		return refuse(err, "--keep-every wants a number of steps from 1 "
			      "up, not", optarg);
	return 0;
}

static int take_option(struct rp_args *args, int takes, int c,
		       const char *word, struct rp_err *err)
{
	if (c == ':')
		return refuse(err, "there is no value behind", word);
	if (c == '?' || (belongs_to(c) & ~takes))
		return refuse(err, "there is no option", word);
	switch (c) {
	case 'h':
		args->help = 1;
		break;
	case JSON:
		args->json = 1;
		break;
	case DRY_RUN:
		args->dry_run = 1;
		break;
	case VERIFY:
		args->verify = 1;
		break;
	case FORCE:
		args->force = 1;
		break;
	case PRIVATE:
		args->private = 1;
		break;
	default:
		return take_value(args, c, err);
	}
	return 0;
}

static int check_operands(const struct rp_args *args, int takes,
			  struct rp_err *err)
{
	if (takes & RP_TAKES_DIR && (!args->dir || !*args->dir))
		return refuse(err, "which checkpoint folder?", NULL);
	if (takes & RP_TAKES_OTHER && (!args->other || !*args->other))
		return refuse(err, "which other checkpoint is it to be compared "
			      "with?", NULL);
	if (takes & RP_TAKES_NAME && args->n_names == 0)
		return refuse(err, "which array? Give NAME, or NAME[SLICE]",
			      NULL);
	if (takes & RP_TAKES_PRUNE && args->keep == 0)
		return refuse(err, "how many are to stay? Give --keep K",
			      NULL);
	if (takes & RP_TAKES_OUT && !args->out)
		return refuse(err, "where to? Give -o OUT", NULL);
	return 0;
}

static int take_operands(struct rp_args *args, int takes, int argc,
			 char **argv, struct rp_err *err)
{
	if (takes & RP_TAKES_DIR && optind < argc)
		args->dir = argv[optind++];
	if (takes & RP_TAKES_SEQ && optind < argc)
		args->which = argv[optind++];
	if (takes & RP_TAKES_OTHER && optind < argc)
		args->other = argv[optind++];
	if (takes & RP_TAKES_NAME && optind < argc) {
		args->names = argv + optind++;
		args->n_names = 1;
	}
	if (takes & RP_TAKES_NAMES) {
		args->names = argv + optind;
		args->n_names = (size_t)(argc - optind);
		optind = argc;
	}
	if (optind < argc)
		return refuse(err, "one word too many:", argv[optind]);
	return check_operands(args, takes, err);
}

int rp_args_parse(struct rp_args *args, int takes, int argc, char **argv,
		  struct rp_err *err)
{
	int c;

	memset(args, 0, sizeof(*args));
	args->rank = -1;
	args->chunk = RP_CHUNK;
	optind = 1;
	opterr = 0;	/* the sentence is ours */
	while ((c = getopt_long(argc, argv, ":ho:", table, NULL)) != -1)
		if (take_option(args, takes, c, argv[optind - 1], err) != 0)
			return -1;
	if (args->help)
		return 0;
	return take_operands(args, takes, argc, argv, err);
}

int rp_args_name(const struct rp_args *args, const char *name)
{
	for (size_t i = 0; i < args->n_names; i++)
		if (strcmp(args->names[i], name) == 0)
			return 1;
	return args->n_names == 0;
}
