dist_man_MANS = runtime/doc/rallypoint.1 runtime/doc/rallypoint.3 \
	runtime/doc/rallypoint.7
dist_doc_DATA = runtime/doc/guide.md runtime/doc/interop.md \
	runtime/doc/manifest.md runtime/doc/manifest.schema.json \
	runtime/doc/reshard.md runtime/doc/save.md runtime/doc/save.svg \
	runtime/doc/scale.md runtime/doc/scale.svg runtime/doc/slurm.md
