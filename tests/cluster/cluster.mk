# What the cases on the private cluster run, besides the examples.
check_PROGRAMS += tests/cluster/struck
tests_cluster_struck_SOURCES = tests/cluster/struck.c
tests_cluster_struck_CFLAGS = $(example_cflags) -ffp-contract=off
tests_cluster_struck_LDADD = $(example_ldadd)

EXTRA_DIST += tests/cluster/run tests/cluster/case.sh tests/cluster/agent.py \
	tests/cluster/cases
