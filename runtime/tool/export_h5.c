/*
 * tool/export_h5.c - .h5: a dataset an array, by the serial HDF5 library (tool/hdf5.h)
 *
 * Datasets are contiguous and written a hyperslab at a time. F16, BF16 and F8_E5M2 are
 * HDF5 floats of that format, which its library and those over it convert; F8_E4M3
 * is not after IEEE 754, which HDF5's floats are, and BOOL is the enumeration that h5py
 * makes of it.
 */
#include "tool/export.h"

#ifndef HDF5_LIBRARY

static int check(const struct rp_export *export, struct rp_err *err)
{
	return rp_fail(err, RALLY_EARG, "%s: this rallypoint was built without "
		       "HDF5: write .npy or .safetensors, or have it built where "
		       "libhdf5-dev is (configure --with-hdf5)",
		       export->output.path);
}

const struct rp_export_format rp_export_h5 = {
	.name = "h5", .ending = ".h5", .kind = RP_OUTPUT_FILE,
	.check = check, .drop = rp_export_drop,
};

#else

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "data/dtype.h"
#include "tool/hdf5.h"
#include "tool/print.h"

/* H5F_ACC_EXCL, which calls the library in the header's words: a new file. */
#define NEW_FILE 0x0004u

struct h5 {
	struct rp_hdf5 lib;
	hid_t file, dataset;
	hid_t type;	/* in memory and in the file */
};

/* The deepest reason that HDF5 gives. */
static herr_t keep_first(unsigned n, const H5E_error2_t *error, void *arg)
{
	const char **text = arg;

	(void)n;
	if (!*text)
		*text = error->desc;
	return 0;
}

static int failed(const struct rp_export *export, const char *what,
		  struct rp_err *err)
{
	int full = errno == ENOSPC || errno == EDQUOT;
	const struct h5 *h5 = export->own;
	const char *why = NULL;

	h5->lib.H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &why);
	return rp_fail(err, full ? RALLY_ENOSPC : RALLY_EIO,
		       "%s: HDF5 could not write %s: %s", export->output.path,
		       what, why ? why : "no reason");
}

/* A float of HDF5's from the least bit up: mantissa, exponent, sign. */
static hid_t small_float(const struct rp_hdf5 *lib, size_t size, size_t exponent,
			 size_t mantissa)
{
	hid_t type = lib->H5Tcopy(*lib->H5T_IEEE_F32LE_g);

	if (lib->H5Tset_fields(type, exponent + mantissa, mantissa, exponent, 0,
			       mantissa) >= 0 &&
	    lib->H5Tset_size(type, size) >= 0 &&
	    lib->H5Tset_ebias(type, ((size_t)1 << (exponent - 1)) - 1) >= 0)
		return type;
	lib->H5Tclose(type);
	return -1;
}

static hid_t boolean(const struct rp_hdf5 *lib)
{
	hid_t type = lib->H5Tenum_create(*lib->H5T_STD_I8LE_g);
	const signed char no = 0, yes = 1;

	if (lib->H5Tenum_insert(type, "FALSE", &no) >= 0 &&
	    lib->H5Tenum_insert(type, "TRUE", &yes) >= 0)
		return type;
	lib->H5Tclose(type);
	return -1;
}

/* To be closed; negative on an error. */
static hid_t type_of(const struct rp_hdf5 *lib, enum rally_type type)
{
	switch (type) {
	case RALLY_BOOL:
		return boolean(lib);
	case RALLY_I8:
		return lib->H5Tcopy(*lib->H5T_STD_I8LE_g);
	case RALLY_U16:
		return lib->H5Tcopy(*lib->H5T_STD_U16LE_g);
	case RALLY_I16:
		return lib->H5Tcopy(*lib->H5T_STD_I16LE_g);
	case RALLY_U32:
		return lib->H5Tcopy(*lib->H5T_STD_U32LE_g);
	case RALLY_I32:
		return lib->H5Tcopy(*lib->H5T_STD_I32LE_g);
	case RALLY_U64:
		return lib->H5Tcopy(*lib->H5T_STD_U64LE_g);
	case RALLY_I64:
		return lib->H5Tcopy(*lib->H5T_STD_I64LE_g);
	case RALLY_F8_E5M2:
		return small_float(lib, 1, 5, 2);
	case RALLY_F16:
		return small_float(lib, 2, 5, 10);
	case RALLY_BF16:
		return small_float(lib, 2, 8, 7);
	case RALLY_F32:
		return lib->H5Tcopy(*lib->H5T_IEEE_F32LE_g);
	case RALLY_F64:
		return lib->H5Tcopy(*lib->H5T_IEEE_F64LE_g);
	default:	/* U8, F8_E4M3 */
		return lib->H5Tcopy(*lib->H5T_STD_U8LE_g);
	}
}

static int check(const struct rp_export *export, struct rp_err *err)
{
	(void)err;
	for (size_t i = 0; i < export->n; i++)
		if (export->v[i].item->type == RALLY_F8_E4M3)
			rp_complain("'%s' is of type F8_E4M3, which HDF5 has no "
				    "float for: its bits are written as uint8",
				    export->v[i].name);
	return 0;
}

/* A string, UTF-8, of any length: in the attribute itself 64 KiB would be the most. */
static herr_t put_text(const struct rp_hdf5 *lib, hid_t where, const char *key,
		       const char *text)
{
	hid_t type = lib->H5Tcopy(*lib->H5T_C_S1_g), at = -1;
	hid_t space = lib->H5Screate(H5S_SCALAR);
	herr_t rc = -1;

	if (lib->H5Tset_size(type, H5T_VARIABLE) >= 0 &&
	    lib->H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
		at = lib->H5Acreate2(where, key, type, space, H5P_DEFAULT,
				     H5P_DEFAULT);
	if (at >= 0) {
		rc = lib->H5Awrite(at, type, &text);
		lib->H5Aclose(at);
	}
	lib->H5Sclose(space);
	lib->H5Tclose(type);
	return rc;
}

static herr_t put_number(const struct rp_hdf5 *lib, hid_t where, const char *key,
			 int64_t number)
{
	hid_t space = lib->H5Screate(H5S_SCALAR), at;
	herr_t rc = -1;

	at = lib->H5Acreate2(where, key, *lib->H5T_STD_I64LE_g, space,
			     H5P_DEFAULT, H5P_DEFAULT);
	if (at >= 0) {
		rc = lib->H5Awrite(at, *lib->H5T_STD_I64LE_g, &number);
		lib->H5Aclose(at);
	}
	lib->H5Sclose(space);
	return rc;
}

static herr_t put_facts(const struct rp_export *export)
{
	const struct h5 *h5 = export->own;
	const struct rp_hdf5 *lib = &h5->lib;
	const struct rp_manifest *m = &export->reading.m;
	json_t *facts = rp_export_facts(export), *value;
	herr_t rc = facts ? 0 : -1;
	const char *key;

	if (rc >= 0)
		rc = put_number(lib, h5->file, "step", m->step);
	if (rc >= 0)
		rc = put_number(lib, h5->file, "sequence", m->sequence);
	if (rc >= 0)
		rc = put_number(lib, h5->file, "ranks", m->ranks);
	json_object_foreach(facts, key, value)
		if (rc >= 0)
			rc = put_text(lib, h5->file, key,
				      json_string_value(value));
	json_decref(facts);
	return rc;
}

static int begin(struct rp_export *export, struct rp_err *err)
{
	struct h5 *h5 = calloc(1, sizeof(*h5));

	if (!h5)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory",
			       export->output.path);
	export->own = h5;
	h5->file = h5->dataset = h5->type = -1;
	if (rp_hdf5_load(&h5->lib, err) != 0)
		return err->code;
	h5->lib.H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	errno = 0;
	h5->file = h5->lib.H5Fcreate(export->output.temp, NEW_FILE, H5P_DEFAULT,
				     H5P_DEFAULT);
	if (h5->file < 0)
		return failed(export, "a new file", err);
	export->output.made = 1;
	if (put_facts(export) < 0)
		return failed(export, "its attributes", err);
	return 0;
}

static int end_array(const struct rp_export *export, struct rp_err *err)
{
	struct h5 *h5 = export->own;
	herr_t rc = 0;

	errno = 0;
	if (h5->type >= 0)
		h5->lib.H5Tclose(h5->type);
	if (h5->dataset >= 0)
		rc = h5->lib.H5Dclose(h5->dataset);
	h5->type = h5->dataset = -1;
	return rc < 0 ? failed(export, "an array", err) : 0;
}

/* Nothing is filled in first: all of it will be written. */
static hid_t create(const struct h5 *h5, const struct rp_export_item *item)
{
	const struct rp_hdf5 *lib = &h5->lib;
	hid_t list = lib->H5Pcreate(*lib->H5P_CLS_DATASET_CREATE_ID_g);
	hid_t space, dataset = -1;
	hsize_t shape[RALLY_MAX_DIMS];

	for (int i = 0; i < item->item->ndim; i++)
		shape[i] = (hsize_t)item->item->shape[i];
	space = lib->H5Screate_simple(item->item->ndim, shape, NULL);
	if (space >= 0 && lib->H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0)
		dataset = lib->H5Dcreate2(h5->file, item->name, h5->type, space,
					  H5P_DEFAULT, list, H5P_DEFAULT);
	if (space >= 0)
		lib->H5Sclose(space);
	lib->H5Pclose(list);
	return dataset;
}

static int begin_array(struct rp_export *export,
		       const struct rp_export_item *item, struct rp_err *err)
{
	struct h5 *h5 = export->own;
	int rc = end_array(export, err);

	if (rc != 0)
		return rc;
	errno = 0;
	h5->type = type_of(&h5->lib, item->item->type);
	if (h5->type >= 0)
		h5->dataset = create(h5, item);
	if (h5->dataset < 0 ||
	    put_text(&h5->lib, h5->dataset, "dtype",
		     rp_dtype_name(item->item->type)) < 0)
		return failed(export, item->name, err);
	return 0;
}

static int put(struct rp_export *export, const struct rp_export_item *item,
	       const struct rp_walk *box, const void *data, size_t bytes,
	       struct rp_err *err)
{
	const struct h5 *h5 = export->own;
	const struct rp_hdf5 *lib = &h5->lib;
	hsize_t start[RALLY_MAX_DIMS], count[RALLY_MAX_DIMS];
	hid_t file = lib->H5Dget_space(h5->dataset), memory;
	int ndim = item->item->ndim;
	herr_t rc = -1;

	(void)bytes;
	for (int i = 0; i < ndim; i++) {
		start[i] = (hsize_t)box->start[i];
		count[i] = (hsize_t)box->local[i];
	}
	errno = 0;
	memory = lib->H5Screate_simple(ndim, count, NULL);
	if (memory >= 0 && lib->H5Sselect_hyperslab(file, H5S_SELECT_SET, start,
						    NULL, count, NULL) >= 0)
		rc = lib->H5Dwrite(h5->dataset, h5->type, memory, file,
				   H5P_DEFAULT, data);
	if (rc < 0)
		failed(export, item->name, err);
	if (memory >= 0)
		lib->H5Sclose(memory);
	lib->H5Sclose(file);
	return rc < 0 ? err->code : 0;
}

static int finish(struct rp_export *export, struct rp_err *err)
{
	struct h5 *h5 = export->own;
	int rc = end_array(export, err), fd;
	hid_t file = h5->file;

	h5->file = -1;
	errno = 0;
	if (h5->lib.H5Fclose(file) < 0 && rc == 0)
		rc = failed(export, "the end of the file", err);
	if (rc != 0)
		return rc;
	fd = open(export->output.temp, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return rp_fail_errno(err, "open", export->output.path);
	return rp_sync_close(NULL, fd, export->output.path, err);
}

static void drop(struct rp_export *export)
{
	struct h5 *h5 = export->own;

	if (h5) {
		end_array(export, NULL);
		if (h5->file >= 0)
			h5->lib.H5Fclose(h5->file);
	}
	free(h5);
	export->own = NULL;
	rp_export_drop(export);
}

const struct rp_export_format rp_export_h5 = {
	.name = "h5", .ending = ".h5", .kind = RP_OUTPUT_FILE,
	.check = check, .begin = begin, .array = begin_array, .put = put,
	.finish = finish, .drop = drop,
};

#endif
