/*
 * sys/staging.h - memory for files on their way, kept from one to the next
 */
#ifndef RP_SYS_STAGING_H
#define RP_SYS_STAGING_H

#include <stddef.h>

/* Aligned memory, kept from file to file: its first touch costs as much as a
 * write. All zeros is empty; freed by the caller. */
struct rp_staging {
	void *memory;
	size_t size;
	size_t limit;	/* of what a save may take in all, 0: as much as helps */
};
void rp_staging_free(struct rp_staging *staging);

/* At least `size` bytes of it. 0, or -1 where there is no memory. */
int rp_staging_get(struct rp_staging *staging, size_t size);

/* What one of `parts` transfers under way may have of it: `most`, or what the limit
 * leaves. */
size_t rp_staging_share(const struct rp_staging *staging, unsigned parts,
			size_t most);

#endif
