#include "tool/gather.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "sys/folder.h"
#include "sys/job.h"
#include "sys/mount.h"
#include "sys/spawn.h"
#include "tool/load.h"

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

/* As the library would choose, but outside of a job too. */
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
		    strcmp(wanted, choices[i]) == 0) {
			rp_err_clear(err);
			rc = rp_sched_open(&all->sched, choices[i], helper,
					   TIMEOUT_MS, err);
		}
	if (rc != 0)
		return err->code;
	all->opened = 1;
	all->facts.can_ask = all->sched.ops != &rp_sched_none;
	return 0;
}

static int ask_site(struct rp_gathered *all, struct rp_err *err)
{
	enum rp_answer answer;

	if (!all->facts.can_ask)
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

	if (!all->facts.can_ask) {
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
	f->poll_s = seconds(f->launcher == RP_START_MPIRUN ? o->poll_mpirun
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

static int parse_script(struct rp_gathered *all, const char *path,
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
		rc = parse_script(all, path, text, err);
	free(text);
	return rc;
}

/*
 * A job that is there
 */

/* A key of what `scontrol show job` printed, between the line with the job's
 * name and the user's other words. Into buf, "" where it is not there. */
static const char *job_field(const char *text, const char *key, char *buf,
			     size_t size)
{
	size_t n = strlen(key);

	buf[0] = '\0';
	text = strchr(text, '\n');
	for (const char *p = text ? strstr(text, key) : NULL; p;
	     p = strstr(p + 1, key))
		if (p[n] == '=' &&
		    isspace((unsigned char)p[-1])) {
			p += n + 1;
			snprintf(buf, size, "%.*s",
				 (int)strcspn(p, strcmp(key, "WorkDir") == 0
							 ? "\n" : " \n"), p);
			break;
		}
	return buf;
}

/* "JobId=6 ArrayJobId=5 ArrayTaskId=1 JobName=..." */
static int head_has(const char *text, const char *key)
{
	const char *name = strstr(text, " JobName=");
	const char *at = strstr(text, key);

	return name && at && at < name;
}

static void take_record(struct rp_gathered *all, const char *text)
{
	struct rp_facts *f = &all->facts;
	char buf[512];
	int64_t value;

	f->known = 1;
	if (*job_field(text, "Partition", buf, sizeof(buf)) &&
	    !all->partition)
		all->partition = strdup(buf);
	if (*job_field(text, "WorkDir", buf, sizeof(buf)) && !all->workdir)
		all->workdir = strdup(buf);
	if (rp_parse_int(job_field(text, "Requeue", buf, sizeof(buf)), 0, 1,
			 &value) == 0)
		f->requeue = (int)value;
	if (rp_parse_int(job_field(text, "BatchFlag", buf, sizeof(buf)), 0, 2,
			 &value) == 0)
		f->batch = value > 0;
	if (rp_parse_int(job_field(text, "NumNodes", buf, sizeof(buf)), 1,
			 INT32_MAX, &value) == 0)
		f->nodes = value;
	if (rp_conf_time(job_field(text, "TimeLimit", buf, sizeof(buf)),
			 &value) == 0)
		f->limit_s = value;
	f->array |= head_has(text, " ArrayTaskId=");
	f->het |= head_has(text, " HetJobId=");
}

/* Runs `scontrol ...`; what it printed is the caller's, NULL where it failed. */
static char *scontrol(struct rp_gathered *all, const char *const argv[])
{
	struct rp_spawned got;
	char *text = NULL;

	if (rp_sched_run(&all->sched, argv, &got) != RP_DONE)
		return NULL;
	if (got.reaped && got.status == 0 && got.signal == 0)
		text = strdup(got.out);
	else
		rp_sched_say(&all->sched, got.err_len ? got.err : got.out);
	rp_spawned_free(&got);
	return text;
}

static void take_job_script(struct rp_gathered *all, const char *id)
{
	const char *const argv[] = { "scontrol", "write", "batch_script", id,
				     "-", NULL };
	char *text = scontrol(all, argv);
	struct rp_err quiet = { 0 };

	if (text && parse_script(all, id, text, &quiet) != 0)
		rp_script_free(&all->script);
	free(text);
}

/* Only the environment of a job tells it, where there is no scontrol. */
static void take_job_environment(struct rp_gathered *all)
{
	const char *partition = getenv("SLURM_JOB_PARTITION");
	const char *nodes = getenv("SLURM_JOB_NUM_NODES");
	struct rp_facts *f = &all->facts;

	f->known = 1;
	if (partition && !all->partition)
		all->partition = strdup(partition);
	if (nodes)
		(void)rp_parse_int(nodes, 1, INT32_MAX, &f->nodes);
	f->array |= getenv("SLURM_ARRAY_TASK_ID") != NULL;
	f->het |= all->sched.job.het_size > 1;
}

/* What started this process, where no script tells. */
static enum rp_start launcher_here(const struct rp_gathered *all)
{
	if (getenv("TORCHELASTIC_RUN_ID"))
		return RP_START_TORCHRUN;
	if (all->sched.job.by_mpirun)
		return getenv("RALLYPOINT_RUN") ? RP_START_RUN_MPIRUN
						: RP_START_MPIRUN;
	return all->sched.job.step >= 0 && getenv("SLURM_PROCID")
		       ? RP_START_SRUN : RP_START_NONE;
}

static int read_job(struct rp_gathered *all, const char *id, int own,
		    struct rp_err *err)
{
	const char *const argv[] = { "scontrol", "show", "job", id, NULL };
	char *text = NULL;

	if (all->sched.ops == &rp_sched_scontrol) {
		take_job_script(all, id);
		text = scontrol(all, argv);
		if (!text)
			return rp_fail(err, RALLY_EARG, "job %s: %s", id,
				       all->sched.detail);
		take_record(all, text);
		free(text);
	} else if (!own) {
		return rp_fail(err, RALLY_EARG,
			       "job %s: only scontrol tells of another job, and "
			       "it is not on PATH", id);
	}
	if (own)
		take_job_environment(all);
	if (own && all->facts.launcher == RP_START_NONE)
		all->facts.launcher = launcher_here(all);
	return 0;
}

/*
 * The folder
 */

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
		all->facts.save_s = seconds(m.elapsed_ns);
		rp_manifest_free(&m);
	}
	rp_folder_free(&folder);
}

static int names_task(const char *text)
{
	return text && (strstr(text, "SLURM_ARRAY_TASK_ID") ||
			strstr(text, "SLURM_JOB_ID") || strstr(text, "%a"));
}

static void settle_folder(struct rp_gathered *all, const char *given)
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
		rc = parse_script(all, from->script, from->text, err);
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
		rc = read_job(all, job, own, err);
	if (rc == 0)
		rc = ask_partition(all, err);
	if (rc != 0)
		return rc;
	settle_options(all);
	settle_folder(all, from->folder);
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
