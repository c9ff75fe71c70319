#include "group/node.h"

#include <stdlib.h>
#include <string.h>

#define BINDING 128	/* bytes of a rank's "0-3,8"; longer: as unbound */

/* Ranks before this one that share its NUMA domain: they choose first. */
static int place_in_domain(const struct rp_topo *topo, char (*all)[BINDING],
			   int local_rank)
{
	int mine = rp_topo_numa_of(topo, all[local_rank]);
	int before = 0;

	for (int i = 0; i < local_rank; i++)
		before += rp_topo_numa_of(topo, all[i]) == mine;
	return before;
}

static void choose_core(struct rp_node *node, char (*all)[BINDING])
{
	const char **bindings = malloc((size_t)node->ranks * sizeof(*bindings));
	int cores[64], named = 0, count;
	int place = place_in_domain(node->topo, all, node->local_rank);

	if (!bindings)
		return;
	for (int i = 0; i < node->ranks; i++)
		bindings[i] = all[i];
	count = rp_topo_free_cores(node->topo, bindings, node->ranks, cores,
				   64, &named);
	free(bindings);
	node->free_cores = count > 0 ? count : 0;
	if (place >= node->free_cores || (named && place >= 64))
		return;
	node->has_beside = 1;
	node->beside.topo = node->topo;
	node->beside.core = named ? cores[place] : -1;
}

/* The bindings of this node's ranks, gathered over a communicator of its own.
 */
static int look_around(struct rp_node *node, struct rp_comm *comm,
		       MPI_Comm here, struct rp_err *err)
{
	char mine[BINDING] = "";
	char (*all)[BINDING];
	int rc;

	rc = rp_comm_check(comm, MPI_Comm_size(here, &node->ranks),
			   "MPI_Comm_size", err);
	if (rc == 0)
		rc = rp_comm_check(comm,
				   MPI_Comm_rank(here, &node->local_rank),
				   "MPI_Comm_rank", err);
	if (rc != 0)
		return rc;
	if (rp_topo_open(&node->topo, NULL) != 0)
		node->topo = NULL;
	else if (rp_topo_binding_text(node->topo, mine, sizeof(mine)) != 0)
		mine[0] = '\0';
	all = calloc((size_t)node->ranks, sizeof(*all));
	if (!all)
		rp_fail(err, RALLY_ENOMEM, "topology: no memory");
	if (rp_comm_settle(comm, err) != 0) {
		free(all);
		return err->code;
	}
	rc = rp_comm_check(comm,
			   MPI_Allgather(mine, BINDING, MPI_CHAR, all, BINDING,
					 MPI_CHAR, here),
			   "MPI_Allgather", err);
	if (rc == 0 && node->topo) {
		node->numa = rp_topo_numa_nodes(node->topo);
		choose_core(node, all);
	}
	free(all);
	return rc;
}

/* One rank of each node counts it. */
static int count_nodes(struct rp_node *node, struct rp_comm *comm,
		       struct rp_err *err)
{
	uint64_t first = node->local_rank == 0;
	int rc = rp_comm_sum(comm, &first, 1, err);

	node->nodes = (int)first;
	return rc;
}

int rp_node_open(struct rp_node *node, struct rp_comm *comm,
		 struct rp_err *err)
{
	MPI_Comm here = MPI_COMM_NULL;
	int rc;

	memset(node, 0, sizeof(*node));
	node->beside.core = -1;
	rc = rp_comm_check(comm,
			   MPI_Comm_split_type(comm->saves,
					       MPI_COMM_TYPE_SHARED, 0,
					       MPI_INFO_NULL, &here),
			   "MPI_Comm_split_type", err);
	if (rc == 0)
		rc = look_around(node, comm, here, err);
	if (here != MPI_COMM_NULL)
		(void)MPI_Comm_free(&here);
	return rc == 0 ? count_nodes(node, comm, err) : rc;
}

void rp_node_close(struct rp_node *node)
{
	rp_topo_close(node->topo);
	node->topo = NULL;
}
