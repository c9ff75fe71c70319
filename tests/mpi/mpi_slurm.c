#include "mpi_slurm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char top[64];	/* the script's folder, on rank 0 */
static int may_requeue = 1;
const char *fs_poll_mpirun = "30s";

static const char script[] =
	"#!/bin/sh\n"
	"cd \"$(dirname \"$0\")\" || exit 99\n"
	"echo \"$*\" >> log\n"
	"[ -e slow ] && sleep 3\n"
	"[ -e tardy ] && sleep 1\n"
	"case \"$*\" in\n"
	"requeue*) [ -e refuses ] && {\n"
	"	echo 'Access/permission denied for job 12' >&2; exit 1; }\n"
	"	sed 's/JobState=RUNNING/JobState=PENDING/' job > job.new &&\n"
	"	mv job.new job;;\n"
	"'show config') [ ! -e config ] || cat config;;\n"
	"'show partition') [ ! -e partition ] || cat partition;;\n"
	"*steps*) [ ! -e steps ] || cat steps\n"
	"	echo 'StepId=12.batch UserId=0 State=RUNNING Name=x';;\n"
	"*) [ -e fails ] && { echo 'slurm_load_jobs error: Unable to contact "
	"slurm controller' >&2; exit 1; }; cat job;;\n"
	"esac\n";

void fs_put(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	if (!text) {
		assert_true(unlink(path) == 0 || errno == ENOENT);
		return;
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

int fs_asked(const char *what)
{
	char path[128], line[256];
	FILE *file;
	int n = 0;

	snprintf(path, sizeof(path), "%s/log", top);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		n += strncmp(line, what, strlen(what)) == 0;
	if (file)
		fclose(file);
	return n;
}

void fs_after(int seconds, const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "(sleep %d; rm -f '%s/%s') "
		 ">/dev/null 2>&1 &", seconds, top, name);
	assert_int_equal(system(command), 0);
}

void fs_may_requeue(int may)
{
	may_requeue = may;
}

void fs_record(int start, int preempt, int end)
{
	char text[1024], when[64] = "";
	int64_t now = (int64_t)time(NULL);

	if (preempt != 0)
		snprintf(when, sizeof(when), "   PreemptTime=%lld\n",
			 (long long)(now + preempt));
	snprintf(text, sizeof(text),
		 "JobId=12 JobName=x\n"
		 "   JobState=RUNNING Reason=None Dependency=(null)\n"
		 "   Requeue=%d Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0\n"
		 "   StartTime=%lld EndTime=%lld Deadline=N/A\n%s"
		 "   Command=x\n", may_requeue, (long long)(now + start),
		 (long long)(now + end), when);
	fs_put("job", text);
}

void fs_begin(int start, int preempt, int end)
{
	char path[256];

	if (mt_rank != 0)
		return;
	snprintf(top, sizeof(top), "/tmp/rallypoint-slurm-XXXXXX");
	assert_non_null(mkdtemp(top));
	fs_put("scontrol", script);
	snprintf(path, sizeof(path), "%s/scontrol", top);
	assert_int_equal(chmod(path, 0755), 0);
	snprintf(path, sizeof(path), "%s:%s", top, getenv("PATH"));
	setenv("PATH", path, 1);
	setenv("SLURM_JOB_ID", "12", 1);
	snprintf(path, sizeof(path), "%d", mt_size);
	setenv("SLURM_STEP_NUM_TASKS", path, 1);
	fs_record(start, preempt, end);
}

rally_t *fs_open(const char *dir, const char *poll, const char *margin)
{
	rally_t *rp;

	mt_option("RALLY_REQUEUE", "scontrol");
	mt_option("RALLY_POLL", poll);
	mt_option("RALLY_POLL_MPIRUN", fs_poll_mpirun);
	mt_option("RALLY_MARGIN", margin);
	rp = mt_open(dir);
	mt_option("RALLY_REQUEUE", "none");
	mt_option("RALLY_POLL", NULL);
	mt_option("RALLY_POLL_MPIRUN", NULL);
	mt_option("RALLY_MARGIN", NULL);
	return rp;
}

void fs_end(rally_t *rp)
{
	int rc = rally_close(rp);

	assert_true(rc == 0 || rc == RALLY_EUNFINISHED);
	if (mt_rank == 0) {
		const char *path = getenv("PATH");

		setenv("PATH", strchr(path, ':') + 1, 1);
		unsetenv("SLURM_JOB_ID");
		unsetenv("SLURM_STEP_NUM_TASKS");
		mt_remove(top);
	}
	mt_barrier();
}
