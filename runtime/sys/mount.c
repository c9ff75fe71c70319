#include "sys/mount.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

static int is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0');
}

const char *rp_mount_doubt(const char *dir)
{
	const char *doubt = NULL;
	struct statfs fs;
	char *real;

	if (statfs(dir, &fs) == 0 &&
	    (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC))
		return "is in memory (tmpfs), and gone with the node";
	real = realpath(dir, NULL);
	if (real && (is_below(real, "/tmp") || is_below(real, "/var/tmp")))
		doubt = "is under a node's own /tmp, which other nodes do not "
			"see and a job's end may clear";
	free(real);
	return doubt;
}
