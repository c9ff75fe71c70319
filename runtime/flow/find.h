/*
 * flow/find.h - what the newest checkpoint holds
 */
#ifndef RP_FLOW_FIND_H
#define RP_FLOW_FIND_H

#include "flow/handle.h"

/* rally_find(), without its checks. Collective. */
int rp_find(struct rally *rp, const char *name, struct rally_info *info);

#endif
