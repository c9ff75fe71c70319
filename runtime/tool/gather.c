#include "tool/gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define SCRIPT_MAX ((size_t)4 << 20) /* Slurm's own limit */
#define TIMEOUT_MS 15000

extern char **environ;

/*
 * The site
 */

/* `partition`: the user has named one, which may be wrong. */
static int no_answer(struct rp_gathered *all, enum rp_answer answer,
		     const char *what, int partition, struct rp_err *err)
{
	const char *detail = *all->sched.detail ? all->sched.detail
						: "no answer in time";

	return rp_fail(err, answer == RP_FAILED && partition
				    ? RALLY_EARG : RALLY_EREQUEUE,
		       "%s could not be read: %s%s", what, detail,
		       answer == RP_UNREACHABLE || answer == RP_TIMEOUT
			       ? "; is Slurm's controller up?" : "");
}

/* As the library would choose, but outside of a job too, and for questions about
 * the site even where it is told not to requeue. */
static int open_sched(struct rp_gathered *all, struct rp_err *err)
{
	static const char *const choices[] = { "scontrol", "libslurm", "none" };
	const char *helper = *all->options.helper ? all->options.helper : NULL;
	char wanted[16] = "auto";
	int rc = -1;

	rp_option_choice("requeue", all->options.requeue, wanted,
			 sizeof(wanted));
	for (size_t i = 0; i < 3 && rc != 0; i++)
		if (strcmp(wanted, "auto") == 0 ||
		    strcmp(wanted, "none") == 0 ||
		    strcmp(wanted, choices[i]) == 0) {
			rp_err_clear(err);
			rc = rp_sched_open(&all->sched, choices[i], helper,
					   TIMEOUT_MS, err);
		}
	if (rc != 0)
		return err->code;
	all->opened = 1;
	all->facts.can_ask = all->sched.ops != &rp_sched_none &&
			     strcmp(wanted, "none") != 0;
	return 0;
}

/* Also beside scontrol: it tells what scontrol's text does not. */
static void look_for_helper(struct rp_gathered *all)
{
	const char *helper = *all->options.helper ? all->options.helper : NULL;
	struct rp_err quiet = { 0 };
	struct rp_sched probe;

	if (rp_sched_open(&probe, "libslurm", helper, TIMEOUT_MS, &quiet) != 0)
		return;
	all->facts.has_helper = 1;
	rp_sched_close(&probe);
}

static int ask_site(struct rp_gathered *all, struct rp_err *err)
{
	enum rp_answer answer;

	if (all->sched.ops == &rp_sched_none)
		return 0;
	answer = rp_sched_conf(&all->sched, &all->facts.conf);
	if (answer != RP_DONE)
		return no_answer(all, answer, "Slurm's configuration", 0, err);
	return 0;
}

/* Of a list the first stands for all. */
static int ask_partition(struct rp_gathered *all, struct rp_err *err)
{
	char *name = all->partition ? strndup(all->partition,
					      strcspn(all->partition, ","))
				    : NULL;
	enum rp_answer answer;
	char what[100];

	if (all->sched.ops == &rp_sched_none) {
		free(name);
		return 0;
	}
	answer = rp_sched_partition(&all->sched, name, &all->facts.part);
	snprintf(what, sizeof(what), name ? "partition %.60s"
					  : "the default partition", name);
	free(name);
	return answer == RP_DONE ? 0 : no_answer(all, answer, what,
						 all->partition != NULL, err);
}

/*
 * The library's options
 */

static void take_option(struct rp_gathered *all, const char *name,
			const char *value)
{
	struct rp_err err = { 0 };

	if (strncmp(name, "RALLY_", 6) != 0 || !*value)
		return;
	if (rp_option_set(&all->options, name + 6, value, &err) != 0 &&
	    !*all->option)
		snprintf(all->option, sizeof(all->option), "%s", err.text);
}

/* sbatch hands this environment on; the script's own lines come after. */
static void take_environment(struct rp_gathered *all)
{
	for (char **entry = environ; *entry; entry++) {
		size_t n = strcspn(*entry, "=");
		char *name = strndup(*entry, n);

		if (name && (*entry)[n])
			take_option(all, name, *entry + n + 1);
		free(name);
	}
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

static void settle_options(struct rp_gathered *all)
{
	const struct rp_script *s = &all->script;
	const struct rp_options *o = &all->options;
	struct rp_facts *f = &all->facts;

	for (size_t i = 0; i < s->n_variables; i++)
		take_option(all, s->variables[i].name, s->variables[i].value);
	f->option = *all->option ? all->option : NULL;
	f->poll_s = seconds(f->launcher == RP_START_MPIRUN ||
			    f->launcher == RP_START_RUN_MPIRUN ? o->poll_mpirun
							       : o->poll);
	f->margin_s = seconds(o->margin);
	f->every = o->every > 0 || o->every_steps > 0;
	f->stop_signals = o->stop_signals;
	f->save_signals = o->save_signals;
}

/*
 * The script
 */

static char *read_quietly(void *arg, const char *path)
{
	struct rp_gathered *all = arg;
	char *full, *text = NULL;
	size_t size = 0;

	if (!*path || strchr(path, '$'))
		return NULL;
	full = *path == '/' || !all->workdir
		       ? strdup(path) : rp_path(all->workdir, path);
	if (full)
		text = rp_read_file(NULL, full, SCRIPT_MAX, &size, NULL);
	free(full);
	if (text && strlen(text) != size) { /* a program */
		free(text);
		text = NULL;
	}
	return text;
}

static void take_script(struct rp_gathered *all)
{
	const struct rp_script *s = &all->script;
	struct rp_facts *f = &all->facts;

	f->known = 1;
	f->launcher = s->launch.kind;
	f->command = s->launch.command;
	f->mended = s->launch.mended;
	f->shell = s->launch.shell;
	f->line = (int64_t)s->launch.line;
	f->quoted = s->launch.quoted;
	f->container = s->launch.container;
	f->in_step = s->launch.in_step;
	f->direct = s->launch.direct;
	f->shielded = s->launch.shielded;
	f->nodes = s->launch.nodes > 0 ? s->launch.nodes
		   : s->nodes > 0      ? s->nodes : 1;
	all->tasks = s->launch.tasks > 0 ? s->launch.tasks : s->tasks;
	f->array = s->array != NULL;
	f->het = s->het || s->launch.het;
	f->requeue = s->requeue;
	f->append = s->append;
	f->together = s->together;
	f->after = s->after;
	f->goes_on = s->goes_on;
	f->errexit = s->errexit;
	f->pipefail = s->pipefail;
	f->late = (int64_t)s->late;
	f->signal = s->signal;
	f->limit_s = s->time_s;
	if (s->partition && !all->partition)
		all->partition = strdup(s->partition);
	if (s->chdir && !all->workdir)
		all->workdir = strdup(s->chdir);
}

int rp_gather_script(struct rp_gathered *all, const char *path,
			const char *text, struct rp_err *err)
{
	struct rp_reader reader = { read_quietly, all };
	struct rp_err own = { 0 };

	if (rp_script_parse(&all->script, text, &reader, &own) != 0)
		return rp_fail(err, own.code, "%s: %s", path, own.text);
	take_script(all);
	return 0;
}

static int read_script(struct rp_gathered *all, const char *path,
		       struct rp_err *err)
{
	size_t size = 0;
	char *text = rp_read_file(NULL, path, SCRIPT_MAX, &size, err);
	int rc;

	if (!text)
		return err->code;
	if (strlen(text) != size)
		rc = rp_fail(err, RALLY_EARG, "%s: it is no script: it holds "
			     "NUL bytes", path);
	else
		rc = rp_gather_script(all, path, text, err);
	free(text);
	return rc;
}

static void settle_limit(struct rp_facts *f)
{
	int64_t most = f->part.max_time;

	if (f->limit_s <= 0)
		f->limit_s = f->part.default_time >= 0 ? f->part.default_time
						       : most;
}

int rp_gather(struct rp_gathered *all, const struct rp_gather_from *from,
	      struct rp_err *err)
{
	const char *job = from->job;
	int own = 0, rc = 0;

	memset(all, 0, sizeof(*all));
	rp_facts_init(&all->facts);
	all->tasks = -1;
	rp_options_init(&all->options);
	take_environment(all);
	if (from->partition)
		all->partition = strdup(from->partition);
	if (from->text)
		rc = rp_gather_script(all, from->script, from->text, err);
	else if (from->script)
		rc = read_script(all, from->script, err);
	if (rc != 0)
		return rc;
	if (from->script)
		rp_script_arguments(&all->script, from->arguments,
				    from->n_arguments);
	settle_options(all);
	if (open_sched(all, err) != 0)
		return err->code;
	look_for_helper(all);
	if (!from->script && !job && all->sched.job.in_slurm)
		job = all->sched.job.id;
	if (job) {
		own = strcmp(job, all->sched.job.id) == 0;
		if (!rp_job_id_valid(job))
			return rp_fail(err, RALLY_EARG, "'%s' is no job's id: "
				       "12, or 12_3 for a task of an array",
				       job);
	}
	rc = ask_site(all, err);
	if (rc == 0 && job)
		rc = rp_gather_job(all, job, own, err);
	if (rc == 0)
		rc = ask_partition(all, err);
	if (rc != 0)
		return rc;
	settle_options(all);
	rp_gather_folder(all, from->folder);
	settle_limit(&all->facts);
	all->title = from->script ? strdup(from->script)
		     : job	  ? rp_format("job %s", job) : NULL;
	all->facts.script = from->script;
	return 0;
}

void rp_gathered_free(struct rp_gathered *all)
{
	rp_script_free(&all->script);
	if (all->opened)
		rp_sched_close(&all->sched);
	free(all->folder);
	free(all->partition);
	free(all->title);
	free(all->workdir);
	memset(all, 0, sizeof(*all));
}
