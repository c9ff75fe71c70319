/*
 * group/node.h - which ranks share a node and a NUMA domain, and which cores
 *                are left for helpers
 */
#ifndef RP_GROUP_NODE_H
#define RP_GROUP_NODE_H

#include "base/err.h"
#include "group/comm.h"
#include "sys/shard_io.h"
#include "sys/topo.h"

struct rp_node {
	int nodes;		/* that the communicator spans */
	int ranks;		/* of the communicator on this node */
	int local_rank;		/* 0 .. ranks-1, in the order of the ranks */
	int numa;		/* NUMA domains of this node */
	int free_cores;		/* of this rank's domain that no rank uses */
	struct rp_topo *topo;	/* NULL where hwloc can't tell */
	struct rp_beside beside;	/* the core this rank may use, */
	int has_beside;			/* where there is one */
};

/* Finds out. Where hwloc can't tell, no core is free. Collective. */
int rp_node_open(struct rp_node *node, struct rp_comm *comm,
		 struct rp_err *err);
void rp_node_close(struct rp_node *node);

#endif
