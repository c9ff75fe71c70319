#include "tool/check.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "data/shard.h"
#include "sys/retain.h"
#include "sys/shard_io.h"
#include "tool/load.h"

/* One checkpoint that is being looked at. */
struct look {
	struct rp_check *check;
	const struct rp_ckpt *ckpt;
	struct rp_manifest manifest;
	enum rp_depth depth;
	struct rp_bar *bar;
	char **known;	/* relative paths that belong here, sorted */
	size_t n_known;
	int no_memory;
};

/* Appends a text and takes it. */
static void append(struct look *look, char ***v, size_t *n, char *text)
{
	char **more = text ? realloc(*v, (*n + 1) * sizeof(*more)) : NULL;

	if (!more) {
		free(text);
		look->no_memory = 1;
		return;
	}
	*v = more;
	more[(*n)++] = text;
}

/* A file that is gone is damage; one that may not be read is not. */
static void note_bad(struct look *look, const struct rp_err *why)
{
	struct rp_check *check = look->check;

	if (!check->code)
		check->code = why->code;
	if (why->code == RALLY_ENOMEM)
		look->no_memory = 1;
	if (why->code == RALLY_EIO && why->sys != 0 && why->sys != ENOENT &&
	    why->sys != ELOOP)
		check->unreadable = 1;
	append(look, &check->bad.v, &check->bad.n, strdup(why->text));
}

static int check_length(const char *path, uint64_t bytes, struct rp_err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return rp_fail_errno(err, "open", path);
	if (!S_ISREG(st.st_mode))
		return rp_fail(err, RALLY_ECORRUPT, "%s: not a regular file",
			       path);
	if ((uint64_t)st.st_size != bytes)
		return rp_fail(err, RALLY_ECORRUPT,
			       "%s: %lld bytes long, the manifest says %llu",
			       path, (long long)st.st_size,
			       (unsigned long long)bytes);
	return 0;
}

/* A shard (`file` is NULL) or a file of the program's; takes `name`, relative
 * to the checkpoint. */
static void check_one(struct look *look, char *name,
		      const struct rp_piece *piece,
		      const struct rp_stored_file *file)
{
	struct rp_shard_sum sum = { piece->bytes, piece->hash,
				    piece->content };
	uint64_t bytes = file ? file->bytes : piece->bytes;
	char *path = name ? rp_path(look->ckpt->path, name) : NULL;
	struct rp_progress *progress = look->bar ? &look->bar->progress : NULL;
	struct rp_err why = { 0 };

	if (!path)
		look->no_memory = 1;
	else if (look->depth == RP_CHECK_LENGTHS)
		check_length(path, bytes, &why);
	else if (file)
		rp_file_verify(NULL, path, bytes, &file->hash, progress, &why);
	else
		rp_shard_read(NULL, path, NULL, piece->rank, &sum, progress, &why);
	if (why.code)
		note_bad(look, &why);
	if (look->bar)
		rp_bar_file_done(look->bar, bytes);
	append(look, &look->known, &look->n_known, name);
	free(path);
}

static void check_contents(struct look *look)
{
	const struct rp_manifest *m = &look->manifest;

	append(look, &look->known, &look->n_known, strdup(RP_MANIFEST_FILE));
	append(look, &look->known, &look->n_known, strdup(RP_PIN_FILE));
	for (int i = 0; i < m->ranks && !look->no_memory; i++) {
		const struct rp_piece *piece = &m->pieces[i];

		check_one(look, rp_shard_file_name(i, m->ranks), piece, NULL);
		for (size_t k = 0; k < piece->n_files; k++) {
			const struct rp_stored_file *f = &piece->files[k];

			check_one(look, rp_manifest_file_path(f->name,
							      f->scope, i),
				  piece, f);
		}
	}
}

/*
 * What else lies there
 */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whether `name` is a known file, or a folder on the way to one. */
static int is_known(const struct look *look, const char *name)
{
	size_t low = 0, high = look->n_known, length = strlen(name);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(look->known[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < look->n_known; low++) {
		const char *known = look->known[low];

		if (strncmp(known, name, length) != 0)
			return 0;
		if (known[length] == '\0' || known[length] == '/')
			return 1;
	}
	return 0;
}

/* `below` is a relative path, "" for the checkpoint itself; at most the two
 * folders deep that a checkpoint has. */
static void find_strangers(struct look *look, const char *below, int depth)
{
	char *path = rp_path(look->ckpt->path, below);
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		char *name;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		name = rp_format("%s%s%s", below, *below ? "/" : "",
				 entry->d_name);
		if (!name)
			look->no_memory = 1;
		else if (!is_known(look, name))
			append(look, &look->check->odd.v, &look->check->odd.n,
			       rp_format("%s/%s is not in the manifest",
					 look->ckpt->path, name));
		else if (depth < 2 && strncmp(name, "files", 5) == 0)
			find_strangers(look, name, depth + 1);
		free(name);
	}
	if (dir)
		closedir(dir);
	free(path);
}

/* A run that commits meanwhile prunes what is older. */
static int is_gone(const struct rp_ckpt *ckpt)
{
	struct stat st;

	return lstat(ckpt->path, &st) != 0 && errno == ENOENT;
}

int rp_check_run(struct rp_check *check, const struct rp_ckpt *ckpt,
		 enum rp_depth depth, struct rp_bar *bar, struct rp_err *err)
{
	struct look look = { .check = check, .ckpt = ckpt, .depth = depth,
			     .bar = bar };
	struct rp_err why = { 0 };

	memset(check, 0, sizeof(*check));
	if (rp_load(ckpt, &look.manifest, &why) != 0) {
		note_bad(&look, &why);
	} else {
		check->bytes = look.manifest.bytes;
		check->ranks = look.manifest.ranks;
		check_contents(&look);
		if (look.n_known > 0)
			qsort(look.known, look.n_known, sizeof(*look.known),
			      by_text);
		find_strangers(&look, "", 0);
	}
	check->gone = is_gone(ckpt);
	for (size_t i = 0; i < look.n_known; i++)
		free(look.known[i]);
	free(look.known);
	rp_manifest_free(&look.manifest);
	if (look.no_memory)
		return rp_fail(err, RALLY_ENOMEM, "%s: no memory", ckpt->path);
	return 0;
}

static void free_findings(struct rp_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		free(findings->v[i]);
	free(findings->v);
	memset(findings, 0, sizeof(*findings));
}

void rp_check_free(struct rp_check *check)
{
	free_findings(&check->bad);
	free_findings(&check->odd);
}
