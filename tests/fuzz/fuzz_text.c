/*
 * fuzz_text - what people write: the first byte says what it is, the rest is
 * the text: 0 a duration or an integer, 1 an environment, 2 KEY=VALUE as of
 * rally_set()
 */
#include "base/options.h"
#include "base/text.h"
#include "fuzz.h"

static void numbers(const char *text)
{
	int64_t ns = -1, value = -1;
	char again[32];

	if (rp_parse_duration(text, &ns) == 0)
		FUZZ_CHECK(ns >= 0);
	else
		FUZZ_CHECK(ns == -1);
	if (rp_parse_int(text, -1000, INT64_MAX, &value) != 0) {
		FUZZ_CHECK(value == -1);
		return;
	}
	FUZZ_CHECK(value >= -1000);
	snprintf(again, sizeof(again), "%lld", (long long)value);
	FUZZ_CHECK(rp_parse_int(again, value, value, &ns) == 0 && ns == value);
}

static void check_options(const struct rp_options *o)
{
	char word[32];

	FUZZ_CHECK(o->every >= 0 && o->every_steps >= 0 && o->keep >= 1);
	FUZZ_CHECK(o->requeue_timeout >= 0 && o->grace >= 0);
	FUZZ_CHECK(o->stride >= 0 && o->stride_max >= 1);
	FUZZ_CHECK(o->stop_signals >= 0 && o->save_signals >= 0);
	FUZZ_CHECK(memchr(o->helper, '\0', sizeof(o->helper)));
	FUZZ_CHECK(!rp_option_choice("requeue", o->requeue, word, 32));
	FUZZ_CHECK(!rp_option_choice("lag", o->lag, word, 32));
	FUZZ_CHECK(!rp_option_choice("threads", o->threads, word, 32));
	FUZZ_CHECK(!rp_option_choice("words", o->words, word, 32));
	FUZZ_CHECK(!rp_option_choice("progress", o->progress, word, 32));
}

/* Lines are entries, at most eight of them. */
static void environment(char *text)
{
	char *entries[9] = { 0 };
	struct rp_options options;
	struct rp_err err = { 0 };
	char *rest = NULL;
	int rc;

	entries[0] = strtok_r(text, "\n", &rest);
	for (int i = 1; i < 8 && entries[i - 1]; i++)
		entries[i] = strtok_r(NULL, "\n", &rest);
	rp_options_init(&options);
	rc = rp_options_env(&options, entries, &err);
	FUZZ_CHECK(rc == 0 || (rc == RALLY_EOPTION && err.code == rc));
	check_options(&options);
}

static void option(char *text)
{
	char *value = strchr(text, '=');
	struct rp_options options, before;
	struct rp_err err = { 0 };

	if (!value)
		return;
	*value++ = '\0';
	rp_options_init(&options);
	before = options;
	if (rp_option_set(&options, text, value, &err) != 0) {
		FUZZ_CHECK(err.code == RALLY_EOPTION);
		FUZZ_CHECK(memcmp(&options, &before, sizeof(before)) == 0);
	}
	check_options(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	fuzz_begin(size, 0);
	if (data[0] % 3 == 0)
		numbers(text);
	else if (data[0] % 3 == 1)
		environment(text);
	else
		option(text);
	fuzz_end();
	free(text);
	return 0;
}
