# Under mpirun, on the numbers of ranks that each test's head names.
TEST_EXTENSIONS = .mpi
MPI_LOG_COMPILER = $(top_srcdir)/tests/mpi/run_mpi
EXTRA_DIST += tests/mpi/run_mpi tests/mpi/launch.sh tests/mpi/keep_loaded.h
if HAVE_CMOCKA
check_LTLIBRARIES = libmpitest.la
libmpitest_la_SOURCES = tests/mpi/mpi_test.c tests/mpi/mpi_test.h \
	tests/mpi/mpi_data.c tests/mpi/mpi_data.h \
	tests/mpi/mpi_ranks.c tests/mpi/mpi_ranks.h \
	tests/mpi/mpi_slurm.c tests/mpi/mpi_slurm.h \
	tests/mpi/mpi_state.c tests/mpi/mpi_state.h
libmpitest_la_CFLAGS = $(mpi_test_cflags)
mpi_test_cflags = $(AM_CFLAGS) $(MPI_CFLAGS) $(CMOCKA_CFLAGS)
mpi_test_ldadd = libmpitest.la librallypoint.la $(MPI_LIBS) $(CMOCKA_LIBS)

mpi_tests = \
	tests/mpi/test_adopt.mpi \
	tests/mpi/test_agree.mpi \
	tests/mpi/test_async.mpi \
	tests/mpi/test_current.mpi \
	tests/mpi/test_damage.mpi \
	tests/mpi/test_device.mpi \
	tests/mpi/test_fail.mpi \
	tests/mpi/test_fallback.mpi \
	tests/mpi/test_file.mpi \
	tests/mpi/test_finalize.mpi \
	tests/mpi/test_from.mpi \
	tests/mpi/test_incremental.mpi \
	tests/mpi/test_inject.mpi \
	tests/mpi/test_layout.mpi \
	tests/mpi/test_leave.mpi \
	tests/mpi/test_mounts.mpi \
	tests/mpi/test_names.mpi \
	tests/mpi/test_old.mpi \
	tests/mpi/test_open.mpi \
	tests/mpi/test_own.mpi \
	tests/mpi/test_place.mpi \
	tests/mpi/test_plan.mpi \
	tests/mpi/test_power.mpi \
	tests/mpi/test_recycle.mpi \
	tests/mpi/test_replicated.mpi \
	tests/mpi/test_reshard.mpi \
	tests/mpi/test_restore.mpi \
	tests/mpi/test_save.mpi \
	tests/mpi/test_site.mpi \
	tests/mpi/test_stride.mpi \
	tests/mpi/test_told.mpi \
	tests/mpi/test_watch.mpi \
	tests/mpi/test_wrong.mpi
check_PROGRAMS += $(mpi_tests)
TESTS += $(mpi_tests)

tests_mpi_test_adopt_mpi_SOURCES = tests/mpi/test_adopt.c
tests_mpi_test_adopt_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_adopt_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_agree_mpi_SOURCES = tests/mpi/test_agree.c
tests_mpi_test_agree_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_agree_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_async_mpi_SOURCES = tests/mpi/test_async.c
tests_mpi_test_async_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_async_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_current_mpi_SOURCES = tests/mpi/test_current.c
tests_mpi_test_current_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_current_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_damage_mpi_SOURCES = tests/mpi/test_damage.c \
	tests/mpi/mpi_damage.c tests/mpi/mpi_damage.h
tests_mpi_test_damage_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_damage_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_device_mpi_SOURCES = tests/mpi/test_device.c $(gpu_sources)
tests_mpi_test_device_mpi_CPPFLAGS = $(gpu_cppflags)
tests_mpi_test_device_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_device_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_fail_mpi_SOURCES = tests/mpi/test_fail.c
tests_mpi_test_fail_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_fail_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_fallback_mpi_SOURCES = tests/mpi/test_fallback.c
tests_mpi_test_fallback_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_fallback_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_file_mpi_SOURCES = tests/mpi/test_file.c
tests_mpi_test_file_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_file_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_finalize_mpi_SOURCES = tests/mpi/test_finalize.c
tests_mpi_test_finalize_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_finalize_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_from_mpi_SOURCES = tests/mpi/test_from.c
tests_mpi_test_from_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_from_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_inject_mpi_SOURCES = tests/mpi/test_inject.c
tests_mpi_test_inject_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_inject_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_layout_mpi_SOURCES = tests/mpi/test_layout.c
tests_mpi_test_layout_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_layout_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_leave_mpi_SOURCES = tests/mpi/test_leave.c
tests_mpi_test_leave_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_leave_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_incremental_mpi_SOURCES = tests/mpi/test_incremental.c
tests_mpi_test_incremental_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_incremental_mpi_LDADD = $(mpi_test_ldadd)
tests_mpi_test_mounts_mpi_SOURCES = tests/mpi/test_mounts.c
tests_mpi_test_mounts_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_mounts_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_names_mpi_SOURCES = tests/mpi/test_names.c
tests_mpi_test_names_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_names_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_old_mpi_SOURCES = tests/mpi/test_old.c
tests_mpi_test_old_mpi_CPPFLAGS = $(AM_CPPFLAGS) \
	-DOLD_DIR='"$(abs_top_srcdir)/tests/old"'
tests_mpi_test_old_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_old_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_open_mpi_SOURCES = tests/mpi/test_open.c
tests_mpi_test_open_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_open_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_own_mpi_SOURCES = tests/mpi/test_own.c
tests_mpi_test_own_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_own_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_place_mpi_SOURCES = tests/mpi/test_place.c
tests_mpi_test_place_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_place_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_plan_mpi_SOURCES = tests/mpi/test_plan.c
tests_mpi_test_plan_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_plan_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_power_mpi_SOURCES = tests/mpi/test_power.c tests/mpi/power.c \
	tests/mpi/power.h
tests_mpi_test_power_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_power_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_recycle_mpi_SOURCES = tests/mpi/test_recycle.c
tests_mpi_test_recycle_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_recycle_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_replicated_mpi_SOURCES = tests/mpi/test_replicated.c
tests_mpi_test_replicated_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_replicated_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_reshard_mpi_SOURCES = tests/mpi/test_reshard.c
tests_mpi_test_reshard_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_reshard_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_restore_mpi_SOURCES = tests/mpi/test_restore.c
tests_mpi_test_restore_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_restore_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_save_mpi_SOURCES = tests/mpi/test_save.c
tests_mpi_test_save_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_save_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_site_mpi_SOURCES = tests/mpi/test_site.c
tests_mpi_test_site_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_site_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_stride_mpi_SOURCES = tests/mpi/test_stride.c
tests_mpi_test_stride_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_stride_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_told_mpi_SOURCES = tests/mpi/test_told.c
tests_mpi_test_told_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_told_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_watch_mpi_SOURCES = tests/mpi/test_watch.c
tests_mpi_test_watch_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_watch_mpi_LDADD = $(mpi_test_ldadd)

tests_mpi_test_wrong_mpi_SOURCES = tests/mpi/test_wrong.c
tests_mpi_test_wrong_mpi_CFLAGS = $(mpi_test_cflags)
tests_mpi_test_wrong_mpi_LDADD = $(mpi_test_ldadd)
endif

# Storms of signals at any moment against ranks that drift apart.
check_PROGRAMS += tests/mpi/chaos
TESTS += tests/mpi/run_chaos
EXTRA_DIST += tests/mpi/run_chaos
tests_mpi_chaos_SOURCES = tests/mpi/chaos.c tests/mpi/chaos.h \
	tests/mpi/chaos_judge.c tests/mpi/chaos_loop.c \
	tests/mpi/chaos_send.c tests/mpi/chaos_storm.c
tests_mpi_chaos_CFLAGS = $(AM_CFLAGS) $(MPI_CFLAGS)
tests_mpi_chaos_LDADD = librallypoint.la $(MPI_LIBS)

# The examples, as their heads say: on more ranks, then on fewer.
TESTS += tests/mpi/run_examples
EXTRA_DIST += tests/mpi/run_examples

# What tests/lib/memcheck must find.
check_PROGRAMS += tests/mpi/faults
tests_mpi_faults_SOURCES = tests/mpi/faults.c
tests_mpi_faults_CFLAGS = $(AM_CFLAGS) $(MPI_CFLAGS)
tests_mpi_faults_LDADD = $(MPI_LIBS)

# Writes what tests/python reads.
check_PROGRAMS += tests/mpi/write_types
EXTRA_DIST += tests/python/run tests/python/requirements.txt \
	tests/python/requirements-torch.txt tests/python/shard.py \
	tests/python/manifest.py tests/python/table.py \
	tests/python/test_export.py tests/python/test_safetensors.py \
	tests/python/test_schema.py tests/python/test_torch.py \
	tests/python/values.py
tests_mpi_write_types_SOURCES = tests/mpi/write_types.c
tests_mpi_write_types_CFLAGS = $(AM_CFLAGS) $(MPI_CFLAGS)
tests_mpi_write_types_LDADD = librallypoint.la $(MPI_LIBS)

# Writes what is kept in tests/old, from each version.
check_PROGRAMS += tests/mpi/write_state
tests_mpi_write_state_SOURCES = tests/mpi/write_state.c
tests_mpi_write_state_CFLAGS = $(AM_CFLAGS) $(MPI_CFLAGS)
tests_mpi_write_state_LDADD = librallypoint.la $(MPI_LIBS)
old_1 = tests/old/2026-11-23/0000-step-12
old_2 = tests/old/2026-11-28/0000-step-12
EXTRA_DIST += tests/old/README.md tests/old/newer/0001-step-12/manifest.json
EXTRA_DIST += $(old_1)/files/rank-00000/log $(old_1)/files/rank-00001/log \
	$(old_1)/files/rank-00002/log $(old_1)/files/restart \
	$(old_1)/manifest.json $(old_1)/rank-00000-of-00003.safetensors \
	$(old_1)/rank-00001-of-00003.safetensors \
	$(old_1)/rank-00002-of-00003.safetensors
EXTRA_DIST += $(old_2)/files/rank-00000/log $(old_2)/files/rank-00001/log \
	$(old_2)/files/rank-00002/log $(old_2)/files/restart \
	$(old_2)/manifest.json $(old_2)/rank-00000-of-00003.safetensors \
	$(old_2)/rank-00001-of-00003.safetensors \
	$(old_2)/rank-00002-of-00003.safetensors
