/*
 * base/err.h - a code and a sentence
 *
 * A function that can fail takes a `struct rp_err *err` last and returns 0 or
 * a code of enum rally_error. It fails in one line:
 *
 *     return rp_fail_errno(err, "write", path);
 *
 * err may be NULL where the caller does not want the sentence. The first
 * failure is kept: a function that cleans up after an error can't replace it.
 */
#ifndef RP_BASE_ERR_H
#define RP_BASE_ERR_H

#include "rallypoint.h"

#define RP_ERR_TEXT 512

struct rp_err {
	int code;		/* enum rally_error, 0: no error yet */
	int sys;		/* errno of the call that failed, or 0 */
	char text[RP_ERR_TEXT]; /* one sentence without a full stop */
};

/* Records code and sentence unless an error is recorded already; returns the
 * recorded code. */
int rp_fail(struct rp_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a system call `what` on `path` that set errno: the code follows
 * from errno (ENOSPC and EDQUOT: RALLY_ENOSPC, ENOMEM: RALLY_ENOMEM, else
 * RALLY_EIO), the sentence is "what path: strerror". errno is preserved. */
int rp_fail_errno(struct rp_err *err, const char *what, const char *path);

/* Fails as something else has failed already: with its code, errno and sentence. */
int rp_fail_as(struct rp_err *err, const struct rp_err *why);

/* Forgets the error. */
void rp_err_clear(struct rp_err *err);

/* A static sentence for a code, for rally_strerror(). */
const char *rp_err_string(int code);

#endif
