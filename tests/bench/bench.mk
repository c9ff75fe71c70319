# make bench [RANKS=4]: figures, one JSON object a line. bench.c explains them.
# make bench-latency: those of agree_latency alone, with all their samples
# make bench-save [SAVE_RANKS=4]: those of saves and restores alone
EXTRA_PROGRAMS += tests/bench/bench
EXTRA_DIST += tests/bench/run_bench tests/bench/run_latency
CLEANFILES += tests/bench/bench
tests_bench_bench_SOURCES = tests/bench/bench.c tests/bench/bench.h \
	tests/bench/common.c \
	tests/bench/latency.c tests/bench/latency.h tests/bench/latency_take.c \
	tests/bench/loop.c tests/bench/points.c tests/bench/rounds.c \
	tests/bench/async.c tests/bench/ours.c tests/bench/peer.c tests/bench/raw.c \
	tests/bench/reshard.c tests/bench/restore.c tests/bench/save.c tests/bench/small.c \
	tests/bench/store.c tests/bench/store.h
tests_bench_bench_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(MPI_CFLAGS) \
	$(HDF5_CFLAGS)
tests_bench_bench_LDADD = librallypoint.la $(MPI_LIBS) $(URING_LIBS) \
	$(HDF5_LIBS)

bench: tests/bench/bench$(EXEEXT)
	$(top_srcdir)/tests/bench/run_bench tests/bench/bench$(EXEEXT)
bench-save: tests/bench/bench$(EXEEXT)
	$(top_srcdir)/tests/bench/run_bench tests/bench/bench$(EXEEXT) save
bench-latency: tests/bench/bench$(EXEEXT)
	BENCH_LATENCY=full \
		$(top_srcdir)/tests/bench/run_latency tests/bench/bench$(EXEEXT)
# make bench-sweep: saves and restores from 1 to 8 ranks of 64 MiB to 1 GiB, page and
# plot in build/save; make bench-save-doc puts them into runtime/doc.
EXTRA_DIST += tests/bench/run_save tests/bench/save_doc
bench-sweep: tests/bench/bench$(EXEEXT)
	$(top_srcdir)/tests/bench/run_save save
bench-save-doc: bench-sweep
	cp save/save.md save/save.svg $(top_srcdir)/runtime/doc/
.PHONY: bench bench-latency bench-save bench-sweep bench-save-doc
# make bench-reshard [RESHARD_MIB=1024]: restores on other numbers of ranks, the lines
# and their page in build/reshard; make bench-reshard-doc puts it into runtime/doc.
EXTRA_DIST += tests/bench/run_reshard tests/bench/reshard_doc
bench-reshard: tests/bench/bench$(EXEEXT)
	$(top_srcdir)/tests/bench/run_reshard tests/bench/bench$(EXEEXT) reshard
bench-reshard-doc: bench-reshard
	cp reshard/reshard.md $(top_srcdir)/runtime/doc/
.PHONY: bench-reshard bench-reshard-doc

# make bench-gpu: saves of GPU memory beside a bare copy and PyTorch
EXTRA_PROGRAMS += tests/bench/gpu
EXTRA_DIST += tests/bench/run_gpu tests/bench/gpu_bench.py
CLEANFILES += tests/bench/gpu
tests_bench_gpu_SOURCES = tests/bench/gpu.c $(gpu_sources)
tests_bench_gpu_CFLAGS = $(AM_CFLAGS) $(MPI_CFLAGS)
tests_bench_gpu_LDADD = librallypoint.la $(MPI_LIBS)
bench-gpu: tests/bench/gpu$(EXEEXT) tests/gpu/probe$(EXEEXT)
	$(top_srcdir)/tests/bench/run_gpu tests/bench/gpu$(EXEEXT)
.PHONY: bench-gpu

# make scale: the model of the agreement from 2 to 1,000,000 ranks, its check on
# two real ones, and the page and the plot in build/scale; make scale-doc puts
# them into runtime/doc.
scale_model = tests/bench/scale.h tests/bench/scale_model.c \
	runtime/group/agree.c runtime/group/comm.c runtime/group/site.c
EXTRA_PROGRAMS += tests/bench/scale tests/bench/scale_real
EXTRA_DIST += tests/bench/run_scale tests/bench/scale_doc \
	tests/bench/run_smpi tests/bench/scale_smpi.c tests/bench/scale_smpi.h
CLEANFILES += tests/bench/scale tests/bench/scale_real
tests_bench_scale_SOURCES = tests/bench/scale.c $(scale_model)
tests_bench_scale_CFLAGS = $(AM_CFLAGS) $(MPI_CFLAGS)
tests_bench_scale_LDADD = librally-core.la $(MPI_LIBS) -lm
tests_bench_scale_real_SOURCES = tests/bench/scale_real.c \
	tests/bench/scale_costs.c \
	tests/bench/bench.h tests/bench/common.c $(scale_model)
tests_bench_scale_real_CFLAGS = $(AM_CFLAGS) $(MPI_CFLAGS)
tests_bench_scale_real_LDADD = librallypoint.la librally-core.la $(MPI_LIBS) -lm

scale: tests/bench/scale$(EXEEXT) tests/bench/scale_real$(EXEEXT)
	$(top_srcdir)/tests/bench/run_scale scale
scale-doc: scale
	cp scale/scale.md scale/scale.svg $(top_srcdir)/runtime/doc/
.PHONY: scale scale-doc
