/*
 * group/comm.h - the communicators of a handle, and what ranks tell each other
 *                outside of rounds
 *
 * Two duplicates of the user's communicator, so that a save between two safe
 * points can't meet a round that is in flight. Both return errors. After the
 * first MPI error `dead` is set and nothing is sent any more.
 *
 * All calls but those marked are collective.
 */
#ifndef RP_GROUP_COMM_H
#define RP_GROUP_COMM_H

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct rp_comm {
	MPI_Comm rounds, saves;
	int rank, size;
	int dead;
	int64_t patience;	/* ns; 0: for ever */
	int *lengths;		/* rank 0: of texts that are gathered, and where they
				   go; NULL: no memory for it, which rp_handle_open()
				   tells */
	int said[2], heard[2];	/* of the vote that is under way */
	MPI_Request vote;
	int abandoned;		/* an operation that never came to its end may
				   still write to its buffers */
	/* Called while rp_comm_wait() waits: after tell_after ns, and each time
	 * that the wait has doubled. 0: never. */
	int64_t tell_after;
	void (*tell)(void *arg, int64_t waited_ns);
	void *arg;
};

/* Duplicates comm, which must be an intracommunicator. */
int rp_comm_open(struct rp_comm *comm, MPI_Comm user, struct rp_err *err);
void rp_comm_close(struct rp_comm *comm);

/* Turns an MPI result into 0 or RALLY_EMPI. Not collective. */
int rp_comm_check(struct rp_comm *comm, int result, const char *what,
		  struct rp_err *err);

/* Waits for a request, but not longer than `patience`: RALLY_EPATIENCE, and the
 * communicators are dead. Not collective. */
int rp_comm_wait(struct rp_comm *comm, MPI_Request *request,
		 struct rp_err *err);

/* Where there is a limit to waiting: that all ranks are here still. One that
 * comes when the others have given up finds a round complete, and would wait for
 * ever in the next call that has no limit. */
int rp_comm_confirm(struct rp_comm *comm, struct rp_err *err);

/* Makes one rank's error everybody's: `code` of each rank goes in, the lowest
 * failing rank's error comes out, with its rank in the sentence. */
int rp_comm_settle(struct rp_comm *comm, struct rp_err *err);

/* Likewise, and tells in *any whether one of the ranks has `more` to do. */
int rp_comm_settle_more(struct rp_comm *comm, int more, int *any,
			struct rp_err *err);

/* The same in two steps, so that a rank may do something in between and no rank waits
 * for one that is only a little behind: what counts is what they had to say when they
 * began. One at a time. Where the first one fails there is no second. */
int rp_comm_settle_begin(struct rp_comm *comm, int more, struct rp_err *err);
int rp_comm_settle_end(struct rp_comm *comm, int *any, struct rp_err *err);

/* The error of one rank, known to have one, for all. */
int rp_comm_spread(struct rp_comm *comm, int rank, struct rp_err *err);

/* Rank 0's error, or that it has none, for all. */
int rp_comm_root(struct rp_comm *comm, struct rp_err *err);

/* Rank 0's bytes to all. */
int rp_comm_bcast(struct rp_comm *comm, void *data, size_t size,
		  struct rp_err *err);

/* Rank 0's text (NULL is passed on as NULL) to all; elsewhere *text becomes a
 * new string, the caller's. */
int rp_comm_bcast_text(struct rp_comm *comm, char **text, size_t *size,
		       struct rp_err *err);

/* Every rank's text to rank 0: there *all is one block of all texts, each with
 * its NUL, in the order of the ranks; elsewhere NULL. The caller's. */
int rp_comm_gather_text(struct rp_comm *comm, const char *text, char **all,
			struct rp_err *err);

/* Every rank's text to every rank, likewise. The caller's, also after an error. */
int rp_comm_share_text(struct rp_comm *comm, const char *text, char **all,
		       struct rp_err *err);

/* Ors the n bytes of all ranks, whose number must be the same on all. */
int rp_comm_any(struct rp_comm *comm, unsigned char *v, size_t n,
		struct rp_err *err);

/* Of each value the sum over all ranks. */
int rp_comm_sum(struct rp_comm *comm, uint64_t *values, int n,
		struct rp_err *err);

/* Compares a text across the ranks. Where all have the same: 0. Else fails with
 * `code` and "WHAT: rank 0 has ..., rank 3 has ...", of the lowest rank that
 * differs from rank 0. */
int rp_comm_same(struct rp_comm *comm, const char *text, int code,
		 const char *what, struct rp_err *err);

/* As rp_comm_settle(), and where no rank has failed, as rp_comm_same(): in one. Where
 * this rank has failed `text` may be NULL. */
int rp_comm_settle_same(struct rp_comm *comm, const char *text, int code,
			const char *what, struct rp_err *err);

#endif
