#include "sys/spawn.h"

#include "base/text.h"
#include "sys/child.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int rp_spawn(const char *const argv[], const char *const set[],
	     int64_t timeout_ms, struct rp_spawned *got, struct rp_err *err)
{
	struct rp_child *child;
	int rc = rp_child_start(argv, set, timeout_ms, &child, err);

	memset(got, 0, sizeof(*got));
	if (rc != 0)
		return rc;
	while (!rp_child_look(child))
		rp_child_pause(child);
	rp_child_end(child, got);
	return 0;
}

void rp_spawned_free(struct rp_spawned *got)
{
	free(got->out);
	free(got->err);
	memset(got, 0, sizeof(*got));
}

static int is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

int rp_spawn_finds(const char *name)
{
	const char *dir = getenv("PATH");
	int found = 0;

	if (strchr(name, '/'))
		return is_program(name);
	while (dir && *dir && !found) {
		size_t len = strcspn(dir, ":");
		char *path = rp_format("%.*s/%s", (int)len, len ? dir : ".",
				       name);

		found = path && is_program(path);
		free(path);
		dir += len + (dir[len] == ':');
	}
	return found;
}
