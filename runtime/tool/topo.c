/*
 * tool/topo.c - `rallypoint topo`: what this process has of its node
 *
 * One line a process, written at once, so that `srun rallypoint topo` shows
 * what srun gave to each task.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/topo.h"
#include "tool/print.h"
#include "tool/tool.h"

struct here {
	char host[256];
	const char *task;	/* SLURM_PROCID or MPI's rank, or NULL */
	char binding[1024];
	char summary[128];
	int bound;
};

static void look(struct here *here, const struct rp_topo *topo)
{
	const char *node = getenv("SLURMD_NODENAME");

	memset(here, 0, sizeof(*here));
	if (node)
		snprintf(here->host, sizeof(here->host), "%s", node);
	else
		gethostname(here->host, sizeof(here->host) - 1);
	here->task = getenv("OMPI_COMM_WORLD_RANK");
	if (!here->task)
		here->task = getenv("SLURM_PROCID");
	here->bound = rp_topo_is_bound(topo);
	if (rp_topo_binding_text(topo, here->binding,
				 sizeof(here->binding)) != 0)
		strcpy(here->binding, "?");
	rp_topo_summary(topo, here->summary, sizeof(here->summary));
}

static int print_json(const struct here *here, const struct rp_topo *topo,
		      struct rp_err *err)
{
	int node = rp_topo_numa_of(topo, here->binding);
	int64_t task;
	json_t *number = json_null();

	if (here->task && rp_parse_int(here->task, 0, INT32_MAX, &task) == 0)
		number = json_integer(task);
	return rp_json_print(
		json_pack("{s:o,s:o,s:i,s:i,s:b,s:s,s:o,s:s}", "host",
			  rp_json_text(here->host), "task", number,
			  "numa_nodes", rp_topo_numa_nodes(topo), "cores",
			  rp_topo_cores(topo), "bound", here->bound,
			  "binding", here->binding, "numa_node",
			  node < 0 ? json_null() : json_integer(node),
			  "summary", here->summary),
		1, err);
}

static void print_line(const struct here *here)
{
	char *safe = rp_escape(here->task ? here->task : "");
	char *line = rp_format("%s%s%s: %s %s (%s)\n", here->host,
			       here->task ? " task " : "", safe ? safe : "",
			       here->bound ? "bound to" : "not bound, may use",
			       here->binding, here->summary);

	if (line)
		fputs(line, stdout);
	free(line);
	free(safe);
}

int rp_tool_topo(const struct rp_args *args, struct rp_err *err)
{
	struct rp_topo *topo;
	struct here here;

	if (rp_topo_open(&topo, err) != 0)
		return err->code;
	look(&here, topo);
	if (args->json)
		print_json(&here, topo, err);
	else
		print_line(&here);
	rp_topo_close(topo);
	return err->code;
}
