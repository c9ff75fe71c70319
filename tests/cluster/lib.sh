# shellcheck shell=bash
# lib.sh - what test cases do with a private cluster; sourced
#
#     . "$top/tests/cluster/lib.sh"
#     cluster_start --nodes 2 --dir "$BUILD/c.mycase"   # or exits 77
#     job=$(submit -p low -N 2 -n 4 --exclusive -o "$out" job.sh)
#     wait_state "$job" RUNNING 20
#     preempt 2 3
#     wait_restart "$job" 1 30
#
# cluster_start takes the cluster down again when the shell ends. Every function
# is bounded in time; one that waits in vain says what it has seen instead, and
# returns 1. What the compute nodes read or write must not lie under /tmp, which
# is each node's own, unless the sources themselves lie there.
#
# For failures: fail_node, lose_node, back_node, stop_ctld, start_ctld.

CLUSTER_TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$CLUSTER_TESTS/daemons.sh"

# cluster_start UP_ARGUMENT... - boot one, enter its environment, end it at exit
cluster_start() {
	local rc=0
	CLUSTER_DIR=$("$CLUSTER_TESTS/up" "$@") || rc=$?
	[ $rc = 0 ] || exit $rc
	trap cluster_stop EXIT
	trap 'exit 130' INT TERM HUP
	# shellcheck disable=SC1091
	. "$CLUSTER_DIR/env"
}

# cluster_stop - for a case that has an exit trap of its own
cluster_stop() {
	[ -z "${CLUSTER_DIR:-}" ] || "$CLUSTER_TESTS/down" "$CLUSTER_DIR"
}

# submit SBATCH_ARGUMENT... - prints the job id. Output is appended, as a job
# that starts again would truncate what its first start said.
submit() {
	timeout 20 sbatch --parsable --requeue --open-mode=append "$@" </dev/null
}

# job_field JOB FIELD - one word of the job's record (JobState, Restarts,
# Reason, NodeList, EndTime, ...); nothing where there is no such job
job_field() {
	timeout 10 scontrol -o show job "$1" 2>/dev/null | tr ' ' '\n' |
		sed -n "s/^$2=//p" | head -n 1
}

# job_state JOB - PENDING, RUNNING, COMPLETING, ...
job_state() { job_field "$1" JobState; }

_state_is() { [[ $(job_state "$1") =~ ^($2)$ ]]; }
_restarted() { [ "$(job_field "$1" Restarts)" -ge "$2" ] && _state_is "$1" "${3:-RUNNING}"; } 2>/dev/null
_log_has() { grep -qE -- "$2" "$1" 2>/dev/null; }

# wait_state JOB STATE[|STATE...] SECONDS
wait_state() {
	within "$3" _state_is "$1" "$2" && return 0
	say "job $1 is $(job_state "$1") ($(job_field "$1" Reason)) after $3 s, not $2"
	return 1
}

# wait_restart JOB COUNT SECONDS [STATE...] - until it runs (or is in one of
# these states) and was put back COUNT times or more
wait_restart() {
	within "$3" _restarted "$1" "$2" "${4:-RUNNING}" && return 0
	say "job $1 is $(job_state "$1") after $(job_field "$1" Restarts) restarts" \
		"and $3 s, not ${4:-RUNNING} after $2"
	return 1
}

# wait_log FILE REGEX SECONDS - extended regex, on one line
wait_log() {
	within "$3" _log_has "$1" "$2" && return 0
	say "no line of $1 matches '$2' after $3 s; its end:"
	tail -n 10 "$1" >&2 || true
	return 1
}

# wait_end JOB SECONDS - until it is over, for good or bad; prints its state
wait_end() {
	wait_state "$1" 'COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|PREEMPTED|OUT_OF_MEMORY' \
		"$2" && job_state "$1"
}

# preempt NODES [SECONDS] [PARTITION] - a job that takes whole nodes from a
# lower partition for some seconds; prints its id
preempt() {
	submit -p "${3:-high}" -N "$1" --exclusive -J urgent -o /dev/null \
		--wrap "exec sleep ${2:-3}"
}

# wait_idle SECONDS - until no job holds a node
wait_idle() {
	within "$1" _all_idle && return 0
	say "not all nodes are idle after $1 s: $(timeout 5 sinfo -h -N -p low -o '%N=%T' | tr '\n' ' ')"
	return 1
}
_all_idle() {
	[ "$(timeout 3 sinfo -h -N -p low -t idle -o %N | wc -l)" = "$CLUSTER_NODES" ]
}

# fail_node NODE - it loses power: slurmd, steps and tasks are killed.
# lose_node NODE - the same, and the controller is told at once, as where a node's
# power is watched: mpirun ends the script with an error soon after, and a job that
# has ended so is not requeued.
# back_node NODE - it boots; bounded wait until it can be used.
fail_node() { node_fail "$CLUSTER_DIR" "$1"; }
lose_node() {
	local pids
	mapfile -t pids < <(node_pids "$CLUSTER_DIR" "$1")
	kill -s KILL "${pids[@]}" 2>/dev/null
	timeout 10 scontrol update "nodename=$1" state=down reason=power
	fail_node "$1"
}
back_node() {
	node_start "$CLUSTER_DIR" "$1" && within 30 _node_up "$1"
}
_node_up() { timeout 3 sinfo -h -n "$1" -o %t | grep -qvE 'down|unk|\*'; }

# stop_ctld - the controller is away; its state stays. start_ctld - it is back.
stop_ctld() { ctld_stop "$CLUSTER_DIR" "${1:-TERM}"; }
start_ctld() {
	ctld_start "$CLUSTER_DIR" && within 20 _ctld_answers
}
_ctld_answers() { timeout 2 scontrol ping 2>/dev/null | grep -q 'is UP'; }
