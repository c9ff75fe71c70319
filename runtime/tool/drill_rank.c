/*
 * tool/drill_rank.c - one rank's process, on the node where this runs
 *
 * Slurm signals whole steps only. A rank is known by its environment: Open MPI's
 * mpirun numbers it, or srun does. Wrappers and agents share that number; so of
 * these only processes that catch the signal get it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "sys/family.h"
#include "tool/drill.h"

#define ENVIRON_MAX (4 << 20)

/* The value of `name` in a block of strings, or NULL. */
static const char *value_in(const char *block, size_t size, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = block; p < block + size; p += strlen(p) + 1)
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			return p + n + 1;
	return NULL;
}

static int is_equal(const char *value, const char *text)
{
	return value && strcmp(value, text) == 0;
}

/* "12_3" is task 3 of the array 12. */
static int is_of_job(const char *block, size_t size, const char *id)
{
	const char *array = value_in(block, size, "SLURM_ARRAY_JOB_ID");
	const char *task = value_in(block, size, "SLURM_ARRAY_TASK_ID");
	char whole[2 * RP_JOB_ID];

	snprintf(whole, sizeof(whole), "%.31s_%.31s", array ? array : "",
		 task ? task : "");
	return is_equal(value_in(block, size, "SLURM_JOB_ID"), id) ||
	       strcmp(whole, id) == 0;
}

/* Two clusters may share a machine, and number their jobs alike. */
static int is_of_cluster(const char *block, size_t size)
{
	static const char *const names[] = { "SLURM_CLUSTER_NAME",
					     "SLURM_CONF" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *mine = getenv(names[i]);
		const char *its = value_in(block, size, names[i]);

		if (mine && its && strcmp(mine, its) != 0)
			return 0;
	}
	return 1;
}

/* Read as text without an end: NULs are its borders. */
static int is_rank(pid_t pid, const char *id, const char *rank)
{
	char path[40], *block;
	const char *number;
	size_t size;
	FILE *file;
	int found;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	file = fopen(path, "re");
	block = file ? malloc(ENVIRON_MAX + 1) : NULL;
	size = block ? fread(block, 1, ENVIRON_MAX, file) : 0;
	if (file)
		fclose(file);
	if (!block)
		return 0;
	block[size] = '\0';
	number = value_in(block, size, "OMPI_COMM_WORLD_RANK");
	if (!number)
		number = value_in(block, size, "SLURM_PROCID");
	found = is_equal(number, rank) && is_of_job(block, size, id) &&
		is_of_cluster(block, size);
	free(block);
	return found;
}

int rp_drill_signal_rank(const char *id, int64_t rank, int number)
{
	struct rp_family family;
	char text[24];
	int told = 0;

	snprintf(text, sizeof(text), "%lld", (long long)rank);
	if (rp_family_list(0, &family, NULL) != 0)
		return 0;
	for (size_t i = 0; i < family.n; i++) {
		const struct rp_relative *who = &family.v[i];

		/* The shim hands it on to its rank, which gets it here. */
		if (who->pid == getpid() || !rp_relative_hears(who, number) ||
		    strcmp(who->name, "rallypoint") == 0 ||
		    strcmp(who->name, "srun") == 0)
			continue;
		if (is_rank(who->pid, id, text) && kill(who->pid, number) == 0)
			told++;
	}
	rp_family_free(&family);
	return told;
}
