# shellcheck shell=bash
# daemons.sh - start and stop the parts of a private cluster; sourced
#
# A cluster is a folder, DIR:
#
#     slurm.conf cgroup.conf munge.key env
#     state/     slurmctld's, kept when the controller is stopped
#     log/       munged, slurmctld, one file for each node
#     node/nK/   scratch of a node, bound over its /tmp
#     run/       sockets, pid files and spool folders; a link where DIR is so
#                long that a socket's path would not fit into 108 bytes
#
# Each node is a slurmd in a mount namespace of its own, in which node/nK is a
# mount point. That is the proof of belonging: a process whose mountinfo names
# DIR/node/nK was started by this node, and no other process is ever ended.
#
# Functions take DIR first. Every wait in them is bounded.

export PATH=$PATH:/usr/sbin:/sbin

# say TEXT... - one line on stderr
say() { echo "cluster: $*" >&2; }

# within SECONDS COMMAND... - run it until it succeeds; 1 if it never does
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# daemon_pid FILE TEXT - the pid in FILE, if that process is alive and has TEXT
# in its command line; a pid file outlives a crash, and pids come again.
daemon_pid() {
	local pid
	read -r pid 2>/dev/null <"$1" || return 1
	tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$2" || return 1
	echo "$pid"
}

munged_pid() { daemon_pid "$1/run/munged.pid" "$1/munge.key"; }
ctld_pid() { daemon_pid "$1/run/slurmctld.pid" "$1/slurm.conf"; }
slurmd_pid() { daemon_pid "$1/run/slurmd.$2.pid" "$1/slurm.conf"; }

# node_pids DIR NODE - all processes of a node, slurmd included; '' for NODE
# stands for all nodes
node_pids() {
	local mark=" $1/node/$2${2:+ }"
	grep -lsF -- "$mark" /proc/[0-9]*/mountinfo | cut -d/ -f3 || true
}

# client_pids DIR - srun and salloc outside of the nodes that talk to this
# cluster; they wait for ever when it goes
client_pids() {
	local p
	for p in /proc/[0-9]*; do
		case $(cat "$p/comm" 2>/dev/null) in
		srun | salloc) ;;
		*) continue ;;
		esac
		tr '\0' '\n' 2>/dev/null <"$p/environ" |
			grep -qxF "SLURM_CONF=$1/slurm.conf" && echo "${p#/proc/}"
	done
	return 0
}

# gone PID... - are they all ended? A zombie is.
gone() {
	local pid
	for pid; do
		! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$pid/status" || return 1
	done
}

# stop_pids SIGNAL SECONDS PID... - signal, wait, then KILL
stop_pids() {
	local signal=$1 seconds=$2
	shift 2
	[ $# -gt 0 ] || return 0
	kill -s "$signal" "$@" 2>/dev/null || true
	within "$seconds" gone "$@" && return 0
	kill -s KILL "$@" 2>/dev/null || true
	within 5 gone "$@"
}

munged_start() {
	local run
	run=$(cd "$1/run" && pwd -P)
	# As root and with --force: munged's own user could not reach a folder
	# in root's home, and munged objects to group-writable parents.
	timeout 10 munged --force --num-threads 2 \
		--socket="$run/munge.sock" --key-file="$1/munge.key" \
		--pid-file="$run/munged.pid" --seed-file="$run/munged.seed" \
		--log-file="$1/log/munged.log" </dev/null >/dev/null 2>>"$1/log/munged.log"
	within 5 test -S "$1/run/munge.sock"
}

ctld_start() {
	SLURM_CONF=$1/slurm.conf timeout 20 slurmctld -f "$1/slurm.conf" \
		</dev/null >>"$1/log/slurmctld.log" 2>&1
	within 5 ctld_pid "$1" >/dev/null
}

ctld_stop() { # shellcheck disable=SC2046
	stop_pids "${2:-TERM}" 10 $(ctld_pid "$1")
}

# node_start DIR NODE - the host name, /tmp and /dev/shm are the node's own.
# Seen: with one /dev/shm, ranks of two clusters attach to each other's segments,
# which carry host name, job id and rank, and crash. Seen too: after a power
# loss PMIx finds its own files of the step with the same id, and refuses to start
# the job that has come back; here the spool folder is as new after each boot.
node_start() {
	mkdir -p "$1/run/spool/$2" "$1/node/$2"
	rm -rf "$1/run/spool/$2"/{stepd.slurm.,}pmix.* "$1/node/$2"/spmix_appdir_*
	# shellcheck disable=SC2016
	SLURM_CONF=$1/slurm.conf timeout 20 unshare -m -u --propagation private \
		bash -c '
			set -e
			hostname "$2"
			mount --bind "$1/node/$2" "$1/node/$2"
			case "$1/ $3/" in
			/tmp/* | *\ /tmp/*) ;; # hiding /tmp would hide these
			*) mount --bind "$1/node/$2" /tmp ;;
			esac
			mount -t tmpfs tmpfs /dev/shm
			exec slurmd -N "$2" -f "$1/slurm.conf"' \
		- "$1" "$2" "$PWD" </dev/null >>"$1/log/$2.log" 2>&1
	within 5 slurmd_pid "$1" "$2" >/dev/null
}

# node_fail DIR NODE - the node is gone at once, with all that runs on it
node_fail() { # shellcheck disable=SC2046
	stop_pids KILL 5 $(node_pids "$1" "$2")
}

# cgroups_remove DIR - what slurmd leaves of proctrack/cgroup under the names of
# its nodes; a folder that is in use can't be removed
cgroups_remove() {
	local node
	grep -qs '^ProctrackType=proctrack/cgroup' "$1/slurm.conf" || return 0
	for node in "$1"/node/*; do
		find /sys/fs/cgroup/*/"slurm_${node##*/}" -depth -type d \
			-exec rmdir {} + 2>/dev/null
	done
	return 0
}

# cluster_kill DIR - end every process of the cluster; succeeds if none is left
cluster_kill() {
	# shellcheck disable=SC2046
	{
		stop_pids KILL 5 $(client_pids "$1")
		ctld_stop "$1"
		# Once more: a node may have forked while it was being listed.
		stop_pids KILL 5 $(node_pids "$1" '')
		stop_pids KILL 5 $(node_pids "$1" '')
		stop_pids TERM 5 $(munged_pid "$1")
	}
	cgroups_remove "$1"
	[ -z "$(ctld_pid "$1")$(munged_pid "$1")$(node_pids "$1" '')" ]
}
