/*
 * peer.c - one shared file for all ranks, through MPI-IO and through parallel HDF5
 *
 * Collective calls, each rank's bytes in one stretch behind those of the rank before
 * it, and durable at the end, as far as their own call for that goes.
 */
#include "store.h"

#include <unistd.h>
#ifdef HAVE_HDF5
#include <hdf5.h>
#endif

#define MPIIO_UNIT 4096

static double mpiio(struct store *store, int mode)
{
	MPI_Offset offset = (MPI_Offset)store->size * store->bench->rank;
	int count = (int)(store->size / MPIIO_UNIT);
	char path[PATH_SIZE];
	MPI_Datatype unit;
	MPI_File file;
	double from;

	store_path(store, MPIIO_FILE, 0, path);
	bench_mpi(MPI_Type_contiguous(MPIIO_UNIT, MPI_BYTE, &unit));
	bench_mpi(MPI_Type_commit(&unit));
	if (mode & MPI_MODE_CREATE)
		store_remove(store, MPIIO_FILE);
	bench_barrier();
	from = bench_now();
	bench_mpi(MPI_File_open(MPI_COMM_WORLD, path, mode, MPI_INFO_NULL,
				&file));
	if (mode & MPI_MODE_CREATE) {
		bench_mpi(MPI_File_write_at_all(file, offset, store->data,
						count, unit,
						MPI_STATUS_IGNORE));
		bench_mpi(MPI_File_sync(file));
	} else {
		bench_mpi(MPI_File_read_at_all(file, offset, store->data,
					       count, unit,
					       MPI_STATUS_IGNORE));
	}
	bench_mpi(MPI_File_close(&file));
	from = store_span(from, bench_now());
	bench_mpi(MPI_Type_free(&unit));
	return from;
}

double mpiio_write(struct store *store, void *arg)
{
	(void)arg;
	return mpiio(store, MPI_MODE_CREATE | MPI_MODE_WRONLY);
}

double mpiio_read(struct store *store, void *arg)
{
	(void)arg;
	return mpiio(store, MPI_MODE_RDONLY);
}

#ifdef HAVE_HDF5
static void check(hid_t id)
{
	if (id < 0)
		bench_fail("HDF5");
}

static hid_t plist(hid_t kind)
{
	hid_t list = H5Pcreate(kind);

	check(list);
	if (kind == H5P_FILE_ACCESS)
		check(H5Pset_fapl_mpio(list, MPI_COMM_WORLD, MPI_INFO_NULL));
	else
		check(H5Pset_dxpl_mpio(list, H5FD_MPIO_COLLECTIVE));
	return list;
}

static void transfer(struct store *store, hid_t file, int writes)
{
	hsize_t all = store->size * (hsize_t)store->bench->ranks;
	hsize_t start = store->size * (hsize_t)store->bench->rank;
	hsize_t count = store->size;
	hid_t space = H5Screate_simple(1, &all, NULL);
	hid_t part = H5Screate_simple(1, &count, NULL);
	hid_t how = plist(H5P_DATASET_XFER);
	hid_t set = writes ? H5Dcreate2(file, "data", H5T_NATIVE_UCHAR, space,
					H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)
			   : H5Dopen2(file, "data", H5P_DEFAULT);

	check(set);
	check(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count,
				  NULL));
	if (writes)
		check(H5Dwrite(set, H5T_NATIVE_UCHAR, part, space, how,
			       store->data));
	else
		check(H5Dread(set, H5T_NATIVE_UCHAR, part, space, how,
			      store->data));
	check(H5Dclose(set));
	check(H5Pclose(how));
	check(H5Sclose(part));
	check(H5Sclose(space));
}

static double hdf5(struct store *store, int writes)
{
	hid_t access = plist(H5P_FILE_ACCESS), file;
	char path[PATH_SIZE];
	double from;

	store_path(store, HDF5_FILE, 0, path);
	if (writes)
		store_remove(store, HDF5_FILE);
	bench_barrier();
	from = bench_now();
	file = writes ? H5Fcreate(path, H5F_ACC_EXCL, H5P_DEFAULT, access)
		      : H5Fopen(path, H5F_ACC_RDONLY, access);
	check(file);
	transfer(store, file, writes);
	if (writes)
		check(H5Fflush(file, H5F_SCOPE_GLOBAL));
	check(H5Fclose(file));
	from = store_span(from, bench_now());
	check(H5Pclose(access));
	return from;
}
#else
static double hdf5(struct store *store, int writes)
{
	(void)store, (void)writes;
	return -1;
}
#endif

double hdf5_write(struct store *store, void *arg)
{
	(void)arg;
	return hdf5(store, 1);
}

double hdf5_read(struct store *store, void *arg)
{
	(void)arg;
	return hdf5(store, 0);
}
