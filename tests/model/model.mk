# The agreement as a model for spin; tests/run model runs it.
EXTRA_DIST += tests/model/rounds.pml tests/model/run
