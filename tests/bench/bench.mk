# make bench [RANKS=4]: figures, one JSON object a line. bench.c explains them.
EXTRA_PROGRAMS += tests/bench/bench
EXTRA_DIST += tests/bench/run_bench
CLEANFILES += tests/bench/bench
tests_bench_bench_SOURCES = tests/bench/bench.c tests/bench/bench.h \
	tests/bench/points.c tests/bench/save.c
tests_bench_bench_CFLAGS = $(AM_CFLAGS) $(MPI_CFLAGS)
tests_bench_bench_LDADD = librallypoint.la $(MPI_LIBS)

bench: tests/bench/bench$(EXEEXT)
	$(top_srcdir)/tests/bench/run_bench tests/bench/bench$(EXEEXT)
.PHONY: bench
