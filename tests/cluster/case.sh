# shellcheck shell=bash
# case.sh - what the cases of this folder share; sourced first thing
#
#     . "$(dirname "${BASH_SOURCE[0]}")/../case.sh"
#     case_begin NAME [UP_ARGUMENT...]     a cluster of its own, or exit 77
#     ...                                  pass, fail
#     case_end
#
# The environment: BUILD (build/), RUN_LONG=1 for the whole campaign instead of
# its slice, SEED to draw the same ranks and moments again.
#
# A job of a case has a folder of its own, $work/JOB, in which its script, log,
# checkpoints (ckpt/) and result (field.f64) are. It stays where a case fails.
#
# shellcheck disable=SC2034 # variables that the cases use
set -uo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export BUILD=${BUILD:-$TOP/build}
BUILD=$(cd "$BUILD" && pwd -P) || exit 1
SEED=${SEED:-$SRANDOM}
long=${RUN_LONG:-0}
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$TOP/tests/cluster/lib.sh"

# In the build tree a program is libtool's script; signals and /proc want the
# program itself.
binary() {
	local path=$BUILD/${1%/*}/.libs/${1##*/}
	[ -x "$path" ] || path=$BUILD/$1
	[ -x "$path" ] && echo "$path"
}

# --- results -----------------------------------------------------------------

# pass NAME [WHAT WAS SEEN]
pass() { echo "PASS: $1${2:+ ($2)}"; }

# fail NAME WHY [JOB] - for a job also where its folder is, and its last words
fail() {
	local dir=$work/${3:-.}
	touch "$work/failed"
	echo "FAIL: $1: $2 (SEED=$SEED${3:+, see ${dir#"$BUILD"/}})"
	[ -n "${3:-}" ] || return 0
	tail -n 12 "$dir/log" 2>/dev/null | sed 's/^/    /'
	tail -n 6 "$dir/ckpt/events.jsonl" 2>/dev/null | sed 's/^/    /'
}

# pick LIMIT WORD... - a number below LIMIT that follows from the seed and the
# words alone, whatever runs beside and in what order
pick() {
	local limit=$1 sum
	shift
	sum=$(echo "$SEED $*" | cksum)
	echo $((${sum%% *} % limit))
}

# nap MILLISECONDS
nap() { sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }

# side_by_side COUNT COMMAND... - in the background, once fewer than COUNT run
side_by_side() {
	local most=$1
	shift
	while [ "$(jobs -rp | wc -l)" -ge "$most" ]; do
		wait -n
	done
	"$@" &
}

case_begin() {
	local name=$1
	shift
	work=$BUILD/cluster-tests/$name
	[ ! -e "$work/cluster/slurm.conf" ] ||
		"$CLUSTER_TESTS/down" "$work/cluster" || exit 1
	rm -rf "$work"
	mkdir -p "$work"
	if ! heat=$(binary examples/heat) || ! struck=$(binary tests/cluster/struck); then
		say "not built: examples/heat or tests/cluster/struck"
		exit 1
	fi
	export LD_LIBRARY_PATH=$BUILD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	export RALLY_WORDS=yes
	export RALLY_HELPER
	RALLY_HELPER=$(binary ./rallypoint-slurm) || RALLY_HELPER=
	cluster_start --dir "$work/cluster" "$@"
}

case_end() {
	wait
	[ ! -e "$work/failed" ] || exit 1
	cluster_stop
	CLUSTER_DIR=
	rm -rf "$work"
}

# --- jobs --------------------------------------------------------------------

# start JOB SBATCH_ARGUMENT... -- COMMAND... - a batch job of one step in the
# folder JOB; prints its id. RALLY_REQUEUE and others come from the environment.
start() {
	local dir=$work/$1 sbatch=()
	shift
	while [ "$1" != -- ]; do
		sbatch+=("$1")
		shift
	done
	shift
	mkdir -p "$dir"
	printf '#!/bin/bash\nexec srun %s\n' "${*@Q}" >"$dir/job.sh"
	submit -J "${dir##*/}" -D "$dir" -o "$dir/log" "${sbatch[@]}" "$dir/job.sh"
}

# On four nodes, two ranks each, beside other jobs.
spread=(-N 4 -n 8 --ntasks-per-node=2)

# undisturbed NAME HEAT_ARGUMENT... - what the field must be in the end
undisturbed() {
	local dir=$work/$1
	shift
	mkdir -p "$dir"
	(cd "$dir" && timeout 120 srun "${spread[@]}" "$heat" "$@" \
		-c ckpt -o field.f64 >log 2>&1 </dev/null) && return
	fail "undisturbed run" "heat failed" "${dir##*/}"
	return 1
}

# has_started JOB COUNT - so many starts have come to their first step
has_started() {
	local n
	n=$(grep -c '^[a-z]*: .*starts at step' "$work/$1/log" 2>/dev/null)
	[ "${n:-0}" -ge "$2" ]
}

# tasks JOB PROGRAM - "RANK PID" of the job's processes that have come far
# enough to bear a SIGTERM: the handler is there (bit 15 of SigCgt), which is
# after rally_early(). A signal before main() ends a rank, whatever it runs.
tasks() {
	local p text
	# shellcheck disable=SC2044 # there are no spaces in /proc/PID
	for p in $(find /proc/[0-9]* -maxdepth 1 -name cwd -lname "$work/$1" \
		-printf '%h\n' 2>/dev/null); do
		# Nothing but the shell itself: a busy machine takes long to fork.
		[ "$p/exe" -ef "$2" ] && text=$(<"$p/status") &&
			[[ $text =~ SigCgt:[[:space:]]*[0-9a-f]*[4-7c-f][0-9a-f]{3}[[:space:]] ]] &&
			mapfile -d '' text <"$p/environ" &&
			[[ " ${text[*]} " =~ \ SLURM_PROCID=([0-9]+)\  ]] &&
			echo "${BASH_REMATCH[1]} ${p#/proc/}"
	done 2>/dev/null
	return 0
}

# --- what the event file tells -----------------------------------------------

# count JOB EVENT
count() { grep -c "\"event\":\"$2\"" "$work/$1/ckpt/events.jsonl" 2>/dev/null || true; }

# stops JOB - the step of each stop, a line each, where every stop was agreed on,
# committed and resumed from at one and the same step. Else "wrong: ...", 1.
stops() {
	sed 's/.*"event":"\([a-z_]*\)"/\1 /; s/ .*"step":\(-*[0-9]*\).*/ \1/' \
		"$work/$1/ckpt/events.jsonl" | awk '
		function wrong(what) { print "wrong: " what; bad = 1; exit 1 }
		$1 == "verdict" { verdict = $2 }
		$1 == "committed" { committed = $2 }
		$1 == "fresh" && waiting { wrong("a fresh start after the stop at step " stop) }
		$1 == "stopped" {
			if (waiting) wrong("stopped again at step " $2 " without a resume")
			if (verdict != $2) wrong("agreed on step " verdict ", stopped at " $2)
			if (committed != $2) wrong("committed step " committed ", stopped at " $2)
			stop = $2; waiting = 1; print stop
		}
		$1 == "resumed" {
			if ($2 != stop) wrong("stopped at step " stop ", resumed at " $2)
			waiting = 0
		}
		$1 == "was_finished" { waiting = 0 }
		END { if (!bad && waiting) wrong("nothing came after the stop at step " stop) }'
}

# right_end JOB ID WHOLE - waits, and succeeds where the job came to its right
# end: COMPLETED, with one restart for each stop, no step lost, and the field of
# the undisturbed run WHOLE. Sets stopped_at, the steps of its stops, and why.
right_end() {
	local state restarts stops
	state=$(wait_end "$2" 400 2>&1)
	restarts=$(job_field "$2" Restarts)
	mapfile -t stops < <(stops "$1")
	stopped_at=${stops[*]}
	why=
	if [ "$state" != COMPLETED ]; then
		why="the job is $state"
	elif [[ $stopped_at == *wrong* ]]; then
		why=$stopped_at
	elif [ "$restarts" != ${#stops[@]} ]; then
		why="$restarts restarts for ${#stops[@]} stops"
	elif ! cmp -s "$work/$3/field.f64" "$work/$1/field.f64"; then
		why="the field differs from the undisturbed run's"
	fi
	[ -z "$why" ]
}
