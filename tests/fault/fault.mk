# Faults from outside, on real runs; tests/run fault runs them.
check_PROGRAMS += tests/fault/saver tests/fault/soak
EXTRA_DIST += tests/fault/fault.sh tests/fault/window.sh \
	tests/fault/run_kill tests/fault/run_strace tests/fault/run_soak
fault_data = tests/fault/data.c tests/fault/data.h
fault_cflags = $(AM_CFLAGS) $(MPI_CFLAGS)
fault_ldadd = librallypoint.la $(MPI_LIBS)

tests_fault_saver_SOURCES = tests/fault/saver.c $(fault_data)
tests_fault_saver_CFLAGS = $(fault_cflags)
tests_fault_saver_LDADD = $(fault_ldadd)

tests_fault_soak_SOURCES = tests/fault/soak.c $(fault_data)
tests_fault_soak_CFLAGS = $(fault_cflags)
tests_fault_soak_LDADD = $(fault_ldadd)
