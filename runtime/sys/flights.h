/*
 * sys/flights.h - writes past the page cache, several under way at a time
 *
 *     f = rp_flights_open(io, fd, path, staging);
 *     rp_flights_put(f, data, n, at, &err);     copied: the caller's again at once
 *     rp_flights_drain(f, &err);                all of it is written
 *     rp_flights_close(f);
 *
 * What is put at offsets that follow on each other becomes large writes. With
 * O_DIRECT, as long as the file system takes it with what it is given. All that is
 * put is copied, also what is aligned: from the huge pages of the staging memory a
 * disk took twice as much a second as from a program's 4 KiB pages, and the copy is
 * hidden behind that. What is in such pages already is lent.
 */
#ifndef RP_SYS_FLIGHTS_H
#define RP_SYS_FLIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "sys/staging.h"

struct rp_flights;

/* For a file whose length is a multiple of RP_DISK_ALIGN. `path` and `staging` are
 * borrowed. NULL where this file can't be written so; nothing has happened to it
 * then. */
struct rp_flights *rp_flights_open(struct rp_io *io, int fd, const char *path,
				   struct rp_staging *staging);

/* The first offset, and each after a turn, is a multiple of RP_DISK_ALIGN; between
 * them each follows on the last. */
int rp_flights_put(struct rp_flights *f, const void *data, size_t size, int64_t at,
		   struct rp_err *err);

/* The same without a copy: `data` is left as it is until the drain, or the close. It,
 * `size` and `at` are multiples of RP_DISK_ALIGN. */
int rp_flights_lend(struct rp_flights *f, const void *data, size_t size, int64_t at,
		    struct rp_err *err);

/* Sends what was put, without waiting for it. */
int rp_flights_turn(struct rp_flights *f, struct rp_err *err);
int rp_flights_drain(struct rp_flights *f, struct rp_err *err);

/* Waits for what is under way, whatever comes of it: the kernel reads from the
 * memory until then. NULL is allowed. */
void rp_flights_close(struct rp_flights *f);

#endif
