# launch.sh - runs a program under mpirun with a time limit; to be sourced
#
#     launch_clean                     an environment of the tests' own
#     launch LIMIT RANKS COMMAND...    the command's status; 124 where it hung,
#                                      and then the ranks' stacks on stderr
#
# Root, and more ranks than cores, are what a test machine has: Open MPI is told
# that both are meant, and that ranks which wait give the core to others.

launch_clean() {
	local name
	for name in $(compgen -e RALLY_) $(compgen -e SLURM_); do
		unset "$name"
	done
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
	export OMPI_MCA_rmaps_base_oversubscribe=1
	export OMPI_MCA_mpi_yield_when_idle=1
	export OMPI_MCA_hwloc_base_binding_policy=none
	export OMPI_MCA_btl_vader_single_copy_mechanism=none
	export RALLY_REQUEUE=none RALLY_WORDS=no
	MPIRUN=${MPIRUN:-$(command -v mpirun.openmpi || command -v mpirun)}
}

# What each rank of an mpirun is doing.
launch_stacks() {
	local pid
	command -v gdb >/dev/null || return 0
	for pid in $(pgrep -P "$1"); do
		echo "-- stack of process $pid" >&2
		timeout 20 gdb -p "$pid" -batch -ex 'bt 16' \
			2>/dev/null | grep '^#' | cut -c 1-150 >&2
	done
}

launch() {
	local limit=$1 ranks=$2 child deadline
	shift 2
	"$MPIRUN" -n "$ranks" "$@" </dev/null &
	child=$!
	deadline=$((SECONDS + limit))
	while kill -0 $child 2>/dev/null; do
		if [ $SECONDS -ge $deadline ]; then
			echo "launch: $* on $ranks ranks hangs for $limit s" >&2
			launch_stacks $child
			# mpirun ends its ranks and what they left in shared
			# memory, if it still can.
			kill -TERM $child 2>/dev/null
			for _ in {1..100}; do
				kill -0 $child 2>/dev/null || break
				sleep 0.1
			done
			kill -KILL $(pgrep -P $child) $child 2>/dev/null
			wait $child 2>/dev/null
			return 124
		fi
		sleep 0.05
	done
	wait $child
}
