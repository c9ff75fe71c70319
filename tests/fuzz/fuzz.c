#include "fuzz.h"

#include <fcntl.h>
#include <sanitizer/allocator_interface.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

static struct {
	int on;
	int64_t live, limit;
} memory;

_Noreturn void fuzz_broken(const char *file, int line, const char *what)
{
	memory.on = 0;
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

static void on_malloc(const volatile void *ptr, size_t size)
{
	(void)ptr;
	if (!memory.on)
		return;
	memory.live += (int64_t)size;
	if (memory.live <= memory.limit)
		return;
	memory.on = 0;
	fprintf(stderr, "%lld bytes live, the last %zu of them in one piece; "
		"the input warrants %lld\n", (long long)memory.live, size,
		(long long)memory.limit);
	abort();
}

static void on_free(const volatile void *ptr)
{
	if (memory.on && ptr)
		memory.live -= (int64_t)__sanitizer_get_allocated_size(
			(const void *)ptr);
}

void fuzz_begin(size_t size, size_t extra)
{
	static int installed;

	if (!installed++)
		__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	memory.live = 0;
	memory.limit = (int64_t)(FUZZ_PER_BYTE * size + FUZZ_FLOOR + extra);
	memory.on = 1;
}

void fuzz_end(void)
{
	memory.on = 0;
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	FUZZ_CHECK(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static char dir[256];

static void remove_dir(void)
{
	rp_remove_tree(NULL, dir, NULL);
}

const char *fuzz_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (*dir)
		return dir;
	snprintf(dir, sizeof(dir), "%s/rally-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	FUZZ_CHECK(mkdtemp(dir));
	atexit(remove_dir);
	return dir;
}

char *fuzz_path(const char *name)
{
	char *path = rp_path(fuzz_dir(), name);

	FUZZ_CHECK(path);
	return path;
}

void fuzz_put(const char *name, const void *data, size_t size)
{
	char *path = fuzz_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(write(fd, data, size) == (ssize_t)size);
	close(fd);
	free(path);
}

void fuzz_failed(const struct rp_err *err, int rc, int code, const char *part)
{
	FUZZ_CHECK(rc == code && err->code == code);
	FUZZ_CHECK(err->text[0] && strlen(err->text) < sizeof(err->text));
	FUZZ_CHECK(!part || strstr(err->text, part));
	for (const char *p = err->text; *p; p++)
		FUZZ_CHECK(*p >= ' ' && *p <= '~');
}
