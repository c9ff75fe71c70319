/*
 * sys/topo.h - which cores this process has, and which are left over
 *
 *     rp_topo_open(&topo, &err);
 *     rp_topo_binding_text(topo, mine, sizeof(mine));
 *     ... gather `mine` of all ranks of the node ...
 *     n = rp_topo_free_cores(topo, all, ranks, cores, max, &named);
 *     if (n > 0) ... a helper thread costs no rank its core ...
 *     rp_topo_close(topo);
 *
 * A helper thread that hashes or writes should run beside the ranks, not on
 * top of one. Cores are counted, not hardware threads, and named by hwloc's
 * logical index. Only what this process may use counts: a cgroup's or a job's
 * other cores do not exist here.
 */
#ifndef RP_SYS_TOPO_H
#define RP_SYS_TOPO_H

#include "base/err.h"

#include <stddef.h>

struct rp_topo;

/* Looks at the machine and at this process's binding, once (some ten
 * milliseconds). On success `*topo` is the caller's.
 * Errors: RALLY_EIO, RALLY_ENOMEM. */
int rp_topo_open(struct rp_topo **topo, struct rp_err *err);
void rp_topo_close(struct rp_topo *topo);

/* Of the cores that this process may use: how many, and on how many NUMA
 * nodes they lie. */
int rp_topo_cores(const struct rp_topo *topo);
int rp_topo_numa_nodes(const struct rp_topo *topo);

/* 1 where this process is bound to less than everything allowed. */
int rp_topo_is_bound(const struct rp_topo *topo);

/* The logical processors (as the kernel numbers them) that this process is
 * bound to, as "0-3,8". Returns 0, or -1 where it does not fit. */
int rp_topo_binding_text(const struct rp_topo *topo, char *text, size_t size);

/* "2 of 64 cores, NUMA node 0 of 2", for people. Returns text. */
const char *rp_topo_summary(const struct rp_topo *topo, char *text,
			    size_t size);

/* The number of the NUMA node that a binding (a text as above) lies on, -1
 * where it covers several or can't be read. */
int rp_topo_numa_of(const struct rp_topo *topo, const char *binding);

/* The cores of this process's NUMA node that none of the `n` ranks of this
 * node is bound to. Returns their number, or -1 where a binding can't be
 * read, and puts the first `max` into cores[]. A rank that is bound to all
 * that is allowed may be on any core, and counts as using one: then the number
 * is of cores less ranks, 0 or more, `*named` is 0 and cores[] is untouched. */
int rp_topo_free_cores(const struct rp_topo *topo, const char *const bindings[],
		       int n, int cores[], int max, int *named);

/* The NUMA node that a PCI device is near to, as the kernel numbers it, by its bus
 * id ("0000:3B:00.0") and the folder `pci` of all of them, RP_TOPO_PCI. -1: not
 * known, or the machine has just one. Asking hwloc would start the libraries of
 * all devices. */
#define RP_TOPO_PCI "/sys/bus/pci/devices"
int rp_topo_numa_of_pci(const char *pci, const char *bus_id);

/* Has memory that was not touched yet come from that node; where it can't, from
 * any. -1 as the node does nothing. Returns 0, or -1. */
int rp_topo_place(const struct rp_topo *topo, void *memory, size_t size,
		  int node);

/* Binds the calling thread to a core of rp_topo_free_cores().
 * Errors: RALLY_EARG, RALLY_EIO; the thread then stays where it is. */
int rp_topo_bind_thread(const struct rp_topo *topo, int core,
			struct rp_err *err);

#endif
