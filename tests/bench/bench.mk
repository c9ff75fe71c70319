# make bench [RANKS=4]: figures, one JSON object a line. bench.c explains them.
# make bench-latency: those of agree_latency alone, with all their samples
EXTRA_PROGRAMS += tests/bench/bench
EXTRA_DIST += tests/bench/run_bench tests/bench/run_latency
CLEANFILES += tests/bench/bench
tests_bench_bench_SOURCES = tests/bench/bench.c tests/bench/bench.h \
	tests/bench/common.c \
	tests/bench/latency.c tests/bench/latency.h tests/bench/latency_take.c \
	tests/bench/loop.c tests/bench/points.c tests/bench/rounds.c \
	tests/bench/save.c
tests_bench_bench_CFLAGS = $(AM_CFLAGS) $(MPI_CFLAGS)
tests_bench_bench_LDADD = librallypoint.la $(MPI_LIBS)

bench: tests/bench/bench$(EXEEXT)
	$(top_srcdir)/tests/bench/run_bench tests/bench/bench$(EXEEXT)
bench-latency: tests/bench/bench$(EXEEXT)
	BENCH_LATENCY=full \
		$(top_srcdir)/tests/bench/run_latency tests/bench/bench$(EXEEXT)
.PHONY: bench bench-latency
