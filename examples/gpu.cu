/*
 * gpu.cu - the 2-D heat equation on GPUs, stopped and resumed at any step
 *
 * What heat.c does, with the plate in memory of the ranks' GPUs. Three things are
 * of the GPU here, and all three are the program's usual ones:
 *
 * - rally_add_array() gets the pointer that cudaMalloc() gave;
 * - rally_stream() names the stream in which the steps are computed: a save waits
 *   for it, and a safe point at which nothing is saved waits for nothing;
 * - the plate is computed from one buffer into another, and after the swap the
 *   current one is added again under its name.
 *
 * Halos go through the host, so that any MPI will do. A run that was stopped and
 * resumed ends with the same bits as one that was left alone:
 *
 *     mpirun -n 2 examples/gpu -s 4000 -o whole.f64 -c a.ckpt
 *     RALLY_EVERY_STEPS=500 mpirun -n 2 examples/gpu -s 1700 -c b.ckpt
 *     mpirun -n 2 examples/gpu -s 4000 -o parts.f64 -c b.ckpt    # from 1500 on
 *     cmp whole.f64 parts.f64
 *
 *     gpu [-n GRID] [-s STEPS] [-c CKPTDIR] [-o OUTPUT]
 */
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>
#include <utility>
#include <vector>

#include <cuda_runtime.h>
#include <mpi.h>
#include <rallypoint.h>

/* A GPU that fails ends the program: the next start resumes. */
#define CUDA(call) must((call), #call)

static void must(cudaError_t error, const char *what)
{
	if (error == cudaSuccess)
		return;
	fprintf(stderr, "gpu: %s: %s\n", what, cudaGetErrorString(error));
	MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
}

struct options {
	int n = 512;
	int64_t steps = 1000;
	const char *ckpt = "gpu.ckpt";
	const char *output = nullptr;
};

struct plate {
	int rank, ranks;
	int n;			/* the plate has n x n cells */
	int first, rows;	/* global index and number of this rank's rows */
	double *now, *next;	/* own rows, with a halo row on either side; GPU */
	double *edge;		/* four rows on the host, pinned */
	cudaStream_t stream;
};

/* A hot disk on a cold plate, with a ripple that makes every cell different from
 * its neighbours; integers decide, so that all ranks agree on each cell. */
__global__ void heat_up(double *t, int n, int first, int rows)
{
	int j = blockIdx.x * blockDim.x + threadIdx.x;
	int i = blockIdx.y * blockDim.y + threadIdx.y;

	if (j >= n || i >= rows)
		return;
	int64_t row = first + i, y = 2 * row - n, x = 2 * (int64_t)j - n;
	double ripple = (double)((row * 7919 + (int64_t)j * 104729) % 1009);

	t[(size_t)(i + 1) * n + j] =
		ripple / 1009.0 + (4 * (x * x + y * y) < (int64_t)n * n ? 100.0
									: 0.0);
}

/* One step of the explicit 5-point stencil; the rim stays as it is. */
__global__ void spread(const double *t, double *u, int n, int first, int rows)
{
	int j = blockIdx.x * blockDim.x + threadIdx.x;
	int i = blockIdx.y * blockDim.y + threadIdx.y;

	if (j >= n || i >= rows)
		return;
	size_t at = (size_t)(i + 1) * n + j;
	int row = first + i;

	u[at] = row == 0 || row == n - 1 || j == 0 || j == n - 1
			? t[at]
			: t[at] + 0.2 * (t[at - n] + t[at + n] + t[at - 1] +
					 t[at + 1] - 4.0 * t[at]);
}

static dim3 blocks(const plate &p)
{
	return dim3((p.n + 31) / 32, (p.rows + 7) / 8);
}

/* The GPUs of a node are dealt out to its ranks. */
static void choose_gpu()
{
	MPI_Comm node;
	int local, gpus;

	MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0,
			    MPI_INFO_NULL, &node);
	MPI_Comm_rank(node, &local);
	MPI_Comm_free(&node);
	CUDA(cudaGetDeviceCount(&gpus));
	CUDA(cudaSetDevice(local % gpus));
}

static void plate_init(plate &p, int n)
{
	size_t bytes;

	MPI_Comm_rank(MPI_COMM_WORLD, &p.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &p.ranks);
	p.n = n;
	p.rows = n / p.ranks + (p.rank < n % p.ranks);
	p.first = p.rank * (n / p.ranks) +
		  (p.rank < n % p.ranks ? p.rank : n % p.ranks);
	bytes = (size_t)(p.rows + 2) * n * sizeof(double);
	choose_gpu();
	CUDA(cudaStreamCreate(&p.stream));
	CUDA(cudaMalloc(&p.now, bytes));
	CUDA(cudaMalloc(&p.next, bytes));
	CUDA(cudaMallocHost(&p.edge, 4 * (size_t)n * sizeof(double)));
	heat_up<<<blocks(p), dim3(32, 8), 0, p.stream>>>(p.now, n, p.first,
							 p.rows);
	CUDA(cudaGetLastError());
}

static void plate_free(plate &p)
{
	CUDA(cudaFree(p.now));
	CUDA(cudaFree(p.next));
	CUDA(cudaFreeHost(p.edge));
	CUDA(cudaStreamDestroy(p.stream));
}

static double *row(const plate &p, int i)
{
	return p.now + (size_t)(i + 1) * p.n;
}

/* Each rank's outer rows become its neighbours' halos. */
static void exchange_halos(const plate &p)
{
	int up = p.rank > 0 ? p.rank - 1 : MPI_PROC_NULL;
	int down = p.rank < p.ranks - 1 ? p.rank + 1 : MPI_PROC_NULL;
	size_t n = (size_t)p.n, bytes = n * sizeof(double);
	double *top = p.edge, *bottom = top + n;
	double *above = bottom + n, *below = above + n;

	CUDA(cudaMemcpyAsync(top, row(p, 0), bytes, cudaMemcpyDeviceToHost,
			     p.stream));
	CUDA(cudaMemcpyAsync(bottom, row(p, p.rows - 1), bytes,
			     cudaMemcpyDeviceToHost, p.stream));
	CUDA(cudaStreamSynchronize(p.stream));
	MPI_Sendrecv(top, p.n, MPI_DOUBLE, up, 0, below, p.n, MPI_DOUBLE, down,
		     0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	MPI_Sendrecv(bottom, p.n, MPI_DOUBLE, down, 1, above, p.n, MPI_DOUBLE,
		     up, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	if (up != MPI_PROC_NULL)
		CUDA(cudaMemcpyAsync(row(p, -1), above, bytes,
				     cudaMemcpyHostToDevice, p.stream));
	if (down != MPI_PROC_NULL)
		CUDA(cudaMemcpyAsync(row(p, p.rows), below, bytes,
				     cudaMemcpyHostToDevice, p.stream));
}

/* The buffer that holds the plate now, under the one name. */
static int add(rally_t *rp, const plate &p)
{
	int64_t global[2] = { p.n, p.n };
	int64_t first[2] = { p.first, 0 };
	int64_t local[2] = { p.rows, p.n };

	return rally_add_array(rp, "temperature", row(p, 0), RALLY_F64, 2,
			       global, first, local);
}

/* Is not waited for: the next step's halos are, or a save. */
static void advance(plate &p, rally_t *rp)
{
	exchange_halos(p);
	spread<<<blocks(p), dim3(32, 8), 0, p.stream>>>(p.now, p.next, p.n,
							p.first, p.rows);
	CUDA(cudaGetLastError());
	std::swap(p.now, p.next);
	add(rp, p);
}

/* All rows into one file, and a sum that depends on no order. Collective. */
static int finish(const plate &p, const char *path, uint64_t *total)
{
	std::vector<double> rows((size_t)p.rows * p.n);
	uint64_t sum = 0;
	MPI_File file;
	int rc = 0;

	CUDA(cudaStreamSynchronize(p.stream));
	CUDA(cudaMemcpy(rows.data(), row(p, 0), rows.size() * sizeof(double),
			cudaMemcpyDeviceToHost));
	for (size_t i = 0; i < rows.size(); i++) {
		union { double value; uint64_t bits; } cell = { rows[i] };

		sum += (cell.bits ^ ((uint64_t)p.first * p.n + i)) *
		       UINT64_C(0x9e3779b97f4a7c15);
	}
	MPI_Allreduce(&sum, total, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
	if (!path)
		return 0;
	rc = MPI_File_open(MPI_COMM_WORLD, path,
			   MPI_MODE_CREATE | MPI_MODE_WRONLY, MPI_INFO_NULL,
			   &file);
	if (rc != MPI_SUCCESS)
		return -1;
	rc = MPI_File_write_at_all(
		file, (MPI_Offset)p.first * p.n * (MPI_Offset)sizeof(double),
		rows.data(), p.rows * p.n, MPI_DOUBLE, MPI_STATUS_IGNORE);
	MPI_File_close(&file);
	return rc == MPI_SUCCESS ? 0 : -1;
}

static int run(plate &p, const options &o)
{
	static const char *const found[] = { "fresh", "resumed", "finished" };
	int64_t step = 0;
	uint64_t sum;
	int how = 0, rc, end;
	rally_t *rp;

	rc = rally_open(MPI_COMM_WORLD, o.ckpt, &rp);
	if (rc == 0)
		rc = rally_stream(rp, p.stream);
	if (rc == 0)
		rc = add(rp, p);
	if (rc == 0)
		rc = rally_restore(rp, &step, &how);
	if (rc != 0) {
		fprintf(stderr, "gpu: no start: %s\n", rally_error(rp));
		MPI_Abort(MPI_COMM_WORLD, rc);
	}
	if (how == RALLY_FINISHED)
		return rally_close(rp);
	if (p.rank == 0)
		printf("gpu: %dx%d on %d ranks, starts at step %" PRId64
		       " (%s)\n", p.n, p.n, p.ranks, step, found[how]);
	while (rally_point(rp, step) < RALLY_STOP && step < o.steps) {
		advance(p, rp);
		step++;
	}
	if (step == o.steps) {
		rc = finish(p, o.output, &sum);
		if (rc == 0)
			rc = rally_finish(rp, step);
		if (rc == 0 && p.rank == 0)
			printf("gpu: finished at step %" PRId64
			       ", checksum %016" PRIx64 "\n", step, sum);
	} else if (p.rank == 0) {
		printf("gpu: stopped at step %" PRId64 "\n", step);
	}
	end = rally_close(rp);
	return rc ? EXIT_FAILURE : end;
}

static int parse(int argc, char **argv, options &o)
{
	int c;

	while ((c = getopt(argc, argv, "n:s:c:o:")) != -1)
		switch (c) {
		case 'n': o.n = atoi(optarg); break;
		case 's': o.steps = atoll(optarg); break;
		case 'c': o.ckpt = optarg; break;
		case 'o': o.output = optarg; break;
		default: return -1;
		}
	return optind == argc && o.n > 0 && o.steps >= 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	options o;
	plate p;
	int rc = 2, ranks;

	rally_early();
	MPI_Init(&argc, &argv);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	setvbuf(stdout, nullptr, _IOLBF, 0);
	if (parse(argc, argv, o) != 0 || ranks > o.n) {
		fprintf(stderr, "usage: gpu [-n GRID] [-s STEPS] [-c CKPTDIR] "
				"[-o OUTPUT], GRID at least the ranks\n");
	} else {
		plate_init(p, o.n);
		rc = run(p, o);
		plate_free(p);
	}
	MPI_Finalize();
	return rc;
}
