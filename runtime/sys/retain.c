#include "sys/retain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sys/folder.h"

/*
 * Pins
 */

int rp_pin_look(struct rp_io *io, const char *path, struct rp_err *err)
{
	char *pin = rp_path(path, RP_PIN_FILE);
	struct stat st;
	int found = 1;

	if (!pin) {
		rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
		return -1;
	}
	if (rp_lstat(io, pin, &st) != 0) {
		found = errno == ENOENT || errno == ENOTDIR ? 0 : -1;
		if (found < 0)
			rp_fail_errno(err, "stat", pin);
	}
	free(pin);
	return found;
}

static int too_late(const char *path, struct rp_err *err)
{
	return rp_fail(err, RALLY_EABSENT, "%s was pruned before it was pinned",
		       path);
}

/* It may have been pruned while its pin was put into it. */
static int still_there(struct rp_io *io, const char *path, const char *pin,
		       struct rp_err *err)
{
	struct stat st;

	if (rp_lstat(io, pin, &st) == 0)
		return 0;
	if (errno != ENOENT)
		return rp_fail_errno(err, "stat", pin);
	return too_late(path, err);
}

int rp_pin_set(struct rp_io *io, const char *path, const char *why,
	       struct rp_err *err)
{
	char *pin = rp_path(path, RP_PIN_FILE);
	int before = err ? err->code : 0;
	int rc = rp_pin_look(io, path, err);
	struct stat st;

	if (!pin)
		rc = rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
	else if (rc < 0)
		rc = err ? err->code : RALLY_EIO;
	else if (rc > 0)
		rc = 0;
	else
		rc = rp_write_file(io, pin, why, strlen(why), err);
	if (rc == 0)
		rc = rp_sync_dir(io, path, err);
	if (rc == 0) {
		rc = still_there(io, path, pin, err);
	} else if (rp_lstat(io, path, &st) != 0 && errno == ENOENT) {
		if (err && !before)
			rp_err_clear(err);
		rc = too_late(path, err);
	}
	free(pin);
	return rc;
}

int rp_pin_clear(struct rp_io *io, const char *path, struct rp_err *err)
{
	char *pin = rp_path(path, RP_PIN_FILE);
	int rc;

	if (!pin)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
	rc = rp_remove(io, pin, err);
	free(pin);
	return rc;
}

/*
 * The rule
 */

static const struct rp_doubt *find_doubt(const struct rp_retention *retention,
					 int64_t sequence)
{
	for (size_t i = 0; i < retention->n_doubts; i++)
		if (retention->doubts[i].sequence == sequence)
			return &retention->doubts[i];
	return NULL;
}

int rp_retain_doubts(const struct rp_retention *retention, int64_t sequence)
{
	return find_doubt(retention, sequence) != NULL;
}

/* The first of its `every` steps: of those in which its step lies, none that is
 * older and whole is there any more. Steps before the first `every` do not count,
 * or the first save of a run would stay for good. */
static int is_first(const struct rp_folder *folder,
		    const struct rp_retention *retention, size_t i)
{
	int64_t every = retention->every, period;

	if (every <= 0 || folder->v[i].step < every)
		return 0;
	period = folder->v[i].step / every;
	for (size_t k = i + 1; k < folder->n; k++)
		if (folder->v[k].sequence >= retention->from &&
		    folder->v[k].step / every == period &&
		    !find_doubt(retention, folder->v[k].sequence))
			return 0;
	return 1;
}

void rp_retain_among(const struct rp_folder *folder,
		     const struct rp_retention *retention, enum rp_stay *stays)
{
	size_t kept = 0;

	for (size_t i = 0; i < folder->n; i++) {
		int64_t sequence = folder->v[i].sequence;
		const struct rp_doubt *doubt = find_doubt(retention, sequence);

		if (stays[i] == RP_STAYS_PINNED)
			continue;
		if (sequence < retention->from)
			stays[i] = RP_STAYS;
		else if (doubt)
			stays[i] = doubt->damaged ? RP_GOES_BAD : RP_STAYS;
		else if (kept < retention->keep)
			stays[i] = RP_STAYS;
		else if (is_first(folder, retention, i))
			stays[i] = RP_STAYS_EVERY;
		else
			stays[i] = RP_GOES;
		kept += stays[i] == RP_STAYS && !doubt &&
			sequence >= retention->from;
	}
}

int rp_retain(struct rp_io *io, const struct rp_folder *folder,
	      const struct rp_retention *retention, enum rp_stay *stays,
	      struct rp_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < folder->n; i++) {
		int pinned = rp_pin_look(io, folder->v[i].path, err);

		/* One that can't be told stays this time. */
		if (pinned < 0)
			rc = err ? err->code : RALLY_EIO;
		stays[i] = pinned ? RP_STAYS_PINNED : RP_GOES;
	}
	rp_retain_among(folder, retention, stays);
	return rc;
}
