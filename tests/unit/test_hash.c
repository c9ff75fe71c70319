/* base/hash: XXH3-128 of texts, of pieces, as hexadecimal. */
#include "base/hash.h"

#include "unit.h"

static void test_a_known_value(void **state)
{
	struct rp_hash hash = rp_hash_of("", 0);
	char hex[RP_HASH_HEX];

	(void)state;
	rp_hash_hex(&hash, hex);
	assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
	/* as XXH3_128bits() of xxhash 0.8 has it, high half first */
	hash = rp_hash_of("rallypoint", 10);
	rp_hash_hex(&hash, hex);
	assert_string_equal(hex, "0d738fec8602bb3b9544d465b5cc9786");
}

static void test_hexadecimal(void **state)
{
	static const char *const bad[] = {
		"", "0", "99aa06d3014798d86001c324468d497",
		"99aa06d3014798d86001c324468d497f0",
		"99AA06D3014798D86001C324468D497F",
		"99aa06d3014798d86001c324468d497g",
		" 9aa06d3014798d86001c324468d497f",
	};
	struct rp_hash hash = rp_hash_of("x", 1), back;
	char hex[RP_HASH_HEX];

	(void)state;
	rp_hash_hex(&hash, hex);
	assert_int_equal(strlen(hex), RP_HASH_HEX - 1);
	assert_int_equal(rp_hash_parse(hex, &back), 0);
	assert_memory_equal(&hash, &back, sizeof(hash));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(rp_hash_parse(bad[i], &back), -1);
}

static void test_pieces_are_the_whole(void **state)
{
	static const size_t sizes[] = { 1, 3, 16, 240, 241, 1000, 4096 };
	unsigned char data[10000];
	struct rp_hasher *hasher = rp_hasher_new();
	struct rp_hash whole, pieces;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * i >> 3);
	whole = rp_hash_of(data, sizeof(data));
	for (size_t k = 0; k < COUNT(sizes); k++) {
		rp_hasher_reset(hasher);
		for (size_t i = 0; i < sizeof(data); i += sizes[k])
			rp_hasher_update(hasher, data + i,
					 sizeof(data) - i < sizes[k]
						 ? sizeof(data) - i
						 : sizes[k]);
		pieces = rp_hasher_final(hasher);
		assert_memory_equal(&whole, &pieces, sizeof(whole));
	}
	data[5000] ^= 1;
	pieces = rp_hash_of(data, sizeof(data));
	assert_memory_not_equal(&whole, &pieces, sizeof(whole));
	rp_hasher_free(hasher);
	rp_hasher_free(NULL);
}

static void test_blocks(void **state)
{
	(void)state;
	assert_int_equal(rp_hash_blocks(0), 0);
	assert_int_equal(rp_hash_blocks(1), 1);
	assert_int_equal(rp_hash_blocks(RP_HASH_BLOCK), 1);
	assert_int_equal(rp_hash_blocks(RP_HASH_BLOCK + 1), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_known_value),
		cmocka_unit_test(test_hexadecimal),
		cmocka_unit_test(test_pieces_are_the_whole),
		cmocka_unit_test(test_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
