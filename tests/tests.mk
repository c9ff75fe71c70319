
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
