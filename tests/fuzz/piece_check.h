/*
 * piece_check.h - what callers rely on in a piece that was decoded
 */
#ifndef PIECE_CHECK_H
#define PIECE_CHECK_H

#include "data/manifest.h"

/* Ends in abort() where it does not hold. Adds the bytes of shard and files to
 * *bytes. */
void piece_check(const struct rp_piece *piece, uint64_t *bytes);

#endif
