# What the cases on the private cluster run, besides the examples.
check_PROGRAMS += tests/cluster/struck
tests_cluster_struck_SOURCES = tests/cluster/struck.c
tests_cluster_struck_CFLAGS = $(example_cflags) -ffp-contract=off
tests_cluster_struck_LDADD = $(example_ldadd)
check_PROGRAMS += tests/cluster/halves
tests_cluster_halves_SOURCES = tests/cluster/halves.c
tests_cluster_halves_CFLAGS = $(example_cflags)
tests_cluster_halves_LDADD = $(example_ldadd)

EXTRA_DIST += tests/cluster/run tests/cluster/case.sh tests/cluster/cases \
	tests/cluster/agent.py \
	tests/cluster/slow_proxy.py tests/cluster/matrix/doctor.py \
	tests/cluster/matrix/events.py tests/cluster/matrix/job.py \
	tests/cluster/matrix/outcome.py tests/cluster/matrix/plan.py \
	tests/cluster/matrix/run.py tests/cluster/matrix/slurm.py \
	tests/cluster/matrix/table

# After RUN_LONG=1 tests/cluster/run matrix: the page of what came of each cell.
slurm-doc:
	$(top_srcdir)/tests/cluster/matrix/table test-logs/matrix.jsonl \
		>test-logs/slurm.md
	cp test-logs/slurm.md $(top_srcdir)/runtime/doc/
.PHONY: slurm-doc
