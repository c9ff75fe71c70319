/*
 * tool/ls.c - `rallypoint ls`: the checkpoints of a folder
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "data/event.h"
#include "sys/finish.h"
#include "sys/job.h"
#include "sys/retain.h"
#include "tool/load.h"
#include "tool/print.h"
#include "tool/table.h"
#include "tool/tool.h"

/* What a folder holds beside its checkpoints. */
struct rest {
	size_t leftovers, pools;
	int finished, vanished;
	char job[RP_JOB_ID];
	int64_t step;
};

static void look_around(struct rest *rest, const struct rp_folder *folder,
			const char *dir)
{
	rest->leftovers = folder->partials;
	rest->pools = folder->pools;
	rest->finished = rp_finish_look(NULL, dir, rest->job, sizeof(rest->job),
					&rest->step, NULL) > 0;
	rest->vanished = folder->n == 0 && rp_event_committed(NULL, dir, NULL) > 0;
}

static json_t *ckpt_json(const struct rp_ckpt *ckpt,
			 const struct rp_manifest *m, const struct rp_err *why)
{
	json_t *json = json_pack("{s:I,s:I,s:s,s:b}", "sequence",
				 (json_int_t)ckpt->sequence, "step",
				 (json_int_t)ckpt->step, "name", ckpt->name,
				 "pinned",
				 rp_pin_look(NULL, ckpt->path, NULL) > 0);
	json_t *more;

	if (why->code)
		more = json_pack("{s:o,s:i}", "error", rp_json_text(why->text),
				 "code", why->code);
	else
		more = json_pack("{s:i,s:I,s:I,s:I,s:s,s:s,s:I,s:s}", "ranks",
				 m->ranks, "bytes", (json_int_t)m->bytes,
				 "time", (json_int_t)m->time, "elapsed_ns",
				 (json_int_t)m->elapsed_ns, "cause", m->cause,
				 "job", m->job, "restart",
				 (json_int_t)m->restart, "version",
				 m->version);
	if (json && json_object_update(json, more) != 0) {
		json_decref(json);
		json = NULL;
	}
	json_decref(more);
	return json;
}

static int ls_json(const struct rp_folder *folder, const struct rp_args *args,
		   const struct rest *rest, struct rp_err *err)
{
	json_t *list = json_array();
	json_t *mark = json_null();
	int bad = 0;

	for (size_t i = 0; i < folder->n; i++) {
		struct rp_manifest m = { 0 };
		struct rp_err why = { 0 };

		rp_load(&folder->v[i], &m, &why);
		bad |= json_array_append_new(list, ckpt_json(&folder->v[i],
							     &m, &why));
		rp_manifest_free(&m);
	}
	if (rest->finished)
		mark = json_pack("{s:o,s:I}", "job", rp_json_text(rest->job),
				 "step", (json_int_t)rest->step);
	if (bad)
		return rp_fail(err, RALLY_ENOMEM, "no memory for the list");
	return rp_json_print(json_pack("{s:o,s:o,s:I,s:I,s:b,s:o}", "dir",
				       rp_json_text(args->dir), "checkpoints",
				       list, "leftovers",
				       (json_int_t)rest->leftovers, "pools",
				       (json_int_t)rest->pools, "vanished",
				       rest->vanished, "finished", mark),
			     0, err);
}

static void add_row(struct rp_table *table, const struct rp_ckpt *ckpt)
{
	struct rp_manifest m = { 0 };
	struct rp_err why = { 0 };
	char when[24], amount[24];
	int pinned = rp_pin_look(NULL, ckpt->path, NULL);
	const char *pin = pinned > 0 ? "pinned" : pinned < 0 ? "?" : "";

	rp_table_cell(table, "%lld", (long long)ckpt->sequence);
	rp_table_cell(table, "%lld", (long long)ckpt->step);
	if (rp_load(ckpt, &m, &why) != 0) {
		for (int i = 0; i < 3; i++)
			rp_table_cell(table, "?");
		rp_table_cell(table, "%s", rp_err_string(why.code));
		rp_table_cell(table, "%s", "");
		rp_table_cell(table, "%s", pin);
		rp_complain("%s", why.text);
		return;
	}
	rp_wall_text(m.time, when, sizeof(when));
	rp_table_cell(table, "%d", m.ranks);
	rp_table_cell(table, "%s",
		      rp_text_bytes(m.bytes, amount, sizeof(amount)));
	rp_table_cell(table, "%s", when);
	rp_table_cell(table, "%s", m.cause);
	if (m.restart > 0)
		rp_table_cell(table, "%s, restart %lld", m.job,
			      (long long)m.restart);
	else
		rp_table_cell(table, "%s", m.job);
	rp_table_cell(table, "%s", pin);
	rp_manifest_free(&m);
}

static void say_rest(const struct rest *rest)
{
	if (rest->leftovers > 0)
		printf("%zu partial director%s left by crashes; the next start "
		       "removes them, or `rallypoint prune`\n",
		       rest->leftovers, rest->leftovers == 1 ? "y" : "ies");
	if (rest->pools > 0)
		printf("pruned shards are kept for the next save to write over; "
		       "`rallypoint prune` removes them between runs\n");
	if (rest->vanished)
		printf(RP_EVENT_FILE " records a commit: checkpoints were "
		       "here and are gone\n");
	if (rest->finished) {
		char *job = rp_escape(rest->job);

		printf("finished at step %lld by %s%s\n",
		       (long long)rest->step,
		       *rest->job ? "job " : "a run outside of Slurm",
		       job ? job : "?");
		free(job);
	}
}

static int ls_text(const struct rp_folder *folder, const struct rest *rest,
		   const char *dir, struct rp_err *err)
{
	struct rp_table table;
	char *safe;
	int rc;

	if (folder->n == 0) {
		safe = rp_escape(dir);
		printf("%s holds no checkpoint\n", safe ? safe : "?");
		free(safe);
		say_rest(rest);
		return 0;
	}
	rp_table_begin(&table,
		       ">SEQ|>STEP|>RANKS|>BYTES|SAVED AT|CAUSE|JOB|");
	for (size_t i = 0; i < folder->n; i++)
		add_row(&table, &folder->v[i]);
	rc = rp_table_end(&table, "", err);
	say_rest(rest);
	return rc;
}

int rp_tool_ls(const struct rp_args *args, struct rp_err *err)
{
	struct rp_folder folder;
	struct rest rest;
	int rc = rp_folder_list(NULL, &folder, args->dir, err);

	if (rc == 0) {
		look_around(&rest, &folder, args->dir);
		rc = args->json ? ls_json(&folder, args, &rest, err)
				: ls_text(&folder, &rest, args->dir, err);
	}
	rp_folder_free(&folder);
	return rc;
}
