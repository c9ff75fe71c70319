#include "sys/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* The two generations of cgroups: where they are mounted, and what they call the
 * same things. */
struct kind {
	const char *mount, *limit, *used;
	const char *caches[2];		/* of memory.stat: what can be dropped */
};

static const struct kind second = {
	"/sys/fs/cgroup", "memory.max", "memory.current",
	{ "inactive_file ", "active_file " },
};
static const struct kind first = {
	"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
	"memory.usage_in_bytes",
	{ "total_inactive_file ", "total_active_file " },
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The number behind a word that begins a line ("": the file's first word). 0, or
 * -1. Takes the path. */
static int number_in(char *path, const char *word, uint64_t *number)
{
	FILE *file = path ? fopen(path, "re") : NULL;
	size_t length = strlen(word);
	char line[256];
	int rc = -1;

	while (file && rc != 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, word, length) == 0)
			rc = sscanf(line + length, "%" SCNu64, number) == 1
				     ? 0 : -1;
	if (file)
		fclose(file);
	free(path);
	return rc;
}

static char *path_of(const char *root, const struct kind *kind,
		     const char *group, const char *name)
{
	return rp_format("%s%s%s/%s", root, kind->mount, group, name);
}

/* What one cgroup leaves. */
static uint64_t left_in(const char *root, const struct kind *kind,
			const char *group)
{
	uint64_t limit, used, caches = 0;

	if (number_in(path_of(root, kind, group, kind->limit), "", &limit) ||
	    number_in(path_of(root, kind, group, kind->used), "", &used))
		return UINT64_MAX;
	for (int i = 0; i < 2; i++) {
		uint64_t bytes = 0;

		if (number_in(path_of(root, kind, group, "memory.stat"),
			      kind->caches[i], &bytes) == 0)
			caches += bytes;
	}
	used -= least(used, caches);
	return limit - least(limit, used);
}

/* In a group and all above it. */
static uint64_t left_above(const char *root, const struct kind *kind,
			   char *group)
{
	uint64_t left = UINT64_MAX;
	char *slash;

	do {
		slash = strrchr(group, '/');
		if (slash && slash[1] == '\0')
			*slash = '\0';
		left = least(left, left_in(root, kind, group));
		slash = strrchr(group, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
	return left;
}

/* "0::/user.slice" or "4:memory:/job_7". */
static uint64_t left_by_line(const char *root, char *line)
{
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!group)
		return UINT64_MAX;
	line[strcspn(line, "\n")] = '\0';
	*group++ = '\0';
	if (strcmp(controllers, ":") == 0)
		return left_above(root, &second, group);
	return strstr(controllers, "memory") ? left_above(root, &first, group)
					     : UINT64_MAX;
}

uint64_t rp_memory_left(const char *root)
{
	char *path = rp_format("%s/proc/self/cgroup", root), line[4096];
	FILE *file = path ? fopen(path, "re") : NULL;
	uint64_t left = UINT64_MAX, available;

	while (file && fgets(line, sizeof(line), file))
		left = least(left, left_by_line(root, line));
	if (file)
		fclose(file);
	free(path);
	if (number_in(rp_format("%s/proc/meminfo", root), "MemAvailable:",
		      &available) == 0)
		left = least(left, available * 1024);
	return left;
}
