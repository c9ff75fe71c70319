# window.sh - the system calls of one rank's save, and a fault at one of them; to
#             be sourced behind fault.sh
#
# Only the main thread is traced: it makes all calls on the checkpoint folder,
# and those of MPI's own threads would count where strace counts. MPI polls in
# the main thread too (poll, epoll_wait, sched_yield, reads and writes on sockets
# and pipes), as often as chance has it. So a call of the save is one whose line,
# which has the paths behind descriptors, names the folder. It is known by its
# name and its ordinal among these. strace finds it by its ordinal among all of
# this name since the program's start; the trace of each run tells which call the
# fault really hit. MPI wakes itself with write() and could not do without it, so
# of these strace is to look at the events' file's alone.

WINDOW_TRACED=openat,open,creat,mkdir,mkdirat,write,pwrite64,writev,pwritev
WINDOW_TRACED+=,read,pread64,readv,fsync,fdatasync,sync_file_range,rename
WINDOW_TRACED+=,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink
WINDOW_TRACED+=,close,fstat,stat,lstat,newfstatat,statx,getdents64,statfs
WINDOW_TRACED+=,fstatfs,ftruncate,truncate,fallocate,lseek,access,faccessat
WINDOW_TRACED+=,faccessat2,fcntl,flock,chmod,fchmod,utimensat,copy_file_range

# window_run FOLDER MARK RANK [FAULT] - so many saves of the saver (one for 0) on
# two ranks, RANK traced into $work/trace; FAULT is what strace injects. What they
# say is in $work/out.
window_run() {
	local trace=(strace -q -y -o "$work/trace" -e "trace=$WINDOW_TRACED")
	local saves=$(($2 > 0 ? $2 : 1))
	local zero=("$saver" "$1" "$saves") one=("$saver" "$1" "$saves")
	: >"$work/trace"
	[ -z "${4:-}" ] || trace+=(-e "inject=$4")
	case ${4:-} in
	write:*)
		trace+=(-P "$1/events.jsonl" -P /rallypoint-mark-0)
		trace+=(-P /rallypoint-mark-1 -P /rallypoint-mark-2)
		trace+=(-P /rallypoint-mark-3)
		;;
	esac
	if [ "$3" = 0 ]; then
		zero=("${trace[@]}" "${zero[@]}")
	else
		one=("${trace[@]}" "${one[@]}")
	fi
	launch 60 1 "${zero[@]}" : -n 1 "${one[@]}" >"$work/out" 2>&1
}

# window_calls FOLDER MARK - of $work/trace, from this mark to the next, one line
# for each call on the folder: "NAME N K HIT", the N-th of this name in the
# program and the K-th in the window; HIT is 1 for the call that got the fault.
# The second mark is the last one, so that a fault comes behind all others too.
window_calls() {
	awk -v folder="$1" -v from="/rallypoint-mark-$2\"" \
		-v to="/rallypoint-mark-$(($2 + 1))\"" '
		# A kill is told behind its call: print it at the next.
		function tell() {
			if (counts)
				print name, n[name], ++k[name], hit
			counts = hit = 0
		}
		/^\+\+\+ killed by SIGKILL/ { hit = 1 }
		!/^[a-z0-9_]+\(/ { next }
		{
			tell()
			name = $0
			sub(/\(.*/, "", name)
			if (name == "write" && !index($0, folder))
				next
			n[name]++
			last = inside && index($0, to)
			counts = last || (inside && index($0, folder))
			hit = /\(INJECTED\)$/
			if (index($0, from))
				inside = 1
			if (last)
				inside = 0
		}
		END { tell() }' "$work/trace"
}
