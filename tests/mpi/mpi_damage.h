/*
 * mpi_damage.h - a folder of three checkpoints that is damaged and mended again
 *
 *     md_make();
 *     md_begin("removed", MD_SHARD, 0);
 *     if (mt_rank == 0)
 *             md_take(md_path(0, MD_SHARD, 0));
 *     md_expect(2, 1, md_name(MD_SHARD, 0));
 *     md_mend();
 *
 * Each holds a private region, a private file of each rank and a shared file.
 */
#ifndef TESTS_MPI_DAMAGE_H
#define TESTS_MPI_DAMAGE_H

#include "mpi_data.h"

#include <unistd.h>

#define MD_PATH 5000
#define MD_STEPS 3	/* steps 1 to 3 */

enum md_file { MD_SHARD, MD_OWN, MD_MANIFEST, MD_SHARED, MD_FILES };

/* Whether each rank has such a file. */
int md_is_of_ranks(enum md_file file);

extern char md_dir[MD_PATH];

/* A new folder with sound checkpoints. Collective. */
void md_make(void);

/* Says what comes, and waits for all. Collective. */
void md_begin(const char *what, enum md_file file, int rank);

/* A file's path below its checkpoint; the path of that of the newest but
 * `back`. Static, until the second next call. Not Collective. */
const char *md_name(enum md_file file, int rank);
const char *md_path(int back, enum md_file file, int rank);

/* Moves a file or folder out of the checkpoints until md_mend(); returns
 * where it is now. Rank 0 only. */
const char *md_take(const char *path);
void md_mend(void);	/* Collective */

/* A whole file, with a byte to spare (static, until the next call), and a new
 * one. A place in n bytes: thousandths, or from the end where < 0. */
unsigned char *md_read(const char *path, size_t *n);
void md_write(const char *path, const void *bytes, size_t n);
size_t md_part(size_t n, long part);

/* Restores, which must resume from `step` with the right contents on all ranks
 * after it passed over `bad` checkpoints with a word that names `file`, and
 * verify must say the same. Collective. */
void md_expect(int64_t step, int bad, const char *file);

/* Restores, which must fail on all ranks, and say how to look further; nothing
 * is removed. Collective. */
void md_expect_none(const char *file);

#endif
