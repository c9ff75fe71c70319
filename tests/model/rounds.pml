/*
 * rounds.pml - the agreement of runtime/group/agree.h, for spin
 *
 * N ranks pass safe points, as far apart as the rounds let them drift. What is
 * claimed stands in assertions, and in that no rank is left waiting:
 *
 *   cut        all ranks stop and save at the same safe point
 *   progress   nobody waits for ever, whomever the program receives from
 *   answer     a request is answered within S + 1 safe points of the rank that
 *              has it, also one that comes in a save, or beside another
 *   close      a stop that was asked for before a rank's last round is carried
 *              out by all, or told to all as pending
 *   uneven     ranks that pass unequal numbers of safe points all get the same
 *              error
 *   fail       a save that fails on one rank fails on all, later requests are
 *              answered, and a stop is not lost by it
 *   background a save that is written while the ranks go on is committed only
 *              when all parts are durable; all learn its end, and the same, at
 *              one safe point; nothing is pruned before all know of the commit;
 *              none is left running by a stop or a close
 *
 * There is no horizon: indices count from the slowest rank (rebase), so that the
 * runs of any length have finitely many states, and all of them are looked at.
 * Requests and failures may come any number of times. A rank that waits for ever
 * is found as a state without a next one: the others come no further than the
 * next round without it.
 *
 * Names here and there
 *
 *   start, finish          start_round and finish_round of flow/point.c; before
 *                          `start` is the beginning of run_point
 *   decide, restart        rp_agree_plan, rp_agree_restart
 *   moved                  rp_agree_move said so; rp_agree_arrive acts on it
 *   hear, look             rp_place_ballot, rp_place_same
 *   save                   rp_save of flow/save.c: rp_place_meet, then a vote
 *   saved                  act_on and stop_here, by what the save was for (why)
 *   closing, leaving       leave_together and rp_close
 *   broken                 rp_handle_break, and what all do to name the ranks
 *   elapse, told           rp_background_ballot, rp_background_hear
 *   through                rp_save_through, and what it is made of
 *   phase                  that of struct rp_saving
 *   about                  round_number is the number of the save that runs
 *   part, commits          what the writer of this rank, or the commit, came to
 *   idx, start_at, lag, flight, pending    index, start_at, lag, in_flight of
 *                          struct rp_agree, stop_pending of struct rally;
 *                          complete_at is start_at + lag while in flight
 *   current                the step is that of the newest checkpoint
 *   op[ROUNDS], op[VOTES]  and after: what is under way on the communicators
 *   join, FULL             an operation's start, and that it may complete: when
 *                          all ranks have started it. Operations on one
 *                          communicator match by their order.
 *
 * What is left out, and why
 *
 *   - Values that are reduced, but for the bits that decide. The window to the
 *     next round and its lag, which follow from them, are chosen anew for each
 *     round, by the first rank that completes it, for all: any may follow any,
 *     which is more than doubling and boundaries allow.
 *   - Of the collective calls within a save there is one, the vote on what each
 *     rank wrote. All ranks pass all of them, in one order.
 *   - A writer, and rank 0's commit, come to their end where a ballot looks, or
 *     where they are waited for. Saves are in the background always or never; that
 *     a stop gives one up is chosen for all.
 *   - Requests come where a ballot reads the handler's counter: nothing else can
 *     tell when they came. Those of rank 0, which are timed, come at safe points
 *     between rounds too. All ranks do the same, so what holds for its requests
 *     holds for those of any; of the others' nothing is kept (hear), and the
 *     periodic saves are among them.
 *   - A rank sends to everybody when an interval begins, then receives from any
 *     ranks in any order, or from none. Those that receive before they send must
 *     not do so in a circle: CHAIN has them in the order of their numbers.
 *   - What is local, or seen by others only as a delay, is one step with what
 *     is before it. The start of an operation, its end, and the sending are steps
 *     of their own.
 *   - MPI errors and `patience`: no agreement is promised after them.
 *
 * -DN=ranks -DS=longest window, and what else may happen:
 *
 *   END       the program comes to its end: all close after the same index
 *   EVENTS    rally_save() and rally_restore() between two safe points
 *   CUTS      a window cut short at an index: another loop, where a round
 *             starts at once and is completed at once
 *   CHAIN     a rank may receive from those below it before it sends
 *   FAILS     ranks fail to write
 *   BACK      saves are in the background, but those of stops
 *   UNEVEN    each rank closes when it likes, and none waits for the messages of
 *             one that has
 *   ALONE     rank 0 calls rally_save() when it likes, the others do not, and do
 *             not wait for its messages then
 *
 * Variants that are wrong, so that it is seen that the claims bite:
 *
 *   HOLD        told of a request, ranks wait at the safe point after the
 *               farthest
 *   ARRIVAL     a verdict is applied as soon as it is there
 *   LATE        a round is completed where the next one starts
 *   OWN_FAIL    when the next round starts depends on a rank's own failure,
 *   OWN_RESULT  or whether a save has failed does
 *   OWN_LAG     when a round is completed follows from what was not reduced
 *   EAGER       a rank that has a request starts a round at once
 *   CLEARED     a request is forgotten when it was contributed
 *   BY_VOTE     a save begins with a vote, on the other communicator
 *   NO_LEAVE    close only completes the round in flight
 *   UNCOUNTED   the last round does not compare how many safe points there were
 *   OWN_PART    rank 0 commits when its own part is durable
 *   OWN_END     the end of a commit is applied by the rank that knows it
 *   OWN_WAIT    who has written its part does not wait for the save to end
 *   UNNUMBERED  what a round tells may be of the save before
 *   UNKNOWN     rank 0 prunes when it knows of the commit
 */
#ifndef N
#define N 3
#endif
#ifndef S
#define S 2
#endif
#ifdef LATE
#define FIRST (S + 1)	/* a start may lie that far behind */
#else
#define FIRST 1
#endif
#define ME (1 << _pid)
#define ALL ((1 << N) - 1)
#define SLOTS 3		/* operations of a communicator that may be under way */
#define ROUNDS 0	/* the slots of each communicator begin here */
#define VOTES SLOTS

/* What a rank goes through a save for; beyond SECOND it is a call of the program
 * between two safe points. */
#define VERDICT 0
#define STOP 1
#define SECOND 2
#define CALLED 3
#define RESTORE 4

/* How far a rank knows a save to be. */
#define IDLE 0
#define WRITING 1
#define COMMITTING 2
#define COMMITTED 3

/* What a part or a commit came to, or a save. */
#define GOOD 1
#define LOST 2
#define GIVEN_UP 3

/* Where it goes on behind the end of a save. */
#define ACTED 1
#define MADE 2
#define RESTORED 3
#define CLOSED 4

/* What a rank ends with. */
#define DONE 1
#define STOPPED 2
#define PENDING 3
#define EUNEVEN 4
#define ESITE 5

typedef operation {
	byte started, read;	/* by these ranks */
	byte site;		/* of the first */
	bit differs;		/* the site of another */
	bit want_save, want_stop, failed, leaving, staying;
#ifdef BACK
	bit undurable, lost, unknown;
	byte outcome;
#endif
	bit planned;		/* by the first that completed it: */
	bit lag;
	byte gap
};

operation op[2 * SLOTS];

/* Of each rank. The first index is that before any safe point. */
byte idx[N] = FIRST;
byte start_at[N] = FIRST + 1;
byte lag[N];
bit flight[N];
bit sent[N];		/* its messages of this interval */
bit gone[N];		/* where no one is to wait for its messages */
bit pending[N], current[N];

#ifdef BACK
byte phase[N], part[N];
bit about[N];			/* the round in flight is of this save */
bit same[N];			/* the save that runs is of this step */
byte commits;			/* what rank 0's commit came to */
byte told_at, told_how, told_to;
#endif

/* The requests of rank 0; whether it has had an answer, and how many safe points
 * it has passed without. */
bit ask_save, ask_stop;
bit save_owed, stop_owed;
byte save_age, stop_age;

/* What the program does is the same on all ranks. The first that comes to an
 * interval settles it; a bit for each index. */
byte settled = 0;
byte last;		/* safe point, then the program ends */
byte saves, restores, cuts;
#ifdef CUTS
bit moved[N];
#endif

/* What the first rank came to, to compare the others with. */
byte stopped_at;
byte ended, ended_saved;

#ifdef HOLD
byte hold, held;		/* where, and how many do */
#endif

/* Of one atomic sequence, 0 between them. What a d_step alone uses may be hidden
 * from the states; the others spin has to restore when it goes back. */
hidden byte h;
byte k;
bit bad, failed, want_save, want_stop;

/*
 * Operations
 */

#define FULL(o) (o.started == ALL)
#define MINE(o) ((o.started & ME) && !(o.read & ME))
#define FREE(c) (op[c].started & ME -> \
		 (op[c + 1].started & ME -> c + 2 : c + 1) : c)
#define OLDEST(c) (MINE(op[c]) -> c : (MINE(op[c + 1]) -> c + 1 : c + 2))
#define NEWEST(c) (MINE(op[c + 2]) -> c + 2 : (MINE(op[c + 1]) -> c + 1 : c))

#define SITE(kind) (idx[_pid] * 4 + (kind))

/* Starts an operation, with what hear() and the save have left. */
inline join(comm, where, close)
{
	d_step {
		k = FREE(comm);
		assert(!(op[k].started & ME));
		op[k].differs = op[k].differs ||
				(op[k].started && op[k].site != where);
		op[k].started = op[k].started | ME;
		op[k].site = (FULL(op[k]) -> 0 : where);
		op[k].want_save = op[k].want_save || want_save;
		op[k].want_stop = op[k].want_stop || want_stop;
		op[k].failed = op[k].failed || failed;
		op[k].leaving = op[k].leaving || close;
		op[k].staying = op[k].staying || !close;
#ifdef CLEARED
		ask_save = ask_save && !(_pid == 0);
#endif
		want_save = 0;
		want_stop = 0;
		failed = 0;
		k = 0
	}
}

inline move(to, from)
{
	op[to].started = op[from].started;
	op[to].read = op[from].read;
	op[to].site = op[from].site;
	op[to].differs = op[from].differs;
	op[to].want_save = op[from].want_save;
	op[to].want_stop = op[from].want_stop;
	op[to].failed = op[from].failed;
	op[to].leaving = op[from].leaving;
	op[to].staying = op[from].staying;
#ifdef BACK
	op[to].undurable = op[from].undurable;
	op[to].lost = op[from].lost;
	op[to].unknown = op[from].unknown;
	op[to].outcome = op[from].outcome;
#endif
	op[to].planned = op[from].planned;
	op[to].lag = op[from].lag;
	op[to].gap = op[from].gap
}

inline clear(o)
{
	op[o].started = 0;
	op[o].read = 0;
	op[o].site = 0;
	op[o].differs = 0;
	op[o].want_save = 0;
	op[o].want_stop = 0;
	op[o].failed = 0;
	op[o].leaving = 0;
	op[o].staying = 0;
#ifdef BACK
	op[o].undurable = 0;
	op[o].lost = 0;
	op[o].unknown = 0;
	op[o].outcome = 0;
#endif
	op[o].planned = 0;
	op[o].lag = 0;
	op[o].gap = 0
}

/* This rank has read op[k]. When all have, those behind it move up. */
inline leave(comm)
{
	d_step {
		op[k].read = op[k].read | ME;
		if
		:: op[k].read == ALL ->
			if
			:: k == comm -> move(comm, comm + 1)
			:: else
			fi;
			if
			:: k <= comm + 1 -> move(comm + 1, comm + 2)
			:: else
			fi;
			clear(comm + 2)
		:: else
		fi;
		k = 0
	}
}

/* rp_place_same */
inline look()
{
	if
	:: op[k].leaving && (op[k].staying || op[k].differs) ->
		bad = 1; res = EUNEVEN
	:: !op[k].leaving && op[k].differs -> bad = 1; res = ESITE
	:: else -> bad = 0
	fi
}

/*
 * Saves in the background
 */

inline end_of(what)
{
	if
	:: what = GOOD
#ifdef FAILS
	:: what = LOST
#endif
	fi
}

/* Writers and the commit go on. */
inline elapse()
{
#ifdef BACK
	if
	:: phase[_pid] == WRITING && part[_pid] == 0 -> end_of(part[_pid])
	:: _pid == 0 && phase[0] == COMMITTING && commits == 0 -> end_of(commits)
	:: skip
	fi
#endif
	skip
}

/* What a round is told of it. */
inline say()
{
#ifdef BACK
	d_step {
		k = FREE(ROUNDS);
		op[k].lost = op[k].lost ||
			     (phase[_pid] == WRITING && part[_pid] == LOST);
#ifdef OWN_PART
		op[k].undurable = op[k].undurable ||
				  (_pid == 0 && phase[0] == WRITING &&
				   part[0] != GOOD);
#else
		op[k].undurable = op[k].undurable ||
				  (phase[_pid] == WRITING && part[_pid] != GOOD);
#endif
		op[k].unknown = op[k].unknown || phase[_pid] == WRITING ||
				phase[_pid] == COMMITTING;
		op[k].outcome = (_pid == 0 && phase[0] == COMMITTING -> commits
								     : op[k].outcome);
		k = 0
	}
#endif
	skip
}

#ifdef BACK
inline conclude(how)
{
	assert(told_at == 0 || (told_at == idx[_pid] && told_how == how));
	told_at = idx[_pid];
	told_how = how;
	told_to = told_to | ME;
	if
	:: told_to == ALL -> told_at = 0; told_how = 0; told_to = 0
	:: else
	fi;
	current[_pid] = how == GOOD && same[_pid];
	phase[_pid] = (how == GOOD -> COMMITTED : IDLE);
	part[_pid] = 0;
	same[_pid] = 0;
	if
	:: _pid == 0 -> commits = 0
	:: else
	fi
}

inline commit()
{
	phase[_pid] = COMMITTING;
	if
	:: _pid == 0 ->
		commits = 0;
		for (h : 0 .. N - 1) {
			assert(part[h] == GOOD)
		}
	:: else
	fi
}

/* At a verdict: where the program may go on without knowing yet. */
inline prune()
{
	if
	:: _pid == 0 ->
		for (h : 0 .. N - 1) {
			assert(phase[h] == COMMITTED || phase[h] == IDLE)
		}
	:: else
	fi;
	phase[_pid] = IDLE
}

inline stage()
{
	about[_pid] = 0;
	phase[_pid] = WRITING;
	part[_pid] = 0;
	same[_pid] = 1
}
#endif

/*
 * Requests
 */

/* What rank 0 wants stays. What another wants is chosen anew for each ballot,
 * which is as good: some choice is what it would be if it stayed. */
inline hear()
{
	elapse();
	if
	:: want_stop = 1
	:: _pid || !ask_stop -> want_stop = 0
	fi;
	if
	:: want_save = 1
	:: _pid || !ask_save -> want_save = 0
	fi;
	if
	:: _pid == 0 ->
		ask_stop = want_stop; stop_owed = stop_owed || ask_stop;
		ask_save = want_save; save_owed = save_owed || ask_save
	:: else
	fi
}

/* At a safe point: one more that has passed with what was asked for. */
inline count()
{
	if
	:: _pid == 0 ->
		hear();
		want_save = 0;
		want_stop = 0;
		save_age = save_age + save_owed;
		stop_age = stop_age + stop_owed;
		assert(save_age <= S + 1);
		assert(stop_age <= S + 1)
	:: else
	fi
}

inline save_answered()
{
	if
	:: _pid == 0 -> ask_save = 0; save_owed = 0; save_age = 0
	:: else
	fi
}

/*
 * The program
 */

inline settle()
{
	if
	:: idx[_pid] > settled ->
		settled = idx[_pid];
#ifdef END
		if
		:: last = settled
		:: skip
		fi;
#endif
#ifdef EVENTS
		if
		:: saves = saves | (1 << settled)
		:: restores = restores | (1 << settled)
		:: skip
		fi;
#endif
#ifdef CUTS
		if
		:: cuts = cuts | (1 << settled)
		:: skip
		fi;
#endif
		skip
	:: else
	fi
}

/* What rank j sends in this interval is there, or nobody can expect it. */
#define HAS(j) (idx[j] > idx[_pid] || \
		(idx[j] == idx[_pid] && sent[j]) || gone[j])
#define MISSING(j) ((j) < N && !HAS((j) % N))

/* From whom to receive next: N for nobody. */
inline choose()
{
	if
#ifndef HOLD
	:: from = N
#else
	:: !MISSING(0) && !MISSING(1) && !MISSING(2) && !MISSING(3) -> from = N
#endif
	:: MISSING(0) -> from = 0
	:: MISSING(1) -> from = 1
	:: MISSING(2) -> from = 2
	:: MISSING(3) -> from = 3
	fi
}

inline choose_below()
{
	if
	:: from = N
	:: _pid > 0 && MISSING(0) -> from = 0
	:: _pid > 1 && MISSING(1) -> from = 1
	:: _pid > 2 && MISSING(2) -> from = 2
	fi
}

/* No state tells how many safe points all ranks have passed. */
inline rebase()
{
	d_step {
		bad = 0;
		for (h : 0 .. N - 1) {
			bad = bad || idx[h] == FIRST
		}
		if
		:: !bad ->
			for (h : 0 .. N - 1) {
				idx[h] = idx[h] - 1;
				assert(start_at[h] > 0);
				start_at[h] = start_at[h] - 1
			}
			for (h : 0 .. 2 * SLOTS - 1) {
				op[h].site = (op[h].site -> op[h].site - 4 : 0)
			}
			settled = settled - 1;
			last = (last -> last - 1 : 0);
			stopped_at = (stopped_at -> stopped_at - 1 : 0);
#ifdef BACK
			told_at = (told_at -> told_at - 1 : 0);
#endif
			saves = saves >> 1;
			restores = restores >> 1;
			cuts = cuts >> 1;
#ifdef HOLD
			hold = (hold -> hold - 1 : 0)
#endif
		:: else
		fi;
		bad = 0
	}
}

/*
 * A rank
 */

/* The window and the lag of the next round, from the values of op[k]. */
inline decide()
{
	if
	:: !op[k].planned ->
		op[k].planned = 1;
		op[k].gap = 1;
		do
		:: op[k].gap < S -> op[k].gap = op[k].gap + 1
		:: break
		od;
		if
		:: op[k].lag = 0
		:: op[k].lag = 1
		fi
	:: else
	fi;
	d_step {
		/* Where lag was 0 this safe point has had its round. */
		h = idx[_pid] + (start_at[_pid] == idx[_pid]);
		start_at[_pid] = start_at[_pid] + op[k].gap;
		start_at[_pid] = (start_at[_pid] < h -> h : start_at[_pid]);
		lag[_pid] = op[k].lag
	}
#ifdef OWN_LAG
	if
	:: lag[_pid] = !lag[_pid]
	:: skip
	fi
#endif
}

/* All that stop do so at one index, and have a checkpoint or not. */
inline cut()
{
	assert(stopped_at == 0 || stopped_at == idx[_pid]);
	stopped_at = idx[_pid]
}

/* rp_agree_restart. With a round in flight what it sets is planned anew when
 * that one is finished. */
inline restart()
{
	if
	:: !flight[_pid] ->
		lag[_pid] = 0;
		start_at[_pid] = idx[_pid] + 1
	:: else
	fi;
#ifdef CUTS
	moved[_pid] = 0
#endif
}

active [N] proctype rank()
{
	byte from = N, why, res, then;
#ifdef BACK
	byte ret;
#endif

	atomic { settle() }

interval:
#ifdef CHAIN
	atomic { choose_below() }
	do
	:: from == N -> break
	:: atomic { from < N && HAS(from) -> choose_below() }
	od;
#endif
	atomic {
		sent[_pid] = 1;
		current[_pid] = 0;
#ifdef BACK
		same[_pid] = 0;
#endif
		choose()
	}
	do
	:: from == N -> break
	:: atomic { from < N && HAS(from) -> choose() }
	od;

/* What lies between two safe points, or the next one. */
	atomic {
		if
#ifdef ALONE
		:: _pid == 0 && !gone[0] ->
			gone[0] = 1; why = CALLED; goto save
#endif
		:: saves & (1 << idx[_pid]) -> why = CALLED; goto save
		:: restores & (1 << idx[_pid]) -> why = RESTORE; goto save
		:: !((saves | restores) & (1 << idx[_pid]))
		fi;
over:
		if
#ifdef UNEVEN
		:: gone[_pid] = 1; goto closing
#endif
		:: last == idx[_pid] -> goto closing
		:: last != idx[_pid]
		fi;

/* rally_point() */
		d_step {
			idx[_pid] = idx[_pid] + 1;
			assert(idx[_pid] < 8);
			sent[_pid] = 0
		}
		settle();
#ifdef CUTS
		moved[_pid] = moved[_pid] || (cuts & (1 << idx[_pid])) != 0;
#endif
#ifdef HOLD
		rebase();
		goto told;
#endif
		count();
		rebase();
		if
		:: pending[_pid] -> cut(); why = STOP; goto save
		:: !pending[_pid] && flight[_pid] &&
		   idx[_pid] >= start_at[_pid] + lag[_pid] -> goto finish
		:: else
		fi;
start:
		if
		:: flight[_pid] -> goto interval
		:: else
		fi;
#ifdef CUTS
		if
		:: moved[_pid] ->
			moved[_pid] = 0;
			lag[_pid] = 0;
			start_at[_pid] = idx[_pid]
		:: else
		fi;
#endif
		if
#ifdef EAGER
		:: (_pid || !(ask_save || ask_stop)) &&
		   idx[_pid] < start_at[_pid] -> goto interval
#else
		:: idx[_pid] < start_at[_pid] -> goto interval
#endif
		:: else
		fi;
		hear();
		say();
		join(ROUNDS, SITE(0), 0);
		flight[_pid] = 1;
		start_at[_pid] = idx[_pid];
#ifdef BACK
		about[_pid] = phase[_pid] != IDLE;
#endif
#ifdef LATE
		lag[_pid] = S;
#endif
		if
#ifdef ARRIVAL
		:: lag[_pid] && FULL(op[OLDEST(ROUNDS)]) -> goto finish
#endif
		:: lag[_pid] == 0 -> goto finish
		:: else -> goto interval
		fi
	}

finish:
	atomic {
		FULL(op[OLDEST(ROUNDS)]) ->
		k = OLDEST(ROUNDS);
		flight[_pid] = 0;
		look();
		if
		:: bad -> leave(ROUNDS); bad = 0; goto broken
		:: else
		fi;
		decide();
		if
		:: op[k].want_stop -> then = STOP
		:: !op[k].want_stop && op[k].want_save -> then = SECOND
		:: else
		fi;
#ifdef BACK
#ifndef UNNUMBERED
		if
		:: !about[_pid] -> leave(ROUNDS); goto acted
		:: else -> about[_pid] = 0
		fi;
#endif
#ifdef OWN_END
		if
		:: _pid == 0 && phase[0] == COMMITTING && commits == GOOD ->
			conclude(GOOD); leave(ROUNDS); goto acted
		:: else
		fi;
#endif
		if
#ifdef OWN_PART
		:: phase[_pid] == WRITING && !op[k].undurable -> commit()
#else
		:: phase[_pid] == WRITING && op[k].lost ->
			part[_pid] = (part[_pid] -> part[_pid] : GIVEN_UP);
			ret = ACTED
		:: phase[_pid] == WRITING && !op[k].lost &&
		   !op[k].undurable ->
			assert(part[_pid] != 0);
			ret = ACTED
#endif
		:: phase[_pid] == COMMITTING && op[k].outcome == LOST ->
			ret = ACTED
		:: phase[_pid] == COMMITTING && op[k].outcome == GOOD ->
			conclude(GOOD);
#ifdef UNKNOWN
			prune()
#endif
		:: phase[_pid] == COMMITTED && !op[k].unknown -> prune()
		:: else
		fi;
#endif
		leave(ROUNDS);
#ifdef BACK
		if
		:: ret -> hear(); join(ROUNDS, SITE(0), 0); goto gathered
		:: else
		fi;
#endif
acted:
		if
		:: then == STOP || pending[_pid] ->
			then = 0; cut(); why = STOP; goto save
		:: then == SECOND && !pending[_pid] ->
			then = 0; why = VERDICT; goto save
		:: then == 0 && !pending[_pid] -> goto start
		fi
	}

#ifdef BACK
/* All have met. */
gathered:
	atomic {
		FULL(op[NEWEST(ROUNDS)]) ->
		k = NEWEST(ROUNDS);
		pending[_pid] = pending[_pid] || op[k].want_stop;
		look();
		leave(ROUNDS);
		if
		:: bad -> bad = 0; goto broken
		:: else
		fi
	}

/* One phase at a verdict, where the program goes on behind it; else all of them. */
through:
	atomic {
		if
		:: phase[_pid] == COMMITTED && ret != ACTED -> phase[_pid] = IDLE
		:: else
		fi;
		if
		:: phase[_pid] == IDLE -> goto behind
		:: else
		fi;
#ifdef OWN_WAIT
		if
		:: ret == MADE && phase[_pid] == WRITING && part[_pid] ->
			goto behind
		:: else
		fi;
#endif
		if
		:: phase[_pid] == WRITING && part[_pid] == 0 ->
			end_of(part[_pid])
		:: phase[_pid] == COMMITTING && _pid == 0 && commits == 0 ->
			end_of(commits)
		:: else
		fi;
		failed = (phase[_pid] == WRITING && part[_pid] == LOST) ||
			 (phase[_pid] == COMMITTING && _pid == 0 && commits == LOST);
		join(VOTES, SITE(0), 0)
	}
	atomic {
		FULL(op[NEWEST(VOTES)]) ->
		k = NEWEST(VOTES);
		assert(!op[k].differs);
		if
		:: op[k].failed -> conclude(LOST)
		:: !op[k].failed && phase[_pid] == WRITING -> commit()
		:: else -> conclude(GOOD)
		fi;
		leave(VOTES);
		if
		:: ret == ACTED -> goto behind
		:: else -> goto through
		fi
	}
behind:
	atomic {
		if
		:: ret == ACTED -> ret = 0; goto acted
		:: ret == MADE -> ret = 0; goto made
		:: ret == RESTORED -> ret = 0; goto restored
		:: ret == CLOSED -> ret = 0; goto leaving
		fi
	}
#endif

/* rp_save: what is in flight first, which is finished in its place. */
save:
	atomic {
		!flight[_pid] || FULL(op[OLDEST(ROUNDS)]) ->
		if
		:: flight[_pid] -> k = OLDEST(ROUNDS); look(); k = 0
		:: else -> bad = 0
		fi;
		if
		:: bad -> bad = 0; goto broken
		:: else
		fi;
		if
		:: why == RESTORE -> join(ROUNDS, SITE(2), 0)
		:: else ->
			hear();
#ifdef BY_VOTE
			join(VOTES, SITE(why == CALLED), 0)
#else
			join(ROUNDS, SITE(why == CALLED), 0)
#endif
		fi
	}
	atomic {
#ifdef BY_VOTE
		if
		:: why != RESTORE && FULL(op[NEWEST(VOTES)]) ->
			k = NEWEST(VOTES);
			pending[_pid] = pending[_pid] || op[k].want_stop;
			look();
			leave(VOTES)
		:: why == RESTORE && FULL(op[NEWEST(ROUNDS)]) ->
			k = NEWEST(ROUNDS);
			look();
			leave(ROUNDS)
		fi;
#else
		FULL(op[NEWEST(ROUNDS)]) ->
		k = NEWEST(ROUNDS);
		pending[_pid] = pending[_pid] || op[k].want_stop;
		look();
#ifdef BACK
		if
		:: (why == STOP || why == SECOND) && !bad &&
		   phase[_pid] == WRITING && !same[_pid] ->
			if
			:: !op[k].planned ->
				op[k].planned = 1;
				if
				:: op[k].lag = 1
				:: skip
				fi
			:: else
			fi;
			if
			:: op[k].lag -> conclude(GIVEN_UP)
			:: else
			fi
		:: else
		fi;
#endif
		leave(ROUNDS);
#endif
		if
		:: bad -> bad = 0; goto broken
		:: else
		fi;
#ifdef BACK
		ret = (why == RESTORE -> RESTORED : MADE);
		goto through;
restored:
#endif
		if
		:: why == RESTORE -> current[_pid] = 1; restart(); goto over
		:: else
		fi;
made:
		save_answered();
		if
		:: current[_pid] -> goto saved
		:: else
		fi;
		restart();
#ifdef BACK
		if
		:: why == VERDICT || why == CALLED -> stage(); goto saved
		:: else
		fi;
#endif
		/* Each writes, then tells whether it could. */
#ifdef FAILS
		if
		:: failed = 1
		:: skip
		fi;
#endif
#ifdef OWN_FAIL
		start_at[_pid] = start_at[_pid] + failed;
#endif
#ifdef OWN_RESULT
		res = failed;
#endif
		hear();
		want_save = 0;
		join(VOTES, SITE(0), 0)
	}
	atomic {
		FULL(op[NEWEST(VOTES)]) ->
		k = NEWEST(VOTES);
		pending[_pid] = pending[_pid] || op[k].want_stop;
#ifdef OWN_RESULT
		current[_pid] = !res;
		res = 0;
#else
		current[_pid] = !op[k].failed;
#endif
		assert(!op[k].differs);
		leave(VOTES)
	}

saved:
	atomic {
		if
		:: why == CALLED -> goto over
		:: why == VERDICT && !pending[_pid] -> goto start
		:: why == VERDICT && pending[_pid] ->
			cut(); why = STOP; goto save
		:: why == STOP && !current[_pid] -> why = SECOND; goto save
		:: why == SECOND || (why == STOP && current[_pid]) -> skip
		fi;
		assert(ended_saved == 0 || ended_saved == 1 + current[_pid]);
		ended_saved = 1 + current[_pid];
		if
		:: _pid == 0 -> stop_owed = 0; stop_age = 0
		:: else
		fi;
		res = STOPPED;
		goto closing
	}

/* rally_close(), of ranks that have stopped as well. */
closing:
	atomic {
		!flight[_pid] || FULL(op[OLDEST(ROUNDS)]) ->
		bad = 0;
		if
		:: flight[_pid] ->
			k = OLDEST(ROUNDS);
			flight[_pid] = 0;
			if
			:: res == STOPPED
			:: else ->
				pending[_pid] = pending[_pid] ||
						op[k].want_stop;
				look()
			fi;
			leave(ROUNDS)
		:: else
		fi;
		if
		:: bad -> bad = 0; goto broken
		:: else
		fi;
#ifdef NO_LEAVE
		goto leaving;
#endif
		hear();
#ifdef UNCOUNTED
		join(ROUNDS, 0, 1)
#else
		/* Behind a stop a rank may ask again, by itself. */
		join(ROUNDS, (res == STOPPED -> 0 : SITE(3)), 1)
#endif
	}
	atomic {
		FULL(op[NEWEST(ROUNDS)]) ->
		k = NEWEST(ROUNDS);
		pending[_pid] = pending[_pid] || op[k].want_stop;
		look();
		leave(ROUNDS);
		if
		:: bad -> bad = 0; goto broken
		:: else
		fi;
#ifdef BACK
		ret = CLOSED;
		goto through;
#endif
		skip
	}
leaving:
	atomic {
#ifdef BACK
		assert(phase[_pid] == IDLE);
#endif
		if
		:: res == STOPPED
		:: res != STOPPED && pending[_pid] -> res = PENDING
		:: else -> res = DONE
		fi;
		assert(_pid || !stop_owed || res != DONE);
		goto end
	}

/* No agreement any more. Who is where is found out by all together. */
broken:
#ifndef ALONE
	assert(res != ESITE);
#ifndef UNEVEN
	assert(res != EUNEVEN);
#endif
#endif
	if
	:: res == ESITE ->
		atomic { join(VOTES, 0, 0) };
		atomic {
			FULL(op[NEWEST(VOTES)]) ->
			k = NEWEST(VOTES);
			leave(VOTES)
		}
	:: else
	fi;

#ifdef HOLD
	goto end;
told:
	atomic {
		hear();
		if
		:: want_stop && !hold ->
			for (h : 0 .. N - 1) {
				hold = (idx[h] >= hold -> idx[h] + 1 : hold)
			}
		:: else
		fi;
		want_save = 0;
		want_stop = 0;
		if
		:: hold == idx[_pid] -> held++
		:: goto interval	/* it has not come to this rank yet */
		fi
	}
	held == N;
#endif

end:
	atomic {
		assert(ended == 0 || ended == res);
		ended = res;
#ifdef UNEVEN
		d_step {
			for (h : 0 .. N - 1) {
				assert(res == EUNEVEN || res == STOPPED ||
				       idx[h] == idx[_pid])
			}
		}
#endif
		skip
	}
}
