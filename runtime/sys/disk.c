#include "sys/disk.h"

#include <linux/magic.h>
#include <stddef.h>
#include <sys/vfs.h>

enum rp_disk rp_disk_of(int fd)
{
	static const unsigned long servers[] = {
		NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC,
		SMB2_SUPER_MAGIC, FUSE_SUPER_MAGIC, V9FS_MAGIC, AFS_FS_MAGIC
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0 || fs.f_type == TMPFS_MAGIC ||
	    fs.f_type == RAMFS_MAGIC)
		return RP_DISK_MEMORY;
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		if ((unsigned long)fs.f_type == servers[i])
			return RP_DISK_SERVER;
	return RP_DISK_LOCAL;
}
