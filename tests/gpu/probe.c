/*
 * probe.c - is there a GPU that works? 0, or 77 and the reason
 */
#include <stdio.h>

#include "../lib/cuda/gpu.h"

int main(void)
{
	const char *why = gpu_load("libcuda.so.1");

	if (!why)
		why = gpu_init();
	if (!why)
		return 0;
	printf("there is no GPU: %s\n", why);
	return 77;
}
