/* sys/memory: the least of what kernel and cgroups leave, of both generations. */
#include "sys/memory.h"

#include "unit.h"

static void put(void **state, const char *path, const char *text)
{
	char *whole = strdup(at(state, path));

	for (char *p = whole + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(whole, 0755);
		*p = '/';
	}
	put_text(whole, text);
	free(whole);
}

static uint64_t left(void **state)
{
	char *root = strdup(at(state, "."));
	uint64_t bytes = rp_memory_left(root);

	free(root);
	return bytes;
}

static void test_nothing_tells(void **state)
{
	assert_true(left(state) == UINT64_MAX);
}

static void test_kernel(void **state)
{
	put(state, "proc/meminfo", "MemTotal: 100 kB\nMemFree: 5 kB\n"
				   "MemAvailable:      30 kB\nBuffers: 1 kB\n");
	assert_int_equal(left(state), 30 * 1024);
}

/* A group above has the least; "max" is none; caches can be dropped. */
static void test_second_generation(void **state)
{
	put(state, "proc/meminfo", "MemAvailable: 1000 kB\n");
	put(state, "proc/self/cgroup", "0::/job_7/step_0\n");
	put(state, "sys/fs/cgroup/job_7/step_0/memory.max", "max\n");
	put(state, "sys/fs/cgroup/job_7/step_0/memory.current", "900000\n");
	assert_int_equal(left(state), 1000 * 1024);
	put(state, "sys/fs/cgroup/job_7/memory.max", "500000\n");
	put(state, "sys/fs/cgroup/job_7/memory.current", "400000\n");
	assert_int_equal(left(state), 100000);
	put(state, "sys/fs/cgroup/job_7/memory.stat",
	    "anon 1\nfile 99\ninactive_file 30000\nactive_file 20000\n");
	assert_int_equal(left(state), 150000);
	put(state, "sys/fs/cgroup/job_7/memory.current", "600000\n");
	assert_int_equal(left(state), 0);
}

/* Where the path is not there, the mount itself is this group's. */
static void test_first_generation(void **state)
{
	put(state, "proc/meminfo", "MemAvailable: 1000 kB\n");
	put(state, "proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/a/b\n"
				       "0::/\n");
	put(state, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9000\n");
	put(state, "sys/fs/cgroup/memory/memory.usage_in_bytes", "4000\n");
	assert_int_equal(left(state), 5000);
	put(state, "sys/fs/cgroup/memory/memory.stat",
	    "inactive_file 7\ntotal_inactive_file 1000\n");
	assert_int_equal(left(state), 6000);
	put(state, "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "700\n");
	put(state, "sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", "0\n");
	assert_int_equal(left(state), 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_nothing_tells),
		scratch_test(test_kernel),
		scratch_test(test_second_generation),
		scratch_test(test_first_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
