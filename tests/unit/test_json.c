/* data/json: what is one object, and how deep. */
#include "data/json.h"

#include "unit.h"

static const char *parse(const char *text, size_t size)
{
	static json_error_t why;
	json_t *root = rp_json_parse(text, size, &why);

	assert_true(!root || json_is_object(root));
	json_decref(root);
	return root ? "good" : why.text;
}

static void test_hostile(void **state)
{
	static const char *const bad[] = {
		"", " ", "{", "}", "]", "[]", "1", "null", "\"x\"", "{}{}",
		"{} x", "{\"a\":1,\"a\":1}", "{\"a\":{\"b\":1,\"b\":2}}",
		"{\"a\":\"\\u0000\"}", "{\"\\u0000\":1}", "{\"a\":\"\xff\"}",
		"{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\\ud800\"}", "{\"a\":9223372036854775808}",
		"{\"a\":1e999}", "{\"a\":NaN}", "{\"a\":01}", "{'a':1}",
		"{\"a\":1,}", "{\"a\":\"\n\"}", "{\"a\" 1}",
	};

	(void)state;
	assert_string_equal(parse("{}", 2), "good");
	assert_string_equal(parse(" {\"a\":{\"a\":1}} ", 15), "good");
	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *why = parse(bad[i], strlen(bad[i]));

		if (strcmp(why, "good") == 0 || !*why)
			print_error("'%s' for %s\n", why, bad[i]);
		assert_string_not_equal(why, "good");
		assert_string_not_equal(why, "");
	}
	assert_string_not_equal(parse("{}\0", 3), "good");
	assert_null(rp_json_parse("{", 1, NULL));
}

/* {"":{"":...}} */
static char *nest(int depth)
{
	char *text = malloc((size_t)depth * 5 + 1), *p = text;

	for (int i = 1; i < depth; i++)
		p = stpcpy(p, "{\"\":");
	p = stpcpy(p, "{}");
	for (int i = 1; i < depth; i++)
		p = stpcpy(p, "}");
	return text;
}

static void test_depth(void **state)
{
	char *most = nest(RP_JSON_DEPTH), *more = nest(RP_JSON_DEPTH + 1);
	char *far = nest(1000000);

	(void)state;
	assert_string_equal(parse(most, strlen(most)), "good");
	assert_non_null(strstr(parse(more, strlen(more)), "levels"));
	assert_non_null(strstr(parse(far, strlen(far)), "levels"));
	free(most);
	free(more);
	free(far);
}

/* Brackets that open no level. */
static void test_brackets_in_strings(void **state)
{
	char text[200] = "{\"\\\"", *p = text + strlen(text);

	(void)state;
	memset(p, '[', 100);
	strcpy(p + 100, "\\\\\":[1],\"b\":[[2]]}");
	assert_string_equal(parse(text, strlen(text)), "good");
}

/* One after the other is not one in the other. */
static void test_breadth(void **state)
{
	char *text = malloc(400004);

	(void)state;
	strcpy(text, "{\"\":[");
	for (int i = 0; i < 100000; i++)
		strcpy(text + 5 + 3 * i, "[],");
	strcpy(text + 5 + 300000, "0]}");
	assert_string_equal(parse(text, strlen(text)), "good");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_brackets_in_strings),
		cmocka_unit_test(test_breadth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
