# fault.sh - what the scripts beside it share; to be sourced
#
# Builds the programs, and leaves their paths in $saver, $soak and $rallypoint,
# a new folder in $work, and the seed of the chances in $seed: SEED, or a new
# one. The folder lies in the build folder: a tmpfs has no fsync to speak of.

fault_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../lib/setup
. "$fault_top/tests/lib/setup"
# shellcheck source-path=SCRIPTDIR source=../mpi/launch.sh
. "$fault_top/tests/mpi/launch.sh"

launch_clean
# mpirun need not wait for the ranks that it ends when one was killed.
export OMPI_MCA_odls_base_sigkill_timeout=0
export LD_LIBRARY_PATH=$BUILD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
[ -n "$MPIRUN" ] || { echo "there is no mpirun"; exit 77; }

make -C "$BUILD" tests/fault/saver tests/fault/soak >"$BUILD/fault.log" 2>&1 ||
	{ cat "$BUILD/fault.log"; echo "FAIL: it does not build"; exit 1; }
# fault_program NAME - the program itself where libtool made a script for it
fault_program() {
	local made=$BUILD/tests/fault
	[ -x "$made/.libs/$1" ] && made=$made/.libs
	echo "$made/$1"
}
# shellcheck disable=SC2034
saver=$(fault_program saver) soak=$(fault_program soak)
rallypoint=$BUILD/rallypoint

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$((seed % 32768))
work=$(mktemp -d "$BUILD/fault.XXXXXX") || exit
trap 'rm -rf "$work"' EXIT

# fault_settle FOLDER - waits until the saver's processes there are gone: mpirun
# does not wait for those that it killed
fault_settle() {
	local tries=500
	while pgrep -f -- "$saver $1 " >/dev/null && [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		sleep 0.02
	done
}

# fault_leftovers FOLDER - how many things of an unfinished save or prune it has
fault_leftovers() {
	find "$1" -maxdepth 1 \( -name '.partial-*' -o -name '.trash-*' \) |
		wc -l
}

# fault_ls_leftovers FOLDER - how many `rallypoint ls` says there are
fault_ls_leftovers() {
	"$rallypoint" ls --json "$1" |
		sed -n 's/.*"leftovers": \([0-9]*\).*/\1/p'
}

# fault_newest FOLDER - the newest checkpoint's name
fault_newest() {
	find "$1" -maxdepth 1 -name '[0-9]*-step-*' -printf '%f\n' |
		sort | tail -n 1
}
