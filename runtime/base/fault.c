#include "base/fault.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const struct {
	const char *word;
	enum rp_fault_kind kind;
	int sys;
} kinds[] = {
	{ "EIO", RP_FAULT_FAIL, EIO },
	{ "ENOSPC", RP_FAULT_FAIL, ENOSPC },
	{ "EDQUOT", RP_FAULT_FAIL, EDQUOT },
	{ "EINTR", RP_FAULT_FAIL, EINTR },
	{ "short", RP_FAULT_SHORT, 0 },
	{ "ENOENT", RP_FAULT_FAIL, ENOENT },
	{ "EACCES", RP_FAULT_FAIL, EACCES },
	{ "EINVAL", RP_FAULT_FAIL, EINVAL },
	{ "lost", RP_FAULT_LOST, ENOENT },
	{ "last", RP_FAULT_LAST, 0 },
	{ "kill", RP_FAULT_KILL, 0 },
	{ "hang", RP_FAULT_HANG, 0 },
};

#define BY_CHANCE 5	/* the first rows are what a seeded fault draws from */

static int parse_kind(const char *word, struct rp_fault *fault)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].word, word) == 0) {
			fault->kind = kinds[i].kind;
			fault->sys = kinds[i].sys;
			return 0;
		}
	return -1;
}

static int parse_whose(const char *word, struct rp_fault *fault)
{
	fault->writer = strcmp(word, "writer") == 0;
	return fault->writer || strcmp(word, "program") == 0 ? 0 : -1;
}

static int parse_pair(const char *key, const char *value,
		      struct rp_fault *fault)
{
	if (strcmp(key, "rank") == 0)
		return rp_parse_int(value, 0, INT32_MAX, &fault->rank);
	if (strcmp(key, "at") == 0)
		return rp_parse_int(value, 1, INT64_MAX, &fault->at);
	if (strcmp(key, "seed") == 0)
		return rp_parse_int(value, 0, INT64_MAX, &fault->seed);
	if (strcmp(key, "every") == 0)
		return rp_parse_int(value, 1, INT64_MAX, &fault->every);
	if (strcmp(key, "on") == 0)
		return parse_whose(value, fault);
	return strcmp(key, "do") == 0 ? parse_kind(value, fault) : -1;
}

int rp_fault_parse(const char *spec, struct rp_fault *fault)
{
	char key[8], value[24];
	int n;

	memset(fault, 0, sizeof(*fault));
	fault->rank = -1;
	fault->writer = -1;
	if (*spec == '\0')
		return 0;
	do {
		n = 0;
		if (sscanf(spec, "%7[a-z]=%23[a-zA-Z0-9]%n", key, value, &n) !=
			    2 ||
		    parse_pair(key, value, fault) != 0)
			return -1;
		spec += n;
	} while (*spec++ == ',');
	if (spec[-1] != '\0')
		return -1;
	if (fault->at > 0)
		return fault->kind && !fault->every && !fault->seed ? 0 : -1;
	return fault->every && !fault->kind ? 0 : -1;
}

/* splitmix64, see https://prng.di.unimi.it/splitmix64.c */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

struct rp_fate rp_fault_next(struct rp_fault *fault, int rank, uint64_t call)
{
	struct rp_fate fate = { RP_FAULT_NONE, 0 };
	uint64_t drawn;

	if (fault->rank >= 0 && fault->rank != rank)
		return fate;
	if (fault->at > 0 && (uint64_t)fault->at == call) {
		fate.kind = fault->kind;
		fate.sys = fault->sys;
	}
	if (fault->every == 0)
		return fate;
	if (fault->state == 0)
		fault->state = (uint64_t)fault->seed << 20 |
			       (uint64_t)(fault->writer > 0) << 19 |
			       (uint64_t)rank;
	drawn = draw(&fault->state);
	if (drawn % (uint64_t)fault->every == 0) {
		drawn = (drawn >> 40) % BY_CHANCE;
		fate.kind = kinds[drawn].kind;
		fate.sys = kinds[drawn].sys;
	}
	return fate;
}
