# The tests of make check, and what tests/run and the demo need of a tarball.
EXTRA_DIST += tests/run tests/packages tests/lib/setup tests/lib/layers \
	tests/lib/header tests/cluster/up tests/cluster/down \
	tests/cluster/lib.sh tests/cluster/daemons.sh


# What runs programs and looks at machines, without MPI.
if HAVE_CMOCKA
sys_unit_tests = \
	tests/unit/test_sched \
	tests/unit/test_spawn \
	tests/unit/test_topo
check_PROGRAMS += $(sys_unit_tests)
TESTS += $(sys_unit_tests)

tests_unit_test_sched_SOURCES = tests/unit/test_sched.c
tests_unit_test_sched_CPPFLAGS = $(AM_CPPFLAGS) -DRALLY_NO_MPI
tests_unit_test_sched_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_sched_LDADD = librally-core.la $(CMOCKA_LIBS)

tests_unit_test_spawn_SOURCES = tests/unit/test_spawn.c
tests_unit_test_spawn_CPPFLAGS = $(AM_CPPFLAGS) -DRALLY_NO_MPI
tests_unit_test_spawn_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_spawn_LDADD = librally-core.la $(CMOCKA_LIBS)

tests_unit_test_topo_SOURCES = tests/unit/test_topo.c
tests_unit_test_topo_CPPFLAGS = $(AM_CPPFLAGS) -DRALLY_NO_MPI
tests_unit_test_topo_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_topo_LDADD = librally-core.la $(CMOCKA_LIBS)
endif

# The command, on folders that make_ckpt writes.
check_PROGRAMS += tests/unit/make_ckpt
tests_unit_make_ckpt_SOURCES = tests/unit/make_ckpt.c
tests_unit_make_ckpt_CPPFLAGS = $(AM_CPPFLAGS) -DRALLY_NO_MPI
tests_unit_make_ckpt_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS)
tests_unit_make_ckpt_LDADD = librally-core.la $(CORE_LIBS)
TESTS += tests/unit/test_tool.py
EXTRA_DIST += tests/unit/test_tool.py

# Under mpirun, on the numbers of ranks that each test's head names.
TEST_EXTENSIONS = .mpi
MPI_LOG_COMPILER = $(top_srcdir)/tests/mpi/run_mpi
EXTRA_DIST += tests/mpi/run_mpi tests/mpi/launch.sh
if HAVE_CMOCKA
check_LTLIBRARIES = libmpitest.la
libmpitest_la_SOURCES = tests/mpi/mpi_test.c tests/mpi/mpi_test.h
libmpitest_la_CFLAGS = $(mpi_test_cflags)
mpi_test_cflags = $(AM_CFLAGS) $(MPI_CFLAGS) $(CMOCKA_CFLAGS)
mpi_test_ldadd = libmpitest.la librallypoint.la $(MPI_LIBS) $(CMOCKA_LIBS)

mpi_tests = \
	tests/mpi/test_open.mpi \
	tests/mpi/test_place.mpi
check_PROGRAMS += $(mpi_tests)
TESTS += $(mpi_tests)

tests_mpi_test_open_mpi_SOURCES = tests/mpi/test_open.c
tests_mpi_test_open_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_open_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_place_mpi_SOURCES = tests/mpi/test_place.c
tests_mpi_test_place_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_place_mpi_LDADD = $(mpi_test_ldadd)
endif
