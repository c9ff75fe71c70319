#include "mpi_data.h"

int64_t mt_data[MT_DATA];

void mt_data_add(rally_t *rp)
{
	mt_code(rp, rally_add(rp, "data", mt_data, RALLY_I64, MT_DATA), 0);
}

void mt_data_fill(int64_t step)
{
	for (int i = 0; i < MT_DATA; i++)
		mt_data[i] = step * 1000 + mt_rank * 10 + i;
}

/* A folder with checkpoints of the steps 1 to n. */
const char *mt_data_make(int n)
{
	const char *dir = mt_dir();
	rally_t *rp = mt_open(dir);

	mt_data_add(rp);
	mt_set(rp, "keep", n > 0 ? n : 1);
	for (int step = 1; step <= n; step++) {
		mt_data_fill(step);
		mt_code(rp, rally_save(rp, step), 0);
	}
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
	return dir;
}

/* Restores; returns the handle. Resumed means that the data is right. */
rally_t *mt_data_restore(const char *dir, int code, int how, int64_t step)
{
	rally_t *rp = mt_open(dir);
	int64_t got = -7;
	int what = -1;

	mt_data_add(rp);
	memset(mt_data, 0, sizeof(mt_data));
	mt_code(rp, rally_restore(rp, &got, &what), code);
	if (code == 0) {
		assert_int_equal(what, how);
		assert_int_equal(got, how == RALLY_FRESH ? -7 : step);
	}
	if (code == 0 && how == RALLY_RESUMED)
		for (int i = 0; i < MT_DATA; i++)
			assert_int_equal(mt_data[i],
					 step * 1000 + mt_rank * 10 + i);
	mt_same(got);
	return rp;
}

void mt_data_close(rally_t *rp)
{
	mt_code(rp, rally_close(rp), 0);
	mt_barrier();
}
