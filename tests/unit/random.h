/*
 * random.h - numbers that a seed decides: SEED, or the time, which is printed so that
 *            a failure can be had again
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "data/box.h"

static uint64_t random_state;

static inline void random_begin(void)
{
	const char *seed = getenv("SEED");

	random_state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	print_message("SEED=%llu\n", (unsigned long long)random_state);
}

/* splitmix64 */
static inline uint64_t random_next(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 to n - 1. */
static inline int64_t random_below(int64_t n)
{
	return (int64_t)(random_next() % (uint64_t)n);
}

/* A box of an array, maybe an empty one. */
static inline struct rp_box random_box(int ndim, const int64_t *shape)
{
	struct rp_box box = { .ndim = ndim };

	for (int d = 0; d < ndim; d++) {
		box.start[d] = random_below(shape[d] + 1);
		box.size[d] = random_below(shape[d] - box.start[d] + 1);
	}
	return box;
}

/* The array cut into n boxes at random; where it can't be cut any more, some are
 * empty. In no order. */
static inline void random_split(int ndim, const int64_t *shape, int n,
				struct rp_box *boxes)
{
	boxes[0] = rp_box_whole(ndim, shape);
	for (int i = 1; i < n; i++) {
		struct rp_box *one = &boxes[random_below(i)];
		int d = (int)random_below(ndim);

		boxes[i] = *one;
		boxes[i].size[d] = random_below(one->size[d] + 1);
		one->size[d] -= boxes[i].size[d];
		boxes[i].start[d] += one->size[d];
	}
	for (int i = n - 1; i > 0; i--) {
		int64_t k = random_below(i + 1);
		struct rp_box box = boxes[i];

		boxes[i] = boxes[k];
		boxes[k] = box;
	}
}

#endif
