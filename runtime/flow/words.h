/*
 * flow/words.h - what is said: a line on stderr, a line in events.jsonl
 *
 * One function for each event. All ranks call them; rank 0 speaks. A line on
 * stderr begins with "rallypoint: ".
 */
#ifndef RP_FLOW_WORDS_H
#define RP_FLOW_WORDS_H

#include <stdint.h>

#include "flow/handle.h"

/* What a restore took, on all ranks: bytes verified of shards and files; of the memory
 * that is filled, and read from shards for it. */
struct rp_taken {
	uint64_t verified, needed, read;
};

void rp_words_open(struct rally *rp);
void rp_words_signal(struct rally *rp, const struct rp_tally *tally,
		     int64_t step);
/* What the job's record tells, and why rp->told is set. */
void rp_words_told(struct rally *rp, int64_t left_ns);
void rp_words_verdict(struct rally *rp, int64_t step, const char *cause);
void rp_words_saved(struct rally *rp, int64_t sequence, int64_t step,
		    uint64_t bytes, int64_t elapsed, const char *cause);
/* Before a save, and with rp->plan's prediction rp_words_saved() after it. */
void rp_words_expected(struct rally *rp, uint64_t bytes, int64_t expected,
		       int64_t left_ns);
/* A save that failed is tried again, in the same or in the other folder. */
void rp_words_fallback(struct rally *rp, const char *from, const char *to,
		       const char *reason);
/* A copy is taken, and is written while the program goes on; what became of it. */
void rp_words_staged(struct rally *rp, int64_t step, uint64_t bytes,
		     int64_t elapsed);
void rp_words_overtaken(struct rally *rp, int64_t step);
void rp_words_stale(struct rally *rp, int64_t step, int64_t older);
void rp_words_current(struct rally *rp, int64_t step);
void rp_words_pruned(struct rally *rp, size_t count);
void rp_words_passed_over(struct rally *rp, const char *name,
			  const char *reason);
/* `from`: a checkpoint that is not in the own folders; NULL: it is. */
void rp_words_resumed(struct rally *rp, const struct rp_manifest *m,
		      const char *from, const struct rp_taken *taken,
		      int64_t elapsed);
/* Optional names that the restored checkpoint lacks, and the same as text. Steals the
 * array. */
void rp_words_absent(struct rally *rp, json_t *names, const char *text);
void rp_words_fresh(struct rally *rp);
void rp_words_was_finished(struct rally *rp, int64_t step);
void rp_words_finished(struct rally *rp, int64_t step);
void rp_words_requeue(struct rally *rp, enum rp_answer answer,
		      const char *detail);
void rp_words_stop(struct rally *rp, int64_t step);

/* This rank waits for another. Ranks 0 and 1 say so: one of them does where the
 * other is the one that is late. */
void rp_words_waiting(struct rally *rp, int64_t waited_ns);

/* An error, also where words are off: "rallypoint: WHAT: sentence". */
void rp_words_error(struct rally *rp, const char *what,
		    const struct rp_err *err);
/* Why rally_open() failed; the folder is not ours to write to. */
void rp_words_refused(struct rally *rp, const struct rp_err *err);
/* A warning that has no event of its own. */
void rp_words_warn(struct rally *rp, const char *text);

/* A progress bar on rank 0's terminal while a transfer takes over a second. */
void rp_words_bar_begin(struct rally *rp, const char *what);
void rp_words_bar_end(struct rally *rp);

#endif
