#ifdef HDF5_LIBRARY

#include "tool/hdf5.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define SYMBOL(name) { #name, offsetof(struct rp_hdf5, name) },
static const struct {
	const char *name;
	size_t at;
} symbols[] = {
	RP_HDF5_FUNCTIONS(SYMBOL)
	RP_HDF5_IDS(SYMBOL)
};

int rp_hdf5_load(struct rp_hdf5 *hdf5, struct rp_err *err)
{
	void *library = dlopen(HDF5_LIBRARY, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; library && i < sizeof(symbols) / sizeof(symbols[0]);
	     i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (symbol)
			memcpy((char *)hdf5 + symbols[i].at, &symbol,
			       sizeof(symbol));
		else
			library = NULL;
	}
	if (!library)
		return rp_fail(err, RALLY_EARG, "the HDF5 library can't be "
			       "loaded: %s; install it here, or write .npy or "
			       ".safetensors", dlerror());
	/* What failed is told, and not tried again when the process ends. */
	hdf5->H5dont_atexit();
	if (hdf5->H5open() < 0)
		return rp_fail(err, RALLY_EARG, "the HDF5 library "
			       HDF5_LIBRARY " does not start");
	return 0;
}

#else
typedef int rp_no_hdf5;	/* a file must hold something */
#endif
