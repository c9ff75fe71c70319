/*
 * sys/memory.h - how much memory is left here
 */
#ifndef RP_SYS_MEMORY_H
#define RP_SYS_MEMORY_H

#include <stdint.h>

/* Bytes that the processes of this node, or of this one's cgroup where that has
 * less, can still get without swapping: what the kernel calls available, and under
 * each limit of the cgroup and those above it what is not used, file caches not
 * counted. UINT64_MAX where nothing tells. `root` is before /proc and /sys: "", but
 * for tests. */
uint64_t rp_memory_left(const char *root);

#endif
