# The fuzz targets are built by tests/fuzz/run, with clang; nothing of them is a
# part of make check.
EXTRA_DIST += tests/fuzz/run tests/fuzz/corpus \
	tests/fuzz/fuzz.c tests/fuzz/fuzz.h \
	tests/fuzz/piece_check.c tests/fuzz/piece_check.h \
	tests/fuzz/fuzz_manifest.c tests/fuzz/manifest.dict \
	tests/fuzz/fuzz_mark.c tests/fuzz/mark.dict \
	tests/fuzz/fuzz_piece.c tests/fuzz/piece.dict \
	tests/fuzz/fuzz_scontrol.c tests/fuzz/scontrol.dict \
	tests/fuzz/fuzz_shard.c tests/fuzz/shard.dict \
	tests/fuzz/fuzz_shard_file.c tests/fuzz/shard_file.dict \
	tests/fuzz/fuzz_text.c tests/fuzz/text.dict \
	tests/fuzz/hostile.py tests/fuzz/hostile_beside.py \
	tests/fuzz/hostile_manifests.py tests/fuzz/hostile_shards.py \
	tests/fuzz/test_hostile.py
