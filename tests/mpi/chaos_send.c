#include "chaos.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LONGEST_WAIT 40		/* seconds */

static const struct {
	const char *name;
	int number;
} names[] = {
	{ "TERM", SIGTERM }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
	{ "INT", SIGINT },   { "XCPU", SIGXCPU },
};

#define NAMES (sizeof(names) / sizeof(names[0]))

static atomic_uint heard[32];	/* a handler has nothing else to hang from */

static void on_signal(int number)
{
	atomic_fetch_add(&heard[number], 1);
}

void chaos_listen(void)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < NAMES; i++)
		if (sigaction(names[i].number, &action, NULL) != 0)
			chaos_fail("no handler for %s", names[i].name);
}

void chaos_mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < NAMES; i++)
		sigaddset(&set, names[i].number);
	if (pthread_sigmask(how, &set, NULL) != 0)
		chaos_fail("no signal mask");
}

unsigned chaos_heard(int number)
{
	return atomic_load(&heard[number]);
}

const char *chaos_signal_name(int number)
{
	for (size_t i = 0; i < NAMES; i++)
		if (names[i].number == number)
			return names[i].name;
	return "?";
}

/* A file that all ranks map: they are on one machine, as kill() wants it. */
void chaos_make_board(struct crew *crew)
{
	size_t bytes = (size_t)crew->size * sizeof(*crew->board);
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/board", crew->folder);
	if (crew->rank > 0)
		chaos_mpi(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier");
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || (crew->rank == 0 && ftruncate(fd, (off_t)bytes) != 0))
		chaos_fail("no %s", path);
	if (crew->rank == 0)
		chaos_mpi(MPI_Barrier(MPI_COMM_WORLD), "MPI_Barrier");
	crew->board = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
	if (crew->board == MAP_FAILED)
		chaos_fail("%s can't be mapped", path);
	close(fd);
}

static void start_timer(const struct shot *shot, timer_t *timer)
{
	struct sigevent event;
	struct itimerspec when = { 0 };

	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = shot->number;
	when.it_value.tv_sec = shot->delay / 1000000000;
	when.it_value.tv_nsec = shot->delay % 1000000000;
	if (timer_create(CLOCK_MONOTONIC, &event, timer) != 0 ||
	    timer_settime(*timer, 0, &when, NULL) != 0)
		chaos_fail("no timer");
}

void chaos_send(struct run *run, int i)
{
	const struct shot *shot = &run->storm.shots[i];
	const struct crew *crew = run->crew;

	run->storm.sent[i] = 1;
	switch (shot->way) {
	case TIMER:
		start_timer(shot, &run->storm.timers[i]);
		break;
	case KILL:
		if (kill(crew->pids[shot->to], shot->number) != 0)
			chaos_fail("no kill of rank %d", shot->to);
		atomic_fetch_add(&crew->board[shot->to], 1);
		break;
	default:
		raise(shot->number);
	}
}

/* Whoever started the program reads this, and makes the file when done. */
void chaos_tell_outside(const struct run *run)
{
	const struct storm *storm = &run->storm;
	int any = 0;

	if (run->crew->rank != 0)
		return;
	for (int i = 0; i < storm->n; i++) {
		const struct shot *shot = &storm->shots[i];

		if (shot->way != OUTSIDE)
			continue;
		printf("signal %s %d\n", chaos_signal_name(shot->number),
		       (int)run->crew->pids[shot->to]);
		any = 1;
	}
	if (any)
		printf("sent %s/sent-%d\n", run->crew->folder, storm->number);
	fflush(stdout);
}

static int has_fired(timer_t timer)
{
	struct itimerspec left;

	return timer_gettime(timer, &left) == 0 && left.it_value.tv_sec == 0 &&
	       left.it_value.tv_nsec == 0;
}

static int has_come(const struct run *run, int i)
{
	const struct storm *storm = &run->storm;
	const struct shot *shot = &storm->shots[i];
	char path[PATH_MAX];

	if (shot->to != run->crew->rank)
		return 1;
	if (shot->way == TIMER)
		return storm->sent[i] != 1 || has_fired(storm->timers[i]);
	if (shot->way != OUTSIDE)
		return 1;
	snprintf(path, sizeof(path), "%s/sent-%d", run->crew->folder,
		 storm->number);
	return access(path, F_OK) == 0;
}

static int all_have_come(const struct run *run)
{
	const struct crew *crew = run->crew;

	if (atomic_load(&crew->board[crew->rank]) < crew->kills)
		return 0;
	for (int i = 0; i < run->storm.n; i++)
		if (!has_come(run, i))
			return 0;
	return 1;
}

static void end_timers(struct run *run)
{
	struct storm *storm = &run->storm;

	for (int i = 0; i < storm->n; i++)
		if (storm->shots[i].way == TIMER && storm->sent[i] == 1) {
			timer_delete(storm->timers[i]);
			storm->sent[i] = 2;
		}
}

void chaos_await(struct run *run)
{
	double deadline = MPI_Wtime() + LONGEST_WAIT;

	while (!all_have_come(run)) {
		if (MPI_Wtime() > deadline)
			chaos_fail("signals were sent that did not come");
		chaos_rest(100000);
	}
	/* What is pending comes when a system call returns. */
	chaos_rest(1);
	end_timers(run);
}
