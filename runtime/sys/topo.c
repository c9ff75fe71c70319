#include "sys/topo.h"

#include <ctype.h>
#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rp_topo {
	hwloc_topology_t hw;
	hwloc_bitmap_t bound;	       /* this process */
	hwloc_const_bitmap_t allowed;  /* the topology's */
};

static int load(struct rp_topo *topo, struct rp_err *err)
{
	if (hwloc_topology_init(&topo->hw) < 0)
		return rp_fail(err, RALLY_ENOMEM, "no memory for hwloc");
	/* No devices: their libraries (GPU, network) are slow to start. */
	hwloc_topology_set_io_types_filter(topo->hw,
					   HWLOC_TYPE_FILTER_KEEP_NONE);
	if (hwloc_topology_load(topo->hw) < 0)
		return rp_fail_errno(err, "hwloc_topology_load", "");
	topo->allowed = hwloc_topology_get_allowed_cpuset(topo->hw);
	topo->bound = hwloc_bitmap_alloc();
	if (!topo->bound)
		return rp_fail(err, RALLY_ENOMEM, "no memory for hwloc");
	/* MPI binds before main(), so the thread's binding is the rank's. A
	 * system that can't tell counts as not bound. */
	if (hwloc_get_cpubind(topo->hw, topo->bound, HWLOC_CPUBIND_THREAD) < 0)
		hwloc_bitmap_copy(topo->bound, topo->allowed);
	hwloc_bitmap_and(topo->bound, topo->bound, topo->allowed);
	if (hwloc_bitmap_iszero(topo->bound))
		hwloc_bitmap_copy(topo->bound, topo->allowed);
	return 0;
}

int rp_topo_open(struct rp_topo **out, struct rp_err *err)
{
	struct rp_topo *topo = calloc(1, sizeof(*topo));
	int rc;

	*out = NULL;
	if (!topo)
		return rp_fail(err, RALLY_ENOMEM, "no memory for hwloc");
	rc = load(topo, err);
	if (rc) {
		rp_topo_close(topo);
		return rc;
	}
	*out = topo;
	return 0;
}

void rp_topo_close(struct rp_topo *topo)
{
	if (!topo)
		return;
	hwloc_bitmap_free(topo->bound);
	if (topo->hw)
		hwloc_topology_destroy(topo->hw);
	free(topo);
}

static int cores_in(const struct rp_topo *topo, hwloc_const_bitmap_t set)
{
	int n = 0;

	for (hwloc_obj_t core = NULL;
	     (core = hwloc_get_next_obj_by_type(topo->hw, HWLOC_OBJ_CORE,
						core)) != NULL;)
		n += hwloc_bitmap_intersects(core->cpuset, set);
	/* a machine that does not show its cores: one each */
	if (!hwloc_get_nbobjs_by_type(topo->hw, HWLOC_OBJ_CORE))
		n = hwloc_bitmap_weight(set);
	return n;
}

static hwloc_obj_t numa_over(const struct rp_topo *topo,
			     hwloc_const_bitmap_t set)
{
	for (hwloc_obj_t node = NULL;
	     (node = hwloc_get_next_obj_by_type(topo->hw, HWLOC_OBJ_NUMANODE,
						node)) != NULL;)
		if (hwloc_bitmap_isincluded(set, node->cpuset))
			return node;
	return NULL;
}

int rp_topo_cores(const struct rp_topo *topo)
{
	return cores_in(topo, topo->allowed);
}

int rp_topo_numa_nodes(const struct rp_topo *topo)
{
	int n = 0;

	for (hwloc_obj_t node = NULL;
	     (node = hwloc_get_next_obj_by_type(topo->hw, HWLOC_OBJ_NUMANODE,
						node)) != NULL;)
		n += hwloc_bitmap_intersects(node->cpuset, topo->allowed);
	return n;
}

int rp_topo_is_bound(const struct rp_topo *topo)
{
	return !hwloc_bitmap_isequal(topo->bound, topo->allowed);
}

int rp_topo_binding_text(const struct rp_topo *topo, char *text, size_t size)
{
	int n = hwloc_bitmap_list_snprintf(text, size, topo->bound);

	return n >= 0 && (size_t)n < size ? 0 : -1;
}

const char *rp_topo_summary(const struct rp_topo *topo, char *text, size_t size)
{
	hwloc_obj_t node = numa_over(topo, topo->bound);
	int all = rp_topo_numa_nodes(topo);

	if (node)
		snprintf(text, size, "%d of %d cores, NUMA node %u of %d",
			 cores_in(topo, topo->bound), rp_topo_cores(topo),
			 node->logical_index, all);
	else
		snprintf(text, size, "%d of %d cores, on several of %d NUMA "
			 "nodes", cores_in(topo, topo->bound),
			 rp_topo_cores(topo), all);
	return text;
}

/* A binding as a set, the caller's to free; NULL where it can't be read. */
static hwloc_bitmap_t parse(const struct rp_topo *topo, const char *binding)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();

	if (set && hwloc_bitmap_list_sscanf(set, binding) == 0 &&
	    hwloc_bitmap_weight(set) >= 0 &&
	    hwloc_bitmap_intersects(set, topo->allowed))
		return set;
	hwloc_bitmap_free(set);
	return NULL;
}

int rp_topo_numa_of(const struct rp_topo *topo, const char *binding)
{
	hwloc_bitmap_t set = parse(topo, binding);
	hwloc_obj_t node = set ? numa_over(topo, set) : NULL;

	hwloc_bitmap_free(set);
	return node ? (int)node->logical_index : -1;
}

/* Takes every rank's cores out of `left`, and counts those that are bound to
 * nothing in particular. Returns that number, or -1. */
static int take_ranks(const struct rp_topo *topo, const char *const bindings[],
		      int n, hwloc_bitmap_t left)
{
	int loose = 0;

	for (int i = 0; i < n; i++) {
		hwloc_bitmap_t set = parse(topo, bindings[i]);

		if (!set)
			return -1;
		if (hwloc_bitmap_isincluded(topo->allowed, set))
			loose++;
		else
			hwloc_bitmap_andnot(left, left, set);
		hwloc_bitmap_free(set);
	}
	return loose;
}

/* The cores that lie in `left` with all the threads that are allowed. */
static int list_cores(const struct rp_topo *topo, hwloc_const_bitmap_t left,
		      int cores[], int max)
{
	hwloc_bitmap_t usable = hwloc_bitmap_alloc();
	int n = 0;

	for (hwloc_obj_t core = NULL;
	     usable && (core = hwloc_get_next_obj_by_type(
				topo->hw, HWLOC_OBJ_CORE, core)) != NULL;) {
		hwloc_bitmap_and(usable, core->cpuset, topo->allowed);
		if (hwloc_bitmap_iszero(usable) ||
		    !hwloc_bitmap_isincluded(usable, left))
			continue;
		if (n < max)
			cores[n] = (int)core->logical_index;
		n++;
	}
	hwloc_bitmap_free(usable);
	return n;
}

int rp_topo_free_cores(const struct rp_topo *topo, const char *const bindings[],
		       int n, int cores[], int max, int *named)
{
	hwloc_obj_t node = numa_over(topo, topo->bound);
	hwloc_bitmap_t left = hwloc_bitmap_dup(topo->allowed);
	int loose, found = -1;

	*named = 0;
	if (!left)
		return -1;
	loose = take_ranks(topo, bindings, n, left);
	if (loose > 0) {
		found = rp_topo_cores(topo) - n;
		if (found < 0)
			found = 0;
	} else if (loose == 0) {
		if (node)
			hwloc_bitmap_and(left, left, node->cpuset);
		found = list_cores(topo, left, cores, max);
		*named = 1;
	}
	hwloc_bitmap_free(left);
	return found;
}

int rp_topo_numa_of_pci(const char *pci, const char *bus_id)
{
	char path[300], id[32];
	size_t i;
	int node = -1;
	FILE *file;

	for (i = 0; i < sizeof(id) - 1 && bus_id[i]; i++)
		id[i] = (char)tolower((unsigned char)bus_id[i]);
	id[i] = '\0';
	snprintf(path, sizeof(path), "%s/%s/numa_node", pci, id);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%d", &node) != 1)
		node = -1;
	fclose(file);
	return node;
}

int rp_topo_place(const struct rp_topo *topo, void *memory, size_t size,
		  int node)
{
	hwloc_obj_t obj = node < 0 ? NULL
				   : hwloc_get_numanode_obj_by_os_index(
					     topo->hw, (unsigned int)node);

	if (!obj)
		return -1;
	return hwloc_set_area_membind(topo->hw, memory, size, obj->nodeset,
				      HWLOC_MEMBIND_BIND,
				      HWLOC_MEMBIND_BYNODESET) < 0 ? -1 : 0;
}

int rp_topo_bind_thread(const struct rp_topo *topo, int core,
			struct rp_err *err)
{
	hwloc_obj_t obj = core < 0 ? NULL
				   : hwloc_get_obj_by_type(topo->hw,
							   HWLOC_OBJ_CORE,
							   (unsigned int)core);

	if (!obj)
		return rp_fail(err, RALLY_EARG, "there is no core %d", core);
	if (hwloc_set_cpubind(topo->hw, obj->cpuset, HWLOC_CPUBIND_THREAD) < 0)
		return rp_fail_errno(err, "hwloc_set_cpubind", "of a thread");
	return 0;
}
