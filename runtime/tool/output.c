#include "tool/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

static int no_memory(const char *path, struct rp_err *err)
{
	return rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
}

static void block_signals(struct rp_output *output)
{
	sigset_t wait;

	sigemptyset(&wait);
	sigaddset(&wait, SIGINT);
	sigaddset(&wait, SIGTERM);
	sigaddset(&wait, SIGHUP);
	output->masked = sigprocmask(SIG_BLOCK, &wait, &output->mask) == 0;
}

int rp_output_stopped(const struct rp_output *output, struct rp_err *err)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t pending;

	if (sigpending(&pending) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		if (sigismember(&pending, stops[i]) == 1)
			return rp_fail(err, RALLY_EIO,
				       "%s: stopped by a signal, nothing was "
				       "written", output->path);
	return 0;
}

/* Folder, name and a temporary name in it; "." of a name without a slash. */
static int split(struct rp_output *output, const char *path, struct rp_err *err)
{
	size_t length = strlen(path);
	const char *slash;

	while (length > 1 && path[length - 1] == '/')
		length--;
	output->path = strndup(path, length);
	if (!output->path)
		return no_memory(path, err);
	slash = strrchr(output->path, '/');
	if (!slash)
		output->dir = strdup(".");
	else
		output->dir = strndup(output->path,
				      slash > output->path
					      ? (size_t)(slash - output->path)
					      : 1);
	output->temp = output->dir
		? rp_format("%s/.rallypoint-%ld-%lld", output->dir,
			    (long)getpid(), (long long)rp_now())
		: NULL;
	return output->temp ? 0 : no_memory(path, err);
}

/* One of the files that an export makes: with that ending, and no folder. */
static int is_one(DIR *dir, const char *name, const char *ending)
{
	size_t n = strlen(name), length = strlen(ending);
	struct stat st;

	return n > length && strcmp(name + n - length, ending) == 0 &&
	       fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

/* A folder of other things is not ours to remove. */
static int holds_only(const char *path, const char *ending, struct rp_err *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return rp_fail_errno(err, "open", path);
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!is_one(dir, entry->d_name, ending))
			rc = rp_fail(err, RALLY_EARG, "%s holds '%s' too, which "
				     "--force does not remove: give another "
				     "name", path, entry->d_name);
	}
	closedir(dir);
	return rc;
}

/* Whether what has the wanted name may go. */
static int check_old(const struct rp_output *output, struct rp_err *err)
{
	int wants_folder = output->kind == RP_OUTPUT_FOLDER;
	struct stat st;

	if (lstat(output->path, &st) != 0)
		return errno == ENOENT ? 0 : rp_fail_errno(err, "look at",
							   output->path);
	if (!output->force)
		return rp_fail(err, RALLY_EARG, "%s is there already: give "
			       "--force, or another name", output->path);
	if (wants_folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
		return rp_fail(err, RALLY_EARG, "%s is there already, and no %s: "
			       "give another name", output->path,
			       wants_folder ? "folder" : "regular file");
	return wants_folder ? holds_only(output->path, output->ending, err) : 0;
}

int rp_output_begin(struct rp_output *output, const char *path,
		    enum rp_output_kind kind, const char *ending, int force,
		    struct rp_err *err)
{
	int rc;

	memset(output, 0, sizeof(*output));
	output->kind = kind;
	output->ending = ending;
	output->force = force;
	rc = split(output, path, err);
	if (rc == 0)
		rc = check_old(output, err);
	if (rc != 0)
		return rc;
	block_signals(output);
	if (kind == RP_OUTPUT_FOLDER) {
		if (mkdir(output->temp, 0777) != 0)
			return rp_fail_errno(err, "make a folder in",
					     output->dir);
		output->made = 1;
	}
	return 0;
}

int rp_output_create(struct rp_output *output, const char *name,
		     struct rp_err *err)
{
	char *path = name ? rp_path(output->temp, name) : strdup(output->temp);
	int fd = -1;

	if (!path) {
		no_memory(output->path, err);
		return -1;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		rp_fail_errno(err, name ? "create" : "create a file in",
			      name ? path : output->dir);
	else
		output->made = 1;
	free(path);
	return fd;
}

/* Never over what came meanwhile. Where the file system can't tell in one call, a
 * link does for a file, and a look for a folder. */
static int rename_new(const struct rp_output *output)
{
	struct stat st;

	if (renameat2(AT_FDCWD, output->temp, AT_FDCWD, output->path,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (output->kind == RP_OUTPUT_FILE &&
	    link(output->temp, output->path) == 0)
		return unlink(output->temp);
	if (lstat(output->path, &st) == 0)
		errno = EEXIST;
	else if (errno == ENOENT)
		return rename(output->temp, output->path);
	return -1;
}

/* A folder can't be renamed over another: the two change places, or, where the file
 * system can't do that, the old one goes aside first. */
static int replace_folder(const struct rp_output *output, struct rp_err *err)
{
	char *old;
	int rc = 0;

	if (renameat2(AT_FDCWD, output->temp, AT_FDCWD, output->path,
		      RENAME_EXCHANGE) == 0)
		return rp_remove_tree(NULL, output->temp, err);
	old = rp_format("%s-old", output->temp);
	if (!old)
		return no_memory(output->path, err);
	if (rename(output->path, old) != 0 && errno != ENOENT)
		rc = rp_fail_errno(err, "rename", output->path);
	else if (rename(output->temp, output->path) != 0)
		rc = rp_fail_errno(err, "rename to", output->path);
	if (rc == 0)
		rc = rp_remove_tree(NULL, old, err);
	else
		rename(old, output->path);
	free(old);
	return rc;
}

int rp_output_publish(struct rp_output *output, struct rp_err *err)
{
	int rc = rp_output_stopped(output, err);

	if (rc == 0 && output->kind == RP_OUTPUT_FOLDER)
		rc = rp_sync_dir(NULL, output->temp, err);
	/* It may have been filled meanwhile. */
	if (rc == 0)
		rc = check_old(output, err);
	if (rc != 0)
		return rc;
	if (!output->force && rename_new(output) != 0)
		return errno == EEXIST ? check_old(output, err)
				       : rp_fail_errno(err, "rename to",
						       output->path);
	if (output->force && output->kind == RP_OUTPUT_FOLDER)
		rc = replace_folder(output, err);
	else if (output->force && rename(output->temp, output->path) != 0)
		rc = rp_fail_errno(err, "rename to", output->path);
	if (rc != 0)
		return rc;
	output->made = 0;
	return rp_sync_dir(NULL, output->dir, err);
}

void rp_output_end(struct rp_output *output)
{
	if (output->made)
		rp_remove_tree(NULL, output->temp, NULL);
	free(output->path);
	free(output->temp);
	free(output->dir);
	if (output->masked)
		sigprocmask(SIG_SETMASK, &output->mask, NULL);
	memset(output, 0, sizeof(*output));
}
