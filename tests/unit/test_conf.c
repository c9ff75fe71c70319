/* sys/conf: how the site is set up, from texts and without running Slurm. */
#include "sys/conf.h"

#include "unit.h"

#include "sys/spawn.h"

static const char config[] =
	"Configuration data as of 2031-01-02T03:04:05\n"
	"AuthInfo                = socket=/run/m.sock,cred_expire=7\n"
	"JobFileAppend           = 1\n"
	"JobRequeue              = 0\n"
	"KillWait                = 45 sec\n"
	"LaunchParameters        = use_interactive_step\n"
	"MpiDefault              = pmix_v4\n"
	"OverTimeLimit           = 2 min\n"
	"PreemptMode             = GANG,SUSPEND\n"
	"PreemptType             = preempt/qos\n"
	"ProctrackType           = proctrack/cgroup\n"
	"RequeueExit             = 3,81-82\n"
	"RequeueExitHold         = (null)\n"
	"SLURM_VERSION           = 23.11.4\n"
	"\n"
	"Cgroup Support Configuration:\n"
	"SignalChildrenProcesses = yes\n"
	"\n"
	"Slurmctld(primary) at head is UP\n";

static void test_config(void **state)
{
	struct rp_conf conf;

	(void)state;
	assert_int_equal(rp_conf_read_text(config, &conf), 0);
	assert_string_equal(conf.version, "23.11.4");
	assert_string_equal(conf.preempt_type, "preempt/qos");
	assert_string_equal(conf.preempt_mode, "GANG,SUSPEND");
	assert_string_equal(conf.proctrack, "proctrack/cgroup");
	assert_string_equal(conf.requeue_exit, "3,81-82");
	assert_string_equal(conf.requeue_exit_hold, "");
	assert_string_equal(conf.launch_params, "use_interactive_step");
	assert_string_equal(conf.mpi_default, "pmix_v4");
	assert_int_equal(conf.kill_wait, 45);
	assert_int_equal(conf.over_time_limit, 120);
	assert_int_equal(conf.cred_expire, 7);
	assert_int_equal(conf.job_requeue, 0);
	assert_int_equal(conf.file_append, 1);
	assert_int_equal(conf.signal_children, 1);
}

/* Of what is not there, or is no value, nothing is said. */
static void test_not_known(void **state)
{
	static const char *const others[] = {
		"", "\n\n", "KillWait", "slurm_load_ctl_conf error: no\n",
		"killwait = 5 sec\n", "XKillWait = 5 sec\n",
	};
	static const char *const odd[] = {
		"KillWait = soon\n", "KillWait = \n", "KillWait = -5 sec\n",
		"KillWait = 99999999999999999999\n", "KillWait=5sec\n",
	};
	struct rp_conf conf;

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_int_equal(rp_conf_read_text(others[i], &conf), -1);
		assert_int_equal(conf.kill_wait, -1);
		assert_int_equal(conf.job_requeue, -1);
		assert_int_equal(conf.signal_children, -1);
		assert_int_equal(conf.cred_expire, -1);
		assert_string_equal(conf.preempt_mode, "");
	}
	for (size_t i = 0; i < COUNT(odd); i++) {
		assert_int_equal(rp_conf_read_text(odd[i], &conf), 0);
		assert_int_equal(conf.kill_wait, -1);
	}
	assert_int_equal(rp_conf_read_text("AuthInfo = (null)\n", &conf), 0);
	assert_int_equal(conf.cred_expire, 120);
	assert_int_equal(rp_conf_read_text("OverTimeLimit = UNLIMITED", &conf),
			 0);
	assert_true(conf.over_time_limit == RP_TIME_UNLIMITED);
}

static const char parts_long[] =
	"PartitionName=a\n"
	"   AllowGroups=ALL Default=NO QoS=N/A\n"
	"   DefaultTime=NONE GraceTime=0 MaxTime=UNLIMITED\n"
	"   Nodes=n[1-2]\n"
	"   PriorityTier=1 OverTimeLimit=NONE PreemptMode=CANCEL\n"
	"   TotalNodes=2\n"
	"\n"
	"PartitionName=b\n"
	"   Default=YES DefaultTime=01:00:00 GraceTime=20 "
	"MaxTime=2-00:00:00\n"
	"   PriorityTier=10 OverTimeLimit=5 PreemptMode=REQUEUE\n";

static const char parts_short[] =
	"PartitionName=a Default=NO DefaultTime=NONE GraceTime=0 "
	"MaxTime=UNLIMITED Nodes=n[1-2] PriorityTier=1 OverTimeLimit=NONE "
	"PreemptMode=CANCEL TotalNodes=2\n"
	"PartitionName=b Default=YES DefaultTime=01:00:00 GraceTime=20 "
	"MaxTime=2-00:00:00 PriorityTier=10 OverTimeLimit=5 "
	"PreemptMode=REQUEUE\n";

static void check_partitions(const char *text)
{
	struct rp_partition part;

	assert_int_equal(rp_partition_read_text(text, "a", &part), 0);
	assert_string_equal(part.name, "a");
	assert_string_equal(part.preempt_mode, "CANCEL");
	assert_string_equal(part.nodes, "n[1-2]");
	assert_int_equal(part.grace_time, 0);
	assert_int_equal(part.priority_tier, 1);
	assert_int_equal(part.default_time, -1);
	assert_int_equal(part.over_time_limit, -1);
	assert_int_equal(part.total_nodes, 2);
	assert_int_equal(part.is_default, 0);
	assert_true(part.max_time == RP_TIME_UNLIMITED);

	assert_int_equal(rp_partition_read_text(text, NULL, &part), 0);
	assert_string_equal(part.name, "b");
	assert_int_equal(part.grace_time, 20);
	assert_int_equal(part.default_time, 3600);
	assert_int_equal(part.max_time, 2 * 86400);
	assert_int_equal(part.over_time_limit, 300);
	assert_int_equal(part.total_nodes, -1);
	assert_string_equal(part.nodes, "");

	assert_int_equal(rp_partition_read_text(text, "c", &part), -1);
	assert_string_equal(part.name, "");
	assert_int_equal(part.grace_time, -1);
}

static void test_partitions(void **state)
{
	struct rp_partition part;

	(void)state;
	check_partitions(parts_long);
	check_partitions(parts_short);
	assert_int_equal(rp_partition_read_text("", NULL, &part), -1);
	assert_int_equal(rp_partition_read_text("No partitions\n", "a", &part),
			 -1);
	assert_int_equal(rp_partition_read_text("PartitionName=a Default=NO\n",
						NULL, &part), -1);
}

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: no time */
	} rows[] = {
		{ "90", 5400 },		{ "90:30", 5430 },
		{ "1:30:00", 5400 },	{ "2-12", 216000 },
		{ "2-12:30", 217800 },	{ "1-00:00:01", 86401 },
		{ "0", 0 },		{ "UNLIMITED", RP_TIME_UNLIMITED },
		{ "infinite", RP_TIME_UNLIMITED },
		{ "", -1 },		{ "1:2:3:4", -1 },
		{ "-5", -1 },		{ "1-", -1 },
		{ "5m", -1 },		{ "NONE", -1 },
		{ "99999999999999", -1 }, { ":30", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t seconds = -1;
		int rc = rp_conf_time(rows[i].text, &seconds);

		if (rc != (rows[i].seconds < 0 ? -1 : 0) ||
		    seconds != rows[i].seconds)
			print_error("%s: %lld\n", rows[i].text,
				    (long long)seconds);
		assert_int_equal(rc, rows[i].seconds < 0 ? -1 : 0);
		assert_true(seconds == rows[i].seconds);
	}
}

static void test_lists(void **state)
{
	(void)state;
	assert_true(rp_conf_lists("81", 81));
	assert_true(rp_conf_lists("1-5,81", 3));
	assert_true(rp_conf_lists("1-5, 81", 81));
	assert_false(rp_conf_lists("1-5,81", 6));
	assert_false(rp_conf_lists("", 0));
	assert_false(rp_conf_lists("-,x,8-", 8));
}

/* The helper's JSON goes through the same table. */
static enum rp_answer hear(const char *json, const char *name,
			   struct rp_conf *conf, struct rp_partition *part)
{
	struct rp_sched s = { .ops = &rp_sched_libslurm };
	struct rp_spawned got = { .reaped = 1, .err = (char *)"" };
	char *text = strdup(json);
	enum rp_answer answer;

	assert_non_null(text);
	got.out = text;
	got.out_len = strlen(text);
	answer = conf ? s.ops->hear_conf(&s, &got, conf)
		      : s.ops->hear_partition(&s, &got, name, part);
	free(text);
	return answer;
}

static void test_helper(void **state)
{
	static const char list[] =
		"{\"ok\":true,\"partitions\":["
		"{\"PartitionName\":\"a\",\"Default\":\"NO\"},"
		"{\"PartitionName\":\"b\",\"Default\":\"YES\","
		"\"GraceTime\":\"20\",\"MaxTime\":\"90\"}]}";
	struct rp_conf conf;
	struct rp_partition part;

	(void)state;
	assert_int_equal(hear("{\"ok\":true,\"config\":{\"KillWait\":\"9 sec\","
			      "\"Odd\":1}}", NULL, &conf, NULL), RP_DONE);
	assert_int_equal(conf.kill_wait, 9);
	assert_int_equal(hear("{\"ok\":true}", NULL, &conf, NULL), RP_FAILED);
	assert_int_equal(hear("{\"ok\":false,\"error\":\"UNREACHABLE\","
			      "\"text\":\"away\"}", NULL, &conf, NULL),
			 RP_UNREACHABLE);
	assert_int_equal(hear(list, NULL, NULL, &part), RP_DONE);
	assert_string_equal(part.name, "b");
	assert_int_equal(part.grace_time, 20);
	assert_int_equal(part.max_time, 5400);
	assert_int_equal(hear(list, "a", NULL, &part), RP_DONE);
	assert_int_equal(hear(list, "c", NULL, &part), RP_FAILED);
	assert_int_equal(hear("{\"ok\":true}", "a", NULL, &part), RP_FAILED);
}

/* What is no name is not given to a command, which would take it for more. */
static void test_names(void **state)
{
	static const char *const names[] = { "", "-h", "a b", "a;b", "a\nb" };
	struct rp_partition part;
	struct rp_sched s;
	struct rp_err err = { 0 };

	(void)state;
	assert_int_equal(rp_sched_open(&s, "none", NULL, 1000, &err), 0);
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(rp_sched_partition(&s, names[i], &part),
				 RP_FAILED);
	assert_int_equal(rp_sched_partition(&s, "low", &part), RP_NO_BACKEND);
	rp_sched_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_not_known),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_helper),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
