/* data/event: a line for each event, and whether one of them is a commit. */
#include "data/event.h"

#include "unit.h"

static void append(void **state, const char *event, json_t *fields)
{
	struct rp_err err = { 0 };

	assert_int_equal(rp_event_append(NULL, *state, event, "12", 3, fields, &err),
			 0);
}

static void test_lines(void **state)
{
	const char *when, *event, *job, *text;
	json_int_t restart, bytes;
	char *whole, *second;
	json_t *line;

	append(state, "opened", NULL);
	append(state, "odd", json_pack("{s:I,s:s}", "bytes",
				       (json_int_t)1 << 40, "text",
				       "two\nlines \"quoted\""));
	whole = get_text(at(state, RP_EVENT_FILE));
	second = strchr(whole, '\n') + 1;
	assert_int_equal(strchr(second, '\n')[1], '\0');
	line = json_loads(second, 0, NULL);
	assert_int_equal(json_unpack(line, "{s:s,s:s,s:s,s:I,s:I,s:s !}",
				     "time", &when, "event", &event, "job",
				     &job, "restart", &restart, "bytes",
				     &bytes, "text", &text), 0);
	assert_string_equal(event, "odd");
	assert_string_equal(job, "12");
	assert_int_equal(restart, 3);
	assert_true(bytes == (json_int_t)1 << 40);
	assert_int_equal(strlen(when), 20);
	json_decref(line);
	free(whole);
}

static void test_committed(void **state)
{
	struct rp_err err = { 0 };

	assert_int_equal(rp_event_committed(NULL, *state, &err), 0);
	append(state, "opened", NULL);
	/* only the event itself counts, not what a text says */
	append(state, "error", json_pack("{s:s}", "text",
					 "\"event\":\"committed\""));
	append(state, "committed_not", NULL);
	assert_int_equal(rp_event_committed(NULL, *state, &err), 0);
	append(state, RP_EVENT_COMMIT, NULL);
	append(state, "pruned", NULL);
	assert_int_equal(rp_event_committed(NULL, *state, &err), 1);
	assert_int_equal(err.code, 0);
}

/* A crash in the middle of a line, then a commit of the next start. */
static void test_a_torn_line(void **state)
{
	put_text(at(state, RP_EVENT_FILE), "{\"time\":\"2026-01-01T0");
	assert_int_equal(rp_event_committed(NULL, *state, NULL), 0);
	append(state, RP_EVENT_COMMIT, NULL);
	assert_int_equal(rp_event_committed(NULL, *state, NULL), 1);
}

/* A crash of the machine may leave NULs where the end of the file was; the
 * next commit stands on the same line. */
static void test_nuls_before_a_commit(void **state)
{
	static const char nuls[100];

	assert_int_equal(rp_write_file(NULL, at(state, RP_EVENT_FILE), nuls,
				       sizeof(nuls), NULL), 0);
	assert_int_equal(rp_event_committed(NULL, *state, NULL), 0);
	append(state, RP_EVENT_COMMIT, NULL);
	assert_int_equal(rp_event_committed(NULL, *state, NULL), 1);
}

/* Wherever it stands: the file is looked at in pieces. */
static void test_a_commit_at_any_offset(void **state)
{
	static const char commit[] = "\"event\":\"" RP_EVENT_COMMIT "\"";
	char text[4200];

	for (size_t i = 4000; i < sizeof(text) - sizeof(commit); i++) {
		memset(text, ' ', sizeof(text));
		memcpy(text + i, commit, sizeof(commit));
		put_text(at(state, RP_EVENT_FILE), text);
		assert_int_equal(rp_event_committed(NULL, *state, NULL), 1);
	}
}

static void test_unreadable(void **state)
{
	struct rp_err err = { 0 };

	assert_int_equal(symlink(RP_EVENT_FILE, at(state, RP_EVENT_FILE)), 0);
	assert_int_equal(rp_event_committed(NULL, *state, &err), -1);
	assert_fails(&err, RALLY_EIO, RP_EVENT_FILE);
	rp_err_clear(&err);
	assert_int_equal(unlink(at(state, RP_EVENT_FILE)), 0);
	assert_int_equal(mkdir(at(state, RP_EVENT_FILE), 0700), 0);
	assert_int_equal(rp_event_committed(NULL, *state, &err), -1);
	assert_fails(&err, RALLY_EIO, RP_EVENT_FILE);
	rp_err_clear(&err);
	assert_int_equal(rp_event_append(NULL, *state, "x", "", 0, json_object(),
					 &err), RALLY_EIO);
	assert_int_equal(rp_event_append(NULL, at(state, "absent"), "x", "", 0, NULL,
					 NULL), RALLY_EIO);
}

/* It does not grow for ever, and what was committed is not forgotten. */
static void test_turning_over(void **state)
{
	static char text[RP_EVENT_MAX];
	struct stat st;

	append(state, RP_EVENT_COMMIT, NULL);
	memset(text, 'x', sizeof(text) - 1);
	append(state, "long", json_pack("{s:s}", "text", text));
	assert_false(exists(at(state, RP_EVENT_FILE)));
	assert_int_equal(rp_event_committed(NULL, *state, NULL), 1);
	append(state, "opened", NULL);
	assert_int_equal(stat(at(state, RP_EVENT_FILE), &st), 0);
	assert_in_range(st.st_size, 10, 200);
	assert_int_equal(rp_event_committed(NULL, *state, NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_lines),
		scratch_test(test_committed),
		scratch_test(test_a_torn_line),
		scratch_test(test_nuls_before_a_commit),
		scratch_test(test_a_commit_at_any_offset),
		scratch_test(test_unreadable),
		scratch_test(test_turning_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
