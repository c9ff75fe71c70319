/*
 * tool/verify.c - `rallypoint verify`: reads every byte of checkpoints again
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "data/event.h"
#include "tool/check.h"
#include "tool/load.h"
#include "tool/print.h"
#include "tool/tool.h"

/* One verify command. */
struct run {
	const struct rp_args *args;
	struct rp_bar bar;
	json_t *list;
	size_t seen, bad, newer;
};

enum state { OK, BAD, NEWER, GONE };

static const char *const words[] = { "ok", "BAD", "newer", "gone" };

static enum state state_of(const struct rp_check *check)
{
	if (check->gone)
		return GONE;
	if (check->code == 0)
		return OK;
	return check->code == RALLY_EVERSION ? NEWER : BAD;
}

static json_t *texts_json(const struct rp_findings *findings)
{
	json_t *array = json_array();

	for (size_t i = 0; i < findings->n; i++)
		json_array_append_new(array, rp_json_text(findings->v[i]));
	return array;
}

static int keep_json(struct run *run, const struct rp_ckpt *ckpt,
		     const struct rp_check *check, int64_t elapsed)
{
	enum state state = state_of(check);

	return json_array_append_new(run->list,
		json_pack("{s:I,s:I,s:s,s:b,s:s,s:I,s:I,s:o,s:o}", "sequence",
			  (json_int_t)ckpt->sequence, "step",
			  (json_int_t)ckpt->step, "name", ckpt->name, "ok",
			  state == OK, "state", words[state], "bytes",
			  (json_int_t)check->bytes, "elapsed_ns",
			  (json_int_t)elapsed, "problems",
			  texts_json(&check->bad), "warnings",
			  texts_json(&check->odd)));
}

static void say_findings(const struct rp_findings *findings,
			 const char *before)
{
	for (size_t i = 0; i < findings->n; i++) {
		char *safe = rp_escape(findings->v[i]);

		printf("    %s%s\n", before, safe ? safe : "?");
		free(safe);
	}
}

static void say(const struct rp_ckpt *ckpt, const struct rp_check *check,
		int64_t elapsed)
{
	enum state state = state_of(check);
	char amount[24];

	printf("%s: %s", ckpt->name, words[state]);
	if (state == OK)
		printf(", %s of %d rank%s in %.2f s at %.2f GB/s",
		       rp_text_bytes(check->bytes, amount, sizeof(amount)),
		       check->ranks, check->ranks == 1 ? "" : "s",
		       (double)elapsed / 1e9,
		       elapsed ? (double)check->bytes / (double)elapsed : 0);
	if (state == GONE)
		printf(", pruned meanwhile");
	putchar('\n');
	if (state != GONE) {
		say_findings(&check->bad, "");
		say_findings(&check->odd, "warning: ");
	}
	fflush(stdout);
}

static int verify_one(struct run *run, const struct rp_ckpt *ckpt,
		      struct rp_err *err)
{
	int64_t began = rp_now(), elapsed;
	struct rp_check check;
	int rc = rp_check_run(&check, ckpt, RP_CHECK_BYTES, &run->bar, err);

	elapsed = rp_now() - began;
	if (rc == 0) {
		enum state state = state_of(&check);

		rp_bar_clear(&run->bar);
		run->seen += state != GONE;
		run->bad += state == BAD;
		run->newer += state == NEWER;
		if (!run->args->json)
			say(ckpt, &check, elapsed);
		else if (keep_json(run, ckpt, &check, elapsed) != 0)
			rc = rp_fail(err, RALLY_ENOMEM, "no memory for JSON");
	}
	rp_check_free(&check);
	return rc;
}

static int verify_list(struct run *run, const struct rp_ckpt *v, size_t n,
		       struct rp_err *err)
{
	int rc = 0;

	rp_bar_begin(&run->bar, "verifying", rp_load_bytes(v, n));
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = verify_one(run, &v[i], err);
	rp_bar_clear(&run->bar);
	return rc;
}

static int conclude(const struct run *run, struct rp_err *err)
{
	const char *dir = run->args->dir;

	if (run->bad > 0)
		return rp_fail(err, RALLY_ECORRUPT,
			       "%s: %zu of %zu checkpoints is bad; a restore "
			       "passes over it", dir, run->bad, run->seen);
	if (run->newer > 0)
		return rp_fail(err, RALLY_EVERSION,
			       "%s: %zu of %zu checkpoints was written by a "
			       "newer rallypoint, which can verify it", dir,
			       run->newer, run->seen);
	if (run->seen == 0 && rp_event_committed(NULL, dir, err) > 0)
		return rp_fail(err, RALLY_EVANISHED,
			       "%s: " RP_EVENT_FILE " records a commit, but no "
			       "checkpoint is there", dir);
	return err->code;
}

int rp_tool_verify(const struct rp_args *args, struct rp_err *err)
{
	struct run run = { .args = args, .list = json_array() };
	const struct rp_ckpt *one = NULL;
	struct rp_folder folder;
	int rc = rp_folder_list(NULL, &folder, args->dir, err);

	if (rc == 0 && args->which) {
		one = rp_pick(&folder, args->dir, args->which, err);
		rc = one ? verify_list(&run, one, 1, err) : err->code;
	} else if (rc == 0) {
		rc = verify_list(&run, folder.v, folder.n, err);
		if (folder.n == 0 && !args->json)
			printf("no checkpoint to verify\n");
	}
	if (rc == 0 && args->json)
		rc = rp_json_print(json_pack("{s:o,s:O,s:b}", "dir",
					     rp_json_text(args->dir),
					     "checkpoints", run.list, "ok",
					     run.bad + run.newer == 0),
				   0, err);
	json_decref(run.list);
	rp_folder_free(&folder);
	return rc ? rc : conclude(&run, err);
}
