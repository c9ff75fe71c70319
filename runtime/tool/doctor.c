/*
 * tool/doctor.c - `rallypoint doctor`: what will happen to a job, and what is
 * wrong with it, before it happens
 *
 * Exit status: 0 where no finding is a problem, 1 where one is, 64 for a wrong
 * command line, else a code of enum rally_error: 69 for a script that can't be
 * read, 65 for what is no script or no job, 80 where Slurm does not answer.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "tool/diagnose.h"
#include "tool/gather.h"
#include "tool/print.h"
#include "tool/report.h"
#include "tool/tool.h"

#define PROBLEMS 1

enum { JSON = 256, PARTITION, FOLDER, JOB };

static const struct option table[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, JSON },
	{ "partition", required_argument, NULL, PARTITION },
	{ "folder", required_argument, NULL, FOLDER },
	{ "job", required_argument, NULL, JOB },
	{ NULL, 0, NULL, 0 },
};

static void help(void)
{
	printf("usage: rallypoint doctor [--json] [--partition NAME] "
	       "[--folder DIR]\n"
	       "                         [--job ID | SCRIPT [ARGS]]\n\n"
	       "Tell what will happen to a job at a preemption, the time limit "
	       "and so on, and\nwhat is wrong with it. Without SCRIPT: this job "
	       "where it runs in one, else the\nsite.\n"
	       "  --partition NAME  instead of the script's or the default one\n"
	       "  --folder DIR      the checkpoint folder; its newest manifest "
	       "tells how long a\n                    save takes\n"
	       "  --job ID          a job that is there\n"
	       "The exit status is 1 where there is a problem.\n");
}

static int refuse(const char *what, const char *which)
{
	rp_complain("doctor: %s%s%s; see `rallypoint doctor --help`", what,
		    which ? " " : "", which ? which : "");
	return EX_USAGE;
}

/* 0, or the exit status; *done where nothing is left to do. */
static int parse(int argc, char **argv, struct rp_gather_from *from, int *json,
		 int *done)
{
	int c;

	optind = 0;	/* "+" is looked at anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:hp:", table, NULL)) != -1)
		switch (c) {
		case 'h':
			help();
			*done = 1;
			return 0;
		case JSON:
			*json = 1;
			break;
		case PARTITION:
		case 'p':
			from->partition = optarg;
			break;
		case FOLDER:
			from->folder = optarg;
			break;
		case JOB:
			from->job = optarg;
			break;
		case ':':
			return refuse("there is no value behind",
				      argv[optind - 1]);
		default:
			return refuse("there is no option", argv[optind - 1]);
		}
	if (optind < argc) {
		from->script = argv[optind];
		from->arguments = argv + optind + 1;
		from->n_arguments = (size_t)(argc - optind - 1);
	}
	if (from->script && from->job)
		return refuse("a script or a job, not both", NULL);
	return 0;
}

static int diagnose(const struct rp_gather_from *from, int json,
		    struct rp_err *err)
{
	struct rp_diagnosis diagnosis = { 0 };
	struct rp_gathered all;
	int rc = rp_gather(&all, from, err);

	if (rc == 0)
		rc = rp_diagnose(&diagnosis, &all.facts, err);
	if (rc == 0)
		rc = json ? rp_report_json(&all, &diagnosis, err)
			  : rp_report_text(&all, &diagnosis, err);
	if (rc == 0 && diagnosis.problems)
		rc = PROBLEMS;
	rp_diagnosis_free(&diagnosis);
	rp_gathered_free(&all);
	return rc;
}

int rp_tool_doctor(int argc, char **argv)
{
	struct rp_gather_from from = { 0 };
	struct rp_err err = { 0 };
	int json = 0, done = 0;
	int rc = parse(argc, argv, &from, &json, &done);

	if (rc != 0 || done)
		return rc;
	rc = diagnose(&from, json, &err);
	if (err.code)
		rp_complain("%s", err.text);
	return rc;
}
