/*
 * rallypoint.h - save, requeue and resume for MPI programs under Slurm
 *
 * A job is about to lose its nodes: it is preempted, its time runs out, an
 * operator wants the machine. Slurm sends SIGTERM to the tasks. One rank that
 * is signalled is enough: all ranks stop at the same safe point, write one
 * checkpoint in parallel, commit it atomically, and rank 0 has Slurm requeue
 * the job. The next start resumes from it.
 *
 * The whole of a program's loop:
 *
 *     rally_early();
 *     MPI_Init(&argc, &argv);
 *     if ((rc = rally_open(MPI_COMM_WORLD, "ckpt", &rp)) != 0)
 *         MPI_Abort(MPI_COMM_WORLD, rc);
 *     rally_add_array(rp, "T", T, RALLY_F64, 2, global, start, local);
 *     if ((rc = rally_restore(rp, &step, &how)) != 0)
 *         MPI_Abort(MPI_COMM_WORLD, rc);
 *     while (rally_point(rp, step) < RALLY_STOP && step < last) {
 *         advance(T);
 *         step++;
 *     }
 *     if (step == last)
 *         rally_finish(rp, step);
 *     rc = rally_close(rp);
 *     MPI_Finalize();
 *     return rc;
 *
 * Words. A *safe point* is one call of rally_point(): every rank passes the
 * same sequence of them, and no message of the program is under way across
 * one. A *step* is the program's own counter; the work of this step is not
 * done yet. A *shard* is the one file that a rank writes for one checkpoint. A
 * *checkpoint* is a directory of shards with a manifest, complete or absent.
 *
 * Other numbers of ranks. A global array is read by any number of ranks, each its
 * box, halo included or not; so are replicated values and shared files. Private
 * memory is for as many ranks as wrote it, unless rally_adopt() tells who takes what.
 *
 * What survives. A checkpoint whose save returned 0 is durable, whatever
 * happens next. Whatever happens before that leaves the earlier checkpoint as
 * it was: a directory with a final name is complete, and nothing else is read.
 *
 * In the background (option async): a save that is due at a safe point, or that
 * rally_save() makes, only copies what is registered, and the program goes on: the
 * buffers are its own again when the call returns. A thread of each rank writes the
 * copy. The checkpoint is durable when a later rally_point() returns RALLY_SAVED,
 * at one safe point on all ranks, and rally_status() tells its step; until then
 * the earlier one stands. If it fails, that safe point returns RALLY_GO, and
 * rally_error() tells why. Another save waits for it, and so does each other
 * collective call, rally_close() included. A stop saves in the foreground, after
 * it, or in its place where that is quicker.
 *
 * Errors. Calls return 0 or a code of enum rally_error, which lies in 1..255
 * and serves as an exit status; collective calls return the same one on every
 * rank. rally_error() then tells the rank, the path and the reason.
 * rally_point() is the exception: it returns an enum rally_verdict.
 *
 * Calls are marked: Collective (all ranks of the handle's communicator call
 * it, in the same order, and may wait for each other), Logically Collective
 * (all ranks call it in the same order; nobody waits), Not Collective. Each
 * collective call can return ENOMEM, and each but rally_open() also ESITE,
 * EUNEVEN or EOPTION, where ranks are elsewhere or have other options, EPATIENCE
 * and EMPI: then the handle is broken, for good.
 *
 * Threads. MPI_THREAD_SINGLE is enough, but for saves in the background, which
 * want MPI_THREAD_FUNNELED. No thread of the library calls MPI. A handle belongs to
 * one thread at a time; rally_status() may be called by any.
 */
#ifndef RALLYPOINT_H
#define RALLYPOINT_H

#include <stddef.h>
#include <stdint.h>
#ifndef RALLY_NO_MPI	/* for code that only needs the words below */
#include <mpi.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define RALLY_VERSION "0.1.0"
#define RALLY_MAX_DIMS 8	/* dimensions of a global array */
#define RALLY_MAX_NAME 200	/* bytes in a region's name, without the NUL */

typedef struct rally rally_t;

/* What rally_point() tells, the same on every rank. */
enum rally_verdict {
	RALLY_GO = 0,	  /* nothing to do: advance */
	RALLY_SAVED = 1,  /* a checkpoint was committed, of this step or (in the
			     background) of an earlier one: advance */
	RALLY_STOP = 2,	  /* leave the loop; the state is saved. Sticky. */
	RALLY_BROKEN = 3, /* no agreement is possible any more, see
			     rally_error(). Sticky. */
};

/* What rally_restore() found. */
enum rally_how {
	RALLY_FRESH = 0,    /* no checkpoint was ever committed here */
	RALLY_RESUMED = 1,  /* the buffers hold the state before the step */
	RALLY_FINISHED = 2, /* this job called rally_finish() in an earlier
			       start; the buffers are untouched */
};

/* Element types, named after safetensors' dtypes. Bytes that have no type of
 * their own are RALLY_U8; a complex number is two elements of its part. */
enum rally_type {
	RALLY_BOOL = 1,
	RALLY_U8,
	RALLY_I8,
	RALLY_U16,
	RALLY_I16,
	RALLY_U32,
	RALLY_I32,
	RALLY_U64,
	RALLY_I64,
	RALLY_F8_E4M3,
	RALLY_F8_E5M2,
	RALLY_F16,
	RALLY_BF16,
	RALLY_F32,
	RALLY_F64,
};

enum rally_error {
	RALLY_EARG = 65,	 /* an argument is wrong */
	RALLY_EORDER = 66,	 /* a call out of order */
	RALLY_EOPTION = 67,	 /* unknown option, or a value it can't take */
	RALLY_ENOMEM = 68,	 /* out of memory */
	RALLY_EIO = 69,		 /* a system call on the folder failed */
	RALLY_ENOSPC = 70,	 /* the file system or the quota is full */
	RALLY_EMPI = 71,	 /* an MPI call failed; the handle is dead */
	RALLY_EMISMATCH = 72,	 /* the ranks gave arguments that differ */
	RALLY_ESITE = 73,	 /* the ranks are at different safe points */
	RALLY_EUNEVEN = 74,	 /* some ranks closed, others did not */
	RALLY_ECORRUPT = 75,	 /* checkpoints are there, none verifies */
	RALLY_EVANISHED = 76,	 /* a commit is on record, no checkpoint is
				    there */
	RALLY_ELAYOUT = 77,	 /* stored name, type, shape, count or number
				    of ranks is another than registered */
	RALLY_EOWNED = 78,	 /* another job writes to this folder */
	RALLY_EAPP = 79,	 /* a function of the program's returned an
				    error */
	RALLY_EREQUEUE = 80,	 /* the job could not be requeued */
	RALLY_EUNFINISHED = 81,	 /* stopped and saved, but nothing will start
				    the job again */
	RALLY_EPENDING = 82,	 /* a stop came too late to be saved */
	RALLY_EABSENT = 83,	 /* nothing is stored under this name, or at this
				    path */
	RALLY_EUNCONFIRMED = 84, /* committed, but the folder's fsync failed */
	RALLY_EVERSION = 85,	 /* written by a newer format */
	RALLY_EPATIENCE = 86,	 /* a rank did not come in time */
	RALLY_EDEVICE = 87,	 /* a GPU, or its driver, failed */
};

/*
 * Setting up
 */

/* Installs the handler for SIGTERM, before MPI_Init, so that a signal during
 * the start is remembered instead of ending the rank, and unblocks it in the
 * calling thread, which may have inherited a mask (`rallypoint run` blocks it in
 * launchers): a stop signal that stays blocked would never be seen. Optional;
 * rally_open() does the same later, for all stop signals. Not Collective. */
int rally_early(void);

#ifndef RALLY_NO_MPI
/* Opens the checkpoint folder `dir` (made if absent; it must be the same
 * shared folder for all ranks, which one rank of each node looks at) for the
 * ranks of the intracommunicator `comm`, which is duplicated and not used any
 * further. Options come from the environment of rank 0 (RALLY_KEY=value; see
 * rally_set()). `*rp` is the caller's until rally_close(), also after an error:
 * then the reason is on stderr of rank 0 and in rally_error(), every other call
 * returns the same code, and rally_close() frees it. Without memory, and before
 * MPI_Init or after MPI_Finalize, it is NULL.
 * Collective on comm; dir must match.
 * Errors: EARG, EORDER, EOPTION, EMISMATCH, EIO, ENOSPC, EOWNED, EMPI, ENOMEM. */
int rally_open(MPI_Comm comm, const char *dir, rally_t **rp);
#endif

/* Sets an option as text, as the environment does: rally_set(rp, "every",
 * "10m") is RALLY_EVERY=10m; the environment wins. `rallypoint options` and
 * rallypoint(7) list the keys. After an error the option is as it was.
 * Collective; arguments must match. Errors: EOPTION, EMISMATCH, EIO; for a second
 * folder (key "fallback") also ENOSPC and EOWNED. */
int rally_set(rally_t *rp, const char *key, const char *value);

/* Keeps a string of the program's own with every checkpoint from now on (it is
 * copied; NULL for value drops it). Rank 0's are stored. Logically Collective.
 * rally_meta_get() returns what the last rally_restore() found under key, on
 * any rank, or NULL; the string is the library's until the next restore or
 * close. Not Collective. */
int rally_meta(rally_t *rp, const char *key, const char *value);
const char *rally_meta_get(const rally_t *rp, const char *key);

/*
 * What is saved
 *
 * Names are 1 to RALLY_MAX_NAME bytes of printable ASCII without '/', '@', '"'
 * and '\', do not begin with a dot, and "__metadata__" is none: it is the shards'
 * own. Adding a name again replaces what it stood for, and costs a look-up: a program that swaps two buffers adds the
 * current one again in each step. Buffers stay the program's: they must hold
 * their data until the name is dropped or the handle closed, and are read at a
 * safe point or in rally_save() only. The library can't notice one that was freed
 * before: drop its name first, or add the new buffer under it.
 *
 * Memory of a GPU is registered like any other: a pointer of cudaMalloc(),
 * cudaMallocAsync() or cudaMallocManaged() is known by CUDA's driver, on any of
 * the rank's GPUs and whichever is current. Before such memory is read or filled
 * the library waits for what the program has started, see rally_stream().
 *
 * A registration that one rank refuses is not forgotten: the next save and
 * restore fail with it on all ranks, until that name is added or dropped.
 */

/* Registers `count` elements at `data` that are private to this rank. The
 * count may be 0, may differ between ranks and may change between saves (add
 * again). It is restored by the same rank of the same number of ranks; for
 * another number see rally_adopt(). Not Collective. Errors: EARG. */
int rally_add(rally_t *rp, const char *name, void *data, enum rally_type type,
	      size_t count);

/* Registers this rank's box of a global array of `ndim` dimensions, row-major:
 * `data` holds local[0] x ... x local[ndim-1] elements without gaps, and its
 * first one is element (start[0], ..., start[ndim-1]) of the array of shape
 * global[]. A box may be empty, and may overlap with others', see rally_own(). All
 * three are copied. It is restored by any number of ranks, each into the box that it has
 * then. type, ndim and global must match on all ranks. Logically Collective.
 * Errors: EARG. */
int rally_add_array(rally_t *rp, const char *name, void *data,
		    enum rally_type type, int ndim, const int64_t *global,
		    const int64_t *start, const int64_t *local);

/* Which part of its box of an array this rank answers for, in elements of the global
 * array: the box without its halo. Where boxes overlap, a restore with other boxes
 * takes what the owner stored, whatever is in the others' halos; what nobody owns must
 * be the same in all boxes that have it, or that restore is refused. A rank that finds
 * the box that it stored fills it with that, halo and all. It stays declared while the
 * array is added again with the same box, and is forgotten with another. Either all
 * ranks declare it of an array or none. The part must lie inside of the box; it may
 * be empty. Logically Collective. Errors: EARG, EABSENT; what one rank refuses is not
 * forgotten either. */
int rally_own(rally_t *rp, const char *name, const int64_t *start,
	      const int64_t *local);

/* Registers an array of `ndim` dimensions that each rank has all of: parameters, a
 * table, a random state that is the same everywhere. It is stored once, each rank a
 * slice of its rows (of 4 MiB or more, else fewer ranks do), as a global array that
 * any number of ranks, and rally_add_array() too, may read; a restore fills it on
 * every rank. Each save, a stop's too, first compares the ranks' bytes, by a hash of
 * all of them: where they differ, bit for bit, it fails with EMISMATCH on all ranks
 * and names the array and two ranks. type, ndim and shape must match on all ranks.
 * Logically Collective. Errors: EARG. */
int rally_add_replicated(rally_t *rp, const char *name, void *data,
			 enum rally_type type, int ndim, const int64_t *shape);

/* Lets checkpoints lack a registered name: of a memory, array or file that is new in
 * the program, say. A restore from one that does leaves the memory as it is, or does
 * not call the file's function, and says so. It holds until the name is dropped.
 * Logically Collective. Errors: EARG, EABSENT. */
int rally_optional(rally_t *rp, const char *name);

/* Files that the program writes itself, in its own format (LAMMPS, HDF5,
 * PETSc ...). During a save `fn` is called with RALLY_FILE_WRITE and a path
 * inside the checkpoint that is being written: it creates that regular file. (A
 * save that finds no space may begin anew, and calls it again with another path.)
 * The commit then makes it durable, hashes it and counts it in. During a
 * restore, once the file's hash is verified, fn is called with RALLY_FILE_READ
 * and the path to read from; the file stays there until the checkpoint is
 * pruned, so fn may just remember the path. fn returns 0, or anything else to
 * fail the save or the restore on all ranks. It may not call the library, but for
 * rally_request(), rally_status(), rally_error() and rally_meta_get(): that is
 * EORDER, and the save or restore fails with it.
 *
 * RALLY_FILE_SHARED: one file for all ranks, fn is called on every rank with
 * the same path and may use collective calls of the program's communicators.
 * RALLY_FILE_PRIVATE: a file for each rank, to be read by the same number of ranks.
 * Files are called in the order of
 * their names, so name and scope must match on all ranks.
 * Logically Collective. Errors: EARG. */
enum rally_file_scope { RALLY_FILE_SHARED = 0, RALLY_FILE_PRIVATE = 1 };
enum rally_file_op { RALLY_FILE_WRITE = 0, RALLY_FILE_READ = 1 };
typedef int rally_file_fn(const char *path, enum rally_file_op op,
			  int64_t step, void *arg);
int rally_file(rally_t *rp, const char *name, enum rally_file_scope scope,
	       rally_file_fn *fn, void *arg);

/* Takes a name out of the checkpoints to come. Not Collective for regions,
 * Logically Collective for arrays and files. Errors: EABSENT. */
int rally_drop(rally_t *rp, const char *name);

/* The stream (a cudaStream_t or CUstream) whose work a save or a restore waits
 * for before it reads or fills registered memory: what the program starts there
 * before rally_point() or rally_save() is in the checkpoint. It must live until
 * another is given. NULL, as without this call: all work is waited for in the
 * contexts that hold registered memory. Safe points that do nothing wait for
 * nothing. What other streams, or other GPUs' kernels, write is the program's to
 * wait for; work of CUDA's legacy default stream is in a stream too,
 * cudaStreamLegacy. Each rank gives its own. Not Collective. Errors: EARG. */
int rally_stream(rally_t *rp, void *stream);

/*
 * The loop
 */

/* A safe point; `step` is the step whose work is not done yet. Put it where
 * the registered buffers are whole, at the top of the loop, and pass it once
 * more after the last step. Between rounds it costs a counter and a branch.
 * A failed periodic save is GO: the error is kept for rally_error() and said
 * on stderr. When STOP comes back, the state is saved and the requeue is
 * through or was refused, as rally_close() will tell: all ranks leave the
 * loop, and no later safe point touches MPI any more.
 * Several loops may have safe points of their own, also one inside of a step of
 * another: training, evaluation, warm-up. Those of an inner loop pass the step
 * that they belong to, and the run resumes at its begin. `file` of
 * rally_point_at() is kept and must stay valid until the close.
 * A rank that is elsewhere, in another loop, at another step or in another call
 * of this library, breaks the handle on all ranks, and rally_error() tells where
 * two of them are. Where RALLY_PATIENCE is set, so does one that does not come
 * within that time, for the others and, when it comes, for itself; MPI itself
 * still waits for it, so end the program with MPI_Abort.
 * Collective; step must match. Returns an enum rally_verdict. */
#define rally_point(rp, step) rally_point_at((rp), (step), __FILE__, __LINE__)
int rally_point_at(rally_t *rp, int64_t step, const char *file, int line);

/* Asks for a save, or a stop with its save, at the next agreed safe point, as
 * a signal would. One rank is enough. Not Collective. Errors: EARG. */
enum rally_want { RALLY_WANT_SAVE = 1, RALLY_WANT_STOP = 2 };
int rally_request(rally_t *rp, enum rally_want want);

/* Saves now. Between two safe points, at the same place on all ranks. Does
 * nothing if what this handle saved or restored last is of this step already.
 * With option async 0 means that the copy is taken; a later rally_point(), or
 * rally_close(), tells whether it was committed.
 * Without a rally_restore() before, the checkpoints of an earlier run are not
 * pruned.
 * Collective; step must match. Errors: EARG of a registration that was refused,
 * EIO, EDEVICE, ENOSPC, EMISMATCH, EOWNED, EAPP, EORDER; EUNCONFIRMED where the
 * checkpoint is there but may not survive a power cut. After an error the earlier
 * checkpoint stands. */
int rally_save(rally_t *rp, int64_t step);

/* Fills the registered buffers from the newest checkpoint that verifies on
 * every rank; one that does not is named on stderr and passed over for the
 * next older. Only what is read is verified: each rank reads the blocks that hold
 * something of its buffers. `*how` is an enum rally_how. `*step` is the step to do
 * next; the one of rally_finish() when finished; left alone when fresh. Names that are
 * stored but not registered are left out; one that is registered but not stored
 * is ELAYOUT, see rally_optional(). With another number of ranks than wrote it arrays
 * and shared files are restored; a private file is ELAYOUT, so is private memory
 * without rally_adopt(), and so are a box that nobody stored and ranks that stored
 * different values for one element. After an error the buffers are undefined.
 * Where the folder has none, and none was ever committed there, option `from` names
 * a checkpoint, or a folder of them, to begin from, as rally_restore_from() does.
 * Collective. Errors: EARG of a registration that was refused, ECORRUPT,
 * EVANISHED, ELAYOUT, EVERSION, EIO, EDEVICE, EAPP, EORDER; EABSENT where there is
 * nothing at option `from`. */
int rally_restore(rally_t *rp, int64_t *step, int *how);

/* Restores from a checkpoint of any folder: `path` is its directory, and no other is
 * tried, or a folder, and then it is the newest there that verifies. That folder is
 * only read: not claimed, written to or pruned. The handle's own gets the saves to
 * come, the first one, a stop's too, also where it is of the same step: a requeued
 * start then finds it there. So call it where rally_restore() has told RALLY_FRESH,
 * or set option `from`, which is heeded only there and which rally_find() follows;
 * a start that calls it whatever its own folder has begins at `path` again.
 * Collective; path must match. Errors: those of rally_restore() but EVANISHED;
 * EABSENT where there is no such checkpoint, only a save that was never committed, or
 * a folder without checkpoints; EMISMATCH. */
int rally_restore_from(rally_t *rp, const char *path, int64_t *step);

/* Private memory of another number of ranks. Where a checkpoint was written by more
 * or fewer ranks than there are now, its restore calls `fn` on each rank for each old
 * rank's private region, in the order of the old ranks, then of the names. fn leaves
 * *into NULL where the region is not for this rank; else it sets it to memory for
 * old->count elements, which is filled when the restore returns 0 and must stay until
 * then. Several ranks may take the same. One that no rank takes is lost, with a warning.
 * Returns 0, or anything else to fail the restore on all ranks. fn is called for all
 * of them even so, and may use collective calls of the program's; `old` is the
 * library's. It may not call the library, as a function of rally_file(). A damaged
 * checkpoint is given up for an older one, whose regions are told from old->index 0
 * on, also where as many ranks as these wrote it: then what was given before is void.
 * The memory that is registered by rally_add() is left alone by such a restore: add
 * what has become of it afterwards. Without a function (NULL takes it back) registered
 * private memory of another number of ranks is ELAYOUT. On the same number of ranks
 * fn is not called otherwise. Logically Collective. Errors: none of its own. */
struct rally_old {
	int rank, ranks;		/* whose it was, of how many */
	const char *name;
	enum rally_type type;
	size_t count;
	int64_t step;			/* of the checkpoint */
	size_t index;			/* 0, 1, ... in one checkpoint */
};
typedef int rally_adopt_fn(const struct rally_old *old, void **into, void *arg);
int rally_adopt(rally_t *rp, rally_adopt_fn *fn, void *arg);

/* What the checkpoint that rally_restore() would try first holds under a name,
 * so that memory can be had before it is filled. For a private region: this
 * rank's own, with ndim 1; on another number of ranks there is none. For an array: the
 * global shape, and this rank's box where the number of ranks is the one that wrote it,
 * else an empty box. For a replicated array: the box is all of it.
 * Collective; name must match. Errors: EABSENT (also for a folder without
 * checkpoints), EMISMATCH, EIO, ECORRUPT, EVERSION. */
struct rally_info {
	enum rally_type type;
	int is_array;			 /* 0: private region */
	int is_replicated;		 /* an array of rally_add_replicated() */
	int ndim;
	int64_t shape[RALLY_MAX_DIMS];	 /* global shape, or {count} */
	int64_t start[RALLY_MAX_DIMS];	 /* first element of the stored box */
	int64_t local[RALLY_MAX_DIMS];	 /* shape of the stored box */
	int64_t step;
	int ranks;			 /* number of ranks that wrote it */
};
int rally_find(rally_t *rp, const char *name, struct rally_info *info);

/*
 * The end
 */

/* Has Slurm put this job back into the queue, to start again with the same job
 * id. Rank 0 asks; Slurm then ends the job within KillWait. A stop does this by
 * itself where the handle spans the job's only running step, or one of several
 * of a job that Slurm ends, after the others or near the end; call it where it
 * does not. Collective. Errors: EREQUEUE. */
int rally_requeue(rally_t *rp);

/* Marks the run as finished at `step`, for this job id: a requeue after the end
 * then finds RALLY_FINISHED, and a new job may extend the run. Outside of Slurm
 * a start is always a new run. Saves nothing. On a broken handle it returns the
 * handle's error and marks nothing. Collective; step must match.
 * Errors: EIO, ENOSPC. */
int rally_finish(rally_t *rp, int64_t step);

/* Ends the handle (NULL is allowed) and never saves. By option requeue_at=close it
 * has Slurm requeue a job that was stopped. Made to be the program's exit status:
 * 0 where the run is finished, or left by the program's own choice, or stopped,
 * saved and requeued; EUNFINISHED where it is stopped and saved but will not start
 * again by itself (or what option requeue_exit says, where Slurm could not be
 * asked); EPENDING where a stop arrived too late to be acted on; EUNEVEN where
 * other ranks go on or have passed another number of safe points; the handle's
 * error where it is broken. A save that was asked for and not done yet is not done
 * any more; one that goes on in the background is waited for, and where it fails
 * here, or in a call since the last safe point, and nothing above is to be told, its
 * code comes back. Collective. Call it before MPI_Finalize, which reports and
 * completes a forgotten one. */
int rally_close(rally_t *rp);

/*
 * Looking
 */

struct rally_status {
	int64_t step;		/* of the last round or save, -1 before it */
	int64_t sequence;	/* of the newest checkpoint, -1 without one */
	int64_t saved_step;	/* its step */
	uint64_t points;	/* safe points passed, exact at a round */
	uint64_t rounds;	/* rounds completed */
	uint32_t stride;	/* safe points between two rounds */
	uint32_t lag;		/* safe points from a round to its verdict */
	int signal;		/* last signal that this rank has seen, or 0 */
	int verdict;		/* sticky verdict, RALLY_GO while running */
	uint64_t bytes_done;	/* of this rank, in the save or restore that */
	uint64_t bytes_total;	/* is running (also in the background) or was
				   the last */
	double save_seconds;	/* that a save is expected to take, < 0: not
				   known; the same on all ranks, as of the last
				   round */
	double seconds_left;	/* until the nodes are lost, < 0: not known; when
				   STOP comes back, by the job's record */
	int saving;		/* 1 while a save goes on in the background */
	uint64_t restored_needed;	/* bytes of this rank's memory that the last
					   restore filled, */
	uint64_t restored_read;		/* and that it read from shards for them */
};

/* Fills `*status`. Any thread, any time between open and close.
 * Not Collective. Errors: EARG. */
int rally_status(const rally_t *rp, struct rally_status *status);

/* A sentence for a code, static. Not Collective. */
const char *rally_strerror(int code);

/* The last error of this handle in full (rank, path, reason); "" before one and
 * for NULL. The library's; valid until the next call on the handle.
 * Not Collective. */
const char *rally_error(const rally_t *rp);

#ifdef __cplusplus
}
#endif
#endif
