#include "mpi_ranks.h"

int mr_rank, mr_size;

static MPI_Comm some = MPI_COMM_NULL;

int mr_begin(int n)
{
	mt_barrier();
	MPI_Comm_split(MPI_COMM_WORLD, mt_rank < n ? 0 : MPI_UNDEFINED, mt_rank,
		       &some);
	mr_rank = mt_rank;
	mr_size = n < mt_size ? n : mt_size;
	return some != MPI_COMM_NULL;
}

void mr_end(void)
{
	if (some != MPI_COMM_NULL)
		MPI_Comm_free(&some);
	mt_barrier();
}

rally_t *mr_open(const char *dir)
{
	rally_t *rp;
	int rc = rally_open(some, dir, &rp);

	mt_code(rp, rc, 0);
	return rp;
}

void mr_close(rally_t *rp)
{
	mt_code(rp, rally_close(rp), 0);
}

void mr_restore(rally_t *rp, int64_t step)
{
	int64_t got = -7;
	int how = -1;

	mt_code(rp, rally_restore(rp, &got, &how), 0);
	assert_int_equal(how, RALLY_RESUMED);
	assert_int_equal(got, step);
}

void mr_refuse(rally_t *rp, int code, const char *words)
{
	int64_t step;
	int how;

	mt_code(rp, rally_restore(rp, &step, &how), code);
	if (words && !strstr(rally_error(rp), words))
		fail_msg("'%s' is not in '%s'", words, rally_error(rp));
}

int64_t mr_first(int64_t n)
{
	return n * mr_rank / mr_size;
}

int64_t mr_rows(int64_t n)
{
	return n * (mr_rank + 1) / mr_size - mr_first(n);
}
