/*
 * keep_loaded.h - for the main file of a program that uses MPI
 *
 * LeakSanitizer names the frames of a leak at the end of the process, when Open
 * MPI has unloaded its modules: tests/lib/lsan.supp could not tell which leaks
 * are theirs. With ASan they stay loaded.
 */
#ifndef TESTS_KEEP_LOADED_H
#define TESTS_KEEP_LOADED_H

#ifdef __SANITIZE_ADDRESS__
#include <dlfcn.h>

int dlclose(void *handle)
{
	(void)handle;
	return 0;
}
#endif

#endif
