/*
 * sys/app_file.c - the files that the program writes itself: sealed at a save,
 *                  checked before they are read again
 */
#include "sys/shard_io.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static void add_block(struct rp_hasher *all, struct rp_hasher *block)
{
	struct rp_hash hash = rp_hasher_final(block);

	rp_hasher_update(all, hash.b, sizeof(hash.b));
	rp_hasher_reset(block);
}

/* The hash of the hashes of the file's blocks, as for a shard's table. */
static int hash_fd(struct rp_io *io, int fd, uint64_t bytes,
		   const char *path, struct rp_progress *progress,
		   struct rp_hash *hash, struct rp_err *err)
{
	struct rp_hasher *block = rp_hasher_new(), *all = rp_hasher_new();
	struct rp_in *in = NULL;
	int rc = 0;

	if (!block || !all)
		rc = rp_fail(err, RALLY_ENOMEM, "%s: no memory", path);
	else if (!(in = rp_in_open(io, fd, path, 0, bytes, RP_AUTO, NULL, err)))
		rc = err->code;
	for (uint64_t at = 0; rc == 0 && at < bytes;) {
		size_t size = RP_HASH_BLOCK - at % RP_HASH_BLOCK;
		const unsigned char *data;

		rc = rp_in_next(in, NULL, size, &data, &size, err);
		if (rc != 0)
			break;
		at += size;
		rp_hasher_update(block, data, size);
		if (at % RP_HASH_BLOCK == 0 || at == bytes)
			add_block(all, block);
		rp_progress_add(progress, size);
	}
	if (rc == 0)
		*hash = rp_hasher_final(all);
	rp_in_close(in);
	rp_hasher_free(block);
	rp_hasher_free(all);
	return rc;
}

int rp_file_seal(struct rp_io *io, const char *path, uint64_t *bytes,
		 struct rp_hash *hash, struct rp_err *err)
{
	struct rp_err own = { 0 };
	int64_t length;
	int fd, rc;

	if (!err)
		err = &own;
	fd = rp_open_read(io, path, &length, err);
	if (fd < 0)
		return err->code;
	*bytes = (uint64_t)length;
	rc = hash_fd(io, fd, *bytes, path, NULL, hash, err);
	if (rc == 0)
		return rp_sync_close(io, fd, path, err);
	rp_close_read(io, fd);
	return rc;
}

int rp_file_verify(struct rp_io *io, const char *path, uint64_t bytes,
		   const struct rp_hash *hash, struct rp_progress *progress,
		   struct rp_err *err)
{
	struct rp_err own = { 0 };
	struct rp_hash found;
	int64_t length;
	int fd, rc;

	if (!err)
		err = &own;
	fd = rp_open_read(io, path, &length, err);
	if (fd < 0)
		return err->code;
	if ((uint64_t)length != bytes)
		rc = rp_fail(err, RALLY_ECORRUPT,
			     "%s: %lld bytes long, the manifest says %" PRIu64,
			     path, (long long)length, bytes);
	else
		rc = hash_fd(io, fd, bytes, path, progress, &found, err);
	if (rc == 0 && memcmp(found.b, hash->b, sizeof(found.b)) != 0)
		rc = rp_fail(err, RALLY_ECORRUPT,
			     "%s: it does not match its hash", path);
	rp_close_read(io, fd);
	return rc;
}
