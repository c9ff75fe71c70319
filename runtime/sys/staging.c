#include "sys/staging.h"

#include <sys/mman.h>

#include "sys/disk.h"

#define SHARE_MIN ((size_t)64 << 10)

void rp_staging_free(struct rp_staging *staging)
{
	if (staging->memory)
		munmap(staging->memory, staging->size);
	staging->memory = NULL;
	staging->size = 0;
}

/* Half of the limit: there are other buffers than these. */
size_t rp_staging_share(const struct rp_staging *staging, unsigned parts,
			size_t most)
{
	size_t size = most;

	if (staging->limit / 2 / parts < size && staging->limit > 0)
		size = staging->limit / 2 / parts / RP_DISK_ALIGN * RP_DISK_ALIGN;
	return size > SHARE_MIN ? size : SHARE_MIN;
}

/* In huge pages, where the kernel has some: their first touch is faster. */
int rp_staging_get(struct rp_staging *staging, size_t size)
{
	if (staging->size >= size &&
	    (staging->limit == 0 || staging->size <= staging->limit))
		return 0;
	rp_staging_free(staging);
	staging->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (staging->memory == MAP_FAILED) {
		staging->memory = NULL;
		return -1;
	}
	staging->size = size;
	(void)madvise(staging->memory, size, MADV_HUGEPAGE);
	return 0;
}
