/*
 * peer.c - one shared file for all ranks, through MPI-IO and through parallel HDF5
 *
 * Collective calls, each rank's bytes in one stretch behind those of the rank before
 * it, or where its box lies in the array, row by row; and durable at the end, as far
 * as their own call for that goes.
 */
#include "store.h"

#include <unistd.h>
#ifdef HAVE_HDF5
#include <hdf5.h>
#endif

#define MPIIO_UNIT 4096

/* What one transfer moves: `count` of `unit`, at `offset` of the file's view. */
struct plan {
	MPI_Datatype unit, view;	/* view: only of a box */
	MPI_Offset offset;
	int count;
};

static void plan_open(const struct store *store, const struct box *box,
		      struct plan *plan)
{
	int shape[2], local[2], start[2];

	plan->offset = (MPI_Offset)store->size * store->bench->rank;
	plan->count = (int)(store->size / MPIIO_UNIT);
	plan->view = MPI_DATATYPE_NULL;
	if (!box) {
		bench_mpi(MPI_Type_contiguous(MPIIO_UNIT, MPI_BYTE,
					      &plan->unit));
		bench_mpi(MPI_Type_commit(&plan->unit));
		return;
	}
	for (int i = 0; i < 2; i++) {
		shape[i] = (int)box->shape[i];
		local[i] = (int)box->local[i];
		start[i] = (int)box->start[i];
	}
	plan->offset = 0;
	plan->count = local[0];
	bench_mpi(MPI_Type_contiguous(local[1], MPI_UINT64_T, &plan->unit));
	bench_mpi(MPI_Type_commit(&plan->unit));
	bench_mpi(MPI_Type_create_subarray(2, shape, local, start, MPI_ORDER_C,
					   MPI_UINT64_T, &plan->view));
	bench_mpi(MPI_Type_commit(&plan->view));
}

static void plan_close(struct plan *plan)
{
	bench_mpi(MPI_Type_free(&plan->unit));
	if (plan->view != MPI_DATATYPE_NULL)
		bench_mpi(MPI_Type_free(&plan->view));
}

static void mpiio_move(struct store *store, MPI_File file, int writes,
		       const struct plan *plan)
{
	static char native[] = "native";

	if (plan->view != MPI_DATATYPE_NULL)
		bench_mpi(MPI_File_set_view(file, 0, MPI_UINT64_T, plan->view,
					    native, MPI_INFO_NULL));
	if (!writes) {
		bench_mpi(MPI_File_read_at_all(file, plan->offset, store->data,
					       plan->count, plan->unit,
					       MPI_STATUS_IGNORE));
		return;
	}
	bench_mpi(MPI_File_write_at_all(file, plan->offset, store->data,
					plan->count, plan->unit,
					MPI_STATUS_IGNORE));
	bench_mpi(MPI_File_sync(file));
}

static double mpiio(struct store *store, const struct box *box, int writes)
{
	int mode = writes ? MPI_MODE_CREATE | MPI_MODE_WRONLY : MPI_MODE_RDONLY;
	char path[PATH_SIZE];
	struct plan plan;
	MPI_File file;
	double from;

	store_path(store, MPIIO_FILE, 0, path);
	plan_open(store, box, &plan);
	if (writes)
		store_remove(store, MPIIO_FILE);
	bench_barrier();
	from = bench_now();
	bench_mpi(MPI_File_open(MPI_COMM_WORLD, path, mode, MPI_INFO_NULL,
				&file));
	mpiio_move(store, file, writes, &plan);
	bench_mpi(MPI_File_close(&file));
	from = store_span(from, bench_now());
	plan_close(&plan);
	return from;
}

double mpiio_write(struct store *store, void *arg)
{
	return mpiio(store, arg, 1);
}

double mpiio_read(struct store *store, void *arg)
{
	return mpiio(store, arg, 0);
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

/* The file's and the memory's selection. */
static hid_t select_part(const struct store *store, const struct box *box,
			 hid_t *part)
{
	hsize_t all[2] = { store->size * (hsize_t)store->bench->ranks };
	hsize_t start[2] = { store->size * (hsize_t)store->bench->rank };
	hsize_t count[2] = { store->size };
	int dims = box ? 2 : 1;
	hid_t space;

	for (int i = 0; box && i < dims; i++) {
		all[i] = (hsize_t)box->shape[i];
		start[i] = (hsize_t)box->start[i];
		count[i] = (hsize_t)box->local[i];
	}
	space = H5Screate_simple(dims, all, NULL);
	*part = H5Screate_simple(dims, count, NULL);
	check(*part);
	check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count,
				  NULL));
	return space;
}

static void transfer(struct store *store, const struct box *box, hid_t file,
		     int writes)
{
	hid_t type = box ? H5T_NATIVE_UINT64 : H5T_NATIVE_UCHAR;
	hid_t how = plist(H5P_DATASET_XFER), part;
	hid_t space = select_part(store, box, &part);
	hid_t set = writes ? H5Dcreate2(file, "data", type, space, H5P_DEFAULT,
					H5P_DEFAULT, H5P_DEFAULT)
			   : H5Dopen2(file, "data", H5P_DEFAULT);

	check(set);
	if (writes)
		check(H5Dwrite(set, type, part, space, how, store->data));
	else
		check(H5Dread(set, type, part, space, how, store->data));
	check(H5Dclose(set));
	check(H5Pclose(how));
	check(H5Sclose(part));
	check(H5Sclose(space));
}

static double hdf5(struct store *store, const struct box *box, int writes)
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
	transfer(store, box, file, writes);
	if (writes)
		check(H5Fflush(file, H5F_SCOPE_GLOBAL));
	check(H5Fclose(file));
	from = store_span(from, bench_now());
	check(H5Pclose(access));
	return from;
}
#else
static double hdf5(struct store *store, const struct box *box, int writes)
{
	(void)store, (void)box, (void)writes;
	return -1;
}
#endif

double hdf5_write(struct store *store, void *arg)
{
	return hdf5(store, arg, 1);
}

double hdf5_read(struct store *store, void *arg)
{
	return hdf5(store, arg, 0);
}
