/*
 * make_ckpt DIR SEQUENCE STEP [CAUSE] - commits a checkpoint of two "ranks" by
 * the lower layers alone, for the tests of the tool and of readers
 *
 *     T        F64 [8,6]   global, rank r has rows 4r to 4r+3
 *     big      U8          private, 2.5 MiB + rank: three blocks
 *     count    I32         private to rank 1
 *     restart  shared file, "restart at step STEP\n"
 *     log      private file of each rank
 *
 * T holds 1000 * STEP + row * 6 + column.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "data/event.h"
#include "data/manifest.h"
#include "data/shard.h"
#include "sys/folder.h"
#include "sys/shard_io.h"

#define RANKS 2
#define ROWS 4
#define COLUMNS 6
#define BIG ((size_t)5 << 19)

struct ckpt {
	char *path;	/* partial */
	int64_t step;
	struct rp_manifest m;
	struct rp_err err;
};

static void must(const struct ckpt *ckpt, int good)
{
	if (good)
		return;
	fprintf(stderr, "make_ckpt: %s\n",
		ckpt->err.code ? ckpt->err.text : "failed");
	exit(1);
}

static int no_fn(const char *path, enum rally_file_op op, int64_t step,
		 void *arg)
{
	(void)path, (void)op, (void)step, (void)arg;
	return 0;
}

static void put_regions(struct ckpt *ckpt, struct rp_regions *regions,
			int rank, double *t, unsigned char *big)
{
	static int32_t count[3] = { 3, 1, 4 };
	const int64_t global[] = { RANKS * ROWS, COLUMNS };
	const int64_t start[] = { rank * ROWS, 0 };
	const int64_t local[] = { ROWS, COLUMNS };
	struct rp_err *err = &ckpt->err;
	struct rp_region r;

	for (int i = 0; i < ROWS * COLUMNS; i++)
		t[i] = (double)(1000 * ckpt->step + rank * ROWS * COLUMNS + i);
	for (size_t i = 0; i < BIG + 1; i++)
		big[i] = (unsigned char)(i * 7 + (size_t)rank);
	must(ckpt, !rp_region_array(&r, "T", t, RALLY_F64, 2, global, start,
				    local, err) &&
			   !rp_regions_put(regions, &r, err));
	must(ckpt, !rp_region_private(&r, "big", big, RALLY_U8,
				      BIG + (size_t)rank, err) &&
			   !rp_regions_put(regions, &r, err));
	if (rank == 1)
		must(ckpt, !rp_region_private(&r, "count", count, RALLY_I32, 3,
					      err) &&
				   !rp_regions_put(regions, &r, err));
	must(ckpt, !rp_region_file(&r, "log", RALLY_FILE_PRIVATE, no_fn, NULL,
				   err) &&
			   !rp_regions_put(regions, &r, err));
}

static void write_file(struct ckpt *ckpt, int rank, const char *name,
		       enum rally_file_scope scope)
{
	struct rp_piece *piece = &ckpt->m.pieces[rank];
	char *relative = rp_manifest_file_path(name, scope, rank);
	char *path = rp_path(ckpt->path, relative);
	char *text = rp_format("%s at step %lld\n", name,
			       (long long)ckpt->step);
	struct rp_hash hash;
	uint64_t bytes;

	if (scope == RALLY_FILE_PRIVATE) {
		*strrchr(path, '/') = '\0';
		must(ckpt, mkdir(path, 0777) == 0);
		path[strlen(path)] = '/';
	}
	must(ckpt, !rp_write_file(NULL, path, text, strlen(text), &ckpt->err));
	must(ckpt, !rp_file_seal(NULL, path, &bytes, &hash, &ckpt->err));
	must(ckpt, !rp_piece_add_file(piece, name, scope, bytes, &hash,
				      &ckpt->err));
	ckpt->m.bytes += bytes;
	free(relative);
	free(path);
	free(text);
}

static void write_rank(struct ckpt *ckpt, int rank)
{
	struct rp_piece *piece = &ckpt->m.pieces[rank];
	char *name = rp_shard_file_name(rank, RANKS);
	char *path = rp_path(ckpt->path, name);
	double t[ROWS * COLUMNS];
	unsigned char *big = malloc(BIG + 1);
	struct rp_regions regions = { 0 };
	struct rp_shard_sum sum;

	put_regions(ckpt, &regions, rank, t, big);
	must(ckpt, !rp_shard_write(NULL, path, &regions, rank, RANKS, ckpt->step,
				   NULL, NULL, &sum, &ckpt->err));
	must(ckpt, !rp_piece_init(piece, &regions, rank, &ckpt->err));
	piece->bytes = sum.bytes;
	piece->hash = sum.hash;
	piece->content = sum.content;
	ckpt->m.bytes += sum.bytes;
	write_file(ckpt, rank, "log", RALLY_FILE_PRIVATE);
	if (rank == 0)
		write_file(ckpt, rank, "restart", RALLY_FILE_SHARED);
	rp_regions_free(&regions);
	free(big);
	free(name);
	free(path);
}

static void commit(struct ckpt *ckpt, const char *dir)
{
	char *path = rp_path(ckpt->path, RP_MANIFEST_FILE);
	char *final = rp_folder_final(dir, ckpt->m.sequence, ckpt->step);
	size_t size;
	char *text = rp_manifest_encode(&ckpt->m, &size, &ckpt->err);

	must(ckpt, text && !rp_write_file(NULL, path, text, size, &ckpt->err));
	must(ckpt, !rp_publish(NULL, ckpt->path, final, &ckpt->err));
	must(ckpt, !rp_event_append(NULL, dir, RP_EVENT_COMMIT, ckpt->m.job, 0,
				    json_pack("{s:I}", "sequence",
					      (json_int_t)ckpt->m.sequence),
				    &ckpt->err));
	free(path);
	free(final);
	free(text);
}

int main(int argc, char **argv)
{
	struct ckpt ckpt = { 0 };
	struct rp_manifest *m = &ckpt.m;
	char *files;

	must(&ckpt, argc >= 4);
	m->sequence = atoll(argv[2]);
	m->step = ckpt.step = atoll(argv[3]);
	m->ranks = RANKS;
	m->cause = strdup(argc > 4 ? argv[4] : "request");
	m->job = strdup("4711");
	m->restart = 1;
	m->version = strdup(RALLY_VERSION);
	m->time = rp_wall();
	m->elapsed_ns = 250000000;
	m->bandwidth = 1000000;
	m->meta = json_pack("{s:s}", "case", "tube \x1b[31m\xc3\xa4");
	m->pieces = calloc(RANKS, sizeof(*m->pieces));
	must(&ckpt, !rp_folder_make(NULL, argv[1], &ckpt.err));
	ckpt.path = rp_folder_begin(NULL, argv[1], m->sequence, &ckpt.err);
	must(&ckpt, ckpt.path != NULL);
	files = rp_path(ckpt.path, "files");
	must(&ckpt, mkdir(files, 0777) == 0);
	for (int rank = 0; rank < RANKS; rank++)
		write_rank(&ckpt, rank);
	commit(&ckpt, argv[1]);
	free(files);
	free(ckpt.path);
	rp_manifest_free(m);
	return 0;
}
