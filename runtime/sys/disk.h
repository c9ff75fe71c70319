/*
 * sys/disk.h - what stands behind a file: memory, a disk, a server
 *
 * O_DIRECT is for disks, and for parallel file systems on a network (Lustre, GPFS),
 * which are like disks. File systems in memory have nothing behind the page cache.
 * Other servers' may take the flag and then do one request at a time, or none.
 */
#ifndef RP_SYS_DISK_H
#define RP_SYS_DISK_H

#define RP_DISK_ALIGN 4096u	/* of memory, offset and size for O_DIRECT */

enum rp_disk { RP_DISK_LOCAL, RP_DISK_SERVER, RP_DISK_MEMORY };

/* Of an open file. What can't be told is MEMORY: nothing special is tried. */
enum rp_disk rp_disk_of(int fd);

#endif
