#include "group/comm.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define LOOKS 1000	/* at a request between two looks at the clock */

int rp_comm_check(struct rp_comm *comm, int result, const char *what,
		  struct rp_err *err)
{
	char text[MPI_MAX_ERROR_STRING + 1] = "";
	int length = 0;

	if (result == MPI_SUCCESS)
		return 0;
	comm->dead = 1;
	if (MPI_Error_string(result, text, &length) != MPI_SUCCESS)
		text[0] = '\0';
	return rp_fail(err, RALLY_EMPI, "%s: %s", what, text);
}

static int duplicate(struct rp_comm *comm, MPI_Comm from, MPI_Comm *to,
		     struct rp_err *err)
{
	int rc = rp_comm_check(comm, MPI_Comm_dup(from, to), "MPI_Comm_dup",
			       err);

	/* A duplicate inherits MPI_ERRORS_ARE_FATAL. */
	if (rc == 0)
		rc = rp_comm_check(comm,
				   MPI_Comm_set_errhandler(*to,
							   MPI_ERRORS_RETURN),
				   "MPI_Comm_set_errhandler", err);
	return rc;
}

int rp_comm_open(struct rp_comm *comm, MPI_Comm user, struct rp_err *err)
{
	int inter = 0, rc;

	comm->rounds = comm->saves = MPI_COMM_NULL;
	comm->lengths = NULL;
	comm->dead = 0;
	if (user == MPI_COMM_NULL)
		return rp_fail(err, RALLY_EARG, "comm is MPI_COMM_NULL");
	rc = rp_comm_check(comm, MPI_Comm_test_inter(user, &inter),
			   "MPI_Comm_test_inter", err);
	if (rc == 0 && inter)
		return rp_fail(err, RALLY_EARG,
			       "comm is an intercommunicator; give the merged "
			       "one");
	if (rc == 0)
		rc = duplicate(comm, user, &comm->rounds, err);
	if (rc == 0)
		rc = duplicate(comm, user, &comm->saves, err);
	if (rc == 0)
		rc = rp_comm_check(comm,
				   MPI_Comm_rank(comm->saves, &comm->rank),
				   "MPI_Comm_rank", err);
	if (rc == 0)
		rc = rp_comm_check(comm,
				   MPI_Comm_size(comm->saves, &comm->size),
				   "MPI_Comm_size", err);
	if (rc == 0 && comm->rank == 0)
		comm->lengths = calloc((size_t)comm->size,
				       2 * sizeof(*comm->lengths));
	if (rc != 0)
		rp_comm_close(comm);
	return rc;
}

void rp_comm_close(struct rp_comm *comm)
{
	/* On an error there is nothing left to do but to go on. */
	if (comm->rounds != MPI_COMM_NULL && !comm->dead)
		(void)MPI_Comm_free(&comm->rounds);
	if (comm->saves != MPI_COMM_NULL && !comm->dead)
		(void)MPI_Comm_free(&comm->saves);
	comm->rounds = comm->saves = MPI_COMM_NULL;
	free(comm->lengths);
	comm->lengths = NULL;
}

static int give_up(struct rp_comm *comm, struct rp_err *err)
{
	comm->dead = 1;
	comm->abandoned = 1;
	return rp_fail(err, RALLY_EPATIENCE,
		       "rank %d has waited %lld s for the others (option "
		       "'patience'); one of them does not come to where it is: "
		       "end the program with MPI_Abort", comm->rank,
		       (long long)(comm->patience / 1000000000));
}

/* A wait that has become long: 0, or the error with which it ends. */
static int look_up(struct rp_comm *comm, int64_t since, int64_t *tell_at,
		   struct rp_err *err)
{
	int64_t waited = rp_now() - since;

	if (comm->patience > 0 && waited > comm->patience)
		return give_up(comm, err);
	if (*tell_at > 0 && waited >= *tell_at) {
		comm->tell(comm->arg, waited);
		*tell_at = 2 * waited;
	}
	return 0;
}

int rp_comm_wait(struct rp_comm *comm, MPI_Request *request,
		 struct rp_err *err)
{
	int64_t since = 0, tell_at = comm->tell_after;
	unsigned looks = 0;
	int done = 0, rc = 0;

	if (comm->patience == 0 && tell_at == 0)
		return rp_comm_check(comm,
				     MPI_Wait(request, MPI_STATUS_IGNORE),
				     "MPI_Wait", err);
	/* As MPI_Wait does, with a look at the clock now and then. */
	while (rc == 0 && !done) {
		rc = rp_comm_check(comm,
				   MPI_Test(request, &done, MPI_STATUS_IGNORE),
				   "MPI_Test", err);
		if (rc != 0 || done || looks++ % LOOKS != 0)
			continue;
		if (since == 0)
			since = rp_now();
		rc = look_up(comm, since, &tell_at, err);
	}
	return rc;
}

int rp_comm_confirm(struct rp_comm *comm, struct rp_err *err)
{
	MPI_Request request = MPI_REQUEST_NULL;
	int rc;

	if (comm->patience == 0)
		return 0;
	rc = rp_comm_check(comm, MPI_Ibarrier(comm->rounds, &request),
			   "MPI_Ibarrier", err);
	return rc ? rc : rp_comm_wait(comm, &request, err);
}

int rp_comm_settle_more(struct rp_comm *comm, int more, int *any,
			struct rp_err *err)
{
	int mine[2] = { err->code ? comm->rank : INT_MAX, more ? 0 : 1 };
	int least[2] = { INT_MAX, 1 };
	struct rp_err mpi = { 0 };

	*any = 0;
	if (rp_comm_check(comm,
			  MPI_Allreduce(mine, least, 2, MPI_INT, MPI_MIN,
					comm->saves),
			  "MPI_Allreduce", &mpi) != 0) {
		*err = mpi;
		return err->code;
	}
	*any = least[1] == 0;
	return least[0] == INT_MAX ? 0 : rp_comm_spread(comm, least[0], err);
}

int rp_comm_settle_begin(struct rp_comm *comm, int more, struct rp_err *err)
{
	struct rp_err mpi = { 0 };

	comm->said[0] = err->code ? comm->rank : INT_MAX;
	comm->said[1] = more ? 0 : 1;
	if (rp_comm_check(comm,
			  MPI_Iallreduce(comm->said, comm->heard, 2, MPI_INT,
					 MPI_MIN, comm->saves, &comm->vote),
			  "MPI_Iallreduce", &mpi) == 0)
		return 0;
	*err = mpi;
	return err->code;
}

int rp_comm_settle_end(struct rp_comm *comm, int *any, struct rp_err *err)
{
	struct rp_err mpi = { 0 };

	*any = 0;
	if (rp_comm_check(comm, MPI_Wait(&comm->vote, MPI_STATUS_IGNORE),
			  "MPI_Wait", &mpi) != 0) {
		*err = mpi;
		return err->code;
	}
	*any = comm->heard[1] == 0;
	return comm->heard[0] == INT_MAX
		       ? 0
		       : rp_comm_spread(comm, comm->heard[0], err);
}

int rp_comm_settle(struct rp_comm *comm, struct rp_err *err)
{
	int any;

	return rp_comm_settle_more(comm, 0, &any, err);
}

int rp_comm_spread(struct rp_comm *comm, int rank, struct rp_err *err)
{
	struct rp_err theirs = *err, mpi = { 0 };
	int rc = rp_comm_check(comm,
			       MPI_Bcast(&theirs, (int)sizeof(theirs),
					 MPI_BYTE, rank, comm->saves),
			       "MPI_Bcast", &mpi);

	rp_err_clear(err);
	if (rc != 0) {
		*err = mpi;
		return rc;
	}
	rp_fail(err, theirs.code, "rank %d: %s", rank, theirs.text);
	err->sys = theirs.sys;
	return err->code;
}

int rp_comm_bcast(struct rp_comm *comm, void *data, size_t size,
		  struct rp_err *err)
{
	const size_t most = (size_t)1 << 30;
	char *p = data;

	while (size > 0) {
		size_t n = size < most ? size : most;
		int rc = rp_comm_check(comm,
				       MPI_Bcast(p, (int)n, MPI_BYTE, 0,
						 comm->saves),
				       "MPI_Bcast", err);

		if (rc != 0)
			return rc;
		p += n;
		size -= n;
	}
	return 0;
}

int rp_comm_root(struct rp_comm *comm, struct rp_err *err)
{
	struct rp_err mine = *err, mpi = { 0 };
	int rc = rp_comm_bcast(comm, &mine, sizeof(mine), &mpi);

	*err = rc ? mpi : mine;
	return err->code;
}

int rp_comm_sum(struct rp_comm *comm, uint64_t *values, int n,
		struct rp_err *err)
{
	return rp_comm_check(comm,
			     MPI_Allreduce(MPI_IN_PLACE, values, n, MPI_UINT64_T,
					   MPI_SUM, comm->saves),
			     "MPI_Allreduce", err);
}

int rp_comm_any(struct rp_comm *comm, unsigned char *v, size_t n,
		struct rp_err *err)
{
	const size_t most = (size_t)1 << 30;
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < n; at += most)
		rc = rp_comm_check(comm,
				   MPI_Allreduce(MPI_IN_PLACE, v + at,
						 (int)(n - at < most ? n - at
								     : most),
						 MPI_UNSIGNED_CHAR, MPI_BOR,
						 comm->saves),
				   "MPI_Allreduce", err);
	return rc;
}
