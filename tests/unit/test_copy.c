/* base/copy: all of it and nothing beside it, whatever the alignment. */
#include "base/copy.h"

#include "unit.h"

#define ROOM 6000
#define MARK 0xee

static void test_all_and_nothing_beside(void **state)
{
	static const size_t sizes[] = { 0, 1, 63, 64, 1023, 1024, 1025, 4095,
					4096, 4097, 5000 };
	unsigned char from[ROOM], to[ROOM];

	(void)state;
	for (size_t i = 0; i < ROOM; i++)
		from[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t askew = 0; askew < 130; askew++) {
			size_t source = askew * 3 % 67;

			memset(to, MARK, ROOM);
			rp_copy_past_cache(to + askew, from + source, sizes[i]);
			rp_copy_done();
			assert_memory_equal(to + askew, from + source,
					    sizes[i]);
			for (size_t k = 0; k < ROOM; k++)
				if (k < askew || k >= askew + sizes[i])
					assert_int_equal(to[k], MARK);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_and_nothing_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
