#include "base/copy.h"

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LINE ((size_t)64)	/* of the processor's cache */

#ifdef __SSE2__
static void copy_lines(unsigned char *to, const unsigned char *from, size_t lines)
{
	for (; lines > 0; lines--, to += LINE, from += LINE) {
		const __m128i *source = (const void *)from;
		__m128i *target = (void *)to;
		__m128i a = _mm_loadu_si128(source);
		__m128i b = _mm_loadu_si128(source + 1);
		__m128i c = _mm_loadu_si128(source + 2);
		__m128i d = _mm_loadu_si128(source + 3);

		_mm_stream_si128(target, a);
		_mm_stream_si128(target + 1, b);
		_mm_stream_si128(target + 2, c);
		_mm_stream_si128(target + 3, d);
	}
}

void rp_copy_done(void)
{
	_mm_sfence();
}
#else
static void copy_lines(unsigned char *to, const unsigned char *from, size_t lines)
{
	memcpy(to, from, lines * LINE);
}

void rp_copy_done(void)
{
}
#endif

/* Whole lines go past it, what is before and behind them does not. */
void rp_copy_past_cache(void *to, const void *from, size_t size)
{
	size_t head = (LINE - (uintptr_t)to % LINE) % LINE, lines;

	if (size < 16 * LINE) {
		memcpy(to, from, size);
		return;
	}
	memcpy(to, from, head);
	lines = (size - head) / LINE;
	copy_lines((unsigned char *)to + head, (const unsigned char *)from + head,
		   lines);
	head += lines * LINE;
	memcpy((unsigned char *)to + head, (const unsigned char *)from + head,
	       size - head);
}
