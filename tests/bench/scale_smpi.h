/*
 * scale_smpi.h - put before each source of the library when SMPI compiles it
 *
 * SMPI's MPI_Iallreduce is a message from each rank to each. In its place comes
 * the binomial tree of Open MPI's, which goes on only in the calls that start
 * and complete it. MPI_Allreduce is watched: the first one of a save comes
 * right behind the verdict.
 */
#ifndef TESTS_BENCH_SCALE_SMPI_H
#define TESTS_BENCH_SCALE_SMPI_H

#include <mpi.h>

int scale_iallreduce(const void *send, void *recv, int count, MPI_Datatype type,
		     MPI_Op op, MPI_Comm comm, MPI_Request *request);
int scale_wait(MPI_Request *request, MPI_Status *status);
int scale_allreduce(const void *send, void *recv, int count, MPI_Datatype type,
		    MPI_Op op, MPI_Comm comm);

#define MPI_Iallreduce scale_iallreduce
#define MPI_Wait scale_wait
#define MPI_Allreduce scale_allreduce

#endif
