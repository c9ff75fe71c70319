/*
 * flow/point.h - a safe point that has something to do, and the close
 */
#ifndef RP_FLOW_POINT_H
#define RP_FLOW_POINT_H

#include "flow/handle.h"

/* The safe point that has just been counted. Returns an enum rally_verdict. */
int rp_point(struct rally *rp, int64_t step, const char *file, int line);

/* Completes what is in flight and agrees that all are leaving: what
 * rally_close() returns. */
int rp_close(struct rally *rp);

#endif
