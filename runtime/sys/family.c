#include "sys/family.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define PROC "/proc"

static int is_process(const struct dirent *entry)
{
	int64_t pid;

	return rp_parse_int(entry->d_name, 1, INT32_MAX, &pid) == 0;
}

static FILE *open_of(pid_t pid, const char *what)
{
	char path[48];

	snprintf(path, sizeof(path), PROC "/%d/%s", (int)pid, what);
	return fopen(path, "re");
}

/* "12 (name) S 1 ...": the name may hold anything, the last ')' ends it. The
 * start is the 22nd word. 0, or -1 for one that is gone or a zombie. */
static int read_stat(struct rp_relative *who)
{
	FILE *file = open_of(who->pid, "stat");
	char line[1024], state = 'X', *open, *close = NULL;
	int parent, n = 0;

	if (!file)
		return -1;
	if (fgets(line, sizeof(line), file))
		close = strrchr(line, ')');
	fclose(file);
	open = close ? memchr(line, '(', (size_t)(close - line)) : NULL;
	if (open)
		n = sscanf(close + 1, " %c %d %*s %*s %*s %*s %*s %*s %*s %*s "
			   "%*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64,
			   &state, &parent, &who->started);
	if (n != 3 || state == 'Z' || state == 'X')
		return -1;
	who->parent = parent;
	snprintf(who->name, sizeof(who->name), "%.*s", (int)(close - open - 1),
		 open + 1);
	return 0;
}

/* 0, or -1 for one that is gone. */
static int read_signals(struct rp_relative *who)
{
	FILE *file = open_of(who->pid, "status");
	char line[256];
	int found = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		found += sscanf(line, "SigBlk: %" SCNx64, &who->blocked) == 1 ||
			 sscanf(line, "SigCgt: %" SCNx64, &who->caught) == 1;
	fclose(file);
	return found == 2 ? 0 : -1;
}

static uint64_t ticks_since_boot(void)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * hz +
	       (uint64_t)ts.tv_nsec * hz / 1000000000;
}

/* Every process of the machine that can be seen. */
static int list_all(struct rp_family *all, struct rp_err *err)
{
	struct dirent **names;
	int n = scandir(PROC, &names, is_process, NULL);

	if (n < 0)
		return rp_fail_errno(err, "scandir", PROC);
	all->v = calloc((size_t)n + 1, sizeof(*all->v));
	for (int i = 0; i < n; i++) {
		if (all->v) {
			struct rp_relative *who = &all->v[all->n];

			who->pid = (pid_t)strtol(names[i]->d_name, NULL, 10);
			if (read_stat(who) == 0)
				all->n++;
		}
		free(names[i]);
	}
	free(names);
	return all->v ? 0 : rp_fail(err, RALLY_ENOMEM, "family: no memory");
}

/* Moves the descendants of `parent` from `all` to `family`, each before its
 * own. One that is moved is marked by its pid: a loop that was put together
 * from two moments must end. */
static void gather(struct rp_family *all, pid_t parent, size_t depth,
		   uint64_t now, struct rp_family *family)
{
	for (size_t i = 0; i < all->n; i++) {
		struct rp_relative *who = &all->v[i];
		pid_t pid = who->pid;
		uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);

		if (pid == 0 || who->parent != parent)
			continue;
		who->pid = 0;
		family->v[family->n] = *who;
		who = &family->v[family->n];
		who->pid = pid;
		who->depth = depth;
		who->age_ms = now > who->started ?
			(int64_t)((now - who->started) * 1000 / hz) : 0;
		if (read_signals(who) == 0)
			family->n++;
		gather(all, pid, depth + 1, now, family);
	}
}

int rp_family_list(pid_t ancestor, struct rp_family *family,
		   struct rp_err *err)
{
	struct rp_family all = { NULL, 0 };
	int rc = list_all(&all, err);

	memset(family, 0, sizeof(*family));
	if (rc == 0) {
		family->v = calloc(all.n + 1, sizeof(*family->v));
		if (!family->v)
			rc = rp_fail(err, RALLY_ENOMEM, "family: no memory");
	}
	if (rc == 0)
		gather(&all, ancestor, 1, ticks_since_boot(), family);
	free(all.v);
	return rc;
}

void rp_family_free(struct rp_family *family)
{
	free(family->v);
	memset(family, 0, sizeof(*family));
}

int rp_relative_hears(const struct rp_relative *relative, int number)
{
	return relative->caught >> (number - 1) & 1 &&
	       !rp_relative_blocks(relative, number);
}

int rp_relative_blocks(const struct rp_relative *relative, int number)
{
	return relative->blocked >> (number - 1) & 1;
}
