#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int rp_fail(struct rp_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	if (err->code)
		return err->code;
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

static int code_of_errno(int sys)
{
	switch (sys) {
	case ENOSPC:
	case EDQUOT:
		return RALLY_ENOSPC;
	case ENOMEM:
		return RALLY_ENOMEM;
	default:
		return RALLY_EIO;
	}
}

int rp_fail_errno(struct rp_err *err, const char *what, const char *path)
{
	int sys = errno;
	int first = !err || !err->code;
	int code = rp_fail(err, code_of_errno(sys), "%s %s: %s", what, path,
			   strerror(sys));

	if (err && first)
		err->sys = sys;
	errno = sys;
	return code;
}

int rp_fail_as(struct rp_err *err, const struct rp_err *why)
{
	int first = !err || !err->code;
	int code = rp_fail(err, why->code, "%s", why->text);

	if (err && first)
		err->sys = why->sys;
	return code;
}

void rp_err_clear(struct rp_err *err)
{
	err->code = 0;
	err->sys = 0;
	err->text[0] = '\0';
}

static const struct {
	int code;
	const char *text;
} strings[] = {
	{ 0, "no error" },
	{ RALLY_EARG, "an argument is wrong" },
	{ RALLY_EORDER, "a call out of order" },
	{ RALLY_EOPTION, "unknown option, or a value it can't take" },
	{ RALLY_ENOMEM, "out of memory" },
	{ RALLY_EIO, "a system call on the checkpoint folder failed" },
	{ RALLY_ENOSPC, "the file system or the quota is full" },
	{ RALLY_EMPI, "an MPI call failed" },
	{ RALLY_EMISMATCH, "the ranks gave arguments that differ" },
	{ RALLY_ESITE, "the ranks are at different safe points" },
	{ RALLY_EUNEVEN, "some ranks closed the handle, others did not" },
	{ RALLY_ECORRUPT, "no checkpoint verifies" },
	{ RALLY_EVANISHED, "a commit is on record, but no checkpoint is there" },
	{ RALLY_ELAYOUT, "the checkpoint has another layout than registered" },
	{ RALLY_EOWNED, "another job writes to this folder" },
	{ RALLY_EAPP, "a function of the program's returned an error" },
	{ RALLY_EREQUEUE, "the job could not be requeued" },
	{ RALLY_EUNFINISHED, "stopped and saved, but nothing will start the "
			     "job again" },
	{ RALLY_EPENDING, "a stop came too late to be saved" },
	{ RALLY_EABSENT, "nothing is stored under this name, or at this path" },
	{ RALLY_EUNCONFIRMED, "committed, but the folder's fsync failed" },
	{ RALLY_EVERSION, "written by a newer format" },
	{ RALLY_EPATIENCE, "a rank did not come to where the others wait" },
	{ RALLY_EDEVICE, "a GPU or its driver failed" },
};

const char *rp_err_string(int code)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		if (strings[i].code == code)
			return strings[i].text;
	return "unknown error";
}
