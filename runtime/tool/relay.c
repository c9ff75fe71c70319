#include "tool/relay.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tool/print.h"

#define MS 1000000
#define LONGEST_NS (1000 * MS)

/* What one look at the family found. */
struct look {
	size_t handed;		/* now */
	size_t hear;		/* these, and those who have had it */
	int srun;		/* its tasks are elsewhere */
	int64_t youngest_ms;	/* of those who don't hear */
	char name[16];		/* of one that it was handed to */
};

static int is_srun(const struct rp_relative *who)
{
	return strcmp(who->name, "srun") == 0;
}

static int has_had(const struct rp_relay *relay, const struct rp_relative *who)
{
	for (size_t i = 0; i < relay->n; i++)
		if (relay->heard[i].pid == who->pid &&
		    relay->heard[i].started == who->started)
			return 1;
	return 0;
}

static void remember(struct rp_relay *relay, const struct rp_relative *who)
{
	struct rp_heard *more = reallocarray(relay->heard, relay->n + 1,
					     sizeof(*more));

	if (!more)
		return;		/* it gets the signal twice */
	relay->heard = more;
	more[relay->n++] = (struct rp_heard){ who->pid, who->started };
}

static void hand(struct rp_relay *relay, const struct rp_relative *who,
		 struct look *look)
{
	if (has_had(relay, who)) {
		look->hear++;
	} else if (kill(who->pid, relay->number) == 0) {
		remember(relay, who);
		look->hear++;
		look->handed++;
		memcpy(look->name, who->name, sizeof(look->name));
	}
}

static void look_at(struct rp_relay *relay, const struct rp_family *family,
		    struct look *look)
{
	size_t below = 0;	/* depth of one that hears, and its branch */

	memset(look, 0, sizeof(*look));
	look->youngest_ms = INT64_MAX;
	for (size_t i = 0; i < family->n; i++) {
		const struct rp_relative *who = &family->v[i];

		if (below > 0 && who->depth > below)
			continue;
		below = 0;
		if (is_srun(who) && relay->number == SIGTERM) {
			look->srun = 1;
		} else if (is_srun(who) ||
			   rp_relative_hears(who, relay->number)) {
			below = who->depth;
			hand(relay, who, look);
		} else if (who->age_ms < look->youngest_ms) {
			look->youngest_ms = who->age_ms;
		}
	}
}

static int has_patience(const struct rp_relay *relay, const struct look *look)
{
	int64_t waited = rp_now() - relay->from;

	/* Once more at least: somebody may have been about to exec. And who has
	 * heard it before is about to leave. */
	return waited < RP_RELAY_MS * MS ||
	       (waited < relay->patience_ns &&
		(relay->was_heard ||
		 look->youngest_ms < relay->patience_ns / MS));
}

void rp_relay_begin(struct rp_relay *relay)
{
	relay->n = 0;
	relay->next = 0;
	relay->pause_ns = RP_RELAY_MS * MS;
	if (relay->active)
		return;
	relay->active = 1;
	relay->from = rp_now();
}

/* One task speaks for all of a step. */
static int speaks(void)
{
	const char *task = getenv("SLURM_PROCID");

	return !task || strcmp(task, "0") == 0;
}

static void tell_handed(struct rp_relay *relay, const struct look *look)
{
	if (look->handed == 0 || relay->was_heard)
		return;
	relay->was_heard = 1;
	if (speaks())
		rp_complain("run: SIG%s handed on to %zu process%s (%s)",
			    sigabbrev_np(relay->number), look->handed,
			    look->handed == 1 ? "" : "es", look->name);
}

static enum rp_relay_state conclude(struct rp_relay *relay,
				    const struct look *look)
{
	tell_handed(relay, look);
	if (has_patience(relay, look))
		return RP_RELAY_LOOKING;
	relay->active = 0;
	if (look->hear > 0)
		return RP_RELAY_IDLE;
	if (!look->srun)
		return RP_RELAY_UNHEARD;
	rp_complain("run: SIG%s is kept from srun, which would kill its tasks; "
		    "Slurm signals them itself", sigabbrev_np(relay->number));
	return RP_RELAY_IDLE;
}

enum rp_relay_state rp_relay_look(struct rp_relay *relay)
{
	struct rp_family family;
	struct look look;
	int64_t now = rp_now();

	if (!relay->active)
		return RP_RELAY_IDLE;
	if (now < relay->next)
		return RP_RELAY_LOOKING;
	relay->next = now + relay->pause_ns;
	relay->pause_ns *= 2;
	if (relay->pause_ns > LONGEST_NS)
		relay->pause_ns = LONGEST_NS;
	if (rp_family_list(getpid(), &family, NULL) != 0)
		return RP_RELAY_LOOKING;
	look_at(relay, &family, &look);
	rp_family_free(&family);
	return conclude(relay, &look);
}

int rp_relay_is_awaited(const struct rp_relay *relay)
{
	struct rp_family family;
	int found = 0;

	if (relay->n == 0 || rp_family_list(getpid(), &family, NULL) != 0)
		return 0;
	for (size_t i = 0; i < family.n && !found; i++)
		found = has_had(relay, &family.v[i]);
	rp_family_free(&family);
	return found;
}

void rp_relay_end(struct rp_relay *relay)
{
	free(relay->heard);
	memset(relay, 0, sizeof(*relay));
}
