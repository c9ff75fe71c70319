#include "group/comm.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define SHOWN 160	/* bytes of a differing text that an error shows */

int rp_comm_bcast_text(struct rp_comm *comm, char **text, size_t *size,
		       struct rp_err *err)
{
	int64_t length = comm->rank == 0 && *text ? (int64_t)*size : -1;
	char *mine = NULL;
	int rc = rp_comm_bcast(comm, &length, sizeof(length), err);

	if (rc != 0 || length < 0)
		return rc;
	if (comm->rank != 0 && !(mine = malloc((size_t)length + 1)))
		rp_fail(err, RALLY_ENOMEM, "no memory for a text of %lld bytes",
			(long long)length);
	/* The others would wait for a rank that has no memory for it. */
	if (rp_comm_settle(comm, err) != 0) {
		free(mine);
		return err->code;
	}
	if (comm->rank != 0) {
		mine[length] = '\0';
		*text = mine;
		*size = (size_t)length;
	}
	return rp_comm_bcast(comm, *text, (size_t)length, err);
}

/* Rank 0: where each text goes, and room for them; NULL on an error. MPI counts no
 * further than an int. */
static char *make_room(const int *lengths, int *offsets, int n, struct rp_err *err)
{
	int64_t total = 0;
	char *room;

	for (int i = 0; i < n; i++) {
		offsets[i] = (int)total;
		total += lengths[i];
		if (lengths[i] < 0 || total > INT_MAX) {
			rp_fail(err, RALLY_EARG, "what %d ranks tell of their "
				"shards is more than 2 GiB: register fewer "
				"arrays", n);
			return NULL;
		}
	}
	room = malloc((size_t)total);
	if (!room)
		rp_fail(err, RALLY_ENOMEM, "gather: no memory");
	return room;
}

int rp_comm_gather_text(struct rp_comm *comm, const char *text, char **all,
			struct rp_err *err)
{
	size_t length = strlen(text) + 1;
	int mine = length > INT_MAX ? -1 : (int)length;
	int *lengths = comm->lengths, *offsets = NULL;
	int rc = rp_comm_check(comm,
			       MPI_Gather(&mine, 1, MPI_INT, lengths, 1, MPI_INT,
					  0, comm->saves),
			       "MPI_Gather", err);

	*all = NULL;
	if (rc != 0)
		return rc;
	if (comm->rank == 0) {
		offsets = lengths + comm->size;
		*all = make_room(lengths, offsets, comm->size, err);
	}
	rc = rp_comm_root(comm, err);
	if (rc == 0)
		rc = rp_comm_check(comm,
				   MPI_Gatherv(text, mine, MPI_CHAR, *all,
					       lengths, offsets, MPI_CHAR, 0,
					       comm->saves),
				   "MPI_Gatherv", err);
	if (rc != 0) {
		free(*all);
		*all = NULL;
	}
	return rc;
}

/* Rank 0: the length of all of them, with each one's NUL. */
static size_t length_of(const char *all, int n)
{
	const char *p = all;

	for (int i = 0; i < n; i++)
		p += strlen(p) + 1;
	return (size_t)(p - all);
}

int rp_comm_share_text(struct rp_comm *comm, const char *text, char **all,
		       struct rp_err *err)
{
	size_t size = 0;

	if (rp_comm_gather_text(comm, text, all, err) != 0)
		return err->code;
	if (comm->rank == 0)
		size = length_of(*all, comm->size);
	return rp_comm_bcast_text(comm, all, &size, err);
}

static int min_rank(struct rp_comm *comm, int mine, int *lowest,
		    struct rp_err *err)
{
	return rp_comm_check(comm,
			     MPI_Allreduce(&mine, lowest, 1, MPI_INT, MPI_MIN,
					   comm->saves),
			     "MPI_Allreduce", err);
}

/* Fixed-size records, so that nobody needs to know the others' lengths. */
struct shown {
	char text[SHOWN];
};

static void show(struct shown *shown, const char *text)
{
	memset(shown, 0, sizeof(*shown));
	strncpy(shown->text, text, sizeof(shown->text) - 1);
	if (strlen(text) >= sizeof(shown->text))
		memcpy(shown->text + sizeof(shown->text) - 4, "...", 4);
}

/* Rank 0's text and that of the lowest rank that has another, for people. */
static int tell_difference(struct rp_comm *comm, const char *text, int code,
			   const char *what, struct rp_err *err)
{
	char *first = comm->rank == 0 ? (char *)(uintptr_t)text : NULL;
	size_t size = strlen(text);
	struct shown zero, other;
	int lowest = INT_MAX, rc;

	rc = rp_comm_bcast_text(comm, &first, &size, err);
	if (rc == 0)
		rc = min_rank(comm, first && strcmp(first, text) != 0
					    ? comm->rank : INT_MAX,
			      &lowest, err);
	if (rc == 0 && lowest != INT_MAX) {
		show(&zero, first ? first : "");
		show(&other, text);
		rc = rp_comm_check(comm,
				   MPI_Bcast(&other, (int)sizeof(other),
					     MPI_BYTE, lowest, comm->saves),
				   "MPI_Bcast", err);
		if (rc == 0)
			rc = rp_fail(err, code,
				     "%s: rank %d %s, rank 0 %s", what, lowest,
				     other.text, zero.text);
	}
	if (comm->rank != 0)
		free(first);
	return rc;
}

/* One reduction: the lowest rank that has failed, and least and largest of the text's
 * hash, half by half (the largest is the complement of the least complement). The text
 * itself travels only where they differ. */
static int compare(struct rp_comm *comm, int failed, const char *text, int code,
		   const char *what, struct rp_err *err)
{
	struct rp_hash hash = { { 0 } };
	int64_t half[2], mine[5], least[5];
	struct rp_err mpi = { 0 };

	if (!failed)
		hash = rp_hash_of(text, strlen(text));
	memcpy(half, hash.b, sizeof(half));
	mine[0] = failed ? comm->rank : INT_MAX;
	for (int i = 0; i < 2; i++) {
		mine[1 + i] = half[i];
		mine[3 + i] = ~half[i];
	}
	if (rp_comm_check(comm,
			  MPI_Allreduce(mine, least, 5, MPI_INT64_T, MPI_MIN,
					comm->saves),
			  "MPI_Allreduce", &mpi) != 0) {
		*err = mpi;
		return err->code;
	}
	if (least[0] != INT_MAX)
		return rp_comm_spread(comm, (int)least[0], err);
	if (least[1] == ~least[3] && least[2] == ~least[4])
		return 0;
	return tell_difference(comm, text, code, what, err);
}

int rp_comm_same(struct rp_comm *comm, const char *text, int code,
		 const char *what, struct rp_err *err)
{
	return compare(comm, 0, text, code, what, err);
}

int rp_comm_settle_same(struct rp_comm *comm, const char *text, int code,
			const char *what, struct rp_err *err)
{
	return compare(comm, err->code != 0, text, code, what, err);
}
