/*
 * base/clock.h - the two clocks
 */
#ifndef RP_BASE_CLOCK_H
#define RP_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC: for durations and deadlines. */
int64_t rp_now(void);

/* Seconds since the epoch, for people and files only. */
int64_t rp_wall(void);

/* `wall` as "2026-01-31T12:00:00Z" into a buffer of at least 21 bytes. */
void rp_wall_text(int64_t wall, char *buf, size_t size);

void rp_sleep_ms(int ms);

#endif
