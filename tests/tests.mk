# The tests of make check, and what tests/run and the demo need of a tarball.
EXTRA_DIST += tests/run tests/packages tests/lib/setup tests/lib/layers \
	tests/lib/header tests/lib/fsync tests/lib/memcheck tests/lib/racecheck \
	tests/lib/vgfilter tests/lib/lsan.supp tests/cluster/up tests/cluster/down \
	tests/cluster/lib.sh tests/cluster/daemons.sh


# What runs programs and looks at machines, without MPI.
if HAVE_CMOCKA
sys_unit_tests = \
	tests/unit/test_family \
	tests/unit/test_sched \
	tests/unit/test_spawn \
	tests/unit/test_topo
check_PROGRAMS += $(sys_unit_tests)
TESTS += $(sys_unit_tests)

tests_unit_test_family_SOURCES = tests/unit/test_family.c
tests_unit_test_family_CPPFLAGS = $(AM_CPPFLAGS) -DRALLY_NO_MPI
tests_unit_test_family_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_family_LDADD = librally-core.la $(CMOCKA_LIBS)
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
check_PROGRAMS += tests/unit/make_arrays
tests_unit_make_arrays_SOURCES = tests/unit/make_arrays.c
tests_unit_make_arrays_CPPFLAGS = $(AM_CPPFLAGS) -DRALLY_NO_MPI
tests_unit_make_arrays_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS)
tests_unit_make_arrays_LDADD = librally-core.la $(CORE_LIBS) -lm
command_tests = tests/unit/test_tool.py tests/unit/test_run.py \
	tests/unit/test_export.py tests/unit/test_diff.py tests/unit/test_cat.py \
	tests/unit/test_drill.py \
	tests/unit/test_doc.py tests/unit/test_doctor.py \
	tests/unit/test_old.py
TESTS += $(command_tests)
EXTRA_DIST += $(command_tests) tests/unit/arrays.py

# The helper over libslurm, for a release that is newer than the one installed.
check_PROGRAMS += tests/lib/slurm-26.05/helper
tests_lib_slurm_26_05_helper_SOURCES = tests/lib/slurm-26.05/stub.c \
	runtime/sys/helper/rallypoint_slurm.c \
	runtime/sys/helper/site.c runtime/sys/helper/site.h
tests_lib_slurm_26_05_helper_CPPFLAGS = -I$(top_srcdir)/tests/lib/slurm-26.05 \
	$(AM_CPPFLAGS)
tests_lib_slurm_26_05_helper_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) \
	-Wall -Wextra -Werror
tests_lib_slurm_26_05_helper_LDADD = $(JANSSON_LIBS)
TESTS += tests/unit/test_slurm_new.py
EXTRA_DIST += tests/unit/test_slurm_new.py \
	tests/lib/slurm-26.05/slurm/slurm.h \
	tests/lib/slurm-26.05/slurm/slurm_errno.h \
	tests/lib/slurm-26.05/slurm/slurm_version.h

# What `rallypoint cat` and `export` go through.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_walk
TESTS += tests/unit/test_walk
tests_unit_test_walk_SOURCES = tests/unit/test_walk.c \
	runtime/tool/slice.c runtime/tool/walk.c
tests_unit_test_walk_CPPFLAGS = $(AM_CPPFLAGS) -DRALLY_NO_MPI
tests_unit_test_walk_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_walk_LDADD = librally-core.la $(CMOCKA_LIBS) $(CORE_LIBS)
endif

# What `rallypoint doctor` thinks, without Slurm.
if HAVE_CMOCKA
doctor_unit_tests = tests/unit/test_diagnose tests/unit/test_script
check_PROGRAMS += $(doctor_unit_tests)
TESTS += $(doctor_unit_tests)
tests_unit_test_diagnose_SOURCES = tests/unit/test_diagnose.c \
	runtime/tool/diagnose.c runtime/tool/facts.c \
	runtime/tool/outcome.c runtime/tool/rules.c
tests_unit_test_diagnose_CPPFLAGS = $(AM_CPPFLAGS) -DRALLY_NO_MPI
tests_unit_test_diagnose_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_diagnose_LDADD = librally-core.la $(CMOCKA_LIBS) $(CORE_LIBS)
tests_unit_test_script_SOURCES = tests/unit/test_script.c \
	runtime/tool/program.c runtime/tool/script.c \
	runtime/tool/shell.c runtime/tool/starter.c
tests_unit_test_script_CPPFLAGS = $(AM_CPPFLAGS) -DRALLY_NO_MPI
tests_unit_test_script_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_test_script_LDADD = librally-core.la $(CMOCKA_LIBS) $(CORE_LIBS)
endif

# The lower layers, one program for each file; unit.h is what they share.
if HAVE_CMOCKA
core_unit_tests = \
	tests/unit/test_blocks \
	tests/unit/test_box \
	tests/unit/test_cause \
	tests/unit/test_conf \
	tests/unit/test_copy \
	tests/unit/test_cover \
	tests/unit/test_cut \
	tests/unit/test_dtype \
	tests/unit/test_event \
	tests/unit/test_file \
	tests/unit/test_finish \
	tests/unit/test_folder \
	tests/unit/test_hash \
	tests/unit/test_in \
	tests/unit/test_io \
	tests/unit/test_json \
	tests/unit/test_manifest \
	tests/unit/test_memory \
	tests/unit/test_mount \
	tests/unit/test_pace \
	tests/unit/test_options \
	tests/unit/test_out \
	tests/unit/test_owner \
	tests/unit/test_pool \
	tests/unit/test_region \
	tests/unit/test_retain \
	tests/unit/test_scontrol_text \
	tests/unit/test_share \
	tests/unit/test_shard \
	tests/unit/test_shard_io \
	tests/unit/test_signals \
	tests/unit/test_source \
	tests/unit/test_source_cases \
	tests/unit/test_source_memory \
	tests/unit/test_stage \
	tests/unit/test_text \
	tests/unit/test_worker
check_PROGRAMS += $(core_unit_tests)
TESTS += $(core_unit_tests)
EXTRA_DIST += tests/unit/unit.h tests/unit/ckpt.h tests/unit/random.h
core_unit_cppflags = $(AM_CPPFLAGS) -DRALLY_NO_MPI
core_unit_cflags = $(AM_CFLAGS) $(CORE_CFLAGS) $(CMOCKA_CFLAGS)
core_unit_ldadd = librally-core.la $(CMOCKA_LIBS) $(CORE_LIBS)
tests_unit_test_blocks_SOURCES = tests/unit/test_blocks.c
tests_unit_test_blocks_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_blocks_CFLAGS = $(core_unit_cflags)
tests_unit_test_blocks_LDADD = $(core_unit_ldadd)
tests_unit_test_box_SOURCES = tests/unit/test_box.c
tests_unit_test_box_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_box_CFLAGS = $(core_unit_cflags)
tests_unit_test_box_LDADD = $(core_unit_ldadd)
tests_unit_test_cause_SOURCES = tests/unit/test_cause.c
tests_unit_test_cause_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_cause_CFLAGS = $(core_unit_cflags)
tests_unit_test_cause_LDADD = $(core_unit_ldadd)
tests_unit_test_conf_SOURCES = tests/unit/test_conf.c
tests_unit_test_conf_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_conf_CFLAGS = $(core_unit_cflags)
tests_unit_test_conf_LDADD = $(core_unit_ldadd)
tests_unit_test_copy_SOURCES = tests/unit/test_copy.c
tests_unit_test_copy_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_copy_CFLAGS = $(core_unit_cflags)
tests_unit_test_copy_LDADD = $(core_unit_ldadd)
tests_unit_test_cover_SOURCES = tests/unit/test_cover.c
tests_unit_test_cover_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_cover_CFLAGS = $(core_unit_cflags)
tests_unit_test_cover_LDADD = $(core_unit_ldadd)
tests_unit_test_cut_SOURCES = tests/unit/test_cut.c
tests_unit_test_cut_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_cut_CFLAGS = $(core_unit_cflags)
tests_unit_test_cut_LDADD = $(core_unit_ldadd)
tests_unit_test_dtype_SOURCES = tests/unit/test_dtype.c
tests_unit_test_dtype_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_dtype_CFLAGS = $(core_unit_cflags)
tests_unit_test_dtype_LDADD = $(core_unit_ldadd)
tests_unit_test_event_SOURCES = tests/unit/test_event.c
tests_unit_test_event_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_event_CFLAGS = $(core_unit_cflags)
tests_unit_test_event_LDADD = $(core_unit_ldadd)
tests_unit_test_file_SOURCES = tests/unit/test_file.c
tests_unit_test_file_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_file_CFLAGS = $(core_unit_cflags)
tests_unit_test_file_LDADD = $(core_unit_ldadd)
tests_unit_test_finish_SOURCES = tests/unit/test_finish.c
tests_unit_test_finish_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_finish_CFLAGS = $(core_unit_cflags)
tests_unit_test_finish_LDADD = $(core_unit_ldadd)
tests_unit_test_folder_SOURCES = tests/unit/test_folder.c
tests_unit_test_folder_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_folder_CFLAGS = $(core_unit_cflags)
tests_unit_test_folder_LDADD = $(core_unit_ldadd)
tests_unit_test_hash_SOURCES = tests/unit/test_hash.c
tests_unit_test_hash_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_hash_CFLAGS = $(core_unit_cflags)
tests_unit_test_hash_LDADD = $(core_unit_ldadd)
tests_unit_test_in_SOURCES = tests/unit/test_in.c
tests_unit_test_in_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_in_CFLAGS = $(core_unit_cflags)
tests_unit_test_in_LDADD = $(core_unit_ldadd)
tests_unit_test_io_SOURCES = tests/unit/test_io.c
tests_unit_test_io_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_io_CFLAGS = $(core_unit_cflags)
tests_unit_test_io_LDADD = $(core_unit_ldadd)
tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_json_CFLAGS = $(core_unit_cflags)
tests_unit_test_json_LDADD = $(core_unit_ldadd)
tests_unit_test_manifest_SOURCES = tests/unit/test_manifest.c
tests_unit_test_manifest_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_manifest_CFLAGS = $(core_unit_cflags)
tests_unit_test_manifest_LDADD = $(core_unit_ldadd)
tests_unit_test_memory_SOURCES = tests/unit/test_memory.c
tests_unit_test_memory_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_memory_CFLAGS = $(core_unit_cflags)
tests_unit_test_memory_LDADD = $(core_unit_ldadd)
tests_unit_test_mount_SOURCES = tests/unit/test_mount.c
tests_unit_test_mount_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_mount_CFLAGS = $(core_unit_cflags)
tests_unit_test_mount_LDADD = $(core_unit_ldadd)
tests_unit_test_pace_SOURCES = tests/unit/test_pace.c
tests_unit_test_pace_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_pace_CFLAGS = $(core_unit_cflags)
tests_unit_test_pace_LDADD = $(core_unit_ldadd)
tests_unit_test_options_SOURCES = tests/unit/test_options.c
tests_unit_test_options_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_options_CFLAGS = $(core_unit_cflags)
tests_unit_test_options_LDADD = $(core_unit_ldadd)
tests_unit_test_out_SOURCES = tests/unit/test_out.c
tests_unit_test_out_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_out_CFLAGS = $(core_unit_cflags)
tests_unit_test_out_LDADD = $(core_unit_ldadd)

tests_unit_test_owner_SOURCES = tests/unit/test_owner.c
tests_unit_test_owner_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_owner_CFLAGS = $(core_unit_cflags)
tests_unit_test_owner_LDADD = $(core_unit_ldadd)
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c
tests_unit_test_pool_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_pool_CFLAGS = $(core_unit_cflags)
tests_unit_test_pool_LDADD = $(core_unit_ldadd)
tests_unit_test_region_SOURCES = tests/unit/test_region.c
tests_unit_test_region_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_region_CFLAGS = $(core_unit_cflags)
tests_unit_test_region_LDADD = $(core_unit_ldadd)
tests_unit_test_retain_SOURCES = tests/unit/test_retain.c
tests_unit_test_retain_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_retain_CFLAGS = $(core_unit_cflags)
tests_unit_test_retain_LDADD = $(core_unit_ldadd)
tests_unit_test_scontrol_text_SOURCES = tests/unit/test_scontrol_text.c
tests_unit_test_scontrol_text_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_scontrol_text_CFLAGS = $(core_unit_cflags)
tests_unit_test_scontrol_text_LDADD = $(core_unit_ldadd)
tests_unit_test_share_SOURCES = tests/unit/test_share.c
tests_unit_test_share_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_share_CFLAGS = $(core_unit_cflags)
tests_unit_test_share_LDADD = $(core_unit_ldadd)

tests_unit_test_shard_SOURCES = tests/unit/test_shard.c
tests_unit_test_shard_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_shard_CFLAGS = $(core_unit_cflags)
tests_unit_test_shard_LDADD = $(core_unit_ldadd)
tests_unit_test_shard_io_SOURCES = tests/unit/test_shard_io.c
tests_unit_test_shard_io_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_shard_io_CFLAGS = $(core_unit_cflags)
tests_unit_test_shard_io_LDADD = $(core_unit_ldadd)
tests_unit_test_signals_SOURCES = tests/unit/test_signals.c
tests_unit_test_signals_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_signals_CFLAGS = $(core_unit_cflags)
tests_unit_test_signals_LDADD = $(core_unit_ldadd)
tests_unit_test_source_SOURCES = tests/unit/test_source.c
tests_unit_test_source_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_source_CFLAGS = $(core_unit_cflags)
tests_unit_test_source_LDADD = $(core_unit_ldadd)
tests_unit_test_source_cases_SOURCES = tests/unit/test_source_cases.c
tests_unit_test_source_cases_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_source_cases_CFLAGS = $(core_unit_cflags)
tests_unit_test_source_cases_LDADD = $(core_unit_ldadd)
tests_unit_test_source_memory_SOURCES = tests/unit/test_source_memory.c
tests_unit_test_source_memory_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_source_memory_CFLAGS = $(core_unit_cflags)
tests_unit_test_source_memory_LDFLAGS = -Wl,--wrap=malloc,--wrap=calloc \
	-Wl,--wrap=realloc,--wrap=strdup
tests_unit_test_source_memory_LDADD = $(core_unit_ldadd)
tests_unit_test_stage_SOURCES = tests/unit/test_stage.c
tests_unit_test_stage_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_stage_CFLAGS = $(core_unit_cflags)
tests_unit_test_stage_LDADD = $(core_unit_ldadd)
tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_text_CFLAGS = $(core_unit_cflags)
tests_unit_test_text_LDADD = $(core_unit_ldadd)
tests_unit_test_worker_SOURCES = tests/unit/test_worker.c
tests_unit_test_worker_CPPFLAGS = $(core_unit_cppflags)
tests_unit_test_worker_CFLAGS = $(core_unit_cflags)
tests_unit_test_worker_LDADD = $(core_unit_ldadd)
endif

# GPU memory, on a libcuda that needs no GPU. Not libtool's: it makes no shared
# library where it is told --disable-shared.
standin = tests/lib/cuda/libcuda.so.1
standin_sources = tests/lib/cuda/standin.c tests/lib/cuda/standin_memory.c \
	tests/lib/cuda/standin_stream.c
standin_headers = tests/lib/cuda/standin.h tests/lib/cuda/standin_state.h
gpu_sources = tests/lib/cuda/gpu.c tests/lib/cuda/gpu.h
gpu_cppflags = $(AM_CPPFLAGS) -DSTANDIN_PATH='"$(abs_builddir)/$(standin)"'
EXTRA_DIST += $(standin_sources) $(standin_headers)
CLEANFILES += $(standin)
check_DATA = $(standin)
$(standin): $(standin_sources) $(standin_headers)
	$(AM_V_at)$(MKDIR_P) $(@D)
	$(AM_V_CCLD)$(CC) $(DEFS) $(AM_CFLAGS) $(CFLAGS) -fPIC -shared \
		-Wl,-soname,libcuda.so.1 -o $@ \
		$(standin_sources:%=$(top_srcdir)/%) -pthread
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_device
TESTS += tests/unit/test_device
tests_unit_test_device_SOURCES = tests/unit/test_device.c $(gpu_sources)
tests_unit_test_device_CPPFLAGS = $(gpu_cppflags) -DRALLY_NO_MPI
tests_unit_test_device_CFLAGS = $(core_unit_cflags)
tests_unit_test_device_LDADD = $(core_unit_ldadd)
endif

# The same on a real one, where there is one.
check_PROGRAMS += tests/gpu/probe
tests_gpu_probe_SOURCES = tests/gpu/probe.c $(gpu_sources)
TESTS += tests/gpu/run_gpu
EXTRA_DIST += tests/gpu/run_gpu tests/gpu/abi.cu
CLEANFILES += tests/gpu/abi.o
if HAVE_NVCC
check_DATA += tests/gpu/abi.o
tests/gpu/abi.o: tests/gpu/abi.cu runtime/sys/device_cuda.h
	$(AM_V_at)$(MKDIR_P) $(@D)
	$(AM_V_GEN)$(NVCC) -DRALLY_NO_MPI -I$(top_srcdir)/include \
		-I$(top_srcdir)/runtime -c $(top_srcdir)/tests/gpu/abi.cu -o $@
endif

include tests/mpi/mpi.mk
include tests/fuzz/fuzz.mk
include tests/bench/bench.mk
include tests/fault/fault.mk
include tests/model/model.mk
