/*
 * power.h - what a power cut leaves, by the journal of base/io_log.h
 *
 * A folder on a disk whose cache is lost: a file has the bytes of its last
 * fsync, a folder the names of its own last fsync. Nothing else is promised, so
 * `power_build` makes either just that, or, by chance, as much more as a disk may
 * have got to: any of the names that changed since, and any bytes in place of
 * those that were being written. Bytes that were being written over are of neither
 * time in any case.
 */
#ifndef TESTS_MPI_POWER_H
#define TESTS_MPI_POWER_H

#include <stddef.h>
#include <stdint.h>

struct power;

/* A folder as it lies there now, all of it durable. Aborts without memory. */
struct power *power_new(const char *dir);
void power_free(struct power *power);

/* Goes on by a line of the journal. 1 where it changed what may be on the disk,
 * 0 where it only looked. */
int power_follow(struct power *power, char *line);

/* The steps of the newest checkpoints whose final names are durable, and may be;
 * -1: none. The one of sequence `bad` does not count. */
void power_steps(const struct power *power, int64_t bad, int64_t *sure,
		 int64_t *possible);

/* Makes in the new folder `dir` what is left now. `chance` 0: nothing but what is
 * durable; else the seed of what more. Tells how many files of checkpoints, by
 * their final names, were being written: there may be none. */
int power_build(struct power *power, const char *dir, uint64_t chance);

#endif
