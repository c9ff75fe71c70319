#include "standin_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct memory *memories;

static struct range {
	struct range *next;
	char *address;
	size_t size;
	unsigned int flags;
} *ranges;			/* pinned memory of the host's */

/*
 * Memory of the devices: one mapping without rights, whose address programs get,
 * and one for what the device does.
 */

static struct memory *map(size_t size)
{
	struct memory *m = calloc(1, sizeof(*m));
	int fd = memfd_create("standin", MFD_CLOEXEC);

	if (!m || fd < 0 || size == 0 || ftruncate(fd, (off_t)size) != 0)
		goto fail;
	m->size = size;
	m->address = mmap(NULL, size, PROT_NONE, MAP_SHARED, fd, 0);
	m->view = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m->address == MAP_FAILED || m->view == MAP_FAILED)
		goto fail;
	close(fd);
	return m;
fail:
	if (fd >= 0)
		close(fd);
	free(m);
	return NULL;
}

static int allocate(uint64_t *pointer, size_t size, int pool, int managed)
{
	struct CUctx_st *ctx = current();
	struct memory *m;

	if (!ctx)
		return INVALID_CONTEXT;
	m = map(size);
	if (!m)
		return OUT_OF_MEMORY;
	memset(m->view, 0xA5, size);
	m->ctx = pool ? NULL : ctx;
	m->device = ctx->device;
	m->managed = managed;
	m->next = memories;
	memories = m;
	counts.allocations++;
	*pointer = (uint64_t)(uintptr_t)m->address;
	return OK;
}

int cuMemAlloc_v2(uint64_t *pointer, size_t size)
{
	int rc = enter("cuMemAlloc");

	return leave(rc ? rc : allocate(pointer, size, 0, 0));
}

int cuMemAllocManaged(uint64_t *pointer, size_t size, unsigned int flags)
{
	int rc = enter("cuMemAllocManaged");

	(void)flags;
	return leave(rc ? rc : allocate(pointer, size, 0, 1));
}

int cuMemAllocAsync(uint64_t *pointer, size_t size, struct CUstream_st *stream)
{
	int rc = enter("cuMemAllocAsync");

	(void)stream;
	return leave(rc ? rc : allocate(pointer, size, 1, 0));
}

/* Waits for the device, as the driver's does. */
static int release(uint64_t pointer)
{
	struct memory **at = &memories, *m;

	while (*at && (uint64_t)(uintptr_t)(*at)->address != pointer)
		at = &(*at)->next;
	m = *at;
	if (!m)
		return INVALID_VALUE;
	if (m->ctx)
		run_ctx(m->ctx);
	*at = m->next;
	munmap(m->address, m->size);
	munmap(m->view, m->size);
	free(m);
	counts.allocations--;
	return OK;
}

int cuMemFree_v2(uint64_t pointer)
{
	int rc = enter("cuMemFree"), freed = release(pointer);

	return leave(rc ? rc : freed);
}

int cuMemFreeAsync(uint64_t pointer, struct CUstream_st *stream)
{
	int rc = enter("cuMemFreeAsync"), freed;

	if (stream)
		run_stream(stream, NULL);
	freed = release(pointer);
	return leave(rc ? rc : freed);
}

struct memory *memory_at(uint64_t pointer, size_t size)
{
	const char *address = (const char *)(uintptr_t)pointer;

	for (struct memory *m = memories; m; m = m->next)
		if (address >= m->address && address < m->address + m->size)
			return size <= (size_t)(m->address + m->size - address)
				       ? m : NULL;
	return NULL;
}

/*
 * Pinned memory of the host's
 */

static struct range **range_at(const char *address)
{
	struct range **at = &ranges;

	while (*at && (address < (*at)->address ||
		       address >= (*at)->address + (*at)->size))
		at = &(*at)->next;
	return at;
}

int cuMemHostRegister_v2(void *memory, size_t size, unsigned int flags)
{
	int rc = enter("cuMemHostRegister");
	struct range *range;

	if (rc == OK && !current())
		rc = INVALID_CONTEXT;
	if (rc == OK && *range_at(memory))
		rc = ALREADY_REGISTERED;
	if (rc != OK)
		return leave(rc);
	range = calloc(1, sizeof(*range));
	if (!range)
		abort();
	range->address = memory;
	range->size = size;
	range->flags = flags;
	range->next = ranges;
	ranges = range;
	counts.registered++;
	return leave(OK);
}

int cuMemHostUnregister(void *memory)
{
	int rc = enter("cuMemHostUnregister");
	struct range **at = range_at(memory), *range = *at;

	if (rc == OK && !current())
		rc = INVALID_CONTEXT;
	if (rc == OK && (!range || range->address != memory))
		rc = NOT_REGISTERED;
	if (rc != OK)
		return leave(rc);
	*at = range->next;
	free(range);
	counts.registered--;
	return leave(OK);
}

/* As the driver's: what it does not know has zeros, and no device. Managed memory is
 * where its pages are, on the host at first. */
int cuPointerGetAttributes(unsigned int n, const int *which,
			   void *const *values, uint64_t pointer)
{
	int rc = enter("cuPointerGetAttributes");
	const struct memory *m = memory_at(pointer, 1);
	const struct range *pinned =
		*range_at((const char *)(uintptr_t)pointer);
	unsigned int one = 1;
	int none = -2;

	for (unsigned int i = 0; rc == OK && i < n; i++)
		switch (which[i]) {
		case 1:
			*(struct CUctx_st **)values[i] = m ? m->ctx : NULL;
			break;
		case 2:
			*(unsigned int *)values[i] = m && !m->managed ? 2
						     : m || pinned     ? 1
								       : 0;
			break;
		case 8:
			memset(values[i], 0, 1);
			if (m && m->managed)
				memcpy(values[i], &one, 1);
			break;
		case 9:
			memcpy(values[i], m ? &m->device : &none, sizeof(int));
			break;
		default:
			rc = INVALID_VALUE;
		}
	return leave(rc);
}
