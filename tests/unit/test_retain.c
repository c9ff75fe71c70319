/* sys/retain: the newest, the first of so many steps and the pinned ones stay,
 * whatever is in doubt; a pin that comes in time is honoured. */
#include "sys/retain.h"

#include "data/manifest.h"
#include "sys/folder.h"
#include "unit.h"

#define MANY 32

/* Checkpoints as "sequence:step", newest first; what becomes of each as letters: g
 * goes, b goes since it is bad, s stays, e stays by `every`, p is pinned. `before`
 * has a p for those that are. */
static void rule(const char *text, const struct rp_retention *retention,
		 const char *before, const char *after)
{
	static const char letters[] = { 'g', 'b', 's', 'e', 'p' };
	struct rp_ckpt v[MANY];
	struct rp_folder folder = { v, 0, 0, 0, -1 };
	enum rp_stay stays[MANY];
	char found[MANY + 1] = "";
	int n = 0;

	for (long long sequence, step;
	     sscanf(text, " %lld:%lld%n", &sequence, &step, &n) == 2; text += n) {
		v[folder.n].sequence = sequence;
		v[folder.n].step = step;
		stays[folder.n] = before[folder.n] == 'p' ? RP_STAYS_PINNED
							  : RP_GOES;
		folder.n++;
	}
	assert_int_equal(folder.n, strlen(after));
	assert_int_equal(folder.n, strlen(before));
	for (int again = 0; again < 2; again++) {
		rp_retain_among(&folder, retention, stays);
		for (size_t i = 0; i < folder.n; i++)
			found[i] = letters[stays[i]];
		assert_string_equal(found, after);
	}
}

static void test_newest(void **state)
{
	struct rp_retention r = { .keep = 2 };

	(void)state;
	rule("", &r, "", "");
	rule("3:9", &r, ".", "s");
	/* by sequence, not by step */
	rule("9:1 8:5 7:3 2:2", &r, "....", "ssgg");
	r.from = 8;
	r.keep = 1;
	rule("9:1 8:5 7:3 2:2", &r, "....", "sgss");
}

static void test_doubts(void **state)
{
	static const struct rp_doubt doubts[] = { { 9, 1 }, { 8, 0 }, { 1, 1 } };
	struct rp_retention r = { .keep = 2, .doubts = doubts, .n_doubts = 3 };

	(void)state;
	rule("9:9 8:8 7:7 6:6 5:5 1:1", &r, "......", "bsssgb");
	r.from = 2;
	rule("9:9 8:8 7:7 6:6 5:5 1:1", &r, "......", "bsssgs");
}

static void test_pinned(void **state)
{
	static const struct rp_doubt bad = { 6, 1 };
	struct rp_retention r = { .keep = 2, .doubts = &bad, .n_doubts = 1 };

	(void)state;
	/* they count for nothing, and stay even where they are damaged */
	rule("9:9 8:8 7:7 6:6 5:5", &r, "p..pp", "psspp");
	rule("9:9 8:8 7:7 6:6 5:5", &r, "ppp..", "pppbs");
}

static void test_every(void **state)
{
	static const struct rp_doubt bad = { 3, 1 };
	struct rp_retention r = { .keep = 1, .every = 100 };

	(void)state;
	/* the first from 100 on, from 200 on; none below, none of later ones */
	rule("9:310 8:300 7:299 6:250 5:201 4:120 3:110 2:99 1:0", &r,
	     ".........", "seggegegg");
	/* a pinned one that is the first is the one */
	rule("9:310 8:150 7:110", &r, "..p", "sgp");
	/* the newest is so for its own sake */
	rule("9:300 8:99", &r, "..", "sg");
	/* one that is damaged is none */
	r.doubts = &bad;
	r.n_doubts = 1;
	rule("5:210 4:120 3:110 2:90", &r, "....", "sebg");
	/* nor is another run's */
	r.from = 4;
	rule("6:210 5:130 4:120 2:101", &r, "....", "sges");
	/* after a fall-back the steps come again */
	r.from = 0;
	rule("7:210 6:105 5:120 4:110 2:100", &r, ".....", "sggge");
	rule("2:-150 1:-250", &r, "..", "sg");
}

static void test_pins(void **state)
{
	struct rp_err err = { 0 };

	assert_int_equal(mkdir(at(state, "0001-step-1"), 0700), 0);
	assert_int_equal(rp_pin_look(NULL, at(state, "0001-step-1"), NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rp_pin_set(NULL, at(state, "0001-step-1"),
					    "why\n", NULL), 0);
	assert_int_equal(rp_pin_look(NULL, at(state, "0001-step-1"), NULL), 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rp_pin_clear(NULL, at(state, "0001-step-1"),
					      NULL), 0);
	assert_int_equal(rp_pin_look(NULL, at(state, "0001-step-1"), NULL), 0);
	assert_int_equal(rp_pin_set(NULL, at(state, "absent"), "why\n", &err),
			 RALLY_EABSENT);
	assert_fails(&err, RALLY_EABSENT, "absent was pruned before");
}

/* Each call fails: either it is pinned, or that is an error; none lasts two seconds
 * as for a folder of another node's. */
static void test_pin_fails(void **state)
{
	int errors = 0;

	for (int n = 1; n < 16; n++) {
		struct rp_err err = { 0 };
		struct rp_io io;
		char spec[40];
		int rc;

		assert_int_equal(mkdir(at(state, "0001-step-1"), 0700), 0);
		snprintf(spec, sizeof(spec), "at=%d,do=EIO", n);
		assert_int_equal(rp_io_begin(&io, spec, "", 0, NULL), 0);
		rc = rp_pin_set(&io, at(state, "0001-step-1"), "why\n", &err);
		assert_int_equal(rc, err.code);
		assert_true(rc || exists(at(state, "0001-step-1/pin")));
		errors += rc != 0;
		assert_int_equal(rp_remove_tree(NULL, at(state, "0001-step-1"),
						NULL), 0);
	}
	assert_in_range(errors, 6, 9);
}

static void make(void **state, const char *name)
{
	char path[100];

	assert_int_equal(mkdir(at(state, name), 0700), 0);
	snprintf(path, sizeof(path), "%s/file", name);
	put_text(at(state, path), "x");
}

static void test_prune(void **state)
{
	struct rp_retention r = { .keep = 1, .every = 10 };
	size_t pruned;
	char *why;

	make(state, "0001-step-5");
	make(state, "0002-step-11");
	make(state, "0003-step-12");
	make(state, "0004-step-13");
	make(state, "0005-step-14");
	put_text(at(state, "0003-step-12/pin"), "by hand\n");
	assert_int_equal(rp_folder_prune(NULL, *state, &r, NULL, &pruned, NULL),
			 0);
	assert_int_equal(pruned, 2);
	assert_false(exists(at(state, "0001-step-5")));
	assert_false(exists(at(state, "0004-step-13")));
	why = get_text(at(state, "0002-step-11/pin"));
	assert_string_equal(why, "by option keep_every\n");
	free(why);
	/* for good: also without the option */
	r.every = 0;
	make(state, "0006-step-15");
	assert_int_equal(rp_folder_prune(NULL, *state, &r, NULL, &pruned, NULL),
			 0);
	assert_int_equal(pruned, 1);
	assert_true(exists(at(state, "0002-step-11/file")));
	assert_true(exists(at(state, "0003-step-12/file")));
	assert_true(exists(at(state, "0006-step-15/file")));
}

/* Which call of a prune looks first for the pin of the second newest. */
static int pin_call(void **state, const struct rp_retention *r)
{
	struct rp_io io;
	char *text, *line;
	size_t pruned;
	int call = 0, looks = 0;

	assert_int_equal(rp_io_begin(&io, "", at(state, "log"), 0, NULL), 0);
	assert_int_equal(rp_folder_prune(&io, *state, r, NULL, &pruned, NULL),
			 0);
	rp_io_end(&io);
	assert_int_equal(pruned, 1);
	text = get_text(at(state, "log"));
	for (line = strtok(text, "\n"); line && !call; line = strtok(NULL, "\n"))
		if (strstr(line, "\tstat\t") && strstr(line, "\tpin\t") &&
		    ++looks == 2)
			call = atoi(strchr(line, '\t'));
	free(text);
	assert_true(call > 0);
	return call;
}

/* A pin that comes between the look and the rename: the checkpoint comes back. */
static void test_late_pin(void **state)
{
	struct rp_retention r = { .keep = 1 };
	struct rp_err err = { 0 };
	char spec[40];
	struct rp_io io;
	size_t pruned;
	int call;

	make(state, "0001-step-1");
	make(state, "0002-step-2");
	call = pin_call(state, &r);
	make(state, "0001-step-1");
	put_text(at(state, "0001-step-1/pin"), "by hand\n");
	snprintf(spec, sizeof(spec), "at=%d,do=ENOENT", call);
	assert_int_equal(rp_io_begin(&io, spec, "", 0, NULL), 0);
	assert_int_equal(rp_folder_prune(&io, *state, &r, NULL, &pruned, NULL),
			 0);
	assert_int_equal(pruned, 0);
	assert_true(exists(at(state, "0001-step-1/file")));
	assert_true(exists(at(state, "0002-step-2/file")));
	assert_false(exists(at(state, ".trash-0001")));
	/* one that can't be told stays, and that is said */
	snprintf(spec, sizeof(spec), "at=%d,do=EIO", call);
	assert_int_equal(unlink(at(state, "0001-step-1/pin")), 0);
	assert_int_equal(rp_io_begin(&io, spec, "", 0, NULL), 0);
	assert_int_equal(rp_folder_prune(&io, *state, &r, NULL, &pruned, &err),
			 RALLY_EIO);
	assert_fails(&err, RALLY_EIO, "0001-step-1/pin");
	assert_int_equal(pruned, 0);
	assert_true(exists(at(state, "0001-step-1/file")));
}

static void put_manifest(void **state, const char *name)
{
	struct rp_manifest m = { .sequence = 1, .step = 10, .ranks = 1 };
	char text_of[] = "test", path[100], *text;
	struct rp_regions none = { 0 };
	struct rp_piece piece;
	struct rp_err err = { 0 };
	size_t size;

	assert_int_equal(rp_piece_init(&piece, &none, 0, NULL), 0);
	m.cause = m.job = m.version = text_of;
	m.meta = json_object();
	m.pieces = &piece;
	text = rp_manifest_encode(&m, &size, &err);
	assert_non_null(text);
	snprintf(path, sizeof(path), "%s/manifest.json", name);
	assert_int_equal(rp_write_file(NULL, at(state, path), text, size, NULL),
			 0);
	free(text);
	json_decref(m.meta);
	rp_piece_free(&piece);
}

/* A crash came after such a pin, before the checkpoint was back: the next start
 * brings it back, and leaves alone what it can't tell the name of. */
static void test_late_pin_and_crash(void **state)
{
	static const char *const hidden[] = { ".trash-0001", ".pool-0001" };
	struct rp_err err = { 0 };
	char path[100];

	for (size_t i = 0; i < COUNT(hidden); i++) {
		struct rp_pool pool = { NULL, 0 };

		make(state, hidden[i]);
		put_manifest(state, hidden[i]);
		snprintf(path, sizeof(path), "%s/pin", hidden[i]);
		put_text(at(state, path), "by hand\n");
		assert_int_equal(rp_folder_sweep(NULL, *state, &pool, NULL), 0);
		assert_null(pool.path);
		assert_false(exists(at(state, hidden[i])));
		assert_true(exists(at(state, "0001-step-10/pin")));
		assert_true(exists(at(state, "0001-step-10/file")));
		assert_int_equal(rp_remove_tree(NULL, at(state, "0001-step-10"),
						NULL), 0);
	}
	make(state, ".trash-0001");
	put_text(at(state, ".trash-0001/pin"), "by hand\n");
	put_text(at(state, ".trash-0002"), "no folder");
	assert_int_equal(rp_folder_sweep(NULL, *state, NULL, &err), RALLY_EIO);
	assert_fails(&err, RALLY_EIO, ".trash-0001/manifest.json");
	assert_true(exists(at(state, ".trash-0001/file")));
	assert_false(exists(at(state, ".trash-0002")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_every),
		scratch_test(test_pins),
		scratch_test(test_pin_fails),
		scratch_test(test_prune),
		scratch_test(test_late_pin),
		scratch_test(test_late_pin_and_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
