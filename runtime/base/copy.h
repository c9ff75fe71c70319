/*
 * base/copy.h - a copy that is not read again soon
 *
 * memcpy() reads the lines that it writes, and has the processor's own cache hold
 * them. Stores past the cache do neither: where what is copied was just hashed it
 * takes a third of the time.
 */
#ifndef RP_BASE_COPY_H
#define RP_BASE_COPY_H

#include <stddef.h>

/* As memcpy(). Other threads may see it after rp_copy_done() only. */
void rp_copy_past_cache(void *to, const void *from, size_t size);
void rp_copy_done(void);

#endif
