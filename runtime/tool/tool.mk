# The command, over the lower layers alone: it must run where MPI does not.
bin_PROGRAMS += rallypoint
rallypoint_SOURCES = \
	runtime/tool/args.c runtime/tool/args.h \
	runtime/tool/bar.c runtime/tool/bar.h \
	runtime/tool/cat.c \
	runtime/tool/check.c runtime/tool/check.h \
	runtime/tool/drill.c runtime/tool/drill.h \
	runtime/tool/drill_job.c runtime/tool/drill_rank.c \
	runtime/tool/drill_report.c runtime/tool/drill_watch.c \
	runtime/tool/compare.c runtime/tool/compare.h \
	runtime/tool/diff.c runtime/tool/diff.h \
	runtime/tool/diff_hash.c runtime/tool/diff_report.c \
	runtime/tool/export.c runtime/tool/export.h \
	runtime/tool/export_h5.c runtime/tool/export_npy.c \
	runtime/tool/export_safetensors.c \
	runtime/tool/hdf5.c runtime/tool/hdf5.h \
	runtime/tool/launch.c runtime/tool/launch.h \
	runtime/tool/diagnose.c runtime/tool/diagnose.h \
	runtime/tool/doctor.c \
	runtime/tool/facts.c runtime/tool/facts.h \
	runtime/tool/gather.c runtime/tool/gather.h \
	runtime/tool/gather_folder.c runtime/tool/gather_job.c \
	runtime/tool/line.h \
	runtime/tool/load.c runtime/tool/load.h \
	runtime/tool/ls.c runtime/tool/main.c \
	runtime/tool/options.c \
	runtime/tool/print.c runtime/tool/print.h \
	runtime/tool/output.c runtime/tool/output.h \
	runtime/tool/read.c runtime/tool/read.h \
	runtime/tool/relay.c runtime/tool/relay.h \
	runtime/tool/run.c \
	runtime/tool/outcome.c runtime/tool/program.c \
	runtime/tool/pin.c runtime/tool/prune.c \
	runtime/tool/report.c runtime/tool/report.h \
	runtime/tool/rules.c runtime/tool/rules.h \
	runtime/tool/sbatch.c \
	runtime/tool/script.c runtime/tool/script.h \
	runtime/tool/shell.c runtime/tool/shell.h runtime/tool/show.c \
	runtime/tool/slice.c runtime/tool/slice.h \
	runtime/tool/starter.c runtime/tool/starter.h \
	runtime/tool/summary.c runtime/tool/summary.h \
	runtime/tool/table.c runtime/tool/table.h \
	runtime/tool/tool.h \
	runtime/tool/topo.c \
	runtime/tool/value.c runtime/tool/value.h \
	runtime/tool/verify.c \
	runtime/tool/walk.c runtime/tool/walk.h
rallypoint_CPPFLAGS = $(AM_CPPFLAGS) -DRALLY_NO_MPI
rallypoint_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(EXPORT_CFLAGS)
rallypoint_LDADD = librally-core.la $(CORE_LIBS) -lm
