#include "sys/finish.h"

#include <stdio.h>
#include <string.h>

#include "sys/mark.h"

int rp_finish_write(struct rp_io *io, const char *dir, const char *job,
		    int64_t step, struct rp_err *err)
{
	struct rp_mark mark = { .step = step };

	snprintf(mark.job, sizeof(mark.job), "%s", job);
	return rp_mark_write(io, dir, RP_FINISH_FILE, &mark, err);
}

int rp_finish_look(struct rp_io *io, const char *dir, char *job, size_t size,
		   int64_t *step, struct rp_err *err)
{
	struct rp_mark mark;
	int found = rp_mark_read(io, dir, RP_FINISH_FILE, &mark, err);

	if (found > 0) {
		snprintf(job, size, "%s", mark.job);
		*step = mark.step;
	}
	return found;
}

int rp_finish_read(struct rp_io *io, const char *dir, const char *job,
		   int64_t *step, struct rp_err *err)
{
	struct rp_mark mark;
	int found = rp_mark_read(io, dir, RP_FINISH_FILE, &mark, err);

	if (found <= 0 || !*job || strcmp(mark.job, job) != 0)
		return found < 0 ? -1 : 0;
	*step = mark.step;
	return 1;
}
