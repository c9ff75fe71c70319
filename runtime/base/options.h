/*
 * base/options.h - every option, in one table
 *
 * The environment (RALLY_EVERY=10m), rally_set(), `rallypoint options` and the
 * manual page all read the table in options.c.
 */
#ifndef RP_BASE_OPTIONS_H
#define RP_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum rp_auto { RP_AUTO = 0, RP_NO = 1, RP_YES = 2 };
enum rp_at { RP_AT_STOP = 0, RP_AT_CLOSE = 1 };
enum rp_cancelled { RP_SAVE_CANCELLED = 0, RP_LEAVE_CANCELLED = 1 };

/* No pointers: rank 0's is broadcast as bytes. Durations in nanoseconds,
 * sizes in bytes. */
struct rp_options {
	int64_t every;
	int64_t every_steps;
	int64_t keep;
	int64_t keep_every;	/* steps, 0: never */
	int64_t stop_signals;	/* bit n-1: signal n */
	int64_t save_signals;
	int64_t requeue;	/* index into the choices: auto none scontrol
				   libslurm */
	int64_t requeue_timeout;
	int64_t requeue_patience;
	int64_t requeue_at;	/* enum rp_at */
	int64_t requeue_exit;	/* 0: none */
	int64_t cancelled;	/* enum rp_cancelled */
	int64_t grace;
	int64_t stride;		/* 0: by measurement */
	int64_t stride_max;
	int64_t patience;	/* 0: for ever */
	int64_t requeue_limit;	/* 0: none */
	int64_t watch;		/* 0: no such lines */
	int64_t poll;		/* 0: never */
	int64_t poll_mpirun;	/* likewise, where mpirun started the ranks */
	int64_t margin;		/* 0: the time limit is left to signals */
	int64_t lag;		/* 0: by measurement, 1: "0", 2: "1" */
	int64_t async;		/* 0: no, 1: yes */
	int64_t async_memory;	/* bytes of the copy; 0: what there is */
	int64_t memory;		/* bytes */
	int64_t direct;		/* enum rp_auto */
	int64_t incremental;	/* 0 or 1 */
	int64_t recycle;	/* enum rp_auto */
	int64_t threads;	/* enum rp_auto */
	int64_t words;		/* enum rp_auto */
	int64_t progress;	/* enum rp_auto */
	char helper[240];	/* path of rallypoint-slurm; "": built in */
	char fallback[240];	/* path of the second folder; "": none */
	char from[240];		/* path of what a branch begins from; "": nothing */
	char leave[240];	/* path of the site's program; "": none */
	char fault[240];	/* see base/fault.h; "": none */
	char fault_log[240];	/* path of a journal; "": none */
	uint64_t fixed;		/* bit i: row i came from the environment */
};

/* A row for people: key, default and one line of explanation. */
struct rp_option_doc {
	const char *key;
	const char *kind;
	const char *value;
	const char *doc;
};

/* Every option at its default. */
void rp_options_init(struct rp_options *options);

/* Sets one from text; a key that the environment set stays. */
int rp_option_set(struct rp_options *options, const char *key,
		  const char *value, struct rp_err *err);

/* Takes every RALLY_* of an environment; an unknown one is an error. */
int rp_options_env(struct rp_options *options, char *const *environment,
		   struct rp_err *err);

/* Row i of the table, or -1 past its end. */
int rp_option_doc(size_t i, struct rp_option_doc *doc);

/* The word that stands for `value` of a key that takes one of a few, into buf.
 * 0, or -1 where there is none. */
int rp_option_choice(const char *key, int64_t value, char *buf, size_t size);

#endif
