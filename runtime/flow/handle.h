/*
 * flow/handle.h - struct rally: everything that an open handle has
 */
#ifndef RP_FLOW_HANDLE_H
#define RP_FLOW_HANDLE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "base/options.h"
#include "base/progress.h"
#include "data/manifest.h"
#include "data/region.h"
#include "data/shard.h"
#include "flow/fallback.h"
#include "flow/origin.h"
#include "flow/place.h"
#include "flow/plan.h"
#include "flow/saving.h"
#include "group/agree.h"
#include "group/comm.h"
#include "group/node.h"
#include "sys/alarm.h"
#include "sys/device.h"
#include "sys/folder.h"
#include "sys/out.h"
#include "sys/owner.h"
#include "sys/poll.h"
#include "sys/sched.h"
#include "sys/shard_base.h"
#include "sys/stage.h"
#include "sys/worker.h"

/* The checkpoints of the folder, as all ranks know them. */
struct rp_standing {
	int64_t sequence;	/* of the newest one that verified, -1: none */
	int64_t step;		/* its step */
	int aside;		/* it is in the second folder */
	int64_t next;		/* the sequence of the next one */
	int64_t first;		/* of this run's first one; rank 0 */
	struct rp_hash content;	/* of the newest, rank 0 only */
	int confirmed;		/* ... and would survive a power cut */
	struct rp_doubt *doubts;	/* those passed over; rank 0 */
	size_t n_doubts;
};

/* A registration that was refused. */
struct rp_refused {
	char *name;
	struct rp_err err;
};

/* What rally_status() reads from any thread. */
struct rp_seen {
	_Atomic int64_t step, sequence, saved_step, left_at, save_ns;
	_Atomic uint64_t points, rounds;
	_Atomic uint64_t needed, read;	/* bytes, of the last restore */
	_Atomic uint32_t stride, lag;
	_Atomic int verdict, saving;
};

/* Why rank 0 wants a stop, besides signals and requests. */
enum rp_told { RP_TOLD_NOTHING, RP_TOLD_PREEMPTED, RP_TOLD_LIMIT };

struct rally {
	struct rp_agree agree;	/* first: the hot path */
	struct rp_comm comm;
	struct rp_options options;
	struct rp_regions regions;
	void *stream;		/* of the program's on a GPU, or NULL */
	struct rp_err err;	/* of the call that runs or ran last */
	struct rp_err kept;	/* of the last save at a safe point */
	struct rp_refused *refused;	/* registrations: fail the next save and */
	size_t n_refused;		/* restore until they are mended */
	int lost_refusal;	/* one could not be kept: for good */
	struct rp_io io;	/* what reads and writes dir */
	char *dir;
	struct rp_owner owner;	/* rank 0 */
	struct rp_pool pool;	/* likewise: for the next save */
	int unclaimed;		/* dir could not be written to at the open */
	struct rp_second second;	/* by option 'fallback' */
	int aside;		/* the save that runs, or ran last, is there */
	struct rp_sched sched;	/* rank 0 */
	int sched_open;
	struct rp_poll poll;	/* likewise */
	enum rp_told told;	/* likewise */
	int64_t doubted;	/* rp_now() when the time limit looked near; 0 */
	int64_t left_at_first;	/* ns, by the first record */
	int64_t begun_step;	/* of the checkpoint that this start began from */
	int held;		/* in the queue, by the last requeue */
	int may_exit;		/* option requeue_exit may start the job again */
	int64_t stopped_at;	/* rp_now() of this rank's signal that the stop
				   answers, or of its verdict */
	int stop_saved;		/* by it, or already before */
	struct rp_job job;
	struct rp_node node;
	int threads;		/* a helper thread may be used */
	struct rp_progress progress;
	struct rp_staging staging;	/* of the shards that this rank writes */
	struct rp_layout layout;	/* likewise */
	struct rp_shard_base base;	/* likewise */
	struct rp_saving saving;	/* the save that runs, or ran last */
	/* in the background */
	int may_thread;		/* MPI knows that there may be threads */
	struct rp_worker *worker;	/* NULL before the first save there */
	struct rp_io writer_io;	/* the worker's */
	struct rp_stage stage;	/* the data that it writes */
	int foreground;		/* the next save, since one there has failed */
	int prepared;		/* room was made for it, or could not be */
	int told_refusal;	/* that there is no room for it */
	int untold;		/* the code of one that has failed in a call with
				   another answer, since the last safe point */
	json_t *meta;		/* the program's strings, to be saved */
	json_t *restored_meta;
	rally_adopt_fn *adopt;	/* for private memory of another number of ranks */
	void *adopt_arg;
	int adopting;		/* this restore has told the function of regions */
	struct rp_origin origin;	/* by option 'from' */
	char *found_path;	/* rally_find()'s, NULL: none */
	struct rp_manifest found;	/* likewise */
	struct rp_shard found_shard;	/* likewise, this rank's, n 0: none */

	/* what this rank wants */
	atomic_int asked;	/* enum rally_want, or'ed */
	uint32_t stops_seen, saves_seen;	/* signal counts */
	struct rp_place round_place;	/* where the round in flight started */
	int64_t round_number;	/* of the last save, there */
	struct rp_place here;		/* where this rank waits, if it does */
	struct rp_alarm alarm;
	/* what all ranks know */
	struct rp_standing standing;
	int64_t base_step;	/* periodic saves count from here */
	int has_base;
	int64_t last_save;	/* rp_now() of the last save or restore */
	uint64_t saved_at;	/* safe points passed at the last save, 0: none */
	int saved_here;		/* a commit is known since the safe point began */
	struct rp_plan plan;	/* what the next one will take */
	int stop_pending;	/* seen in a vote, to be told at the next point
				   */
	int verdict;		/* sticky */
	int requeued, finished;
	int deferred;		/* the requeue of a stop, to the close */
	int restored;		/* rally_restore() was called */
	const char *in_program;	/* what its function that runs is for, or NULL */
	int told_unshared;	/* that blocks can't be shared */
	int told_space;		/* that the next save will not fit */
	int keyval;		/* on MPI_COMM_SELF, for a forgotten close */
	int closing;

	struct rp_seen seen;
	/* words.c's */
	int64_t bar_from, bar_last;
	const char *bar_what;
};

/* Opens a handle: rally_open() without its checks. After an error the handle is
 * broken and holds it; NULL without memory. */
int rp_handle_open(struct rally **rp, MPI_Comm comm, const char *dir);
void rp_handle_free(struct rally *rp);

/* rally_set(): one option, on all ranks. Collective. */
int rp_handle_set(struct rally *rp, const char *key, const char *value);

/* Remembers that the registration of a name was refused with rp->err, or that
 * the name is mended (1: it had been refused). */
void rp_handle_refuse(struct rally *rp, const char *name);
int rp_handle_mend(struct rally *rp, const char *name);

/* The error of a registration that this rank has not mended yet, as rp->err. */
int rp_handle_refused(struct rally *rp);

/* No agreement is possible any more: keeps and tells rp->err. */
int rp_handle_break(struct rally *rp);

/* Breaks the handle where an MPI call failed since: nothing may be sent. */
void rp_handle_notice_death(struct rally *rp);

/* At the end of a public call that reached the agreement: its clock, the next
 * safe point that is due, and what rally_status() shows. */
void rp_handle_leave(struct rally *rp, int64_t step);

#endif
