# The examples, built with everything else so that they can't rot.
example_steps = examples/01_save examples/02_restore examples/03_loop \
	examples/04_array examples/05_files examples/06_particles \
	examples/07_reshard
noinst_PROGRAMS += $(example_steps) examples/heat

example_cflags = $(AM_CFLAGS) $(MPI_CFLAGS)
example_ldadd = librallypoint.la $(MPI_LIBS)

examples_01_save_SOURCES = examples/01_save.c
examples_01_save_CFLAGS = $(example_cflags)
examples_01_save_LDADD = $(example_ldadd)

examples_02_restore_SOURCES = examples/02_restore.c
examples_02_restore_CFLAGS = $(example_cflags)
examples_02_restore_LDADD = $(example_ldadd)

examples_03_loop_SOURCES = examples/03_loop.c
examples_03_loop_CFLAGS = $(example_cflags)
examples_03_loop_LDADD = $(example_ldadd)

examples_04_array_SOURCES = examples/04_array.c
examples_04_array_CFLAGS = $(example_cflags)
examples_04_array_LDADD = $(example_ldadd)

examples_05_files_SOURCES = examples/05_files.c
examples_05_files_CFLAGS = $(example_cflags)
examples_05_files_LDADD = $(example_ldadd)

examples_06_particles_SOURCES = examples/06_particles.c
examples_06_particles_CFLAGS = $(example_cflags)
examples_06_particles_LDADD = $(example_ldadd)

examples_07_reshard_SOURCES = examples/07_reshard.c
examples_07_reshard_CFLAGS = $(example_cflags)
examples_07_reshard_LDADD = $(example_ldadd)

# No fused multiply-add: the vector part of a loop and its remainder may then
# round differently, and which cell is in which depends on the ranks.
examples_heat_SOURCES = examples/heat.c
examples_heat_CFLAGS = $(example_cflags) -ffp-contract=off
examples_heat_LDADD = $(example_ldadd)

if HAVE_LAMMPS
noinst_PROGRAMS += examples/lammps-rally
examples_lammps_rally_SOURCES = examples/lammps.c
examples_lammps_rally_CPPFLAGS = $(AM_CPPFLAGS) -DLAMMPS_LIB_MPI
examples_lammps_rally_CFLAGS = $(example_cflags)
examples_lammps_rally_LDADD = $(example_ldadd) $(LAMMPS_LIBS)
endif

# By nvcc, and linked as all others are. The object is an ordinary one.
EXTRA_DIST += examples/gpu.cu
CLEANFILES += examples/gpu.o
if HAVE_NVCC
noinst_PROGRAMS += examples/gpu
examples/gpu.o: examples/gpu.cu include/rallypoint.h
	$(AM_V_at)$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(NVCC) $(NVCCFLAGS) -DOMPI_SKIP_MPICXX \
		-I$(top_srcdir)/include \
		$(foreach flag,$(MPI_CFLAGS),-Xcompiler $(flag)) \
		-c $(top_srcdir)/examples/gpu.cu -o $@
examples_gpu_SOURCES =
examples_gpu_LDADD = examples/gpu.o $(example_ldadd) $(CUDART_LIBS)
endif

EXTRA_DIST += examples/README.md examples/demo examples/in.lj \
	examples/heat.sbatch examples/lammps.sbatch examples/loop.sbatch
