/*
 * sys/mount.h - where a folder lies, and whether checkpoints are safe there
 */
#ifndef RP_SYS_MOUNT_H
#define RP_SYS_MOUNT_H

/* Why checkpoints in dir would be lost with the node, as the rest of a sentence
 * that begins with the folder's name ("is in memory (tmpfs)"); NULL where nothing
 * speaks against it. Static. */
const char *rp_mount_doubt(const char *dir);

#endif
