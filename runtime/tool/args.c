#include "tool/args.h"

#include <getopt.h>
#include <string.h>

#include "base/text.h"

enum { JSON = 256, KEEP, KEEP_EVERY, DRY_RUN, VERIFY };

static const struct option table[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, JSON },
	{ "keep", required_argument, NULL, KEEP },
	{ "keep-every", required_argument, NULL, KEEP_EVERY },
	{ "dry-run", no_argument, NULL, DRY_RUN },
	{ "verify", no_argument, NULL, VERIFY },
	{ NULL, 0, NULL, 0 },
};

static int refuse(struct rp_err *err, const char *what, const char *which)
{
	rp_fail(err, RALLY_EARG, "%s%s%s", what, which ? " " : "",
		which ? which : "");
	return -1;
}

static int take_option(struct rp_args *args, int takes, int c,
		       const char *word, struct rp_err *err)
{
	if (c == ':')
		return refuse(err, "there is no value behind", word);
	if (c == '?' || (c >= KEEP && !(takes & RP_TAKES_PRUNE)))
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
	case KEEP_EVERY:
		if (rp_parse_int(optarg, 1, INT32_MAX, &args->keep_every) != 0)
			return refuse(err, "--keep-every wants a number of "
				      "steps from 1 up, not", optarg);
		break;
	default:
		if (rp_parse_int(optarg, 1, INT32_MAX, &args->keep) != 0)
			return refuse(err, "--keep wants a number from 1 up, "
				      "not", optarg);
	}
	return 0;
}

static int take_operands(struct rp_args *args, int takes, int argc,
			 char **argv, struct rp_err *err)
{
	if (takes & RP_TAKES_DIR && optind < argc)
		args->dir = argv[optind++];
	if (takes & RP_TAKES_SEQ && optind < argc)
		args->which = argv[optind++];
	if (optind < argc)
		return refuse(err, "one word too many:", argv[optind]);
	if (takes & RP_TAKES_DIR && (!args->dir || !*args->dir))
		return refuse(err, "which checkpoint folder?", NULL);
	if (takes & RP_TAKES_PRUNE && args->keep == 0)
		return refuse(err, "how many are to stay? Give --keep K",
			      NULL);
	return 0;
}

int rp_args_parse(struct rp_args *args, int takes, int argc, char **argv,
		  struct rp_err *err)
{
	int c;

	memset(args, 0, sizeof(*args));
	optind = 1;
	opterr = 0;	/* the sentence is ours */
	while ((c = getopt_long(argc, argv, ":h", table, NULL)) != -1)
		if (take_option(args, takes, c, argv[optind - 1], err) != 0)
			return -1;
	if (args->help)
		return 0;
	return take_operands(args, takes, argc, argv, err);
}
