/* base/options: one table for the environment, rally_set() and the tool. */
#include "base/options.h"

#include <ctype.h>
#include <signal.h>

#include "unit.h"

#define BIT(number) ((int64_t)1 << ((number) - 1))
#define SECOND 1000000000ll

static void test_defaults(void **state)
{
	struct rp_options o;

	(void)state;
	memset(&o, 0xff, sizeof(o));
	rp_options_init(&o);
	assert_int_equal(o.every, 0);
	assert_int_equal(o.keep, 2);
	assert_int_equal(o.stop_signals, BIT(SIGTERM));
	assert_int_equal(o.save_signals, 0);
	assert_int_equal(o.requeue_timeout, 60 * SECOND);
	assert_int_equal(o.grace, 30 * SECOND);
	assert_int_equal(o.stride_max, 64);
	assert_int_equal(o.threads, RP_AUTO);
	assert_string_equal(o.helper, "");
	assert_int_equal(o.fixed, 0);
}

/* What people read is what is parsed: each default is a value of its kind. */
static void test_the_table(void **state)
{
	struct rp_options defaults, o;
	struct rp_option_doc doc, other;
	size_t n = 0;

	(void)state;
	rp_options_init(&defaults);
	o = defaults;
	for (; rp_option_doc(n, &doc) == 0; n++) {
		struct rp_err err = { 0 };

		for (const char *p = doc.key; *p; p++)
			assert_true(islower((unsigned char)*p) || *p == '_');
		assert_true(strlen(doc.doc) > 10 && strlen(doc.kind) > 3);
		assert_int_equal(rp_option_set(&o, doc.key, doc.value, &err),
				 0);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(rp_option_doc(i, &other), 0);
			assert_string_not_equal(other.key, doc.key);
		}
	}
	assert_true(n > 10 && n <= 64);	/* bits of `fixed` */
	assert_memory_equal(&o, &defaults, sizeof(o));
	assert_int_equal(rp_option_doc(n, &doc), -1);
	assert_int_equal(rp_option_doc(SIZE_MAX, &doc), -1);
}

static void test_set(void **state)
{
	struct rp_options o;

	(void)state;
	rp_options_init(&o);
	assert_int_equal(rp_option_set(&o, "every", "1h30m", NULL), 0);
	assert_int_equal(o.every, 5400 * SECOND);
	assert_int_equal(rp_option_set(&o, "every_steps", "100", NULL), 0);
	assert_int_equal(o.every_steps, 100);
	assert_int_equal(rp_option_set(&o, "stop_signals", "usr1,SIGTERM XCPU",
				       NULL), 0);
	assert_int_equal(o.stop_signals,
			 BIT(SIGUSR1) | BIT(SIGTERM) | BIT(SIGXCPU));
	assert_int_equal(rp_option_set(&o, "stop_signals", "", NULL), 0);
	assert_int_equal(o.stop_signals, 0);
	assert_int_equal(rp_option_set(&o, "lag", "1", NULL), 0);
	assert_int_equal(o.lag, 2);
	assert_int_equal(rp_option_set(&o, "requeue", "libslurm", NULL), 0);
	assert_int_equal(o.requeue, 3);
	assert_int_equal(rp_option_set(&o, "helper", "/x y", NULL), 0);
	assert_string_equal(o.helper, "/x y");
	assert_int_equal(rp_option_set(&o, "memory", "8m", NULL), 0);
	assert_int_equal(o.memory, 8 << 20);
}

static void test_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "every", "soon" },	   { "every", "-1" },
		{ "every", "" },	   { "keep", "0" },
		{ "keep", "2147483648" },  { "every_steps", "1.5" },
		{ "stride_max", "0" },	   { "stop_signals", "KILL" },
		{ "stop_signals", "9" },   { "stop_signals", "TER" },
		{ "memory", "64" },	   { "memory", "64q" },
		{ "lag", "2" },		   { "lag", "" },
		{ "lag", "auto|0" },	   { "threads", "Yes" },
		{ "requeue", "aut" },	   { "requeue", "slurm" },
	};
	struct rp_options o, before;
	char path[400];

	(void)state;
	rp_options_init(&o);
	before = o;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct rp_err err = { 0 };

		if (rp_option_set(&o, bad[i][0], bad[i][1], &err) == 0)
			print_error("%s=%s was taken\n", bad[i][0], bad[i][1]);
		assert_fails(&err, RALLY_EOPTION, bad[i][0]);
		assert_memory_equal(&o, &before, sizeof(o));
	}
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(rp_option_set(&o, "helper", path, NULL),
			 RALLY_EOPTION);
	assert_int_equal(rp_option_set(&o, "evry", "1", NULL), RALLY_EOPTION);
	assert_int_equal(rp_option_set(&o, "", "1", NULL), RALLY_EOPTION);
	assert_memory_equal(&o, &before, sizeof(o));
}

static void test_the_environment_wins(void **state)
{
	char *environment[] = { "PATH=/bin", "RALLY_KEEP=5",
				"RALLYPOINT=1", "RALLY_STOP_SIGNALS=USR2",
				"NOT_RALLY_X=1", NULL };
	struct rp_options o;
	struct rp_err err = { 0 };

	(void)state;
	rp_options_init(&o);
	assert_int_equal(rp_options_env(&o, environment, &err), 0);
	assert_int_equal(o.keep, 5);
	assert_int_equal(o.stop_signals, BIT(SIGUSR2));
	assert_int_equal(rp_option_set(&o, "keep", "9", &err), 0);
	assert_int_equal(o.keep, 5);
	assert_int_equal(rp_option_set(&o, "every", "9", &err), 0);
	assert_int_equal(o.every, 9 * SECOND);
}

static void test_a_wrong_environment(void **state)
{
	char *unknown[] = { "RALLY_KEPT=5", NULL };
	char *wrong[] = { "RALLY_KEEP=many", NULL };
	struct rp_options o;
	struct rp_err err = { 0 };

	(void)state;
	rp_options_init(&o);
	rp_options_env(&o, unknown, &err);
	assert_fails(&err, RALLY_EOPTION, "RALLY_KEPT");
	rp_err_clear(&err);
	rp_options_env(&o, wrong, &err);
	assert_fails(&err, RALLY_EOPTION, "RALLY_KEEP=many");
}

static void test_choices(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(rp_option_choice("requeue", 2, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "scontrol");
	assert_int_equal(rp_option_choice("lag", 0, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "auto");
	assert_int_equal(rp_option_choice("lag", 3, buf, sizeof(buf)), -1);
	assert_int_equal(rp_option_choice("keep", 0, buf, sizeof(buf)), -1);
	assert_int_equal(rp_option_choice("none", 0, buf, sizeof(buf)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_the_table),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_the_environment_wins),
		cmocka_unit_test(test_a_wrong_environment),
		cmocka_unit_test(test_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
