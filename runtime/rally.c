/*
 * rally.c - the public calls: arguments are checked, then one call into flow
 */
#include "rallypoint.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "data/share.h"
#include "flow/finalize.h"
#include "flow/find.h"
#include "flow/handle.h"
#include "flow/point.h"
#include "flow/requeue.h"
#include "flow/restore.h"
#include "flow/save.h"
#include "sys/signals.h"

/* The code that a call on this handle has to return at once, or 0. Else the
 * last error is forgotten. */
static int check(struct rally *rp, const char *call)
{
	if (!rp)
		return RALLY_EARG;
	if (rp->in_program)
		return rp_fail(&rp->err, RALLY_EORDER,
			       "%s: called by the program's function for %s, "
			       "while the library waits for it", call,
			       rp->in_program);
	rp_handle_notice_death(rp);
	if (rp->verdict == RALLY_BROKEN)
		return rp->err.code ? rp->err.code : RALLY_EMPI;
	rp_err_clear(&rp->err);
	return 0;
}

static int missing(struct rally *rp, const char *call, const char *argument)
{
	return rp_fail(&rp->err, RALLY_EARG, "%s: %s is NULL", call, argument);
}

int rally_early(void)
{
	return rp_signals_install((int64_t)1 << (SIGTERM - 1), NULL);
}

int rally_open(MPI_Comm comm, const char *dir, rally_t **rp)
{
	int initialized = 0, finalized = 0, rc;

	if (!rp)
		return RALLY_EARG;
	*rp = NULL;
	if (MPI_Initialized(&initialized) != MPI_SUCCESS || !initialized ||
	    MPI_Finalized(&finalized) != MPI_SUCCESS || finalized)
		return RALLY_EORDER;
	rc = rp_handle_open(rp, comm, dir);
	return rc ? rc : rp_finalize_watch(*rp);
}

int rally_set(rally_t *rp, const char *key, const char *value)
{
	int rc = check(rp, "rally_set");

	if (rc != 0)
		return rc;
	if (!key || !value)
		return missing(rp, "rally_set", "key or value");
	return rp_handle_set(rp, key, value);
}

int rally_meta(rally_t *rp, const char *key, const char *value)
{
	int rc = check(rp, "rally_meta");

	if (rc != 0)
		return rc;
	if (!key)
		return missing(rp, "rally_meta", "key");
	if (!value)
		json_object_del(rp->meta, key);
	else if (json_object_set_new(rp->meta, key, json_string(value)) != 0)
		return rp_fail(&rp->err, RALLY_EARG,
			       "rally_meta: key or value is not UTF-8");
	return 0;
}

const char *rally_meta_get(const rally_t *rp, const char *key)
{
	if (!rp || !key)
		return NULL;
	return json_string_value(json_object_get(rp->restored_meta, key));
}

/* Keeps a registration, or its refusal. */
static int put(struct rally *rp, const char *name,
	       const struct rp_region *region, int rc)
{
	if (rc == 0)
		rc = rp_regions_put(&rp->regions, region, &rp->err);
	if (rc != 0)
		rp_handle_refuse(rp, name ? name : "");
	else
		rp_handle_mend(rp, name);
	return rc;
}

int rally_add(rally_t *rp, const char *name, void *data, enum rally_type type,
	      size_t count)
{
	struct rp_region region;
	int rc = check(rp, "rally_add");

	if (rc != 0)
		return rc;
	return put(rp, name, &region,
		   rp_region_private(&region, name, data, type, count,
				     &rp->err));
}

int rally_add_array(rally_t *rp, const char *name, void *data,
		    enum rally_type type, int ndim, const int64_t *global,
		    const int64_t *start, const int64_t *local)
{
	struct rp_region region;
	int rc = check(rp, "rally_add_array");

	if (rc != 0)
		return rc;
	return put(rp, name, &region,
		   rp_region_array(&region, name, data, type, ndim, global,
				   start, local, &rp->err));
}

int rally_add_replicated(rally_t *rp, const char *name, void *data,
			 enum rally_type type, int ndim, const int64_t *shape)
{
	struct rp_region region;
	int rc = check(rp, "rally_add_replicated");

	if (rc != 0)
		return rc;
	return put(rp, name, &region,
		   rp_region_replicated(&region, name, data, type, ndim, shape,
					rp->comm.rank, rp->comm.size, &rp->err));
}

/* What is registered under a name, or NULL with rp->err. */
static struct rp_region *registered(struct rally *rp, const char *call,
				    const char *name)
{
	struct rp_region *region;

	if (!name) {
		missing(rp, call, "name");
		return NULL;
	}
	region = rp_regions_find(&rp->regions, name);
	if (!region)
		rp_fail(&rp->err, RALLY_EABSENT,
			"%s: nothing is registered as '%s'", call, name);
	return region;
}

int rally_own(rally_t *rp, const char *name, const int64_t *start,
	      const int64_t *local)
{
	struct rp_region *region;
	int rc = check(rp, "rally_own");

	if (rc != 0)
		return rc;
	region = registered(rp, "rally_own", name);
	if (!region || rp_region_own(region, start, local, &rp->err) != 0)
		rp_handle_refuse(rp, name ? name : "");
	return rp->err.code;
}

int rally_optional(rally_t *rp, const char *name)
{
	struct rp_region *region;
	int rc = check(rp, "rally_optional");

	if (rc != 0)
		return rc;
	region = registered(rp, "rally_optional", name);
	if (region)
		region->optional = 1;
	return rp->err.code;
}

int rally_adopt(rally_t *rp, rally_adopt_fn *fn, void *arg)
{
	int rc = check(rp, "rally_adopt");

	if (rc != 0)
		return rc;
	rp->adopt = fn;
	rp->adopt_arg = arg;
	return 0;
}

int rally_stream(rally_t *rp, void *stream)
{
	int rc = check(rp, "rally_stream");

	if (rc == 0)
		rp->stream = stream;
	return rc;
}

int rally_file(rally_t *rp, const char *name, enum rally_file_scope scope,
	       rally_file_fn *fn, void *arg)
{
	struct rp_region region;
	int rc = check(rp, "rally_file");

	if (rc != 0)
		return rc;
	return put(rp, name, &region,
		   rp_region_file(&region, name, scope, fn, arg, &rp->err));
}

int rally_drop(rally_t *rp, const char *name)
{
	int rc = check(rp, "rally_drop");

	if (rc != 0)
		return rc;
	if (!name)
		return missing(rp, "rally_drop", "name");
	rp_handle_mend(rp, name);
	return rp_regions_drop(&rp->regions, name, &rp->err);
}

int rally_point_at(rally_t *rp, int64_t step, const char *file, int line)
{
	struct rp_agree *agree;

	if (!rp)
		return RALLY_BROKEN;
	agree = &rp->agree;
	/* One branch for all three. */
	if (__builtin_expect((++agree->index < agree->due) &
			     (line == agree->line) & (file == agree->file), 1))
		return RALLY_GO;
	return rp_point(rp, step, file, line);
}

int rally_request(rally_t *rp, enum rally_want want)
{
	/* Nothing waits for it: the program's functions may ask too. */
	int rc = rp && rp->in_program ? 0 : check(rp, "rally_request");

	if (rc != 0)
		return rc;
	if (want != RALLY_WANT_SAVE && want != RALLY_WANT_STOP)
		return rp_fail(&rp->err, RALLY_EARG,
			       "rally_request: %d is nothing to want",
			       (int)want);
	atomic_fetch_or(&rp->asked, (int)want);
	return 0;
}

int rally_save(rally_t *rp, int64_t step)
{
	struct rp_place place = { "rally_save()", 0, step, 0, 0 };
	int rc = check(rp, "rally_save");

	if (rc != 0)
		return rc;
	if (rp->verdict == RALLY_STOP)
		return rp_fail(&rp->err, RALLY_EORDER,
			       "rally_save: all ranks have stopped at step "
			       "%lld already", (long long)rp->standing.step);
	rp_agree_enter(&rp->agree);
	place.point = rp->agree.index;
	rc = rp_save(rp, &place, "program", RP_SAVE_AS_OPTED);
	rp_handle_leave(rp, step);
	return rc;
}

int rally_restore(rally_t *rp, int64_t *step, int *how)
{
	int rc = check(rp, "rally_restore");

	if (rc != 0)
		return rc;
	if (!step || !how)
		return missing(rp, "rally_restore", "step or how");
	rp_agree_enter(&rp->agree);
	rc = rp_restore(rp, step, how);
	rp_handle_leave(rp, *how == RALLY_FRESH ? -1 : *step);
	return rc;
}

int rally_restore_from(rally_t *rp, const char *path, int64_t *step)
{
	int64_t restored = -1;
	int rc = check(rp, "rally_restore_from");

	if (rc != 0)
		return rc;
	if (!path || !*path || !step)
		return rp_fail(&rp->err, RALLY_EARG,
			       "rally_restore_from: path or step is NULL, or path "
			       "is empty");
	rp_agree_enter(&rp->agree);
	rc = rp_restore_from(rp, path, &restored);
	if (rc == 0)
		*step = restored;
	rp_handle_leave(rp, restored);
	return rc;
}

int rally_find(rally_t *rp, const char *name, struct rally_info *info)
{
	int rc = check(rp, "rally_find");

	if (rc != 0)
		return rc;
	if (!name || !info)
		return missing(rp, "rally_find", "name or info");
	rp_agree_enter(&rp->agree);
	rc = rp_find(rp, name, info);
	rp_handle_leave(rp, atomic_load(&rp->seen.step));
	return rc;
}

int rally_requeue(rally_t *rp)
{
	int rc = check(rp, "rally_requeue");

	if (rc != 0)
		return rc;
	rp_agree_enter(&rp->agree);
	rc = rp_requeue(rp);
	rp_handle_leave(rp, atomic_load(&rp->seen.step));
	return rc;
}

int rally_finish(rally_t *rp, int64_t step)
{
	int rc = check(rp, "rally_finish");

	if (rc != 0)
		return rc;
	rp_agree_enter(&rp->agree);
	rc = rp_finish(rp, step);
	rp_handle_leave(rp, step);
	return rc;
}

int rally_close(rally_t *rp)
{
	int rc;

	if (!rp)
		return 0;
	if (rp->in_program)
		return check(rp, "rally_close");
	rc = rp_close(rp);
	rp_finalize_forget(rp);
	rp_handle_free(rp);
	return rc;
}

int rally_status(const rally_t *rp, struct rally_status *status)
{
	int64_t when, save_ns, left_at;

	if (!rp || !status)
		return RALLY_EARG;
	memset(status, 0, sizeof(*status));
	status->step = atomic_load(&rp->seen.step);
	status->sequence = atomic_load(&rp->seen.sequence);
	status->saved_step = atomic_load(&rp->seen.saved_step);
	status->points = atomic_load(&rp->seen.points);
	status->rounds = atomic_load(&rp->seen.rounds);
	status->stride = atomic_load(&rp->seen.stride);
	status->lag = atomic_load(&rp->seen.lag);
	status->verdict = atomic_load(&rp->seen.verdict);
	status->saving = atomic_load(&rp->seen.saving);
	status->bytes_done = atomic_load(&rp->progress.done);
	status->bytes_total = atomic_load(&rp->progress.total);
	status->restored_needed = atomic_load(&rp->seen.needed);
	status->restored_read = atomic_load(&rp->seen.read);
	status->signal = rp_signals_last(rp->options.stop_signals |
						 rp->options.save_signals,
					 &when);
	save_ns = atomic_load(&rp->seen.save_ns);
	status->save_seconds = save_ns < 0 ? -1 : (double)save_ns / 1e9;
	left_at = atomic_load(&rp->seen.left_at);
	status->seconds_left = -1;
	if (left_at) {
		int64_t left = left_at - rp_now();

		status->seconds_left = left > 0 ? (double)left / 1e9 : 0;
	}
	return 0;
}

const char *rally_strerror(int code)
{
	return rp_err_string(code);
}

const char *rally_error(const rally_t *rp)
{
	if (!rp)
		return "";
	return rp->err.code ? rp->err.text : rp->kept.text;
}
