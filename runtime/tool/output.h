/*
 * tool/output.h - a file, or a folder of files, that is complete or not there
 *
 *     rc = rp_output_begin(&output, "T.npy", RP_OUTPUT_FILE, force, &err);
 *     ... write to output.temp ...
 *     rc = rp_output_publish(&output, &err);
 *     rp_output_end(&output);
 *
 * It is written under a name of its own beside the wanted one and renamed at the end,
 * durably. What is there already is replaced with `force` alone, and only where it is
 * of the same kind: a regular file, or a folder with nothing in it but files of the
 * same ending. Between begin and end SIGINT, SIGTERM and SIGHUP wait: whoever writes
 * asks rp_output_stopped() now and then, so that nothing is left behind.
 */
#ifndef RP_TOOL_OUTPUT_H
#define RP_TOOL_OUTPUT_H

#include <signal.h>

#include "base/err.h"

enum rp_output_kind { RP_OUTPUT_FILE, RP_OUTPUT_FOLDER };

struct rp_output {
	char *path;		/* the wanted one, without slashes at its end */
	char *temp;
	char *dir;		/* that both are in */
	enum rp_output_kind kind;
	const char *ending;	/* ".npy": of what a folder may hold */
	int force;
	int made;		/* something is there under temp */
	int masked;
	sigset_t mask;		/* as it was */
};

/* End in any case. Nothing is made yet but for a folder. */
int rp_output_begin(struct rp_output *output, const char *path,
		    enum rp_output_kind kind, const char *ending, int force,
		    struct rp_err *err);

/* The file `name` of the folder, or, NULL, the file itself: a new one, for
 * writing. -1 on an error. rp_output_close() makes it durable. */
int rp_output_create(struct rp_output *output, const char *name,
		     struct rp_err *err);

/* RALLY_EIO where one of these signals came. */
int rp_output_stopped(const struct rp_output *output, struct rp_err *err);

/* Gives it the wanted name. */
int rp_output_publish(struct rp_output *output, struct rp_err *err);

/* Removes what was not published; signals that came meanwhile end the process now. */
void rp_output_end(struct rp_output *output);

#endif
