#include "group/site.h"

#include <string.h>

#define TOO_SLOW 4	/* times the step that the stride was made for */

static int is_at(const struct rp_site *site, const char *file, int line)
{
	return site->line == line &&
	       (site->file == file || strcmp(site->file, file) == 0);
}

static unsigned find(const struct rp_sites *sites, const char *file, int line)
{
	unsigned n = sites->count < RP_SITES ? sites->count : RP_SITES;
	unsigned i = 0;

	while (i < n && !is_at(&sites->v[i], file, line))
		i++;
	return i < n ? i : RP_SITES;
}

static uint32_t bit(unsigned site)
{
	return (uint32_t)1 << site;
}

int rp_sites_enter(struct rp_sites *sites, const char *file, int line,
		   uint64_t index)
{
	unsigned at = find(sites, file, line);

	if (at == RP_SITES) {
		at = sites->count++ % RP_SITES;
		sites->v[at] = (struct rp_site){ file, line, 0 };
	}
	sites->current = at;
	sites->entered = index;
	sites->before = sites->window;
	sites->window |= bit(at);
	return sites->v[at].step_ns == 0 ||
	       sites->v[at].step_ns / TOO_SLOW > sites->planned_ns;
}

void rp_sites_start(struct rp_sites *sites, uint64_t index)
{
	sites->round = sites->entered == index ? sites->before : sites->window;
	sites->window = bit(sites->current);
}

int rp_sites_known(const struct rp_sites *sites)
{
	return sites->v[sites->current].step_ns > 0;
}

void rp_sites_learn(struct rp_sites *sites, int64_t step_ns)
{
	sites->planned_ns = step_ns;
	for (unsigned i = 0; step_ns > 0 && i < RP_SITES; i++)
		if (sites->round & bit(i))
			sites->v[i].step_ns = step_ns;
}
