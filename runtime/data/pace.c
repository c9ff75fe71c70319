#include "data/pace.h"

#define MOST 1e18	/* a manifest may say anything */

static double at_least_little(uint64_t bytes)
{
	return (double)(bytes > RP_PACE_LITTLE ? bytes : RP_PACE_LITTLE);
}

static int64_t bounded(double value)
{
	return value < MOST ? (int64_t)value : (int64_t)MOST;
}

int64_t rp_pace_predict(const struct rp_pace *pace, uint64_t bytes)
{
	if (pace->ns <= 0 ||
	    (pace->bytes < RP_PACE_LITTLE && bytes > RP_PACE_LITTLE))
		return RP_PACE_UNKNOWN;
	return bounded((double)pace->ns * at_least_little(bytes) /
		       at_least_little(pace->bytes));
}

void rp_pace_learn(struct rp_pace *pace, uint64_t bytes, int64_t ns)
{
	int64_t before = rp_pace_predict(pace, bytes);

	if (ns < 1)
		ns = 1;
	pace->ns = before > 0 ? before / 2 + ns / 2 + 1 : ns;
	pace->bytes = bytes;
}

int64_t rp_pace_bandwidth(const struct rp_pace *pace)
{
	return pace->ns > 0 ? bounded((double)pace->bytes * 1e9 /
				      (double)pace->ns)
			    : 0;
}

void rp_pace_read(struct rp_pace *pace, const struct rp_manifest *m)
{
	pace->bytes = m->bytes;
	pace->largest = rp_pace_largest(m);
	pace->ns = bounded(m->bandwidth > 0 ? (double)m->bytes * 1e9 /
						      (double)m->bandwidth
					    : (double)m->elapsed_ns);
}

int64_t rp_pace_files(const struct rp_piece *piece)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < piece->n_files; i++)
		bytes += (int64_t)piece->files[i].bytes;
	return bytes;
}

int64_t rp_pace_largest(const struct rp_manifest *m)
{
	int64_t largest = 0;

	for (int i = 0; i < m->ranks; i++) {
		int64_t bytes = (int64_t)m->pieces[i].bytes +
				rp_pace_files(&m->pieces[i]);

		largest = bytes > largest ? bytes : largest;
	}
	return largest;
}
