/*
 * flow/finalize.h - a close that the program forgot
 *
 * MPI_Finalize deletes the attributes of MPI_COMM_SELF first of all, while MPI
 * still works: the handle is one. A round left in flight would go unnoticed by
 * MPI_Finalize itself.
 */
#ifndef RP_FLOW_FINALIZE_H
#define RP_FLOW_FINALIZE_H

#include "flow/handle.h"

/* From now on MPI_Finalize reports and closes the handle. */
int rp_finalize_watch(struct rally *rp);

/* The handle is being closed. */
void rp_finalize_forget(struct rally *rp);

#endif
