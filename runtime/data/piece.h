/*
 * data/piece.h - pieces as JSON, for manifest.c; see data/manifest.h
 */
#ifndef RP_DATA_PIECE_H
#define RP_DATA_PIECE_H

#include <jansson.h>

#include "data/manifest.h"

/* A new reference, NULL without memory. */
json_t *rp_piece_to_json(const struct rp_piece *piece);

/* 0, -1 where the JSON is no piece, or RALLY_ENOMEM; after either there is
 * nothing to free. */
int rp_piece_from_json(struct rp_piece *piece, const json_t *json);

#endif
