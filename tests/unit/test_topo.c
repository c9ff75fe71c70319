/* sys/topo, on machines that hwloc makes up. HWLOC_THISSYSTEM=1 lets the real
 * binding of this process count, which is to the first processor. */
#include "sys/topo.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct rp_topo *machine(const char *what, const char *real)
{
	struct rp_topo *topo;
	struct rp_err err = { 0 };

	setenv("HWLOC_SYNTHETIC", what, 1);
	setenv("HWLOC_THISSYSTEM", real, 1);
	assert_int_equal(rp_topo_open(&topo, &err), 0);
	return topo;
}

/* Binds this thread to processor 0, which the made-up machines have too; 0
 * where a sandbox does not let us. */
static int bind_to_first(cpu_set_t *old)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	return sched_getaffinity(0, sizeof(*old), old) == 0 &&
	       sched_setaffinity(0, sizeof(first), &first) == 0;
}

static void test_unbound(void **state)
{
	struct rp_topo *topo = machine("numa:2 core:4 pu:2", "0");
	char text[100];

	(void)state;
	assert_int_equal(rp_topo_cores(topo), 8);
	assert_int_equal(rp_topo_numa_nodes(topo), 2);
	assert_int_equal(rp_topo_is_bound(topo), 0);
	assert_int_equal(rp_topo_binding_text(topo, text, sizeof(text)), 0);
	assert_string_equal(text, "0-15");
	assert_int_equal(rp_topo_binding_text(topo, text, 4), -1);
	rp_topo_summary(topo, text, sizeof(text));
	assert_string_equal(text, "8 of 8 cores, on several of 2 NUMA nodes");
	rp_topo_close(topo);
}

static void test_numa_of(void **state)
{
	struct rp_topo *topo = machine("numa:2 core:4 pu:2", "0");

	(void)state;
	assert_int_equal(rp_topo_numa_of(topo, "0-7"), 0);
	assert_int_equal(rp_topo_numa_of(topo, "8"), 1);
	assert_int_equal(rp_topo_numa_of(topo, "15,9"), 1);
	assert_int_equal(rp_topo_numa_of(topo, "7-8"), -1);
	assert_int_equal(rp_topo_numa_of(topo, "99"), -1);
	assert_int_equal(rp_topo_numa_of(topo, ""), -1);
	assert_int_equal(rp_topo_numa_of(topo, "x"), -1);
	rp_topo_close(topo);
}

static void test_free_cores_over_all_domains(void **state)
{
	/* this process is unbound, so all domains are its own */
	struct rp_topo *topo = machine("numa:2 core:4 pu:2", "0");
	const char *const two[] = { "0-3", "8-9" };
	const char *const half[] = { "0", "2-3" };
	const char *const bad[] = { "0-3", "nonsense" };
	int cores[16], named, want[] = { 2, 3, 5, 6, 7 };

	(void)state;
	assert_int_equal(rp_topo_free_cores(topo, two, 2, cores, 16, &named),
			 5);
	assert_int_equal(named, 1);
	assert_memory_equal(cores, want, sizeof(want));
	/* one thread of core 0 is used: the core is not free */
	assert_int_equal(rp_topo_free_cores(topo, half, 2, cores, 16, &named),
			 6);
	assert_int_equal(cores[0], 2);
	/* more than fit are counted, not written */
	cores[2] = -7;
	assert_int_equal(rp_topo_free_cores(topo, two, 2, cores, 2, &named), 5);
	assert_int_equal(cores[2], -7);
	assert_int_equal(rp_topo_free_cores(topo, bad, 2, cores, 16, &named),
			 -1);
	rp_topo_close(topo);
}

static void test_loose_ranks_use_one_each(void **state)
{
	struct rp_topo *topo = machine("numa:2 core:4 pu:1", "0");
	const char *const loose[] = { "0-7", "0-7", "3" };
	const char *const many[] = { "0-7", "0-7", "0-7", "0-7", "0-7",
				     "0-7", "0-7", "0-7", "0-7" };
	int cores[1] = { -7 }, named = 1;

	(void)state;
	assert_int_equal(rp_topo_free_cores(topo, loose, 3, cores, 1, &named),
			 5);
	assert_int_equal(named, 0);
	assert_int_equal(cores[0], -7);
	assert_int_equal(rp_topo_free_cores(topo, many, 9, cores, 1, &named),
			 0);
	rp_topo_close(topo);
}

static void test_own_domain_only(void **state)
{
	const char *const ranks[] = { "0", "2", "5" };
	int cores[8], named, want[] = { 1, 3 };
	struct rp_topo *topo;
	char text[100];
	cpu_set_t old;

	(void)state;
	if (!bind_to_first(&old))
		skip();
	topo = machine("numa:2 core:4 pu:1", "1");
	assert_int_equal(rp_topo_is_bound(topo), 1);
	assert_int_equal(rp_topo_binding_text(topo, text, sizeof(text)), 0);
	assert_string_equal(text, "0");
	rp_topo_summary(topo, text, sizeof(text));
	assert_string_equal(text, "1 of 8 cores, NUMA node 0 of 2");
	assert_int_equal(rp_topo_free_cores(topo, ranks, 3, cores, 8, &named),
			 2);
	assert_memory_equal(cores, want, sizeof(want));
	rp_topo_close(topo);
	sched_setaffinity(0, sizeof(old), &old);
}

static void test_one_core_one_rank(void **state)
{
	struct rp_topo *topo = machine("numa:1 core:1 pu:1", "0");
	const char *const rank[] = { "0" };
	int cores[1], named;

	(void)state;
	assert_int_equal(rp_topo_free_cores(topo, rank, 1, cores, 1, &named),
			 0);
	rp_topo_close(topo);
}

static void test_bind_thread(void **state)
{
	struct rp_topo *topo;
	struct rp_err err = { 0 };
	cpu_set_t old, now;

	(void)state;
	if (!bind_to_first(&old))
		skip();
	sched_setaffinity(0, sizeof(old), &old);
	topo = machine("numa:1 core:2 pu:1", "1");
	assert_int_equal(rp_topo_bind_thread(topo, 2, &err), RALLY_EARG);
	rp_err_clear(&err);
	assert_int_equal(rp_topo_bind_thread(topo, -1, &err), RALLY_EARG);
	assert_int_equal(rp_topo_bind_thread(topo, 0, NULL), 0);
	sched_getaffinity(0, sizeof(now), &now);
	assert_int_equal(CPU_COUNT(&now), 1);
	assert_true(CPU_ISSET(0, &now));
	sched_setaffinity(0, sizeof(old), &old);
	rp_topo_close(topo);
	rp_topo_close(NULL);
}

/* By the kernel's folder; CUDA writes bus ids in capitals. */
static void test_pci(void **state)
{
	char dir[] = "/tmp/rally-pci-XXXXXX", path[64];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/0000:3b:00.0", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(rp_topo_numa_of_pci(dir, "0000:3B:00.0"), -1);
	strcat(path, "/numa_node");
	for (int node = -1; node < 2; node++) {
		file = fopen(path, "we");
		assert_non_null(file);
		fprintf(file, "%d\n", node);
		fclose(file);
		assert_int_equal(rp_topo_numa_of_pci(dir, "0000:3B:00.0"),
				 node);
	}
	assert_int_equal(rp_topo_numa_of_pci(dir, "0000:3C:00.0"), -1);
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* Memory goes where it is told to, unless there is no such place. */
static void test_place(void **state)
{
	struct rp_topo *topo = machine("numa:2 core:4 pu:2", "0");
	unsigned char *memory = aligned_alloc(4096, 8192);

	(void)state;
	assert_non_null(memory);
	assert_int_equal(rp_topo_place(topo, memory, 8192, 1), 0);
	assert_int_equal(rp_topo_place(topo, memory, 8192, -1), -1);
	assert_int_equal(rp_topo_place(topo, memory, 8192, 7), -1);
	memset(memory, 1, 8192);
	free(memory);
	rp_topo_close(topo);
}

static void test_the_real_machine(void **state)
{
	struct rp_topo *topo;
	struct rp_err err = { 0 };
	char text[4096];

	(void)state;
	unsetenv("HWLOC_SYNTHETIC");
	unsetenv("HWLOC_THISSYSTEM");
	assert_int_equal(rp_topo_open(&topo, &err), 0);
	assert_true(rp_topo_cores(topo) > 0);
	assert_int_equal(rp_topo_binding_text(topo, text, sizeof(text)), 0);
	assert_true(strlen(text) > 0);
	rp_topo_close(topo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unbound),
		cmocka_unit_test(test_numa_of),
		cmocka_unit_test(test_free_cores_over_all_domains),
		cmocka_unit_test(test_loose_ranks_use_one_each),
		cmocka_unit_test(test_own_domain_only),
		cmocka_unit_test(test_one_core_one_rank),
		cmocka_unit_test(test_bind_thread),
		cmocka_unit_test(test_pci),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_the_real_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
