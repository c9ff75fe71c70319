/*
 * chaos.h - what the files of chaos share
 *
 * chaos.c runs the episodes, chaos_loop.c is the program under test,
 * chaos_storm.c draws the storms and tells when one is over, chaos_send.c sends
 * and hears signals, chaos_judge.c judges each verdict.
 */
#ifndef TESTS_MPI_CHAOS_H
#define TESTS_MPI_CHAOS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <mpi.h>

#include "rallypoint.h"

#define SHOTS 20		/* the most signals of a storm */
#define SAVE_SIGNAL SIGXCPU

enum pattern { CHAIN, RING, HALO, ALLREDUCE, PATTERNS };
enum way { RAISE, TIMER, KILL, IN_SAVE, OUTSIDE, WAYS };

/* The ranks of a launch, and what their storms came to. */
struct crew {
	int rank, size;
	pid_t *pids;
	const char *folder;
	int outside;		/* somebody outside sends signals too */
	atomic_int *board;	/* kills sent to each rank, seen by all */
	int kills;		/* ... to this one, by the storms so far */
	int storms;		/* begun */
	int64_t stops, saves, signals, from_outside, commits;
	int64_t longest;	/* answer on this rank, in safe points */
};

/* One episode, the same on all ranks. */
struct plan {
	uint64_t seed;
	enum pattern pattern;
	int signal;		/* that stops */
	int saves;		/* storms before the one that stops */
	int step_ns;
	int slow;		/* the rank that is late most of the time */
	int stride, lag;	/* options; lag -1: auto */
	int file;		/* the program has a file of its own */
	int resume;
};

/* One signal. */
struct shot {
	enum way way;
	int number;
	int from, to;		/* ranks */
	int at;			/* steps after the storm's begin; in_save: in
				   the first save from then on */
	int64_t delay;		/* of a timer, ns */
};

/* Drawn on all ranks alike, down to shots. */
struct storm {
	int number;		/* in the launch */
	int stop;
	int64_t begin, end;	/* steps; at the end a rank has had all */
	int n;
	struct shot shots[SHOTS];
	/* the same on all ranks too */
	int saved, in_save;	/* saves since the begin; ... with the file */
	int64_t quiet;		/* points when the last signal was known, -1 */
	int64_t stride;		/* the longest since then */
	/* this rank's */
	int sent[SHOTS];	/* 2: its timer is gone */
	timer_t timers[SHOTS];
};

/* What a rank's signals of one kind wait for. */
struct watch {
	unsigned answered;	/* so many want nothing any more */
	unsigned before;	/* had come when the safe point was entered */
	int64_t known;		/* points when the oldest of the others was,
				   -1: there is none */
	int64_t stride;		/* the longest since then */
	int maybe;		/* one came in a safe point that saved: it was
				   answered there, or is to be */
};

/* One rank's way through an episode. */
struct run {
	const struct plan *plan;
	struct crew *crew;
	uint64_t luck;		/* the storms' chance, the same on all */
	int storms_left;
	struct storm storm;
	struct watch saves, stops;
	int64_t step;
	int64_t sum;		/* what is saved */
	int64_t points;		/* safe points passed */
	int64_t stride;		/* in force before the next one */
	int64_t sequence;	/* of the newest checkpoint */
	int in_file;		/* this safe point wrote the file */
	unsigned file_saves;	/* save signals that had come when it began */
	unsigned file_stops;	/* stop signals when it was done */
	int verdict;
};

/* chaos.c */
uint64_t chaos_random(uint64_t *state);
int chaos_below(uint64_t *state, int n);
void chaos_fail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void chaos_mpi(int result, const char *what);

/* Runs until the verdict is STOP. */
void chaos_loop(rally_t *rp, struct run *run);
void chaos_rest(int64_t ns);

/* The sum of a rank before a step, if nothing was lost or done twice. */
int64_t chaos_sum(enum pattern pattern, int rank, int size, int64_t step);
void chaos_check_sum(const struct run *run, int64_t sum, int64_t step,
		     const char *when);

/* Counts from now on: before the library installs its handlers, which call
 * those that stood before them after they have counted. */
void chaos_listen(void);

/* Blocks or unblocks them all in this thread. MPI starts its threads with them
 * blocked: else one of those could be between the library's handler and the one
 * here while this thread looks at both counts. */
void chaos_mask(int how);
unsigned chaos_heard(int number);
const char *chaos_signal_name(int number);
void chaos_make_board(struct crew *crew);
void chaos_send(struct run *run, int i);
void chaos_tell_outside(const struct run *run);

/* Waits until the signals that others send to this rank have come, and its own
 * timers' too. Whom it waits for is behind it. */
void chaos_await(struct run *run);

/* The first storm of an episode; what is due before a safe point; in a save;
 * after one; what is left after the stop. */
void chaos_storm_first(struct run *run);
void chaos_storm(struct run *run);
void chaos_storm_in_save(struct run *run);
void chaos_storm_saved(struct run *run);
void chaos_storm_rest(struct run *run);
void chaos_storm_describe(const struct run *run, char *text, size_t size);

/* Before the first safe point, before each and after each. */
void chaos_judge_begin(rally_t *rp, struct run *run);
void chaos_look(struct run *run);
void chaos_judge(rally_t *rp, struct run *run);

#endif
