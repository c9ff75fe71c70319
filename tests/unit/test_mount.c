/* sys/mount: folders that go with their node. */
#include "sys/mount.h"

#include "unit.h"

static void test_doubts(void **state)
{
	const char *doubt;

	(void)state;
	if (access("/dev/shm", X_OK) == 0) {
		doubt = rp_mount_doubt("/dev/shm");
		assert_non_null(doubt);
		assert_non_null(strstr(doubt, "in memory"));
	}
	assert_non_null(rp_mount_doubt("/tmp"));
	assert_non_null(rp_mount_doubt("/var/../tmp/."));
	assert_null(rp_mount_doubt("/usr"));
	assert_null(rp_mount_doubt("/proc/self"));
	assert_null(rp_mount_doubt("/no/such/folder"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
