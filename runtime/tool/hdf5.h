/*
 * tool/hdf5.h - the HDF5 library, loaded when a .h5 is to be written
 *
 * It is not linked: it brings thirty libraries along, and the command must run, and
 * start quickly, on nodes that have none of them. The types are its header's of the
 * build.
 */
#ifndef RP_TOOL_HDF5_H
#define RP_TOOL_HDF5_H

#include <hdf5.h>

#include "base/err.h"

#define RP_HDF5_FUNCTIONS(X) \
	X(H5open) X(H5dont_atexit) X(H5Eset_auto2) X(H5Ewalk2) \
	X(H5Fcreate) X(H5Fclose) \
	X(H5Acreate2) X(H5Awrite) X(H5Aclose) \
	X(H5Dcreate2) X(H5Dget_space) X(H5Dwrite) X(H5Dclose) \
	X(H5Pcreate) X(H5Pset_fill_time) X(H5Pclose) \
	X(H5Screate) X(H5Screate_simple) X(H5Sselect_hyperslab) X(H5Sclose) \
	X(H5Tcopy) X(H5Tset_size) X(H5Tset_cset) X(H5Tset_fields) \
	X(H5Tset_ebias) X(H5Tenum_create) X(H5Tenum_insert) X(H5Tclose)

/* What the header's H5T_STD_I8LE and so on stand for. */
#define RP_HDF5_IDS(X) \
	X(H5T_STD_I8LE_g) X(H5T_STD_U8LE_g) X(H5T_STD_I16LE_g) \
	X(H5T_STD_U16LE_g) X(H5T_STD_I32LE_g) X(H5T_STD_U32LE_g) \
	X(H5T_STD_I64LE_g) X(H5T_STD_U64LE_g) X(H5T_IEEE_F32LE_g) \
	X(H5T_IEEE_F64LE_g) X(H5T_C_S1_g) X(H5P_CLS_DATASET_CREATE_ID_g)

#define RP_HDF5_MEMBER(name) __typeof__(&name) name;
struct rp_hdf5 {
	RP_HDF5_FUNCTIONS(RP_HDF5_MEMBER)
	RP_HDF5_IDS(RP_HDF5_MEMBER)
};
#undef RP_HDF5_MEMBER

/* Fills *hdf5 and starts the library, which stays. RALLY_EARG where it is not
 * there, or another one. */
int rp_hdf5_load(struct rp_hdf5 *hdf5, struct rp_err *err);

#endif
