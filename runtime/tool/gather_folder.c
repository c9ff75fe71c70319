/*
 * The checkpoint folder: where it lies, and how long its last save took.
 */
#include "tool/gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "sys/folder.h"
#include "sys/mount.h"
#include "tool/load.h"

/* With what the environment knows of "$SLURM_JOB_ID", in a job. */
static char *resolve_here(const char *text)
{
	char *out = strdup("");

	while (out && *text) {
		size_t n = strcspn(text, "$"), length;
		const char *value = NULL;
		char name[64], *more;

		if (n == 0) {
			length = strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
			snprintf(name, sizeof(name), "%.*s", (int)length,
				 text + 1);
			value = length ? getenv(name) : NULL;
			n = length + 1;
		}
		more = value ? rp_format("%s%s", out, value)
			     : rp_format("%s%.*s", out, (int)n, text);
		free(out);
		out = more;
		text += n;
	}
	return out;
}

/* Where it is or would be made: the nearest directory that is there. */
static const char *doubt_of(const char *path)
{
	char *at = strdup(path), *dollar = at ? strchr(at, '$') : NULL, *slash;
	const char *doubt = NULL;

	if (dollar)
		*dollar = '\0';
	while (at && *at && access(at, F_OK) != 0) {
		slash = strrchr(at, '/');
		if (!slash)
			break;
		slash[slash == at] = '\0';
		if (slash == at)
			break;
	}
	if (at && access(at, F_OK) == 0)
		doubt = rp_mount_doubt(at);
	free(at);
	return doubt;
}

static void read_last_save(struct rp_gathered *all, const char *path)
{
	struct rp_folder folder = { 0 };
	struct rp_manifest m = { 0 };
	struct rp_err quiet = { 0 };

	if (rp_folder_list(NULL, &folder, path, &quiet) == 0 && folder.n > 0 &&
	    rp_load(&folder.v[0], &m, &quiet) == 0) {
		all->facts.save_s = (double)m.elapsed_ns / 1e9;
		rp_manifest_free(&m);
	}
	rp_folder_free(&folder);
}

static int names_task(const char *text)
{
	return text && (strstr(text, "SLURM_ARRAY_TASK_ID") ||
			strstr(text, "SLURM_JOB_ID") || strstr(text, "%a"));
}

void rp_gather_folder(struct rp_gathered *all, const char *given)
{
	const char *text = given ? given : all->script.folder;
	const char *cd = all->script.cd;
	struct rp_facts *f = &all->facts;
	char *path;

	f->by_task = names_task(text) || names_task(cd);
	if (!text)
		return;
	f->relative = *text != '/' && *text != '$' && *text != '~';
	all->folder = resolve_here(text);
	f->folder = all->folder;
	if (!all->folder)
		return;
	if (f->relative && !given && cd && *cd != '/')
		return;		/* in a place that is not known here */
	path = f->relative && !given && (cd || all->workdir)
		       ? rp_path(cd ? cd : all->workdir, all->folder)
		       : f->relative ? rp_path(".", all->folder)
				     : strdup(all->folder);
	if (path) {
		f->doubt = doubt_of(path);
		read_last_save(all, path);
	}
	free(path);
}
