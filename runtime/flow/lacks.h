/*
 * flow/lacks.h - optional names that the checkpoint lacks which is being tried
 *
 * Each rank finds out by itself, of private memory one may find another answer than
 * the next. Once the checkpoint is restored they are told, once each.
 */
#ifndef RP_FLOW_LACKS_H
#define RP_FLOW_LACKS_H

#include "flow/trial.h"

/* Notes a name. Not collective. */
int rp_lacks_add(struct rp_trial *trial, const char *name);

/* Rank 0 tells what any rank has noted. Collective. */
int rp_lacks_tell(struct rp_trial *trial);

#endif
