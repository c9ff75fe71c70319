/*
 * ckpt.h - a checkpoint that some "ranks" wrote, by the lower layers alone: shards in a
 *          folder, and the manifest as it is decoded from its text
 */
#ifndef CKPT_H
#define CKPT_H

#include <fcntl.h>

#include "data/box.h"
#include "data/dtype.h"
#include "data/manifest.h"
#include "data/region.h"
#include "data/shard.h"
#include "sys/shard_io.h"
#include "unit.h"

#ifndef MOST_RANKS
#define MOST_RANKS 8
#endif

struct ckpt {
	char *path;
	int ranks;
	struct rp_regions regions[MOST_RANKS];
	struct rp_manifest manifest;
};

static inline void ckpt_begin(struct ckpt *ckpt, const char *path, int ranks)
{
	memset(ckpt, 0, sizeof(*ckpt));
	ckpt->path = strdup(path);
	ckpt->ranks = ranks;
	assert_int_equal(mkdir(path, 0777), 0);
}

static inline struct rp_region *ckpt_add(struct ckpt *ckpt, int rank,
					 const char *name, enum rally_type type,
					 const int64_t *shape,
					 const struct rp_box *box, void *data)
{
	struct rp_region region;

	assert_int_equal(rp_region_array(&region, name, data, type, box->ndim,
					 shape, box->start, box->size, NULL), 0);
	assert_int_equal(rp_regions_put(&ckpt->regions[rank], &region, NULL), 0);
	return rp_regions_find(&ckpt->regions[rank], name);
}

static inline void ckpt_add_private(struct ckpt *ckpt, int rank, const char *name,
				    enum rally_type type, size_t count, void *data)
{
	struct rp_region region;

	assert_int_equal(rp_region_private(&region, name, data, type, count,
					   NULL), 0);
	assert_int_equal(rp_regions_put(&ckpt->regions[rank], &region, NULL), 0);
}

static inline char *ckpt_shard(const struct ckpt *ckpt, int rank)
{
	char *name = rp_shard_file_name(rank, ckpt->ranks);
	char *path = rp_path(ckpt->path, name);

	free(name);
	return path;
}

/* The manifest that these pieces make, by way of its text. */
static inline int ckpt_remake(struct ckpt *ckpt, struct rp_err *err)
{
	struct rp_manifest again;
	size_t size;
	char *text = rp_manifest_encode(&ckpt->manifest, &size, NULL);
	int rc = rp_manifest_decode(&again, text, size, "manifest", err);

	assert_non_null(text);
	free(text);
	if (rc != 0)
		return rc;
	rp_manifest_free(&ckpt->manifest);
	ckpt->manifest = again;
	return 0;
}

static inline void ckpt_write(struct ckpt *ckpt)
{
	struct rp_manifest *m = &ckpt->manifest;
	struct rp_err err = { 0 };

	m->ranks = ckpt->ranks;
	m->cause = strdup("test");
	m->job = strdup("");
	m->version = strdup(RALLY_VERSION);
	m->meta = json_object();
	m->pieces = calloc((size_t)m->ranks, sizeof(*m->pieces));
	for (int rank = 0; rank < m->ranks; rank++) {
		struct rp_piece *piece = &m->pieces[rank];
		char *path = ckpt_shard(ckpt, rank);
		struct rp_shard_sum sum;

		assert_int_equal(rp_shard_write(NULL, path, &ckpt->regions[rank],
						rank, m->ranks, 1, NULL, NULL,
						&sum, &err), 0);
		assert_int_equal(rp_piece_init(piece, &ckpt->regions[rank], rank,
					       &err), 0);
		piece->bytes = sum.bytes;
		piece->hash = sum.hash;
		piece->content = sum.content;
		m->bytes += sum.bytes;
		free(path);
	}
	assert_int_equal(ckpt_remake(ckpt, &err), 0);
}

static inline void ckpt_flip(const struct ckpt *ckpt, int rank, int64_t offset)
{
	char *path = ckpt_shard(ckpt, rank);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
	free(path);
}

static inline void ckpt_end(struct ckpt *ckpt)
{
	assert_int_equal(rp_remove_tree(NULL, ckpt->path, NULL), 0);
	for (int rank = 0; rank < ckpt->ranks; rank++)
		rp_regions_free(&ckpt->regions[rank]);
	rp_manifest_free(&ckpt->manifest);
	free(ckpt->path);
}

#endif
